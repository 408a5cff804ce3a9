#include "md/background.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "md/system.h"

/** Frames that may wait: as many as fit into ROOM bytes, within these bounds for each replica. */
enum { SLOTS_LEAST = 2, SLOTS_MOST = 64, ROOM = 16 << 20 };

/** A frame waits no longer than this for the thread to look, ns. Waking it costs as much as a frame
 *  of a small molecule, so that is done only when half of the room is taken. */
enum { NAP = 20000000 };

struct frame {
    size_t replica;
    sch_system *system; /* a copy; NULL: none */
    double *forces;     /* [n][3] */
    sch_state state;
};

struct background {
    background_write write;
    void *target;
    pthread_t thread;
    pthread_mutex_t mutex; /* of all below, but for the frames themselves: one that waits is the
                              thread's, any other the caller's */
    pthread_cond_t changed;
    size_t n_replicas;
    struct frame *frames; /* [slots] a ring, made for the first frame */
    size_t slots;
    size_t first, waiting;
    bool stopping;
    sch_status status; /* of the first frame that could not be written */
    bool told;         /* a background_put has given it */
    char reason[512];
};

/* ---------------------------------------------------------------- the thread */

/** Write the first frame that waits. Called with the lock held, which it gives up meanwhile. */
static void write_first(struct background *background) {
    const struct frame *frame = &background->frames[background->first];
    if (background->status == SCH_OK) {
        pthread_mutex_unlock(&background->mutex);
        sch_status status = background->write(background->target, frame->replica, frame->system,
                                              frame->forces, &frame->state);
        pthread_mutex_lock(&background->mutex);
        background->status = status;
        if (status != SCH_OK)
            snprintf(background->reason, sizeof background->reason, "%s", sch_last_error());
    }
    background->first = (background->first + 1) % background->slots;
    background->waiting--;
    pthread_cond_broadcast(&background->changed);
}

static void nap(struct background *background) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_nsec += NAP;
    end.tv_sec += end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&background->changed, &background->mutex, &end);
}

static void *write_frames(void *argument) {
    struct background *background = argument;
    pthread_mutex_lock(&background->mutex);
    while (background->waiting > 0 || !background->stopping) {
        if (background->waiting > 0)
            write_first(background);
        else
            nap(background);
    }
    pthread_mutex_unlock(&background->mutex);
    return NULL;
}

/** Start a thread that no signal interrupts: those are for the caller. 0, or an errno. */
static int start_thread(struct background *background) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&background->thread, NULL, write_frames, background);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static void release(struct background *background) {
    for (size_t i = 0; i < background->slots; i++) {
        sch_system_free(background->frames[i].system);
        free(background->frames[i].forces);
    }
    free(background->frames);
    pthread_cond_destroy(&background->changed);
    pthread_mutex_destroy(&background->mutex);
    free(background);
}

sch_status background_start(struct background **background, size_t n_replicas,
                            background_write write, void *target) {
    struct background *fresh = NULL;
    SCH_TRY(memory_new(&fresh, 1, sizeof *fresh));
    fresh->n_replicas = n_replicas;
    fresh->write = write;
    fresh->target = target;
    pthread_mutex_init(&fresh->mutex, NULL);
    pthread_cond_init(&fresh->changed, NULL);
    int error = start_thread(fresh);
    if (error) {
        release(fresh);
        return fail(SCH_ERROR_MEMORY, "cannot start a thread: %s", strerror(error));
    }
    *background = fresh;
    return SCH_OK;
}

/* ---------------------------------------------------------------- the caller */

/** The thread does not look at the ring before a frame waits in it. */
static sch_status make_ring(struct background *background, const sch_system *system) {
    if (background->slots > 0)
        return SCH_OK;
    size_t bytes = system ? system->n_atoms * (10 * sizeof(double) + sizeof(int)) : 1;
    size_t slots = ROOM / bytes, n = background->n_replicas;
    if (slots < SLOTS_LEAST * n)
        slots = SLOTS_LEAST * n;
    if (slots > SLOTS_MOST * n)
        slots = SLOTS_MOST * n;
    SCH_TRY(memory_new(&background->frames, slots, sizeof *background->frames));
    background->slots = slots;
    return SCH_OK;
}

/** Make a frame's system one of as many atoms. */
static sch_status make_room(struct frame *frame, const sch_system *system) {
    if (frame->system && frame->system->n_atoms == system->n_atoms)
        return SCH_OK;
    sch_system_free(frame->system);
    free(frame->forces);
    frame->system = NULL;
    frame->forces = NULL;
    SCH_TRY(memory_new(&frame->forces, system->n_atoms, 3 * sizeof(double)));
    return sch_system_create(&frame->system, system->n_atoms, system->species, system->positions,
                             NULL, NULL);
}

/** Copy what writers of frames look at. */
static sch_status copy_frame(struct frame *frame, size_t replica, const sch_system *system,
                             const double *forces, const sch_state *state) {
    frame->replica = replica;
    frame->state = *state;
    if (!system)
        return SCH_OK;
    SCH_TRY(make_room(frame, system));
    size_t n = system->n_atoms;
    sch_system *copy = frame->system;
    memcpy(copy->species, system->species, n * sizeof(int));
    memcpy(copy->masses, system->masses, n * sizeof(double));
    memcpy(copy->positions, system->positions, 3 * n * sizeof(double));
    memcpy(copy->velocities, system->velocities, 3 * n * sizeof(double));
    memcpy(copy->cell, system->cell, sizeof copy->cell);
    memcpy(copy->periodic, system->periodic, sizeof copy->periodic);
    copy->has_cell = system->has_cell;
    memcpy(frame->forces, forces, 3 * n * sizeof(double));
    return SCH_OK;
}

/** Wait for a frame that nobody uses; NULL after a failure of the thread. */
static struct frame *free_frame(struct background *background) {
    pthread_mutex_lock(&background->mutex);
    while (background->waiting == background->slots && background->status == SCH_OK)
        pthread_cond_wait(&background->changed, &background->mutex);
    background->told = background->status != SCH_OK;
    size_t next = (background->first + background->waiting) % background->slots;
    bool failed = background->told;
    pthread_mutex_unlock(&background->mutex);
    return failed ? NULL : &background->frames[next];
}

sch_status background_put(struct background *background, size_t replica, const sch_system *system,
                          const double *forces, const sch_state *state) {
    SCH_TRY(make_ring(background, system));
    struct frame *frame = free_frame(background);
    if (!frame)
        return fail(background->status, "%s", background->reason);
    SCH_TRY(copy_frame(frame, replica, system, forces, state));
    pthread_mutex_lock(&background->mutex);
    background->waiting++;
    if (2 * background->waiting >= background->slots)
        pthread_cond_broadcast(&background->changed);
    pthread_mutex_unlock(&background->mutex);
    return SCH_OK;
}

sch_status background_drain(struct background *background) {
    pthread_mutex_lock(&background->mutex);
    pthread_cond_broadcast(&background->changed);
    while (background->waiting > 0)
        pthread_cond_wait(&background->changed, &background->mutex);
    background->told = background->status != SCH_OK;
    pthread_mutex_unlock(&background->mutex);
    return background->told ? fail(background->status, "%s", background->reason) : SCH_OK;
}

sch_status background_stop(struct background *background) {
    if (!background)
        return SCH_OK;
    pthread_mutex_lock(&background->mutex);
    background->stopping = true;
    pthread_cond_broadcast(&background->changed);
    pthread_mutex_unlock(&background->mutex);
    pthread_join(background->thread, NULL);
    sch_status status = background->told ? SCH_OK : background->status;
    if (status != SCH_OK)
        set_message("%s", background->reason);
    release(background);
    return status;
}
