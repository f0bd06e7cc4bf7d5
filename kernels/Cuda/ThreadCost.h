//===- ThreadCost.h - What kernels of independent threads take ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_CUDA_THREADCOST_H
#define TENON_KERNELS_CUDA_THREADCOST_H

#include "kernels/Family.h"

namespace mlir::tenon {

/// The device that a CUDA target is tuned for.
DeviceInfo deviceOf(const KernelTarget &target);

/// The value of a kernel's size, with what is open at what the target takes it
/// for: `unknown` where it says nothing. At least 0.
int64_t typicalSize(const KernelTarget &target, graph::DimExpr size,
                    int64_t unknown = kTypicalSize);

/// Bytes that a kernel must move: its results and what it can read of its
/// operands, each element once.
double bytesMoved(graph::KernelOp kernel, const KernelTarget &target);

/// What `code` takes, a kernel of any family whose threads compute elements or
/// rows by themselves, from the ops of `kernel`.
Cost threadCost(graph::KernelOp kernel, const KernelCode &code,
                const KernelTarget &target);

} // namespace mlir::tenon

#endif // TENON_KERNELS_CUDA_THREADCOST_H
