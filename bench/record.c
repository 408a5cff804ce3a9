#include "record.h"

#include "machine.h"
#include "program.h"

#include "json.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FORMAT_VERSION = 1, ROWS_MOST = 10000, TEXT_MOST = 1000 };
static const char FORMAT[] = "schnell-bench";
static const long LARGEST_FILE = 64L << 20; // bytes; a record of a thousand rows has half a million

/* ---------------------------------------------------------------- rows */

struct row row_blank(const char *what, const char *model, const char *structure,
                     const char *quantity, const char *unit, enum better better) {
    return (struct row){.what = (char *)what,
                        .model = (char *)model,
                        .structure = (char *)structure,
                        .variant = "",
                        .quantity = (char *)quantity,
                        .unit = (char *)unit,
                        .better = better,
                        .published = NAN};
}

enum { TEXTS = 6 };

/* The texts of a row, in the order of their keys. */
static void texts_of(struct row *row, char **texts[TEXTS]) {
    texts[0] = &row->what;
    texts[1] = &row->model;
    texts[2] = &row->structure;
    texts[3] = &row->variant;
    texts[4] = &row->quantity;
    texts[5] = &row->unit;
}

static void row_free(struct row *row) {
    char **texts[TEXTS];
    texts_of(row, texts);
    for (int k = 0; k < TEXTS; k++)
        free(*texts[k]);
}

static bool copy_texts(struct row *row) {
    char **texts[TEXTS];
    bool whole = true;
    texts_of(row, texts);
    for (int k = 0; k < TEXTS; k++) {
        *texts[k] = strdup(*texts[k] ? *texts[k] : "");
        whole = whole && *texts[k];
    }
    return whole;
}

static bool make_room(struct record *record) {
    if (record->n < record->capacity)
        return true;
    size_t capacity = record->capacity ? 2 * record->capacity : 64;
    struct row *rows = realloc(record->rows, capacity * sizeof *rows);
    if (!rows)
        return false;
    record->rows = rows;
    record->capacity = capacity;
    return true;
}

bool record_add(struct record *record, const struct row *row) {
    struct row copy = *row;
    if (copy_texts(&copy) && make_room(record)) {
        record->rows[record->n++] = copy;
        return true;
    }
    row_free(&copy);
    return false;
}

static bool same_name(const struct row *a, const struct row *b) {
    return strcmp(a->what, b->what) == 0 && strcmp(a->model, b->model) == 0 &&
           strcmp(a->structure, b->structure) == 0 && strcmp(a->variant, b->variant) == 0 &&
           strcmp(a->quantity, b->quantity) == 0 && a->atoms == b->atoms && a->batch == b->batch &&
           a->threads == b->threads && a->processes == b->processes;
}

const struct row *record_find(const struct record *record, const struct row *like) {
    for (size_t i = 0; i < record->n; i++)
        if (same_name(&record->rows[i], like))
            return &record->rows[i];
    return NULL;
}

void record_free(struct record *record) {
    for (size_t i = 0; i < record->n; i++)
        row_free(&record->rows[i]);
    free(record->rows);
    free(record->suite);
    free(record->settings);
    free(record->device);
    free(record->machine);
    *record = (struct record){0};
}

/* ---------------------------------------------------------------- keys, for writing and reading */

static const char *const text_keys[TEXTS] = {"what",    "model",    "structure",
                                             "variant", "quantity", "unit"};

enum { COUNTS = 4 };
static const char *const count_keys[COUNTS] = {"atoms", "batch", "threads", "processes"};

static void counts_of(struct row *row, long *counts[COUNTS]) {
    counts[0] = &row->atoms;
    counts[1] = &row->batch;
    counts[2] = &row->threads;
    counts[3] = &row->processes;
}

enum { FIGURES = 7 };
static const char *const figure_keys[FIGURES] = {"median", "mean", "sd",  "min",
                                                 "max",    "low",  "high"};

static void figures_of(struct summary *summary, double *figures[FIGURES]) {
    figures[0] = &summary->median;
    figures[1] = &summary->mean;
    figures[2] = &summary->sd;
    figures[3] = &summary->min;
    figures[4] = &summary->max;
    figures[5] = &summary->low;
    figures[6] = &summary->high;
}

enum { TALLIES = 3 };
static const char *const tally_keys[TALLIES] = {"n", "outliers", "far_outliers"};

static void tallies_of(struct summary *summary, size_t *tallies[TALLIES]) {
    tallies[0] = &summary->n;
    tallies[1] = &summary->outliers;
    tallies[2] = &summary->far_outliers;
}

static const char *const better_words[] = {"none", "lower", "higher"};

/* ---------------------------------------------------------------- writing */

/* Texts and counts that do not apply are left out. */
static bool add_name(cJSON *object, struct row *row) {
    char **texts[TEXTS];
    long *counts[COUNTS];
    bool whole = true;
    texts_of(row, texts);
    counts_of(row, counts);
    for (int k = 0; k < TEXTS && whole; k++)
        whole = !**texts[k] || cJSON_AddStringToObject(object, text_keys[k], *texts[k]);
    for (int k = 0; k < COUNTS && whole; k++)
        whole = !*counts[k] || cJSON_AddNumberToObject(object, count_keys[k], (double)*counts[k]);
    return whole && cJSON_AddStringToObject(object, "better", better_words[row->better]);
}

static bool add_figures(cJSON *object, struct row *row) {
    double *figures[FIGURES];
    size_t *tallies[TALLIES];
    bool whole = true;
    figures_of(&row->summary, figures);
    tallies_of(&row->summary, tallies);
    for (int k = 0; k < FIGURES && whole; k++)
        whole = cJSON_AddNumberToObject(object, figure_keys[k], *figures[k]) != NULL;
    for (int k = 0; k < TALLIES && whole; k++)
        whole = cJSON_AddNumberToObject(object, tally_keys[k], (double)*tallies[k]) != NULL;
    return whole && cJSON_AddNumberToObject(object, "published", row->published);
}

static bool add_rows(cJSON *array, const struct record *record) {
    for (size_t i = 0; i < record->n; i++) {
        cJSON *object = cJSON_CreateObject();
        if (!object || !cJSON_AddItemToArray(array, object))
            return false;
        if (!add_name(object, &record->rows[i]) || !add_figures(object, &record->rows[i]))
            return false;
    }
    return true;
}

static bool add_machine(cJSON *object, const struct machine *machine) {
    if (!machine)
        return cJSON_AddNullToObject(object, "machine");
    cJSON *described = machine_json(machine);
    if (described && cJSON_AddItemToObject(object, "machine", described))
        return true;
    cJSON_Delete(described);
    return false;
}

char *record_json(const struct record *record) {
    cJSON *object = cJSON_CreateObject(), *rows;
    if (object && cJSON_AddStringToObject(object, "format", FORMAT) &&
        cJSON_AddNumberToObject(object, "format_version", FORMAT_VERSION) &&
        cJSON_AddStringToObject(object, "suite", record->suite ? record->suite : "") &&
        cJSON_AddStringToObject(object, "settings", record->settings ? record->settings : "") &&
        cJSON_AddStringToObject(object, "device", record->device ? record->device : "") &&
        add_machine(object, record->machine) && (rows = cJSON_AddArrayToObject(object, "rows")) &&
        add_rows(rows, record))
        return json_text(object);
    cJSON_Delete(object);
    return NULL;
}

/* ---------------------------------------------------------------- reading */

/* Where a reader is, for its complaint. */
struct reading {
    const char *path;
    long row; /* from 1; 0: none */
};

static int wrong(const struct reading *at, const char *item, const char *expected) {
    char row[32] = "";
    if (at->row)
        snprintf(row, sizeof row, "row %ld: ", at->row);
    complain("%s: %s%s: expected %s, found something else", at->path, row, item, expected);
    return PROGRAM_INPUT;
}

/* Texts go to terminals and into pages: all of them printable, and no novels. */
static bool sound_text(const cJSON *item) {
    char clean[TEXT_MOST + 1];
    return cJSON_IsString(item) && strlen(item->valuestring) <= TEXT_MOST &&
           (sch_printable(item->valuestring, clean, sizeof clean), true) &&
           strcmp(item->valuestring, clean) == 0;
}

/* A text into a place of its own; "" where there is none. */
static int read_text(const struct reading *at, const cJSON *object, const char *key, char **text) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (item && !sound_text(item))
        return wrong(at, key, "a short text");
    *text = strdup(item ? item->valuestring : "");
    return *text ? PROGRAM_DONE : out_of_memory();
}

/* A whole number, 0 or more; 0 where there is none. */
static int read_count(const struct reading *at, const cJSON *object, const char *key,
                      double *count) {
    const double largest = 1e15; // what a double tells exactly
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    *count = item ? item->valuedouble : 0;
    if (item &&
        (!cJSON_IsNumber(item) || !(*count >= 0) || *count > largest || *count != floor(*count)))
        return wrong(at, key, "a whole number, 0 or more");
    return PROGRAM_DONE;
}

/* A number, or null for one that is not finite; what is missing is as told. */
static int read_figure(const struct reading *at, const cJSON *object, const char *key,
                       double missing, double *figure) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (item && !cJSON_IsNull(item) && !(cJSON_IsNumber(item) && isfinite(item->valuedouble)))
        return wrong(at, key, "a number or null");
    *figure = !item ? missing : cJSON_IsNull(item) ? NAN : item->valuedouble;
    return PROGRAM_DONE;
}

static int read_better(const struct reading *at, const cJSON *object, enum better *better) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, "better");
    *better = BETTER_NONE;
    if (!item)
        return PROGRAM_DONE;
    for (int k = BETTER_NONE; k <= BETTER_HIGHER; k++)
        if (cJSON_IsString(item) && strcmp(item->valuestring, better_words[k]) == 0) {
            *better = (enum better)k;
            return PROGRAM_DONE;
        }
    return wrong(at, "better", "none, lower or higher");
}

/* Of a figure that tells its median alone, all figures are that. */
static int read_summary(const struct reading *at, const cJSON *object, struct summary *summary) {
    double *figures[FIGURES];
    size_t *tallies[TALLIES];
    figures_of(summary, figures);
    tallies_of(summary, tallies);
    if (!cJSON_GetObjectItemCaseSensitive(object, "median"))
        return wrong(at, "median", "a number or null");
    int result = PROGRAM_DONE;
    for (int k = 0; k < FIGURES && result == PROGRAM_DONE; k++)
        result = read_figure(at, object, figure_keys[k],
                             figures[k] == &summary->sd ? 0 : summary->median, figures[k]);
    for (int k = 0; k < TALLIES && result == PROGRAM_DONE; k++) {
        double count = 0;
        result = read_count(at, object, tally_keys[k], &count);
        *tallies[k] = (size_t)count;
    }
    if (!cJSON_GetObjectItemCaseSensitive(object, "n"))
        summary->n = 1;
    return result;
}

static int read_row(const struct reading *at, const cJSON *object, struct row *row) {
    char **texts[TEXTS];
    long *counts[COUNTS];
    texts_of(row, texts);
    counts_of(row, counts);
    if (!cJSON_IsObject(object))
        return wrong(at, "it", "an object");
    int result = PROGRAM_DONE;
    for (int k = 0; k < TEXTS && result == PROGRAM_DONE; k++)
        result = read_text(at, object, text_keys[k], texts[k]);
    for (int k = 0; k < COUNTS && result == PROGRAM_DONE; k++) {
        double count = 0;
        result = read_count(at, object, count_keys[k], &count);
        *counts[k] = (long)count;
    }
    if (result == PROGRAM_DONE && (!*row->what || !*row->quantity))
        result = wrong(at, *row->what ? "quantity" : "what", "a short text");
    if (result == PROGRAM_DONE)
        result = read_better(at, object, &row->better);
    if (result == PROGRAM_DONE)
        result = read_summary(at, object, &row->summary);
    if (result == PROGRAM_DONE)
        result = read_figure(at, object, "published", NAN, &row->published);
    return result;
}

static int read_rows(struct reading *at, const cJSON *array, struct record *record) {
    const cJSON *object;
    int result = PROGRAM_DONE;
    if (!cJSON_IsArray(array) || cJSON_GetArraySize(array) > ROWS_MOST)
        return wrong(at, "rows", "an array of at most 10,000 rows");
    cJSON_ArrayForEach(object, array) {
        struct row row = {0};
        at->row++;
        result = read_row(at, object, &row);
        if (result == PROGRAM_DONE && record_find(record, &row))
            result = wrong(at, "it", "a row that no other is named like");
        if (result == PROGRAM_DONE && !record_add(record, &row))
            result = out_of_memory();
        row_free(&row);
        if (result != PROGRAM_DONE)
            break;
    }
    at->row = 0;
    return result;
}

static int read_machine(const struct reading *at, const cJSON *object, struct record *record) {
    if (!object || cJSON_IsNull(object))
        return PROGRAM_DONE;
    if (!cJSON_IsObject(object))
        return wrong(at, "machine", "an object or null");
    record->machine = malloc(sizeof *record->machine);
    if (!record->machine)
        return out_of_memory();
    machine_read(record->machine, object);
    return PROGRAM_DONE;
}

static int read_object(struct reading *at, const cJSON *object, struct record *record) {
    const cJSON *format = cJSON_GetObjectItemCaseSensitive(object, "format");
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(object, "format_version");
    if (!cJSON_IsString(format) || strcmp(format->valuestring, FORMAT) != 0)
        return wrong(at, "format", "\"schnell-bench\", a file of mdbench --json");
    if (!cJSON_IsNumber(version) || version->valuedouble != FORMAT_VERSION)
        return wrong(at, "format_version", "1");
    int result = read_text(at, object, "suite", &record->suite);
    if (result == PROGRAM_DONE)
        result = read_text(at, object, "settings", &record->settings);
    if (result == PROGRAM_DONE)
        result = read_text(at, object, "device", &record->device);
    if (result == PROGRAM_DONE)
        result = read_machine(at, cJSON_GetObjectItemCaseSensitive(object, "machine"), record);
    if (result == PROGRAM_DONE)
        result = read_rows(at, cJSON_GetObjectItemCaseSensitive(object, "rows"), record);
    return result;
}

/* The whole of a file, ended by a 0; NULL after a complaint. */
static char *read_all(const char *path, size_t *length) {
    struct stat about;
    FILE *file = fopen(path, "rb");
    if (!file || fstat(fileno(file), &about) != 0 || S_ISDIR(about.st_mode)) {
        complain("%s: cannot be read: %s", path, strerror(file ? EISDIR : errno));
        if (file)
            fclose(file);
        return NULL;
    }
    size_t capacity = 1 << 16;
    char *text = malloc(capacity), *longer = text;
    *length = 0;
    while (text && longer && !feof(file) && !ferror(file) && *length < (size_t)LARGEST_FILE) {
        *length += fread(text + *length, 1, capacity - 1 - *length, file);
        if (*length == capacity - 1 && (longer = realloc(text, capacity *= 2)))
            text = longer;
    }
    bool whole = text && longer && feof(file) && !ferror(file);
    if (!text || !longer)
        out_of_memory();
    else if (!whole)
        complain("%s: cannot be read: %s", path,
                 ferror(file) ? strerror(errno) : "it is larger than any record");
    fclose(file);
    if (whole)
        text[*length] = '\0';
    else
        free(text);
    return whole ? text : NULL;
}

int record_read(struct record *record, const char *path) {
    struct reading at = {.path = path};
    struct record read = {0};
    size_t length;
    char *text = read_all(path, &length);
    if (!text)
        return PROGRAM_INPUT;
    errno = 0;
    cJSON *object = cJSON_ParseWithLength(text, length);
    int result = PROGRAM_INPUT;
    if (object)
        result = read_object(&at, object, &read);
    else if (errno == ENOMEM) // cJSON itself does not tell
        result = out_of_memory();
    else
        result = wrong(&at, "content", "JSON");
    cJSON_Delete(object);
    free(text);
    if (result == PROGRAM_DONE)
        *record = read;
    else
        record_free(&read);
    return result;
}
