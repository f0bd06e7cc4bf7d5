//===- MinMax.h - Minimum and maximum of floating point ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 9.7.3.11, 9.7.3.12, 9.7.4.7 and 9.7.4.8: -0 is less than +0; of a
// number and a NaN the result is the number, with .NaN the NaN. Which NaN is
// left to the caller.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_ALU_MIN_MAX_H
#define TENON_SIM_EXEC_ALU_MIN_MAX_H

#include "sim/exec/alu/Single.h"

namespace tenon::sim::exec::TENON_SIM_ISA {
namespace {

template <bool IsMin, bool NaN, typename V> TENON_SIM_INLINE V least(V a, V b) {
  using Bits = std::conditional_t<std::is_same_v<V, Doubles>, Longs, Words>;
  // Equal numbers have the same bits, or are zeros: then or and and of their
  // bits give -0 and +0.
  V equal = V(IsMin ? Bits(a) | Bits(b) : Bits(a) & Bits(b));
  V result = a == b ? equal : (IsMin ? a < b : a > b) ? a : b;
  if constexpr (NaN)
    return a == a ? result : a; // if b is one, it was chosen
  else
    return b == b ? result : a; // if a is one, b was chosen
}

/// .xorsign.abs: the sign is the product's.
template <bool IsMin, bool NaN>
TENON_SIM_INLINE Floats leastXorSign(Floats a, Floats b) {
  Words sign = (Words(a) ^ Words(b)) & kSign32;
  Floats result = least<IsMin, NaN>(magnitude(a), magnitude(b));
  return result == result ? Floats(Words(result) | sign) : result;
}

} // namespace
} // namespace tenon::sim::exec::TENON_SIM_ISA

#endif // TENON_SIM_EXEC_ALU_MIN_MAX_H
