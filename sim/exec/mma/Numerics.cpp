//===- Numerics.cpp - How Tensor Cores add --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The fast path holds eight columns of an output row in a vector: exponents as
// integers, products in f32 (exact: at most 22 bits), aligned by a power of two
// and cut off by conversion to integers, whose sum is exact. It needs finite
// values whose products stay normal numbers of f32, and falls back otherwise.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/mma/Numerics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <immintrin.h>
#include <limits>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Type;

static constexpr uint32_t kNaN = 0x7fffffff; // PTX ISA 9.7.3: canonical

AddModel tenon::sim::exec::addModel(unsigned sm, Type type, bool sparse) {
  AddModel model;
  bool isFp8 = type == Type::E4M3 || type == Type::E5M2;
  if (sm < 80)
    model = {4, 24};
  else if (sm < 90)
    model = {type == Type::TF32 ? 4u : isFp8 ? 16u : 8u, isFp8 ? 13u : 24u};
  else
    model = {type == Type::TF32 ? 8u : isFp8 ? 32u : 16u, isFp8 ? 13u : 25u};
  // Of a sparse A only every second element is multiplied.
  if (sparse)
    model.block *= 2;
  return model;
}

float tenon::sim::exec::fromHalf(uint16_t bits) {
  return float(std::bit_cast<_Float16>(bits));
}
float tenon::sim::exec::fromBHalf(uint16_t bits) {
  return std::bit_cast<float>(uint32_t(bits) << 16);
}
/// PTX ISA 5.2.3: e4m3 has no infinities, 0x7f is NaN.
float tenon::sim::exec::fromE4M3(uint8_t bits) {
  int exponent = bits >> 3 & 15, mantissa = bits & 7;
  float value = exponent == 15 && mantissa == 7 ? std::bit_cast<float>(kNaN)
                : exponent ? std::ldexp(float(8 + mantissa), exponent - 10)
                           : std::ldexp(float(mantissa), -9);
  return bits & 0x80 ? -value : value;
}
/// e5m2 is the upper half of f16.
float tenon::sim::exec::fromE5M2(uint8_t bits) {
  return fromHalf(uint16_t(bits << 8));
}
uint16_t tenon::sim::exec::toHalf(float value) {
  if (value != value)
    return 0x7fff;
  return std::bit_cast<uint16_t>(_Float16(value));
}

/// Unbiased exponent; of a subnormal that of the smallest normal number.
static int exponentOf(float value, int minExponent) {
  int field = int(std::bit_cast<uint32_t>(value) >> 23 & 255);
  return std::max(field - 127, minExponent);
}

/// sum * 2^scale, cut off to f32.
static float cutOff(int64_t sum, int scale) {
  if (sum == 0)
    return 0;
  bool negative = sum < 0;
  auto magnitude = uint64_t(negative ? -sum : sum);
  int bits = 64 - std::countl_zero(magnitude);
  // Bits below f32's last place, which of subnormals is 2^-149.
  int drop = std::max({0, bits - 24, -149 - scale});
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
    return roundTo(value, exponent + drop - 1, negative, toF16);
  }

private:
  static constexpr int kBias = 640, kLimbs = 48;
  int64_t limbs[kLimbs] = {};

  static float roundTo(uint64_t value, int exponent, bool negative,
                       bool toF16) {
    int bits = 64 - std::countl_zero(value);
    int precision = toF16 ? 11 : 24, lowest = toF16 ? -24 : -149;
    int drop = std::max(bits - precision, lowest - exponent);
    double magnitude;
    if (drop <= 0) {
      magnitude = std::ldexp(double(value), exponent);
    } else if (drop > 63) {
      magnitude = 0;
    } else {
      uint64_t kept = value >> drop, rest = value & ((uint64_t(1) << drop) - 1),
               half = uint64_t(1) << (drop - 1);
      if (rest > half || (rest == half && (kept & 1)))
        ++kept;
      magnitude = std::ldexp(double(kept), exponent + drop);
    }
    if (magnitude >= (toF16 ? 65520.0 : 0x1p128))
      magnitude = std::numeric_limits<double>::infinity();
    return float(negative ? -magnitude : magnitude);
  }
};

} // namespace

/// What IEEE 754 says where an input is infinite or NaN; false: none is.
static bool special(const float *a, const float (*b)[32], unsigned column,
                    unsigned k, float c, float &result) {
  bool positive = false, negative = false, nan = c != c;
  auto note = [&](float value) {
    if (value == std::numeric_limits<float>::infinity())
      positive = true;
    else if (value == -std::numeric_limits<float>::infinity())
      negative = true;
  };
  note(c);
  for (unsigned i = 0; i < k; ++i) {
    float x = a[i], y = b[i][column];
    if (std::isfinite(x) && std::isfinite(y))
      continue;
    float product = x * y;
    nan |= product != product;
    note(product);
  }
  if (!nan && !positive && !negative)
    return false;
  if (nan || (positive && negative))
    result = std::bit_cast<float>(kNaN);
  else
    result = positive ? std::numeric_limits<float>::infinity()
                      : -std::numeric_limits<float>::infinity();
  return true;
}

static float roundToHalf(float value) { return fromHalf(toHalf(value)); }

void tenon::sim::exec::multiplyAddSlow(FloatMatrices &x, unsigned m, unsigned n,
                                       unsigned k, int minExponent,
                                       const AddModel &model, bool halfResult) {
  for (unsigned row = 0; row < m; ++row)
    for (unsigned column = 0; column < n; ++column) {
      float &c = x.c[row][column];
      if (special(x.a[row], x.b, column, k, c, c))
        continue;
      if (model.exact) {
        ExactSum sum;
        sum.add(c);
        for (unsigned i = 0; i < k; ++i)
          sum.add(double(x.a[row][i]) * double(x.b[i][column]));
        c = sum.round(halfResult);
        continue;
      }
      for (unsigned begin = 0; begin < k; begin += model.block) {
        unsigned end = std::min(k, begin + model.block);
        int largest = c != 0 ? exponentOf(c, -126) : -1000;
        for (unsigned i = begin; i < end; ++i)
          if (x.a[row][i] != 0 && x.b[i][column] != 0)
            largest =
                std::max(largest, exponentOf(x.a[row][i], minExponent) +
                                      exponentOf(x.b[i][column], minExponent));
        if (largest == -1000)
          continue; // nothing but zeros
        int shift = int(model.fraction) - largest;
        auto aligned = [&](double value) {
          return int64_t(std::trunc(std::ldexp(value, shift)));
        };
        int64_t sum = aligned(c);
        for (unsigned i = begin; i < end; ++i)
          sum += aligned(double(x.a[row][i]) * double(x.b[i][column]));
        c = cutOff(sum, -shift);
        if (!std::isfinite(c))
          break;
      }
      if (halfResult)
        c = roundToHalf(c);
    }
}

// --- The fast path
// ------------------------------------------------------------

using V8f [[gnu::vector_size(32)]] = float;
using V8i [[gnu::vector_size(32)]] = int32_t;

/// Exponents of the values of a matrix that are not zero, and whether all are
/// finite and their products normal numbers.
static bool exponents(const float *values, int32_t *result, unsigned count,
                      int minExponent, int low, int high) {
  uint32_t bad = 0;
  for (unsigned i = 0; i < count; ++i) {
    uint32_t bits;
    std::memcpy(&bits, values + i, 4);
    int32_t field = int32_t(bits >> 23 & 255) - 127;
    bool zero = (bits << 1) == 0;
    int32_t exponent = field < minExponent ? minExponent : field;
    bad |= uint32_t(!zero) & uint32_t((exponent < low) | (exponent > high));
    result[i] = exponent;
  }
  return !bad;
}

void tenon::sim::exec::multiplyAdd(FloatMatrices &x, unsigned m, unsigned n,
                                   unsigned k, int minExponent,
                                   const AddModel &model, bool halfResult) {
  alignas(64) int32_t ea[32][FloatMatrices::kMaxK],
      eb[FloatMatrices::kMaxK][32], ec[32][32];
  // Products within 2^-76 .. 2^94, so that every power of two below is a normal
  // number, also after sums cancel to their last bit; sums in 32 bits.
  bool fast = !model.exact && n % 8 == 0 &&
              (model.block + 1) << (model.fraction + 2) < (1u << 31) &&
              model.fraction + 2 < 28;
  for (unsigned row = 0; fast && row < m; ++row)
    fast = exponents(x.a[row], ea[row], k, minExponent, -38, 46) &&
           exponents(x.c[row], ec[row], n, -126, -76, 100);
  for (unsigned i = 0; fast && i < k; ++i)
    fast = exponents(x.b[i], eb[i], n, minExponent, -38, 46);
  if (!fast)
    return multiplyAddSlow(x, m, n, k, minExponent, model, halfResult);

  // Conversions of sums, and scaling them into subnormals, cut off.
  unsigned old = _mm_getcsr();
  _mm_setcsr((old & ~0x6000u) | 0x6000u);
  const V8i never = V8i{} - 1000;
  for (unsigned row = 0; row < m; ++row)
    for (unsigned column = 0; column < n; column += 8) {
      V8f c;
      std::memcpy(&c, &x.c[row][column], 32);
      for (unsigned begin = 0; begin < k; begin += model.block) {
        unsigned end = std::min(k, begin + model.block);
        V8i bits = (V8i)c;
        V8i field = ((bits >> 23) & 255) - 127;
        field = field < -126 ? V8i{} - 126 : field;
        V8i largest = (bits << 1) == 0 ? never : field;
        V8f products[32];
        for (unsigned i = begin; i < end; ++i) {
          V8f b;
          V8i exponent;
          std::memcpy(&b, &x.b[i][column], 32);
          std::memcpy(&exponent, &eb[i][column], 32);
          V8f product = b * x.a[row][i];
          products[i - begin] = product;
          V8i sum = exponent + ea[row][i];
          sum = product == 0 ? never : sum;
          largest = largest < sum ? sum : largest;
        }
        // 2^(fraction - largest); where all is zero any will do.
        V8i any = largest == never ? V8i{} : largest;
        V8i shift = int(model.fraction) - any;
        V8f scale = (V8f)((shift + 127) << 23);
        V8i sum = __builtin_convertvector(c * scale, V8i);
        for (unsigned i = begin; i < end; ++i)
          sum += __builtin_convertvector(products[i - begin] * scale, V8i);
        // Back in two steps: 2^-shift may be below the normal numbers.
        V8i half = -shift / 2;
        V8f up = (V8f)((half + 127) << 23),
            rest = (V8f)((-shift - half + 127) << 23);
        c = (V8f)_mm256_cvtepi32_ps((__m256i)sum) * up * rest;
      }
      std::memcpy(&x.c[row][column], &c, 32);
    }
  _mm_setcsr(old);
  if (halfResult)
    for (unsigned row = 0; row < m; ++row)
      for (unsigned column = 0; column < n; ++column)
        x.c[row][column] = roundToHalf(x.c[row][column]);
}
