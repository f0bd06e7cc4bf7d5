//===- ReduceMath.cpp - What each kind of reduction does to an element ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "kernels/Reduce/ReduceMath.h"
#include "kernels/Math/Convert.h"
#include "kernels/Math/Math.h"

namespace mlir::tenon {

using graph::ReduceKind;

ReduceMath::ReduceMath(Emitter &e, ReduceKind kind, Type element)
    : e(e), kind(kind), compute(e.computeType(element)),
      isUnsigned(element.isUnsignedInteger() || element.isInteger(1)) {}

Value ReduceMath::constant(double value) {
  if (isFloat())
    return e.floatConstant(compute, value);
  return arith::ConstantOp::create(e.b, e.loc,
                                   e.b.getIntegerAttr(compute, int64_t(value)));
}

Value ReduceMath::identity() {
  bool max = kind == ReduceKind::max;
  if (max || kind == ReduceKind::min) {
    if (isFloat()) {
      double infinity = std::numeric_limits<double>::infinity();
      return constant(max ? -infinity : infinity);
    }
    unsigned width = compute.getIntOrFloatBitWidth();
    APInt value =
        isUnsigned ? (max ? APInt::getZero(width) : APInt::getMaxValue(width))
                   : (max ? APInt::getSignedMinValue(width)
                          : APInt::getSignedMaxValue(width));
    return arith::ConstantOp::create(e.b, e.loc,
                                     e.b.getIntegerAttr(compute, value));
  }
  return constant(kind == ReduceKind::prod ? 1 : 0);
}

Value ReduceMath::map(Value x) {
  bool f = isFloat();
  switch (kind) {
  case ReduceKind::sum_square:
  case ReduceKind::l2:
    return f ? arith::MulFOp::create(e.b, e.loc, x, x).getResult()
             : arith::MulIOp::create(e.b, e.loc, x, x).getResult();
  case ReduceKind::l1: {
    if (f)
      return LLVM::FAbsOp::create(e.b, e.loc, x);
    if (isUnsigned)
      return x;
    Value zero =
        arith::ConstantOp::create(e.b, e.loc, e.b.getZeroAttr(x.getType()));
    Value minus = arith::SubIOp::create(e.b, e.loc, zero, x);
    return arith::MaxSIOp::create(e.b, e.loc, x, minus);
  }
  case ReduceKind::log_sum_exp:
    return f ? emitExp(e.b, e.loc, x) : x;
  default:
    return x;
  }
}

Value ReduceMath::combine(Value a, Value b) {
  OpBuilder &o = e.b;
  switch (kind) {
  case ReduceKind::max:
    if (isFloat())
      return arith::MaximumFOp::create(o, e.loc, a, b);
    return isUnsigned ? arith::MaxUIOp::create(o, e.loc, a, b).getResult()
                      : arith::MaxSIOp::create(o, e.loc, a, b).getResult();
  case ReduceKind::min:
    if (isFloat())
      return arith::MinimumFOp::create(o, e.loc, a, b);
    return isUnsigned ? arith::MinUIOp::create(o, e.loc, a, b).getResult()
                      : arith::MinSIOp::create(o, e.loc, a, b).getResult();
  case ReduceKind::prod:
    return isFloat() ? arith::MulFOp::create(o, e.loc, a, b).getResult()
                     : arith::MulIOp::create(o, e.loc, a, b).getResult();
  default:
    return isFloat() ? arith::AddFOp::create(o, e.loc, a, b).getResult()
                     : arith::AddIOp::create(o, e.loc, a, b).getResult();
  }
}

Value ReduceMath::finish(Value total, Value count) {
  int64_t lanes = 1;
  if (auto vector = dyn_cast<VectorType>(total.getType()))
    lanes = vector.getDimSize(0);
  switch (kind) {
  case ReduceKind::mean: {
    if (isFloat()) {
      Value n = arith::UIToFPOp::create(e.b, e.loc, compute, count);
      return arith::DivFOp::create(e.b, e.loc, total, e.splat(n, lanes));
    }
    Value n = e.wide(count);
    if (compute.getIntOrFloatBitWidth() < 64)
      n = arith::TruncIOp::create(e.b, e.loc, compute, n);
    Value divisor = e.splat(n, lanes);
    return (isUnsigned ? emitDivU(e.b, e.loc, total, divisor)
                       : emitDivS(e.b, e.loc, total, divisor))
        .result;
  }
  case ReduceKind::l2:
    return isFloat() ? LLVM::SqrtOp::create(e.b, e.loc, total).getResult()
                     : total;
  case ReduceKind::log_sum:
  case ReduceKind::log_sum_exp:
    return isFloat() ? emitLog(e.b, e.loc, total) : total;
  default:
    return total;
  }
}

} // namespace mlir::tenon
