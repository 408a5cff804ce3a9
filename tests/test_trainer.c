/* The trainer: it learns, it repeats itself, threads agree, and it refuses what it cannot learn. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "md/system.h"
#include "potential/model.h"
#include "support.h"
#include "train/trainer.h"

/** Frames with references from a model of other random weights: something that can be learned. */
enum { FRAMES = 8, ATOMS = 7 };

static sch_system *frames[FRAMES];

static int set_up(void **state) {
    (void)state;
    sch_model *teacher = support_random_model(8, 1, 6);
    sch_potential *potential = NULL;
    assert_ok(sch_potential_create(&potential, teacher, NULL));
    for (int k = 0; k < FRAMES; k++) {
        frames[k] = support_random_system(ATOMS, 3.5, 1.0, false);
        double *forces = calloc(3 * ATOMS, sizeof *forces);
        sch_properties properties = {.forces = forces};
        assert_ok(sch_evaluate(potential, frames[k], &properties));
        frames[k]->reference_forces = forces;
        frames[k]->reference_energy = properties.energy;
        frames[k]->has_reference_energy = true;
    }
    sch_potential_free(potential);
    sch_model_free(teacher);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    for (int k = 0; k < FRAMES; k++)
        sch_system_free(frames[k]);
    return 0;
}

static sch_model *student(void) {
    static const int elements[] = {1, 6, 7, 8};
    static const double energies[101] = {[1] = -0.5, [6] = -3.0, [7] = -3.5, [8] = -4.0};
    sch_model_plan plan = {.name = "student",
                           .level_of_theory = "teacher",
                           .hidden = 32,
                           .interactions = 2,
                           .rbf = 8,
                           .cutoff = 5.0,
                           .energy_scale = 1.0,
                           .atom_energies = energies,
                           .elements = elements,
                           .n_elements = 4};
    sch_model *model = NULL;
    assert_ok(sch_model_create(&model, &plan, support_gaussian, NULL));
    return model;
}

static sch_trainer *trainer_of(const sch_model *model, int threads) {
    sch_trainer *trainer = NULL;
    assert_ok(sch_trainer_create(&trainer, model, &(sch_trainer_options){.threads = threads}));
    for (int k = 0; k < FRAMES; k++)
        assert_ok(sch_trainer_add(trainer, frames[k]));
    return trainer;
}

static const size_t all[FRAMES] = {0, 1, 2, 3, 4, 5, 6, 7};

/** Train on all frames at once, with a rate that falls; the last loss. */
static double learn(sch_trainer *trainer, int steps) {
    double loss = 0.0;
    for (int step = 0; step < steps; step++)
        assert_ok(
            sch_trainer_step(trainer, FRAMES, all, 5e-3 * (1.0 - (double)step / steps), &loss));
    return loss;
}

static double force_error(const sch_model *model) {
    sch_potential *potential = NULL;
    double sum = 0.0;
    assert_ok(sch_potential_create(&potential, model, NULL));
    for (int k = 0; k < FRAMES; k++) {
        double forces[3 * ATOMS];
        assert_ok(sch_evaluate(potential, frames[k], &(sch_properties){.forces = forces}));
        for (int i = 0; i < 3 * ATOMS; i++)
            sum += fabs(forces[i] - frames[k]->reference_forces[i]);
    }
    sch_potential_free(potential);
    return sum / (3 * ATOMS * FRAMES);
}

/** Few frames are learned by heart: the averaged weights, too, and energies as well. */
static void learns_by_heart(void **state) {
    (void)state;
    sch_model *model = student(), *learned = NULL;
    sch_trainer *trainer = trainer_of(model, 1);
    double before = force_error(model);
    double loss = learn(trainer, 3000);
    assert_ok(sch_trainer_model(trainer, "by heart", NULL, &learned));
    double after = force_error(learned);
    assert_true(before > 0.05); /* eV/Å */
    assert_close(after, 0.0, 0.001);
    assert_close(loss, 0.0, 0.002);
    sch_model_info info;
    sch_model_describe(learned, &info);
    assert_string_equal(info.training, "by heart");
    sch_model_free(learned);
    sch_trainer_free(trainer);
    sch_model_free(model);
}

static void one_thread_repeats_itself(void **state) {
    (void)state;
    sch_model *model = student(), *a = NULL, *b = NULL;
    for (int round = 0; round < 2; round++) {
        sch_trainer *trainer = trainer_of(model, 1);
        learn(trainer, 20);
        assert_ok(sch_trainer_model(trainer, "", NULL, round ? &b : &a));
        sch_trainer_free(trainer);
    }
    assert_memory_equal(a->arena, b->arena, a->parameters * sizeof *a->arena);
    assert_memory_not_equal(a->arena, model->arena, a->parameters * sizeof *a->arena);
    sch_model_free(a);
    sch_model_free(b);
    sch_model_free(model);
}

/** Systems that differ in anything but their velocities have other checksums. */
static void checksums_of_systems(void **state) {
    (void)state;
    sch_system *system = frames[0], *copy = NULL;
    const uint64_t sum = sch_system_checksum(system);
    assert_ok(sch_system_copy(&copy, system));
    sch_system_velocities(copy)[1] = 1.0;
    assert_true(sch_system_checksum(copy) == sum);
    double *const numbers[] = {&copy->positions[3 * ATOMS - 1], &copy->masses[0],
                               &copy->reference_energy, &copy->reference_forces[4],
                               &copy->cell[2][2]};
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        const double before = *numbers[k];
        *numbers[k] = nextafter(before, INFINITY);
        assert_true(sch_system_checksum(copy) != sum);
        *numbers[k] = before;
    }
    assert_true(sch_system_checksum(copy) == sum);
    copy->species[2] = copy->species[2] == 1 ? 6 : 1;
    assert_true(sch_system_checksum(copy) != sum);
    sch_system_free(copy);
}

/** The gradient of all frames, of a model whose activations are about as large as `bias`. */
static void gradient_at(const sch_model *model, sch_precision precision, const char *device,
                        double *gradient) {
    const sch_trainer_options options = {.threads = 1, .precision = precision, .device = device};
    sch_trainer *trainer = NULL;
    double loss;
    assert_ok(sch_trainer_create(&trainer, model, &options));
    for (int k = 0; k < FRAMES; k++)
        assert_ok(sch_trainer_add(trainer, frames[k]));
    assert_ok(sch_trainer_gradient(trainer, FRAMES, all, &loss, gradient));
    sch_trainer_free(trainer);
}

/** Where activations are large, single precision keeps its digits with every instruction set:
 * SiLU's derivatives lose none. */
static void large_activations(void **state) {
    (void)state;
    static const float biases[] = {1e1f, 1e3f, 1e5f};
    const char *const *names;
    const size_t n = sch_device_list(&names);
    for (size_t b = 0; b < sizeof biases / sizeof *biases; b++) {
        sch_model *model = student();
        for (int t = 0; t < model->interactions; t++)
            for (int f = 0; f < model->hidden; f++)
                model->interaction[t].update[0].bias[f] = f % 3 ? biases[b] : -biases[b];
        const size_t parameters = model->parameters;
        double *exact = calloc(2 * parameters, sizeof *exact), *found = exact + parameters;
        assert_non_null(exact);
        for (size_t k = 0; k < n; k++) {
            if (strncmp(names[k], "cpu:", 4) != 0)
                continue;
            double square = 0.0, error = 0.0;
            gradient_at(model, SCH_DOUBLE, names[k], exact);
            gradient_at(model, SCH_SINGLE, names[k], found);
            for (size_t p = 0; p < parameters; p++) {
                square += exact[p] * exact[p];
                error += (found[p] - exact[p]) * (found[p] - exact[p]);
            }
            print_message("%s, bias %g: error of the gradient %.1e\n", names[k], (double)biases[b],
                          sqrt(error / square));
            assert_true(sqrt(error / square) < 1e-3);
        }
        free(exact);
        sch_model_free(model);
    }
}

/* ---------------------------------------------------------------- checkpoints */

#define CHECKPOINT support_path("run.checkpoint")

/** A run that is broken off and goes on in another trainer ends where an unbroken one does. */
static void goes_on_to_the_bit(void **state) {
    (void)state;
    sch_model *model = student(), *whole = NULL, *resumed = NULL;
    const double note[3] = {1.5, -2.5, 1e300};
    double read[3] = {0.0, 0.0, 0.0};
    sch_trainer *first = trainer_of(model, 1), *second = trainer_of(model, 1);
    learn(first, 15);
    assert_ok(sch_trainer_save(first, CHECKPOINT, note, sizeof note));
    learn(first, 15);
    assert_ok(sch_trainer_restore(second, CHECKPOINT, read, sizeof read));
    assert_memory_equal(read, note, sizeof note);
    learn(second, 15);
    assert_ok(sch_trainer_model(first, "", NULL, &whole));
    assert_ok(sch_trainer_model(second, "", NULL, &resumed));
    assert_memory_equal(whole->arena, resumed->arena, whole->parameters * sizeof *whole->arena);
    sch_model_free(whole);
    sch_model_free(resumed);
    sch_trainer_free(first);
    sch_trainer_free(second);
    sch_model_free(model);
}

/** A model with other energies of atoms is another, whose note can be read all the same. */
static void checkpoint_of_another_model(void **state) {
    (void)state;
    sch_model *model = student();
    sch_trainer *trainer = trainer_of(model, 1);
    double note = 1.25, read = 0.0;
    assert_ok(sch_trainer_save(trainer, CHECKPOINT, &note, sizeof note));
    trainer->model->atom_energy[6] *= 1.0 + 1e-12; /* the last digits of a fit */
    assert_ok(sch_trainer_restore(trainer, CHECKPOINT, &read, sizeof read));
    assert_close(read, note, 0.0);
    trainer->model->atom_energy[6] += 1e-6;
    read = 0.0;
    assert_fails(sch_trainer_restore(trainer, CHECKPOINT, &read, sizeof read), SCH_ERROR_FORMAT,
                 "energies of single atoms");
    assert_close(read, note, 0.0);
    sch_trainer_free(trainer);
    sch_model_free(model);
}

/** Cut the file to `keep` bytes, or change one. */
static void damage(long keep, long change) {
    FILE *file = fopen(CHECKPOINT, "r+b");
    assert_non_null(file);
    if (keep > 0)
        assert_int_equal(ftruncate(fileno(file), keep), 0);
    if (change > 0) {
        fseek(file, change, SEEK_SET);
        int byte = fgetc(file);
        fseek(file, change, SEEK_SET);
        fputc(byte ^ 0x20, file);
    }
    assert_int_equal(fclose(file), 0);
}

static void damaged_checkpoints(void **state) {
    (void)state;
    static const struct {
        long keep, change;
        const char *message;
    } cases[] = {
        {0, 3, "schnell-training"}, {0, 24, "kind of machine"}, {0, 40, "truncated or damaged"},
        {0, 60, "is damaged"},      {0, 5000, "is damaged"},    {200, 0, "truncated"},
        {1, 0, "truncated"}};
    sch_model *model = student(), *before = NULL, *after = NULL;
    sch_trainer *trainer = trainer_of(model, 1);
    learn(trainer, 3);
    assert_ok(sch_trainer_model(trainer, "", NULL, &before));
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        assert_ok(sch_trainer_save(trainer, CHECKPOINT, NULL, 0));
        damage(cases[k].keep, cases[k].change);
        assert_fails(sch_trainer_restore(trainer, CHECKPOINT, NULL, 0), SCH_ERROR_FORMAT,
                     cases[k].message);
    }
    double note;
    assert_ok(sch_trainer_save(trainer, CHECKPOINT, NULL, 0));
    assert_fails(sch_trainer_restore(trainer, CHECKPOINT, &note, sizeof note), SCH_ERROR_FORMAT,
                 "expected a note of 8 bytes");
    assert_fails(sch_trainer_restore(trainer, support_path("no such file"), NULL, 0), SCH_ERROR_IO,
                 "no such file");
    assert_fails(sch_trainer_save(trainer, support_path("no such folder/c"), NULL, 0), SCH_ERROR_IO,
                 "no such folder");
    assert_ok(sch_trainer_model(trainer, "", NULL, &after));
    assert_memory_equal(before->arena, after->arena, before->parameters * sizeof *before->arena);
    sch_model_free(before);
    sch_model_free(after);
    sch_trainer_free(trainer);
    sch_model_free(model);
}

/** The gradient that is given out is that of the loss that is given out. */
static void gradient_of_the_loss(void **state) {
    (void)state;
    sch_model *model = student();
    sch_trainer *trainer = trainer_of(model, 1);
    double *gradient = calloc(model->parameters, sizeof *gradient), loss, moved, square = 0.0;
    assert_ok(sch_trainer_gradient(trainer, FRAMES, all, &loss, gradient));
    sch_trainer_free(trainer);
    for (size_t p = 0; p < model->parameters; p++)
        square += gradient[p] * gradient[p];
    double step = 1e-4 * loss / square; /* the loss falls by 1e-4 of itself, to first order */
    for (size_t p = 0; p < model->parameters; p++)
        model->arena[p] -= (float)(step * gradient[p]);
    trainer = trainer_of(model, 1);
    assert_ok(sch_trainer_gradient(trainer, FRAMES, all, &moved, gradient));
    assert_close((loss - moved) / (1e-4 * loss), 1.0, 0.05);
    sch_trainer_free(trainer);
    free(gradient);
    sch_model_free(model);
}

static void threads_agree(void **state) {
    (void)state;
    sch_model *model = student();
    double losses[2][5];
    for (int round = 0; round < 2; round++) {
        sch_trainer *trainer = trainer_of(model, round ? 3 : 1);
        for (int step = 0; step < 5; step++)
            assert_ok(sch_trainer_step(trainer, FRAMES, all, 1e-3, &losses[round][step]));
        sch_trainer_free(trainer);
    }
    for (int step = 0; step < 5; step++) /* AMSGrad's first steps magnify rounding */
        assert_close(losses[1][step], losses[0][step], 1e-3 * losses[0][step]);
    sch_model_free(model);
}

static void refusals(void **state) {
    (void)state;
    sch_model *model = student();
    sch_trainer *trainer = NULL;
    assert_fails(sch_trainer_create(&trainer, model, &(sch_trainer_options){.average = 1.5}),
                 SCH_ERROR_ARGUMENT, "average: expected 0 to 1, found 1.5");
    assert_fails(sch_trainer_create(&trainer, model, &(sch_trainer_options){.threads = -1}),
                 SCH_ERROR_ARGUMENT, "threads");
    assert_null(trainer);
    trainer = trainer_of(model, 1);

    sch_system *bare = support_random_system(3, 3.0, 1.0, false);
    assert_fails(sch_trainer_add(trainer, bare), SCH_ERROR_ARGUMENT,
                 "expected a frame with forces");
    bare->reference_forces = calloc(9, sizeof(double));
    bare->species[1] = 26;
    assert_fails(sch_trainer_add(trainer, bare), SCH_ERROR_ELEMENT, "atom 2: element Fe");
    bare->species[1] = 6;
    bare->reference_forces[4] = NAN;
    assert_ok(sch_trainer_add(trainer, bare));

    double loss = -1.0;
    const size_t beyond = 99, poisoned = FRAMES;
    assert_fails(sch_trainer_step(trainer, 1, &beyond, 1e-3, &loss), SCH_ERROR_ARGUMENT,
                 "found 99");
    assert_fails(sch_trainer_step(trainer, 0, &beyond, 1e-3, &loss), SCH_ERROR_ARGUMENT,
                 "expected 1 at least");
    sch_model *before = NULL, *after = NULL;
    assert_ok(sch_trainer_model(trainer, "", NULL, &before));
    assert_fails(sch_trainer_step(trainer, 1, &poisoned, 1e-3, &loss), SCH_ERROR_UNSTABLE,
                 "expected a finite loss");
    assert_ok(sch_trainer_model(trainer, "", NULL, &after));
    assert_memory_equal(before->arena, after->arena, before->parameters * sizeof *before->arena);
    assert_close(loss, -1.0, 0.0);
    sch_model_free(before);
    sch_model_free(after);
    sch_system_free(bare);
    sch_trainer_free(trainer);
    sch_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learns_by_heart),
        cmocka_unit_test(large_activations),
        cmocka_unit_test(one_thread_repeats_itself),
        cmocka_unit_test(goes_on_to_the_bit),
        cmocka_unit_test(checksums_of_systems),
        cmocka_unit_test(checkpoint_of_another_model),
        cmocka_unit_test(damaged_checkpoints),
        cmocka_unit_test(gradient_of_the_loss),
        cmocka_unit_test(threads_agree),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
