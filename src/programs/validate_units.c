#include "validate_units.h"

#include "force_units.h"

#include <math.h>
#include <stdio.h>

// A constant zero or two frames of luck must not look like a finding.
enum { COMPONENTS_MIN = 9 };
static const double CORRELATION_MIN = 0.9, TOLERANCE = 0.05;

void unit_check_add(struct unit_check *check, const double *reference, const double *predicted,
                    size_t n) {
    check->n += (long)n;
    for (size_t i = 0; i < n; i++) {
        check->reference += reference[i];
        check->predicted += predicted[i];
        check->reference_square += reference[i] * reference[i];
        check->predicted_square += predicted[i] * predicted[i];
        check->product += reference[i] * predicted[i];
    }
}

static const char *nearest_unit(double factor) {
    const char *name = NULL;
    double nearest = TOLERANCE;
    for (size_t i = 0; force_units[i].name; i++) {
        double off = fabs(log(factor / force_units[i].factor));
        if (off < nearest) {
            nearest = off;
            name = force_units[i].name;
        }
    }
    return name;
}

bool unit_check_finds(const struct unit_check *check, char *words, size_t size) {
    double n = (double)check->n;
    if (check->n < COMPONENTS_MIN)
        return false;
    double xx = check->predicted_square - check->predicted * check->predicted / n;
    double yy = check->reference_square - check->reference * check->reference / n;
    double xy = check->product - check->predicted * check->reference / n;
    if (!(xx > 0) || !(yy > 0))
        return false;
    double slope = xy / xx, correlation = xy / sqrt(xx * yy);
    const char *name = nearest_unit(fabs(slope));
    bool as_expected = slope > 0 && fabs(log(slope)) < TOLERANCE;
    if (!name || as_expected || fabs(correlation) < CORRELATION_MIN)
        return false;
    snprintf(words, size, "%s%s: they are %.3g times those of the model (correlation %.3f)",
             slope < 0 ? "the energy's gradient (minus the force) in " : "", name, slope,
             correlation);
    return true;
}
