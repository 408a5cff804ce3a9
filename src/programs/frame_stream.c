#include "frame_stream.h"

#include "interrupt.h"
#include "program.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What is read ahead: so many frames, or as many as have so many atoms. */
enum { FRAMES = 256, ATOMS = 8192 };

struct frame_stream {
    const char *const *paths;
    size_t n_paths;
    sch_reader_options options;
    pthread_t thread;
    pthread_mutex_t mutex; // of all below
    pthread_cond_t filled, emptied;
    struct stream_item items[FRAMES]; // a ring
    size_t first, n, atoms;
    bool full;      // until half of it is taken: waking a thread costs as much as a small frame
    bool blocks;    // the present file may keep the thread waiting, as a pipe does
    bool finished;  // the thread has put its last item
    bool closing;   // nobody takes items any more
    bool abandoned; // nor waits for the thread
    char message[1024];
};

static void release(struct frame_stream *stream) {
    for (size_t i = 0; i < stream->n; i++) {
        sch_system_free(stream->items[(stream->first + i) % FRAMES].system);
        free(stream->items[(stream->first + i) % FRAMES].notice);
    }
    pthread_cond_destroy(&stream->filled);
    pthread_cond_destroy(&stream->emptied);
    pthread_mutex_destroy(&stream->mutex);
    free(stream);
}

/* ---------------------------------------------------------------- the thread */

static size_t atoms_of(const struct stream_item *item) {
    return item->system ? sch_system_n_atoms(item->system) : 0;
}

/* Append an item when there is room; false when nobody wants it. */
static bool put(struct frame_stream *stream, struct stream_item item) {
    pthread_mutex_lock(&stream->mutex);
    stream->full = stream->n == FRAMES || stream->atoms >= ATOMS;
    if (stream->full)
        pthread_cond_signal(&stream->filled);
    while (stream->full && !stream->closing)
        pthread_cond_wait(&stream->emptied, &stream->mutex);
    bool wanted = !stream->closing;
    if (wanted) {
        stream->items[(stream->first + stream->n++) % FRAMES] = item;
        stream->atoms += atoms_of(&item);
        if (stream->n >= FRAMES / 2)
            pthread_cond_signal(&stream->filled);
    }
    pthread_mutex_unlock(&stream->mutex);
    if (!wanted) {
        sch_system_free(item.system);
        free(item.notice);
    }
    return wanted;
}

static bool put_failure(struct frame_stream *stream, enum stream_event event, sch_status status) {
    snprintf(stream->message, sizeof stream->message, "%s", sch_last_error());
    put(stream, (struct stream_item){.event = event, .status = status, .message = stream->message});
    return false;
}

/* What the reader noticed since the last call. What there is no memory for goes untold. */
static bool put_notices(struct frame_stream *stream, const sch_reader *reader, size_t *told) {
    const char *notice;
    bool wanted = true;
    while (wanted && (notice = sch_reader_notice(reader, *told))) {
        struct stream_item item = {.event = STREAM_NOTICE, .notice = strdup(notice)};
        wanted = !item.notice || put(stream, item);
        ++*told;
    }
    return wanted;
}

/* All frames of a file; false when that was the last. */
static bool read_file(struct frame_stream *stream, const char *path) {
    sch_reader *reader;
    size_t told = 0;
    sch_status status = sch_reader_open_with(&reader, path, &stream->options);
    if (status != SCH_OK)
        return put_failure(stream, STREAM_CANNOT_OPEN, status);
    struct stream_item item = {.event = STREAM_FRAME};
    bool wanted = true;
    while (wanted && (status = sch_reader_next(reader, &item.system)) == SCH_OK && item.system) {
        wanted = put_notices(stream, reader, &told);
        if (wanted)
            wanted = put(stream, item);
        else
            sch_system_free(item.system);
    }
    sch_reader_free(reader);
    if (status != SCH_OK)
        return put_failure(stream, STREAM_CANNOT_READ, status);
    return wanted && put(stream, (struct stream_item){.event = STREAM_FILE_ENDS});
}

/* The standard input, a pipe or a device may have nothing to read for as long as it likes. */
static bool may_block(const char *path) {
    struct stat about;
    return strcmp(path, "-") == 0 || (stat(path, &about) == 0 && !S_ISREG(about.st_mode));
}

/* The name of a file, unless nobody wants it any more. */
static const char *start_file(struct frame_stream *stream, size_t i) {
    pthread_mutex_lock(&stream->mutex);
    const char *path = i < stream->n_paths && !stream->closing ? stream->paths[i] : NULL;
    stream->blocks = path && may_block(path);
    pthread_mutex_unlock(&stream->mutex);
    return path;
}

static void *read_files(void *argument) {
    struct frame_stream *stream = argument;
    const char *path;
    size_t i = 0;
    do
        path = start_file(stream, i++);
    while (path && read_file(stream, path));
    pthread_mutex_lock(&stream->mutex);
    stream->finished = true;
    bool abandoned = stream->abandoned;
    pthread_cond_signal(&stream->filled);
    pthread_mutex_unlock(&stream->mutex);
    if (abandoned)
        release(stream);
    return NULL;
}

/* ---------------------------------------------------------------- the caller */

struct frame_stream *frame_stream_open(const char *const *paths, size_t n,
                                       const sch_reader_options *options) {
    struct frame_stream *stream = calloc(1, sizeof *stream);
    if (!stream) {
        out_of_memory();
        return NULL;
    }
    stream->paths = paths;
    stream->n_paths = n;
    stream->options = *options;
    pthread_mutex_init(&stream->mutex, NULL);
    pthread_cond_init(&stream->filled, NULL);
    pthread_cond_init(&stream->emptied, NULL);
    int error = interrupt_free_thread(&stream->thread, read_files, stream);
    if (!error)
        return stream;
    complain("cannot start a thread: %s", strerror(error));
    release(stream);
    return NULL;
}

struct stream_item frame_stream_next(struct frame_stream *stream) {
    pthread_mutex_lock(&stream->mutex);
    if (stream->n == 0) // then for half of the room at once
        while (stream->n < FRAMES / 2 && !stream->full && !stream->finished)
            pthread_cond_wait(&stream->filled, &stream->mutex);
    struct stream_item item = stream->items[stream->first];
    stream->first = (stream->first + 1) % FRAMES;
    stream->n--;
    stream->atoms -= atoms_of(&item);
    if (stream->full && stream->n <= FRAMES / 2 && stream->atoms <= ATOMS / 2) {
        stream->full = false;
        pthread_cond_signal(&stream->emptied);
    }
    pthread_mutex_unlock(&stream->mutex);
    return item;
}

void frame_stream_close(struct frame_stream *stream) {
    if (!stream)
        return;
    pthread_mutex_lock(&stream->mutex);
    stream->closing = true;
    pthread_cond_signal(&stream->emptied);
    while (!stream->finished && !stream->blocks)
        pthread_cond_wait(&stream->filled, &stream->mutex);
    stream->abandoned = !stream->finished; // it then waits for a pipe, and frees what there is
    bool abandoned = stream->abandoned;
    pthread_t thread = stream->thread;
    pthread_mutex_unlock(&stream->mutex);
    if (abandoned) {
        pthread_detach(thread);
        return;
    }
    pthread_join(thread, NULL);
    release(stream);
}
