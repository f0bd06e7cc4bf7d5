//===- Convert.h - Number conversions as inline IR --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Conversions and integer divisions that are defined for every input and need
// no library call on x86-64-v3. x: scalar or 1-D vector; the result has the
// same shape.
// Test: test/unit/math/ConvertTest.cpp
//
//===----------------------------------------------------------------------===//
#ifndef TENON_KERNELS_MATH_CONVERT_H
#define TENON_KERNELS_MATH_CONVERT_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"

namespace mlir::tenon {

/// Between any two of f64, f32, f16, bf16: rounded once, to nearest even;
/// overflow gives infinity, NaN stays NaN, denormals are kept. f32 <-> f16 is
/// F16C's instruction, bf16 integer arithmetic.
Value emitFloatCast(OpBuilder &b, Location loc, Value x, FloatType to);

/// Float (any of the four) to a signless integer type of 1 to 64 bits, read as
/// signed or unsigned: rounds toward zero, saturates, NaN gives 0. i1: x != 0,
/// as ONNX's Cast to bool (NaN gives 1).
Value emitFloatToInt(OpBuilder &b, Location loc, Value x, IntegerType to,
                     bool isSigned);

/// Signless integer, read as signed or unsigned, to one of the four floats:
/// rounded once. An i1 is 0 or 1 whatever `isSigned` says.
Value emitIntToFloat(OpBuilder &b, Location loc, Value x, FloatType to,
                     bool isSigned);

/// A quotient or remainder, and where the divisor was zero (i1, in x's shape):
/// there the result is 0. The caller reports TENON_KERNEL_DIVISION_BY_ZERO.
struct GuardedDivision {
  Value result;
  Value divisorIsZero;
};

/// Toward zero; INT_MIN / -1 wraps to INT_MIN.
GuardedDivision emitDivS(OpBuilder &b, Location loc, Value x, Value divisor);
GuardedDivision emitDivU(OpBuilder &b, Location loc, Value x, Value divisor);
/// Sign of the dividend (C's %, ONNX Mod with fmod = 1).
GuardedDivision emitRemS(OpBuilder &b, Location loc, Value x, Value divisor);
/// Sign of the divisor (Python's %, ONNX Mod with fmod = 0).
GuardedDivision emitFloorModS(OpBuilder &b, Location loc, Value x,
                              Value divisor);
GuardedDivision emitRemU(OpBuilder &b, Location loc, Value x, Value divisor);

} // namespace mlir::tenon

#endif // TENON_KERNELS_MATH_CONVERT_H
