/* Checksums against damage and mistakes, not against forgers. */
#ifndef SCH_BASE_CHECKSUM_H
#define SCH_BASE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Where a checksum begins. */
#define CHECKSUM_START 0xcbf29ce484222325u

/** FNV-1a with 64 bits (Fowler, Noll and Vo), over what came before and these bytes. A single byte
 *  that differs always changes it; two contents have the same by chance once in 10^19. */
static inline uint64_t checksum(uint64_t before, const void *bytes, size_t count) {
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < count; i++)
        before = (before ^ byte[i]) * 0x100000001b3u;
    return before;
}

/** Is a file's checksum the right one? Fuzzers are told that it is: whoever makes a file to do harm
 *  computes it, and what comes after must stand by itself. */
static inline bool checksum_matches(uint64_t found, uint64_t expected) {
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
    (void)found, (void)expected;
    return true;
#else
    return found == expected;
#endif
}

#endif
