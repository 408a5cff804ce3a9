/* Physical constants, CODATA 2018 (exact since the SI of 2019, but for the dalton), and the
 * conversions that follow from the units of schnell.h: Å, eV, fs, amu, K. Nothing else. */
#ifndef SCH_BASE_UNITS_H
#define SCH_BASE_UNITS_H

#define ELEMENTARY_CHARGE      1.602176634e-19   /* C, exact */
#define BOLTZMANN_SI           1.380649e-23      /* J/K, exact */
#define AVOGADRO               6.02214076e23     /* 1/mol, exact */
#define DALTON                 1.66053906660e-27 /* kg */
#define THERMOCHEMICAL_CALORIE 4.184             /* J, by definition */

/** Boltzmann's constant, eV/K. */
#define BOLTZMANN (BOLTZMANN_SI / ELEMENTARY_CHARGE)

/** 1 amu (Å/fs)^2 in eV: kinetic energy is 0.5 m v^2 times this. 1 Å/fs = 1e5 m/s. */
#define AMU_A2_PER_FS2 (DALTON * 1.0e10 / ELEMENTARY_CHARGE)

/** 1 eV/Å / amu in Å/fs^2: the acceleration is F/m times this. */
#define EV_PER_A_PER_AMU (1.0 / AMU_A2_PER_FS2)

/** 1 kcal/mol in eV. */
#define KCAL_PER_MOL (1000.0 * THERMOCHEMICAL_CALORIE / AVOGADRO / ELEMENTARY_CHARGE)

#endif
