//===- FloatOps.h - Arithmetic on floats in a kernel ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Short names for f32 arithmetic on scalars and vectors, for families that
// write their formulas themselves.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_EMIT_FLOATOPS_H
#define TENON_KERNELS_EMIT_FLOATOPS_H

#include "kernels/Emit/Emitter.h"

namespace mlir::tenon {

struct FloatOps {
  Emitter &e;

  /// An f32, or a vector of `n` of them.
  Value f(double v, int64_t n = 1) {
    return e.floatConstant(Emitter::vectorOf(e.b.getF32Type(), n), v);
  }
  Value add(Value a, Value b) {
    return arith::AddFOp::create(e.b, e.loc, a, b);
  }
  Value sub(Value a, Value b) {
    return arith::SubFOp::create(e.b, e.loc, a, b);
  }
  Value mul(Value a, Value b) {
    return arith::MulFOp::create(e.b, e.loc, a, b);
  }
  Value div(Value a, Value b) {
    return arith::DivFOp::create(e.b, e.loc, a, b);
  }
  /// The larger one; a NaN loses.
  Value larger(Value a, Value b) {
    return arith::MaxNumFOp::create(e.b, e.loc, a, b);
  }
};

} // namespace mlir::tenon

#endif // TENON_KERNELS_EMIT_FLOATOPS_H
