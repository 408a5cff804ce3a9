/* Gradients by the weights, as training needs them, against differences of the oracle's loss. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "md/evaluate.h"
#include "md/neighbour_list.h"
#include "potential/backend.h"
#include "potential/cpu_variant.h"
#include "potential/model.h"
#include "support.h"

/** Random references that a loss can be measured from. */
struct problem {
    sch_model *model;
    sch_system *system;
    struct neighbour_list *list;
    struct neighbours nb;
    double energy, *forces; /* eV, [n][3] eV/Å */
    double energy_weight;
};

/** Energy and forces from the oracle, with the model's weights as they are. */
static double oracle(const struct problem *p, double *forces) {
    void *state = NULL;
    size_t n = p->nb.n_atoms;
    double *energies = calloc(n, sizeof *energies), total = 0.0;
    const struct atom_results results = {energies, (double(*)[3])forces, NULL};
    assert_ok(backend_reference.create(&state, p->model, &(sch_potential_options){0}));
    assert_ok(backend_reference.evaluate(state, 1, &p->nb, &results));
    backend_reference.destroy(state);
    for (size_t i = 0; i < n; i++)
        total += energies[i];
    free(energies);
    return total;
}

/** sum |F - F_ref|^2 + energy_weight (E - E_ref)^2; its derivatives, if wanted. */
static double loss_of(const struct problem *p, double *tangent, double *energy_weights) {
    size_t n = p->nb.n_atoms;
    double *forces = calloc(3 * n, sizeof *forces), loss = 0.0;
    double energy = oracle(p, forces) - p->energy;
    for (size_t k = 0; k < 3 * n; k++) {
        double error = forces[k] - p->forces[k];
        loss += error * error;
        if (tangent)
            tangent[k] = -2.0 * error;
    }
    for (size_t i = 0; energy_weights && i < n; i++)
        energy_weights[i] = 2.0 * p->energy_weight * energy;
    free(forces);
    return loss + p->energy_weight * energy * energy;
}

static struct problem make_problem(int hidden, int interactions, int rbf, bool periodic) {
    struct problem p = {.energy_weight = 0.3};
    p.model = support_random_model(hidden, interactions, rbf);
    p.system = support_random_system(periodic ? 7 : 14, 5.0, 1.0, periodic);
    assert_ok(neighbour_list_create(&p.list, p.model->cutoff, 0.5));
    assert_ok(neighbour_list_update(p.list, p.system, &p.nb));
    p.forces = calloc(3 * p.nb.n_atoms, sizeof *p.forces);
    p.energy = oracle(&p, p.forces) + 0.7;
    for (size_t k = 0; k < 3 * p.nb.n_atoms; k++)
        p.forces[k] += support_gaussian(NULL);
    return p;
}

static void free_problem(struct problem *p) {
    free(p->forces);
    neighbour_list_free(p->list);
    sch_system_free(p->system);
    sch_model_free(p->model);
}

/** The gradient from a variant of the kernels, [parameters]; freed by the caller. */
static double *gradient_of(const struct problem *p, const struct cpu_variant *variant,
                           size_t intervals) {
    size_t n = p->nb.n_atoms;
    double *gradient = calloc(p->model->parameters, sizeof *gradient);
    double *tangent = calloc(3 * n, sizeof *tangent), *weights = calloc(n, sizeof *weights);
    void *network = NULL;
    loss_of(p, tangent, weights);
    assert_ok(variant->create(&network, p->model, 1, 0));
    assert_ok(variant->prepare_training(network, intervals));
    for (int twice = 0; twice < 2; twice++) { /* nothing may be left over from before */
        variant->renew(&network, 1);
        assert_ok(variant->differentiate(network, &p->nb, (const double(*)[3])tangent, weights));
        variant->sum_gradients(&network, 1, gradient);
    }
    variant->destroy(network);
    free(tangent);
    free(weights);
    return gradient;
}

/** Differences of the oracle's loss by a weight, extrapolated from two steps. The weight is a
 * float: a step is what it really moved. */
static double difference(const struct problem *p, float *weight) {
    float at = *weight;
    double slope[2];
    for (int k = 0; k < 2; k++) {
        float step = k ? 1e-3f : 2e-3f;
        *weight = at + step;
        double above = (double)*weight, loss_above = loss_of(p, NULL, NULL);
        *weight = at - step;
        double below = (double)*weight, loss_below = loss_of(p, NULL, NULL);
        slope[k] = (loss_above - loss_below) / (above - below);
    }
    *weight = at;
    return (4.0 * slope[1] - slope[0]) / 3.0;
}

static void check_gradient(int hidden, int interactions, int rbf, bool periodic) {
    struct problem p = make_problem(hidden, interactions, rbf, periodic);
    const struct cpu_variant *variants[3];
    size_t n_variants = cpu_variants(SCH_DOUBLE, variants);
    for (size_t v = 0; v < n_variants; v++) {
        double *gradient = gradient_of(&p, variants[v], 4096);
        for (size_t t = 0; t < p.model->n_tensors; t++) {
            struct tensor *tensor = &p.model->tensors[t];
            size_t count = tensor->shape[0] * tensor->shape[1];
            double largest = 0.0, worst = 0.0;
            double *found = gradient + (tensor->data - p.model->arena);
            for (size_t k = 0; k < count; k++)
                largest = fmax(largest, fabs(found[k]));
            for (int trial = 0; trial < 6; trial++) {
                size_t k = (size_t)support_uniform(0, (double)count);
                if (t == 0) /* of the embedding, only four rows are in use */
                    k = (size_t)hidden * (trial % 4 ? 5 + trial % 4 : 1) + k % (size_t)hidden;
                worst = fmax(worst, fabs(found[k] - difference(&p, tensor->data + k)));
            }
            if (!(worst <= 1e-6 * largest))
                fail_msg("%s, %s: off by %.3g of %.3g", variants[v]->instruction_set, tensor->name,
                         worst, largest);
        }
        free(gradient);
    }
    free_problem(&p);
}

static void every_tensor(void **state) {
    (void)state;
    check_gradient(16, 2, 6, false);
    check_gradient(12, 3, 5, true);
    check_gradient(8, 1, 4, false);
}

/** Single precision is what trains: its gradient points where the precise one does. */
static void single_precision(void **state) {
    (void)state;
    struct problem p = make_problem(32, 2, 10, false);
    const struct cpu_variant *singles[3], *doubles[3];
    size_t n = cpu_variants(SCH_SINGLE, singles);
    cpu_variants(SCH_DOUBLE, doubles);
    double *exact = gradient_of(&p, doubles[0], 256);
    for (size_t v = 0; v < n; v++) {
        double *found = gradient_of(&p, singles[v], 256), error = 0.0, size = 0.0;
        for (size_t k = 0; k < p.model->parameters; k++) {
            error += (found[k] - exact[k]) * (found[k] - exact[k]);
            size += exact[k] * exact[k];
        }
        assert_true(size > 0.0);
        assert_close(sqrt(error / size), 0.0, 1e-4);
        free(found);
    }
    free(exact);
    free_problem(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tensor),
        cmocka_unit_test(single_precision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
