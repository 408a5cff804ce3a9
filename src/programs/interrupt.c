#include "interrupt.h"

#include <signal.h>
#include <stddef.h>

// The library wants an int; C guarantees volatile sig_atomic_t. They are the same type here.
_Static_assert(_Generic((sig_atomic_t)0, int : 1, default : 0), "sig_atomic_t is not int");

static volatile sig_atomic_t caught;

static void remember(int signal_number) {
    caught = signal_number;
}

void interrupt_catch(void) {
    static const int signals[] = {SIGINT, SIGTERM};
    struct sigaction old, action = {.sa_handler = remember, .sa_flags = (int)SA_RESETHAND};
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
