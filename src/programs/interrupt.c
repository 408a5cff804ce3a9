#include "interrupt.h"

#include <signal.h>
#include <stddef.h>

// The library wants an int; C guarantees volatile sig_atomic_t. They are the same type here.
_Static_assert(_Generic((sig_atomic_t)0, int : 1, default : 0), "sig_atomic_t is not int");

static volatile sig_atomic_t caught;

/* The first signal tells how the run ends. A second SIGINT or SIGTERM ends the program at once. But
 * a terminal that is closed may send SIGHUP more than once, and the kernel sends SIGXCPU each
 * second once a limit is reached: these must not end the program while it writes its last files. */
static void remember(int signal_number) {
    if (!caught)
        caught = signal_number;
    signal(signal_number, signal_number == SIGHUP || signal_number == SIGXCPU ? SIG_IGN : SIG_DFL);
}

void interrupt_catch(void) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGXCPU};
    struct sigaction old, action = {.sa_handler = remember};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    signal(SIGXFSZ, SIG_IGN);
}

const volatile int *interrupt_signal(void) {
    return &caught;
}

int interrupt_free_thread(pthread_t *thread, void *(*work)(void *), void *argument) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(thread, NULL, work, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}
