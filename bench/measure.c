#include "measure.h"

#include "interrupt.h"
#include "program.h"
#include "progress.h"
#include "status_line.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <math.h>
#include <stdlib.h>

enum { RESAMPLES = 2000, SEED = 1 };

/* ---------------------------------------------------------------- summaries */

/* The sample at this share of the whole, 0 to 1, of sorted ones: of what a resample draws there. */
static double sample_at(const double *sorted, size_t n, double share) {
    size_t i = (size_t)(share * (double)n);
    return sorted[i < n ? i : n - 1];
}

/* The median of one bootstrap resample. The k-th smallest of n uniform numbers is distributed as
 * Beta(k, n - k + 1), so that the resample's middle is drawn alone; of an even number it has two,
 * the second the smallest of the n - k numbers above the first. */
static double resampled_median(gsl_rng *generator, const double *sorted, size_t n) {
    size_t k = (n + 1) / 2;
    double share = gsl_ran_beta(generator, (double)k, (double)(n - k + 1));
    double lower = sample_at(sorted, n, share);
    if (n % 2)
        return lower;
    share += (1 - share) * gsl_ran_beta(generator, 1, (double)(n - k));
    return (lower + sample_at(sorted, n, share)) / 2;
}

/* The 95 % interval of the median by Efron's percentiles. */
static void bootstrap(struct summary *summary, const double *sorted) {
    double medians[RESAMPLES];
    gsl_set_error_handler_off(); // by default GSL ends the program when memory runs out
    gsl_rng *generator = gsl_rng_alloc(gsl_rng_mt19937);
    summary->low = summary->min; // all that can be said without a generator
    summary->high = summary->max;
    if (!generator)
        return;
    gsl_rng_set(generator, SEED);
    for (int i = 0; i < RESAMPLES; i++)
        medians[i] = resampled_median(generator, sorted, summary->n);
    gsl_rng_free(generator);
    gsl_sort(medians, 1, RESAMPLES);
    double low = gsl_stats_quantile_from_sorted_data(medians, 1, RESAMPLES, 0.025);
    double high = gsl_stats_quantile_from_sorted_data(medians, 1, RESAMPLES, 0.975);
    summary->low = fmax(low, summary->min); // rounding may leave the samples by a bit
    summary->high = fmin(high, summary->max);
}

/* How many lie further than so many quartile distances beyond the quartiles. */
static size_t beyond(const double *sorted, size_t n, double distances) {
    double first = gsl_stats_quantile_from_sorted_data(sorted, 1, n, 0.25);
    double third = gsl_stats_quantile_from_sorted_data(sorted, 1, n, 0.75);
    double reach = distances * (third - first);
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += sorted[i] < first - reach || sorted[i] > third + reach;
    return count;
}

struct summary summarise(double *samples, size_t n) {
    struct summary summary = single(NAN);
    summary.n = n;
    if (n == 0)
        return summary;
    gsl_sort(samples, 1, n);
    summary.median = gsl_stats_median_from_sorted_data(samples, 1, n);
    summary.mean = gsl_stats_mean(samples, 1, n);
    summary.sd = n > 1 ? gsl_stats_sd_m(samples, 1, n, summary.mean) : 0;
    summary.min = samples[0];
    summary.max = samples[n - 1];
    summary.outliers = beyond(samples, n, 1.5);
    summary.far_outliers = beyond(samples, n, 3);
    bootstrap(&summary, samples);
    return summary;
}

struct summary single(double value) {
    return (struct summary){.n = 1,
                            .median = value,
                            .mean = value,
                            .min = value,
                            .max = value,
                            .low = value,
                            .high = value};
}

struct summary summary_rate(const struct summary *seconds, double count) {
    struct summary rate = *seconds;
    rate.median = count / seconds->median;
    rate.mean = count / seconds->mean; // all that was done over all the time it took
    rate.sd = rate.mean * seconds->sd / seconds->mean;
    rate.min = count / seconds->max;
    rate.max = count / seconds->min;
    rate.low = count / seconds->high;
    rate.high = count / seconds->low;
    return rate;
}

struct summary summary_scaled(const struct summary *summary, double factor) {
    struct summary scaled = *summary;
    double *const figures[] = {&scaled.median, &scaled.mean, &scaled.sd,  &scaled.min,
                               &scaled.max,    &scaled.low,  &scaled.high};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        *figures[i] *= factor;
    return scaled;
}

/* ---------------------------------------------------------------- samples */

/* What a measurement holds beside its subjects. */
struct measurement {
    struct subject *subjects;
    size_t n;
    struct plan plan;
    double *samples; /* [n][most_samples] s */
    size_t *taken;   /* [n] */
    double *timed;   /* [n] s, their sum */
    size_t *order;   /* [n] the subjects of a pass */
};

static struct plan with_defaults(const struct plan *plan) {
    struct plan full = *plan;
    full.warm_calls = full.warm_calls ? full.warm_calls : 10;
    full.warm_s = full.warm_s > 0 ? full.warm_s : 3;
    full.least_samples = full.least_samples ? full.least_samples : 30;
    full.most_samples = full.most_samples ? full.most_samples : 1000;
    full.enough_s = full.enough_s > 0 ? full.enough_s : 1;
    full.passes = full.passes ? full.passes : 3;
    if (full.most_samples < full.least_samples)
        full.most_samples = full.least_samples;
    return full;
}

/* One call, and its time. */
static int call(const struct subject *subject, double *seconds) {
    int result = subject->prepare ? subject->prepare(subject->state) : PROGRAM_DONE;
    if (result != PROGRAM_DONE)
        return result;
    double start = progress_clock();
    result = subject->run(subject->state);
    *seconds = progress_clock() - start;
    int stopped = *interrupt_signal();
    return result == PROGRAM_DONE && stopped ? 128 + stopped : result;
}

static int warm_up(const struct measurement *all, const struct subject *subject) {
    double start = progress_clock(), seconds;
    int result = PROGRAM_DONE;
    status_line("%s: warming up", subject->name);
    for (size_t i = 0; i < all->plan.warm_calls && result == PROGRAM_DONE; i++) {
        result = call(subject, &seconds);
        if (progress_clock() - start > all->plan.warm_s)
            break;
    }
    return result;
}

/* A subject's share of the samples in one pass of several. */
static int take_samples(struct measurement *all, size_t i, size_t pass) {
    const struct plan *plan = &all->plan;
    const struct subject *subject = &all->subjects[i];
    size_t least = plan->least_samples * (pass + 1) / plan->passes;
    size_t most = plan->most_samples * (pass + 1) / plan->passes;
    double enough = plan->enough_s * (double)(pass + 1) / (double)plan->passes, seconds;
    int result = call(subject, &seconds); // not counted: the caches were another's
    while (result == PROGRAM_DONE && all->taken[i] < most &&
           (all->taken[i] < least || all->timed[i] < enough)) {
        status_line("%s: pass %zu of %zu, %zu samples", subject->name, pass + 1, plan->passes,
                    all->taken[i]);
        result = call(subject, &seconds);
        all->samples[i * plan->most_samples + all->taken[i]++] = seconds;
        all->timed[i] += seconds;
    }
    return result;
}

static int take_all(struct measurement *all, gsl_rng *generator) {
    int result = PROGRAM_DONE;
    for (size_t i = 0; i < all->n && result == PROGRAM_DONE; i++)
        result = warm_up(all, &all->subjects[i]);
    for (size_t i = 0; i < all->n; i++)
        all->order[i] = i;
    for (size_t pass = 0; pass < all->plan.passes && result == PROGRAM_DONE; pass++) {
        gsl_ran_shuffle(generator, all->order, all->n, sizeof *all->order);
        for (size_t i = 0; i < all->n && result == PROGRAM_DONE; i++)
            result = take_samples(all, all->order[i], pass);
    }
    status_line_clear();
    for (size_t i = 0; i < all->n && result == PROGRAM_DONE; i++)
        all->subjects[i].seconds =
            summarise(all->samples + i * all->plan.most_samples, all->taken[i]);
    return result;
}

int measure(struct subject subjects[], size_t n, const struct plan *plan) {
    struct measurement all = {.subjects = subjects, .n = n, .plan = with_defaults(plan)};
    gsl_set_error_handler_off();
    gsl_rng *generator = gsl_rng_alloc(gsl_rng_mt19937);
    all.samples = calloc(n * all.plan.most_samples, sizeof *all.samples);
    all.taken = calloc(n, sizeof *all.taken);
    all.timed = calloc(n, sizeof *all.timed);
    all.order = calloc(n, sizeof *all.order);
    int result = PROGRAM_FAILED;
    if (generator && all.samples && all.taken && all.timed && all.order) {
        gsl_rng_set(generator, SEED);
        result = take_all(&all, generator);
    } else if (n) {
        result = out_of_memory();
    }
    gsl_rng_free(generator);
    free(all.samples);
    free(all.taken);
    free(all.timed);
    free(all.order);
    return n ? result : PROGRAM_DONE;
}
