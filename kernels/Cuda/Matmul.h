//===- Matmul.h - Matrix products on CUDA ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_CUDA_MATMUL_H
#define TENON_KERNELS_CUDA_MATMUL_H

#include "kernels/Cuda/MatmulSchedule.h"
#include "kernels/Family.h"

namespace mlir::tenon {

/// The code of a kernel around a matmul of f16, bf16 or f32, in tile ops that
/// compiler/Tile lowers; nothing if the family does not take the kernel. With
/// `schedule`, that one; else the best by cost for each case.
std::optional<BuiltKernel>
buildCudaMatmul(graph::KernelOp kernel, StringRef name,
                const KernelTarget &target,
                std::optional<MatmulSchedule> schedule = std::nullopt);

} // namespace mlir::tenon

#endif // TENON_KERNELS_CUDA_MATMUL_H
