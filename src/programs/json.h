/* JSON objects for programs that read what ours found. */
#ifndef JSON_H
#define JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct json_number {
    const char *key;
    double value; /**< not finite: null */
};

/** Add numbers in their order; false when out of memory. */
bool json_add_numbers(cJSON *object, const struct json_number *numbers, size_t n);

/** An object as text that ends in a newline, to be freed with free(). Deletes the object; NULL when
 *  out of memory. */
char *json_text(cJSON *object);

#endif
