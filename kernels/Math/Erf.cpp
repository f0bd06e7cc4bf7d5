//===- Erf.cpp - The error function and GELU ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two ranges, both computed, one chosen:
//   |x| <= 0.95   x + x P(x²)
//   above         1 - exp(P(|x|)), P an approximation of log(erfc)
// f64: the first up to 1, above 1 - exp(-x²) P((|x| - 2.5)/(|x| + 2.5)).
// GELU's erf form multiplies inside the same ranges.
// Test: test/unit/math/MathTest.cpp
//
//===----------------------------------------------------------------------===//
#include "kernels/Math/Coefficients.h"
#include "kernels/Math/Math.h"
#include "kernels/Math/MathBuilder.h"

using namespace mlir;
using namespace mlir::tenon;
using namespace mlir::tenon::coefficients;

/// erfc(a) for a >= 0.95 (f64: 1), to the accuracy that 1 - erfc(a) needs.
static Value erfcForLarge(F &f, Value a) {
  if (!f.isF64) {
    // From 4 on erf rounds to 1; the polynomial ends there.
    Value exponent = f.poly(kErfLargeF32, f.atMost(a, 4.0));
    ExpReduction e = reduceExp(f, f.atLeast(exponent, -80));
    return f.mul(expOfReduced(f, e), powerOf2(f, e.magicSum));
  }
  a = f.atMost(a, 6.0);
  Value w = f.div(f.sub(a, f.c(2.5)), f.add(a, f.c(2.5)));
  return f.mul(expOf(f, f.neg(f.mul(a, a))), f.poly(kErfLargeF64, w));
}

static Value erfOf(F &f, Value x) {
  Value a = f.abs(x);
  // Beyond the range the first form may overflow; it is not chosen then.
  Value z = f.mul(a, a);
  Value p = f.isF64 ? f.poly(kErfSmallF64, z) : f.poly(kErfSmallF32, z);
  Value small = f.fma(x, p, x);
  Value large = f.copySign(f.sub(f.c(1), erfcForLarge(f, a)), x);
  return f.select(f.greater(a, f.c(f.isF64 ? 1.0 : 0.95)), large, small);
}

Value mlir::tenon::emitErf(OpBuilder &b, Location loc, Value x) {
  return dispatch(b, loc, x, erfOf);
}

Value mlir::tenon::emitGelu(OpBuilder &b, Location loc, Value x) {
  return dispatch(b, loc, x, [](F &f, Value v) {
    Value erf = erfOf(f, f.mul(v, f.c(0x1.6a09e667f3bcdp-1)));
    // erf is -1 long before -40; -infinity would give NaN.
    Value half = f.mul(f.atLeast(v, -40), f.c(0.5));
    return f.fma(half, erf, half);
  });
}
