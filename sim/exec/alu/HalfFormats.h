//===- HalfFormats.h - f16 and bf16 lanes as single precision ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A format widens exactly to f32, and narrows from f32 with any rounding. The
// ISA leaves open which NaN a half-precision instruction returns (9.7.4):
// hardware's 0x7fff.
//
// To round once although the result passes through a wider format, round to
// odd in between: cut, and set the last bit if anything was cut (Boldo and
// Melquiond, "Emulation of FMA and correctly rounded sums", IEEE TC 57, 2008).
// Two bits more than the result has suffice.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_ALU_HALF_FORMATS_H
#define TENON_SIM_EXEC_ALU_HALF_FORMATS_H

#include "sim/exec/alu/Single.h"

#include <immintrin.h>

namespace tenon::sim::exec::TENON_SIM_ISA {
namespace {

using Halves = Chunk<uint16_t>;

inline constexpr uint16_t kNaN16 = 0x7fff;

enum class Rounding : uint8_t { Nearest, Down, Up, Zero, NearestAway };

struct F16 {
  static constexpr float leastNormal = 0x1p-14f, most = 65504.0f;
  static constexpr uint16_t exponent = 0x7c00, one = 0x3c00;

  TENON_SIM_INLINE static Floats widen(Halves x) {
#ifdef __AVX512F__
    return Floats(_mm512_cvtph_ps(__m256i(x)));
#else
    return Floats(_mm256_cvtph_ps(__m128i(x)));
#endif
  }
  template <int Mode> TENON_SIM_INLINE static Halves convertTo(Floats x) {
#ifdef __AVX512F__
    return Halves(_mm512_cvtps_ph(__m512(x), Mode | _MM_FROUND_NO_EXC));
#else
    return Halves(_mm256_cvtps_ph(__m256(x), Mode));
#endif
  }
  TENON_SIM_INLINE static Halves nearest(Floats x) {
    Halves result = convertTo<_MM_FROUND_TO_NEAREST_INT>(x);
    return (result & 0x7fff) > exponent ? all<uint16_t>(kNaN16) : result;
  }
  TENON_SIM_INLINE static Halves narrow(Floats x, Rounding rounding) {
    Halves result;
    switch (rounding) {
    case Rounding::Down:
      result = convertTo<_MM_FROUND_TO_NEG_INF>(x);
      break;
    case Rounding::Up:
      result = convertTo<_MM_FROUND_TO_POS_INF>(x);
      break;
    case Rounding::Zero:
      result = convertTo<_MM_FROUND_TO_ZERO>(x);
      break;
    default:
      return nearest(x);
    }
    return (result & 0x7fff) > exponent ? all<uint16_t>(kNaN16) : result;
  }
};

struct BF16 {
  static constexpr float leastNormal = 0x1p-126f, most = 0x1.fep127f;
  static constexpr uint16_t exponent = 0x7f80, one = 0x3f80;

  TENON_SIM_INLINE static Floats widen(Halves x) {
    return Floats(convert<uint32_t>(x) << 16);
  }
  /// The upper half, rounded up if adding `more` carries into it.
  TENON_SIM_INLINE static Halves upper(Floats x, Words more) {
    Words result = (Words(x) + more) >> 16;
    return convert<uint16_t>(x == x ? result : all<uint32_t>(kNaN16));
  }
  TENON_SIM_INLINE static Halves nearest(Floats x) {
    return upper(x, 0x7fff + (Words(x) >> 16 & 1));
  }
  TENON_SIM_INLINE static Halves narrow(Floats x, Rounding rounding) {
    // All bits of it: rounds away from zero.
    Words isNegative = Words(Chunk<int32_t>(x) >> 31);
    switch (rounding) {
    case Rounding::Down:
      return upper(x, isNegative & 0xffff);
    case Rounding::Up:
      return upper(x, ~isNegative & 0xffff);
    case Rounding::Zero:
      return upper(x, Words{});
    default:
      return nearest(x);
    }
  }
};

/// Moves the last place of `x` to odd where `error`, what the rounding to `x`
/// left out, is neither 0 nor NaN.
template <typename V> TENON_SIM_INLINE V toOdd(V x, V error) {
  using Bits = std::conditional_t<std::is_same_v<V, Doubles>, Longs, Words>;
  using Ints = Chunk<Signed<std::remove_cvref_t<decltype(Bits{}[0])>>>;
  constexpr int kTop = 8 * sizeof(x[0]) - 1;
  auto isInexact = (error < 0) | (error > 0);
  auto isEven = (Ints(x) & 1) == 0;
  // 1 away from zero if the error has the sign of x, else -1.
  Ints step = ((Ints(x) ^ Ints(error)) >> kTop) | 1;
  return V(Ints(x) + (step & Ints(isInexact) & Ints(isEven)));
}

/// a + b, and exactly what its rounding leaves out (Knuth, Møller).
template <typename V> TENON_SIM_INLINE V twoSum(V a, V b, V &error) {
  V s = a + b, bPart = s - a;
  error = (a - (s - bPart)) + (b - bPart);
  return s;
}

/// A double in single precision, rounded to odd.
TENON_SIM_INLINE Floats oddSingle(Doubles x) {
  Floats f = convert<float>(x);
  Doubles back = convert<double>(f);
  auto tooFar = convert<int32_t>(magnitude(back) > magnitude(x));
  auto isInexact = convert<int32_t>((back < x) | (back > x));
  return Floats((Words(f) + Words(tooFar)) | (Words(isInexact) & 1));
}

} // namespace
} // namespace tenon::sim::exec::TENON_SIM_ISA

#endif // TENON_SIM_EXEC_ALU_HALF_FORMATS_H
