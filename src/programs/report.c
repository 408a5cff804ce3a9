#include "report.h"

#include "json.h"
#include "number.h"

#include <gsl/gsl_fit.h>
#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- samples */

void samples_start(struct samples *samples) {
    samples->seen = 0;
    samples->stride = 1;
    samples->kept = 0;
    samples->temperature_sum = samples->kinetic_sum = samples->momentum_max = 0;
}

static double total_energy(const sch_state *state) {
    return state->potential_energy + state->kinetic_energy;
}

static void keep(struct samples *samples, const sch_state *state) {
    if (samples->kept == SAMPLES_KEPT) {
        for (size_t i = 0; i < SAMPLES_KEPT / 2; i++) {
            samples->time_fs[i] = samples->time_fs[2 * i];
            samples->energy_change[i] = samples->energy_change[2 * i];
        }
        samples->kept = SAMPLES_KEPT / 2;
        samples->stride *= 2;
    }
    samples->time_fs[samples->kept] = state->time_fs;
    // Reference energies make the total large; the line is fitted to what changes.
    samples->energy_change[samples->kept] = total_energy(state) - total_energy(&samples->first);
    samples->kept++;
}

void samples_add(struct samples *samples, const sch_state *state) {
    if (samples->seen == 0)
        samples->first = *state;
    samples->last = *state;
    if (samples->seen % samples->stride == 0)
        keep(samples, state);
    samples->seen++;
    samples->temperature_sum += state->temperature;
    samples->kinetic_sum += state->kinetic_energy;
    samples->momentum_max = fmax(samples->momentum_max, state->momentum);
}

/* ---------------------------------------------------------------- figures */

/* Slope of the least-squares line through the total energy, eV/fs. */
static double energy_slope(const struct samples *samples) {
    if (samples->kept < 2)
        return NAN;
    double at_zero, slope, c00, c01, c11, residue;
    gsl_fit_linear(samples->time_fs, 1, samples->energy_change, 1, samples->kept, &at_zero, &slope,
                   &c00, &c01, &c11, &residue);
    return slope;
}

void report_analyse(struct report *report, const struct samples *samples) {
    const double fs_per_ns = 1e6, s_per_day = 86400;
    int dof = samples->first.degrees_of_freedom;
    double n = (double)samples->seen;
    double slope = energy_slope(samples);
    double kT = 2 * samples->kinetic_sum / n / dof; // equipartition: needs no constant
    report->steps = samples->last.step;
    report->steps_per_s = report->steps ? (double)report->steps / report->wall_s : NAN;
    report->ns_per_day = report->steps_per_s * report->dt_fs / fs_per_ns * s_per_day;
    report->drift_meV_per_atom_per_ns = slope * fs_per_ns * 1e3 / (double)report->atoms;
    report->drift_kT_per_ns_per_dof = kT > 0 ? slope * fs_per_ns / kT / dof : NAN;
    report->temperature_mean_K = samples->temperature_sum / n;
    report->energy_start_eV = total_energy(&samples->first);
    report->energy_end_eV = total_energy(&samples->last);
    report->drift_percent =
        100 * fabs(report->energy_end_eV - report->energy_start_eV) / fabs(report->energy_start_eV);
    report->momentum_max = samples->momentum_max;
}

void report_print(const struct report *report, FILE *stream) {
    char a[NUMBER_SIZE], b[NUMBER_SIZE], c[NUMBER_SIZE];
    fprintf(stream, "structure    %s, %s atoms\n", report->structure,
            number_grouped(a, (long)report->atoms));
    fprintf(stream, "model        %s, %s parameters\n", report->model.name,
            number_grouped(a, (long)report->model.parameters));
    fprintf(stream, "device       %s\n", report->device);
    bool finished = strcmp(report->status, "finished") == 0;
    fprintf(stream, "steps        %s of %g fs in %.3f s%s%s\n", number_grouped(a, report->steps),
            report->dt_fs, report->wall_s, finished ? "" : ", ", finished ? "" : report->status);
    fprintf(stream, "speed        %s steps/s, %s ns/day\n", number_short(a, report->steps_per_s),
            number_short(b, report->ns_per_day));
    fprintf(stream, "temperature  %.1f K (mean)\n", report->temperature_mean_K);
    fprintf(stream, "drift        %s meV/atom/ns, %s kT/ns/dof, %s %%\n",
            number_short(a, report->drift_meV_per_atom_per_ns),
            number_short(b, report->drift_kT_per_ns_per_dof),
            number_short(c, report->drift_percent));
    fprintf(stream, "momentum     %s amu Å/fs (largest)\n", number_short(a, report->momentum_max));
}

/* ---------------------------------------------------------------- for programs */

static bool add_all(cJSON *object, const struct report *report) {
    const struct json_number sizes[] = {{"parameters", (double)report->model.parameters}};
    const struct json_number figures[] = {
        {"steps", (double)report->steps},
        {"dt_fs", report->dt_fs},
        {"seed", (double)report->seed},
        {"wall_s", report->wall_s},
        {"steps_per_s", report->steps_per_s},
        {"ns_per_day", report->ns_per_day},
        {"drift_meV_per_atom_per_ns", report->drift_meV_per_atom_per_ns},
        {"drift_percent", report->drift_percent},
        {"drift_kT_per_ns_per_dof", report->drift_kT_per_ns_per_dof},
        {"temperature_mean_K", report->temperature_mean_K},
        {"energy_start_eV", report->energy_start_eV},
        {"energy_end_eV", report->energy_end_eV},
        {"momentum_max_amu_A_per_fs", report->momentum_max},
    };
    return cJSON_AddNumberToObject(object, "atoms", (double)report->atoms) &&
           cJSON_AddStringToObject(object, "model", report->model.name) &&
           json_add_numbers(object, sizes, sizeof sizes / sizeof *sizes) &&
           cJSON_AddStringToObject(object, "device", report->device) &&
           json_add_numbers(object, figures, sizeof figures / sizeof *figures) &&
           cJSON_AddStringToObject(object, "status", report->status) &&
           cJSON_AddStringToObject(object, "version", sch_version());
}

char *report_json(const struct report *report) {
    cJSON *object = cJSON_CreateObject();
    if (object && add_all(object, report))
        return json_text(object);
    cJSON_Delete(object);
    return NULL;
}
