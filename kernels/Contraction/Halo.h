//===- Halo.h - Zeros around a tensor -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_CONTRACTION_HALO_H
#define TENON_KERNELS_CONTRACTION_HALO_H

#include "kernels/Emit/Emitter.h"

namespace mlir::tenon {

/// Stores zeros into the halo of plane (image, block) of a tensor
/// [N, C, spatial..] with a halo: all that lies around the plane's elements.
/// `block` is a channel if the layout has no channel blocks. Nothing if there
/// is no halo.
void emitZeroHalo(Emitter &e, RankedTensorType type, Value pointer, Value image,
                  Value block);

} // namespace mlir::tenon

#endif // TENON_KERNELS_CONTRACTION_HALO_H
