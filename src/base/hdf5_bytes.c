#include "base/hdf5_bytes.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/positioned.h"

enum { SIGNATURE_SIZE = 4, CHECKSUM_SIZE = 4 };

sch_status hdf5_damaged(const struct hdf5_bytes *file, uint64_t address, const char *expected,
                        const char *found) {
    return fail(SCH_ERROR_FORMAT, "%s: byte %llu: expected %s, found %s", file->path,
                (unsigned long long)address, expected, found);
}

/* ---------------------------------------------------------------- reading */

bool hdf5_within(const struct hdf5_bytes *file, uint64_t address, uint64_t count) {
    return address <= file->end && count <= file->end - address;
}

static sch_status past_the_end(const struct hdf5_bytes *file, uint64_t address, uint64_t count) {
    return fail(SCH_ERROR_FORMAT, "%s: byte %llu: expected %llu bytes, found the end of the file",
                file->path, (unsigned long long)address, (unsigned long long)count);
}

sch_status hdf5_read_bytes(const struct hdf5_bytes *file, uint64_t address, size_t count,
                           void *bytes) {
    if (!hdf5_within(file, address, count))
        return past_the_end(file, address, count);
    size_t got;
    int error = positioned_read(file->descriptor, bytes, count, address, &got);
    if (error)
        return fail(SCH_ERROR_IO, "%s: cannot read: %s", file->path, strerror(error));
    return got == count ? SCH_OK : past_the_end(file, address, count);
}

sch_status hdf5_read_stretch(struct hdf5_bytes *file, uint64_t address, uint64_t count,
                             struct hdf5_stretch *stretch) {
    unsigned char *memory = NULL;
    if (!hdf5_within(file, address, count))
        return past_the_end(file, address, count);
    if (count > file->allowance)
        return hdf5_damaged(file, address, "metadata without a loop",
                            "more than the file can hold");
    file->allowance -= count;
    SCH_TRY(memory_new(&memory, count, 1));
    sch_status status = hdf5_read_bytes(file, address, count, memory);
    if (status != SCH_OK) {
        free(memory);
        return status;
    }
    *stretch = (struct hdf5_stretch){memory, count, address, false, memory};
    return SCH_OK;
}

void hdf5_stretch_free(struct hdf5_stretch *stretch) {
    free(stretch->memory);
    stretch->memory = NULL;
}

/** Leave what lies between the signature and the checksum. */
static sch_status check_frame(const struct hdf5_bytes *file, const char *what,
                              const char *signature, struct hdf5_stretch *stretch) {
    const unsigned char *begin = stretch->next;
    uint64_t address = stretch->address;
    size_t count = stretch->left - CHECKSUM_SIZE;
    struct hdf5_stretch sum = {.next = begin + count, .left = CHECKSUM_SIZE};
    stretch->left = count;
    if (!hdf5_take_signature(stretch, signature))
        return hdf5_damaged(file, address, what, "something else");
    if (!hdf5_checksum_holds(begin, count, (uint32_t)hdf5_take(&sum, CHECKSUM_SIZE)))
        return hdf5_damaged(file, address, what, "a wrong checksum");
    return SCH_OK;
}

sch_status hdf5_read_signed(struct hdf5_bytes *file, const char *what, const char *signature,
                            uint64_t address, uint64_t count, struct hdf5_stretch *stretch) {
    struct hdf5_stretch fresh;
    if (count < SIGNATURE_SIZE + CHECKSUM_SIZE)
        return hdf5_damaged(file, address, what, "too few bytes");
    SCH_TRY(hdf5_read_stretch(file, address, count, &fresh));
    sch_status status = check_frame(file, what, signature, &fresh);
    if (status != SCH_OK) {
        hdf5_stretch_free(&fresh);
        return status;
    }
    *stretch = fresh;
    return SCH_OK;
}

/* ---------------------------------------------------------------- numbers */

struct hdf5_stretch hdf5_take_part(struct hdf5_stretch *stretch, size_t count) {
    if (count > stretch->left) {
        stretch->over = true;
        count = stretch->left;
    }
    struct hdf5_stretch part = {stretch->next, count, stretch->address, stretch->over, NULL};
    stretch->next += count;
    stretch->left -= count;
    stretch->address += count;
    return part;
}

uint64_t hdf5_take(struct hdf5_stretch *stretch, size_t width) {
    uint64_t number = 0;
    struct hdf5_stretch part = hdf5_take_part(stretch, width);
    for (size_t i = part.over ? 0 : width; i-- > 0;)
        number = number << 8 | part.next[i];
    return number;
}

bool hdf5_take_signature(struct hdf5_stretch *stretch, const char *letters) {
    struct hdf5_stretch part = hdf5_take_part(stretch, SIGNATURE_SIZE);
    return !part.over && memcmp(part.next, letters, SIGNATURE_SIZE) == 0;
}

/* ---------------------------------------------------------------- the checksum */

static uint32_t turn(uint32_t x, int bits) {
    return x << bits | x >> (32 - bits);
}

/** Twelve bytes as three words; where fewer are left, the others count as 0. */
static void add_words(uint32_t state[3], const unsigned char *bytes, size_t count) {
    for (size_t i = 0; i < count; i++)
        state[i / 4] += (uint32_t)bytes[i] << i % 4 * 8;
}

static void mix(uint32_t state[3]) {
    static const int turns[6] = {4, 6, 8, 16, 19, 4};
    uint32_t a = state[0], b = state[1], c = state[2];
    for (int k = 0; k < 6; k++) { /* the three take turns */
        uint32_t mixed = (a - c) ^ turn(c, turns[k]);
        a = b;
        b = c + b;
        c = mixed;
    }
    state[0] = a;
    state[1] = b;
    state[2] = c;
}

static uint32_t mix_last(const uint32_t state[3]) {
    static const int turns[7] = {14, 11, 25, 16, 4, 14, 24};
    uint32_t a = state[0], b = state[1], c = state[2];
    for (int k = 0; k < 7; k++) {
        uint32_t mixed = (c ^ b) - turn(b, turns[k]);
        c = a;
        a = b;
        b = mixed;
    }
    return b;
}

uint32_t hdf5_checksum(const void *bytes, size_t count) {
    const unsigned char *next = bytes;
    const uint32_t start = 0xdeadbeefu + (uint32_t)count;
    uint32_t state[3] = {start, start, start};
    if (count == 0)
        return start;
    for (; count > 12; next += 12, count -= 12) {
        add_words(state, next, 12);
        mix(state);
    }
    add_words(state, next, count);
    return mix_last(state);
}

/** A fuzzer would have to guess them. */
bool hdf5_checksum_holds(const void *bytes, size_t count, uint32_t sum) {
    uint32_t found = hdf5_checksum(bytes, count);
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
    found = sum;
#endif
    return found == sum;
}
