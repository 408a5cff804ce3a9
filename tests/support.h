/* cmocka, wrapped once, and what several tests share. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
/* base/status.h has a macro of this name too. */
#undef fail
#undef fail_msg
#define fail_msg(...)              \
    do {                           \
        print_error(__VA_ARGS__);  \
        print_error("\n");         \
        _fail(__FILE__, __LINE__); \
    } while (0)

#include "base/status.h"

/** The call succeeds; otherwise the test fails with the library's message. */
#define assert_ok(call) support_assert_status((call), SCH_OK, #call, __FILE__, __LINE__)

/** The call fails with this status, and its one-line message holds this text. */
#define assert_fails(call, status, text)                                    \
    do {                                                                    \
        support_assert_status((call), (status), #call, __FILE__, __LINE__); \
        support_assert_message((text), __FILE__, __LINE__);                 \
    } while (0)

void support_assert_status(sch_status found, sch_status expected, const char *call,
                           const char *file, int line);
void support_assert_message(const char *text, const char *file, int line);

/** |a - b| at most the bound; prints all three otherwise. */
#define assert_close(a, b, bound) support_assert_close((a), (b), (bound), #a, __FILE__, __LINE__)
void support_assert_close(double a, double b, double bound, const char *what, const char *file,
                          int line);

/** A fresh temporary folder, removed with all in it when the test program ends. Borrowed. */
const char *support_folder(void);

/** The path of a file in that folder; borrowed until the fourth call after this one. */
const char *support_path(const char *name);

/** Write a text file in that folder, and give its path. */
const char *support_file(const char *name, const char *content);

/** The path of a file that ships with Schnell, "models/tiny.h5", wherever this program was moved to
 *  with its share/ beside it; borrowed until the fourth call after this one. */
const char *support_data(const char *name);

/** From here on the disk is full for a file beyond this many bytes; 0: no limit. */
void support_limit_file_size(size_t bytes);

/** Uniform in [low, high), from a generator that starts the same in every test program. */
double support_uniform(double low, double high);

/** Standard normal numbers, as sch_system_thermalize takes them; state is not used. */
double support_gaussian(void *state);

/** Random atoms in a cube of this edge (Å), none closer than `apart`; species drawn from H C N O.
 *  Periodic in a random triclinic cell of about that edge if periodic. */
sch_system *support_random_system(size_t n_atoms, double edge, double apart, bool periodic);

/** A model of random weights, scaled so that energies, forces and vectors are of order 1; knows
 *  H C N O. Cutoff 5 Å. */
sch_model *support_random_model(int hidden, int interactions, int rbf);

#endif
