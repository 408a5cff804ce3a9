#include "base/elements.h"

#include <string.h>

/* Standard atomic weights, IUPAC 2016 (Pure Appl. Chem. 90, 177), abridged where an interval;
 * the mass number of the longest-lived isotope where an element has no standard weight. Covalent
 * radii in Å: Cordero et al., Dalton Trans. 2832 (2008); beyond curium, where there are none, that
 * of curium. */
static const struct {
    const char *symbol;
    double mass;
    double radius;
} elements[ELEMENT_MAX + 1] = {
    {"", 0.0, 0.0},          {"H", 1.008, 0.31},
    {"He", 4.002602, 0.28},  {"Li", 6.94, 1.28},
    {"Be", 9.0121831, 0.96}, {"B", 10.81, 0.84},
    {"C", 12.011, 0.76},     {"N", 14.007, 0.71},
    {"O", 15.999, 0.66},     {"F", 18.998403163, 0.57},
    {"Ne", 20.1797, 0.58},   {"Na", 22.98976928, 1.66},
    {"Mg", 24.305, 1.41},    {"Al", 26.9815385, 1.21},
    {"Si", 28.085, 1.11},    {"P", 30.973761998, 1.07},
    {"S", 32.06, 1.05},      {"Cl", 35.45, 1.02},
    {"Ar", 39.948, 1.06},    {"K", 39.0983, 2.03},
    {"Ca", 40.078, 1.76},    {"Sc", 44.955908, 1.70},
    {"Ti", 47.867, 1.60},    {"V", 50.9415, 1.53},
    {"Cr", 51.9961, 1.39},   {"Mn", 54.938044, 1.39},
    {"Fe", 55.845, 1.32},    {"Co", 58.933194, 1.26},
    {"Ni", 58.6934, 1.24},   {"Cu", 63.546, 1.32},
    {"Zn", 65.38, 1.22},     {"Ga", 69.723, 1.22},
    {"Ge", 72.63, 1.20},     {"As", 74.921595, 1.19},
    {"Se", 78.971, 1.20},    {"Br", 79.904, 1.20},
    {"Kr", 83.798, 1.16},    {"Rb", 85.4678, 2.20},
    {"Sr", 87.62, 1.95},     {"Y", 88.90584, 1.90},
    {"Zr", 91.224, 1.75},    {"Nb", 92.90637, 1.64},
    {"Mo", 95.95, 1.54},     {"Tc", 97.90721, 1.47},
    {"Ru", 101.07, 1.46},    {"Rh", 102.9055, 1.42},
    {"Pd", 106.42, 1.39},    {"Ag", 107.8682, 1.45},
    {"Cd", 112.414, 1.44},   {"In", 114.818, 1.42},
    {"Sn", 118.71, 1.39},    {"Sb", 121.76, 1.39},
    {"Te", 127.6, 1.38},     {"I", 126.90447, 1.39},
    {"Xe", 131.293, 1.40},   {"Cs", 132.90545196, 2.44},
    {"Ba", 137.327, 2.15},   {"La", 138.90547, 2.07},
    {"Ce", 140.116, 2.04},   {"Pr", 140.90766, 2.03},
    {"Nd", 144.242, 2.01},   {"Pm", 144.91276, 1.99},
    {"Sm", 150.36, 1.98},    {"Eu", 151.964, 1.98},
    {"Gd", 157.25, 1.96},    {"Tb", 158.92535, 1.94},
    {"Dy", 162.5, 1.92},     {"Ho", 164.93033, 1.92},
    {"Er", 167.259, 1.89},   {"Tm", 168.93422, 1.90},
    {"Yb", 173.054, 1.87},   {"Lu", 174.9668, 1.87},
    {"Hf", 178.49, 1.75},    {"Ta", 180.94788, 1.70},
    {"W", 183.84, 1.62},     {"Re", 186.207, 1.51},
    {"Os", 190.23, 1.44},    {"Ir", 192.217, 1.41},
    {"Pt", 195.084, 1.36},   {"Au", 196.966569, 1.36},
    {"Hg", 200.592, 1.32},   {"Tl", 204.38, 1.45},
    {"Pb", 207.2, 1.46},     {"Bi", 208.9804, 1.48},
    {"Po", 208.98243, 1.40}, {"At", 209.98715, 1.50},
    {"Rn", 222.01758, 1.50}, {"Fr", 223.01974, 2.60},
    {"Ra", 226.02541, 2.21}, {"Ac", 227.02775, 2.15},
    {"Th", 232.0377, 2.06},  {"Pa", 231.03588, 2.00},
    {"U", 238.02891, 1.96},  {"Np", 237.04817, 1.90},
    {"Pu", 244.06421, 1.87}, {"Am", 243.06138, 1.80},
    {"Cm", 247.07035, 1.69}, {"Bk", 247.07031, 1.69},
    {"Cf", 251.07959, 1.69}, {"Es", 252.083, 1.69},
    {"Fm", 257.09511, 1.69},
};

const char *sch_element_symbol(int atomic_number) {
    return atomic_number >= 1 && atomic_number <= ELEMENT_MAX ? elements[atomic_number].symbol
                                                              : NULL;
}

double sch_element_mass(int atomic_number) {
    return atomic_number >= 1 && atomic_number <= ELEMENT_MAX ? elements[atomic_number].mass : 0.0;
}

double element_radius(int atomic_number) {
    return elements[atomic_number].radius;
}

int element_number(const char *symbol) {
    for (int z = 1; z <= ELEMENT_MAX; z++)
        if (strcmp(symbol, elements[z].symbol) == 0)
            return z;
    return 0;
}

int element_or_isotope(const char *symbol, double *mass) {
    /* Atomic masses of the isotopes: AME2020 (Chin. Phys. C 45, 030003, 2021). */
    static const struct {
        const char *symbol;
        double mass;
    } isotopes[] = {{"D", 2.014102}, {"T", 3.016049}};
    for (int k = 0; k < 2; k++)
        if (strcmp(symbol, isotopes[k].symbol) == 0) {
            *mass = isotopes[k].mass;
            return 1;
        }
    const int number = element_number(symbol);
    *mass = elements[number].mass;
    return number;
}
