#include "cuda/simulated/launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace simulated {

__thread thread *here;

namespace {

enum { STACK_BYTES = 256 * 1024 };

/** A thread of the cluster, and where it goes on. */
struct fiber {
    thread self;
    void *resume[5]; /* as __builtin_setjmp has it */
    wait waits;
    bool begun;
    char *stack;
};

/** The cluster that runs now. */
struct cluster {
    const char *name;
    const std::function<void()> *thread;
    struct shape shape;
    unsigned n_threads; /* of all blocks */
    fiber *fibers;      /* [n_threads] */
    deposit *deposits;  /* [warps][2][WARP] */
    char *shared;       /* [blocks][shared bytes] */
    fiber *running;
    void *scheduler[5];
    bool reversed;
    bool broken; /* lanes of a warp do different things */
};

thread_local cluster *current;

/** Stacks are kept from launch to launch. */
thread_local char **stacks;
thread_local unsigned n_stacks;

/* ---------------------------------------------------------------- fibers */

/* Stacks are left and entered by the compiler's own setjmp and longjmp: the library's may forbid
 * it, and under AddressSanitizer they clear the record of the whole stack each time. Who calls
 * these functions may not know what registers they change: all. */
#define SWITCHES __attribute__((noipa, no_sanitize("address")))

#if defined(__SANITIZE_ADDRESS__)
/** The sanitizer must know on which stack we are. */
thread_local const void *host_stack;
thread_local size_t host_size;
thread_local void *host_fake;

void forget(const fiber *f) {
    if (f->stack)
        __asan_unpoison_memory_region(f->stack, STACK_BYTES);
}
void leave_host(const fiber *to) {
    __sanitizer_start_switch_fiber(&host_fake, to->stack, STACK_BYTES);
}
void arrive_at_host() {
    __sanitizer_finish_switch_fiber(host_fake, NULL, NULL);
}
void leave_fiber(void **fake) {
    __sanitizer_start_switch_fiber(fake, host_stack, host_size);
}
void arrive_at_fiber(void *fake) {
    __sanitizer_finish_switch_fiber(fake, &host_stack, &host_size);
}
#else
void forget(const fiber *) {
}
void leave_host(const fiber *) {
}
void arrive_at_host() {
}
void leave_fiber(void **) {
}
void arrive_at_fiber(void *) {
}
#endif

/** In a function of its own: none may hold both. */
SWITCHES void jump(void **to) {
    __builtin_longjmp(to, 1);
}

/** A fiber's first and only function. */
SWITCHES void begin() {
    cluster *all = current;
    arrive_at_fiber(NULL);
    (*all->thread)();
    all->running->waits = ENDED;
    leave_fiber(NULL); /* for good */
    jump(all->scheduler);
}

/** Run a fiber until it waits or ends. */
SWITCHES void run(cluster *all, fiber *next) {
    all->running = next;
    here = &next->self;
    next->waits = RUNS;
    if (__builtin_setjmp(all->scheduler) == 0) {
        leave_host(next);
        if (next->begun)
            jump(next->resume);
        next->begun = true;
        ucontext_t first;
        getcontext(&first);
        first.uc_stack.ss_sp = next->stack;
        first.uc_stack.ss_size = STACK_BYTES;
        first.uc_link = NULL;
        makecontext(&first, begin, 0);
        setcontext(&first);
    }
    arrive_at_host();
}

/* ---------------------------------------------------------------- barriers */

/** If all of these threads wait for the same, let them go on. */
bool release(fiber *fibers, unsigned n, wait what) {
    for (unsigned k = 0; k < n; k++)
        if (fibers[k].waits != what)
            return false;
    for (unsigned k = 0; k < n; k++)
        fibers[k].waits = RUNS;
    return true;
}

bool release_blocks(cluster *all) {
    const unsigned block = all->shape.block;
    bool some = false;
    for (unsigned k = 0; k < all->n_threads; k += block)
        some |= release(all->fibers + k, block, AT_BLOCK);
    return release(all->fibers, all->n_threads, AT_CLUSTER) || some;
}

/** Each lane of a warp that can run, once. Gives false when none could. */
bool run_lanes(cluster *all, unsigned warp) {
    bool some = false;
    for (unsigned k = 0; k < WARP; k++) {
        fiber *next = &all->fibers[warp * WARP + (all->reversed ? WARP - 1 - k : k)];
        if (next->waits == RUNS) {
            run(all, next);
            some = true;
        }
    }
    return some;
}

/** A warp as far as it gets alone: so far ahead of the others a missing barrier shows. */
bool run_warp(cluster *all, unsigned warp) {
    bool some = false;
    while (!all->broken &&
           (run_lanes(all, warp) || release(all->fibers + warp * WARP, WARP, AT_WARP)))
        some = true;
    return some;
}

bool run_warps(cluster *all) {
    const unsigned n = all->n_threads / WARP;
    bool some = false;
    for (unsigned k = 0; k < n; k++)
        some |= run_warp(all, all->reversed ? n - 1 - k : k);
    return some;
}

const char *name_of(wait waits) {
    static const char *const names[] = {"running", "at a warp's barrier", "at a block's barrier",
                                        "at a cluster's barrier", "at its end"};
    return names[waits];
}

sch_status run_all(cluster *all) {
    while (run_warps(all) || release_blocks(all)) {
        if (all->broken)
            return fail(SCH_ERROR_DEVICE, "kernel %s: lanes of a warp call different operations",
                        all->name);
    }
    for (unsigned k = 0; k < all->n_threads; k++)
        if (all->fibers[k].waits != ENDED)
            return fail(
                SCH_ERROR_DEVICE,
                "kernel %s, block %u: thread %u waits %s, thread %u is %s: no one can go on",
                all->name, all->fibers[k].self.block_index.x, all->fibers[k].self.thread_index.x,
                name_of(all->fibers[k].waits), all->fibers[0].self.thread_index.x,
                name_of(all->fibers[0].waits));
    return SCH_OK;
}

/* ---------------------------------------------------------------- a cluster */

sch_status grow_stacks(unsigned n) {
    if (n <= n_stacks)
        return SCH_OK;
    char **more = (char **)realloc(stacks, n * sizeof *stacks);
    if (!more)
        return fail(SCH_ERROR_MEMORY, "simulated GPU: no memory for %u threads", n);
    stacks = more;
    for (; n_stacks < n; n_stacks++) {
        void *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (stack == MAP_FAILED)
            return fail(SCH_ERROR_MEMORY, "simulated GPU: no memory for %u threads", n);
        stacks[n_stacks] = (char *)stack;
    }
    return SCH_OK;
}

void set_up(cluster *all, unsigned first_block) {
    const struct shape *shape = &all->shape;
    memset(all->shared, 0xFF, shape->cluster * shape->shared + 1); /* NaN: nothing is written yet */
    for (unsigned k = 0; k < all->n_threads; k++) {
        fiber *f = &all->fibers[k];
        const unsigned block = k / shape->block, thread = k % shape->block;
        f->self = {};
        f->self.thread_index = dim3{thread, 0, 0};
        f->self.block_index = dim3{first_block + block, 0, 0};
        f->self.block_size = dim3{shape->block, 1, 1};
        f->self.grid_size = dim3{shape->grid, 1, 1};
        f->self.rank = block;
        f->self.ranks = shape->cluster;
        f->self.shared = all->shared + block * shape->shared;
        f->self.lanes = all->deposits + k / WARP * 2 * WARP;
        f->waits = RUNS;
        f->begun = false;
        f->stack = stacks[k];
    }
}

sch_status allocate(cluster *all) {
    SCH_TRY(grow_stacks(all->n_threads));
    all->fibers = (fiber *)calloc(all->n_threads, sizeof *all->fibers);
    all->deposits = (deposit *)calloc(all->n_threads * 2, sizeof *all->deposits);
    all->shared =
        (char *)aligned_alloc(128, (all->shape.cluster * all->shape.shared + 1 + 127) / 128 * 128);
    if (!all->fibers || !all->deposits || !all->shared)
        return fail(SCH_ERROR_MEMORY, "simulated GPU: no memory for %u threads", all->n_threads);
    return SCH_OK;
}

sch_status run_clusters(cluster *all) {
    const unsigned n = all->shape.grid / all->shape.cluster;
    for (unsigned k = 0; k < n; k++) {
        set_up(all, (all->reversed ? n - 1 - k : k) * all->shape.cluster);
        SCH_TRY(run_all(all));
    }
    return SCH_OK;
}

} // namespace

SWITCHES void wait_for(wait what) {
    cluster *all = current;
    fiber *self = all->running;
    void *fake = NULL;
    self->waits = what;
    if (__builtin_setjmp(self->resume) == 0) {
        leave_fiber(&fake);
        jump(all->scheduler);
    }
    arrive_at_fiber(fake);
}

/* Two places in turn: who gives for the next operation cannot reach those that still read this
 * one, for they have not given yet. */
const deposit *exchange(int operation, const void *words, size_t bytes) {
    thread *self = here;
    deposit *lanes = self->lanes + self->collectives++ % 2 * WARP;
    deposit *mine = &lanes[self->thread_index.x % WARP];
    mine->operation = operation;
    memcpy(mine->words, words, bytes);
    wait_for(AT_WARP);
    for (int lane = 0; lane < WARP; lane++)
        current->broken |= lanes[lane].operation != operation;
    return lanes;
}

/** For tests: a missing barrier shows when the order of the threads matters. */
static bool run_in_reverse() {
    const char *order = getenv("SCHNELL_SIMULATED_ORDER");
    return order && strcmp(order, "reverse") == 0;
}

sch_status run_kernel(const char *name, struct shape shape, const std::function<void()> &thread) {
    if (shape.block == 0 || shape.block % WARP || shape.block > 1024 || shape.cluster == 0 ||
        shape.cluster > 16 || shape.grid == 0 || shape.grid % shape.cluster ||
        shape.shared > MOST_SHARED)
        return fail(SCH_ERROR_DEVICE,
                    "kernel %s: grid %u, cluster %u, block %u, %zu bytes shared: cannot be run",
                    name, shape.grid, shape.cluster, shape.block, shape.shared);
    cluster all = {};
    all.name = name;
    all.thread = &thread;
    all.shape = shape;
    all.n_threads = shape.cluster * shape.block;
    all.reversed = run_in_reverse();
    cluster *outer = current;
    current = &all;
    sch_status status = allocate(&all);
    if (status == SCH_OK)
        status = run_clusters(&all);
    current = outer;
    for (unsigned k = 0; status != SCH_OK && all.fibers && k < all.n_threads; k++)
        forget(&all.fibers[k]); /* who ran on it has not come to its end */
    free(all.fibers);
    free(all.deposits);
    free(all.shared);
    return status;
}

} // namespace simulated
