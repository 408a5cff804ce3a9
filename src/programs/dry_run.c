#include "dry_run.h"

#include "interrupt.h"
#include "number.h"
#include "outputs.h"
#include "program.h"
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const double ENOUGH = 0.5; // s of steps

/* Frames that tell a file's size: as many as have so many atoms together, but not more than these.
 * H5MD takes room for many at a time, up to 128, so that fewer would not tell what the next take.
 */
enum { SAMPLE_ATOMS = 200000, SAMPLE_MOST = 256 };

/* ---------------------------------------------------------------- time */

/* @param per_s  [out] steps of each replica; 0: there are none to take */
static int time_steps(const struct dry_run *plan, double *per_s) {
    const volatile int *stop = interrupt_signal();
    const double start = progress_clock();
    double spent = 0;
    long done = 0;
    for (long chunk = 1; spent < ENOUGH && done < plan->steps && !*stop; chunk *= 2) {
        if (chunk > plan->steps - done)
            chunk = plan->steps - done;
        if (sch_simulation_run_all(plan->n, plan->simulations, chunk, stop) != SCH_OK) {
            complain("%s: %s", plan->structure, sch_last_error());
            return PROGRAM_FAILED;
        }
        done += chunk;
        spent = progress_clock() - start;
    }
    *per_s = done > 0 ? (double)done / spent : 0;
    return *stop ? 128 + *stop : PROGRAM_DONE;
}

static void print_time(const struct dry_run *plan, double per_s) {
    if (per_s == 0)
        return;
    const double seconds = (double)plan->steps / per_s, all = per_s * (double)plan->n;
    char text[NUMBER_SIZE], speed[NUMBER_SIZE], per_day[NUMBER_SIZE];
    if (seconds < 10)
        snprintf(text, sizeof text, "%.2g s", seconds);
    else
        progress_duration(text, sizeof text, seconds);
    printf("time         about %s at %s steps/s, %s ns/day\n", text, number_short(speed, all),
           number_short(per_day, all * plan->dt_fs * 1e-6 * 86400));
}

/* ---------------------------------------------------------------- memory and files */

static const char *with_unit(char text[NUMBER_SIZE], double bytes) {
    static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB", "PB"};
    char number[NUMBER_SIZE];
    size_t unit = 0;
    for (; bytes >= 999.5 && unit + 1 < sizeof units / sizeof *units; unit++)
        bytes /= 1000;
    snprintf(text, NUMBER_SIZE, "%.20s %s", number_short(number, bytes), units[unit]);
    return text;
}

static void print_memory(const struct dry_run *plan) {
    struct rusage usage = {0};
    size_t now, peak;
    char text[NUMBER_SIZE];
    getrusage(RUSAGE_SELF, &usage);
    sch_potential_device_memory(plan->potential, &now, &peak);
    printf("memory       about %s", with_unit(text, 1024.0 * (double)usage.ru_maxrss));
    if (peak > 0)
        printf(", and %s of the device", with_unit(text, (double)peak));
    printf("\n");
}

/* One of a run's files, and where a piece of it is written. */
struct sample {
    const struct dry_run *plan;
    bool log;
    char *path;
};

static sch_status write_frames(const struct sample *sample, sch_trajectory *file, long frames) {
    const struct dry_run *plan = sample->plan;
    sch_status status = SCH_OK;
    for (long frame = 0; frame < frames && status == SCH_OK; frame++)
        for (size_t k = 0; k < plan->n && status == SCH_OK; k++)
            status = sch_trajectory_write_one(file, k, plan->simulations[k]);
    return status;
}

/* Bytes with so many frames, all as they are now; -1 where it cannot be written. */
static double bytes_with(const struct sample *sample, long frames) {
    const struct dry_run *plan = sample->plan;
    struct stat about;
    sch_trajectory *file;
    sch_status status =
        sample->log ? sch_energy_log_create_all(&file, sample->path, plan->n)
                    : sch_trajectory_create_all(&file, sample->path, plan->n, plan->simulations);
    if (status != SCH_OK)
        return -1;
    status = write_frames(sample, file, frames);
    if (sch_trajectory_close(file) != SCH_OK)
        status = SCH_ERROR_IO;
    double bytes = status == SCH_OK && stat(sample->path, &about) == 0 ? (double)about.st_size : -1;
    unlink(sample->path);
    return bytes;
}

/* Bytes with all frames, from what two numbers of frames take; -1: not known. */
static double bytes_of(const struct sample *sample, long frames) {
    const struct dry_run *plan = sample->plan;
    size_t atoms = plan->n * sch_system_n_atoms(sch_simulation_system(plan->simulations[0]));
    long some = (long)(SAMPLE_ATOMS / atoms);
    some = some < 1 ? 1 : some > SAMPLE_MOST ? SAMPLE_MOST : some;
    if (frames <= 2 * some)
        return bytes_with(sample, frames);
    double few = bytes_with(sample, some), twice = bytes_with(sample, 2 * some);
    return few < 0 || twice < 0
               ? -1
               : twice + (twice - few) / (double)some * (double)(frames - 2 * some);
}

static void print_file(const struct dry_run *plan, const char *folder, const char *path, bool log) {
    const long frames = plan->steps / plan->every + 1 + (plan->steps % plan->every != 0);
    struct sample sample = {.plan = plan, .log = log};
    const char *suffix = log ? ".csv" : strrchr(path, '.');
    char count[NUMBER_SIZE], size[NUMBER_SIZE];
    double bytes = -1;
    if (folder && asprintf(&sample.path, "%s/frames%s", folder, suffix) >= 0) {
        bytes = bytes_of(&sample, frames);
        free(sample.path);
    }
    printf("would write  %s, %s %s%s%s\n", path, number_grouped(count, frames),
           log           ? "lines"
           : frames == 1 ? "frame"
                         : "frames",
           bytes < 0 ? "" : ", about ", bytes < 0 ? "" : with_unit(size, bytes));
}

static void print_files(const struct dry_run *plan) {
    const char *place = getenv("TMPDIR");
    char *pattern = NULL, *folder = NULL;
    if (asprintf(&pattern, "%s/mdrun-XXXXXX", place && *place ? place : "/tmp") >= 0)
        folder = mkdtemp(pattern);
    if (plan->out)
        print_file(plan, folder, plan->out, false);
    if (plan->log)
        print_file(plan, folder, plan->log, true);
    if (plan->json)
        printf("would write  %s\n", plan->json);
    if (folder)
        rmdir(folder);
    free(pattern);
}

/* ---------------------------------------------------------------- all of it */

static void print_plan(const struct dry_run *plan) {
    char number[NUMBER_SIZE], length[NUMBER_SIZE], replicas[NUMBER_SIZE];
    const sch_system *system = sch_simulation_system(plan->simulations[0]);
    sch_model_info model;
    sch_state start;
    sch_model_describe(plan->model, &model);
    sch_simulation_state(plan->simulations[0], &start);
    printf("would run    %s, %s atoms", plan->structure,
           number_grouped(number, (long)sch_system_n_atoms(system)));
    if (plan->n > 1)
        printf(", %s replicas", number_grouped(replicas, (long)plan->n));
    printf("\nmodel        %s, %s parameters\n", model.name,
           number_grouped(number, (long)model.parameters));
    printf("device       %s\n", sch_potential_device(plan->potential));
    printf("steps        %s of %g fs, %s ps\n", number_grouped(number, plan->steps), plan->dt_fs,
           number_short(length, 1e-3 * (double)plan->steps * plan->dt_fs));
    printf("start        %.1f K, %.4f eV\n", start.temperature,
           start.potential_energy + start.kinetic_energy);
}

int dry_run(const struct dry_run *plan) {
    double per_s;
    if (!plan->quiet)
        print_plan(plan);
    int result = time_steps(plan, &per_s);
    if (result == PROGRAM_DONE && !plan->quiet) {
        print_time(plan, per_s);
        print_memory(plan);
        print_files(plan);
    }
    int printed = outputs_flush();
    return result == PROGRAM_DONE ? printed : result;
}
