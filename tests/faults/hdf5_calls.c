/* HDF5's functions, as far as libschnell calls them: CMake lists them in hdf5_calls.inc, a line
 * HDF5_CALL(number, name) each. One that is to fail gives -1 without being carried out, but for
 * those that close, which are carried out first: else what they were to close would count as a
 * leak. */
#include "faults.h"

#include <dlfcn.h>
#include <string.h>

static const char *const NAMES[] = {
#define HDF5_CALL(number, name) #name,
#include "hdf5_calls.inc"
#undef HDF5_CALL
};
enum { N_CALLS = sizeof NAMES / sizeof *NAMES };

static void *targets[N_CALLS];

static long failed(long unused) {
    return (void)unused, -1;
}

/** Called by the stubs: where a call goes on. */
__attribute__((used, visibility("hidden"))) void *hdf5_call_target(long number, void *caller,
                                                                   long first);

void *hdf5_call_target(long number, void *caller, long first) {
    const char *name = NAMES[number];
    if (!fault_is_due(HDF5, caller_is_ours(caller), name))
        return targets[number];
    if (strstr(name, "close") && !strstr(name, "degree"))
        ((int (*)(long))targets[number])(first);
    /* These tell of a failure by 0. */
    return (void *)(strcmp(name, "H5Tget_size") == 0 || strcmp(name, "H5Dget_storage_size") == 0
                        ? NULL
                        : failed);
}

void hdf5_calls_start(void) {
    for (int k = 0; k < N_CALLS; k++)
        targets[k] = dlsym(RTLD_NEXT, NAMES[k]);
}

/* A stub keeps all arguments as they are, asks where to go on, and goes there; at NULL it gives 0.
 */
#define HDF5_CALL(number, name)                                                        \
    __asm__(".text\n.globl " #name "\n.type " #name ", @function\n" #name ":\n"        \
            "    .cfi_startproc\n    push %rdi\n    push %rsi\n    push %rdx\n"        \
            "    push %rcx\n    push %r8\n    push %r9\n    sub $24, %rsp\n"           \
            "    .cfi_def_cfa_offset 80\n    movsd %xmm0, (%rsp)\n"                    \
            "    mov %rdi, %rdx\n    mov 72(%rsp), %rsi\n    mov $" #number ", %edi\n" \
            "    call hdf5_call_target\n"                                              \
            "    movsd (%rsp), %xmm0\n    add $24, %rsp\n    pop %r9\n    pop %r8\n"   \
            "    pop %rcx\n    pop %rdx\n    pop %rsi\n    pop %rdi\n"                 \
            "    .cfi_def_cfa_offset 8\n"                                              \
            "    test %rax, %rax\n    je 1f\n    jmp *%rax\n1:  ret\n    .cfi_endproc\n");
#include "hdf5_calls.inc"
