/* The scalar formulas of the architecture "schnet-v", each with its derivative, written once for
 * all backends. Vector formulas: reference.c, which reads like the definition. */
#ifndef SCH_POTENTIAL_SCHNET_V_H
#define SCH_POTENTIAL_SCHNET_V_H

#include <math.h>

#define SCHNET_V_NAME "schnet-v"

/** eps in n = sqrt(|a|^2 + eps) - sqrt(eps): it rounds the tip of the norm's cone. */
#define SCHNET_V_NORM_EPSILON 0.01

/** Envelope fc(r) = 1 - 10 x^3 + 15 x^4 - 6 x^5, x = r / cutoff: 1 at 0; at the cutoff it vanishes
 *  with its first two derivatives. */
static inline double envelope(double r, double cutoff, double *slope) {
    double x = r / cutoff;
    if (x >= 1.0) {
        *slope = 0.0;
        return 0.0;
    }
    *slope = -30.0 * x * x * (1.0 - x) * (1.0 - x) / cutoff;
    return 1.0 - x * x * x * (10.0 - x * (15.0 - 6.0 * x));
}

/** Radial basis function exp(-(r - centre)^2 / (2 width^2)). */
static inline double radial_basis(double r, double centre, double width, double *slope) {
    double x = (r - centre) / width;
    double value = exp(-0.5 * x * x);
    *slope = -x / width * value;
    return value;
}

/** SiLU(x) = x / (1 + exp(-x)). */
static inline double silu(double x, double *slope) {
    double sigmoid = 1.0 / (1.0 + exp(-x));
    *slope = sigmoid * (1.0 + x * (1.0 - sigmoid));
    return x * sigmoid;
}

#endif
