/* The choice between one thread and a team, with times that are made up. */
#include "potential/pace.h"
#include "support.h"

/** How many of some evaluations a team did, with an evaluation taking these seconds. */
static int count_team(struct pace *pace, size_t n, int evaluations, double alone, double team) {
    int count = 0;
    for (int k = 0; k < evaluations; k++) {
        const bool as_team = pace_as_team(pace, n);
        pace_took(pace, as_team ? team : alone);
        count += as_team;
    }
    return count;
}

static void the_faster_goes_on(void **state) {
    (void)state;
    struct pace fast = {0}, slow = {0};
    assert_in_range(count_team(&fast, 12, 10000, 1.0, 0.6), 9980, 9996);
    assert_in_range(count_team(&slow, 12, 10000, 1.0, 50.0), 4, 50);
}

/** A team that has to wait for processors is given up at once, and taken up when it can run. */
static void it_changes_when_the_machine_does(void **state) {
    (void)state;
    struct pace pace = {0};
    assert_in_range(count_team(&pace, 12, 1000, 1.0, 0.6), 980, 996);
    assert_in_range(count_team(&pace, 12, 1000, 1.0, 100.0), 2, 50);
    assert_in_range(count_team(&pace, 12, 30000, 1.0, 0.6), 25000, 29999);
}

/** One evaluation in fifty waits for a processor: no gain, and little loss. */
static void hiccups_cost_little(void **state) {
    (void)state;
    struct pace pace = {0};
    double total = 0;
    for (int k = 0; k < 100000; k++) {
        const bool as_team = pace_as_team(&pace, 12);
        const double seconds = !as_team ? 1.0 : k % 50 == 0 ? 100.0 : 0.6;
        pace_took(&pace, seconds);
        total += seconds;
    }
    assert_true(total < 1.1 * 100000);
}

/** Threads that have slept are slow once; the trial is long enough to see beyond that. */
static void sleepers_are_woken(void **state) {
    (void)state;
    struct pace pace = {0};
    int in_team = 0, team = 0;
    for (int k = 0; k < 10000; k++) {
        const bool as_team = pace_as_team(&pace, 12);
        in_team = as_team ? in_team + 1 : 0;
        team += as_team;
        pace_took(&pace, !as_team ? 1.0 : in_team == 1 ? 3.0 : 0.6);
    }
    assert_in_range(team, 9900, 9996);
}

static void another_system_starts_anew(void **state) {
    (void)state;
    struct pace pace = {0};
    count_team(&pace, 12, 100, 1.0, 2.0);
    assert_false(pace_as_team(&pace, 12));
    assert_true(pace_as_team(&pace, 13));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_faster_goes_on),
        cmocka_unit_test(it_changes_when_the_machine_does),
        cmocka_unit_test(hiccups_cost_little),
        cmocka_unit_test(sleepers_are_woken),
        cmocka_unit_test(another_system_starts_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
