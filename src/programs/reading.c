#include "reading.h"

#include "arguments.h"
#include "program.h"

/* Far from a program's own. */
enum { KEY_ENERGY = 768, KEY_FORCES };

/* The last column is a group: --help lists the groups in order, those of the program among them. */
static const struct argp_option OPTIONS[] = {
    {"energy-key", KEY_ENERGY, "KEY", 0, "Name of the energies in XYZ (REF_energy, energy)", 2},
    {"forces-key", KEY_FORCES, "KEY", 0, "Name of the forces in XYZ (REF_forces, forces)", 2},
    {0}};

static const char *key_name(const char *option, const char *text) {
    if (!*text)
        argument_wrong(option, "a name", text);
    return text;
}

static error_t take(int key, char *text, struct argp_state *state) {
    sch_reader_options *options = state->input;
    switch (key) {
    case KEY_ENERGY:
        options->energy_key = key_name("--energy-key", text);
        return 0;
    case KEY_FORCES:
        options->forces_key = key_name("--forces-key", text);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp reading_parser = {.options = OPTIONS, .parser = take};

void reading_warn(const sch_reader *reader, size_t *told) {
    const char *notice;
    while ((notice = sch_reader_notice(reader, *told))) {
        warning("%s", notice);
        ++*told;
    }
}
