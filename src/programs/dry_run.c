#include "dry_run.h"

#include "interrupt.h"
#include "number.h"
#include "outputs.h"
#include "program.h"
#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Steps are timed in passes, of which the fastest tells what the machine can do: other programs may
 * take turns with this one. */
static const double PASS = 0.02, ENOUGH = 0.5, AT_MOST = 2; // s of a pass, of all of them
enum { PASSES = 10 };

/* So many replicas are advanced at once on a CPU, so that a signal need not wait for all of them.
 */
enum { GROUP = 256 };

/* A pass that is slower than the fastest by more than this factor was disturbed. */
static const double DISTURBED = 1.3;

/* Frames that tell a file's size: as many as have so many atoms together, but not more than these.
 * H5MD takes room for many at a time, up to 128, so that fewer would not tell what the next take.
 */
enum { SAMPLE_ATOMS = 200000, SAMPLE_MOST = 256 };

/* ---------------------------------------------------------------- time */

/* Steps of each replica in a second; 0: there are none to take. */
struct speed {
    double fastest, mean;
};

static size_t group_size(const struct dry_run *plan) {
    size_t now, peak;
    sch_potential_device_memory(plan->potential, &now, &peak);
    return peak == 0 && plan->n > GROUP ? GROUP : plan->n; // a device takes all of them at once
}

/* Advance all replicas, group by group. */
static int take_steps(const struct dry_run *plan, long steps) {
    const volatile int *stop = interrupt_signal();
    const size_t size = group_size(plan);
    for (size_t first = 0; first < plan->n && !*stop; first += size) {
        const size_t n = plan->n - first < size ? plan->n - first : size;
        if (sch_simulation_run_all(n, plan->simulations + first, steps, stop) != SCH_OK) {
            complain("%s: %s", plan->structure, sch_last_error());
            return PROGRAM_FAILED;
        }
    }
    return *stop ? 128 + *stop : PROGRAM_DONE;
}

static int time_steps(const struct dry_run *plan, struct speed *speed) {
    double spent = 0, pass = 0;
    long done = 0, chunk = 1;
    *speed = (struct speed){0};
    for (int k = 0; done < plan->steps && spent < (k < PASSES ? AT_MOST : ENOUGH); k++) {
        if (k > 0 && pass < PASS)
            chunk *= 2;
        if (chunk > plan->steps - done)
            chunk = plan->steps - done;
        const double start = progress_clock();
        int result = take_steps(plan, chunk);
        if (result != PROGRAM_DONE)
            return result;
        pass = progress_clock() - start;
        done += chunk;
        spent += pass;
        speed->fastest = fmax(speed->fastest, (double)chunk / pass);
        speed->mean = (double)done / spent;
    }
    return PROGRAM_DONE;
}

static const char *duration(char text[NUMBER_SIZE], double seconds) {
    if (seconds < 10)
        snprintf(text, NUMBER_SIZE, "%.2g s", seconds);
    else
        progress_duration(text, NUMBER_SIZE, seconds);
    return text;
}

static void print_time(const struct dry_run *plan, const struct speed *speed) {
    if (speed->fastest == 0)
        return;
    const double steps = (double)plan->steps, all = speed->fastest * (double)plan->n;
    char text[NUMBER_SIZE], per_s[NUMBER_SIZE], per_day[NUMBER_SIZE];
    printf("time         about %s at %s steps/s, %s ns/day", duration(text, steps / speed->fastest),
           number_short(per_s, all), number_short(per_day, all * plan->dt_fs * 1e-6 * 86400));
    if (speed->fastest > DISTURBED * speed->mean)
        printf(" (%s if the machine stays as busy as it is now)",
               duration(text, steps / speed->mean));
    printf("\n");
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

static sch_status write_frames(const struct sample *sample, sch_trajectory *file, size_t replicas,
                               long frames) {
    const struct dry_run *plan = sample->plan;
    sch_status status = SCH_OK;
    for (long frame = 0; frame < frames && status == SCH_OK; frame++)
        for (size_t k = 0; k < replicas && status == SCH_OK; k++)
            status = sch_trajectory_write_one(file, k, plan->simulations[k]);
    return status;
}

/* Bytes with so many frames of so many replicas, all as they are now; -1 where it cannot be
 * written. */
static double bytes_with(const struct sample *sample, size_t replicas, long frames) {
    const struct dry_run *plan = sample->plan;
    struct stat about;
    sch_trajectory *file;
    sch_status status =
        sample->log ? sch_energy_log_create_all(&file, sample->path, plan->n)
                    : sch_trajectory_create_all(&file, sample->path, replicas, plan->simulations);
    if (status != SCH_OK)
        return -1;
    status = write_frames(sample, file, replicas, frames);
    if (sch_trajectory_close(file) != SCH_OK)
        status = SCH_ERROR_IO;
    double bytes = status == SCH_OK && stat(sample->path, &about) == 0 ? (double)about.st_size : -1;
    unlink(sample->path);
    return bytes;
}

/* What a file of `count` has, where its size grows as it does from `less` to `more`; -1: not known.
 */
static double extrapolate(double count, double less, double bytes_less, double more,
                          double bytes_more) {
    if (bytes_less < 0 || bytes_more < 0)
        return -1;
    return bytes_more + (bytes_more - bytes_less) / (more - less) * (count - more);
}

/* Bytes with all frames of so many replicas, from what two numbers of frames take; -1: not known.
 */
static double bytes_of_replicas(const struct sample *sample, size_t replicas, long frames) {
    const struct dry_run *plan = sample->plan;
    size_t atoms = replicas * sch_system_n_atoms(sch_simulation_system(plan->simulations[0]));
    long some = (long)(SAMPLE_ATOMS / atoms);
    some = some < 1 ? 1 : some > SAMPLE_MOST ? SAMPLE_MOST : some;
    if (frames <= 2 * some)
        return bytes_with(sample, replicas, frames);
    return extrapolate((double)frames, (double)some, bytes_with(sample, replicas, some),
                       2.0 * (double)some, bytes_with(sample, replicas, 2 * some));
}

/* Bytes of the whole file. In a log the frames of replicas are lines as any others; in H5MD each
 * replica takes the same again, which few of them tell. */
static double bytes_of(const struct sample *sample, long frames) {
    const struct dry_run *plan = sample->plan;
    enum { FEW = 2 };
    if (sample->log)
        return bytes_of_replicas(sample, 1, frames * (long)plan->n);
    if (plan->n <= FEW + 1)
        return bytes_of_replicas(sample, plan->n, frames);
    return extrapolate((double)plan->n, FEW, bytes_of_replicas(sample, FEW, frames), FEW + 1,
                       bytes_of_replicas(sample, FEW + 1, frames));
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
    printf("would write  %s, %s %s%s%s\n", printable(path).text, number_grouped(count, frames),
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
        printf("would write  %s\n", printable(plan->json).text);
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
    printf("would run    %s, %s atoms", printable(plan->structure).text,
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
    struct speed speed;
    if (!plan->quiet)
        print_plan(plan);
    int result = time_steps(plan, &speed);
    if (result == PROGRAM_DONE && !plan->quiet) {
        print_time(plan, &speed);
        print_memory(plan);
        print_files(plan);
    }
    int printed = outputs_flush();
    return result == PROGRAM_DONE ? printed : result;
}
