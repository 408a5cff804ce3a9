#include "md/random_stream.h"

#include <Random123/philox.h>
#include <Random123/u01fixedpt.h>
#include <math.h>

void random_bits(const struct random_place *place, uint32_t bits[RANDOM_NUMBERS]) {
    const philox4x32_key_t key = {{(uint32_t)place->seed, (uint32_t)(place->seed >> 32)}};
    const philox4x32_ctr_t counter = {{(uint32_t)place->step, (uint32_t)(place->step >> 32),
                                       place->number, (uint32_t)place->purpose}};
    const philox4x32_ctr_t random = philox4x32_R(10, counter, key);
    for (int k = 0; k < RANDOM_NUMBERS; k++)
        bits[k] = random.v[k];
}

void random_normals(const struct random_place *place, double normals[RANDOM_NUMBERS]) {
    uint32_t bits[RANDOM_NUMBERS];
    random_bits(place, bits);
    for (int k = 0; k < RANDOM_NUMBERS; k += 2) {
        double radius = sqrt(-2 * log(u01fixedpt_open_closed_32_double(bits[k])));
        double angle = 2 * M_PI * u01fixedpt_open_closed_32_double(bits[k + 1]);
        normals[k] = radius * cos(angle);
        normals[k + 1] = radius * sin(angle);
    }
}
