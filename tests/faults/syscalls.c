/* System calls on files. The kernel is told to hand them over (seccomp), whoever makes them: stdio
 * and HDF5 too. They are then carried out here, or fail. */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

/* The one place from which the kernel carries them out. */
long plain_syscall(long number, long a, long b, long c, long d, long e, long f);
extern const char plain_syscall_end[];
__asm__(".text\n"
        ".globl plain_syscall\n.hidden plain_syscall\n.hidden plain_syscall_end\n"
        ".type plain_syscall, @function\n"
        "plain_syscall:\n"
        "    mov %rdi, %rax\n    mov %rsi, %rdi\n    mov %rdx, %rsi\n    mov %rcx, %rdx\n"
        "    mov %r8, %r10\n    mov %r9, %r8\n    mov 8(%rsp), %r9\n"
        "    syscall\n"
        "plain_syscall_end:\n"
        "    ret\n");

/** Where a call names its file. */
enum place { NO_FILE, PATH_FIRST, PATH_SECOND, DESCRIPTOR };

struct kind {
    int number;
    enum family family;
    enum place place;
    int error;
    const char *name;
};

static const struct kind KINDS[] = {
    {SYS_open, OPEN, PATH_FIRST, EMFILE, "open"},
    {SYS_openat, OPEN, PATH_SECOND, EMFILE, "openat"},
    {SYS_creat, OPEN, PATH_FIRST, EMFILE, "creat"},
    {SYS_mkdir, OPEN, PATH_FIRST, EACCES, "mkdir"},
    {SYS_pipe, OPEN, NO_FILE, EMFILE, "pipe"},
    {SYS_pipe2, OPEN, NO_FILE, EMFILE, "pipe2"},
    {SYS_socket, OPEN, NO_FILE, EMFILE, "socket"},
    {SYS_close, CLOSE, DESCRIPTOR, EIO, "close"},
    {SYS_stat, LOOK, PATH_FIRST, EACCES, "stat"},
    {SYS_lstat, LOOK, PATH_FIRST, EACCES, "lstat"},
    {SYS_newfstatat, LOOK, PATH_SECOND, EACCES, "newfstatat"},
    {SYS_fstat, LOOK, DESCRIPTOR, EIO, "fstat"},
    {SYS_access, LOOK, PATH_FIRST, EACCES, "access"},
    {SYS_faccessat, LOOK, PATH_SECOND, EACCES, "faccessat"},
    {SYS_readlink, LOOK, PATH_FIRST, EACCES, "readlink"},
    {SYS_lseek, LOOK, DESCRIPTOR, EIO, "lseek"},
    {SYS_getdents64, LOOK, DESCRIPTOR, EIO, "getdents64"},
    {SYS_read, READ, DESCRIPTOR, EIO, "read"},
    {SYS_pread64, READ, DESCRIPTOR, EIO, "pread64"},
    {SYS_readv, READ, DESCRIPTOR, EIO, "readv"},
    {SYS_write, WRITE, DESCRIPTOR, ENOSPC, "write"},
    {SYS_pwrite64, WRITE, DESCRIPTOR, ENOSPC, "pwrite64"},
    {SYS_writev, WRITE, DESCRIPTOR, ENOSPC, "writev"},
    {SYS_fsync, SYNC, DESCRIPTOR, EIO, "fsync"},
    {SYS_fdatasync, SYNC, DESCRIPTOR, EIO, "fdatasync"},
    {SYS_rename, RENAME, PATH_FIRST, EACCES, "rename"},
    {SYS_renameat, RENAME, PATH_SECOND, EACCES, "renameat"},
    {SYS_renameat2, RENAME, PATH_SECOND, EACCES, "renameat2"},
    {SYS_link, RENAME, PATH_FIRST, EACCES, "link"},
    {SYS_linkat, RENAME, PATH_SECOND, EACCES, "linkat"},
    {SYS_unlink, RENAME, PATH_FIRST, EACCES, "unlink"},
    {SYS_unlinkat, RENAME, PATH_SECOND, EACCES, "unlinkat"},
    {SYS_rmdir, RENAME, PATH_FIRST, EACCES, "rmdir"},
    {SYS_ftruncate, RESIZE, DESCRIPTOR, EIO, "ftruncate"},
    {SYS_fallocate, RESIZE, DESCRIPTOR, ENOSPC, "fallocate"},
};
enum { N_KINDS = sizeof KINDS / sizeof *KINDS };

static const struct kind *kind_of(long number) {
    for (size_t k = 0; k < N_KINDS; k++)
        if (KINDS[k].number == number)
            return &KINDS[k];
    return NULL;
}

/* ---------------------------------------------------------------- the file */

/** What an open descriptor stands for; "" if nothing. */
static void name_descriptor(long descriptor, char *path, size_t size) {
    char link[48];
    snprintf(link, sizeof link, "/proc/self/fd/%ld", descriptor);
    long length = plain_syscall(SYS_readlink, (long)link, (long)path, (long)size - 1, 0, 0, 0);
    path[length < 0 ? 0 : length] = '\0';
}

static void name_file(const struct kind *kind, const greg_t *registers, char *path, size_t size) {
    const char *name = "";
    if (kind->place == PATH_FIRST)
        name = (const char *)registers[REG_RDI];
    if (kind->place == PATH_SECOND)
        name = (const char *)registers[REG_RSI];
    if (kind->place == DESCRIPTOR || (kind->place == PATH_SECOND && !*name))
        name_descriptor((long)registers[REG_RDI], path, size);
    else
        snprintf(path, size, "%s", name);
}

/** Files of the system, which serve other libraries, and what is optional of the machine. */
static bool is_of_the_system(const char *path) {
    static const char *const folders[] = {"/proc/", "/sys/", "/etc/", "/usr/",
                                          "/var/",  "/lib",  "/dev/"};
    static const char memory[] = "/dev/shm/"; /* of files that are anyone's */
    for (size_t k = 0; k < sizeof folders / sizeof *folders; k++)
        if (strncmp(path, folders[k], strlen(folders[k])) == 0)
            return strncmp(path, memory, sizeof memory - 1) != 0;
    return false;
}

/* ---------------------------------------------------------------- the handler */

static long carry_out(const greg_t *registers, long bytes) {
    return plain_syscall((long)registers[REG_RAX], (long)registers[REG_RDI],
                         (long)registers[REG_RSI], bytes, (long)registers[REG_R10],
                         (long)registers[REG_R8], (long)registers[REG_R9]);
}

static long fail_call(const struct kind *kind, const greg_t *registers) {
    long bytes = (long)registers[REG_RDX];
    if (kind->family == CLOSE)
        (void)carry_out(registers, bytes);
    bool piecewise = kind->family == READ || kind->family == WRITE;
    if (fault_how() == SHORT && piecewise && bytes > 1)
        return carry_out(registers, bytes / 2);
    return -kind->error;
}

static long handle_file(const struct kind *kind, const greg_t *registers) {
    char path[4096], detail[512];
    bool follows = kind->family == WRITE && registers[REG_RDI] != 2 && fault_follows();
    name_file(kind, registers, path, sizeof path);
    snprintf(detail, sizeof detail, "%s %.400s", kind->name, path);
    /* Of what goes to the standard error there is nowhere to complain. */
    if (kind->place == DESCRIPTOR && registers[REG_RDI] == 2)
        return carry_out(registers, (long)registers[REG_RDX]);
    if (follows)
        return -kind->error;
    if (fault_is_due(kind->family, !is_of_the_system(path), detail))
        return fail_call(kind, registers);
    return carry_out(registers, (long)registers[REG_RDX]);
}

/** Signals are blocked as asked, but for the one that brings the calls here: the kernel ends a
 *  program that blocks it. */
static long handle_mask(ucontext_t *context) {
    const greg_t *registers = context->uc_mcontext.gregs;
    const uint64_t *set = (const uint64_t *)registers[REG_RSI];
    uint64_t *old = (uint64_t *)registers[REG_RDX], mask;
    memcpy(&mask, &context->uc_sigmask, sizeof mask);
    if (old)
        *old = mask;
    if (set && registers[REG_RDI] == SIG_BLOCK)
        mask |= *set;
    else if (set && registers[REG_RDI] == SIG_UNBLOCK)
        mask &= ~*set;
    else if (set)
        mask = *set;
    mask &= ~(UINT64_C(1) << (SIGSYS - 1));
    memcpy(&context->uc_sigmask, &mask, sizeof mask);
    return 0;
}

static void handle(int signal_number, siginfo_t *info, void *place) {
    ucontext_t *context = place;
    greg_t *registers = context->uc_mcontext.gregs;
    int before = errno;
    (void)signal_number, (void)info;
    const struct kind *kind = kind_of((long)registers[REG_RAX]);
    registers[REG_RAX] = kind ? handle_file(kind, registers) : handle_mask(context);
    errno = before;
}

/* ---------------------------------------------------------------- begin and end */

bool syscalls_start(void) {
    enum { HEAD = 4, SIZE = HEAD + 1 + N_KINDS + 1 + 2 };
    const uint64_t end = (uint64_t)(uintptr_t)plain_syscall_end;
    const unsigned ip = offsetof(struct seccomp_data, instruction_pointer);
    struct sock_filter filter[SIZE] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ip),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)end, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ip + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(end >> 32), SIZE - 2 - HEAD, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
    for (int k = 0; k <= N_KINDS; k++) {
        uint32_t number = k < N_KINDS ? (uint32_t)KINDS[k].number : SYS_rt_sigprocmask;
        filter[HEAD + 1 + k] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number,
                                                            (uint8_t)(N_KINDS - k + 1), 0);
    }
    filter[SIZE - 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[SIZE - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
    const struct sock_fprog rules = {.len = SIZE, .filter = filter};
    const struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_NODEFER};
    return sigaction(SIGSYS, &action, NULL) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           plain_syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, (long)&rules, 0, 0, 0) == 0;
}

void descriptors_report(void) {
    char path[4096];
    for (long descriptor = 3; descriptor < 1024; descriptor++) {
        name_descriptor(descriptor, path, sizeof path);
        if (*path)
            report_line("descriptor %.900s\n", path);
    }
}
