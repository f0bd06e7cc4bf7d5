//===- Single.h - What all instructions of f32 and f64 share ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 9.7.3: .ftz flushes subnormal inputs and results to zeros of their
// sign; .sat clamps to [0, 1], and NaN to +0. The ISA leaves open which NaN a
// single-precision instruction returns: hardware's 0x7fffffff. Double
// precision keeps payloads: here that of the first source that is a NaN, made
// quiet.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_ALU_SINGLE_H
#define TENON_SIM_EXEC_ALU_SINGLE_H

#include "sim/exec/alu/Map.h"

namespace tenon::sim::exec::TENON_SIM_ISA {
namespace {

using Floats = Chunk<float>;
using Doubles = Chunk<double>;
using Words = Chunk<uint32_t>;
using Longs = Chunk<uint64_t>;

inline constexpr uint32_t kNaN32 = 0x7fffffff;
inline constexpr uint32_t kSign32 = 0x80000000;
inline constexpr uint64_t kSign64 = uint64_t(1) << 63;
inline constexpr uint64_t kQuiet64 = uint64_t(1) << 51;
/// What hardware makes of inf - inf and the like.
inline constexpr uint64_t kInvalid64 = 0xfff8000000000000;

TENON_SIM_INLINE Floats magnitude(Floats x) {
  return Floats(Words(x) & ~kSign32);
}
TENON_SIM_INLINE Doubles magnitude(Doubles x) {
  return Doubles(Longs(x) & ~kSign64);
}

/// Zeros of its sign for what is smaller than the least normal number.
TENON_SIM_INLINE Floats flush(Floats x) {
  auto isTiny = Words(magnitude(x) < 0x1p-126f);
  return Floats(Words(x) & ~(isTiny >> 1));
}

TENON_SIM_INLINE Floats canonical(Floats x) {
  return x == x ? x : Floats(all<uint32_t>(kNaN32));
}

/// To [0, 1]; a NaN becomes +0, and so does -0.
template <typename V> TENON_SIM_INLINE V saturate(V x) {
  x = x > 0 ? x : V{};
  return x < 1 ? x : V{} + 1;
}

/// The NaN that results where a result is one.
TENON_SIM_INLINE Longs nanOf() { return all<uint64_t>(kInvalid64); }
template <typename... More>
TENON_SIM_INLINE Longs nanOf(Doubles x, More... more) {
  return x == x ? nanOf(more...) : Longs(x) | kQuiet64;
}

/// f as an instruction of single precision.
template <bool Ftz, bool Sat, auto F>
constexpr auto single = [](auto... x) {
  Floats result;
  if constexpr (Ftz)
    result = flush(F(flush(x)...));
  else
    result = F(x...);
  // Saturation takes NaNs, too.
  return Sat ? saturate(result) : canonical(result);
};

/// f as an instruction of double precision.
template <auto F>
constexpr auto wide = [](auto... x) {
  Doubles result = F(x...);
  auto isNaN = result != result;
  if (bitsOfLanes(isNaN)) [[unlikely]]
    result = Doubles(isNaN ? nanOf(x...) : Longs(result));
  return result;
};

} // namespace
} // namespace tenon::sim::exec::TENON_SIM_ISA

#endif // TENON_SIM_EXEC_ALU_SINGLE_H
