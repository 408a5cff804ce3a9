/*
 * An H5MD file at a checkpoint, and again after its program was killed.
 *
 * HDF5 writes frames where nothing was before, but changes its own records in place. So a
 * checkpoint holds a copy of all in the file that is no frame: 40 kB for each system, and 80 bytes
 * for each chunk of frames. A restart writes it back, which makes the file what it was at the
 * checkpoint, whatever came after, a machine that went down included: the frames before the
 * checkpoint are still where they were.
 */
#include "md/h5md_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_lock.h"
#include "base/hdf5_guard.h"
#include "base/memory.h"
#include "base/positioned.h"

/** Bytes of the record that a file begins with, in the format of HDF5 1.8. */
#define SUPERBLOCK 48

/* ---------------------------------------------------------------- where the frames lie */

static sch_status list_chunk(struct h5md *file, const struct hdf5_series *series, hsize_t frame,
                             hsize_t row) {
    haddr_t address;
    hsize_t bytes;
    if (!hdf5_chunk_place(&file->writer, series, frame, row, &address, &bytes))
        return h5md_cannot(file, "write", file->writer.reason);
    SCH_TRY(memory_grow(&file->chunks, &file->chunk_capacity, file->n_chunks, file->n_chunks + 1,
                        sizeof *file->chunks));
    file->chunks[file->n_chunks++] = (struct stretch){address, bytes};
    return SCH_OK;
}

/** The chunks of a series that came since the last mark. */
static sch_status list_series(struct h5md *file, struct group *group, enum series which) {
    const struct hdf5_series *series = &group->series[which];
    hsize_t *listed = &group->listed[which];
    for (; *listed < group->frames; *listed += series->chunk[0])
        for (hsize_t row = 0; row == 0 || row < series->shape[1]; row += series->chunk[1])
            SCH_TRY(list_chunk(file, series, *listed, row));
    return SCH_OK;
}

static int by_place(const void *a, const void *b) {
    const struct stretch *left = a, *right = b;
    return left->from < right->from ? -1 : left->from > right->from;
}

static sch_status list_chunks(struct h5md *file) {
    for (size_t g = 0; g < file->n_groups; g++)
        for (enum series which = 0; which < SERIES; which++)
            if (h5md_has_series(&file->groups[g], which))
                SCH_TRY(list_series(file, &file->groups[g], which));
    if (file->n_chunks > 0)
        qsort(file->chunks, file->n_chunks, sizeof *file->chunks, by_place);
    return SCH_OK;
}

/** The file is known again by the first system's last positions. */
static sch_status choose_stretch(struct h5md *file, struct file_mark *mark) {
    const struct group *group = &file->groups[0];
    const struct hdf5_series *series = &group->series[POSITION];
    haddr_t address;
    hsize_t bytes;
    *mark = (struct file_mark){0};
    if (file->n_chunks > 0) {
        const struct stretch *last = &file->chunks[file->n_chunks - 1];
        mark->bytes = last->from + last->count;
    }
    if (group->frames == 0)
        return SCH_OK;
    if (!hdf5_chunk_place(&file->writer, series, group->frames - 1, 0, &address, &bytes))
        return h5md_cannot(file, "write", file->writer.reason);
    mark->count = bytes / series->chunk[0];
    mark->from = address + (group->frames - 1) % series->chunk[0] * mark->count;
    return SCH_OK;
}

/* ---------------------------------------------------------------- what is no frame */

/** A piece of the file: where it begins, its length, its bytes. */
static sch_status put_piece(const struct h5md *file, uint64_t from, uint64_t to,
                            struct sealed *checkpoint) {
    char *bytes = NULL;
    if (from == to)
        return SCH_OK;
    SCH_TRY(sealed_put_number(checkpoint, from));
    SCH_TRY(sealed_put_number(checkpoint, to - from));
    SCH_TRY(memory_new(&bytes, to - from, 1));
    size_t got;
    int error = positioned_read(file->descriptor, bytes, to - from, from, &got);
    if (!error && got < to - from)
        error = EIO;
    sch_status status = error ? h5md_cannot(file, "read", strerror(error))
                              : sealed_put(checkpoint, bytes, to - from);
    free(bytes);
    return status;
}

/** All that lies before, between and behind the chunks of frames, and the end of the file. */
static sch_status put_pieces(const struct h5md *file, struct sealed *checkpoint) {
    struct stat about;
    uint64_t place = 0;
    if (fstat(file->descriptor, &about) != 0)
        return h5md_cannot(file, "read", strerror(errno));
    for (size_t c = 0; c < file->n_chunks; c++) {
        SCH_TRY(put_piece(file, place, file->chunks[c].from, checkpoint));
        place = file->chunks[c].from + file->chunks[c].count;
    }
    SCH_TRY(put_piece(file, place, (uint64_t)about.st_size, checkpoint));
    SCH_TRY(sealed_put_number(checkpoint, (uint64_t)about.st_size));
    return sealed_put_number(checkpoint, 0); /* bytes from there on: no more pieces */
}

static sch_status put_groups(const struct h5md *file, struct sealed *checkpoint) {
    SCH_TRY(sealed_put_number(checkpoint, file->n_groups));
    for (size_t g = 0; g < file->n_groups; g++) {
        SCH_TRY(sealed_put_number(checkpoint, file->groups[g].n_atoms));
        SCH_TRY(sealed_put_number(checkpoint, file->groups[g].has_cell));
        SCH_TRY(sealed_put_number(checkpoint, file->groups[g].frames));
    }
    return SCH_OK;
}

/** What cannot be flushed is kept, and tried again with the next flush: it is told of once. */
static sch_status flush_and_list(struct h5md *file, struct file_mark *mark) {
    if (!hdf5_flush(&file->writer)) {
        sch_status status = h5md_cannot(file, "write", file->writer.reason);
        hdf5_forget(&file->writer);
        return status;
    }
    SCH_TRY(list_chunks(file));
    return choose_stretch(file, mark);
}

sch_status h5md_mark(struct h5md *file, struct file_mark *mark, struct sealed *checkpoint) {
    if (file->broken)
        return h5md_cannot(file, "write", "an earlier write failed");
    SCH_TRY(file_lock_check_name(file->descriptor, file->path));
    struct hdf5_guard guard = hdf5_enter();
    sch_status status = flush_and_list(file, mark);
    hdf5_leave(guard);
    SCH_TRY(status);
    SCH_TRY(h5md_flush_to_disk(file));
    SCH_TRY(file_mark_take(mark, file->path));
    SCH_TRY(put_groups(file, checkpoint));
    return put_pieces(file, checkpoint);
}

/* ---------------------------------------------------------------- going on */

static sch_status take_groups(struct h5md **file, const char *path, struct sealed *checkpoint) {
    enum { GROUP_BYTES = 3 * sizeof(uint64_t), ATOM_BYTES = 3 * sizeof(double) };
    uint64_t has_cell, frames;
    size_t n = 0, n_atoms = 0;
    SCH_TRY(sealed_take_count(checkpoint, GROUP_BYTES, &n));
    SCH_TRY(h5md_new(file, path, n));
    for (size_t g = 0; g < n; g++) {
        SCH_TRY(sealed_take_count(checkpoint, ATOM_BYTES, &n_atoms));
        SCH_TRY(sealed_take_number(checkpoint, &has_cell));
        SCH_TRY(sealed_take_number(checkpoint, &frames));
        struct group *group = &(*file)->groups[g];
        group->n_atoms = n_atoms;
        group->has_cell = has_cell;
        group->frames = frames;
        (*file)->begun |= frames > 0;
    }
    return h5md_make_room(*file);
}

/** What a checkpoint holds of the file. */
struct piece {
    uint64_t from, count;
    const unsigned char *bytes; /* borrowed from the checkpoint */
};

static int write_piece(const struct h5md *file, const struct piece *piece) {
    return positioned_write(file->descriptor, piece->bytes, piece->count, piece->from);
}

/**
 * Write back what is no frame, and cut off what came later: in an order in which each record finds
 * all that it points to, as hdf5_ordered.h has it for the other direction. The first piece has the
 * superblock and all headers, which were made before the first frame; of the others the later made
 * belong to the lower levels of the trees.
 */
static int write_back(const struct h5md *file, const struct piece *pieces, size_t n, off_t size) {
    const struct piece *first = &pieces[0];
    const uint64_t head = first->count < SUPERBLOCK ? first->count : SUPERBLOCK;
    int error = positioned_write(file->descriptor, first->bytes + head, first->count - head,
                                 first->from + head);
    for (size_t p = n; p > 1 && !error; p--)
        error = write_piece(file, &pieces[p - 1]);
    if (!error)
        error = positioned_write(file->descriptor, first->bytes, head, first->from);
    return error || ftruncate(file->descriptor, size) == 0 ? error : errno;
}

static sch_status take_piece(struct sealed *checkpoint, struct piece *piece) {
    SCH_TRY(sealed_take_number(checkpoint, &piece->from));
    SCH_TRY(sealed_take_number(checkpoint, &piece->count));
    return sealed_pass(checkpoint, piece->count, &piece->bytes);
}

/** Take all pieces; the last is empty, and tells the size of the file. */
static sch_status list_pieces(struct sealed *checkpoint, struct piece **pieces, size_t *n) {
    size_t capacity = 0;
    do {
        SCH_TRY(memory_grow(pieces, &capacity, *n, *n + 1, sizeof **pieces));
        SCH_TRY(take_piece(checkpoint, &(*pieces)[*n]));
    } while ((*pieces)[(*n)++].count > 0);
    return SCH_OK;
}

static sch_status take_pieces(const struct h5md *file, struct sealed *checkpoint) {
    struct piece *pieces = NULL;
    size_t n = 0;
    sch_status status = list_pieces(checkpoint, &pieces, &n);
    if (status == SCH_OK) {
        int error = write_back(file, pieces, n - 1, (off_t)pieces[n - 1].from);
        status = error ? h5md_cannot(file, "write", strerror(error)) : SCH_OK;
    }
    free(pieces);
    return status;
}

static bool open_group(struct hdf5_writer *writer, struct group *group) {
    for (enum series which = 0; which < SERIES; which++)
        if (h5md_has_series(group, which) &&
            (!h5md_begin_series(writer, group, which, hdf5_open_series) ||
             group->series[which].shape[0] != group->frames))
            return false;
    h5md_plan_frame(group);
    return true;
}

static bool open_groups(struct h5md *file) {
    bool good = hdf5_reopen(&file->writer, file->path);
    for (size_t g = 0; good && g < file->n_groups; g++)
        good = open_group(&file->writer, &file->groups[g]);
    return good;
}

static sch_status reopen(struct h5md *file, const struct file_mark *mark,
                         struct sealed *checkpoint) {
    SCH_TRY(file_lock_open(&file->descriptor, file->path, O_RDWR, "open"));
    SCH_TRY(file_mark_check(mark, file->path));
    SCH_TRY(take_pieces(file, checkpoint));
    struct hdf5_guard guard = hdf5_enter();
    bool good = open_groups(file);
    hdf5_leave(guard);
    const char *reason = file->writer.reason;
    return good ? SCH_OK
                : h5md_cannot(file, "open", *reason ? reason : "it has another number of frames");
}

sch_status h5md_resume(struct h5md **file, const char *path, const struct file_mark *mark,
                       struct sealed *checkpoint) {
    struct h5md *fresh = NULL;
    sch_status status = take_groups(&fresh, path, checkpoint);
    if (status == SCH_OK)
        status = reopen(fresh, mark, checkpoint);
    if (status == SCH_OK)
        *file = fresh;
    else if (fresh)
        h5md_release(fresh);
    return status;
}
