//===- ExactFloat.h - Floating point by its definition ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A reference for arithmetic and conversions: numbers are exact, as whole
// multiples of 2^-2200, and are rounded once, by comparing what is cut off with
// one half. Slow, and without any floating-point operation of the host.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TEST_SIM_EXACT_FLOAT_H
#define TENON_TEST_SIM_EXACT_FLOAT_H

#include <array>
#include <cstdint>

namespace tenon::test {

/// A binary format: sign, exponent, mantissa. Only e4m3 has neither infinity
/// nor more than one NaN (PTX ISA 5.2.3).
struct FloatFormat {
  int exponentBits, mantissaBits;
  bool hasInfinity = true;
  int bias() const { return (1 << (exponentBits - 1)) - 1; }
  int bits() const { return 1 + exponentBits + mantissaBits; }
};
inline constexpr FloatFormat kF16{5, 10}, kBF16{8, 7}, kF32{8, 23},
    kF64{11, 52}, kTF32{8, 10}, kE4M3{4, 3, false}, kE5M2{5, 2};

enum class Round { Nearest, Zero, Down, Up, NearestAway };

/// A whole number of 4480 bits.
class Big {
public:
  static constexpr int kUnit = 2200; ///< bit 0 counts 2^-2200
  std::array<uint64_t, 70> words{};

  /// Adds m * 2^exponent.
  void addScaled(unsigned __int128 m, int exponent);
  void add(const Big &other);
  void subtract(const Big &other); ///< not more than this
  int compare(const Big &other) const;
  bool isZero() const;
  bool bit(int at) const;
  int top() const; ///< highest bit that is 1
  bool anyBelow(int at) const;
};

struct Exact {
  bool isNaN = false, isInfinite = false, isNegative = false;
  Big magnitude;
  bool isZero() const { return !isNaN && !isInfinite && magnitude.isZero(); }
};

Exact decodeFloat(FloatFormat format, uint64_t bits);
/// A NaN has all bits but the sign. A number beyond the greatest becomes
/// infinity, or that greatest, as IEEE 754 says.
uint64_t encodeFloat(FloatFormat format, Exact value, Round round);
Exact exactInteger(__int128 value);

/// The rounding only decides the sign of a zero that is a difference.
Exact exactSum(const Exact &a, const Exact &b, Round round);
Exact exactProduct(const Exact &a, const Exact &b);
/// Quotient and root, cut far below any rounding, with a last bit that tells
/// whether something was cut.
Exact exactQuotient(FloatFormat format, uint64_t a, uint64_t b);
Exact exactRoot(FloatFormat format, uint64_t a);
/// To a whole number.
Exact exactIntegral(const Exact &value, Round round);
/// Of what is less than 2^126.
__int128 integerOf(const Exact &value);
/// -1, 0, 1; neither is a NaN. Zeros are equal.
int compareExact(const Exact &a, const Exact &b);

/// .ftz: subnormal numbers to zeros.
uint64_t flushFloat(FloatFormat format, uint64_t bits);
bool isNaNBits(FloatFormat format, uint64_t bits);

} // namespace tenon::test

#endif // TENON_TEST_SIM_EXACT_FLOAT_H
