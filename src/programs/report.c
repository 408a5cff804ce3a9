#include "report.h"

#include "ensemble_options.h"
#include "json.h"
#include "model_size.h"
#include "number.h"
#include "program.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- samples */

void samples_start(struct samples *samples) {
    *samples = (struct samples){0};
}

static double total_energy(const sch_state *state) {
    return state->potential_energy + state->kinetic_energy;
}

void samples_add(struct samples *samples, const sch_state *state) {
    if (samples->seen == 0)
        samples->first = *state;
    samples->last = *state;
    samples->seen++;
    // Reference energies make the total large; the line is fitted to what changes.
    double change = state->conserved_energy - samples->first.conserved_energy;
    double time_off = state->time_fs - samples->time_mean;
    double change_off = change - samples->change_mean;
    samples->time_mean += time_off / (double)samples->seen;
    samples->change_mean += change_off / (double)samples->seen;
    samples->time_squares += time_off * (state->time_fs - samples->time_mean);
    samples->time_by_change += time_off * (change - samples->change_mean);
    samples->change_squares += change_off * (change - samples->change_mean);
    samples->temperature_sum += state->temperature;
    samples->kinetic_sum += state->kinetic_energy;
    samples->momentum_max = fmax(samples->momentum_max, state->momentum);
    blocks_add(&samples->temperatures, state->temperature);
}

/* ---------------------------------------------------------------- figures */

static const double FS_PER_NS = 1e6, S_PER_DAY = 86400, MEV_PER_EV = 1e3;

struct run_figures run_figures(const struct samples *samples, size_t atoms) {
    int dof = samples->first.degrees_of_freedom;
    double n = (double)samples->seen;
    // The least-squares line through the conserved energy, eV/fs.
    double slope = n > 1 ? samples->time_by_change / samples->time_squares : NAN;
    double squares = samples->change_squares - slope * samples->time_by_change;
    double kT = 2 * samples->kinetic_sum / n / dof; // equipartition: needs no constant
    double start = samples->first.conserved_energy, end = samples->last.conserved_energy;
    return (struct run_figures){
        .drift_meV_per_atom_per_ns = slope * FS_PER_NS * MEV_PER_EV / (double)atoms,
        .drift_kT_per_ns_per_dof = kT > 0 ? slope * FS_PER_NS / kT / dof : NAN,
        .drift_percent = 100 * fabs(end - start) / fabs(start),
        .fluctuation_meV_per_atom =
            n > 1 ? MEV_PER_EV * sqrt(fmax(squares, 0) / n) / (double)atoms : NAN,
        .temperature_mean_K = samples->temperature_sum / n,
        .temperature_error_K = blocks_error(&samples->temperatures),
        .energy_start_eV = total_energy(&samples->first),
        .energy_end_eV = total_energy(&samples->last),
        .momentum_max = samples->momentum_max,
    };
}

/* Add a replica's share to the mean of n. */
static void add_share(struct run_figures *mean, const struct run_figures *one, double n) {
    mean->drift_meV_per_atom_per_ns += one->drift_meV_per_atom_per_ns / n;
    mean->drift_kT_per_ns_per_dof += one->drift_kT_per_ns_per_dof / n;
    mean->drift_percent += one->drift_percent / n;
    mean->fluctuation_meV_per_atom += one->fluctuation_meV_per_atom / n;
    mean->temperature_mean_K += one->temperature_mean_K / n;
    mean->energy_start_eV += one->energy_start_eV / n;
    mean->energy_end_eV += one->energy_end_eV / n;
    mean->momentum_max = fmax(mean->momentum_max, one->momentum_max);
}

static double temperature_spread(const struct report *report) {
    double squares = 0;
    for (size_t k = 0; k < report->replicas; k++) {
        const struct samples *samples = &report->samples[k];
        double off =
            samples->temperature_sum / (double)samples->seen - report->mean.temperature_mean_K;
        squares += off * off;
    }
    return report->replicas > 1 ? sqrt(squares / (double)(report->replicas - 1)) : NAN;
}

void report_analyse(struct report *report) {
    double worst = -1;
    report->steps = 0;
    report->worst = 0;
    report->mean = (struct run_figures){0};
    for (size_t k = 0; k < report->replicas; k++) {
        struct run_figures one = run_figures(&report->samples[k], report->atoms);
        add_share(&report->mean, &one, (double)report->replicas);
        report->steps += report->samples[k].last.step;
        if (fabs(one.drift_meV_per_atom_per_ns) > worst) {
            worst = fabs(one.drift_meV_per_atom_per_ns);
            report->worst = k;
        }
    }
    report->temperature_spread_K = temperature_spread(report);
    report->mean.temperature_error_K =
        report->replicas > 1 ? report->temperature_spread_K / sqrt((double)report->replicas)
                             : blocks_error(&report->samples->temperatures);
    report->steps_per_s = report->steps ? (double)report->steps / report->wall_s : NAN;
    report->ns_per_day = report->steps_per_s * report->dt_fs / FS_PER_NS * S_PER_DAY;
}

/* ---------------------------------------------------------------- for people */

static void print_speed(const struct report *report, FILE *stream) {
    char a[NUMBER_SIZE], b[NUMBER_SIZE];
    double n = (double)report->replicas;
    fprintf(stream, "speed        %s steps/s, %s ns/day%s\n", number_short(a, report->steps_per_s),
            number_short(b, report->ns_per_day), n > 1 ? " by all" : "");
    if (n > 1)
        fprintf(stream, "             %s steps/s, %s ns/day by each\n",
                number_short(a, report->steps_per_s / n), number_short(b, report->ns_per_day / n));
}

static void print_temperature(const struct report *report, FILE *stream) {
    const struct run_figures *mean = &report->mean;
    fprintf(stream, "temperature  %.1f", mean->temperature_mean_K);
    if (isfinite(mean->temperature_error_K))
        fprintf(stream, " ± %.1f", mean->temperature_error_K);
    fprintf(stream, " K (mean)");
    if (report->replicas > 1)
        fprintf(stream, ", %.1f K (spread of the replicas)", report->temperature_spread_K);
    fprintf(stream, "\n");
}

static void print_drift(const char *label, const struct run_figures *figures, const char *remark,
                        FILE *stream) {
    char a[NUMBER_SIZE], b[NUMBER_SIZE], c[NUMBER_SIZE];
    fprintf(stream, "%-12s %s meV/atom/ns, %s kT/ns/dof, %s %%%s\n", label,
            number_short(a, figures->drift_meV_per_atom_per_ns),
            number_short(b, figures->drift_kT_per_ns_per_dof),
            number_short(c, figures->drift_percent), remark);
}

static void print_replicas(const struct report *report, FILE *stream) {
    char remark[64];
    struct run_figures worst = run_figures(&report->samples[report->worst], report->atoms);
    snprintf(remark, sizeof remark, " (replica %zu)", report->worst + 1);
    print_drift("drift, mean", &report->mean, "", stream);
    print_drift("drift, worst", &worst, remark, stream);
}

/* Of a file, what it holds and knows; a model that ships is known by its name. */
static void print_model(const struct report *report, FILE *stream) {
    const sch_model_info *model = &report->model;
    const char *size = model_size_name(model->hidden, model->interactions, model->rbf);
    char parameters[NUMBER_SIZE];
    number_grouped(parameters, (long)model->parameters);
    if (!report->path) {
        fprintf(stream, "model        %s, %s parameters\n", model->name, parameters);
        return;
    }
    fprintf(stream, "model        %s (%s, %s%s%s%s%s)\n", model->name, printable(report->path).text,
            size ? "size " : "", size ? size : parameters, size ? "" : " parameters",
            report->known[0] ? ", " : "", report->known);
}

static void print_setting(const struct report *report, FILE *stream) {
    char a[NUMBER_SIZE], b[NUMBER_SIZE];
    bool several = report->replicas > 1;
    fprintf(stream, "structure    %s, %s atoms%s%s%s\n", printable(report->structure).text,
            number_grouped(a, (long)report->atoms), several ? ", " : "",
            several ? number_grouped(b, (long)report->replicas) : "", several ? " replicas" : "");
    print_model(report, stream);
    fprintf(stream, "device       %s\n", report->device);
    if (report->device_bytes > 0)
        fprintf(stream, "memory       %s MB of the device\n",
                number_short(a, 1e-6 * (double)report->device_bytes));
    if (report->thermostat.kind != SCH_NO_THERMOSTAT)
        fprintf(stream, "thermostat   %s, %g K, %g fs\n", thermostat_name(report->thermostat.kind),
                report->thermostat.temperature_K, report->thermostat.time_fs);
}

static void print_minimization(const sch_minimization *found, FILE *stream) {
    char a[NUMBER_SIZE], b[NUMBER_SIZE], c[NUMBER_SIZE];
    fprintf(stream,
            "minimum      %.4f eV, %s eV below the start, %s steps, largest force %s eV/Å%s\n",
            found->energy, number_short(a, found->start_energy - found->energy),
            number_grouped(b, found->steps), number_short(c, found->largest_force),
            found->converged ? "" : ", not converged");
}

void report_print(const struct report *report, FILE *stream) {
    char a[NUMBER_SIZE];
    bool finished = strcmp(report->status, "finished") == 0, several = report->replicas > 1;
    print_setting(report, stream);
    if (report->minimization)
        print_minimization(report->minimization, stream);
    fprintf(stream, "steps        %s of %g fs%s in %.3f s%s%s\n", number_grouped(a, report->steps),
            report->dt_fs, several ? " by all replicas" : "", report->wall_s, finished ? "" : ", ",
            finished ? "" : report->status);
    print_speed(report, stream);
    print_temperature(report, stream);
    if (several)
        print_replicas(report, stream);
    else
        print_drift("drift", &report->mean, "", stream);
    if (report->thermostat.kind != SCH_LANGEVIN) /* which does not conserve it */
        fprintf(stream, "momentum     %s amu Å/fs (largest)\n",
                number_short(a, report->mean.momentum_max));
    for (size_t k = 0; k < report->n_doubts; k++)
        fprintf(stream, "in doubt     %s\n", report->doubts[k]);
}

/* ---------------------------------------------------------------- for programs */

static bool add_figures(cJSON *object, const struct run_figures *figures) {
    const struct json_number numbers[] = {
        {"drift_meV_per_atom_per_ns", figures->drift_meV_per_atom_per_ns},
        {"drift_percent", figures->drift_percent},
        {"drift_kT_per_ns_per_dof", figures->drift_kT_per_ns_per_dof},
        {"temperature_mean_K", figures->temperature_mean_K},
        {"temperature_error_K", figures->temperature_error_K},
        {"energy_start_eV", figures->energy_start_eV},
        {"energy_end_eV", figures->energy_end_eV},
        {"momentum_max_amu_A_per_fs", figures->momentum_max},
    };
    return json_add_numbers(object, numbers, sizeof numbers / sizeof *numbers);
}

static bool add_replica(cJSON *list, const struct report *report, size_t k) {
    const struct run_figures figures = run_figures(&report->samples[k], report->atoms);
    const struct json_number numbers[] = {
        {"replica", (double)(k + 1)},
        {"seed", (double)(report->seed + k)},
        {"steps", (double)report->samples[k].last.step},
    };
    cJSON *object = cJSON_CreateObject();
    if (!object)
        return false;
    cJSON_AddItemToArray(list, object); // which frees it
    return json_add_numbers(object, numbers, sizeof numbers / sizeof *numbers) &&
           add_figures(object, &figures);
}

static bool add_replicas(cJSON *object, const struct report *report) {
    const struct samples *worst = &report->samples[report->worst];
    const struct json_number numbers[] = {
        {"steps_per_s_per_replica", report->steps_per_s / (double)report->replicas},
        {"temperature_spread_K", report->temperature_spread_K},
        {"drift_worst_meV_per_atom_per_ns",
         run_figures(worst, report->atoms).drift_meV_per_atom_per_ns},
        {"drift_worst_replica", (double)(report->worst + 1)},
    };
    cJSON *list = NULL;
    bool good = json_add_numbers(object, numbers, sizeof numbers / sizeof *numbers) &&
                (list = cJSON_AddArrayToObject(object, "each"));
    for (size_t k = 0; good && k < report->replicas; k++)
        good = add_replica(list, report, k);
    return good;
}

static bool add_thermostat(cJSON *object, const sch_thermostat *thermostat) {
    const struct json_number numbers[] = {
        {"temperature_K", thermostat->temperature_K},
        {"tau_fs", thermostat->time_fs},
    };
    cJSON *item = cJSON_AddObjectToObject(object, "thermostat");
    return item && cJSON_AddStringToObject(item, "kind", thermostat_name(thermostat->kind)) &&
           json_add_numbers(item, numbers, sizeof numbers / sizeof *numbers);
}

static bool add_minimization(cJSON *object, const sch_minimization *found) {
    const struct json_number numbers[] = {
        {"steps", (double)found->steps},
        {"energy_start_eV", found->start_energy},
        {"energy_end_eV", found->energy},
        {"largest_force_eV_per_A", found->largest_force},
    };
    cJSON *item = cJSON_AddObjectToObject(object, "minimization");
    return item && cJSON_AddBoolToObject(item, "converged", found->converged) &&
           json_add_numbers(item, numbers, sizeof numbers / sizeof *numbers);
}

/* All warnings of the run. */
static bool add_warnings(cJSON *object) {
    const char *const *texts;
    const size_t n = warnings_given(&texts);
    cJSON *list = cJSON_AddArrayToObject(object, "warnings");
    for (size_t k = 0; list && k < n; k++)
        if (!cJSON_AddItemToArray(list, cJSON_CreateString(texts[k])))
            return false;
    return list != NULL;
}

static bool add_all(cJSON *object, const struct report *report) {
    const struct json_number sizes[] = {{"parameters", (double)report->model.parameters}};
    const struct json_number figures[] = {
        {"replicas", (double)report->replicas},
        {"steps", (double)report->steps},
        {"dt_fs", report->dt_fs},
        {"seed", (double)report->seed},
        {"wall_s", report->wall_s},
        {"steps_per_s", report->steps_per_s},
        {"ns_per_day", report->ns_per_day},
    };
    return cJSON_AddNumberToObject(object, "atoms", (double)report->atoms) &&
           cJSON_AddStringToObject(object, "model", report->model.name) &&
           json_add_numbers(object, sizes, sizeof sizes / sizeof *sizes) &&
           cJSON_AddStringToObject(object, "device", report->device) &&
           (report->device_bytes == 0 ||
            cJSON_AddNumberToObject(object, "device_bytes", (double)report->device_bytes)) &&
           (report->thermostat.kind == SCH_NO_THERMOSTAT ||
            add_thermostat(object, &report->thermostat)) &&
           (!report->minimization || add_minimization(object, report->minimization)) &&
           json_add_numbers(object, figures, sizeof figures / sizeof *figures) &&
           add_figures(object, &report->mean) &&
           cJSON_AddStringToObject(object, "status", report->status) && add_warnings(object) &&
           cJSON_AddStringToObject(object, "version", sch_version()) &&
           (report->replicas == 1 || add_replicas(object, report));
}

char *report_json(const struct report *report) {
    cJSON *object = cJSON_CreateObject();
    if (object && add_all(object, report))
        return json_text(object);
    cJSON_Delete(object);
    return NULL;
}
