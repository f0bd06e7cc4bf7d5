//===- Convert.cpp - Number conversions as inline IR ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// f32 to bf16 adds half of the last kept bit, less one unless that bit is odd.
// f64 to f16 or bf16 goes through an f32 rounded to odd, after which a second
// rounding cannot err. Float to integer is LLVM's saturating conversion.
// Divisors that would trap are replaced first: 0 by 1, and -1 by a negation.
// Test: test/unit/math/ConvertTest.cpp
//
//===----------------------------------------------------------------------===//
#include "kernels/Math/Convert.h"

#include "kernels/Math/MathBuilder.h"

using namespace mlir;
using namespace mlir::tenon;

namespace {

/// Integer ops on one type.
struct I {
  OpBuilder &b;
  Location loc;
  Type type;

  unsigned width() const {
    return getElementTypeOrSelf(type).getIntOrFloatBitWidth();
  }
  Value c(int64_t value) {
    return emitIntConstant(b, loc, type, APInt(width(), value, true, true));
  }
  Value cmp(arith::CmpIPredicate predicate, Value x, Value y) {
    return arith::CmpIOp::create(b, loc, predicate, x, y);
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, loc, condition, x, y);
  }
};

} // namespace

static Value bf16OfF32(OpBuilder &b, Location loc, Value x) {
  F f(b, loc, x.getType());
  Value u = f.bits(x);
  Value lastBit = f.iand(f.shr(u, 16), f.ci(1));
  Value rounded = f.shr(f.iadd(f.iadd(u, f.ci(0x7fff)), lastBit), 16);
  Value quiet = arith::OrIOp::create(b, loc, f.shr(u, 16), f.ci(0x40));
  Value kept = f.select(f.isNan(x), quiet, rounded);
  Type i16 = withElement(f.type, b.getI16Type());
  Value narrow = arith::TruncIOp::create(b, loc, i16, kept);
  return arith::BitcastOp::create(b, loc, withElement(f.type, b.getBF16Type()),
                                  narrow);
}

static Value f32OfBf16(OpBuilder &b, Location loc, Value x) {
  Type i16 = withElement(x.getType(), b.getI16Type());
  F f(b, loc, withElement(x.getType(), b.getF32Type()));
  Value u = arith::BitcastOp::create(b, loc, i16, x);
  u = arith::ExtUIOp::create(b, loc, f.intType, u);
  return f.fromBits(f.shl(u, 16));
}

/// f64 to f32, rounded to odd: the inexact result has an odd last bit.
static Value oddF32OfF64(OpBuilder &b, Location loc, Value x) {
  F wide(b, loc, x.getType());
  F f(b, loc, withElement(x.getType(), b.getF32Type()));
  Value nearest = arith::TruncFOp::create(b, loc, f.type, x);
  Value back = arith::ExtFOp::create(b, loc, wide.type, nearest);
  Value inexact = wide.cmp(arith::CmpFPredicate::ONE, back, x);
  Value away = wide.greater(wide.abs(back), wide.abs(x));
  Value u = f.bits(nearest);
  Value even = f.iequal(f.iand(u, f.ci(1)), f.ci(0));
  Value neighbour = f.select(away, f.isub(u, f.ci(1)), f.iadd(u, f.ci(1)));
  Value odd = f.select(even, neighbour, u);
  return f.fromBits(f.select(inexact, odd, u));
}

Value mlir::tenon::emitFloatCast(OpBuilder &b, Location loc, Value x,
                                 FloatType to) {
  Type from = getElementTypeOrSelf(x.getType());
  Type f32 = b.getF32Type();
  if (from == to)
    return x;
  if (from.isBF16())
    return emitFloatCast(b, loc, f32OfBf16(b, loc, x), to);
  Type result = withElement(x.getType(), to);
  if (from.isF16()) {
    Value wide =
        arith::ExtFOp::create(b, loc, withElement(x.getType(), f32), x);
    return emitFloatCast(b, loc, wide, to);
  }
  if (from.isF64() && !to.isF32())
    return emitFloatCast(b, loc, oddF32OfF64(b, loc, x), to);
  if (to.isBF16())
    return bf16OfF32(b, loc, x);
  if (to.isF64())
    return arith::ExtFOp::create(b, loc, result, x);
  return arith::TruncFOp::create(b, loc, result, x);
}

Value mlir::tenon::emitFloatToInt(OpBuilder &b, Location loc, Value x,
                                  IntegerType to, bool isSigned) {
  Type from = getElementTypeOrSelf(x.getType());
  if (from.isF16() || from.isBF16())
    x = emitFloatCast(b, loc, x, b.getF32Type());
  F f(b, loc, x.getType());
  if (to.getWidth() == 1)
    return f.cmp(arith::CmpFPredicate::UNE, x, f.c(0));
  // Narrow types: saturating to 32 bits has instructions, the rest is a clamp.
  unsigned width = std::max(to.getWidth(), 32u);
  Type wide = withElement(x.getType(), b.getIntegerType(width));
  StringRef name =
      isSigned || to.getWidth() < 32 ? "llvm.fptosi.sat" : "llvm.fptoui.sat";
  Value result =
      LLVM::CallIntrinsicOp::create(b, loc, wide, b.getStringAttr(name), x)
          .getResult(0);
  if (to.getWidth() == width)
    return result;
  I i{b, loc, wide};
  unsigned bits = to.getWidth();
  int64_t low = isSigned ? -(int64_t(1) << (bits - 1)) : 0;
  int64_t high = (int64_t(1) << (isSigned ? bits - 1 : bits)) - 1;
  result = arith::MaxSIOp::create(b, loc, result, i.c(low));
  result = arith::MinSIOp::create(b, loc, result, i.c(high));
  return arith::TruncIOp::create(b, loc, withElement(wide, to), result);
}

Value mlir::tenon::emitIntToFloat(OpBuilder &b, Location loc, Value x,
                                  FloatType to, bool isSigned) {
  unsigned width = getElementTypeOrSelf(x.getType()).getIntOrFloatBitWidth();
  bool narrow = to.isF16() || to.isBF16();
  // Up to 24 bits f32 is exact; above, f64 (or, for 64 bits, a float rounded
  // to odd) keeps the last rounding the only one.
  Type through = !narrow      ? Type(to)
                 : width < 24 ? Type(b.getF32Type())
                              : Type(b.getF64Type());
  Type wide = withElement(x.getType(), through);
  Value value = x;
  if (narrow && width > 53) {
    // 64 bits to f64 would round: fold the low bits that f64 cannot hold into
    // one sticky bit first.
    I i{b, loc, x.getType()};
    Value low = arith::AndIOp::create(b, loc, x, i.c(0x7ff));
    Value sticky = i.select(i.cmp(arith::CmpIPredicate::ne, low, i.c(0)),
                            i.c(0x800), i.c(0));
    value = arith::AndIOp::create(b, loc, x, i.c(~int64_t(0x7ff)));
    Value folded = arith::OrIOp::create(b, loc, value, sticky);
    // Small numbers are exact as they are.
    Value biased = arith::AddIOp::create(b, loc, x, i.c(int64_t(1) << 52));
    Value small = i.cmp(arith::CmpIPredicate::ult, isSigned ? biased : x,
                        i.c(int64_t(1) << 53));
    value = i.select(small, x, folded);
  }
  Value result;
  if (isSigned && width > 1)
    result = arith::SIToFPOp::create(b, loc, wide, value);
  else
    result = arith::UIToFPOp::create(b, loc, wide, value);
  return emitFloatCast(b, loc, result, to);
}

namespace {

/// A division with safe operands; `minusOne` only for signed ones.
struct SafeOperands {
  I i;
  Value isZero, minusOne, divisor;
};

} // namespace

static SafeOperands guard(OpBuilder &b, Location loc, Value divisor,
                          bool isSigned) {
  SafeOperands safe{I{b, loc, divisor.getType()}, {}, {}, divisor};
  I &i = safe.i;
  safe.isZero = i.cmp(arith::CmpIPredicate::eq, divisor, i.c(0));
  Value trap = safe.isZero;
  if (isSigned) {
    safe.minusOne = i.cmp(arith::CmpIPredicate::eq, divisor, i.c(-1));
    trap = arith::OrIOp::create(b, loc, trap, safe.minusOne);
  }
  safe.divisor = i.select(trap, i.c(1), divisor);
  return safe;
}

GuardedDivision mlir::tenon::emitDivS(OpBuilder &b, Location loc, Value x,
                                      Value divisor) {
  SafeOperands safe = guard(b, loc, divisor, true);
  I &i = safe.i;
  Value quotient = arith::DivSIOp::create(b, loc, x, safe.divisor);
  Value negated = arith::SubIOp::create(b, loc, i.c(0), x);
  quotient = i.select(safe.minusOne, negated, quotient);
  return {i.select(safe.isZero, i.c(0), quotient), safe.isZero};
}

GuardedDivision mlir::tenon::emitDivU(OpBuilder &b, Location loc, Value x,
                                      Value divisor) {
  SafeOperands safe = guard(b, loc, divisor, false);
  I &i = safe.i;
  Value quotient = arith::DivUIOp::create(b, loc, x, safe.divisor);
  return {i.select(safe.isZero, i.c(0), quotient), safe.isZero};
}

GuardedDivision mlir::tenon::emitRemS(OpBuilder &b, Location loc, Value x,
                                      Value divisor) {
  // The replaced divisor 1 leaves 0, which is right for -1 and for 0.
  SafeOperands safe = guard(b, loc, divisor, true);
  return {arith::RemSIOp::create(b, loc, x, safe.divisor), safe.isZero};
}

GuardedDivision mlir::tenon::emitFloorModS(OpBuilder &b, Location loc, Value x,
                                           Value divisor) {
  GuardedDivision rem = emitRemS(b, loc, x, divisor);
  I i{b, loc, x.getType()};
  // Remainder and divisor of different signs: one divisor more.
  Value mixed = arith::XOrIOp::create(b, loc, rem.result, divisor);
  Value differ = i.cmp(arith::CmpIPredicate::slt, mixed, i.c(0));
  Value nonZero = i.cmp(arith::CmpIPredicate::ne, rem.result, i.c(0));
  Value fix = arith::AndIOp::create(b, loc, differ, nonZero);
  Value moved = arith::AddIOp::create(b, loc, rem.result, divisor);
  return {i.select(fix, moved, rem.result), rem.divisorIsZero};
}

GuardedDivision mlir::tenon::emitRemU(OpBuilder &b, Location loc, Value x,
                                      Value divisor) {
  SafeOperands safe = guard(b, loc, divisor, false);
  return {arith::RemUIOp::create(b, loc, x, safe.divisor), safe.isZero};
}
