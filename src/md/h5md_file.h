/* An H5MD file as the files beside h5md.c see it. */
#ifndef SCH_MD_H5MD_FILE_H
#define SCH_MD_H5MD_FILE_H

#include <stdint.h>
#include <sys/types.h>

#include "md/h5md.h"
#include "md/hdf5_writer.h"

enum series {
    STEP,
    TIME,
    POSITION,
    VELOCITY,
    FORCE,
    EDGES,
    POTENTIAL,
    KINETIC,
    TEMPERATURE,
    SERIES
};

/** Bytes of the file. */
struct stretch {
    uint64_t from, count;
};

/** What the file has of one system. */
struct group {
    char name[32];
    size_t n_atoms;
    bool has_cell;
    hsize_t frames;
    size_t frame_room; /* bytes that the file may grow by with a frame */
    struct hdf5_series series[SERIES];
    hsize_t listed[SERIES]; /* frames whose chunks are among those of the file */
};

struct h5md {
    char *path;
    int descriptor;              /* the same file as HDF5's: locked; to reserve room and to flush */
    bool named;                  /* the file is there: without a frame it is to be removed */
    bool broken;                 /* a failed frame could not be undone */
    bool begun;                  /* there is a frame */
    off_t reserved;              /* bytes of the file that the disk has room for */
    double flush_due;            /* when, in seconds of the monotonic clock */
    double *velocities, *forces; /* [n][3] in the file's units, of the largest system */
    struct hdf5_writer writer;
    size_t n_groups;
    struct group *groups;
    struct stretch *chunks; /* [n_chunks] of frames; for marks */
    size_t n_chunks, chunk_capacity;
};

/** The failure to do something with the file. */
sch_status h5md_cannot(const struct h5md *file, const char *what, const char *reason);

/** A file of which nothing is open yet, with room for so many groups, whose names are set. */
sch_status h5md_new(struct h5md **file, const char *path, size_t n_groups)
    __attribute__((warn_unused_result));

/** Room for forces, once the groups have their numbers of atoms. */
sch_status h5md_make_room(struct h5md *file) __attribute__((warn_unused_result));

/** Does the group have this series? */
bool h5md_has_series(const struct group *group, enum series which);

/** hdf5_make_series or hdf5_open_series */
typedef bool (*h5md_begin)(struct hdf5_writer *writer, const char *path, hid_t type, int rank,
                           const hsize_t *shape, struct hdf5_series *series);
bool h5md_begin_series(struct hdf5_writer *writer, struct group *group, enum series which,
                       h5md_begin begin);

/** Once the series have begun: what a frame may take. */
void h5md_plan_frame(struct group *group);

/** Have the system's buffers written. */
sch_status h5md_flush_to_disk(const struct h5md *file) __attribute__((warn_unused_result));

/** Close, remove a file without a frame, and free; whatever has been opened so far. */
void h5md_release(struct h5md *file);

#endif
