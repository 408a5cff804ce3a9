#include "outputs.h"

#include "paths.h"
#include "program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int outputs_check(const struct named_path *paths, size_t n_inputs, size_t n) {
    for (size_t i = n_inputs; i < n; i++)
        for (size_t j = 0; j < i && paths[i].path; j++)
            if (paths[j].path && paths_same(paths[i].path, paths[j].path)) {
                complain("%s: expected another file than %s, found \"%s\" for both",
                         paths[i].option, paths[j].option, paths[i].path);
                return PROGRAM_USAGE;
            }
    for (size_t i = n_inputs; i < n; i++) {
        const char *reason = paths[i].path ? paths_not_writable(paths[i].path) : NULL;
        if (reason) {
            complain("%s: cannot be written: %s", paths[i].path, reason);
            return PROGRAM_FAILED;
        }
    }
    return PROGRAM_DONE;
}

int outputs_write_text(const char *path, char *text) {
    if (!text)
        return out_of_memory();
    sch_status status = sch_write_file(path, text, strlen(text));
    free(text);
    if (status == SCH_OK)
        return PROGRAM_DONE;
    complain("%s", sch_last_error());
    return PROGRAM_FAILED;
}

int outputs_flush(void) {
    if (fflush(stdout) == 0)
        return PROGRAM_DONE;
    complain("standard output: cannot be written: %s", strerror(errno));
    return PROGRAM_FAILED;
}
