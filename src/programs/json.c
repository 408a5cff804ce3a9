#include "json.h"

#include "schnell.h"

#include <stdlib.h>
#include <string.h>

bool json_add_numbers(cJSON *object, const struct json_number *numbers, size_t n) {
    for (size_t i = 0; i < n; i++) // cJSON writes null for what is not finite
        if (!cJSON_AddNumberToObject(object, numbers[i].key, numbers[i].value))
            return false;
    return true;
}

/* A name of a file may be anything but UTF-8, which all of JSON is. */
static char *line_of(const char *text) {
    const size_t length = sch_valid_utf8(text, NULL, 0);
    char *line = malloc(length + sizeof "\n");
    if (line) {
        sch_valid_utf8(text, line, length + 1);
        strcpy(line + length, "\n");
    }
    return line;
}

char *json_text(cJSON *object) {
    char *text = cJSON_Print(object), *line = text ? line_of(text) : NULL;
    cJSON_free(text);
    cJSON_Delete(object);
    return line;
}
