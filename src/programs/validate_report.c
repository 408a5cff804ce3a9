#include "validate_report.h"

#include "json.h"
#include "number.h"
#include "program.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_MIN = 14, LABEL_MAX = 24, COLUMN = 10, NARROW = 8 };
static const double meV = 1e3;
static const char *const shift_names[] = {"none", "mean", "per-formula"};

/* ---------------------------------------------------------------- tables */

/* Formulas are short but for large systems: those are cut, so that the columns stay. */
static int label_width(const struct figures *figures) {
    size_t width = LABEL_MIN;
    for (size_t i = 0; i < figures->n; i++) {
        size_t length = strlen(figures->groups[i].formula);
        width = length > width ? length : width;
    }
    return width < LABEL_MAX ? (int)width : LABEL_MAX;
}

static void print_label(FILE *stream, int width, const char *label) {
    fprintf(stream, "%-*.*s", width, width, label);
}

/* Of a column the first place is always blank, so that two never run together. */
static void print_text(FILE *stream, int width, const char *text) {
    fprintf(stream, " %*s", width - 1, text);
}

static void print_in(FILE *stream, int width, double number) {
    char text[NUMBER_SIZE];
    print_text(stream, width, number_short(text, number));
}

static void print_number(FILE *stream, double number) {
    print_in(stream, COLUMN, number);
}

/* Close to 1 the digits that matter are those after the nines. */
static void print_near_one(FILE *stream, double number) {
    if (isfinite(number) && fabs(number) < 1e3)
        fprintf(stream, " %*.5f", COLUMN - 1, number);
    else
        print_number(stream, number);
}

static void print_share(FILE *stream, double share) {
    if (isfinite(share))
        fprintf(stream, " %*.1f %%", COLUMN - 2, 100 * share);
    else
        fprintf(stream, " %*s", COLUMN, "-");
}

static void print_energy(FILE *stream, const struct validate_report *report,
                         const struct group *group) {
    (void)report;
    char text[NUMBER_SIZE];
    const struct energy_sums *sums = &group->energy;
    long n = sums->frames;
    print_text(stream, COLUMN, number_grouped(text, group->plain.frames));
    print_text(stream, COLUMN, number_grouped(text, group->plain.atoms));
    print_number(stream, meV * figures_mean(sums->error, n));
    print_number(stream, meV * figures_root_mean(sums->error_square, n));
    print_number(stream, meV * figures_mean(sums->error_per_atom, n));
    print_number(stream, meV * figures_root_mean(sums->error_per_atom_square, n));
}

static void print_forces(FILE *stream, const struct validate_report *report,
                         const struct group *group) {
    (void)report;
    const struct force_sums *sums = &group->force;
    print_number(stream, meV * force_mae(sums));
    print_number(stream, meV * force_rmse(sums));
    print_number(stream, meV * force_largest(sums));
    print_near_one(stream, force_r2(sums));
    print_near_one(stream, force_cosine(sums));
}

/* Errors by element, for the elements that are anywhere; then the shares. */
static void print_details(FILE *stream, const struct validate_report *report,
                          const struct group *group) {
    for (int z = 1; z < ELEMENTS; z++)
        if (report->total.force.elements[z].components)
            print_in(stream, NARROW, meV * element_mae(&group->force.elements[z]));
    for (int k = 0; k < FORCE_BOUNDS; k++)
        print_share(stream, force_share_within(&group->force, k));
}

/* A row for each formula, and one for all where there are several. */
static void print_rows(FILE *stream, const struct validate_report *report,
                       void (*print_row)(FILE *, const struct validate_report *,
                                         const struct group *)) {
    const struct figures *figures = report->figures;
    int width = label_width(figures);
    for (size_t i = 0; i < figures->n; i++) {
        print_label(stream, width, figures->groups[i].formula);
        print_row(stream, report, &figures->groups[i]);
        putc('\n', stream);
    }
    if (figures->n > 1) {
        print_label(stream, width, "all");
        print_row(stream, report, &report->total);
        putc('\n', stream);
    }
}

/* The heading of a table; its title has `wide` bytes that take no column of the screen. */
static void print_heading(FILE *stream, int width, int wide, const char *title,
                          const char *const columns[], size_t n) {
    fprintf(stream, "\n%-*s", width + wide, title);
    for (size_t i = 0; i < n; i++)
        print_text(stream, COLUMN, columns[i]);
}

static void print_energy_table(FILE *stream, const struct validate_report *report) {
    static const char *const columns[] = {"frames", "atoms",    "MAE",
                                          "RMSE",   "MAE/atom", "RMSE/atom"};
    print_heading(stream, label_width(report->figures), 0, "energy, meV", columns,
                  sizeof columns / sizeof *columns);
    putc('\n', stream);
    print_rows(stream, report, print_energy);
}

static void print_force_tables(FILE *stream, const struct validate_report *report) {
    static const char *const forces[] = {"MAE", "RMSE", "largest", "R2", "cosine"};
    static const char *const shares[FORCE_BOUNDS] = {"within 10", "within 50", "within 100"};
    int width = label_width(report->figures);
    print_heading(stream, width, 1, "forces, meV/Å", forces, sizeof forces / sizeof *forces);
    putc('\n', stream);
    print_rows(stream, report, print_forces);
    print_heading(stream, width, 0, "MAE by element", NULL, 0);
    for (int z = 1; z < ELEMENTS; z++)
        if (report->total.force.elements[z].components)
            print_text(stream, NARROW, sch_element_symbol(z));
    for (int k = 0; k < FORCE_BOUNDS; k++)
        print_text(stream, COLUMN + 1, shares[k]);
    putc('\n', stream);
    print_rows(stream, report, print_details);
}

/* Which references there are, where some frames lack one. */
static void print_kinds(FILE *stream, const struct group *total) {
    char energies[NUMBER_SIZE], forces[NUMBER_SIZE];
    if (total->plain.frames == total->frames && total->force.frames == total->frames)
        return;
    fprintf(stream, "they have    energies in %s frames, forces in %s\n",
            number_grouped(energies, total->plain.frames),
            number_grouped(forces, total->force.frames));
}

static void print_heads(FILE *stream, const struct validate_report *report) {
    char a[NUMBER_SIZE], b[NUMBER_SIZE];
    const struct force_sums *force = &report->total.force;
    const struct place *at = &force->largest_at;
    fprintf(stream, "references   %s%s, %s frames, %s atoms\n",
            printable(report->references[0]).text, report->n_references > 1 ? " and others" : "",
            number_grouped(a, report->total.frames), number_grouped(b, (long)report->total.atoms));
    print_kinds(stream, &report->total);
    fprintf(stream, "model        %s, %s parameters\n", report->model.name,
            number_grouped(a, (long)report->model.parameters));
    fprintf(stream, "device       %s\n", report->device);
    bool finished = strcmp(report->status, "finished") == 0;
    fprintf(stream, "speed        %s frames/s, %.2f s, batches of %s%s%s\n",
            number_short(a, (double)report->total.frames / report->wall_s), report->wall_s,
            number_grouped(b, (long)report->batch), finished ? "" : ", ",
            finished ? "" : report->status);
    fprintf(stream, "shift        %s\n", shift_names[report->figures->shift]);
    if (at->file)
        fprintf(stream, "largest      force error %s meV/Å, atom %zu in frame %ld of %s\n",
                number_short(a, meV * force->largest), at->atom, at->frame,
                printable(at->file).text);
}

void validate_report_print(const struct validate_report *report, FILE *stream) {
    print_heads(stream, report);
    if (report->total.plain.frames > 0)
        print_energy_table(stream, report);
    if (report->total.force.frames > 0)
        print_force_tables(stream, report);
}

/* ---------------------------------------------------------------- for programs */

static bool add_place(cJSON *object, const struct place *at) {
    if (!at->file)
        return cJSON_AddNullToObject(object, "force_max_at");
    cJSON *place = cJSON_AddObjectToObject(object, "force_max_at");
    return place && cJSON_AddStringToObject(place, "file", at->file) &&
           cJSON_AddNumberToObject(place, "frame", (double)at->frame) &&
           cJSON_AddNumberToObject(place, "atom", (double)at->atom);
}

static bool add_elements(cJSON *object, const struct force_sums *sums) {
    cJSON *elements = cJSON_AddObjectToObject(object, "elements");
    bool sound = elements != NULL;
    for (int z = 1; z < ELEMENTS && sound; z++) {
        if (sums->elements[z].components == 0)
            continue;
        long atoms = sums->elements[z].components / 3;
        const struct json_number figures[] = {
            {"atoms", (double)atoms},
            {"force_mae_meV_per_A", meV * element_mae(&sums->elements[z])},
        };
        cJSON *element = cJSON_AddObjectToObject(elements, sch_element_symbol(z));
        sound = element && json_add_numbers(element, figures, sizeof figures / sizeof *figures);
    }
    return sound;
}

static bool add_group(cJSON *parent, const char *name, const struct group *group) {
    const struct energy_sums *energy = &group->energy;
    const struct force_sums *force = &group->force;
    long n = energy->frames;
    const struct json_number figures[] = {
        {"frames", (double)group->frames},
        {"atoms", (double)group->atoms},
        {"energy_frames", (double)group->plain.frames},
        {"force_frames", (double)force->frames},
        {"energy_shift_eV", group->energy_shift},
        {"energy_mae_meV", meV * figures_mean(energy->error, n)},
        {"energy_rmse_meV", meV * figures_root_mean(energy->error_square, n)},
        {"energy_mae_meV_per_atom", meV * figures_mean(energy->error_per_atom, n)},
        {"energy_rmse_meV_per_atom", meV * figures_root_mean(energy->error_per_atom_square, n)},
        {"force_mae_meV_per_A", meV * force_mae(force)},
        {"force_rmse_meV_per_A", meV * force_rmse(force)},
        {"force_r2", force_r2(force)},
        {"force_max_meV_per_A", meV * force_largest(force)},
        {"force_cosine_mean", force_cosine(force)},
        {"force_within_10_meV_per_A", force_share_within(force, 0)},
        {"force_within_50_meV_per_A", force_share_within(force, 1)},
        {"force_within_100_meV_per_A", force_share_within(force, 2)},
    };
    cJSON *object = cJSON_AddObjectToObject(parent, name);
    return object && json_add_numbers(object, figures, sizeof figures / sizeof *figures) &&
           add_place(object, &force->largest_at) && add_elements(object, force);
}

static bool add_references(cJSON *object, const struct validate_report *report) {
    cJSON *references = cJSON_AddArrayToObject(object, "references");
    bool sound = references != NULL;
    for (size_t i = 0; i < report->n_references && sound; i++) {
        cJSON *name = cJSON_CreateString(report->references[i]);
        sound = name && cJSON_AddItemToArray(references, name);
        if (!sound)
            cJSON_Delete(name);
    }
    return sound;
}

static bool add_formulas(cJSON *object, const struct figures *figures) {
    cJSON *formulas = cJSON_AddObjectToObject(object, "formulas");
    bool sound = formulas != NULL;
    for (size_t i = 0; i < figures->n && sound; i++)
        sound = add_group(formulas, figures->groups[i].formula, &figures->groups[i]);
    return sound;
}

static bool add_all(cJSON *object, const struct validate_report *report) {
    const struct json_number speed[] = {
        {"wall_s", report->wall_s},
        {"frames_per_s", (double)report->total.frames / report->wall_s},
    };
    return cJSON_AddStringToObject(object, "model", report->model.name) &&
           cJSON_AddNumberToObject(object, "parameters", (double)report->model.parameters) &&
           cJSON_AddStringToObject(object, "device", report->device) &&
           add_references(object, report) &&
           cJSON_AddStringToObject(object, "shift", shift_names[report->figures->shift]) &&
           add_group(object, "total", &report->total) && add_formulas(object, report->figures) &&
           json_add_numbers(object, speed, sizeof speed / sizeof *speed) &&
           cJSON_AddStringToObject(object, "status", report->status) &&
           cJSON_AddStringToObject(object, "version", sch_version());
}

char *validate_report_json(const struct validate_report *report) {
    cJSON *object = cJSON_CreateObject();
    if (object && add_all(object, report))
        return json_text(object);
    cJSON_Delete(object);
    return NULL;
}
