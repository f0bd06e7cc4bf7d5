//===- ExactFloat.cpp - Floating point by its definition ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/ExactFloat.h"

#include <algorithm>

namespace tenon::test {
using Wide = unsigned __int128;

void Big::add(const Big &other) {
  uint64_t carry = 0;
  for (size_t k = 0; k < words.size(); ++k) {
    Wide sum = Wide(words[k]) + other.words[k] + carry;
    words[k] = uint64_t(sum);
    carry = uint64_t(sum >> 64);
  }
}
void Big::subtract(const Big &other) {
  uint64_t borrow = 0;
  for (size_t k = 0; k < words.size(); ++k) {
    Wide difference = Wide(words[k]) - other.words[k] - borrow;
    words[k] = uint64_t(difference);
    borrow = uint64_t(difference >> 64) & 1;
  }
}
void Big::addScaled(Wide m, int exponent) {
  Big other;
  for (int k = 0; k < 128; ++k)
    if (m >> k & 1) {
      // What lies below all places only tells that something was cut.
      int at = std::max(k + exponent + kUnit, 0);
      other.words[size_t(at / 64)] |= uint64_t(1) << at % 64;
    }
  add(other);
}
int Big::compare(const Big &other) const {
  for (size_t k = words.size(); k-- > 0;)
    if (words[k] != other.words[k])
      return words[k] < other.words[k] ? -1 : 1;
  return 0;
}
bool Big::isZero() const {
  return std::all_of(words.begin(), words.end(), [](auto w) { return !w; });
}
bool Big::bit(int at) const {
  return at >= 0 && (words[size_t(at / 64)] >> at % 64 & 1);
}
int Big::top() const {
  for (int k = int(words.size()) - 1; k >= 0; --k)
    if (words[size_t(k)])
      return 64 * k + 63 - __builtin_clzll(words[size_t(k)]);
  return -1;
}
bool Big::anyBelow(int at) const {
  for (int k = 0; k < at; k += 64) {
    uint64_t word = words[size_t(k / 64)];
    if (at - k < 64)
      word &= (uint64_t(1) << (at - k)) - 1;
    if (word)
      return true;
  }
  return false;
}

/// Mantissa and exponent of a finite number.
static void split(FloatFormat format, uint64_t bits, uint64_t &m, int &e) {
  int field =
      int(bits >> format.mantissaBits) & ((1 << format.exponentBits) - 1);
  m = bits & ((uint64_t(1) << format.mantissaBits) - 1);
  if (field)
    m |= uint64_t(1) << format.mantissaBits;
  e = std::max(field, 1) - format.bias() - format.mantissaBits;
}

Exact decodeFloat(FloatFormat format, uint64_t bits) {
  Exact value;
  uint64_t most = (uint64_t(1) << (format.bits() - 1)) - 1, size = bits & most;
  uint64_t infinity = most >> format.mantissaBits << format.mantissaBits;
  value.isNegative = bits >> (format.bits() - 1) & 1;
  value.isNaN = format.hasInfinity ? size > infinity : size == most;
  value.isInfinite = format.hasInfinity && size == infinity;
  if (value.isNaN || value.isInfinite)
    return value;
  uint64_t m;
  int e;
  split(format, bits, m, e);
  value.magnitude.addScaled(m, e);
  return value;
}

/// Whether what is cut below bit `at` makes the rest one more.
static bool roundsUp(const Exact &value, int at, Round round) {
  const Big &big = value.magnitude;
  bool half = big.bit(at - 1), less = at > 0 && big.anyBelow(at - 1);
  switch (round) {
  case Round::Nearest:
    return half && (less || big.bit(at));
  case Round::NearestAway:
    return half;
  case Round::Zero:
    return false;
  case Round::Down:
    return value.isNegative && (half || less);
  case Round::Up:
    return !value.isNegative && (half || less);
  }
  return false;
}

uint64_t encodeFloat(FloatFormat format, Exact value, Round round) {
  uint64_t sign = uint64_t(value.isNegative) << (format.bits() - 1);
  uint64_t most = (uint64_t(1) << (format.bits() - 1)) - 1;
  uint64_t infinity = most >> format.mantissaBits << format.mantissaBits;
  if (value.isNaN)
    return most;
  if (value.isInfinite)
    return sign | (format.hasInfinity ? infinity : most);
  if (value.magnitude.isZero())
    return sign;
  int least = 1 - format.bias();
  int exponent = std::max(value.magnitude.top() - Big::kUnit, least);
  int at = exponent - format.mantissaBits + Big::kUnit;
  uint64_t m = 0;
  for (int k = format.mantissaBits; k >= 0; --k)
    m = m << 1 | value.magnitude.bit(at + k);
  m += roundsUp(value, at, round);
  // The fields count on, from subnormal to normal, and to the next exponent.
  uint64_t bits = m;
  if (m >> format.mantissaBits)
    bits += uint64_t(exponent - least) << format.mantissaBits;
  uint64_t past = format.hasInfinity ? infinity : most;
  if (bits < past)
    return sign | bits;
  bool toGreatest = round == Round::Zero ||
                    round == (value.isNegative ? Round::Up : Round::Down);
  return sign | (toGreatest ? past - 1 : past);
}

Exact exactInteger(__int128 value) {
  Exact result;
  result.isNegative = value < 0;
  result.magnitude.addScaled(value < 0 ? Wide(-value) : Wide(value), 0);
  return result;
}

Exact exactSum(const Exact &a, const Exact &b, Round round) {
  Exact result;
  if (a.isNaN || b.isNaN ||
      (a.isInfinite && b.isInfinite && a.isNegative != b.isNegative)) {
    result.isNaN = true;
    return result;
  }
  if (a.isInfinite)
    return a;
  if (b.isInfinite)
    return b;
  result = a;
  if (a.isNegative == b.isNegative) {
    result.magnitude.add(b.magnitude);
    return result;
  }
  int order = a.magnitude.compare(b.magnitude);
  if (order < 0) {
    result = b;
    result.magnitude.subtract(a.magnitude);
  } else {
    result.magnitude.subtract(b.magnitude);
  }
  if (order == 0)
    result.isNegative = round == Round::Down;
  return result;
}

Exact exactProduct(const Exact &a, const Exact &b) {
  Exact result;
  result.isNaN = a.isNaN || b.isNaN || (a.isInfinite && b.isZero()) ||
                 (a.isZero() && b.isInfinite);
  result.isNegative = a.isNegative != b.isNegative;
  result.isInfinite = a.isInfinite || b.isInfinite;
  if (result.isNaN || result.isInfinite)
    return result;
  // Bits of each: at most 53 stand together.
  auto digits = [](const Big &big, int &exponent) {
    uint64_t m = 0;
    int top = std::max(big.top(), 63);
    for (int k = top; k > top - 64; --k)
      m = m << 1 | big.bit(k);
    exponent = top - 63 - Big::kUnit;
    return m;
  };
  int ea, eb;
  uint64_t ma = digits(a.magnitude, ea), mb = digits(b.magnitude, eb);
  for (; ma && !(ma & 1); ma >>= 1)
    ++ea;
  for (; mb && !(mb & 1); mb >>= 1)
    ++eb;
  if (ma && mb)
    result.magnitude.addScaled(Wide(ma) * mb, ea + eb);
  return result;
}

Exact exactQuotient(FloatFormat format, uint64_t a, uint64_t b) {
  Exact x = decodeFloat(format, a), y = decodeFloat(format, b), result;
  result.isNaN = x.isNaN || y.isNaN || (x.isInfinite && y.isInfinite) ||
                 (x.isZero() && y.isZero());
  result.isNegative = x.isNegative != y.isNegative;
  result.isInfinite = x.isInfinite || y.isZero();
  if (result.isNaN || result.isInfinite || y.isInfinite || x.isZero())
    return result;
  uint64_t ma, mb;
  int ea, eb;
  split(format, a, ma, ea);
  split(format, b, mb, eb);
  for (; !(ma >> 54); ma <<= 1)
    --ea;
  for (; !(mb & 1); mb >>= 1)
    ++eb;
  Wide high = Wide(ma) << 70;
  result.magnitude.addScaled(high / mb << 1 | (high % mb != 0), ea - eb - 71);
  return result;
}

Exact exactRoot(FloatFormat format, uint64_t a) {
  Exact x = decodeFloat(format, a), result;
  if (x.isNaN || x.isZero())
    return x;
  result.isNaN = x.isNegative;
  result.isInfinite = x.isInfinite;
  if (result.isNaN || result.isInfinite)
    return result;
  uint64_t m;
  int e;
  split(format, a, m, e);
  Wide square = m;
  for (; !(square >> 124) || e % 2; square <<= 1)
    --e;
  Wide root = 0;
  for (int k = 63; k >= 0; --k) {
    Wide more = root | Wide(1) << k;
    if (more * more <= square)
      root = more;
  }
  result.magnitude.addScaled(root << 1 | (root * root != square), e / 2 - 1);
  return result;
}

Exact exactIntegral(const Exact &value, Round round) {
  if (value.isNaN || value.isInfinite)
    return value;
  Exact result = value;
  bool up = roundsUp(value, Big::kUnit, round);
  for (int k = 0; k < Big::kUnit; k += 64)
    result.magnitude.words[size_t(k / 64)] &=
        Big::kUnit - k >= 64 ? 0 : ~uint64_t(0) << (Big::kUnit - k);
  if (up)
    result.magnitude.addScaled(1, 0);
  return result;
}

__int128 integerOf(const Exact &value) {
  Wide m = 0;
  for (int k = 126; k >= 0; --k)
    m = m << 1 | value.magnitude.bit(Big::kUnit + k);
  return value.isNegative ? -__int128(m) : __int128(m);
}

int compareExact(const Exact &a, const Exact &b) {
  if (a.isZero() && b.isZero())
    return 0;
  if (a.isNegative != b.isNegative)
    return a.isNegative ? -1 : 1;
  int size = a.isInfinite || b.isInfinite
                 ? int(a.isInfinite) - int(b.isInfinite)
                 : a.magnitude.compare(b.magnitude);
  return a.isNegative ? -size : size;
}

uint64_t flushFloat(FloatFormat format, uint64_t bits) {
  uint64_t fields = (uint64_t(1) << (format.bits() - 1)) - 1;
  uint64_t sign = bits & ~fields;
  return (bits & fields) >> format.mantissaBits ? bits : sign;
}
bool isNaNBits(FloatFormat format, uint64_t bits) {
  return decodeFloat(format, bits).isNaN;
}

} // namespace tenon::test
