/* Three numbers of an atom. */
#ifndef SCH_CUDA_VECTOR3_H
#define SCH_CUDA_VECTOR3_H

#include "cuda/launch.h"

namespace SCHNELL_CUDA_NAMESPACE {

static __device__ __forceinline__ void copy3(double *to, const double *from) {
    for (int k = 0; k < 3; k++)
        to[k] = from[k];
}

static __device__ __forceinline__ double length3(const double *v) {
    return sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
}

} // namespace SCHNELL_CUDA_NAMESPACE

#endif
