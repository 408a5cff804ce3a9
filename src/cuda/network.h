/* A model on the device, laid out for its kernels. */
#ifndef SCH_CUDA_NETWORK_H
#define SCH_CUDA_NETWORK_H

#include "cuda/device.h"
#include "cuda/launch.h"

namespace SCHNELL_CUDA_NAMESPACE {

/** The matrices of an interaction: those of the forward pass, and these transposed. */
enum matrix {
    MATRIX_A,
    MATRIX_V,
    MATRIX_U,
    MATRIX_B,
    MATRIX_G,
    MATRIX_A_BACK,
    MATRIX_V_BACK,
    MATRIX_U_BACK,
    MATRIX_B_BACK,
    MATRIX_G_BACK,
    MATRICES
};

enum bias { BIAS_UPDATE, BIAS_B, BIAS_G, BIAS_U, BIASES };

/** Widths of the readout's layers, so that products in steps of 16 meet no edge. */
#define READOUT_1(F) ((F) / 2 < 16 ? 16 : (F) / 2)
#define READOUT_2(F) ((F) / 4 < 16 ? 16 : (F) / 4)

/** Numbers in a packed matrix, and where panel n (8 rows) begins in it: the panel is made of tiles
 *  [columns / 16][8][16], so that a warp reads 512 bytes in a row. */
#define PANEL(columns) ((size_t)8 * (columns))

/**
 * A model with F channels: the model's own, and more that are always zero. Pointers are the
 * device's; kernels get this by value.
 */
struct network {
    int hidden, interactions;  /* F: 32, 64 or 128; T */
    float cutoff, per_spacing; /* Å; filter intervals per Å */
    int intervals;
    const float4 *table;       /* [T][intervals][3][F] coefficients of 1, x, x^2, x^3 */
    const float *embedding;    /* [MODEL_SPECIES][F] */
    const float *matrices;     /* [T][MATRICES] packed [F][F] */
    const float *biases;       /* [T][BIASES][F] */
    const float *mixing;       /* [T][3][3] */
    const float *readout[2];   /* packed [READOUT_1][F], [READOUT_2][READOUT_1] */
    const float *back[2];      /* packed [F][READOUT_1], [READOUT_1][READOUT_2] */
    const float *bias[2];      /* [READOUT_1], [READOUT_2] */
    const float *last;         /* [READOUT_2] */
    const double *atom_energy; /* [MODEL_SPECIES] eV, the readout's last bias among it */
    double energy_scale;       /* eV */
};

/** The network, and the memory in which it is. */
struct loaded_network {
    struct network on_device;
    struct buffer table, weights, energies;
};

/** @param threads  of the host, for the filter tables; 0: as many as OpenMP would use
 *  @return SCH_ERROR_DEVICE for a model of more than 128 channels. */
sch_status network_load(struct loaded_network *network, struct device *device,
                        const sch_model *model, int threads) __attribute__((warn_unused_result));
void network_unload(struct loaded_network *network, struct device *device);

} // namespace SCHNELL_CUDA_NAMESPACE

#endif
