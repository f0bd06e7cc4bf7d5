//===- EmitMovement.h - Which ops the emitter can fuse --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_EMIT_EMITMOVEMENT_H
#define TENON_KERNELS_EMIT_EMITMOVEMENT_H

#include "kernels/Emit/Emitter.h"

namespace mlir::tenon {

/// Whether `op` only moves elements (or makes them from nothing).
inline bool isMovement(Operation *op) {
  return isa<graph::ReshapeOp, graph::TransposeOp, graph::BroadcastOp,
             graph::SliceOp, graph::TileOp, graph::ConcatOp, graph::PadOp,
             graph::GatherOp, graph::GatherElementsOp, graph::ResizeOp,
             graph::RelayoutOp, graph::IotaOp, graph::DimsOp>(op) ||
         (isa<graph::ConstantOp>(op) &&
          isa<SplatElementsAttr>(cast<graph::ConstantOp>(op).getValue()));
}

/// Whether the emitter can compute `op` at any position by itself.
inline bool isEmittable(Operation *op) {
  return op->hasTrait<graph::Pointwise>() || isMovement(op);
}

} // namespace mlir::tenon

#endif // TENON_KERNELS_EMIT_EMITMOVEMENT_H
