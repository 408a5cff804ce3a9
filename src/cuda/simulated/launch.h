/* The host's side of the simulated GPU: launches. */
#ifndef SCH_CUDA_SIMULATED_LAUNCH_H
#define SCH_CUDA_SIMULATED_LAUNCH_H

#include <functional>

#include "cuda/host.h"
#include "cuda/shape.h"
#include "cuda/simulated/gpu.h"

namespace simulated {

enum { MOST_SHARED = 227 * 1024 }; /* bytes of a block: as Hopper */

/** Run `thread` as every thread of all blocks, to its end. SCH_ERROR_DEVICE when threads wait for
 *  each other in vain. */
sch_status run_kernel(const char *name, struct shape shape, const std::function<void()> &thread)
    __attribute__((warn_unused_result));

} // namespace simulated

#endif
