#include "support.h"

#include <ftw.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/memory.h"
#include "potential/model.h"

void support_assert_status(sch_status found, sch_status expected, const char *call,
                           const char *file, int line) {
    if (found == expected)
        return;
    print_error("%s\n  expected status %d, found %d: %s\n", call, (int)expected, (int)found,
                found == SCH_OK ? "success" : sch_last_error());
    _fail(file, line);
}

void support_assert_message(const char *text, const char *file, int line) {
    const char *message = sch_last_error();
    if (strstr(message, text) && !strchr(message, '\n'))
        return;
    print_error("the message is \"%s\"\n  expected one line with \"%s\"\n", message, text);
    _fail(file, line);
}

void support_assert_close(double a, double b, double bound, const char *what, const char *file,
                          int line) {
    if (fabs(a - b) <= bound) /* false for NaN */
        return;
    print_error("%s: %.17g and %.17g differ by %.3g, bound %.3g\n", what, a, b, fabs(a - b), bound);
    _fail(file, line);
}

/* ---------------------------------------------------------------- files */

static char folder[64];

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw) {
    (void)status, (void)type, (void)ftw;
    return remove(path);
}

static void remove_folder(void) {
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *support_folder(void) {
    if (!folder[0]) {
        snprintf(folder, sizeof folder, "/tmp/schnell-test-XXXXXX");
        if (!mkdtemp(folder))
            fail_msg("cannot make %s", folder);
        atexit(remove_folder);
    }
    return folder;
}

const char *support_path(const char *name) {
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", support_folder(), name);
    return path;
}

const char *support_file(const char *name, const char *content) {
    const char *path = support_path(name);
    FILE *file = fopen(path, "wb");
    if (!file || fputs(content, file) < 0 || fclose(file) != 0)
        fail_msg("cannot write %s", path);
    return path;
}

const char *support_data(const char *name) {
    static char paths[4][4096];
    static unsigned next;
    char *found = NULL, *path = paths[next++ % 4];
    assert_ok(sch_find_data(&found, name));
    snprintf(path, sizeof paths[0], "%s", found);
    free(found);
    return path;
}

void support_limit_file_size(size_t bytes) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* ---------------------------------------------------------------- random structures */

static gsl_rng *generator(void) {
    static gsl_rng *shared;
    if (!shared)
        shared = gsl_rng_alloc(gsl_rng_mt19937);
    return shared;
}

double support_uniform(double low, double high) {
    return low + (high - low) * gsl_rng_uniform(generator());
}

double support_gaussian(void *state) {
    (void)state;
    return gsl_ran_ugaussian(generator());
}

/** Distance to the nearest image among the 27 around; enough to keep random atoms apart. */
static double image_distance(const double a[3], const double b[3], const double cell[3][3],
                             bool periodic) {
    double nearest = INFINITY;
    int reach = periodic ? 1 : 0;
    for (int i = -reach; i <= reach; i++)
        for (int j = -reach; j <= reach; j++)
            for (int k = -reach; k <= reach; k++) {
                double square = 0;
                for (int x = 0; x < 3; x++) {
                    double d = b[x] - a[x] + i * cell[0][x] + j * cell[1][x] + k * cell[2][x];
                    square += d * d;
                }
                nearest = fmin(nearest, sqrt(square));
            }
    return nearest;
}

sch_system *support_random_system(size_t n_atoms, double edge, double apart, bool periodic) {
    static const int elements[] = {1, 6, 7, 8};
    double cell[3][3];
    for (int row = 0; row < 3; row++)
        for (int x = 0; x < 3; x++)
            cell[row][x] = row == x ? edge : periodic ? support_uniform(-0.3, 0.3) * edge : 0.0;
    int *species = calloc(n_atoms, sizeof *species);
    double(*positions)[3] = calloc(n_atoms, sizeof *positions);
    assert_non_null(species);
    assert_non_null(positions);
    for (size_t i = 0; i < n_atoms; i++) {
        species[i] = elements[(int)support_uniform(0, 4)];
        bool placed = false;
        for (int attempt = 0; !placed && attempt < 100000; attempt++) {
            double f[3] = {support_uniform(0, 1), support_uniform(0, 1), support_uniform(0, 1)};
            for (int x = 0; x < 3; x++)
                positions[i][x] = f[0] * cell[0][x] + f[1] * cell[1][x] + f[2] * cell[2][x];
            placed = true;
            for (size_t j = 0; placed && j < i; j++)
                placed = image_distance(positions[i], positions[j], cell, periodic) >= apart;
        }
        if (!placed)
            fail_msg("no room for atom %zu", i);
    }
    sch_system *system = NULL;
    assert_ok(sch_system_create(&system, n_atoms, species, positions[0], periodic ? cell[0] : NULL,
                                NULL));
    free(species);
    free(positions);
    return system;
}

/* ---------------------------------------------------------------- random models */

/** How large the weights of a tensor are: 1/sqrt(inputs), less where a sum over neighbours follows.
 */
static double weight_size(const struct tensor *tensor) {
    if (strcmp(tensor->name, "embedding.weight") == 0)
        return 1.0;
    if (tensor->rank == 1)
        return 0.3;
    double size = sqrt(3.0 / (double)tensor->shape[1]);
    return strstr(tensor->name, "filter.1") ? 0.5 * size : size;
}

sch_model *support_random_model(int hidden, int interactions, int rbf) {
    sch_model *model = NULL;
    assert_ok(model_create(&model, hidden, interactions, rbf, 5.0));
    for (size_t i = 0; i < model->n_tensors; i++) {
        struct tensor *tensor = &model->tensors[i];
        double size = weight_size(tensor);
        for (size_t k = 0; k < tensor->shape[0] * tensor->shape[1]; k++)
            tensor->data[k] = (float)support_uniform(-size, size);
    }
    for (int k = 0; k < rbf; k++) {
        model->rbf_centres[k] = 0.7 + 4.3 * k / (rbf > 1 ? rbf - 1 : 1);
        model->rbf_widths[k] = 4.3 / rbf;
    }
    static const int known[] = {1, 6, 7, 8};
    for (int k = 0; k < 4; k++) {
        model->elements[k] = known[k];
        model->atom_energy[known[k]] = -0.5 * known[k];
    }
    model->n_elements = 4;
    model->energy_scale = 0.8;
    assert_ok(memory_string(&model->name, "random"));
    assert_ok(memory_string(&model->architecture, "schnet-v"));
    assert_ok(memory_string(&model->level_of_theory, "none"));
    assert_ok(memory_string(&model->training, "random weights"));
    assert_ok(memory_string(&model->path, ""));
    return model;
}
