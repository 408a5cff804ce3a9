/* Random numbers that are a function of where they are used, so that there is no state to keep: a
 * run that is taken up again goes on with the same. Philox4x32-10 (Salmon et al., SC11, 2011) by
 * the library Random123. */
#ifndef SCH_MD_RANDOM_STREAM_H
#define SCH_MD_RANDOM_STREAM_H

#include <stdint.h>

/** What numbers are for; those for different purposes are independent. */
enum random_purpose { RANDOM_LANGEVIN, RANDOM_RESCALING };

/** Where numbers are used: no two places have the same. */
struct random_place {
    uint64_t seed;
    uint64_t step;
    uint32_t number; /* of the atom, from 0 on, or of a block of numbers */
    enum random_purpose purpose;
};

/** A place has four numbers. */
enum { RANDOM_NUMBERS = 4 };

/** Independent bits. */
void random_bits(const struct random_place *place, uint32_t bits[RANDOM_NUMBERS]);

/** Independent standard normal numbers, none beyond 6.7 (Box and Muller, 1958). */
void random_normals(const struct random_place *place, double normals[RANDOM_NUMBERS]);

#endif
