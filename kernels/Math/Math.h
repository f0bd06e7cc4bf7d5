//===- Math.h - Elementary functions as inline IR ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each emitX(b, loc, x) emits straight-line arith, vector and llvm-intrinsic
// ops (fma, roundeven, sqrt …, all with an instruction on x86-64-v3) that
// compute X elementwise, and returns the result, of x's type. No libm, no call,
// no table in memory, the same bits on every machine and for scalar and vector.
//
// The arith, vector, scf and llvm dialects must be loaded.
//
// x: f32 or f64, or a 1-D vector of them; f16 and bf16 are computed in f32 and
// rounded once more.
//
// Special values are those of C's Annex F: infinities, NaN, signed zeros,
// denormal arguments and results, overflow to infinity. MXCSR must be as
// runtime/include/tenon/kernel_abi.h says.
//
// Errors are the largest that test/unit/math/MathTest.cpp found against double
// (f32: every 97th bit pattern of all 2^32) or long double (f64: samples), in
// units in the last place (ulp) of the result, rounded up; the test fails above
// them. What has 0.51 in f32 is computed in f64 and rounded.
//
//                f32 ulp   f64 ulp   how the f32 form works
//   exp            0.9       0.9     Cody-Waite, degree 6, exponent arithmetic
//   exp2           1.1       1.1     the same
//   expm1          0.51      1.5
//   log            0.8       0.8     (1+s)/(1-s) series
//   log1p          0.51      1.5
//   softplus       0.51      1.8     max(x,0) + log1p(exp(-|x|))
//   tanh           1.5       1.5     polynomial | em/(em + 2), em = exp(2|x|)-1
//   sigmoid        2.3       2.1     z = exp(-|x|): (1 or z)/(1 + z)
//   erf            1.25      1       polynomial | 1 - exp(polynomial)
//   sin, cos       0.51      1.5 (*) Payne-Hanek above 2^27
//   tan            0.51      3.2 (*)
//   asin           0.51      2.1
//   acos           0.51      1.1
//   atan           0.51      1.5
//   sinh           0.51      3.4
//   cosh           0.51      2.6
//   asinh          0.51      1.8
//   acosh          0.51      2
//   atanh          0.51      2.1
//   pow            0.51     15       log (f64: in two words), exp
//   sqrt           0.5       0.5     instruction
//   rsqrt          1.5       1.5     root and division
//   roundEven, floor, ceil, trunc    exact
//
//   gelu, geluTanh, silu (f32): |error| <= 2.5 ulp of max(|result|, |x|/4): the
//   left tail is small by cancellation, as in every f32 implementation.
//
// (*) f64 sin, cos, tan: for |x| <= 2^27; above that the error grows with |x|,
//     and above 2^50 the result has no meaning. f32: all x.
//
// 8 cached f32 take, at 2.45 GHz on Zen 3 with AVX2: exp 3.6 ns, silu 5 ns,
// sigmoid 5.2 ns, tanh 7 ns, log 7 ns, erf 10 ns, gelu 11 ns, sin 13 ns.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_KERNELS_MATH_MATH_H
#define TENON_KERNELS_MATH_MATH_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"

namespace mlir::tenon {

Value emitExp(OpBuilder &b, Location loc, Value x);
Value emitExp2(OpBuilder &b, Location loc, Value x);
Value emitExpm1(OpBuilder &b, Location loc, Value x);
Value emitLog(OpBuilder &b, Location loc, Value x);
Value emitLog1p(OpBuilder &b, Location loc, Value x);

/// exp for softmax: x <= 0 only (or NaN); results below 2^-126 become 0. A few
/// instructions cheaper than emitExp.
Value emitExpNonPositive(OpBuilder &b, Location loc, Value x);

Value emitTanh(OpBuilder &b, Location loc, Value x);
Value emitSigmoid(OpBuilder &b, Location loc, Value x);
/// log(1 + exp(x)).
Value emitSoftplus(OpBuilder &b, Location loc, Value x);
Value emitErf(OpBuilder &b, Location loc, Value x);
/// x/2 (1 + erf(x/sqrt(2))).
Value emitGelu(OpBuilder &b, Location loc, Value x);
/// x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
Value emitGeluTanh(OpBuilder &b, Location loc, Value x);
/// x sigmoid(x).
Value emitSilu(OpBuilder &b, Location loc, Value x);

Value emitSin(OpBuilder &b, Location loc, Value x);
Value emitCos(OpBuilder &b, Location loc, Value x);
Value emitTan(OpBuilder &b, Location loc, Value x);
Value emitAsin(OpBuilder &b, Location loc, Value x);
Value emitAcos(OpBuilder &b, Location loc, Value x);
Value emitAtan(OpBuilder &b, Location loc, Value x);

Value emitSinh(OpBuilder &b, Location loc, Value x);
Value emitCosh(OpBuilder &b, Location loc, Value x);
Value emitAsinh(OpBuilder &b, Location loc, Value x);
Value emitAcosh(OpBuilder &b, Location loc, Value x);
Value emitAtanh(OpBuilder &b, Location loc, Value x);

/// x to the power y, both of one type. pow(x, ±0) = pow(1, y) = 1 even for
/// NaN; a negative x needs an integer y, else NaN.
Value emitPow(OpBuilder &b, Location loc, Value x, Value y);

/// Correctly rounded; negative x gives NaN, -0 gives -0.
Value emitSqrt(OpBuilder &b, Location loc, Value x);
/// 1/sqrt(x), by an exact root and a division: no approximate instruction.
Value emitRsqrt(OpBuilder &b, Location loc, Value x);

/// To an integral value in x's type; one instruction each. RoundEven is ONNX's
/// Round: ties to even.
Value emitRoundEven(OpBuilder &b, Location loc, Value x);
Value emitFloor(OpBuilder &b, Location loc, Value x);
Value emitCeil(OpBuilder &b, Location loc, Value x);
Value emitTrunc(OpBuilder &b, Location loc, Value x);

} // namespace mlir::tenon

#endif // TENON_KERNELS_MATH_MATH_H
