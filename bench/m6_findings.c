#include "m6_findings.h"

#include "m6.h"
#include "m6_view.h"
#include "number.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

/* A model in the figures that decide. */
struct standing {
    const char *name;
    double parameters, speed, mae, frames, drift, drift_kT;
    const struct row *latency, *step, *md;
    const struct row *one, *batch; /* structures/s one by one, and in the best batch of several */
};

struct standings {
    struct standing models[MODELS_MOST];
    size_t n;
};

static double median_of(const struct row *row) {
    return row ? row->summary.median : NAN;
}

static const struct row *best_batch(const struct record *record, const char *model) {
    const struct row *best = NULL;
    for (int b = 1; b < M6_BATCHES; b++) {
        const struct row *row =
            m6_row(record, model, "batch", "benzene", "", m6_batches[b], "throughput");
        if (row && (!best || row->summary.median > best->summary.median))
            best = row;
    }
    return best;
}

static struct standings standings_of(const struct record *record) {
    struct standings all = {.n = 0};
    struct m6_models models = m6_models_of(record);
    for (; all.n < models.n; all.n++) {
        const char *name = models.names[all.n];
        const struct row *md = m6_row(record, name, "md", "benzene", "", 0, "throughput");
        all.models[all.n] = (struct standing){
            .name = name,
            .parameters = m6_figure(record, name, "model", "", "", "parameters"),
            .speed = median_of(md),
            .mae = m6_figure(record, name, "accuracy", "", "", "force_mae"),
            .frames = m6_figure(record, name, "accuracy", "", "", "frames"),
            .drift = m6_figure(record, name, "drift", "benzene", "", "drift"),
            .drift_kT = m6_figure(record, name, "drift", "benzene", "", "drift_kT"),
            .latency = m6_row(record, name, "inference", "benzene", "", 0, "latency"),
            .step = m6_row(record, name, "md", "benzene", "", 0, "step_time"),
            .md = md,
            .one = m6_row(record, name, "batch", "benzene", "", 1, "throughput"),
            .batch = best_batch(record, name),
        };
    }
    return all;
}

/* The least and the largest of some figures; the first that is added makes both. */
struct range {
    double least, most;
};

static const struct range empty_range = {INFINITY, -INFINITY};

static void range_add(struct range *range, double value) {
    if (isfinite(value)) {
        range->least = fmin(range->least, value);
        range->most = fmax(range->most, value);
    }
}

static bool range_is_empty(const struct range *range) {
    return !(range->least <= range->most);
}

/* ---------------------------------------------------------------- words */

/* A number for a sentence; of the thread, and good for eight calls. */
static const char *words(double value) {
    static char texts[8][NUMBER_SIZE];
    static int next;
    next = (next + 1) % 8;
    return number_short(texts[next], value);
}

/* "3.2", or "3.2 to 4.1" where the two differ in what is shown. */
static const char *range_words(const struct range *range) {
    static char texts[2][2 * NUMBER_SIZE + 8];
    static int next;
    const char *least = words(range->least), *most = words(range->most);
    bool same = strcmp(least, most) == 0;
    next = !next;
    snprintf(texts[next], sizeof texts[next], same ? "%s" : "%s to %s", least, most);
    return texts[next];
}

/* Sentences of a list, a hyphen before each, in lines of 90 columns at most. */
static void say(FILE *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(FILE *stream, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t column = 0;
    fputs("-", stream);
    for (char *rest = text, *word; (word = strsep(&rest, " "));) {
        size_t length = strlen(word);
        bool wraps = column && column + length > 88;
        fprintf(stream, "%s%s", wraps ? "\n  " : " ", word);
        column = wraps ? length + 1 : column + length + 1;
    }
    putc('\n', stream);
}

/* ---------------------------------------------------------------- who is best */

static const struct standing *fastest(const struct standings *all) {
    const struct standing *best = NULL;
    for (size_t k = 0; k < all->n; k++)
        if (isfinite(all->models[k].speed) && (!best || all->models[k].speed > best->speed))
            best = &all->models[k];
    return best;
}

static const struct standing *most_accurate(const struct standings *all) {
    const struct standing *best = NULL;
    for (size_t k = 0; k < all->n; k++)
        if (isfinite(all->models[k].mae) && (!best || all->models[k].mae < best->mae))
            best = &all->models[k];
    return best;
}

/* A model that is both faster and more accurate; NULL: none. */
static const struct standing *beaten_by(const struct standings *all, const struct standing *model) {
    for (size_t k = 0; k < all->n; k++)
        if (all->models[k].speed > model->speed && all->models[k].mae < model->mae)
            return &all->models[k];
    return NULL;
}

/* Do the intervals of two figures lie apart? */
static bool apart(const struct row *a, const struct row *b) {
    return a && b && (a->summary.low > b->summary.high || b->summary.low > a->summary.high);
}

/* ---------------------------------------------------------------- findings */

static void find_speed(const struct standings *all, FILE *stream) {
    const struct standing *best = fastest(all);
    if (!best)
        return;
    say(stream, "%s %s %s steps/s of benzene, which are %s ns a day.", best->name,
        all->n > 1 ? "is the fastest:" : "does", words(best->speed),
        words(best->speed * 0.5e-6 * 86400));
    for (size_t k = 0; k < all->n; k++) {
        const struct standing *other = &all->models[k];
        if (other != best && isfinite(other->speed))
            say(stream, "It is %s times as fast as %s%s.", words(best->speed / other->speed),
                other->name, apart(best->md, other->md) ? "" : ", a difference within the noise");
    }
}

/* In M6 smaller models were not faster; are ours? */
static void find_order(const struct standings *all, FILE *stream) {
    size_t in_order = 0, pairs = 0;
    const struct standing *odd[2] = {NULL, NULL};
    for (size_t i = 0; i < all->n; i++)
        for (size_t j = 0; j < all->n; j++) {
            const struct standing *a = &all->models[i], *b = &all->models[j];
            if (!(a->parameters < b->parameters))
                continue;
            pairs++;
            if (a->speed > b->speed)
                in_order++;
            else
                odd[0] = a, odd[1] = b;
        }
    if (pairs && in_order == pairs)
        say(stream, "The fewer parameters a model has, the faster it is.");
    else if (pairs)
        say(stream, "Fewer parameters do not always make a model faster: %s is slower than %s.",
            odd[0]->name, odd[1]->name);
}

static void find_published(const struct standings *all, FILE *stream) {
    struct range ratios = empty_range;
    for (size_t k = 0; k < all->n; k++)
        if (all->models[k].md)
            range_add(&ratios, all->models[k].speed / all->models[k].md->published);
    if (!range_is_empty(&ratios))
        say(stream, "The models do %s times the steps/s that the M6 report gives for them.",
            range_words(&ratios));
}

/* A step is an evaluation and little else, unless evaluations were cached. */
static void find_caching(const struct standings *all, FILE *stream) {
    struct range ours = empty_range, theirs = empty_range;
    for (size_t k = 0; k < all->n; k++) {
        const struct row *step = all->models[k].step, *latency = all->models[k].latency;
        if (!step || !latency)
            continue;
        range_add(&ours, step->summary.median / latency->summary.median);
        range_add(&theirs, step->published / latency->published);
    }
    if (range_is_empty(&ours))
        return;
    say(stream, "A time step takes %s times as long as one evaluation of the forces%s.",
        range_words(&ours),
        ours.most < 2 ? ", as it should"
                      : ": more than 2 times is more than expected; measure again on an idle "
                        "machine, without --quick");
    if (!range_is_empty(&theirs) && theirs.least > 2)
        say(stream,
            "In the M6 report it was %s times: its evaluations were of atoms that had not moved, "
            "whose forces its calculator had kept.",
            range_words(&theirs));
}

/* The element whose error grows most from one model to another. */
static void find_element(const struct record *record, const struct standing *from,
                         const struct standing *to, FILE *stream) {
    static const char *const elements[] = {"H", "C", "N", "O", "F", "S", "Cl"};
    const char *most = NULL, *least = NULL;
    double largest = 0, smallest = INFINITY;
    for (size_t e = 0; e < sizeof elements / sizeof *elements; e++) {
        double growth = m6_figure(record, to->name, "accuracy", "", elements[e], "force_mae") -
                        m6_figure(record, from->name, "accuracy", "", elements[e], "force_mae");
        if (growth > largest)
            largest = growth, most = elements[e];
        if (growth < smallest)
            smallest = growth, least = elements[e];
    }
    if (most && most != least)
        say(stream, "The error grows most for %s (by %s meV/Å) and least for %s (by %s).", most,
            words(1e3 * largest), least, words(1e3 * smallest));
}

static void find_accuracy(const struct record *record, const struct standings *all, FILE *stream) {
    const struct standing *best = most_accurate(all), *quick = fastest(all);
    if (!best)
        return;
    say(stream, "%s %s: a mean absolute error of %s meV/Å over all frames.", best->name,
        all->n > 1 ? "has the most accurate forces" : "predicts forces", words(1e3 * best->mae));
    if (!quick || quick == best)
        return;
    say(stream, "The fastest, %s, has %s times that error (%s meV/Å) at %s times the speed.",
        quick->name, words(quick->mae / best->mae), words(1e3 * quick->mae),
        words(quick->speed / best->speed));
    find_element(record, best, quick, stream);
}

/* A model is not measured on frames with elements that it does not know. */
static void find_frames(const struct standings *all, FILE *stream) {
    struct range frames = empty_range;
    for (size_t k = 0; k < all->n; k++)
        range_add(&frames, all->models[k].frames);
    if (frames.least < frames.most)
        say(stream,
            "The errors are of different frames (%s of them): each model is measured on those "
            "whose "
            "elements it knows.",
            range_words(&frames));
}

static void find_batches(const struct standings *all, FILE *stream) {
    for (size_t k = 0; k < all->n; k++) {
        const struct standing *model = &all->models[k];
        if (!model->one || !model->batch)
            continue;
        double gain = 100 * (model->batch->summary.median / model->one->summary.median - 1);
        bool noise = !apart(model->batch, model->one);
        say(stream,
            "%s evaluates %.1f %% %s structures/s in batches of %ld, the best size, than one by "
            "one%s.",
            model->name, fabs(gain), gain < 0 ? "fewer" : "more", model->batch->batch,
            noise ? ", a difference within the noise" : "");
    }
}

static void find_growth(const struct record *record, const struct standings *all, FILE *stream) {
    const struct molecule *small = &m6_molecules[0], *large = &m6_molecules[M6_MOLECULES - 1];
    struct range growth = empty_range;
    for (size_t k = 0; k < all->n; k++) {
        const char *name = all->models[k].name;
        range_add(&growth, m6_figure(record, name, "inference", large->name, "", "latency") /
                               m6_figure(record, name, "inference", small->name, "", "latency"));
    }
    if (!range_is_empty(&growth))
        say(stream, "%s has %s times the atoms of %s; an evaluation takes %s times as long.",
            large->formula, words((double)large->atoms / (double)small->atoms), small->formula,
            range_words(&growth));
}

static void find_drift(const struct standings *all, FILE *stream) {
    const double far = 0.1; // kT/ns/dof
    const struct standing *worst = NULL;
    for (size_t k = 0; k < all->n; k++)
        if (isfinite(all->models[k].drift) &&
            (!worst || fabs(all->models[k].drift) > fabs(worst->drift)))
            worst = &all->models[k];
    if (worst)
        say(stream, "The largest drift of the energy is %s meV/atom/ns (%s), or %s kT/ns/dof%s.",
            words(fabs(worst->drift)), worst->name, words(fabs(worst->drift_kT)),
            fabs(worst->drift_kT) < far
                ? ""
                : "; that may be the energy's fluctuation in a short run: to know, run "
                  "`mdbench drift'");
}

/* Outliers of all that was timed. */
static void find_outliers(const struct record *record, FILE *stream) {
    size_t samples = 0, outliers = 0, far = 0;
    for (size_t i = 0; i < record->n; i++) {
        const struct row *row = &record->rows[i];
        if (row->summary.n < 2 || strcmp(row->quantity, "step_time") == 0)
            continue;
        samples += row->summary.n;
        outliers += row->summary.outliers;
        far += row->summary.far_outliers;
    }
    if (samples)
        say(stream,
            "%.1f %% of the %zu samples were outliers, %.1f %% far ones; all figures include them.",
            100.0 * (double)outliers / (double)samples, samples,
            100.0 * (double)far / (double)samples);
}

void print_findings(const struct record *record, FILE *stream) {
    const struct standings all = standings_of(record);
    find_speed(&all, stream);
    find_order(&all, stream);
    find_published(&all, stream);
    find_caching(&all, stream);
    find_accuracy(record, &all, stream);
    find_frames(&all, stream);
    find_growth(record, &all, stream);
    find_batches(&all, stream);
    find_drift(&all, stream);
    find_outliers(record, stream);
}

/* ---------------------------------------------------------------- recommendations */

/* The fastest, or a more accurate one that is as fast within the noise. */
static const struct standing *fast_choice(const struct standings *all) {
    const struct standing *best = fastest(all), *choice = best;
    for (size_t k = 0; best && k < all->n; k++) {
        const struct standing *model = &all->models[k];
        if (model->md && !apart(model->md, best->md) && model->mae < choice->mae)
            choice = model;
    }
    return choice;
}

/* How long a nanosecond of benzene takes. */
static const char *nanosecond(const struct standing *model) {
    static char text[NUMBER_SIZE + 16];
    double seconds = 2e6 / model->speed;
    snprintf(text, sizeof text, seconds < 100 ? "%.0f s" : "%.0f min",
             seconds < 100 ? seconds : seconds / 60);
    return text;
}

/* What a choice costs: "(13 meV/Å, a nanosecond of benzene in 7 min)". */
static const char *price(const struct standing *model) {
    static char text[3 * NUMBER_SIZE + 64];
    snprintf(text, sizeof text, "%s meV/Å, a nanosecond of benzene in %s", words(1e3 * model->mae),
             nanosecond(model));
    return text;
}

static void recommend_batch(const struct standing *model, FILE *stream) {
    if (!model->one || !model->batch)
        return;
    double one = model->one->summary.median, batch = model->batch->summary.median;
    if (batch > one && apart(model->batch, model->one))
        say(stream, "For many small structures: %s in batches of %ld, %s structures/s.",
            model->name, model->batch->batch, words(batch));
    else
        say(stream, "For many small structures: %s, one by one, %s structures/s.", model->name,
            words(one));
}

static void recommend_models(const struct standings *all, const struct standing *quick,
                             const struct standing *accurate, FILE *stream) {
    if (all->n == 1) {
        say(stream, "%s is the only model that was measured (%s).", quick->name, price(quick));
    } else if (quick == accurate) {
        say(stream, "Use %s (%s): it is the most accurate, and none is faster beyond the noise.",
            quick->name, price(quick));
    } else {
        say(stream, "For the most accurate forces: %s (%s).", accurate->name, price(accurate));
        say(stream, "For long or many runs, if its error is small enough for them: %s (%s).",
            quick->name, price(quick));
    }
}

void print_recommendations(const struct record *record, FILE *stream) {
    const struct standings all = standings_of(record);
    const struct standing *quick = fast_choice(&all), *accurate = most_accurate(&all);
    if (!quick || !accurate) {
        say(stream, "None: speed or accuracy was not measured.");
        return;
    }
    recommend_models(&all, quick, accurate, stream);
    for (size_t k = 0; k < all.n; k++) {
        const struct standing *better = beaten_by(&all, &all.models[k]);
        if (better)
            say(stream, "There is no reason to use %s: %s is faster and more accurate.",
                all.models[k].name, better->name);
    }
    recommend_batch(quick, stream);
}
