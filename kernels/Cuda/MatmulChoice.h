//===- MatmulChoice.h - Which schedule a product gets ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_CUDA_MATMULCHOICE_H
#define TENON_KERNELS_CUDA_MATMULCHOICE_H

#include "kernels/Cuda/MatmulSchedule.h"
#include "kernels/Family.h"

namespace mlir::tenon {

/// Sets `schedule`, if it is not given, and how it was chosen: candidates,
/// `chosen`, `takesPins`. False if what is pinned cannot be built; then
/// `pinProblem` says why.
bool chooseMatmul(MatmulMath math, const MatmulSize &size,
                  const KernelTarget &target,
                  std::optional<MatmulSchedule> &schedule, BuiltKernel &built,
                  bool maySplit = true);

/// The schedule of one choice of several: for sizes like `size`, which `range`
/// says in words.
MatmulSchedule chooseMatmulFor(MatmulMath math, const MatmulSize &size,
                               const KernelTarget &target, StringRef range,
                               bool maySplit = true);

} // namespace mlir::tenon

#endif // TENON_KERNELS_CUDA_MATMULCHOICE_H
