/* What a benchmark found: rows of one measurement each, and what they were measured on and with. A
 * record becomes a JSON file and comes from one; docs/bench.md tells the format. */
#ifndef RECORD_H
#define RECORD_H

#include "measure.h"

#include <stdbool.h>
#include <stddef.h>

enum better { BETTER_NONE, BETTER_LOWER, BETTER_HIGHER };

/** A measurement. Texts are the record's own, never NULL; what does not apply is "" or 0. The
 * fields before `unit` name it: no two rows of a record have them all alike. */
struct row {
    char *what; /**< "inference", "md", "memory", "batch", "replicas", "drift", "accuracy", "sizes",
                   "stage", "threads", "load", "energy", "model" */
    char *model;     /**< "tiny" */
    char *structure; /**< "benzene" */
    char *variant;   /**< whatever else tells it apart: a stage's name, an element's symbol */
    long atoms;      /**< of one structure */
    long batch;      /**< structures at once */
    long threads, processes;
    char *quantity; /**< "latency", "throughput", "force_mae" ... */
    char *unit;     /**< "ms", "steps/s" ... as people read it */
    enum better better;
    struct summary summary; /**< of its samples; n is 1 for a figure that has no noise */
    double published;       /**< M6's figure in the same unit; NaN: none */
};

struct record {
    char *suite; /**< "m6", "sizes" ... */
    struct row *rows;
    size_t n, capacity;
    struct machine *machine; /**< NULL: not told, as of a published report */
    char *settings;          /**< the command line in words: "--device cpu --threads 1" */
    char *device;            /**< the one that "auto" became, in words: "cpu, avx512, ..." */
};

/** A row to fill in: everything "" or 0, published NaN. Texts given as literals or borrowed. */
struct row row_blank(const char *what, const char *model, const char *structure,
                     const char *quantity, const char *unit, enum better better);

/** Append a row; its texts are copied. False when out of memory. */
bool record_add(struct record *record, const struct row *row);

/** The first row that matches in all but summary, unit and published; NULL: none. */
const struct row *record_find(const struct record *record, const struct row *like);

void record_free(struct record *record);

/** As JSON, to be freed with free(); NULL when out of memory. */
char *record_json(const struct record *record);

/** Read a file of record_json. Nothing in it is trusted: complains in one line and gives the exit
 *  status of a bad input. */
int record_read(struct record *record, const char *path);

#endif
