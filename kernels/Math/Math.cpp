//===- Math.cpp - Types, roots and rounding -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How formulas meet element types (dispatch), and the functions that are one
// instruction.
// Test: test/unit/math/MathTest.cpp
//
//===----------------------------------------------------------------------===//
#include "kernels/Math/Math.h"

#include "kernels/Math/Convert.h"
#include "kernels/Math/MathBuilder.h"

using namespace mlir;
using namespace mlir::tenon;

Value mlir::tenon::dispatch(OpBuilder &b, Location loc, Value x,
                            llvm::function_ref<Value(F &, Value)> formula) {
  Type type = x.getType();
  Type element = getElementTypeOrSelf(type);
  if (element.isF16() || element.isBF16()) {
    Value wide = emitFloatCast(b, loc, x, b.getF32Type());
    Value result = dispatch(b, loc, wide, formula);
    return emitFloatCast(b, loc, result, cast<FloatType>(element));
  }
  assert((element.isF32() || element.isF64()) && "expected a float");
  F f(b, loc, type);
  return formula(f, x);
}

Value mlir::tenon::dispatchViaF64(
    OpBuilder &b, Location loc, Value x,
    llvm::function_ref<Value(F &, Value)> formula) {
  return dispatch(b, loc, x, [&](F &f, Value v) {
    return f.isF64 ? formula(f, v) : viaF64(f, v, formula);
  });
}

Value mlir::tenon::emitSqrt(OpBuilder &b, Location loc, Value x) {
  return dispatch(b, loc, x, [](F &f, Value v) { return f.sqrt(v); });
}
Value mlir::tenon::emitRsqrt(OpBuilder &b, Location loc, Value x) {
  return dispatch(b, loc, x,
                  [](F &f, Value v) { return f.div(f.c(1), f.sqrt(v)); });
}
Value mlir::tenon::emitRoundEven(OpBuilder &b, Location loc, Value x) {
  return dispatch(b, loc, x, [](F &f, Value v) { return f.roundEven(v); });
}
Value mlir::tenon::emitFloor(OpBuilder &b, Location loc, Value x) {
  return dispatch(b, loc, x, [](F &f, Value v) { return f.floor(v); });
}
Value mlir::tenon::emitCeil(OpBuilder &b, Location loc, Value x) {
  return dispatch(b, loc, x, [](F &f, Value v) -> Value {
    return LLVM::FCeilOp::create(f.b, f.loc, f.type, v);
  });
}
Value mlir::tenon::emitTrunc(OpBuilder &b, Location loc, Value x) {
  return dispatch(b, loc, x, [](F &f, Value v) -> Value {
    return LLVM::FTruncOp::create(f.b, f.loc, f.type, v);
  });
}
