//===- Library.cpp - What libtenon_simcuda.so is --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The library is tenon_sim_driver as a whole; this is the source that a target
// has to have.
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Cuda.h"

static_assert(CUDA_VERSION == 13000);
