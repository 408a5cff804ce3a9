/* What NVML tells, and what is told where it is missing in part or whole: with a library that
 * stands in for it. One that is loaded already is found by its name alone, before the driver's own.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <limits.h>
#include <unistd.h>

#include "machine.h"
#include "nvml.h"
#include "power.h"

#define UNUSED(state) ((void)(state))

static void *fake; // the library that stands in

static void use(const char *kind, const char *failing) {
    char path[PATH_MAX + 64] = "";
    assert_true(readlink("/proc/self/exe", path, PATH_MAX) > 0);
    snprintf(strrchr(path, '/'), 64, "/fake_nvml/%s/libnvidia-ml.so.1", kind);
    fake = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!fake)
        print_error("%s\n", dlerror());
    assert_non_null(fake);
    setenv("FAKE_NVML", failing, 1);
}

static int drop(void **state) {
    UNUSED(state);
    if (fake)
        dlclose(fake);
    fake = NULL;
    unsetenv("FAKE_NVML");
    unsetenv("CUDA_VISIBLE_DEVICES");
    return 0;
}

/* How often it is open still. */
static int opened(void) {
    int (*count)(void);
    void *symbol = dlsym(fake, "fake_nvml_opened");
    assert_non_null(symbol);
    memcpy(&count, &symbol, sizeof symbol);
    return count();
}

static void a_gpu_is_described(void **state) {
    UNUSED(state);
    struct nvml nvml;
    struct gpu gpu;
    use("full", "");
    assert_true(nvml_open(&nvml));
    nvml_describe(&nvml, &gpu);
    assert_string_equal(gpu.name, "Fake GPU");
    assert_string_equal(gpu.driver, "555.1");
    assert_true(gpu.memory > 7.9e10 && gpu.memory < 8.1e10);
    assert_int_equal(opened(), 1);
    nvml_close(&nvml);
    assert_int_equal(opened(), 0);
}

static void the_machine_tells_of_it(void **state) {
    UNUSED(state);
    struct machine machine, again;
    use("full", "");
    machine_describe(&machine);
    cJSON *object = machine_json(&machine);
    machine_read(&again, object);
    cJSON_Delete(object);
    assert_string_equal(again.gpu, "Fake GPU");
    assert_string_equal(again.gpu_driver, "555.1");
    assert_true(again.gpu_memory > 7.9e10 && again.gpu_memory < 8.1e10);
    assert_int_equal(opened(), 0);
}

static const char *name_with(const char *visible) {
    static struct gpu gpu;
    struct nvml nvml;
    setenv("CUDA_VISIBLE_DEVICES", visible, 1);
    nvml_open(&nvml);
    nvml_describe(&nvml, &gpu);
    nvml_close(&nvml);
    return gpu.name;
}

static void the_visible_gpu_is_taken(void **state) {
    UNUSED(state);
    use("full", "");
    assert_string_equal(name_with("0,1"), "Fake GPU");
    assert_string_equal(name_with("1,0"), "Fake GPU 1");
    assert_string_equal(name_with("GPU-one,GPU-two"), "Fake GPU 1");
    assert_string_equal(name_with("GPU-two"), "");
    assert_string_equal(name_with("7"), "");
    assert_string_equal(name_with("-1"), "");
    assert_int_equal(opened(), 0);
}

static void energy_is_counted(void **state) {
    UNUSED(state);
    struct power power;
    use("full", "");
    power_open(&power, "/nowhere");
    assert_true(power.has_gpu);
    power_read(&power);
    assert_true(fabs(power.gpu - 1.5) < 1e-9);
    setenv("FAKE_NVML", "energy", 1); // it falls silent: what was read stays
    power_read(&power);
    assert_true(fabs(power.gpu - 1.5) < 1e-9);
    setenv("FAKE_NVML", "", 1);
    power_read(&power);
    assert_true(fabs(power.gpu - 3) < 1e-9);
    power_close(&power);
    assert_int_equal(opened(), 0);
}

static void a_counter_may_be_missing(void **state) {
    UNUSED(state);
    struct power power;
    struct gpu gpu;
    use("full", "energy");
    power_open(&power, "/nowhere");
    assert_false(power.has_gpu);
    nvml_describe(&power.nvml, &gpu);
    assert_string_equal(gpu.name, "Fake GPU");
    power_read(&power);
    power_close(&power);
    assert_int_equal(opened(), 0);
}

static void calls_may_fail(void **state) {
    UNUSED(state);
    static const char *const calls[] = {"init", "device"};
    for (int k = 0; k < 2; k++) {
        struct nvml nvml;
        use("full", calls[k]);
        assert_false(nvml_open(&nvml));
        assert_int_equal(opened(), 0);
        nvml_close(&nvml);
        drop(NULL);
    }
    use("full", "name");
    assert_string_equal(name_with("0"), "");
}

static void functions_may_be_missing(void **state) {
    UNUSED(state);
    struct nvml nvml;
    struct gpu gpu;
    double joules = 0;
    use("bare", "");
    assert_true(nvml_open(&nvml));
    nvml_describe(&nvml, &gpu);
    assert_string_equal(gpu.name, "");
    assert_string_equal(gpu.driver, "");
    assert_true(gpu.memory == 0);
    assert_false(nvml_energy(&nvml, &joules));
    nvml_close(&nvml);
    assert_int_equal(opened(), 0);
    assert_string_equal(name_with("GPU-one"), "");
    drop(NULL);
    use("empty", "");
    assert_false(nvml_open(&nvml));
    nvml_close(&nvml);
}

static void the_library_may_be_missing(void **state) {
    UNUSED(state);
    struct nvml nvml;
    struct gpu gpu;
    double joules = 0;
    void *library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library) { // the driver's own
        dlclose(library);
        skip();
    }
    assert_false(nvml_open(&nvml));
    nvml_describe(&nvml, &gpu);
    assert_string_equal(gpu.name, "");
    assert_false(nvml_energy(&nvml, &joules));
    nvml_close(&nvml);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_library_may_be_missing, drop),
        cmocka_unit_test_teardown(a_gpu_is_described, drop),
        cmocka_unit_test_teardown(the_machine_tells_of_it, drop),
        cmocka_unit_test_teardown(the_visible_gpu_is_taken, drop),
        cmocka_unit_test_teardown(energy_is_counted, drop),
        cmocka_unit_test_teardown(a_counter_may_be_missing, drop),
        cmocka_unit_test_teardown(calls_may_fail, drop),
        cmocka_unit_test_teardown(functions_may_be_missing, drop),
    };
    unsetenv("CUDA_VISIBLE_DEVICES");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
