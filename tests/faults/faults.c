/* Which call is to fail, whose it is, and the report. */
#include "faults.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const NAMES[N_FAMILIES] = {"memory", "open",   "close", "look",
                                              "read",   "write",  "sync",  "rename",
                                              "resize", "thread", "hdf5"};

/** Shared by the program and its children, so that a number names one call of them all. */
struct shared {
    atomic_long calls[N_FAMILIES];
    atomic_bool follows;
};

static struct shared *shared;
static enum family wanted_family = N_FAMILIES;
static enum how how;
static long wanted_number;
static bool wanted_ours = true;
static const char *wanted_library; /* NULL: any */
static const char *report_path;
static pid_t first_process;
static _Thread_local bool busy; /* this thread is in here: what it asks for counts nowhere */

/* ---------------------------------------------------------------- whose code it is */

struct range {
    uintptr_t from, to;
};

static struct range program, library, c_library;

static int note_module(struct dl_phdr_info *info, size_t size, void *unused) {
    struct range all = {UINTPTR_MAX, 0};
    (void)size, (void)unused;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        uintptr_t to = from + info->dlpi_phdr[i].p_memsz;
        if (info->dlpi_phdr[i].p_type != PT_LOAD)
            continue;
        all.from = from < all.from ? from : all.from;
        all.to = to > all.to ? to : all.to;
    }
    if (!*info->dlpi_name && program.to == 0)
        program = all;
    else if (strstr(info->dlpi_name, "/libschnell.so"))
        library = all;
    else if (strstr(info->dlpi_name, "/libc.so"))
        c_library = all;
    return 0;
}

static bool in(struct range range, const void *place) {
    return (uintptr_t)place >= range.from && (uintptr_t)place < range.to;
}

/** Innermost first, without the frames of this library. */
void trace_take(struct trace *trace) {
    void *all[TRACE_MOST + 4];
    Dl_info here, there;
    bool before = busy;
    busy = true;
    int n = backtrace(all, TRACE_MOST + 4), first = 0;
    dladdr((void *)&trace_take, &here);
    while (first < n && dladdr(all[first], &there) && there.dli_fbase == here.dli_fbase)
        first++;
    trace->n = n - first < TRACE_MOST ? n - first : TRACE_MOST;
    memcpy(trace->frames, all + first, (size_t)trace->n * sizeof *all);
    busy = before;
}

/** Does a library of this name ask, by itself or through the C library? */
static bool asked_by(const char *name) {
    struct trace trace;
    Dl_info info;
    trace_take(&trace);
    for (int i = 0; i < trace.n; i++)
        if (!in(c_library, trace.frames[i]))
            return dladdr(trace.frames[i], &info) && strstr(info.dli_fname, name);
    return false;
}

bool caller_is_ours(void *place) {
    if (!in(c_library, place))
        return in(program, place) || in(library, place);
    struct trace trace;
    trace_take(&trace);
    for (int i = 0; i < trace.n; i++)
        if (!in(c_library, trace.frames[i]))
            return in(program, trace.frames[i]) || in(library, trace.frames[i]);
    return false;
}

/* ---------------------------------------------------------------- the report */

static void append(const char *text, size_t bytes) {
    long descriptor = report_path ? plain_syscall(SYS_open, (long)report_path,
                                                  O_WRONLY | O_CREAT | O_APPEND, 0666, 0, 0, 0)
                                  : -1;
    if (descriptor < 0)
        return;
    plain_syscall(SYS_write, descriptor, (long)text, (long)bytes, 0, 0, 0);
    plain_syscall(SYS_close, descriptor, 0, 0, 0, 0, 0);
}

void report_line(const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    append(line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
}

void report_trace(const char *word, const char *detail, const struct trace *trace) {
    char text[8192];
    size_t end = (size_t)snprintf(text, sizeof text, "%s %s\n", word, detail);
    for (int i = 0; i < trace->n && end < sizeof text - 512; i++) {
        Dl_info info;
        if (!dladdr(trace->frames[i], &info) || strlen(info.dli_fname) > 400)
            continue;
        const char *name = in(program, trace->frames[i]) ? "/proc/self/exe" : info.dli_fname;
        end += (size_t)snprintf(text + end, sizeof text - end, "  %s %#lx\n", name,
                                (unsigned long)((char *)trace->frames[i] - (char *)info.dli_fbase));
    }
    append(text, end);
}

/* ---------------------------------------------------------------- the decision */

enum how fault_how(void) {
    return how;
}

bool fault_follows(void) {
    return shared && atomic_exchange(&shared->follows, false);
}

bool fault_is_due(enum family family, bool ours, const char *detail) {
    if (!shared || busy || ours != wanted_ours || (wanted_library && !asked_by(wanted_library)))
        return false;
    long number = atomic_fetch_add(&shared->calls[family], 1) + 1;
    if (family != wanted_family || wanted_number == 0 || number < wanted_number ||
        (number > wanted_number && how != LASTING))
        return false;
    if (number == wanted_number) {
        struct trace trace;
        trace_take(&trace);
        busy = true;
        report_trace("fault", detail, &trace);
        busy = false;
        if (how == SHORT && family == WRITE)
            shared->follows = true;
    }
    return true;
}

/* ---------------------------------------------------------------- begin and end */

static size_t word_of(const char *variable, size_t n, const char *const words[], size_t otherwise) {
    const char *text = getenv(variable);
    for (size_t k = 0; text && k < n; k++)
        if (strcmp(text, words[k]) == 0)
            return k;
    return otherwise;
}

__attribute__((constructor)) static void start(void) {
    static const char *const HOW[] = {"fail", "short", "lasting"};
    static char buffer[1 << 16];
    struct trace first;
    const char *number = getenv("FAULTS_NUMBER");
    report_path = getenv("FAULTS_REPORT");
    wanted_family = (enum family)word_of("FAULTS_FAMILY", N_FAMILIES, NAMES, N_FAMILIES);
    const char *whose = getenv("FAULTS_WHOSE");
    wanted_ours = !whose || strcmp(whose, "ours") == 0;
    wanted_library = wanted_ours || strcmp(whose, "others") == 0 ? NULL : whose;
    how = (enum how)word_of("FAULTS_HOW", 3, HOW, FAIL);
    wanted_number = number ? atol(number) : 0;
    first_process = getpid();
    dl_iterate_phdr(note_module, NULL);
    trace_take(&first);                             /* the first one loads a library */
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer); /* or else its memory is left at the end */
    hdf5_calls_start();
    struct shared *memory =
        mmap(NULL, sizeof *memory, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || !syscalls_start()) {
        report_line("refused\n"); /* a system without seccomp */
        return;
    }
    shared = memory;
}

__attribute__((destructor)) static void end(void) {
    if (!shared || getpid() != first_process)
        return;
    busy = true;
    for (int k = 0; k < N_FAMILIES; k++)
        report_line("calls %s %ld\n", NAMES[k], (long)shared->calls[k]);
    blocks_report();
    descriptors_report();
}
