//===- Multiply.h - Products of matrices of floats --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// d = a * b + c as Model.h says. A sparse A holds the stored elements alone,
// and which row of b each one meets:
//
//   d[i][j] = c[i][j] + sum over s of a[i][s] * b[at[i][s]][j]
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_MMA_MULTIPLY_H
#define TENON_SIM_EXEC_MMA_MULTIPLY_H

#include "sim/exec/mma/Model.h"

#include <cstdint>

namespace tenon::sim::exec {

struct FloatMatrices {
  static constexpr unsigned kMaxK = 64;
  alignas(64) float a[32][kMaxK];
  alignas(64) float b[kMaxK][32];
  alignas(64) float c[32][32];
  alignas(64) float d[32][32];
  alignas(64) uint8_t at[32][kMaxK];
};

struct FloatProduct {
  unsigned m = 16, n = 8;
  unsigned k = 8; ///< of A's stored elements; a multiple of the block, or less
  unsigned depth = 8; ///< rows of B; for a dense A it is k
  /// Of the types of A and B, see minExponentOf().
  int minExponentA = -14, minExponentB = -14;
  bool sparse = false;
  bool halfResult = false; ///< rounded to f16
};

void multiplyAdd(FloatMatrices &matrices, const FloatProduct &product,
                 const AddModel &model);

/// The same one element at a time, without vectors: what the fast path must
/// agree with.
void multiplyAddSlow(FloatMatrices &matrices, const FloatProduct &product,
                     const AddModel &model);

/// AddModel::fp8ThroughHalf, by means of a function for the other models. A's
/// columns come out in another order.
void multiplyThroughHalf(FloatMatrices &matrices, const FloatProduct &product,
                         const AddModel &model,
                         decltype(multiplyAdd) *multiply);

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_MMA_MULTIPLY_H
