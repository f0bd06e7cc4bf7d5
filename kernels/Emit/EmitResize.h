//===- EmitResize.h - Interpolation at a position -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_EMIT_EMITRESIZE_H
#define TENON_KERNELS_EMIT_EMITRESIZE_H

#include "kernels/Emit/Emitter.h"

namespace mlir::tenon {

/// The resampled elements at a position; null if the lanes run along a
/// dimension that is resized (then each lane is computed by itself).
Value emitResize(Emitter &emitter, graph::ResizeOp op, ArrayRef<Index> at,
                 int64_t lanes);

} // namespace mlir::tenon

#endif // TENON_KERNELS_EMIT_EMITRESIZE_H
