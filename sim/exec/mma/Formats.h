//===- Formats.h - Elements of matrices as floats ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every type that mma multiplies but f64 is a subset of f32: conversions to it
// are exact, and multiplication works on floats alone. Types: PTX ISA 5.2.3.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_MMA_FORMATS_H
#define TENON_SIM_EXEC_MMA_FORMATS_H

#include "sim/ptx/Modifiers.h"

#include <cstddef>
#include <cstdint>

namespace tenon::sim::exec {

inline constexpr uint32_t kNaN = 0x7fffffff; ///< canonical, PTX ISA 9.7.3

float fromHalf(uint16_t bits);
float fromBHalf(uint16_t bits);
float fromE4M3(uint8_t bits);
float fromE5M2(uint8_t bits);
/// To nearest even; NaN is 0x7fff.
uint16_t toHalf(float value);

/// An element by its bits: F16, BF16, TF32, E4M3, E5M2 or F32.
float toFloat(ptx::Type type, uint64_t bits);

/// `rows` rows of `count` elements each, a multiple of 4, that lie packed one
/// after the other. Strides in bytes and in floats; what a row holds beside
/// its elements, up to a multiple of 8, is read and written too.
void unpack(ptx::Type type, const void *packed, size_t packedStride,
            unsigned rows, unsigned count, float *result, size_t stride);

/// Exponent of the smallest normal number of a type, which that of a subnormal
/// number counts as.
int minExponentOf(ptx::Type type);

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_MMA_FORMATS_H
