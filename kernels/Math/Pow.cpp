//===- Pow.cpp - x to the power y -----------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// exp(y log|x|) in f64, then the sign and C's list of special cases (Annex
// F.10.4.4). For f64 itself the logarithm has a second word (about 2^-60 of
// it is kept), since y log|x| reaches 709 and its error becomes one of the
// result; f32 needs no second word.
// Test: test/unit/math/MathTest.cpp
//
//===----------------------------------------------------------------------===//
#include "kernels/Math/Coefficients.h"
#include "kernels/Math/Convert.h"
#include "kernels/Math/Math.h"
#include "kernels/Math/MathBuilder.h"

using namespace mlir;
using namespace mlir::tenon;
using namespace mlir::tenon::coefficients;

namespace {

struct TwoWords {
  Value high, low;
};

} // namespace

/// log a in two words, a > 0 finite (anything else: anything).
static TwoWords preciseLog(F &f, Value a) {
  Value tiny = f.less(a, f.c(0x1p-1022));
  Value scaled = f.select(tiny, f.mul(a, f.c(0x1p54)), a);
  int64_t one = f.bias() << 52, root = 0x3fe6a09e667f3bcd;
  Value ix = f.iadd(f.bits(scaled), f.ci(one - root));
  Value k = f.fromSmallInt(f.isub(f.shr(ix, 52), f.ci(f.bias())));
  k = f.sub(k, f.select(tiny, f.c(54), f.c(0)));
  Value m =
      f.fromBits(f.iadd(f.iand(ix, f.ci((int64_t(1) << 52) - 1)), f.ci(root)));
  // s = (m - 1)/(m + 1) in two words; m + 1 may have lost a bit.
  Value t = f.sub(m, f.c(1)), bottom = f.add(m, f.c(1));
  Value bottomLow = f.sub(m, f.sub(bottom, f.c(1)));
  Value s = f.div(t, bottom);
  Value negated = f.neg(s);
  Value rest = f.fma(negated, bottomLow, f.fma(negated, bottom, t));
  Value sLow = f.div(rest, bottom);
  // 2 (s + sLow) + s³ P(s²), with the derivative of the cube at sLow.
  Value z = f.mul(s, s);
  Value tail = f.fma(f.mul(s, z), f.poly(kLogLongF64, z),
                     f.mul(f.mul(sLow, f.c(2)), f.add(z, f.c(1))));
  // k ln2: the first word's product is exact.
  Value high = f.mul(k, f.c(0x1.62e42feep-1));
  tail = f.fma(k, f.c(0x1.a39ef35793c76p-33), tail);
  Value twice = f.add(s, s);
  Value sum = f.add(high, twice);
  Value shadow = f.sub(sum, high);
  Value error = f.add(f.sub(high, f.sub(sum, shadow)), f.sub(twice, shadow));
  tail = f.add(tail, error);
  Value result = f.add(sum, tail);
  return {result, f.sub(tail, f.sub(result, sum))};
}

/// |x|^y without the special cases.
static Value magnitude(F &f, Value a, Value y, bool fromF32) {
  if (fromF32)
    return expOf(f, f.mul(y, logOf(f, a)));
  TwoWords log = preciseLog(f, a);
  // 0 and infinity: the plain logarithm knows them.
  Value regular = f.iequal(
      f.select(f.cmp(arith::CmpFPredicate::OGT, a, f.c(0)),
               f.select(f.less(a, f.infinity()), f.ci(1), f.ci(0)), f.ci(0)),
      f.ci(1));
  Value limits = f.select(f.equal(a, f.c(0)), f.neg(f.infinity()), a);
  Value high = f.select(regular, log.high, limits);
  Value product = f.mul(y, high);
  Value low = f.fma(y, log.low, f.fma(y, high, f.neg(product)));
  // Where the product is huge the second word is noise, or NaN.
  Value bounded = f.less(f.abs(product), f.c(800));
  low = f.select(bounded, low, f.c(0));
  return expOf(f, product, low);
}

static Value powOf(F &f, Value x, Value y, bool fromF32) {
  Value zero = f.c(0), one = f.c(1);
  Value a = f.abs(x);
  Value result = magnitude(f, a, y, fromF32);
  Value halfY = f.mul(y, f.c(0.5));
  Value integer = f.equal(f.floor(y), y);
  Value even = f.equal(f.floor(halfY), halfY);
  // A negative base (-0 and -infinity too) with an odd y: negative.
  Value flip = f.select(even, zero, f.select(integer, x, zero));
  result = f.copySign(result, flip);
  // A negative finite base with a fraction: NaN. Infinite y counts as integer.
  Value negative = f.less(x, zero);
  Value finite = f.less(a, f.infinity());
  Value noPower = f.select(integer, result, f.select(finite, f.nan(), result));
  result = f.select(negative, noPower, result);
  // |x| = 1 with infinite y, where 0 times infinity arose.
  Value infiniteY = f.equal(f.abs(y), f.infinity());
  result = f.select(f.equal(a, one), f.select(infiniteY, one, result), result);
  // 1 for x = 1 and for y = 0, whatever the other is.
  result = f.select(f.equal(x, one), one, result);
  return f.select(f.equal(y, zero), one, result);
}

Value mlir::tenon::emitPow(OpBuilder &b, Location loc, Value x, Value y) {
  Type type = x.getType(), element = getElementTypeOrSelf(type);
  if (element.isF64()) {
    F f(b, loc, type);
    return powOf(f, x, y, false);
  }
  F wide(b, loc, withElement(type, b.getF64Type()));
  Value result = powOf(wide, emitFloatCast(b, loc, x, b.getF64Type()),
                       emitFloatCast(b, loc, y, b.getF64Type()), true);
  return emitFloatCast(b, loc, result, cast<FloatType>(element));
}
