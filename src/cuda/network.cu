#include "cuda/network.h"

#include <stdlib.h>

namespace SCHNELL_CUDA_NAMESPACE {

namespace {

/** Where the next tensor goes, on the host and on the device. */
struct packer {
    float *host;         /* NULL: only count */
    const float *device; /* where host[0] will be */
    size_t used;
};

float *take(struct packer *packer, size_t count, const float **on_device) {
    float *place = packer->host ? packer->host + packer->used : NULL;
    *on_device = packer->device ? packer->device + packer->used : NULL;
    packer->used += (count + 31) / 32 * 32; /* whole cache lines */
    return place;
}

/** An element of a block of a matrix; 0 outside. */
struct block {
    const float *first;
    size_t rows, columns, stride;
    bool transposed;
};

float element(const struct block *block, size_t row, size_t column) {
    if (block->transposed) {
        size_t other = row;
        row = column;
        column = other;
    }
    return row < block->rows && column < block->columns ? block->first[row * block->stride + column]
                                                        : 0.0f;
}

/** See PANEL. rows a multiple of 8, columns of 16. */
void pack(float *to, size_t rows, size_t columns, const struct block *block) {
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < columns; column++)
            to[row / 8 * PANEL(columns) + column / 16 * 128 + row % 8 * 16 + column % 16] =
                element(block, row, column);
}

void pad(float *to, size_t n_to, const float *from, size_t n_from) {
    for (size_t k = 0; k < n_to; k++)
        to[k] = k < n_from ? from[k] : 0.0f;
}

/* ---------------------------------------------------------------- the interactions */

void pack_matrices(float *to, size_t F, size_t hidden, const struct interaction *weights) {
    const float *A = weights->update[0].weight, *B = weights->update[1].weight;
    const struct block blocks[] = {{A, hidden, hidden, 2 * hidden, false},
                                   {A + hidden, hidden, hidden, 2 * hidden, false},
                                   {B + 2 * hidden * hidden, hidden, hidden, hidden, false},
                                   {B, hidden, hidden, hidden, false},
                                   {B + hidden * hidden, hidden, hidden, hidden, false}};
    for (size_t m = 0; m < MATRIX_A_BACK; m++) {
        struct block back = blocks[m];
        back.transposed = true;
        pack(to + m * F * F, F, F, &blocks[m]);
        pack(to + (MATRIX_A_BACK + m) * F * F, F, F, &back);
    }
}

void pack_biases(float *to, size_t F, size_t hidden, const struct interaction *weights) {
    pad(to + BIAS_UPDATE * F, F, weights->update[0].bias, hidden);
    pad(to + BIAS_B * F, F, weights->update[1].bias, hidden);
    pad(to + BIAS_G * F, F, weights->update[1].bias + hidden, hidden);
    pad(to + BIAS_U * F, F, weights->update[1].bias + 2 * hidden, hidden);
}

void pack_interactions(struct network *network, struct packer *packer, const sch_model *model) {
    const size_t F = network->hidden, T = network->interactions, hidden = model->hidden;
    float *matrices = take(packer, T * MATRICES * F * F, &network->matrices);
    float *biases = take(packer, T * BIASES * F, &network->biases);
    float *mixing = take(packer, T * 9, &network->mixing);
    for (size_t t = 0; matrices && t < T; t++) {
        pack_matrices(matrices + t * MATRICES * F * F, F, hidden, &model->interaction[t]);
        pack_biases(biases + t * BIASES * F, F, hidden, &model->interaction[t]);
        pad(mixing + t * 9, 9, model->interaction[t].mixing, 9);
    }
}

/* ---------------------------------------------------------------- embedding, readout */

void pack_embedding(struct network *network, struct packer *packer, const sch_model *model) {
    const size_t F = network->hidden, hidden = model->hidden;
    float *embedding = take(packer, MODEL_SPECIES * F, &network->embedding);
    for (size_t s = 0; embedding && s < MODEL_SPECIES; s++)
        pad(embedding + s * F, F, model->embedding + s * hidden, hidden);
}

void pack_readout(struct network *network, struct packer *packer, const sch_model *model) {
    const size_t F = network->hidden, hidden = model->hidden;
    const size_t widths[3] = {F, (size_t)READOUT_1(F), (size_t)READOUT_2(F)};
    const size_t own[3] = {hidden, hidden / 2, hidden / 4};
    for (int k = 0; k < 2; k++) {
        const struct linear *layer = &model->readout[k];
        struct block block = {layer->weight, own[k + 1], own[k], own[k], false};
        struct block back = block;
        back.transposed = true;
        float *weight = take(packer, widths[k + 1] * widths[k], &network->readout[k]);
        float *turned = take(packer, widths[k] * widths[k + 1], &network->back[k]);
        float *bias = take(packer, widths[k + 1], &network->bias[k]);
        if (!packer->host)
            continue;
        pack(weight, widths[k + 1], widths[k], &block);
        pack(turned, widths[k], widths[k + 1], &back);
        pad(bias, widths[k + 1], layer->bias, own[k + 1]);
    }
    float *last = take(packer, widths[2], &network->last);
    if (last)
        pad(last, widths[2], model->readout[2].weight, own[2]);
}

size_t pack_weights(struct network *network, float *host, const float *device,
                    const sch_model *model) {
    struct packer packer = {host, device, 0};
    pack_interactions(network, &packer, model);
    pack_embedding(network, &packer, model);
    pack_readout(network, &packer, model);
    return packer.used;
}

sch_status load_weights(struct loaded_network *network, struct device *device,
                        const sch_model *model) {
    const size_t count = pack_weights(&network->on_device, NULL, NULL, model);
    float *host = NULL;
    SCH_TRY(buffer_reserve(device, &network->weights, "weights", count, sizeof *host));
    SCH_TRY(memory_new(&host, count, sizeof *host));
    pack_weights(&network->on_device, host, content<float>(network->weights), model);
    sch_status status = upload(device, network->weights.data, host, count * sizeof *host);
    free(host);
    return status;
}

sch_status load_energies(struct loaded_network *network, struct device *device,
                         const sch_model *model) {
    double energies[MODEL_SPECIES];
    for (int s = 0; s < MODEL_SPECIES; s++)
        energies[s] =
            model->atom_energy[s] + model->energy_scale * (double)model->readout[2].bias[0];
    SCH_TRY(buffer_reserve(device, &network->energies, "energies of atoms", MODEL_SPECIES,
                           sizeof(double)));
    network->on_device.atom_energy = content<double>(network->energies);
    network->on_device.energy_scale = model->energy_scale;
    return upload(device, network->energies.data, energies, sizeof energies);
}

/* ---------------------------------------------------------------- filters */

/** Of the filters' slopes. Kernels wait for the table's bytes, and half of them stay in the caches
 *  if forces may err by 0.05 meV/Å for it (the shipped models, hot molecules). */
const double TOLERANCE = 1e-5;

void fill_table(float4 *to, const struct filter_table *table, size_t F) {
    const size_t hidden = table->hidden, T = table->interactions;
    for (size_t t = 0; t < T; t++)
        for (size_t k = 0; k < table->intervals; k++)
            for (size_t f = 0; f < 3 * hidden; f++) {
                double c[4];
                filter_table_cubic(table, t, k, f, c);
                to[((t * table->intervals + k) * 3 + f / hidden) * F + f % hidden] =
                    make_float4((float)c[0], (float)c[1], (float)c[2], (float)c[3]);
            }
}

sch_status upload_table(struct loaded_network *network, struct device *device,
                        const struct filter_table *table) {
    struct network *on_device = &network->on_device;
    const size_t F = on_device->hidden;
    const size_t count = (size_t)table->interactions * table->intervals * 3 * F;
    float4 *host = NULL;
    SCH_TRY(buffer_reserve(device, &network->table, "filter tables", count, sizeof *host));
    SCH_TRY(memory_new(&host, count, sizeof *host));
    fill_table(host, table, F);
    on_device->table = content<float4>(network->table);
    on_device->intervals = (int)table->intervals;
    on_device->per_spacing = (float)(1.0 / table->spacing);
    sch_status status = upload(device, network->table.data, host, count * sizeof *host);
    free(host);
    return status;
}

sch_status load_table(struct loaded_network *network, struct device *device, const sch_model *model,
                      int threads) {
    struct filter_table *table = NULL;
    SCH_TRY(filter_table_create(&table, model, TOLERANCE, threads));
    sch_status status = upload_table(network, device, table);
    filter_table_free(table);
    return status;
}

} // namespace

sch_status network_load(struct loaded_network *network, struct device *device,
                        const sch_model *model, int threads) {
    static const int widths[] = {32, 64, 128};
    *network = {};
    for (int k = 2; k >= 0; k--)
        if (model->hidden <= widths[k])
            network->on_device.hidden = widths[k];
    if (network->on_device.hidden == 0)
        return fail(SCH_ERROR_DEVICE,
                    "device cuda: expected a model of at most 128 channels, found %d in %s",
                    model->hidden, model->name);
    network->on_device.interactions = model->interactions;
    network->on_device.cutoff = (float)model->cutoff;
    sch_status status = load_weights(network, device, model);
    if (status == SCH_OK)
        status = load_energies(network, device, model);
    if (status == SCH_OK)
        status = load_table(network, device, model, threads);
    if (status != SCH_OK)
        network_unload(network, device);
    return status;
}

void network_unload(struct loaded_network *network, struct device *device) {
    buffer_free(device, &network->table);
    buffer_free(device, &network->weights);
    buffer_free(device, &network->energies);
}

} // namespace SCHNELL_CUDA_NAMESPACE
