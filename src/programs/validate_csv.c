#include "validate_csv.h"

#include "interrupt.h"
#include "program.h"

#include <stdlib.h>
#include <string.h>

static const char COLUMNS[] =
    "file,frame,atom,element,axis,reference_eV_per_A,predicted_eV_per_A\n";

/* ---------------------------------------------------------------- lines */

/* RFC 4180: a name with a comma, a quote or a line break goes into quotes. */
static void put_name(FILE *stream, const char *name) {
    if (!strpbrk(name, ",\"\r\n")) {
        fputs(name, stream);
        return;
    }
    putc('"', stream);
    for (; *name; name++) {
        if (*name == '"')
            putc('"', stream);
        putc(*name, stream);
    }
    putc('"', stream);
}

static void put_frame(FILE *stream, const char *file, long frame, const sch_system *system,
                      const double *predicted) {
    const double *reference = sch_system_reference_forces(system);
    const int *elements = sch_system_atomic_numbers(system);
    size_t n = sch_system_n_atoms(system);
    for (size_t k = 0; reference && k < 3 * n; k++) {
        put_name(stream, file);
        fprintf(stream, ",%ld,%zu,%s,%c,%.10g,%.10g\n", frame, k / 3 + 1,
                sch_element_symbol(elements[k / 3]), "xyz"[k % 3], reference[k], predicted[k]);
    }
}

/* ---------------------------------------------------------------- the file */

/* The first failure tells. */
static bool fail(struct csv *csv, const char *reason) {
    if (!csv->failed)
        snprintf(csv->reason, sizeof csv->reason, "%s", reason);
    csv->failed = true;
    return false;
}

static bool start_pending(struct csv *csv) {
    csv->pending = open_memstream(&csv->text, &csv->size);
    return csv->pending || fail(csv, "out of memory");
}

static void drop_pending(struct csv *csv) {
    if (csv->pending)
        fclose(csv->pending);
    free(csv->text);
    csv->pending = NULL;
    csv->text = NULL;
    csv->size = 0;
}

static bool flush(struct csv *csv) {
    if (fflush(csv->pending) != 0 || ferror(csv->pending))
        return fail(csv, "out of memory");
    sch_status status = sch_output_append(csv->output, csv->text, csv->size);
    drop_pending(csv);
    return status == SCH_OK ? start_pending(csv) : fail(csv, sch_last_error());
}

/* ---------------------------------------------------------------- the thread */

static void write_window(struct csv *csv, const struct window *window) {
    for (size_t i = 0; i < window->n; i++)
        put_frame(csv->pending, window->file, window->first + (long)i, window->systems[i],
                  window->predicted[i].forces);
    if (!csv->failed)
        flush(csv);
}

static void *write_windows(void *argument) {
    struct csv *csv = argument;
    pthread_mutex_lock(&csv->mutex);
    while (csv->window || !csv->stopping) {
        if (!csv->window) {
            pthread_cond_wait(&csv->changed, &csv->mutex);
            continue;
        }
        pthread_mutex_unlock(&csv->mutex);
        write_window(csv, csv->window); // which the caller leaves as it is meanwhile
        pthread_mutex_lock(&csv->mutex);
        csv->window = NULL;
        pthread_cond_broadcast(&csv->changed);
    }
    pthread_mutex_unlock(&csv->mutex);
    return NULL;
}

static bool start_thread(struct csv *csv) {
    pthread_mutex_init(&csv->mutex, NULL);
    pthread_cond_init(&csv->changed, NULL);
    int error = interrupt_free_thread(&csv->thread, write_windows, csv);
    csv->started = error == 0;
    char reason[128];
    snprintf(reason, sizeof reason, "cannot start a thread: %s", strerror(error));
    return csv->started || fail(csv, reason);
}

/* ---------------------------------------------------------------- the caller */

static bool told(const struct csv *csv) {
    if (csv->failed)
        complain("%s", csv->reason);
    return !csv->failed;
}

bool csv_open(struct csv *csv, const char *path) {
    *csv = (struct csv){.path = path};
    if (sch_output_create(&csv->output, path) != SCH_OK)
        fail(csv, sch_last_error());
    else if (start_pending(csv) && start_thread(csv))
        fputs(COLUMNS, csv->pending);
    return told(csv);
}

/* Wait until the thread has nothing to do. */
static void settle(struct csv *csv) {
    pthread_mutex_lock(&csv->mutex);
    while (csv->window)
        pthread_cond_wait(&csv->changed, &csv->mutex);
    pthread_mutex_unlock(&csv->mutex);
}

bool csv_add(struct csv *csv, const struct window *window) {
    settle(csv);
    if (csv->failed)
        return told(csv);
    pthread_mutex_lock(&csv->mutex);
    csv->window = window;
    pthread_cond_broadcast(&csv->changed);
    pthread_mutex_unlock(&csv->mutex);
    return true;
}

/* End the thread after what it was given. */
static void stop_thread(struct csv *csv) {
    if (!csv->started)
        return;
    pthread_mutex_lock(&csv->mutex);
    csv->stopping = true;
    pthread_cond_broadcast(&csv->changed);
    pthread_mutex_unlock(&csv->mutex);
    pthread_join(csv->thread, NULL);
    pthread_cond_destroy(&csv->changed);
    pthread_mutex_destroy(&csv->mutex);
    csv->started = false;
}

bool csv_close(struct csv *csv) {
    settle(csv);
    if (!csv->failed)
        flush(csv);
    if (csv->failed)
        return told(csv);
    stop_thread(csv);
    drop_pending(csv);
    if (sch_output_close(csv->output) != SCH_OK)
        fail(csv, sch_last_error());
    csv->output = NULL;
    return told(csv);
}

void csv_discard(struct csv *csv) {
    stop_thread(csv);
    drop_pending(csv);
    sch_output_discard(csv->output);
    csv->output = NULL;
}
