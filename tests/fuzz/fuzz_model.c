/* The reader of model files. */
#include <math.h>
#include <string.h>

#include "fuzz.h"
#include "potential/model.h"

static void check_texts(const sch_model_info *info) {
    const char *texts[] = {info->name, info->architecture, info->level_of_theory, info->training};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (const char *c = texts[i]; *c; c++)
            MUST(*c >= ' ' && *c <= '~');
    for (size_t i = 0; i < info->n_molecules; i++)
        MUST(strlen(info->molecules[i]) > 0);
}

static void check_numbers(const sch_model *model, const sch_model_info *info) {
    for (size_t i = 0; i < info->parameters; i++)
        MUST(isfinite(model->arena[i]));
    for (int k = 0; k < info->rbf; k++)
        MUST(isfinite(model->rbf_centres[k]) && model->rbf_widths[k] > 0);
    for (int i = 0; i < info->n_elements; i++) {
        MUST(sch_element_symbol(info->elements[i]));
        MUST(isfinite(model->atom_energy[info->elements[i]]));
    }
    MUST(isfinite(model->energy_scale) && isfinite(info->cutoff));
    MUST(info->record.seconds >= 0 && info->most_neighbours >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    sch_model *model = NULL;
    sch_model_info info;
    if (sch_model_load(&model, fuzz_file(bytes, count)) != SCH_OK) {
        MUST(!model && sch_last_error()[0]);
        return 0;
    }
    sch_model_describe(model, &info);
    check_texts(&info);
    check_numbers(model, &info);
    sch_model_free(model);
    return 0;
}
