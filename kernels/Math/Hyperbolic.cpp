//===- Hyperbolic.cpp - sinh, cosh and the inverse functions --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All in f64; f32 goes through it. sinh has a polynomial near 0, else both
// exponentials; the inverse functions are log1p of an expression without
// cancellation. (tanh is in ExpLog.cpp: it is hot.)
// Test: test/unit/math/MathTest.cpp
//
//===----------------------------------------------------------------------===//
#include "kernels/Math/Coefficients.h"
#include "kernels/Math/Math.h"
#include "kernels/Math/MathBuilder.h"

using namespace mlir;
using namespace mlir::tenon;
using namespace mlir::tenon::coefficients;

static constexpr double kLn2 = 0x1.62e42fefa39efp-1;

/// exp(a)/2 + sign exp(-a)/2, a >= 0, without early overflow.
static Value halfSum(F &f, Value a, double sign) {
  Value e = expOf(f, f.mul(a, f.c(0.5)));
  Value up = f.mul(f.mul(f.c(0.5), e), e);
  return f.add(up, f.div(f.div(f.c(0.5 * sign), e), e));
}

Value mlir::tenon::emitSinh(OpBuilder &b, Location loc, Value x) {
  return dispatchViaF64(b, loc, x, [](F &f, Value v) {
    Value a = f.abs(v);
    Value z = f.mul(a, a);
    Value small = f.fma(f.mul(a, z), f.poly(kSinhF64, z), a);
    Value result = f.select(f.less(a, f.c(1)), small, halfSum(f, a, -1));
    return f.copySign(result, v);
  });
}

Value mlir::tenon::emitCosh(OpBuilder &b, Location loc, Value x) {
  return dispatchViaF64(b, loc, x,
                        [](F &f, Value v) { return halfSum(f, f.abs(v), 1); });
}

Value mlir::tenon::emitAsinh(OpBuilder &b, Location loc, Value x) {
  return dispatchViaF64(b, loc, x, [](F &f, Value v) {
    // log(a + sqrt(a² + 1)) = log1p(a + a²/(1 + sqrt(a² + 1))); for large a
    // log(2 a).
    Value a = f.abs(v);
    Value big = f.greater(a, f.c(0x1p28));
    Value square = f.mul(a, a);
    Value root = f.sqrt(f.add(square, f.c(1)));
    Value rest = f.add(a, f.div(square, f.add(root, f.c(1))));
    Value small = log1pOf(f, f.select(big, f.c(0), rest));
    Value large = f.add(logOf(f, a), f.c(kLn2));
    return f.copySign(f.select(big, large, small), v);
  });
}

Value mlir::tenon::emitAcosh(OpBuilder &b, Location loc, Value x) {
  return dispatchViaF64(b, loc, x, [](F &f, Value v) {
    // With t = x - 1: log1p(t + sqrt(2 t + t²)); NaN below 1.
    Value big = f.greater(v, f.c(0x1p28));
    Value t = f.select(big, f.c(0), f.sub(v, f.c(1)));
    Value small = log1pOf(f, f.add(t, f.sqrt(f.fma(t, t, f.add(t, t)))));
    Value large = f.add(logOf(f, v), f.c(kLn2));
    Value result = f.select(big, large, small);
    return f.select(f.less(v, f.c(1)), f.nan(), result);
  });
}

Value mlir::tenon::emitAtanh(OpBuilder &b, Location loc, Value x) {
  return dispatchViaF64(b, loc, x, [](F &f, Value v) {
    // log((1 + a)/(1 - a))/2 = log1p(2 a/(1 - a))/2.
    Value a = f.abs(v);
    Value ratio = f.div(f.add(a, a), f.sub(f.c(1), a));
    Value result = f.mul(f.c(0.5), log1pOf(f, ratio));
    result = f.select(f.greater(a, f.c(1)), f.nan(), result);
    return f.copySign(result, v);
  });
}
