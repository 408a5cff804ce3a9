/* The simulated GPU: what threads may rely on, and that it notices what a real one leaves
 * undefined. */
extern "C" {
#include "support.h"
}
#include <math.h>
#include <stdlib.h>

#include "cuda/launch.h"
#include "cuda/tensor.h"

namespace gpu = SCHNELL_CUDA_NAMESPACE;

static gpu::device *device;

static int open_device(void **) {
    assert_ok(gpu::device_open(&device));
    return 0;
}

static int close_device(void **) {
    gpu::device_close(device);
    return 0;
}

static void in_order(const char *order) {
    assert_int_equal(setenv("SCHNELL_SIMULATED_ORDER", order, 1), 0);
}

static const char *const orders[] = {"forward", "reverse"};

/* ---------------------------------------------------------------- kernels */

/** The sum of all threads' numbers in the cluster, to each block's place. */
static void sum_in_cluster(int *sums, float *partial) {
    int *mine = reinterpret_cast<int *>(gpu::shared_memory());
    mine[threadIdx.x] = (int)(threadIdx.x + 1);
    __syncthreads();
    if (threadIdx.x == 0)
        for (unsigned k = partial[blockIdx.x] = 0; k < blockDim.x; k++)
            partial[blockIdx.x] += (float)mine[k];
    gpu::cluster_barrier();
    const unsigned first = blockIdx.x - gpu::cluster_rank();
    if (threadIdx.x == 0)
        for (unsigned k = sums[blockIdx.x] = 0; k < gpu::cluster_size(); k++)
            sums[blockIdx.x] += (int)partial[first + k];
}

/** Each thread takes its neighbour's number; without the barrier perhaps too early. */
static void pass_on(int *result, bool waits) {
    int *mine = reinterpret_cast<int *>(gpu::shared_memory());
    mine[threadIdx.x] = (int)threadIdx.x;
    if (waits)
        __syncthreads();
    result[threadIdx.x] = mine[(threadIdx.x + 32) % blockDim.x];
}

static void meet_at_two_barriers(int) {
    if (threadIdx.x < 32)
        __syncthreads();
    else
        gpu::cluster_barrier();
}

static void leave_early(int) {
    if (threadIdx.x != 5)
        __syncthreads();
}

static void disagree(int *result) {
    const unsigned lane = threadIdx.x % 32;
    result[threadIdx.x] =
        lane < 16 ? __shfl_sync(~0u, (int)lane, 0) : (int)__ballot_sync(~0u, (int)lane);
}

static void look(float *result) {
    result[threadIdx.x] = reinterpret_cast<float *>(gpu::shared_memory())[threadIdx.x];
}

static void talk(int *shuffled, unsigned *ballots, int *copied) {
    const int lane = (int)threadIdx.x % 32;
    shuffled[threadIdx.x] = __shfl_xor_sync(~0u, lane, 5);
    ballots[threadIdx.x] = __ballot_sync(~0u, lane % 3 == 0);
    copied[threadIdx.x] = __shfl_sync(~0u, lane * lane, 7);
}

/** D = A B^T, A [16][16], B [8][16]. */
static void multiply(float *d, const float *a, const float *b) {
    const unsigned g = threadIdx.x / 4, t = threadIdx.x % 4;
    const auto row = [&](const float *matrix, unsigned r) {
        return gpu::split(*reinterpret_cast<const float4 *>(matrix + 16 * r + 4 * t));
    };
    float sums[4] = {};
    gpu::multiply(sums, row(a, g), row(a, g + 8), row(b, g));
    for (unsigned e = 0; e < 4; e++)
        d[(g + e / 2 * 8) * 8 + 2 * t + e % 2] = sums[e];
}

/* ---------------------------------------------------------------- tests */

static void barriers_hold(void **) {
    for (const char *order : orders) {
        int sums[8] = {};
        float partial[8] = {};
        in_order(order);
        assert_ok(
            LAUNCH(device, sum_in_cluster, (shape{8, 64, 4, 64 * sizeof(int)}), sums, partial));
        for (int sum : sums)
            assert_int_equal(sum, 4 * 64 * 65 / 2);
    }
}

static void a_missing_barrier_shows(void **) {
    for (int waits = 0; waits < 2; waits++) {
        bool right = true;
        for (const char *order : orders) {
            int result[128] = {};
            in_order(order);
            assert_ok(
                LAUNCH(device, pass_on, (shape{1, 128, 1, 128 * sizeof(int)}), result, waits == 1));
            for (int k = 0; k < 128; k++)
                right = right && result[k] == (k + 32) % 128;
        }
        assert_int_equal(right, waits == 1);
    }
}

static void who_waits_in_vain_is_named(void **) {
    for (const char *order : orders) {
        in_order(order);
        assert_fails(LAUNCH(device, meet_at_two_barriers, (shape{2, 64, 2, 0}), 0),
                     SCH_ERROR_DEVICE, "no one can go on");
        support_assert_message("kernel meet_at_two_barriers", __FILE__, __LINE__);
        assert_fails(LAUNCH(device, leave_early, (shape{1, 64, 1, 0}), 0), SCH_ERROR_DEVICE,
                     "no one can go on");
    }
}

static void lanes_must_agree(void **) {
    int result[32];
    assert_fails(LAUNCH(device, disagree, (shape{1, 32, 1, 0}), result), SCH_ERROR_DEVICE,
                 "lanes of a warp call different operations");
}

static void what_was_not_written_is_no_number(void **) {
    float result[32] = {};
    assert_ok(LAUNCH(device, look, (shape{1, 32, 1, 32 * sizeof(float)}), result));
    for (float x : result)
        assert_true(isnan(x));
    struct gpu::buffer buffer = {};
    assert_ok(gpu::buffer_reserve(device, &buffer, "numbers", 10, sizeof(double)));
    assert_true(isnan(gpu::content<double>(buffer)[9]));
    gpu::buffer_free(device, &buffer);
}

static void lanes_talk(void **) {
    int shuffled[64], copied[64];
    unsigned ballots[64];
    for (const char *order : orders) {
        in_order(order);
        assert_ok(LAUNCH(device, talk, (shape{1, 64, 1, 0}), shuffled, ballots, copied));
        for (int k = 0; k < 64; k++) {
            assert_int_equal(shuffled[k], (k % 32) ^ 5);
            assert_int_equal(ballots[k], 0x49249249u);
            assert_int_equal(copied[k], 49);
        }
    }
}

/** Numbers split in two: as good as single precision, and far better than one TF32 number. */
static void products_keep_single_precision(void **) {
    float a[16 * 16], b[8 * 16], d[16 * 8];
    for (float &x : a)
        x = (float)support_uniform(-1.0, 1.0);
    for (float &x : b)
        x = (float)support_uniform(-1.0, 1.0);
    assert_ok(LAUNCH(device, multiply, (shape{1, 32, 1, 0}), d, a, b));
    for (int row = 0; row < 16; row++)
        for (int column = 0; column < 8; column++) {
            double exact = 0.0, size = 0.0;
            for (int k = 0; k < 16; k++) {
                exact += (double)a[16 * row + k] * (double)b[16 * column + k];
                size += fabs((double)a[16 * row + k] * (double)b[16 * column + k]);
            }
            assert_close((double)d[8 * row + column], exact, 1e-6 * size);
        }
}

static void odd_launches_are_refused(void **) {
    const shape odd[] = {{1, 33, 1, 0},   {0, 32, 1, 0},   {3, 32, 2, 0},
                         {1, 2048, 1, 0}, {32, 32, 32, 0}, {1, 32, 1, 1 << 20}};
    for (const shape &one : odd)
        assert_fails(LAUNCH(device, leave_early, one, 0), SCH_ERROR_DEVICE, "cannot be run");
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(barriers_hold),
        cmocka_unit_test(a_missing_barrier_shows),
        cmocka_unit_test(who_waits_in_vain_is_named),
        cmocka_unit_test(lanes_must_agree),
        cmocka_unit_test(what_was_not_written_is_no_number),
        cmocka_unit_test(lanes_talk),
        cmocka_unit_test(products_keep_single_precision),
        cmocka_unit_test(odd_launches_are_refused),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
