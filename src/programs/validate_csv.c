#include "validate_csv.h"

#include "interrupt.h"
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* ---------------------------------------------------------------- the file; all give an errno */

static int start_pending(struct csv *csv) {
    csv->pending = open_memstream(&csv->text, &csv->size);
    return csv->pending ? 0 : errno;
}

static void drop_pending(struct csv *csv) {
    if (csv->pending)
        fclose(csv->pending);
    free(csv->text);
    csv->pending = NULL;
    csv->text = NULL;
    csv->size = 0;
}

static int write_all(const struct csv *csv) {
    for (size_t done = 0; done < csv->size;) {
        ssize_t written = write(csv->file, csv->text + done, csv->size - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno;
        done += (size_t)written;
    }
    return 0;
}

static int flush(struct csv *csv) {
    if (fflush(csv->pending) != 0 || ferror(csv->pending))
        return errno ? errno : ENOMEM;
    int error = write_all(csv);
    drop_pending(csv);
    return error ? error : start_pending(csv);
}

/* A device or a pipe cannot be synchronised, and need not be. */
static int synchronise(const struct csv *csv) {
    bool sound = fsync(csv->file) == 0 || errno == EINVAL || errno == EROFS || errno == ENOTSUP;
    return sound ? 0 : errno;
}

/* ---------------------------------------------------------------- the thread */

static int write_window(struct csv *csv, const struct window *window) {
    for (size_t i = 0; i < window->n; i++)
        put_frame(csv->pending, window->file, window->first + (long)i, window->systems[i],
                  window->predicted[i].forces);
    return flush(csv);
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
        int error = write_window(csv, csv->window); // which the caller leaves as it is meanwhile
        pthread_mutex_lock(&csv->mutex);
        csv->error = error;
        csv->window = NULL;
        pthread_cond_broadcast(&csv->changed);
    }
    pthread_mutex_unlock(&csv->mutex);
    return NULL;
}

/* 0, or an errno. */
static int start_thread(struct csv *csv) {
    pthread_mutex_init(&csv->mutex, NULL);
    pthread_cond_init(&csv->changed, NULL);
    int error = interrupt_free_thread(&csv->thread, write_windows, csv);
    csv->started = error == 0;
    return error;
}

/* ---------------------------------------------------------------- the caller */

static bool failed(const struct csv *csv, int error) {
    complain("%s: cannot be written: %s", csv->path, strerror(error));
    return false;
}

bool csv_open(struct csv *csv, const char *path) {
    *csv = (struct csv){.path = path};
    csv->file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (csv->file < 0)
        return failed(csv, errno);
    csv->open = true;
    int error = start_pending(csv);
    if (!error)
        error = start_thread(csv);
    if (error)
        return failed(csv, error);
    fputs(COLUMNS, csv->pending);
    return true;
}

/* Wait until the thread has nothing to do; gives the errno of its failure. */
static int settle(struct csv *csv) {
    pthread_mutex_lock(&csv->mutex);
    while (csv->window)
        pthread_cond_wait(&csv->changed, &csv->mutex);
    int error = csv->error;
    pthread_mutex_unlock(&csv->mutex);
    return error;
}

bool csv_add(struct csv *csv, const struct window *window) {
    int error = settle(csv);
    if (error)
        return failed(csv, error);
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
    int error = settle(csv);
    if (!error)
        error = flush(csv);
    if (!error)
        error = synchronise(csv);
    if (error)
        return failed(csv, error);
    stop_thread(csv);
    drop_pending(csv);
    csv->open = false;
    return close(csv->file) == 0 || failed(csv, errno);
}

void csv_discard(struct csv *csv) {
    struct stat about;
    if (!csv->open)
        return;
    stop_thread(csv);
    drop_pending(csv);
    bool ordinary = fstat(csv->file, &about) == 0 && S_ISREG(about.st_mode);
    close(csv->file);
    if (ordinary)
        unlink(csv->path);
    csv->open = false;
}
