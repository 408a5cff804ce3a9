#include "json.h"

#include <stdio.h>

bool json_add_numbers(cJSON *object, const struct json_number *numbers, size_t n) {
    for (size_t i = 0; i < n; i++) // cJSON writes null for what is not finite
        if (!cJSON_AddNumberToObject(object, numbers[i].key, numbers[i].value))
            return false;
    return true;
}

char *json_text(cJSON *object) {
    char *text = cJSON_Print(object), *line = NULL;
    if (text && asprintf(&line, "%s\n", text) < 0)
        line = NULL;
    cJSON_free(text);
    cJSON_Delete(object);
    return line;
}
