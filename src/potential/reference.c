/*
 * The oracle: the architecture "schnet-v" in double precision, with filters straight from their
 * networks (filter_evaluate), and loops that read like the definition. Everything fast is tested
 * against it.
 *
 *   h_i = embedding[Z_i]            v_i = 0 (3 x F)
 *   per interaction:
 *     W(r) = fc(r) MLP_filter(rbf(r)) -> W_s, W_v, W_d
 *     q_i  = h_i + sum_j h_j W_s(r_ij)
 *     b_i  = sum_j v_j W_v(r_ij)
 *     c_i  = sum_j (h_j W_d(r_ij)) r̂_ij
 *     p_k  = M[k,0] v_i + M[k,1] b_i + M[k,2] c_i      k = 0, 1, 2
 *     a = V p_0     u = U p_1     n = sqrt(|a|^2 + eps) - sqrt(eps)
 *     y = A q + n + b0     z = SiLU(y)     g = G z + bG
 *     h_i = q + B z + bB + <u, a>
 *     v_i = (1 + bU) p_2 + g u
 *   E_i = energy_scale readout(h_i) + atom_energy[Z_i]
 *
 * The gradient runs the same steps backwards; dX stands for dE/dX.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "potential/backend.h"
#include "potential/filter_table.h"
#include "potential/schnet_v.h"

/** What the forward pass of one interaction leaves for the backward pass. */
struct layer {
    double *h;      /* [n][F] before the interaction */
    double *v;      /* [n][3][F] before the interaction */
    double *filter; /* [edges][3][F] W_s, W_v, W_d */
    double *slope;  /* [edges][3][F] dW/dr */
    double *a, *u;  /* [n][3][F] */
    double *y, *g;  /* [n][F] */
};

struct reference {
    const sch_model *model;
};

static sch_status create(void **state, const sch_model *model,
                         const sch_potential_options *options) {
    (void)options;
    struct reference *reference = NULL;
    SCH_TRY(memory_new(&reference, 1, sizeof *reference));
    reference->model = model;
    *state = reference;
    return SCH_OK;
}

static const char *describe(const void *state) {
    (void)state;
    return "reference, double precision, exact filters, 1 thread";
}

/* ---------------------------------------------------------------- dense layers */

/** y += W x, W the block [out][in] of a matrix whose rows are `stride` long. */
static void multiply(double *y, const float *W, size_t out, size_t in, size_t stride,
                     const double *x) {
    for (size_t o = 0; o < out; o++)
        for (size_t i = 0; i < in; i++)
            y[o] += (double)W[o * stride + i] * x[i];
}

/** x += W^T y */
static void multiply_transposed(double *x, const float *W, size_t out, size_t in, size_t stride,
                                const double *y) {
    for (size_t o = 0; o < out; o++)
        for (size_t i = 0; i < in; i++)
            x[i] += (double)W[o * stride + i] * y[o];
}

static void set(double *y, const float *bias, size_t n) {
    for (size_t i = 0; i < n; i++)
        y[i] = bias ? (double)bias[i] : 0.0;
}

/* ---------------------------------------------------------------- one interaction, forward */

/** q [F], b [3][F], c [3][F] of atom i. */
static void gather_messages(size_t F, const struct neighbours *nb, const struct layer *layer,
                            size_t i, double *q, double *b, double *c) {
    memcpy(q, layer->h + i * F, F * sizeof *q);
    memset(b, 0, 3 * F * sizeof *b);
    memset(c, 0, 3 * F * sizeof *c);
    for (size_t e = nb->first[i]; e < nb->first[i + 1]; e++) {
        const double *h = layer->h + (size_t)nb->neighbour[e] * F;
        const double *v = layer->v + (size_t)nb->neighbour[e] * 3 * F;
        const double *Ws = layer->filter + e * 3 * F, *Wv = Ws + F, *Wd = Wv + F;
        for (size_t f = 0; f < F; f++)
            q[f] += h[f] * Ws[f];
        for (size_t x = 0; x < 3; x++)
            for (size_t f = 0; f < F; f++) {
                b[x * F + f] += v[x * F + f] * Wv[f];
                c[x * F + f] += h[f] * Wd[f] * nb->vector[e][x] / nb->distance[e];
            }
    }
}

/** The scratch of one atom. */
struct atom {
    double *q, *b, *c;   /* messages: [F], [3][F], [3][F] */
    double *p[3];        /* [3][F] each */
    double *z, *dz, *dy; /* [F] */
    double *dg;          /* [F] */
    double *da, *du;     /* [3][F] */
    double *dp[3];       /* [3][F] each */
};

static void mix(size_t F, const float *M, const double *v, const double *b, const double *c,
                double *const p[3]) {
    for (size_t k = 0; k < 3; k++)
        for (size_t f = 0; f < 3 * F; f++)
            p[k][f] =
                (double)M[3 * k] * v[f] + (double)M[3 * k + 1] * b[f] + (double)M[3 * k + 2] * c[f];
}

/** Channel by channel, <a, b> over x, y, z. */
static double dot3(const double *a, const double *b, size_t F, size_t f) {
    return a[f] * b[f] + a[F + f] * b[F + f] + a[2 * F + f] * b[2 * F + f];
}

static double smooth_norm(const double *a, size_t F, size_t f) {
    return sqrt(dot3(a, a, F, f) + SCHNET_V_NORM_EPSILON);
}

static void update(size_t F, const struct interaction *weights, struct layer *layer, size_t i,
                   const struct atom *s, double *h, double *v) {
    const float *A = weights->update[0].weight, *V = A + F;
    const float *B = weights->update[1].weight, *G = B + F * F, *U = G + F * F;
    const float *bB = weights->update[1].bias, *bG = bB + F, *bU = bG + F;
    double *a = layer->a + i * 3 * F, *u = layer->u + i * 3 * F;
    double *y = layer->y + i * F, *g = layer->g + i * F;

    mix(F, weights->mixing, layer->v + i * 3 * F, s->b, s->c, s->p);
    set(a, NULL, 3 * F);
    set(u, NULL, 3 * F);
    for (size_t x = 0; x < 3; x++) {
        multiply(a + x * F, V, F, F, 2 * F, s->p[0] + x * F);
        multiply(u + x * F, U, F, F, F, s->p[1] + x * F);
    }
    set(y, weights->update[0].bias, F);
    multiply(y, A, F, F, 2 * F, s->q);
    for (size_t f = 0; f < F; f++) {
        double unused;
        y[f] += smooth_norm(a, F, f) - sqrt(SCHNET_V_NORM_EPSILON);
        s->z[f] = silu(y[f], &unused);
    }
    set(g, bG, F);
    multiply(g, G, F, F, F, s->z);
    set(h, bB, F);
    multiply(h, B, F, F, F, s->z);
    for (size_t f = 0; f < F; f++)
        h[f] += s->q[f] + dot3(u, a, F, f);
    for (size_t x = 0; x < 3; x++)
        for (size_t f = 0; f < F; f++)
            v[x * F + f] = (1.0 + (double)bU[f]) * s->p[2][x * F + f] + g[f] * u[x * F + f];
}

/* ---------------------------------------------------------------- one interaction, backward */

/** From dh [F] and dv [3][F] after the interaction to dq (in dh), dv (in dv), db, dc [3][F]. */
static void update_backward(size_t F, const struct interaction *weights, const struct layer *layer,
                            size_t i, const struct atom *s, double *dh, double *dv, double *db,
                            double *dc) {
    const float *A = weights->update[0].weight, *V = A + F, *M = weights->mixing;
    const float *B = weights->update[1].weight, *G = B + F * F, *U = G + F * F;
    const float *bU = weights->update[1].bias + 2 * F;
    const double *a = layer->a + i * 3 * F, *u = layer->u + i * 3 * F;
    const double *y = layer->y + i * F, *g = layer->g + i * F;

    for (size_t f = 0; f < F; f++)
        s->dg[f] = dot3(dv, u, F, f);
    set(s->dz, NULL, F);
    multiply_transposed(s->dz, B, F, F, F, dh);
    multiply_transposed(s->dz, G, F, F, F, s->dg);
    for (size_t f = 0; f < F; f++) {
        double slope;
        silu(y[f], &slope);
        s->dy[f] = s->dz[f] * slope;
    }
    for (size_t x = 0; x < 3; x++)
        for (size_t f = 0, xf = x * F; f < F; f++, xf++) {
            s->da[xf] = dh[f] * u[xf] + s->dy[f] * a[xf] / smooth_norm(a, F, f);
            s->du[xf] = dh[f] * a[xf] + dv[xf] * g[f];
            s->dp[2][xf] = dv[xf] * (1.0 + (double)bU[f]);
        }
    multiply_transposed(dh, A, F, F, 2 * F, s->dy); /* q is h plus a message: dq = dh + A^T dy */
    set(s->dp[0], NULL, 3 * F);
    set(s->dp[1], NULL, 3 * F);
    for (size_t x = 0; x < 3; x++) {
        multiply_transposed(s->dp[0] + x * F, V, F, F, 2 * F, s->da + x * F);
        multiply_transposed(s->dp[1] + x * F, U, F, F, F, s->du + x * F);
    }
    for (size_t f = 0; f < 3 * F; f++) {
        double d0 = s->dp[0][f], d1 = s->dp[1][f], d2 = s->dp[2][f];
        dv[f] = (double)M[0] * d0 + (double)M[3] * d1 + (double)M[6] * d2;
        db[f] = (double)M[1] * d0 + (double)M[4] * d1 + (double)M[7] * d2;
        dc[f] = (double)M[2] * d0 + (double)M[5] * d1 + (double)M[8] * d2;
    }
}

/** The message along edge e, backwards: to the sender j (dh_j, dv_j), and to the edge's vector. */
static void message_backward(size_t F, const struct neighbours *nb, const struct layer *layer,
                             size_t e, const double *dq, const double *db, const double *dc,
                             double *dh_j, double *dv_j, double gradient[3]) {
    const double *h = layer->h + (size_t)nb->neighbour[e] * F;
    const double *v = layer->v + (size_t)nb->neighbour[e] * 3 * F;
    const double *Ws = layer->filter + e * 3 * F, *Wv = Ws + F, *Wd = Wv + F;
    const double *Ts = layer->slope + e * 3 * F, *Tv = Ts + F, *Td = Tv + F;
    double r = nb->distance[e], unit[3], d_r = 0.0, d_unit[3] = {0.0, 0.0, 0.0};
    for (size_t x = 0; x < 3; x++)
        unit[x] = nb->vector[e][x] / r;

    for (size_t f = 0; f < F; f++) {
        dh_j[f] += dq[f] * Ws[f];
        d_r += dq[f] * h[f] * Ts[f];
        for (size_t x = 0; x < 3; x++) {
            size_t xf = x * F + f;
            dv_j[xf] += db[xf] * Wv[f];
            dh_j[f] += dc[xf] * Wd[f] * unit[x];
            d_r += db[xf] * v[xf] * Tv[f] + dc[xf] * h[f] * Td[f] * unit[x];
            d_unit[x] += dc[xf] * h[f] * Wd[f];
        }
    }
    double along = d_unit[0] * unit[0] + d_unit[1] * unit[1] + d_unit[2] * unit[2];
    for (size_t x = 0; x < 3; x++)
        gradient[x] += d_r * unit[x] + (d_unit[x] - along * unit[x]) / r;
}

/* ---------------------------------------------------------------- readout */

/** Energy of an atom from its h [F]; dh is set to its gradient. */
static double readout(const sch_model *model, const double *h, double *dh) {
    const struct linear *net = model->readout;
    size_t F = model->hidden, F2 = F / 2, F4 = F / 4;
    double x[MODEL_MAX_HIDDEN / 2], x_slope[MODEL_MAX_HIDDEN / 2], dx[MODEL_MAX_HIDDEN / 2];
    double y[MODEL_MAX_HIDDEN / 4], y_slope[MODEL_MAX_HIDDEN / 4];
    double energy;

    set(x, net[0].bias, F2);
    multiply(x, net[0].weight, F2, F, F, h);
    for (size_t f = 0; f < F2; f++)
        x[f] = silu(x[f], &x_slope[f]);
    set(y, net[1].bias, F4);
    multiply(y, net[1].weight, F4, F2, F2, x);
    for (size_t f = 0; f < F4; f++)
        y[f] = silu(y[f], &y_slope[f]);
    set(&energy, net[2].bias, 1);
    multiply(&energy, net[2].weight, 1, F4, F4, y);

    for (size_t f = 0; f < F4; f++)
        y_slope[f] *= model->energy_scale * (double)net[2].weight[f];
    set(dx, NULL, F2);
    multiply_transposed(dx, net[1].weight, F4, F2, F2, y_slope);
    for (size_t f = 0; f < F2; f++)
        dx[f] *= x_slope[f];
    set(dh, NULL, F);
    multiply_transposed(dh, net[0].weight, F2, F, F, dx);
    return model->energy_scale * energy;
}

/* ---------------------------------------------------------------- the whole network */

struct workspace {
    double *arena;
    struct layer layer[MODEL_MAX_INTERACTIONS];
    double *h, *v;         /* [n][F], [n][3][F] after the last interaction */
    double *dh, *dv;       /* the same shapes: the adjoints of the present layer */
    double *db, *dc;       /* [n][3][F] */
    double *dh_in, *dv_in; /* adjoints of the layer before */
    double *gradients;     /* [n_edges][3] by the edges' vectors */
    struct atom atom;
};

static double *take(double **next, size_t count) {
    double *block = *next;
    *next += count;
    return block;
}

static void divide(struct workspace *w, size_t n, size_t edges, size_t F, int interactions,
                   double *next) {
    for (int t = 0; t < interactions; t++) {
        struct layer *layer = &w->layer[t];
        layer->h = take(&next, n * F), layer->v = take(&next, n * 3 * F);
        layer->filter = take(&next, edges * 3 * F), layer->slope = take(&next, edges * 3 * F);
        layer->a = take(&next, n * 3 * F), layer->u = take(&next, n * 3 * F);
        layer->y = take(&next, n * F), layer->g = take(&next, n * F);
    }
    w->gradients = take(&next, edges * 3);
    w->h = take(&next, n * F), w->v = take(&next, n * 3 * F);
    w->dh = take(&next, n * F), w->dv = take(&next, n * 3 * F);
    w->db = take(&next, n * 3 * F), w->dc = take(&next, n * 3 * F);
    w->dh_in = take(&next, n * F), w->dv_in = take(&next, n * 3 * F);
    struct atom *s = &w->atom;
    s->q = take(&next, F), s->b = take(&next, 3 * F), s->c = take(&next, 3 * F);
    s->z = take(&next, F), s->dz = take(&next, F), s->dy = take(&next, F), s->dg = take(&next, F);
    s->da = take(&next, 3 * F), s->du = take(&next, 3 * F);
    for (int k = 0; k < 3; k++)
        s->p[k] = take(&next, 3 * F), s->dp[k] = take(&next, 3 * F);
}

static sch_status make_workspace(struct workspace *w, size_t n, size_t edges, size_t F,
                                 int interactions) {
    size_t layer = n * 12 * F + edges * 6 * F, outside = n * 22 * F + 34 * F + edges * 3;
    SCH_TRY(memory_new(&w->arena, (size_t)interactions * layer + outside, sizeof *w->arena));
    divide(w, n, edges, F, interactions, w->arena);
    return SCH_OK;
}

static void forward(const sch_model *model, const struct neighbours *nb, struct workspace *w) {
    size_t F = model->hidden;
    int T = model->interactions;
    for (size_t i = 0; i < nb->n_atoms; i++)
        set(w->layer[0].h + i * F, model->embedding + (size_t)nb->species[i] * F, F);
    for (int t = 0; t < T; t++) {
        struct layer *layer = &w->layer[t];
        double *h = t + 1 < T ? w->layer[t + 1].h : w->h;
        double *v = t + 1 < T ? w->layer[t + 1].v : w->v;
        for (size_t e = 0; e < nb->n_edges; e++)
            filter_evaluate(model, t, nb->distance[e], layer->filter + e * 3 * F,
                            layer->slope + e * 3 * F);
        for (size_t i = 0; i < nb->n_atoms; i++) {
            gather_messages(F, nb, layer, i, w->atom.q, w->atom.b, w->atom.c);
            update(F, &model->interaction[t], layer, i, &w->atom, h + i * F, v + i * 3 * F);
        }
    }
}

static void backward(const sch_model *model, const struct neighbours *nb, struct workspace *w) {
    size_t n = nb->n_atoms, F = model->hidden;
    for (int t = model->interactions - 1; t >= 0; t--) {
        for (size_t i = 0; i < n; i++)
            update_backward(F, &model->interaction[t], &w->layer[t], i, &w->atom, w->dh + i * F,
                            w->dv + i * 3 * F, w->db + i * 3 * F, w->dc + i * 3 * F);
        memcpy(w->dh_in, w->dh, n * F * sizeof *w->dh);
        memcpy(w->dv_in, w->dv, n * 3 * F * sizeof *w->dv);
        for (size_t i = 0; i < n; i++)
            for (size_t e = nb->first[i]; e < nb->first[i + 1]; e++) {
                size_t j = nb->neighbour[e];
                message_backward(F, nb, &w->layer[t], e, w->dh + i * F, w->db + i * 3 * F,
                                 w->dc + i * 3 * F, w->dh_in + j * F, w->dv_in + j * 3 * F,
                                 w->gradients + 3 * e);
            }
        memcpy(w->dh, w->dh_in, n * F * sizeof *w->dh);
        memcpy(w->dv, w->dv_in, n * 3 * F * sizeof *w->dv);
    }
}

/** Forces and virials of the atoms from the gradients by the edges' vectors. The energy depends on
 *  positions through vector = x_j - x_i, so that F_i = sum of g(i -> j) - g(j -> i). */
static void sum_edges(const struct neighbours *nb, const double *g,
                      const struct atom_results *results) {
    for (size_t i = 0; i < nb->n_atoms; i++) {
        double *force = results->forces[i], *virial = results->virials ? results->virials[i] : NULL;
        memset(force, 0, 3 * sizeof *force);
        if (virial)
            memset(virial, 0, 9 * sizeof *virial);
        for (size_t e = nb->first[i]; e < nb->first[i + 1]; e++) {
            for (int x = 0; x < 3; x++)
                force[x] += g[3 * e + x] - g[3 * nb->opposite[e] + x];
            for (int k = 0; virial && k < 9; k++)
                virial[k] -= nb->vector[e][k / 3] * g[3 * e + k % 3];
        }
    }
}

static sch_status evaluate_one(const sch_model *model, const struct neighbours *nb,
                               const struct atom_results *results) {
    struct workspace w;
    SCH_TRY(make_workspace(&w, nb->n_atoms, nb->n_edges, model->hidden, model->interactions));
    forward(model, nb, &w);
    for (size_t i = 0; i < nb->n_atoms; i++)
        results->energies[i] = readout(model, w.h + i * model->hidden, w.dh + i * model->hidden) +
                               model->atom_energy[nb->species[i]];
    memset(w.dv, 0, nb->n_atoms * 3 * (size_t)model->hidden * sizeof *w.dv);
    memset(w.gradients, 0, nb->n_edges * 3 * sizeof *w.gradients);
    backward(model, nb, &w);
    sum_edges(nb, w.gradients, results);
    free(w.arena);
    return SCH_OK;
}

static sch_status evaluate(void *state, size_t n_systems, const struct neighbours systems[],
                           const struct atom_results *results) {
    struct atom_results rest = *results;
    for (size_t s = 0; s < n_systems; s++) {
        SCH_TRY(evaluate_one(((struct reference *)state)->model, &systems[s], &rest));
        results_advance(&rest, systems[s].n_atoms);
    }
    return SCH_OK;
}

/** It keeps none. */
static size_t memory(const void *state) {
    (void)state;
    return 0;
}

const struct backend backend_reference = {
    .create = create,
    .destroy = free,
    .evaluate = evaluate,
    .memory = memory,
    .describe = describe,
};
