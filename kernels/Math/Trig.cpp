//===- Trig.cpp - Circular functions and their inverses -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All in f64; f32 goes through it. sin, cos, tan: |x| = q π/2 + r, |r| <= π/4,
// by three words of π/2; from 2^27 on, where an f32 argument has lost those,
// by Payne and Hanek: x times 24-bit pieces of 2/π, each product exact and
// reduced mod 4. The large case stands behind a branch that is taken if any
// lane needs it. Inverse functions fold the argument to where a polynomial is
// short.
// Test: test/unit/math/MathTest.cpp
//
//===----------------------------------------------------------------------===//
#include "kernels/Math/Coefficients.h"
#include "kernels/Math/Math.h"
#include "kernels/Math/MathBuilder.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::tenon;
using namespace mlir::tenon::coefficients;

static constexpr double kPi = 0x1.921fb54442d18p1;
static constexpr double kPiLow = 0x1.1a62633145c07p-53;
static constexpr double kHalfPi = 0x1.921fb54442d18p0;
static constexpr double kHalfPiMiddle = 0x1.1a62633145c07p-54;
static constexpr double kHalfPiLow = -0x1.f1976b7ed8fbcp-110;
static constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;
static constexpr double kLargest = 0x1p27;

namespace {

/// |x| = quadrant π/2 + r; the quadrant in the low bits of an integer.
struct Reduced {
  Value quadrant, r;
};

} // namespace

static Reduced reduceSmall(F &f, Value a) {
  Value magicSum = f.fma(a, f.c(kTwoOverPi), f.c(f.magic()));
  Value n = f.neg(f.sub(magicSum, f.c(f.magic())));
  Value r = f.fma(n, f.c(kHalfPi), a);
  r = f.fma(n, f.c(kHalfPiMiddle), r);
  r = f.fma(n, f.c(kHalfPiLow), r);
  return {f.bits(magicSum), r};
}

/// For |x| below 2^128 with 24 significant bits.
static Reduced reduceLarge(F &f, Value a) {
  Value sum = f.c(0), low = f.c(0);
  for (auto [index, piece] : llvm::enumerate(kTwoOverPi24)) {
    Value product = f.mul(a, f.c(std::ldexp(piece, -24 * int(index + 1))));
    Value quarter = f.floor(f.mul(product, f.c(0.25)));
    Value part = f.fma(quarter, f.c(-4), product);
    // sum + part exactly: sum' + error.
    Value total = f.add(sum, part);
    Value shadow = f.sub(total, sum);
    Value error = f.add(f.sub(sum, f.sub(total, shadow)), f.sub(part, shadow));
    low = f.add(low, error);
    sum = total;
  }
  Value magicSum = f.add(sum, f.c(f.magic()));
  Value fraction = f.add(f.sub(sum, f.sub(magicSum, f.c(f.magic()))), low);
  return {f.bits(magicSum), f.mul(fraction, f.c(kHalfPi))};
}

/// Chooses between the two; an f64 argument always takes the first.
static Reduced reduce(F &f, Value a, bool fromF32) {
  if (!fromF32)
    return reduceSmall(f, a);
  Value large = f.cmp(arith::CmpFPredicate::OGE, a, f.c(kLargest));
  Value any = large;
  if (isa<VectorType>(f.type))
    any = vector::ReductionOp::create(f.b, f.loc, vector::CombiningKind::OR,
                                      large);
  auto branch = scf::IfOp::create(f.b, f.loc, TypeRange{f.intType, f.type}, any,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(f.b);
  f.b.setInsertionPointToStart(&branch.getThenRegion().front());
  // Also right for the lanes that are not large.
  Reduced result = reduceLarge(f, a);
  scf::YieldOp::create(f.b, f.loc, ValueRange{result.quadrant, result.r});
  f.b.setInsertionPointToStart(&branch.getElseRegion().front());
  result = reduceSmall(f, a);
  scf::YieldOp::create(f.b, f.loc, ValueRange{result.quadrant, result.r});
  return {branch.getResult(0), branch.getResult(1)};
}

static Value sinPoly(F &f, Value r, Value z) {
  return f.fma(f.mul(r, z), f.poly(kSinF64, z), r);
}
static Value cosPoly(F &f, Value z) {
  return f.add(f.fma(f.mul(z, z), f.poly(kCosF64, z), f.mul(z, f.c(-0.5))),
               f.c(1));
}

static Value isOdd(F &f, Value quadrant) {
  return f.iequal(f.iand(quadrant, f.ci(1)), f.ci(1));
}

/// The sign bit that is bit 1 of the quadrant.
static Value signOfBit1(F &f, Value quadrant) {
  return f.shl(f.iand(quadrant, f.ci(2)), 62);
}

static Value sinOf(F &f, Value x, bool fromF32) {
  Reduced a = reduce(f, f.abs(x), fromF32);
  Value z = f.mul(a.r, a.r);
  Value value =
      f.select(isOdd(f, a.quadrant), cosPoly(f, z), sinPoly(f, a.r, z));
  Value sign = f.iand(f.bits(x), f.ci(INT64_MIN));
  return f.fromBits(
      f.ixor(f.ixor(f.bits(value), sign), signOfBit1(f, a.quadrant)));
}

static Value cosOf(F &f, Value x, bool fromF32) {
  Reduced a = reduce(f, f.abs(x), fromF32);
  Value z = f.mul(a.r, a.r);
  Value value =
      f.select(isOdd(f, a.quadrant), sinPoly(f, a.r, z), cosPoly(f, z));
  // Negative in quadrants 1 and 2: bit 1 of quadrant + 1.
  Value sign = signOfBit1(f, f.iadd(a.quadrant, f.ci(1)));
  return f.fromBits(f.ixor(f.bits(value), sign));
}

static Value tanOf(F &f, Value x, bool fromF32) {
  Reduced a = reduce(f, f.abs(x), fromF32);
  Value z = f.mul(a.r, a.r);
  Value sine = sinPoly(f, a.r, z), cosine = cosPoly(f, z);
  Value odd = isOdd(f, a.quadrant);
  Value value =
      f.div(f.select(odd, f.neg(cosine), sine), f.select(odd, sine, cosine));
  Value sign = f.iand(f.bits(x), f.ci(INT64_MIN));
  return f.fromBits(f.ixor(f.bits(value), sign));
}

static Value emitCircular(OpBuilder &b, Location loc, Value x,
                          Value (*formula)(F &, Value, bool)) {
  return dispatch(b, loc, x, [&](F &f, Value v) {
    if (f.isF64)
      return formula(f, v, false);
    return viaF64(f, v,
                  [&](F &wide, Value w) { return formula(wide, w, true); });
  });
}

Value mlir::tenon::emitSin(OpBuilder &b, Location loc, Value x) {
  return emitCircular(b, loc, x, sinOf);
}
Value mlir::tenon::emitCos(OpBuilder &b, Location loc, Value x) {
  return emitCircular(b, loc, x, cosOf);
}
Value mlir::tenon::emitTan(OpBuilder &b, Location loc, Value x) {
  return emitCircular(b, loc, x, tanOf);
}

/// atan a = atan c + atan((a - c)/(1 + a c)), c = 0, 1 or infinity.
Value mlir::tenon::emitAtan(OpBuilder &b, Location loc, Value x) {
  return dispatchViaF64(b, loc, x, [](F &f, Value v) {
    Value a = f.abs(v);
    Value middle = f.greater(a, f.c(0x1.a827999fcef32p-2)); // tan(π/8)
    Value large = f.greater(a, f.c(0x1.3504f333f9de6p1));   // tan(3π/8)
    Value one = f.c(1), zero = f.c(0);
    Value top = f.select(large, f.c(-1), f.select(middle, f.sub(a, one), a));
    Value bottom = f.select(large, a, f.select(middle, f.add(a, one), one));
    Value base =
        f.select(large, f.c(kHalfPi), f.select(middle, f.c(kHalfPi / 2), zero));
    Value baseLow = f.select(large, f.c(kHalfPiMiddle),
                             f.select(middle, f.c(kHalfPiMiddle / 2), zero));
    Value t = f.div(top, bottom);
    Value z = f.mul(t, t);
    Value tail = f.fma(f.mul(t, z), f.poly(kAtanF64, z), baseLow);
    return f.copySign(f.add(base, f.add(t, tail)), v);
  });
}

namespace {

/// What asin and acos share: for a = |x| <= 1/2, t = a, else t = sqrt(z) with
/// z = (1 - a)/2, for which asin a = π/2 - 2 asin t; arc = asin t.
struct Arc {
  Value small, arc;
};

} // namespace

static Arc arcOf(F &f, Value a) {
  Value small = f.cmp(arith::CmpFPredicate::OLE, a, f.c(0.5));
  Value half = f.fma(a, f.c(-0.5), f.c(0.5));
  Value z = f.select(small, f.mul(a, a), half);
  Value t = f.select(small, a, f.sqrt(half));
  return {small, f.fma(f.mul(t, z), f.poly(kAsinF64, z), t)};
}

Value mlir::tenon::emitAsin(OpBuilder &b, Location loc, Value x) {
  return dispatchViaF64(b, loc, x, [](F &f, Value v) {
    Arc a = arcOf(f, f.abs(v));
    Value folded =
        f.add(f.c(kHalfPi), f.fma(a.arc, f.c(-2), f.c(kHalfPiMiddle)));
    return f.copySign(f.select(a.small, a.arc, folded), v);
  });
}

Value mlir::tenon::emitAcos(OpBuilder &b, Location loc, Value x) {
  return dispatchViaF64(b, loc, x, [](F &f, Value v) {
    Arc a = arcOf(f, f.abs(v));
    // |x| <= 1/2: π/2 - asin x. Else 2 asin t, or π minus that for negative x.
    Value near =
        f.sub(f.c(kHalfPi), f.sub(f.copySign(a.arc, v), f.c(kHalfPiMiddle)));
    Value twice = f.add(a.arc, a.arc);
    Value far = f.select(f.less(v, f.c(0)),
                         f.sub(f.c(kPi), f.sub(twice, f.c(kPiLow))), twice);
    return f.select(a.small, near, far);
  });
}
