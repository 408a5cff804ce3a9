#include "peaks.h"

#include "measure.h"
#include "progress.h"

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

/* ---------------------------------------------------------------- multiply-adds */

/* Independent sums hide the latency of the units, which is five cycles at most: there are two, so
 * that ten are enough. The factor keeps the sums near 1: numbers that vanish are slow on some
 * processors. Factor and addend come out of the compiler's sight, else it would work out the end of
 * the loop by itself. */
#define EACH_SUM(SUMS) _Pragma("GCC unroll 32") for (int k = 0; k < (SUMS); k++)
#define FMA_LOOP(NAME, LANES, SUMS, TARGET)                                         \
    TARGET __attribute__((noinline)) static double NAME(int rounds) {               \
        typedef float vector __attribute__((vector_size((LANES) * sizeof(float)))); \
        volatile float shrink = 0.999f, grow = 0.001f, result;                      \
        vector sum[SUMS], all = {0}, factor = {0}, addend = {0};                    \
        factor += shrink;                                                           \
        addend += grow;                                                             \
        EACH_SUM(SUMS) {                                                            \
            sum[k] = addend * (float)k;                                             \
        }                                                                           \
        for (int i = 0; i < rounds; i++) {                                          \
            EACH_SUM(SUMS) {                                                        \
                sum[k] = sum[k] * factor + addend;                                  \
            }                                                                       \
        }                                                                           \
        EACH_SUM(SUMS) {                                                            \
            all += sum[k];                                                          \
        }                                                                           \
        result = all[0];                                                            \
        (void)result;                                                               \
        return 2.0 * rounds * (SUMS) * (LANES); /* flop */                          \
    }

FMA_LOOP(fma_baseline, 4, 12, )
#if defined(__x86_64__)
FMA_LOOP(fma_avx2, 8, 12, __attribute__((target("avx2,fma"))))
FMA_LOOP(fma_avx512, 16, 24, __attribute__((target("avx512f"))))
#endif

typedef double (*fma_loop)(int rounds);

static fma_loop widest(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return fma_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return fma_avx2;
#endif
    return fma_baseline;
}

double peak_flops(void) {
    enum { ROUNDS = 1 << 15 };
    const double budget_s = 0.2;
    fma_loop loop = widest();
    double begin = progress_clock(), best = 0;
    do { // what comes between makes a round slower, never faster
        double start = progress_clock(), flop = loop(ROUNDS),
               rate = flop / (progress_clock() - start);
        best = rate > best ? rate : best;
    } while (progress_clock() - begin < budget_s);
    return best;
}

/* ---------------------------------------------------------------- memory */

/* Numbers in each of three arrays that the last cache does not hold together. */
static size_t triad_length(void) {
    const long least = 64L << 20, most = 160L << 20;
    long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
    long bytes = cache < least ? least : cache > most ? most : cache;
    return (size_t)bytes / sizeof(double);
}

static double triad(double *restrict a, const double *restrict b, const double *restrict c,
                    size_t n) {
    double start = progress_clock();
    for (size_t i = 0; i < n; i++)
        a[i] = b[i] + 3.0 * c[i];
    return 3.0 * (double)(n * sizeof *a) / (progress_clock() - start);
}

/* The fastest of some rounds over arrays that hold something. */
static double best_triad(double *a, double *b, double *c, size_t n) {
    double best = 0;
    for (size_t i = 0; i < n; i++) {
        a[i] = 0;
        b[i] = 1;
        c[i] = (double)i;
    }
    for (int k = 0; k < 4; k++) {
        double rate = triad(a, b, c, n);
        best = rate > best ? rate : best;
    }
    volatile double used = a[n / 2]; // or the compiler would leave it all out
    (void)used;
    return best;
}

double peak_bandwidth(void) {
    size_t n = triad_length();
    double *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b), *c = malloc(n * sizeof *c);
    double best = a && b && c ? best_triad(a, b, c, n) : 0;
    free(a);
    free(b);
    free(c);
    return best;
}
