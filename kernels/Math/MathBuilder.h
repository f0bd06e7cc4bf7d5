//===- MathBuilder.h - Short names for emitting formulas --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Inside kernels/Math only: an OpBuilder, a location and a float type, so that
// a formula reads as one. `F` for f32 or f64, scalar or vector; integers are as
// wide as the floats.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_KERNELS_MATH_MATHBUILDER_H
#define TENON_KERNELS_MATH_MATHBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace mlir::tenon {

/// `like` with another element type.
inline Type withElement(Type like, Type element) {
  auto vector = dyn_cast<VectorType>(like);
  return vector ? Type(vector.clone(element)) : element;
}

/// A constant, splat over a vector. Floats are rounded to the type.
inline Value emitConstant(OpBuilder &b, Location loc, Type type, double value) {
  TypedAttr attr = b.getFloatAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, Attribute(attr));
  return arith::ConstantOp::create(b, loc, attr);
}
inline Value emitIntConstant(OpBuilder &b, Location loc, Type type,
                             const APInt &value) {
  TypedAttr attr = b.getIntegerAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, Attribute(attr));
  return arith::ConstantOp::create(b, loc, attr);
}

class F {
public:
  F(OpBuilder &builder, Location loc, Type type)
      : b(builder), loc(loc), type(type),
        isF64(getElementTypeOrSelf(type).isF64()),
        intType(withElement(type, builder.getIntegerType(isF64 ? 64 : 32))) {}

  OpBuilder &b;
  Location loc;
  Type type;
  bool isF64;
  Type intType;

  int mantissaBits() const { return isF64 ? 52 : 23; }
  int64_t bias() const { return isF64 ? 1023 : 127; }

  Value c(double value) { return emitConstant(b, loc, type, value); }
  Value ci(int64_t value) {
    return emitIntConstant(b, loc, intType,
                           APInt(isF64 ? 64 : 32, value, true, true));
  }
  Value infinity() { return c(std::numeric_limits<double>::infinity()); }
  Value nan() { return c(std::numeric_limits<double>::quiet_NaN()); }

  Value add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, loc, x, y); }
  Value neg(Value x) { return arith::NegFOp::create(b, loc, x); }
  /// x * y + z, rounded once.
  Value fma(Value x, Value y, Value z) {
    return LLVM::FMAOp::create(b, loc, type, x, y, z);
  }
  Value abs(Value x) { return LLVM::FAbsOp::create(b, loc, type, x); }
  Value copySign(Value magnitude, Value sign) {
    return LLVM::CopySignOp::create(b, loc, type, magnitude, sign);
  }
  Value sqrt(Value x) { return LLVM::SqrtOp::create(b, loc, type, x); }
  Value floor(Value x) { return LLVM::FFloorOp::create(b, loc, type, x); }
  Value roundEven(Value x) {
    return LLVM::RoundEvenOp::create(b, loc, type, x);
  }

  Value cmp(arith::CmpFPredicate predicate, Value x, Value y) {
    return arith::CmpFOp::create(b, loc, predicate, x, y);
  }
  Value less(Value x, Value y) { return cmp(arith::CmpFPredicate::OLT, x, y); }
  Value greater(Value x, Value y) {
    return cmp(arith::CmpFPredicate::OGT, x, y);
  }
  Value equal(Value x, Value y) { return cmp(arith::CmpFPredicate::OEQ, x, y); }
  Value isNan(Value x) { return cmp(arith::CmpFPredicate::UNO, x, x); }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, loc, condition, x, y);
  }
  /// min(x, bound) and max(x, bound) as one instruction that keeps a NaN x.
  Value atMost(Value x, double bound) {
    Value limit = c(bound);
    return select(less(limit, x), limit, x);
  }
  Value atLeast(Value x, double bound) {
    Value limit = c(bound);
    return select(greater(limit, x), limit, x);
  }

  Value bits(Value x) { return arith::BitcastOp::create(b, loc, intType, x); }
  Value fromBits(Value x) { return arith::BitcastOp::create(b, loc, type, x); }
  Value iadd(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value isub(Value x, Value y) { return arith::SubIOp::create(b, loc, x, y); }
  Value iand(Value x, Value y) { return arith::AndIOp::create(b, loc, x, y); }
  Value ixor(Value x, Value y) { return arith::XOrIOp::create(b, loc, x, y); }
  Value shl(Value x, int by) {
    return arith::ShLIOp::create(b, loc, x, ci(by));
  }
  Value shr(Value x, int by) { // logical
    return arith::ShRUIOp::create(b, loc, x, ci(by));
  }
  Value iequal(Value x, Value y) {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, y);
  }

  /// coefficients[0] + coefficients[1] z + …, by Horner's rule. (Shorter chains
  /// of fmas were tried: loops over vectors are bound by throughput.)
  Value poly(llvm::ArrayRef<double> coefficients, Value z) {
    Value sum = c(coefficients.back());
    for (double coefficient : llvm::reverse(coefficients.drop_back()))
      sum = fma(sum, z, c(coefficient));
    return sum;
  }

  /// The number whose addition rounds a smaller float to an integer, which then
  /// stands in the low bits of the sum.
  double magic() const { return isF64 ? 0x1.8p52 : 0x1.8p23; }
  int64_t magicBits() const {
    return isF64 ? int64_t(0x4338000000000000) : int64_t(0x4B400000);
  }
  /// The float of a small integer in [-2^22, 2^22), by the same trick: AVX2 has
  /// no conversion from i64.
  Value fromSmallInt(Value n) {
    return sub(fromBits(iadd(n, ci(magicBits()))), c(magic()));
  }

private:
  F(const F &) = delete;
};

/// Applies `formula` in f64: x (f32) is extended, the result rounded.
inline Value viaF64(F &f, Value x,
                    llvm::function_ref<Value(F &, Value)> formula) {
  F wide(f.b, f.loc, withElement(f.type, f.b.getF64Type()));
  Value result = formula(wide, arith::ExtFOp::create(f.b, f.loc, wide.type, x));
  return arith::TruncFOp::create(f.b, f.loc, f.type, result);
}

/// Calls `formula` for f32 and f64; widens f16 and bf16 to f32 around it.
Value dispatch(OpBuilder &b, Location loc, Value x,
               llvm::function_ref<Value(F &, Value)> formula);

/// As dispatch; the formula is one for f64, which f32 goes through.
Value dispatchViaF64(OpBuilder &b, Location loc, Value x,
                     llvm::function_ref<Value(F &, Value)> formula);

// Parts that formulas share, for the types of the F.

/// x = n ln 2 + r, |r| <= ln2/2: n in the low bits of `magicSum`, r as
/// high + low.
struct ExpReduction {
  Value magicSum, high, low;
};
ExpReduction reduceExp(F &f, Value x);
/// exp(r) - 1 and exp(r).
Value expm1OfReduced(F &f, const ExpReduction &e);
Value expOfReduced(F &f, const ExpReduction &e);
/// p 2^n in two steps, so that overflow and denormals round once.
Value scaleByPowerOf2(F &f, Value p, Value magicSum);
/// 2^n for -126 <= n <= 127 (f64: -1022 … 1023).
Value powerOf2(F &f, Value magicSum);
/// exp(x + low), |low| tiny; `low` may be null.
Value expOf(F &f, Value x, Value low = Value());
Value expm1Of(F &f, Value x);
Value logOf(F &f, Value x);
Value log1pOf(F &f, Value x);

} // namespace mlir::tenon

#endif // TENON_KERNELS_MATH_MATHBUILDER_H
