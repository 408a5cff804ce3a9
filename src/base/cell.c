#include "base/cell.h"

#include <math.h>
#include <string.h>

/** |volume| / (|a| |b| |c|) below which a cell counts as flat. */
#define FLAT 1e-6

static double dot(const double a[3], const double b[3]) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void cross(const double a[3], const double b[3], double product[3]) {
    for (int x = 0; x < 3; x++) {
        int y = (x + 1) % 3, z = (x + 2) % 3;
        product[x] = a[y] * b[z] - a[z] * b[y];
    }
}

double cell_volume(const double cell[3][3]) {
    double bc[3];
    cross(cell[1], cell[2], bc);
    return dot(cell[0], bc);
}

void cell_inverse(const double cell[3][3], double inverse[3][3]) {
    double volume = cell_volume(cell);
    for (int row = 0; row < 3; row++) {
        double reciprocal[3]; /* at right angles to the other two rows */
        cross(cell[(row + 1) % 3], cell[(row + 2) % 3], reciprocal);
        for (int x = 0; x < 3; x++)
            inverse[x][row] = reciprocal[x] / volume;
    }
}

void cell_heights(const double cell[3][3], double heights[3]) {
    double volume = fabs(cell_volume(cell));
    for (int row = 0; row < 3; row++) {
        double face[3];
        cross(cell[(row + 1) % 3], cell[(row + 2) % 3], face);
        heights[row] = volume / sqrt(dot(face, face));
    }
}

void cell_fractional(const double inverse[3][3], const double x[3], double fractional[3]) {
    for (int row = 0; row < 3; row++)
        fractional[row] = x[0] * inverse[0][row] + x[1] * inverse[1][row] + x[2] * inverse[2][row];
}

/** The unit vector at right angles to a and b; not finite if they are parallel. */
static void normal(const double a[3], const double b[3], double unit[3]) {
    cross(a, b, unit);
    double length = sqrt(dot(unit, unit));
    for (int x = 0; x < 3; x++)
        unit[x] /= length;
}

/** The coordinate axis that is farthest from parallel to a. */
static void farthest_axis(const double a[3], double axis[3]) {
    int least = 0;
    for (int x = 1; x < 3; x++)
        if (fabs(a[x]) < fabs(a[least]))
            least = x;
    for (int x = 0; x < 3; x++)
        axis[x] = x == least ? 1.0 : 0.0;
}

void cell_basis(const double cell[3][3], const bool kept[3], double basis[3][3]) {
    static const double axes[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    int n_kept = kept[0] + kept[1] + kept[2];
    if (n_kept == 0) {
        memcpy(basis, axes, sizeof axes);
        return;
    }
    memcpy(basis, cell, sizeof axes);
    if (n_kept == 1) {
        int row = kept[0] ? 0 : kept[1] ? 1 : 2;
        double *second = basis[(row + 1) % 3], *third = basis[(row + 2) % 3];
        double axis[3];
        farthest_axis(basis[row], axis);
        normal(basis[row], axis, second);
        normal(basis[row], second, third);
    } else if (n_kept == 2) {
        int row = !kept[0] ? 0 : !kept[1] ? 1 : 2;
        normal(basis[(row + 1) % 3], basis[(row + 2) % 3], basis[row]);
    }
}

bool cell_is_singular(const double cell[3][3]) {
    double cuboid = 1.0;
    for (int row = 0; row < 3; row++)
        cuboid *= sqrt(dot(cell[row], cell[row]));
    return !(cuboid > 0 && fabs(cell_volume(cell)) > FLAT * cuboid); /* true for NaN too */
}
