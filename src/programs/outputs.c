#include "outputs.h"

#include "paths.h"
#include "program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A long run must not end with a file that cannot be written. */
static bool can_be_written(const char *path) {
    const char *reason = paths_not_writable(path);
    if (reason)
        complain("%s: cannot be written: %s", path, reason);
    else if (sch_output_check(path) != SCH_OK)
        complain("%s", sch_last_error());
    else
        return true;
    return false;
}

int outputs_check(const struct named_path *paths, size_t n_inputs, size_t n) {
    for (size_t i = n_inputs; i < n; i++)
        for (size_t j = 0; j < i && paths[i].path; j++)
            if (paths[j].path && paths_same(paths[i].path, paths[j].path)) {
                complain("%s: \"%s\" is the file of %s already; choose another name",
                         paths[i].option, paths[i].path, paths[j].option);
                return PROGRAM_USAGE;
            }
    for (size_t i = n_inputs; i < n; i++)
        if (paths[i].path && !can_be_written(paths[i].path))
            return PROGRAM_FAILED;
    return PROGRAM_DONE;
}

static int failed(void) {
    complain("%s", sch_last_error());
    return PROGRAM_FAILED;
}

/* Tell the new name of an older file, if there is one, and free it. */
static void tell_older(const char *path, char *older, const struct replacing *how) {
    if (older && !how->quiet)
        complain("note: %s was there already: kept as %s", path, older);
    free(older);
}

int outputs_make_room(const char *path, const struct replacing *how) {
    char *older = NULL;
    if (!path || how->overwrite)
        return PROGRAM_DONE;
    if (sch_set_aside(path, &older) != SCH_OK)
        return failed();
    tell_older(path, older, how);
    return PROGRAM_DONE;
}

int outputs_write(const char *path, const void *content, size_t bytes,
                  const struct replacing *how) {
    char *older = NULL;
    sch_status status = how->overwrite ? sch_write_file(path, content, bytes)
                                       : sch_write_file_keeping(path, content, bytes, &older);
    tell_older(path, older, how);
    return status == SCH_OK ? PROGRAM_DONE : failed();
}

int outputs_write_text(const char *path, char *text, const struct replacing *how) {
    if (!text)
        return out_of_memory();
    int result = outputs_write(path, text, strlen(text), how);
    free(text);
    return result;
}

int outputs_flush(void) {
    if (fflush(stdout) == 0)
        return PROGRAM_DONE;
    complain("standard output: cannot be written: %s", strerror(errno));
    return PROGRAM_FAILED;
}
