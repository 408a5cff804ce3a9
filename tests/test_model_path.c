/* From names of models to files: which folder comes first, what there is, and what was meant. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "potential/model_path.h"
#include "support.h"

/* Folders of models, and the files in them, which need not be models here. */
static int set_up(void **state) {
    (void)state;
    char mine[256], data[256];
    snprintf(mine, sizeof mine, "%s", support_path("mine"));
    snprintf(data, sizeof data, "%s", support_path("data"));
    assert_int_equal(mkdir(mine, 0777), 0);
    assert_int_equal(mkdir(data, 0777), 0);
    assert_int_equal(mkdir(support_path("data/models"), 0777), 0);
    support_file("mine/both.h5", "");
    support_file("mine/Water.h5", "");
    support_file("mine/notes.txt", "");
    support_file("mine/.h5", "");
    support_file("data/models/both.h5", "");
    support_file("data/models/zeolite.h5", "");
    assert_int_equal(setenv("SCHNELL_MODELS", mine, 1), 0);
    return setenv("SCHNELL_DATA", data, 1);
}

static void found_at(const char *name, const char *file) {
    char *path = NULL;
    assert_ok(model_path_find(&path, name));
    assert_string_equal(path, support_path(file));
    free(path);
}

static void first_folder_wins(void **state) {
    (void)state;
    found_at("both", "mine/both.h5");
    found_at("Water", "mine/Water.h5");
    found_at("zeolite", "data/models/zeolite.h5");
}

static void paths_are_paths(void **state) {
    (void)state;
    char *path = NULL;
    assert_ok(model_path_find(&path, "both.h5"));
    assert_string_equal(path, "both.h5");
    free(path);
    assert_ok(model_path_find(&path, "./both"));
    assert_string_equal(path, "./both");
    free(path);
}

/* Those of the build folder are there as well. */
static void all_of_them(void **state) {
    (void)state;
    char **paths = NULL;
    size_t n = 0, both = 0, ours = 0;
    assert_ok(sch_model_list(&paths, &n));
    for (size_t k = 0; k < n; k++) {
        const char *file = strrchr(paths[k], '/') + 1;
        assert_string_not_equal(file, ".h5");
        assert_string_not_equal(file, "notes.txt");
        if (k > 0)
            assert_true(strcmp(strrchr(paths[k - 1], '/') + 1, file) < 0);
        if (strcmp(file, "both.h5") == 0) {
            both++;
            assert_string_equal(paths[k], support_path("mine/both.h5"));
        }
        ours += strcmp(paths[k], support_path("mine/Water.h5")) == 0;
        ours += strcmp(paths[k], support_path("data/models/zeolite.h5")) == 0;
    }
    assert_int_equal(both, 1);
    assert_int_equal(ours, 2);
    free(paths);
}

static void what_was_meant(void **state) {
    (void)state;
    char *path = NULL;
    assert_fails(model_path_find(&path, "watre"), SCH_ERROR_IO, "did you mean 'Water'?");
    assert_non_null(strstr(sch_last_error(), "; available: Water, "));
    assert_fails(model_path_find(&path, "zeolit"), SCH_ERROR_IO, "did you mean 'zeolite'?");
    assert_fails(model_path_find(&path, "nothing"), SCH_ERROR_IO,
                 "no model 'nothing'; available: ");
    assert_null(strstr(sch_last_error(), "did you mean"));
    assert_fails(model_path_find(&path, ""), SCH_ERROR_IO, "no model ''; available: ");
    assert_null(path);
}

static void long_names(void **state) {
    (void)state;
    char *path = NULL, name[6000];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_fails(model_path_find(&path, name), SCH_ERROR_IO, "no model 'xxx");
    assert_int_equal(setenv("SCHNELL_MODELS", name, 1), 0);
    assert_fails(model_path_find(&path, "Water"), SCH_ERROR_IO, "no model 'Water'");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_folder_wins), cmocka_unit_test(paths_are_paths),
        cmocka_unit_test(all_of_them),       cmocka_unit_test(what_was_meant),
        cmocka_unit_test(long_names),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
