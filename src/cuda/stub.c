/* What stands in for the CUDA backends where they are not built. */
#include "potential/backend.h"

#ifndef SCHNELL_CUDA
const struct backend *const backend_cuda = NULL;
#endif

#ifndef SCHNELL_CUDA_SIMULATED
const struct backend *const backend_cuda_simulated = NULL;
#endif
