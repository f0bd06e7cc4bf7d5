//===- MultiplySlow.cpp - Products of matrices of floats, plainly ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One element at a time, in integers: Model.h as it stands there. Sums without
// loss are kept in fixed point.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/mma/Formats.h"
#include "sim/exec/mma/Multiply.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <span>

using namespace tenon::sim;
using namespace tenon::sim::exec;

/// Unbiased exponent; of a subnormal that of the smallest normal number.
static int exponentOf(float value, int minExponent) {
  int field = int(std::bit_cast<uint32_t>(value) >> 23 & 255);
  return std::max(field - 127, minExponent);
}

/// magnitude * 2^scale to nearest even, in f32 or f16.
static float roundNearest(uint64_t magnitude, int scale, bool negative,
                          bool toF16) {
  int bits = 64 - std::countl_zero(magnitude);
  int precision = toF16 ? 11 : 24, lowest = toF16 ? -24 : -149;
  int drop = std::max(bits - precision, lowest - scale);
  double value;
  if (drop <= 0) {
    value = std::ldexp(double(magnitude), scale);
  } else if (drop > 63) {
    value = 0;
  } else {
    uint64_t kept = magnitude >> drop,
             rest = magnitude & ((uint64_t(1) << drop) - 1),
             half = uint64_t(1) << (drop - 1);
    if (rest > half || (rest == half && (kept & 1)))
      ++kept;
    value = std::ldexp(double(kept), scale + drop);
  }
  if (value >= (toF16 ? 65520.0 : 0x1p128))
    value = std::numeric_limits<double>::infinity();
  return float(negative ? -value : value);
}

/// magnitude * 2^scale, cut off to f32 with `kept` bits behind the point.
static float cutOff(uint64_t magnitude, int scale, bool negative,
                    unsigned kept) {
  int bits = 64 - std::countl_zero(magnitude);
  // Bits below the last place, which of subnormals is that of 2^-126.
  int precision = int(kept) + 1, lowest = -126 - int(kept);
  int drop = std::max({0, bits - precision, lowest - scale});
  magnitude = drop < 64 ? magnitude >> drop << drop : 0;
  double value = std::ldexp(double(magnitude), scale);
  if (value >= 0x1p128)
    value = std::numeric_limits<double>::infinity();
  return float(negative ? -value : value);
}

namespace {

/// Sums of doubles without loss: fixed point, 32 bits a limb.
class ExactSum {
public:
  void add(double value) {
    if (value == 0)
      return;
    int exponent;
    double mantissa = std::frexp(value, &exponent);
    auto integer = int64_t(std::ldexp(mantissa, 53));
    exponent -= 53;
    int at = exponent + kBias;
    __int128 shifted = __int128(integer) << (at % 32);
    for (int limb = at / 32; shifted != 0 && shifted != -1; ++limb) {
      limbs[limb] += int64_t(shifted & 0xffffffff);
      shifted >>= 32;
      if (shifted == -1) {
        // The sign goes on above.
        limbs[limb + 1] -= 1;
        break;
      }
    }
  }
  /// Rounded to nearest even, to f32 or f16; +0 if nothing is left.
  float round(bool toF16) const {
    int64_t carried[kLimbs];
    int64_t carry = 0;
    for (int i = 0; i < kLimbs; ++i) {
      int64_t sum = limbs[i] + carry;
      carried[i] = sum & 0xffffffff;
      carry = sum >> 32;
    }
    bool negative = carry < 0;
    if (negative) {
      int64_t borrow = 1;
      for (int i = 0; i < kLimbs; ++i) {
        int64_t sum = (~carried[i] & 0xffffffff) + borrow;
        carried[i] = sum & 0xffffffff;
        borrow = sum >> 32;
      }
    }
    int top = kLimbs - 1;
    while (top >= 0 && carried[top] == 0)
      --top;
    if (top < 0)
      return 0;
    // 96 leading bits and a sticky one are more than any rounding asks for.
    unsigned __int128 leading = 0;
    for (int i = top; i > top - 3; --i)
      leading = leading << 32 | uint64_t(i >= 0 ? carried[i] : 0);
    bool sticky = false;
    for (int i = top - 3; i >= 0; --i)
      sticky |= carried[i] != 0;
    int exponent = (top - 2) * 32 - kBias; // of the last of the 96 bits
    // To 64 bits by round-to-odd, then once to the result.
    int width =
        128 - int(leading >> 64 ? std::countl_zero(uint64_t(leading >> 64))
                                : 64 + std::countl_zero(uint64_t(leading)));
    int drop = std::max(0, width - 62);
    sticky |=
        (leading & ((static_cast<unsigned __int128>(1) << drop) - 1)) != 0;
    auto value = uint64_t(leading >> drop) << 1 | uint64_t(sticky);
    return roundNearest(value, exponent + drop - 1, negative, toF16);
  }

private:
  static constexpr int kBias = 640, kLimbs = 48;
  int64_t limbs[kLimbs] = {};
};

} // namespace

namespace {
/// A factor of A and the one of B that it meets.
struct Factors {
  float a, b;
  double product() const { return double(a) * double(b); }
  bool isZero() const { return a == 0 || b == 0; }
};
} // namespace

/// What IEEE 754 says where an input is infinite or NaN; false: none is.
static bool special(std::span<const Factors> factors, float &c) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  bool positive = c == infinity, negative = c == -infinity, nan = c != c;
  for (const Factors &f : factors) {
    if (std::isfinite(f.a) && std::isfinite(f.b))
      continue;
    float product = f.a * f.b;
    nan |= product != product;
    positive |= product == infinity;
    negative |= product == -infinity;
  }
  if (!nan && !positive && !negative)
    return false;
  if (nan || (positive && negative))
    c = std::bit_cast<float>(kNaN);
  else
    c = positive ? infinity : -infinity;
  return true;
}

/// A block of products and the accumulator, as Model.h says.
static float addBlock(std::span<const Factors> factors, float c,
                      const FloatProduct &product, const AddModel &model) {
  if (special(factors, c))
    return c;
  int largest = model.floor;
  if (c != 0)
    largest = std::max(largest, exponentOf(c, -126));
  for (const Factors &f : factors)
    if (!f.isZero())
      largest = std::max(largest, exponentOf(f.a, product.minExponentA) +
                                      exponentOf(f.b, product.minExponentB));
  int shift = int(model.fraction) - largest;
  auto aligned = [&](double value) {
    return int64_t(std::trunc(std::ldexp(value, shift)));
  };
  int64_t sum = aligned(c);
  for (const Factors &f : factors)
    sum += aligned(f.product());
  if (sum == 0)
    return 0;
  bool negative = sum < 0;
  auto magnitude = uint64_t(negative ? -sum : sum);
  return product.halfResult ? roundNearest(magnitude, -shift, negative, true)
                            : cutOff(magnitude, -shift, negative, model.kept);
}

static float addExactly(std::span<const Factors> factors, float c,
                        bool halfResult) {
  if (special(factors, c))
    return c;
  ExactSum sum;
  sum.add(c);
  for (const Factors &f : factors)
    sum.add(f.product());
  return sum.round(halfResult);
}

void tenon::sim::exec::multiplyAddSlow(FloatMatrices &x,
                                       const FloatProduct &product,
                                       const AddModel &model) {
  if (model.fp8ThroughHalf && !model.exact)
    return multiplyThroughHalf(x, product, model, multiplyAddSlow);
  for (unsigned row = 0; row < product.m; ++row)
    for (unsigned column = 0; column < product.n; ++column) {
      Factors factors[FloatMatrices::kMaxK];
      for (unsigned i = 0; i < product.k; ++i)
        factors[i] = {x.a[row][i],
                      x.b[product.sparse ? x.at[row][i] : i][column]};
      std::span all(factors, product.k);
      float c = x.c[row][column];
      if (model.exact) {
        c = addExactly(all, c, product.halfResult);
      } else {
        unsigned block = std::min(model.block, product.k);
        for (unsigned begin = 0; begin < product.k; begin += block)
          c = addBlock(all.subspan(begin, block), c, product, model);
      }
      x.d[row][column] = c;
    }
}
