#include "machine.h"

#include "json.h"
#include "measure.h"
#include "number.h"
#include "nvml.h"
#include "peaks.h"
#include "schnell.h"

#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static const double LOAD_BOUND = 0.25;    // of the cores
static const double FOREIGN_BOUND = 0.05; // of the processors' time

/* ---------------------------------------------------------------- texts of files */

/* Keep what a terminal, a page and a JSON file all take. */
static void copy_line(char *to, size_t size, const char *from) {
    size_t n = 0;
    for (; *from && *from != '\n' && n + 1 < size; from++)
        if ((unsigned char)*from >= ' ' && *from != 0x7f)
            to[n++] = *from;
    while (n && to[n - 1] == ' ')
        n--;
    to[n] = '\0';
}

/* What follows a key in a file of "key : value" lines, or, without a key, the first line; "" where
 * there is none. */
static void read_line(char *to, size_t size, const char *path, const char *key) {
    char line[512];
    FILE *file = fopen(path, "r");
    to[0] = '\0';
    while (file && fgets(line, sizeof line, file)) {
        char *value = key ? strchr(line, ':') : line;
        if (key && (!value || strncmp(line, key, strlen(key)) != 0))
            continue;
        value += key ? 1 : 0;
        copy_line(to, size, value + strspn(value, " \t"));
        break;
    }
    if (file)
        fclose(file);
}

static double load_now(void) {
    double load;
    return getloadavg(&load, 1) == 1 ? load : NAN;
}

/* ---------------------------------------------------------------- processor time */

enum { USER, NICE, SYSTEM, IDLE, WAIT, INTERRUPT, SOFT, STEAL, TICKS };

/* The first line of /proc/stat: ticks of all processors since the machine started. */
static bool read_ticks(double ticks[TICKS]) {
    char line[256];
    read_line(line, sizeof line, "/proc/stat", NULL);
    const char *at = line + strcspn(line, " ");
    char *end;
    for (int k = 0; k < TICKS; k++, at = end) {
        ticks[k] = strtod(at, &end);
        if (end == at)
            return false;
    }
    return true;
}

static double seconds_of(const struct rusage *usage) {
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           1e-6 * (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

/* All NaN where the machine does not tell. */
static struct processor_time processor_time(void) {
    double t[TICKS], tick = (double)sysconf(_SC_CLK_TCK);
    struct rusage self, children;
    if (!read_ticks(t) || getrusage(RUSAGE_SELF, &self) || getrusage(RUSAGE_CHILDREN, &children))
        return (struct processor_time){NAN, NAN, NAN, NAN};
    double busy = t[USER] + t[NICE] + t[SYSTEM] + t[INTERRUPT] + t[SOFT];
    return (struct processor_time){.busy = busy / tick,
                                   .all = (busy + t[IDLE] + t[WAIT] + t[STEAL]) / tick,
                                   .steal = t[STEAL] / tick,
                                   .own = seconds_of(&self) + seconds_of(&children)};
}

/* ---------------------------------------------------------------- what it is */

static void describe_processor(struct machine *machine) {
    cpu_set_t set;
    read_line(machine->cpu, sizeof machine->cpu, "/proc/cpuinfo", "model name");
    read_line(machine->governor, sizeof machine->governor,
              "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", NULL);
    machine->cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                                 : sysconf(_SC_NPROCESSORS_ONLN);
    machine->memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
}

static void describe_software(struct machine *machine) {
    struct utsname name;
    char system[256];
    if (uname(&name) == 0) {
        snprintf(system, sizeof system, "%s %s %s", name.sysname, name.release, name.machine);
        copy_line(machine->host_os, sizeof machine->host_os, system);
    }
    copy_line(machine->compiler, sizeof machine->compiler, sch_build_description());
    copy_line(machine->flags, sizeof machine->flags, BENCH_FLAGS);
    copy_line(machine->commit, sizeof machine->commit, BENCH_COMMIT);
    copy_line(machine->schnell, sizeof machine->schnell, sch_version());
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc))
        strftime(machine->date, sizeof machine->date, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static void describe_gpu(struct machine *machine) {
    struct nvml nvml;
    struct gpu gpu;
    nvml_open(&nvml);
    nvml_describe(&nvml, &gpu);
    nvml_close(&nvml);
    copy_line(machine->gpu, sizeof machine->gpu, gpu.name);
    copy_line(machine->gpu_driver, sizeof machine->gpu_driver, gpu.driver);
    machine->gpu_memory = gpu.memory;
}

void machine_describe(struct machine *machine) {
    *machine = (struct machine){.steal = NAN, .load = load_now(), .start = processor_time()};
    machine->load_end = machine->load;
    describe_processor(machine);
    describe_software(machine);
    describe_gpu(machine);
    machine->busy = machine->load > LOAD_BOUND * (double)machine->cores;
}

void machine_measure_peaks(struct machine *machine) {
    machine->peak_flops = peak_flops();
    machine->bandwidth = peak_bandwidth();
}

void machine_end(struct machine *machine) {
    const struct processor_time *start = &machine->start, end = processor_time();
    double all = end.all - start->all;
    double foreign = end.busy - start->busy - (end.own - start->own);
    machine->load_end = load_now();
    if (!(all > 0))
        return;
    machine->steal = (end.steal - start->steal) / all;
    machine->foreign = fmax(foreign / all, 0); // ticks are coarse
    // The load is a mean over a minute that is past; this is what was.
    machine->busy = machine->foreign > FOREIGN_BOUND || machine->steal > FOREIGN_BOUND;
}

/* ---------------------------------------------------------------- for people */

static const char *or_unknown(const char *text) {
    return *text ? text : "not told";
}

static void print_gpu(const struct machine *machine, FILE *stream) {
    char memory[32] = "";
    if (machine->gpu_memory > 0)
        snprintf(memory, sizeof memory, ", %.0f GB", machine->gpu_memory / 1e9);
    if (*machine->gpu)
        fprintf(stream, "gpu          %s%s, driver %s\n", machine->gpu, memory,
                or_unknown(machine->gpu_driver));
}

void machine_print(const struct machine *machine, FILE *stream) {
    fprintf(stream, "machine      %s, %ld cores, %.0f GB, %s\n", or_unknown(machine->cpu),
            machine->cores, machine->memory / 1e9, or_unknown(machine->host_os));
    fprintf(stream, "governor     %s; load %.2f before, %.2f after; %.1f %% stolen by the host\n",
            or_unknown(machine->governor), machine->load, machine->load_end,
            100 * (isfinite(machine->steal) ? machine->steal : 0));
    print_gpu(machine, stream);
    if (machine->peak_flops > 0)
        fprintf(stream, "peak         %.1f GFLOP/s, %.1f GB/s (one thread, measured)\n",
                machine->peak_flops / 1e9, machine->bandwidth / 1e9);
    fprintf(stream, "build        Schnell %s %s, %s, %s\n", machine->schnell,
            *machine->commit ? machine->commit : "(no commit)", machine->compiler, machine->flags);
    fprintf(stream, "date         %s\n", machine->date);
    if (machine->busy)
        fprintf(stream,
                "WARNING      this machine had other work to do (load %.2f on %ld cores before, "
                "%.0f %% of its\n             processors' time gone meanwhile): times are too "
                "long and noisy\n",
                machine->load, machine->cores,
                100 * (machine->foreign + (isfinite(machine->steal) ? machine->steal : 0)));
}

/* ---------------------------------------------------------------- for programs */

enum { TEXTS = 10, NUMBERS = 8 };

struct machine_text {
    const char *key;
    char *text;
    size_t size;
};

static void texts_of(struct machine *m, struct machine_text texts[TEXTS]) {
    const struct machine_text all[TEXTS] = {
        {"cpu", m->cpu, sizeof m->cpu},
        {"host_os", m->host_os, sizeof m->host_os},
        {"governor", m->governor, sizeof m->governor},
        {"gpu", m->gpu, sizeof m->gpu},
        {"gpu_driver", m->gpu_driver, sizeof m->gpu_driver},
        {"compiler", m->compiler, sizeof m->compiler},
        {"flags", m->flags, sizeof m->flags},
        {"commit", m->commit, sizeof m->commit},
        {"schnell", m->schnell, sizeof m->schnell},
        {"date", m->date, sizeof m->date},
    };
    memcpy(texts, all, sizeof all);
}

struct machine_number {
    const char *key;
    double *value;
};

static void numbers_of(struct machine *m, struct machine_number numbers[NUMBERS]) {
    const struct machine_number all[NUMBERS] = {
        {"memory_bytes", &m->memory}, {"load", &m->load},
        {"load_end", &m->load_end},   {"steal", &m->steal},
        {"foreign", &m->foreign},     {"peak_flops", &m->peak_flops},
        {"bandwidth", &m->bandwidth}, {"gpu_memory_bytes", &m->gpu_memory},
    };
    memcpy(numbers, all, sizeof all);
}

cJSON *machine_json(const struct machine *machine) {
    struct machine copy = *machine;
    struct machine_text texts[TEXTS];
    struct machine_number numbers[NUMBERS];
    cJSON *object = cJSON_CreateObject();
    bool whole = object != NULL;
    texts_of(&copy, texts);
    numbers_of(&copy, numbers);
    for (int k = 0; k < TEXTS && whole; k++)
        whole = cJSON_AddStringToObject(object, texts[k].key, texts[k].text) != NULL;
    for (int k = 0; k < NUMBERS && whole; k++)
        whole = cJSON_AddNumberToObject(object, numbers[k].key, *numbers[k].value) != NULL;
    if (whole && cJSON_AddNumberToObject(object, "cores", (double)copy.cores) &&
        cJSON_AddBoolToObject(object, "busy", machine->busy))
        return object;
    cJSON_Delete(object);
    return NULL;
}

void machine_read(struct machine *machine, const cJSON *object) {
    struct machine_text texts[TEXTS];
    struct machine_number numbers[NUMBERS];
    *machine = (struct machine){.steal = NAN};
    texts_of(machine, texts);
    numbers_of(machine, numbers);
    for (int k = 0; k < TEXTS; k++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, texts[k].key);
        if (cJSON_IsString(item))
            copy_line(texts[k].text, texts[k].size, item->valuestring);
    }
    for (int k = 0; k < NUMBERS; k++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, numbers[k].key);
        if (cJSON_IsNumber(item) && isfinite(item->valuedouble))
            *numbers[k].value = item->valuedouble;
    }
    const cJSON *cores = cJSON_GetObjectItemCaseSensitive(object, "cores");
    if (cJSON_IsNumber(cores) && cores->valuedouble >= 0 && cores->valuedouble < 1e6)
        machine->cores = (long)cores->valuedouble;
    machine->busy = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, "busy"));
}
