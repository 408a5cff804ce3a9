/* Random numbers as a function of their place: the published ones, and whether they are what they
 * should be. */
#include "support.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

#include "md/random_stream.h"

/** The first 32 bits of a counter's parts are its first word, and so on. */
static void check_bits(const uint32_t counter[4], const uint32_t key[2],
                       const uint32_t expected[4]) {
    const struct random_place place = {.seed = key[0] | (uint64_t)key[1] << 32,
                                       .step = counter[0] | (uint64_t)counter[1] << 32,
                                       .number = counter[2],
                                       .purpose = (enum random_purpose)counter[3]};
    uint32_t bits[RANDOM_NUMBERS];
    random_bits(&place, bits);
    for (int k = 0; k < 4; k++)
        assert_int_equal(bits[k], expected[k]);
}

/** Those of philox4x32 with 10 rounds in the file kat_vectors of Random123. */
static void bits_are_those_published(void **state) {
    (void)state;
    const uint32_t ones = 0xffffffff;
    check_bits((const uint32_t[]){0, 0, 0, 0}, (const uint32_t[]){0, 0},
               (const uint32_t[]){0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    check_bits((const uint32_t[]){ones, ones, ones, ones}, (const uint32_t[]){ones, ones},
               (const uint32_t[]){0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    check_bits((const uint32_t[]){0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
               (const uint32_t[]){0xa4093822, 0x299f31d0},
               (const uint32_t[]){0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

/** Two different places each; the sum of products of their numbers is normal of variance n. */
static double correlation(struct random_place place, struct random_place other, int turn) {
    enum { PLACES = 50000 };
    double sum = 0;
    for (uint32_t i = 0; i < PLACES; i++) {
        double a[RANDOM_NUMBERS], b[RANDOM_NUMBERS];
        place.number = 2 * i;
        other.number = 2 * i + (other.number & 1);
        random_normals(&place, a);
        random_normals(&other, b);
        for (int k = 0; k < RANDOM_NUMBERS; k++)
            sum += a[k] * b[(k + turn) % RANDOM_NUMBERS];
    }
    return sum / sqrt((double)PLACES * RANDOM_NUMBERS);
}

/** What differs in one thing is independent: within 4 standard errors. */
static void places_are_independent(void **state) {
    (void)state;
    const struct random_place place = {.seed = 1, .step = 7, .purpose = RANDOM_LANGEVIN};
    struct random_place others[4] = {place, place, place, place};
    others[0].seed++;
    others[1].step++;
    others[2].number++;
    others[3].purpose = RANDOM_RESCALING;
    for (int turn = 1; turn < RANDOM_NUMBERS; turn++)
        assert_close(correlation(place, place, turn), 0.0, turn == 2 ? 4 * sqrt(2) : 4);
    for (int k = 0; k < 4; k++)
        for (int turn = 0; turn < RANDOM_NUMBERS; turn++)
            assert_close(correlation(place, others[k], turn), 0.0, 4);
}

/** Counts of normal numbers in bins of equal probability, against chi-squared. */
static void numbers_are_normal(void **state) {
    (void)state;
    enum { BINS = 1000, PLACES = 500000, NUMBERS = PLACES * RANDOM_NUMBERS };
    int counts[BINS] = {0};
    double sums[5] = {0}, chi = 0, largest = 0;
    struct random_place place = {.seed = UINT64_C(0x123456789abcdef0), .purpose = RANDOM_LANGEVIN};
    for (place.step = 0; place.step < PLACES; place.step++) {
        double normals[RANDOM_NUMBERS];
        random_normals(&place, normals);
        for (int k = 0; k < RANDOM_NUMBERS; k++) {
            counts[(int)(BINS * gsl_cdf_ugaussian_P(normals[k]))]++;
            largest = fmax(largest, fabs(normals[k]));
            double power = 1;
            for (int p = 1; p <= 4; p++)
                sums[p] += power *= normals[k];
        }
    }
    const double error = 1 / sqrt(NUMBERS), expected = (double)NUMBERS / BINS;
    assert_close(sums[1] / NUMBERS, 0.0, 4 * error);
    assert_close(sums[2] / NUMBERS, 1.0, 4 * sqrt(2) * error);
    assert_close(sums[3] / NUMBERS, 0.0, 4 * sqrt(15) * error);
    assert_close(sums[4] / NUMBERS, 3.0, 4 * sqrt(96) * error);
    for (int b = 0; b < BINS; b++)
        chi += (counts[b] - expected) * (counts[b] - expected) / expected;
    assert_close(chi, BINS - 1, 4 * sqrt(2 * (BINS - 1)));
    assert_true(largest > 4.5 && largest < 6.7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_are_those_published),
        cmocka_unit_test(places_are_independent),
        cmocka_unit_test(numbers_are_normal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
