#include "child.h"

#include "program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NUMBERS_MOST = 64 };

static _Noreturn void be_child(child_work work, void *state, size_t n, int to) {
    double numbers[NUMBERS_MOST] = {0};
    int result = work(state, numbers, n);
    size_t bytes = n * sizeof *numbers;
    if (result == PROGRAM_DONE && write(to, numbers, bytes) != (ssize_t)bytes)
        result = PROGRAM_FAILED;
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
    complain("expected a process, found none: %s", strerror(errno));
    if (child->from >= 0)
        close(child->from);
    return PROGRAM_FAILED;
}

static int wait_for(pid_t process) {
    int status;
    while (waitpid(process, &status, 0) < 0)
        if (errno != EINTR)
            return PROGRAM_FAILED;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int child_finish(struct child *child, double numbers[], size_t n) {
    size_t bytes = n * sizeof *numbers;
    ssize_t got;
    do
        got = read(child->from, numbers, bytes);
    while (got < 0 && errno == EINTR);
    int result = wait_for(child->process);
    close(child->from);
    if (result != PROGRAM_DONE || got == (ssize_t)bytes)
        return result;
    complain("expected figures of a process, found none");
    return PROGRAM_FAILED;
}
