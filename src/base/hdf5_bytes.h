/* The bytes of an HDF5 file of which nothing is trusted: stretches of it that lie within its end,
 * the numbers in them, and the checksum of its metadata. Addresses are counted from the beginning
 * of the file; they and lengths have eight bytes, as in all files but the oddest. */
#ifndef SCH_BASE_HDF5_BYTES_H
#define SCH_BASE_HDF5_BYTES_H

#include <stdint.h>

#include "base/status.h"

/** In place of an address: there is nothing. */
#define HDF5_NOWHERE UINT64_MAX

/** A file that is open. */
struct hdf5_bytes {
    int descriptor;
    const char *path;   /* for messages; borrowed */
    uint64_t end;       /* where the file ends */
    uint64_t allowance; /* how much metadata may still be read, so that every walk ends */
};

/** Bytes in memory, of which numbers are taken in turn. Of what lies past the end all is 0, and it
 *  stays marked: so the end is checked once, after a list of numbers. */
struct hdf5_stretch {
    const unsigned char *next;
    size_t left;
    uint64_t address; /* of the next byte, in the file */
    bool over;
    unsigned char *memory; /* to be freed by hdf5_stretch_free; NULL in a part of another */
};

/** "path: byte 48: expected this, found that" */
sch_status hdf5_damaged(const struct hdf5_bytes *file, uint64_t address, const char *expected,
                        const char *found);

/** Are there so many bytes from this address on? */
bool hdf5_within(const struct hdf5_bytes *file, uint64_t address, uint64_t count);

/** Read bytes as they are. A file that has become shorter gives SCH_ERROR_FORMAT. */
sch_status hdf5_read_bytes(const struct hdf5_bytes *file, uint64_t address, size_t count,
                           void *bytes) __attribute__((warn_unused_result));

/** Read metadata, at the cost of the allowance. */
sch_status hdf5_read_stretch(struct hdf5_bytes *file, uint64_t address, uint64_t count,
                             struct hdf5_stretch *stretch) __attribute__((warn_unused_result));
void hdf5_stretch_free(struct hdf5_stretch *stretch);

/** Read metadata that begins with a signature of four letters and ends with a checksum: what lies
 *  between. `what` names it in messages. */
sch_status hdf5_read_signed(struct hdf5_bytes *file, const char *what, const char *signature,
                            uint64_t address, uint64_t count, struct hdf5_stretch *stretch)
    __attribute__((warn_unused_result));

/** Take a little-endian number of up to 8 bytes. */
uint64_t hdf5_take(struct hdf5_stretch *stretch, size_t width);

/** Take so many bytes as a stretch of their own, or pass over them. */
struct hdf5_stretch hdf5_take_part(struct hdf5_stretch *stretch, size_t count);

/** Take four bytes: are they these letters? */
bool hdf5_take_signature(struct hdf5_stretch *stretch, const char *letters);

/** The checksum of metadata: lookup3 (Jenkins 2006). */
uint32_t hdf5_checksum(const void *bytes, size_t count);

/** Is this the checksum of these bytes? Always, in a build for fuzzing. */
bool hdf5_checksum_holds(const void *bytes, size_t count, uint32_t sum);

#endif
