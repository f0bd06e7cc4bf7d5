//===- ExpLog.cpp - exp, log and what is made of them ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// exp: x = n ln2 + r with |r| <= ln2/2 (Cody and Waite: ln2 in two words, two
// fmas), exp(r) by a polynomial, times 2^n. n is found by adding 1.5 2^23 and
// stays in the low bits of that sum, from which 2^n is built by a shift: no
// conversion, which would be poison for NaN.
//
// log: x = 2^k m with m in [sqrt(1/2), sqrt(2)), f = m - 1, s = f/(2 + f),
// log(1 + f) = f - f²/2 + s (f²/2 + s² P(s²)).
//
// Test: test/unit/math/MathTest.cpp
//
//===----------------------------------------------------------------------===//
#include "kernels/Math/Coefficients.h"
#include "kernels/Math/Math.h"
#include "kernels/Math/MathBuilder.h"

using namespace mlir;
using namespace mlir::tenon;
using namespace mlir::tenon::coefficients;

// ln 2 in two words; the first has so many zero bits at its end that its
// product with any exponent is exact.
static constexpr double kLn2HighF64 = 0x1.62e42feep-1;
static constexpr double kLn2LowF64 = 0x1.a39ef35793c76p-33;
static constexpr double kLn2HighF32 = 0x1.62e3p-1;
static constexpr double kLn2LowF32 = 0x1.2fefa2p-17;
static constexpr double kLog2E = 0x1.71547652b82fep0;
static constexpr double kLn2 = 0x1.62e42fefa39efp-1;

ExpReduction mlir::tenon::reduceExp(F &f, Value x) {
  Value magicSum = f.fma(x, f.c(kLog2E), f.c(f.magic()));
  Value n = f.sub(magicSum, f.c(f.magic()));
  // Exact: n has few bits, and the difference cancels.
  Value high = f.fma(n, f.c(f.isF64 ? -kLn2HighF64 : -kLn2HighF32), x);
  Value low = f.mul(n, f.c(f.isF64 ? -kLn2LowF64 : -kLn2LowF32));
  return {magicSum, high, low};
}

Value mlir::tenon::expm1OfReduced(F &f, const ExpReduction &e) {
  Value r = f.add(e.high, e.low);
  Value q = f.isF64 ? f.poly(kExpF64, r) : f.poly(kExpF32, r);
  // The linear term is added last and unrounded: high + (low + r² P(r)).
  return f.add(e.high, f.fma(f.mul(r, r), q, e.low));
}

Value mlir::tenon::expOfReduced(F &f, const ExpReduction &e) {
  return f.add(expm1OfReduced(f, e), f.c(1));
}

Value mlir::tenon::powerOf2(F &f, Value magicSum) {
  // The magic number's own bits are shifted out.
  return f.fromBits(f.iadd(f.shl(f.bits(magicSum), f.mantissaBits()),
                           f.ci(f.bias() << f.mantissaBits())));
}

Value mlir::tenon::scaleByPowerOf2(F &f, Value p, Value magicSum) {
  // n = n1 + n2, n1 = floor(n/2): each of 2^n1 and 2^n2 is normal. The shift is
  // a logical one (AVX2 has no other for i64) on n + 2 bias > 0, which makes
  // the result n1 + bias, the biased exponent of 2^n1.
  Value n = f.isub(f.bits(magicSum), f.ci(f.magicBits()));
  Value biased1 = f.shr(f.iadd(n, f.ci(2 * f.bias())), 1);
  Value biased2 = f.isub(f.iadd(n, f.ci(2 * f.bias())), biased1);
  Value scale1 = f.fromBits(f.shl(biased1, f.mantissaBits()));
  Value scale2 = f.fromBits(f.shl(biased2, f.mantissaBits()));
  return f.mul(f.mul(p, scale1), scale2);
}

Value mlir::tenon::expOf(F &f, Value x, Value low) {
  // Beyond these the result is 0 or infinity whatever x is.
  x = f.atLeast(f.atMost(x, f.isF64 ? 710 : 89), f.isF64 ? -746 : -104);
  ExpReduction e = reduceExp(f, x);
  if (low)
    e.low = f.add(e.low, low);
  return scaleByPowerOf2(f, expOfReduced(f, e), e.magicSum);
}

Value mlir::tenon::expm1Of(F &f, Value x) {
  Value bounded = f.atLeast(f.atMost(x, f.isF64 ? 710 : 89), -60);
  ExpReduction e = reduceExp(f, bounded);
  Value p = expm1OfReduced(f, e);
  // 2^n p + (2^n - 1), at half the size so that n = 1024 works.
  Value half = f.fromBits(f.iadd(f.shl(f.bits(e.magicSum), f.mantissaBits()),
                                 f.ci((f.bias() - 1) << f.mantissaBits())));
  Value sum = f.fma(half, p, f.sub(half, f.c(0.5)));
  Value result = f.add(sum, sum);
  return f.select(f.equal(x, f.c(0)), x, result); // keeps -0
}

Value mlir::tenon::logOf(F &f, Value x) {
  // Denormals are scaled up by a power of two.
  int up = f.isF64 ? 54 : 25;
  Value tiny = f.less(x, f.c(f.isF64 ? 0x1p-1022 : 0x1p-126));
  Value scaled = f.select(tiny, f.mul(x, f.c(f.isF64 ? 0x1p54 : 0x1p25)), x);
  // Adding 1 - sqrt(1/2) in the bits moves the cut from 1 to sqrt(2).
  int64_t one = f.bias() << f.mantissaBits();
  int64_t root = f.isF64 ? 0x3fe6a09e667f3bcd : 0x3f3504f3;
  Value ix = f.iadd(f.bits(scaled), f.ci(one - root));
  Value k = f.fromSmallInt(f.isub(f.shr(ix, f.mantissaBits()), f.ci(f.bias())));
  k = f.sub(k, f.select(tiny, f.c(up), f.c(0)));
  Value m = f.fromBits(f.iadd(
      f.iand(ix, f.ci((int64_t(1) << f.mantissaBits()) - 1)), f.ci(root)));
  Value t = f.sub(m, f.c(1));
  Value s = f.div(t, f.add(t, f.c(2)));
  Value z = f.mul(s, s);
  Value p = f.isF64 ? f.poly(kLogF64, z) : f.poly(kLogF32, z);
  Value halfSquare = f.mul(f.mul(t, t), f.c(0.5));
  Value low = f.fma(s, f.fma(z, p, halfSquare),
                    f.mul(k, f.c(f.isF64 ? kLn2LowF64 : kLn2LowF32)));
  Value result = f.fma(k, f.c(f.isF64 ? kLn2HighF64 : kLn2HighF32),
                       f.sub(t, f.sub(halfSquare, low)));
  Value special = f.select(f.equal(x, f.c(0)), f.neg(f.infinity()), f.nan());
  result = f.select(f.greater(x, f.c(0)), result, special);
  return f.select(f.equal(x, f.infinity()), x, result);
}

Value mlir::tenon::log1pOf(F &f, Value x) {
  // log(u) for the rounded u = 1 + x, and what the rounding lost.
  Value u = f.add(x, f.c(1));
  Value lost = f.div(f.sub(x, f.sub(u, f.c(1))), u);
  Value logU = logOf(f, u);
  // u = 0 and infinity have nothing to correct (and lost is NaN there).
  Value plain = f.cmp(arith::CmpFPredicate::UNO, lost, lost);
  Value result = f.add(logU, f.select(plain, f.c(0), lost));
  return f.select(f.equal(x, f.c(0)), x, result); // keeps -0
}

Value mlir::tenon::emitExp(OpBuilder &b, Location loc, Value x) {
  return dispatch(b, loc, x, [](F &f, Value v) { return expOf(f, v); });
}

Value mlir::tenon::emitExpNonPositive(OpBuilder &b, Location loc, Value x) {
  return dispatch(b, loc, x, [](F &f, Value v) {
    double lowest = f.isF64 ? -708 : -87;
    ExpReduction e = reduceExp(f, f.atLeast(v, lowest));
    Value result = f.mul(expOfReduced(f, e), powerOf2(f, e.magicSum));
    return f.select(f.less(v, f.c(lowest)), f.c(0), result);
  });
}

Value mlir::tenon::emitExp2(OpBuilder &b, Location loc, Value x) {
  return dispatch(b, loc, x, [](F &f, Value v) {
    v = f.atLeast(f.atMost(v, f.isF64 ? 1025 : 129), f.isF64 ? -1080 : -155);
    Value magicSum = f.add(v, f.c(f.magic()));
    Value n = f.sub(magicSum, f.c(f.magic()));
    Value r = f.mul(f.sub(v, n), f.c(kLn2));
    ExpReduction e = {magicSum, r, f.c(0)};
    return scaleByPowerOf2(f, expOfReduced(f, e), magicSum);
  });
}

Value mlir::tenon::emitExpm1(OpBuilder &b, Location loc, Value x) {
  return dispatchViaF64(b, loc, x, expm1Of);
}
Value mlir::tenon::emitLog(OpBuilder &b, Location loc, Value x) {
  return dispatch(b, loc, x, logOf);
}
Value mlir::tenon::emitLog1p(OpBuilder &b, Location loc, Value x) {
  return dispatchViaF64(b, loc, x, log1pOf);
}

Value mlir::tenon::emitSoftplus(OpBuilder &b, Location loc, Value x) {
  return dispatchViaF64(b, loc, x, [](F &f, Value v) {
    Value positive = f.select(f.less(v, f.c(0)), f.c(0), v);
    return f.add(positive, log1pOf(f, expOf(f, f.neg(f.abs(v)))));
  });
}

Value mlir::tenon::emitTanh(OpBuilder &b, Location loc, Value x) {
  return dispatch(b, loc, x, [](F &f, Value v) {
    // Above 0.6: em/(em + 2), em = exp(2 |x|) - 1; from 10 (20) on that is 1.
    Value a = f.atMost(f.abs(v), f.isF64 ? 20 : 10);
    ExpReduction e = reduceExp(f, f.add(a, a));
    Value p = expm1OfReduced(f, e);
    Value scale = powerOf2(f, e.magicSum);
    Value em = f.fma(scale, p, f.sub(scale, f.c(1)));
    Value large = f.div(em, f.add(em, f.c(2)));
    Value z = f.mul(a, a);
    Value q = f.isF64 ? f.poly(kTanhF64, z) : f.poly(kTanhF32, z);
    Value small = f.fma(f.mul(a, z), q, a);
    return f.copySign(f.select(f.less(a, f.c(0.6)), small, large), v);
  });
}

static Value sigmoidOf(F &f, Value v) {
  Value z = expOf(f, f.neg(f.abs(v)));
  Value numerator = f.select(f.less(v, f.c(0)), z, f.c(1));
  return f.div(numerator, f.add(z, f.c(1)));
}

Value mlir::tenon::emitSigmoid(OpBuilder &b, Location loc, Value x) {
  return dispatch(b, loc, x, sigmoidOf);
}

/// x / (1 + exp(-u)), where u grows with x; x = -infinity gives -0.
static Value timesSigmoid(F &f, Value x, Value u) {
  // exp(-u) as exp with one scaling: beyond ±80 (700) the quotient is 0 next to
  // |x|, or x.
  double bound = f.isF64 ? 700 : 80;
  ExpReduction e = reduceExp(f, f.atLeast(f.atMost(f.neg(u), bound), -bound));
  Value z = f.mul(expOfReduced(f, e), powerOf2(f, e.magicSum));
  Value quotient = f.div(f.atLeast(x, -1e5), f.add(z, f.c(1)));
  return f.select(f.greater(f.neg(u), f.c(bound)), f.c(-0.0), quotient);
}

Value mlir::tenon::emitSilu(OpBuilder &b, Location loc, Value x) {
  return dispatch(b, loc, x,
                  [](F &f, Value v) { return timesSigmoid(f, v, v); });
}

Value mlir::tenon::emitGeluTanh(OpBuilder &b, Location loc, Value x) {
  return dispatch(b, loc, x, [](F &f, Value v) {
    // (1 + tanh(w))/2 = sigmoid(2 w).
    const double twoRoot = 1.5957691216057307117597842397375;
    Value square = f.mul(v, v);
    Value factor = f.fma(square, f.c(twoRoot * 0.044715), f.c(twoRoot));
    return timesSigmoid(f, v, f.mul(v, factor));
  });
}
