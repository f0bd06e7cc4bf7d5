//===- Half.h - Sixteen-bit floats, one at a time ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For atomics, which work lane by lane. The families that compute on rows have
// vector code of their own (alu/).
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_HALF_H
#define TENON_SIM_EXEC_HALF_H

#include <bit>
#include <cmath>
#include <cstdint>

namespace tenon::sim::exec {

inline constexpr uint16_t kCanonicalHalfNaN = 0x7fff;

/// Minimum and maximum of values that `Format::toFloat` widens: a NaN yields
/// to a number, and +0 is above -0 (PTX ISA 9.7.4.7).
template <typename Format> struct HalfOrder {
  static uint16_t minimum(uint16_t a, uint16_t b) { return choose(a, b, true); }
  static uint16_t maximum(uint16_t a, uint16_t b) {
    return choose(a, b, false);
  }

private:
  static uint16_t choose(uint16_t a, uint16_t b, bool least) {
    float x = Format::toFloat(a), y = Format::toFloat(b);
    if (x != x)
      return y != y ? kCanonicalHalfNaN : b;
    if (y != y)
      return a;
    if (x == y)
      return ((a >> 15) != 0) == least ? a : b;
    return (x < y) == least ? a : b;
  }
};

/// IEEE binary16.
struct HalfTraits : HalfOrder<HalfTraits> {
  static float toFloat(uint16_t bits) {
    return float(std::bit_cast<_Float16>(bits));
  }
  /// Rounded once: the sum of two halves spans 41 bits, exact in f64.
  static uint16_t fromFloatSum(uint16_t a, uint16_t b) {
    double sum = double(toFloat(a)) + double(toFloat(b));
    if (sum != sum)
      return kCanonicalHalfNaN;
    return std::bit_cast<uint16_t>(_Float16(sum));
  }
};

/// bfloat16: the upper half of binary32.
struct BHalfTraits : HalfOrder<BHalfTraits> {
  static float toFloat(uint16_t bits) {
    return std::bit_cast<float>(uint32_t(bits) << 16);
  }
  static uint16_t round(double value) {
    // To f32 by round-to-odd, so that the second rounding is right.
    auto narrow = float(value);
    auto bits = std::bit_cast<uint32_t>(narrow);
    if (double(narrow) != value) {
      if (std::fabs(double(narrow)) > std::fabs(value))
        --bits;
      bits |= 1;
    }
    return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
  }
  static uint16_t fromFloatSum(uint16_t a, uint16_t b) {
    float x = toFloat(a), y = toFloat(b);
    double sum = double(x) + double(y);
    if (sum != sum)
      return kCanonicalHalfNaN;
    if (std::isinf(sum) || sum == 0)
      return uint16_t(std::bit_cast<uint32_t>(float(sum)) >> 16);
    // Exponents may differ by 250: then y is less than half a unit of x, and
    // f64's own rounding keeps it on the right side only if it is marked.
    double rest = std::fabs(x) >= std::fabs(y) ? (double(x) - sum) + double(y)
                                               : (double(y) - sum) + double(x);
    if (rest != 0) {
      auto bits = std::bit_cast<uint64_t>(sum);
      if ((rest < 0) == (sum > 0))
        --bits;
      sum = std::bit_cast<double>(bits | 1);
    }
    return round(sum);
  }
};

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_HALF_H
