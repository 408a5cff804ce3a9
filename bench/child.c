#include "child.h"

#include "program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NUMBERS_MOST = 64 };

/* False and errno when not all could be written. */
static bool write_all(int to, const void *bytes, size_t count) {
    for (const char *at = bytes; count > 0;) {
        ssize_t written = write(to, at, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        at += written;
        count -= (size_t)written;
    }
    return true;
}

static _Noreturn void be_child(child_work work, void *state, size_t n, int to) {
    double numbers[NUMBERS_MOST] = {0};
    int result = work(state, numbers, n);
    if (result == PROGRAM_DONE && !write_all(to, numbers, n * sizeof *numbers)) {
        complain("cannot write to a pipe: %s", strerror(errno));
        result = PROGRAM_FAILED;
    }
    _exit(result); // what the parent has in its streams is not ours to write
}

int child_start(struct child *child, child_work work, void *state, size_t n) {
    int ends[2];
    *child = (struct child){.process = -1, .from = -1};
    if (n <= NUMBERS_MOST && pipe(ends) == 0) {
        child->process = fork();
        if (child->process == 0)
            be_child(work, state, n, ends[1]);
        close(ends[1]);
        child->from = ends[0];
    }
    if (child->process > 0)
        return PROGRAM_DONE;
    complain("cannot start a process: %s", strerror(errno));
    if (child->from >= 0)
        close(child->from);
    return PROGRAM_FAILED;
}

static int wait_for(pid_t process) {
    int status;
    while (waitpid(process, &status, 0) < 0)
        if (errno != EINTR) {
            complain("cannot wait for a process: %s", strerror(errno));
            return PROGRAM_FAILED;
        }
    if (WIFEXITED(status))
        return WEXITSTATUS(status); // it has complained
    complain("a process that measured was ended by signal %d", WTERMSIG(status));
    return 128 + WTERMSIG(status);
}

/* As many bytes as there are until the pipe ends, or -1. */
static ssize_t read_all(int from, void *to, size_t bytes) {
    size_t done = 0;
    while (done < bytes) {
        ssize_t got = read(from, (char *)to + done, bytes - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -1 : (ssize_t)done;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

int child_finish(struct child *child, double numbers[], size_t n) {
    size_t bytes = n * sizeof *numbers;
    ssize_t got = read_all(child->from, numbers, bytes);
    int error = errno;
    int result = wait_for(child->process);
    close(child->from);
    if (result != PROGRAM_DONE || got == (ssize_t)bytes)
        return result;
    complain("cannot read what a process measured: %s",
             got < 0 ? strerror(error) : "it gave too few figures");
    return PROGRAM_FAILED;
}
