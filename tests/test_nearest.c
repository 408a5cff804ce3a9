#include "support.h"

#include <string.h>

static const char *const OPTIONS[] = {"model",   "steps",     "dt",     "temperature", "seed",
                                      "filters", "precision", "device", "threads",     "out"};

static const char *meant(const char *word) {
    return sch_nearest(word, sizeof OPTIONS / sizeof *OPTIONS, OPTIONS);
}

static void one_letter(void **state) {
    (void)state;
    assert_string_equal(meant("modle"), "model");     /* swapped */
    assert_string_equal(meant("sed"), "seed");        /* left out */
    assert_string_equal(meant("stepps"), "steps");    /* added */
    assert_string_equal(meant("thteads"), "threads"); /* changed */
    assert_string_equal(meant("omdel"), "model");     /* at the start */
    assert_string_equal(meant("model"), "model");
    assert_string_equal(meant("MODEL"), "model");
}

static void several_letters(void **state) {
    (void)state;
    assert_string_equal(meant("tempreture"), "temperature");
    assert_string_equal(meant("presicion"), "precision");
    assert_string_equal(meant("temprture"), "temperature");
    assert_null(meant("temprtre")); /* 3 of 11 */
    assert_null(meant("stpes2x"));
}

static void short_words(void **state) {
    (void)state;
    assert_null(meant("d"));
    assert_null(meant("dd"));
    assert_null(meant("ot"));
    assert_string_equal(meant("outt"), "out");
    assert_null(meant(""));
}

static void a_guess_is_none(void **state) {
    (void)state;
    static const char *const words[] = {"cart", "card", "tiny"};
    assert_null(sch_nearest("cars", 3, words));
    assert_string_equal(sch_nearest("card", 3, words), "card");
    assert_string_equal(sch_nearest("cards", 3, words), "card");
    assert_null(sch_nearest("card", 0, words));
}

static void long_words(void **state) {
    (void)state;
    char word[200], other[64];
    const char *const words[] = {other, word};
    memset(word, 'a', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    memset(other, 'a', sizeof other - 1);
    other[sizeof other - 1] = '\0';
    assert_null(sch_nearest(word, 2, words));
    other[5] = 'b';
    assert_ptr_equal(sch_nearest(other, 2, words), other);
    assert_ptr_equal(sch_nearest(&word[sizeof word - 64], 2, words), other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_letter),  cmocka_unit_test(several_letters),
        cmocka_unit_test(short_words), cmocka_unit_test(a_guess_is_none),
        cmocka_unit_test(long_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
