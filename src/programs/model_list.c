#include "model_list.h"

#include "number.h"
#include "outputs.h"
#include "program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void list_elements(const sch_model_info *model, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (int k = 0; k < model->n_elements && used < size; k++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", k ? " " : "",
                                 sch_element_symbol(model->elements[k]));
}

/* A model by the name that one asks for it by, which is its file's. */
static void print_model(const sch_model *model, const char *path_as_it_is) {
    char elements[512], parameters[NUMBER_SIZE];
    const struct printable clean = printable(path_as_it_is);
    const char *path = clean.text, *file = strrchr(path, '/') + 1;
    sch_model_info info;
    sch_model_describe(model, &info);
    list_elements(&info, elements, sizeof elements);
    printf("%-14.*s  %10s  %-16s  %6.3g  %-18s  %s\n", (int)(strlen(file) - strlen(".h5")), file,
           number_grouped(parameters, (long)info.parameters), elements, info.cutoff,
           info.level_of_theory, path);
}

int model_list_print(void) {
    char **paths;
    size_t n;
    sch_status status = sch_model_list(&paths, &n);
    if (status != SCH_OK) {
        complain("%s", sch_last_error());
        return exit_for_input(status);
    }
    printf("%-14s  %10s  %-16s  %6s  %-18s  %s\n", "model", "parameters", "elements", "cutoff",
           "level of theory", "file");
    for (size_t k = 0; k < n; k++) {
        sch_model *model;
        if (sch_model_load(&model, paths[k]) != SCH_OK) {
            complain("note: left out: %s", sch_last_error());
            continue;
        }
        print_model(model, paths[k]);
        sch_model_free(model);
    }
    free(paths);
    return outputs_flush();
}
