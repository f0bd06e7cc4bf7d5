//===- Model.h - How a device's Tensor Cores add ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX leaves the rounding of mma open (ISA 9.7.14.5.14: "accumulation ... with
// at least single precision"; order and intermediate rounding unspecified).
// What hardware does has been measured:
//
//   [1] Fasi, Higham, Mikaitis, Pranesh, "Numerical behavior of NVIDIA tensor
//       cores", PeerJ Computer Science 7:e330, 2021
//   [2] Khattak, Mikaitis, "Accurate models of NVIDIA tensor cores",
//       arXiv 2512.07004, with models and measured sums in
//       github.com/north-numerical-computing/MATLAB-tensor-core
//   [3] Xie, Wang, Yang, Yang, "MMA-Sim: bit-accurate reference model of tensor
//       cores and matrix cores", arXiv 2511.10909, github.com/microsoft/MMA-Sim
//
// They agree on this, for each element of the result:
//
//   1. k is cut into blocks; a block's products are exact. The exponent of a
//      product is the sum of its factors' before it is normalized; that of a
//      subnormal factor is the smallest of its type.
//   2. Products and accumulator are aligned to the largest exponent among those
//      that are not zero, at least `floor`; what lies more than `fraction` bits
//      behind that exponent's unit is cut off each of them.
//   3. They are added without loss. The sum is cut off to the result's bits,
//      or, for f16 results, rounded to nearest even.
//   4. The next block takes the result as its accumulator.
//
// Infinities and NaN follow IEEE 754; a NaN result is canonical; a sum of zero
// is +0.
//
// `exact` instead adds everything without loss and rounds once, to nearest.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_MMA_MODEL_H
#define TENON_SIM_EXEC_MMA_MODEL_H

#include "sim/ptx/Modifiers.h"

namespace tenon::sim::exec {

struct AddModel {
  unsigned block = 8;     ///< products that are added at once
  unsigned fraction = 24; ///< bits kept behind the largest exponent's unit
  int floor = -132;       ///< the least that the largest exponent counts as
  unsigned kept = 23;     ///< bits behind the point of an f32 result
  /// Without fp8 units: fp8 factors become f16; of each four products the first
  /// two are added in one block from zero, then the others; C comes last, in an
  /// addition of its own to nearest ([2], measured on H100).
  bool fp8ThroughHalf = false;
  bool exact = false;
};

/// The model of a device's Tensor Core for types of A and D.
AddModel addModel(unsigned sm, ptx::Type a, ptx::Type d);

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_MMA_MODEL_H
