#include "md/notices.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/decimal.h"

sch_status notices_add(struct notices *notices, enum notice which, const char *format, ...) {
    va_list arguments;
    if (notices->told[which])
        return SCH_OK;
    va_start(arguments, format);
    int length = decimal_print_new(&notices->lines[notices->n], format, arguments);
    va_end(arguments);
    if (length < 0) {
        notices->lines[notices->n] = NULL;
        return fail(SCH_ERROR_MEMORY, "out of memory");
    }
    notices->told[which] = true;
    notices->n++;
    return SCH_OK;
}

void notices_free(struct notices *notices) {
    for (size_t k = 0; k < notices->n; k++)
        free(notices->lines[k]);
    *notices = (struct notices){0};
}
