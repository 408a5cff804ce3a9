/* The library's C interfaces, for C++. */
#ifndef SCH_CUDA_HOST_H
#define SCH_CUDA_HOST_H

extern "C" {
#include "base/cell.h"
#include "base/memory.h"
#include "base/status.h"
#include "potential/backend.h"
#include "potential/filter_table.h"
#include "potential/model.h"
}

#endif
