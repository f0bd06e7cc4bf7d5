//===- Numerics.h - How Tensor Cores add ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX leaves the rounding of mma open (ISA 9.7.14.5.14: "accumulation ... with
// at least single precision"; order and intermediate rounding unspecified).
// Measurements (Fasi, Higham, Mikaitis, Pranesh, "Numerical behavior of NVIDIA
// tensor cores", PeerJ Computer Science 7:e330, 2021; Khattak and Mikaitis,
// arXiv 2512.07004) agree on this model, for each output element:
//
//   products of a block of `block` elements of k are exact; they and the
//   accumulator are aligned to the largest exponent among them, whatever lies
//   below `fraction` bits behind that exponent's unit is cut off; the sum of
//   those is exact, then cut off to f32 (or rounded to nearest for f16
//   results). The next block takes the result as its accumulator.
//
// The exponent of a product is the sum of its factors', before the product is
// normalized. Values that are infinite or NaN follow IEEE 754; NaN is
// canonical.
//
// `exact` instead adds everything without loss and rounds once, to nearest.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_MMA_NUMERICS_H
#define TENON_SIM_EXEC_MMA_NUMERICS_H

#include "sim/ptx/Modifiers.h"

#include <cstdint>

namespace tenon::sim::exec {

/// Largest matrices of any shape, sparse ones expanded: m 32, n 32, k 128.
struct FloatMatrices {
  static constexpr unsigned kMaxK = 64;
  alignas(64) float a[32][kMaxK];
  alignas(64) float b[kMaxK][32];
  alignas(64) float c[32][32]; ///< accumulator, then result
};

struct AddModel {
  unsigned block = 8;     ///< elements of k that are added at once
  unsigned fraction = 24; ///< bits kept behind the largest exponent's unit
  bool exact = false;
};

/// The model of a device's Tensor Core for a type of A and B.
AddModel addModel(unsigned sm, ptx::Type type, bool sparse);

/// c = a * b + c. `minExponent` is that of A's and B's type, -14 for f16: its
/// subnormals have that exponent. `halfResult`: rounded to f16 at the end.
void multiplyAdd(FloatMatrices &matrices, unsigned m, unsigned n, unsigned k,
                 int minExponent, const AddModel &model, bool halfResult);

/// The same one element at a time, without vectors: what the fast path must
/// agree with.
void multiplyAddSlow(FloatMatrices &matrices, unsigned m, unsigned n,
                     unsigned k, int minExponent, const AddModel &model,
                     bool halfResult);

/// Values of narrow types; exact.
float fromHalf(uint16_t bits);
float fromBHalf(uint16_t bits);
float fromE4M3(uint8_t bits);
float fromE5M2(uint8_t bits);
/// To nearest even; NaN is 0x7fff.
uint16_t toHalf(float value);

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_MMA_NUMERICS_H
