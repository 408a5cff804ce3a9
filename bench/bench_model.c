#include "bench_model.h"

#include "paths.h"
#include "program.h"
#include "status_line.h"

#include <stdlib.h>
#include <string.h>

char *bench_model_name(const char *name_or_path) {
    bool is_path = strchr(name_or_path, '/') || paths_ends_in(name_or_path, ".h5");
    char *name = is_path ? paths_derived(name_or_path, "") : strdup(name_or_path);
    if (name)
        sch_printable(name, name, strlen(name) + 1);
    return name;
}

int bench_model_open(struct bench_model *model, const struct bench_options *options, size_t k,
                     int threads) {
    sch_potential_options potential = options->potential;
    *model = (struct bench_model){0};
    if (threads)
        potential.threads = threads;
    else if (!potential.threads)
        potential.threads = 1;
    model->threads = potential.threads;
    sch_status status = sch_model_load(&model->model, options->models[k]);
    if (status != SCH_OK)
        return library_failed(status);
    sch_model_describe(model->model, &model->info);
    model->name = bench_model_name(options->models[k]);
    if (!model->name)
        return out_of_memory();
    model->info.name = model->name;
    status = sch_potential_create(&model->potential, model->model, &potential);
    if (status != SCH_OK) {
        library_failed(status);
        return PROGRAM_FAILED; // of a device that is not there; the model itself was sound
    }
    model->on_device = strncmp(sch_potential_device(model->potential), "cuda", 4) == 0;
    if (model->on_device)
        model->threads = 0;
    return PROGRAM_DONE;
}

double bench_model_device_peak(const struct bench_model *model) {
    size_t now, peak;
    sch_potential_device_memory(model->potential, &now, &peak);
    return (double)peak;
}

int bench_model_device(const struct bench_options *options, char **device) {
    struct bench_model model;
    int result = bench_model_open(&model, options, 0, 0);
    if (result == PROGRAM_DONE && !(*device = strdup(sch_potential_device(model.potential))))
        result = out_of_memory();
    bench_model_free(&model);
    return result;
}

static bool knows(const sch_model_info *info, int element) {
    for (int k = 0; k < info->n_elements; k++)
        if (info->elements[k] == element)
            return true;
    return false;
}

bool bench_model_knows(const struct bench_model *model, const sch_system *system) {
    const int *elements = sch_system_atomic_numbers(system);
    for (size_t i = 0; i < sch_system_n_atoms(system); i++)
        if (!knows(&model->info, elements[i]))
            return false;
    return true;
}

long bench_most_at_once(const struct bench_options *options, const struct bench_model *model) {
    if (options->max_batch)
        return options->max_batch;
    if (model->on_device)
        return options->quick ? 4096 : 16384;
    return options->quick ? 64 : 4096;
}

void bench_model_free(struct bench_model *model) {
    sch_potential_free(model->potential);
    sch_model_free(model->model);
    free(model->name);
    *model = (struct bench_model){0};
}
