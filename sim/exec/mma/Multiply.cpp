//===- Multiply.cpp - Products of matrices of floats, quickly -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A vector holds eight columns of an output row:
//
//   1. exponents of A, B and C as integers; of zero, one far below all others
//   2. products in f32: exact, at most 22 bits; their exponents by adding;
//      the largest of a block by max
//   3. all of the block times the power of two that aligns to it, cut off by
//      conversion to integers, whose sum is exact
//   4. the sum as f64, cut off to the result's bits by masking, and scaled back
//
// Values near the ends of f32's exponents, infinities and NaN are found by
// their exponents on the way, and left to the plain loops (MultiplySlow.cpp).
//
//===----------------------------------------------------------------------===//

#include "sim/exec/mma/Multiply.h"

#include "sim/exec/mma/Formats.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <immintrin.h>

using namespace tenon::sim;
using namespace tenon::sim::exec;

namespace {

using V8f [[gnu::vector_size(32)]] = float;
using V8i [[gnu::vector_size(32)]] = int32_t;
using V4d [[gnu::vector_size(32)]] = double;
using V4l [[gnu::vector_size(32)]] = int64_t;

/// Exponent of zero: below that of any sum with another's.
constexpr int32_t kOfZero = -2000;
/// The largest exponent of a block is within these, or the block is all zeros:
/// then every power of two below, and every sum, is a normal number of f32.
constexpr int32_t kLow = -90, kHigh = 120;

struct Exponents {
  alignas(64) int32_t a[32][FloatMatrices::kMaxK];
  alignas(64) int32_t b[FloatMatrices::kMaxK][32];
};

template <typename T> V8f floats(const T *from) {
  V8f value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
V8i integers(const int32_t *from) {
  V8i value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

V8i exponentsOf(V8f value, int minExponent) {
  V8i magnitude = (V8i)value & 0x7fffffff;
  V8i exponent = (magnitude >> 23) - 127;
  exponent = exponent < minExponent ? V8i{} + minExponent : exponent;
  return magnitude == 0 ? V8i{} + kOfZero : exponent;
}

bool any(V8i truth) { return _mm256_movemask_epi8((__m256i)truth) != 0; }

/// The largest exponent of a row's; f32's infinities and NaN have 128.
int32_t largestOf(V8i value) {
  int32_t result = value[0];
  for (int i = 1; i < 8; ++i)
    result = std::max(result, value[i]);
  return result;
}

V8f powersOfTwo(V8i exponent) { return (V8f)((exponent + 127) << 23); }

/// A sum of integers as f32: cut off behind `kept` bits, or, for f16, with the
/// last bit set if anything was (round to odd), so that rounding it once more
/// is as if from the sum itself.
template <bool Half> V4d cutOff(V4d sum, int64_t mask) {
  V4l bits = (V4l)sum, cut = bits & mask;
  if (Half)
    cut |= (V4l)(cut != bits) & (int64_t(1) << 29);
  return (V4d)cut;
}

/// False: left to the plain loops.
template <unsigned Block, bool Sparse, bool Half>
bool rows(FloatMatrices &x, const Exponents &e, const FloatProduct &product,
          const AddModel &model) {
  const auto fraction = int32_t(model.fraction);
  const int32_t floor = std::max(model.floor, kLow);
  const int64_t mask = ~int64_t(0) << (52 - (Half ? 23 : model.kept));
  V8i bad = {};
  for (unsigned row = 0; row < product.m; ++row)
    for (unsigned column = 0; column < product.n; column += 8) {
      V8f c = floats(&x.c[row][column]);
      for (unsigned begin = 0; begin < product.k; begin += Block) {
        V8i largest = exponentsOf(c, -126);
        V8f products[Block];
#pragma clang loop unroll(full)
        for (unsigned i = 0; i < Block; ++i) {
          unsigned at = begin + i;
          unsigned from = Sparse ? x.at[row][at] : at;
          products[i] = floats(&x.b[from][column]) * x.a[row][at];
          V8i exponent = integers(&e.b[from][column]) + e.a[row][at];
          largest = largest < exponent ? exponent : largest;
        }
        bad |= (largest > kHigh) | ((largest < kLow) & (largest > kOfZero / 2));
        largest = largest < floor ? V8i{} + floor : largest;
        V8f scale = powersOfTwo(fraction - largest);
        // Eight of 2^27 at most fit 32 bits beside the accumulator's 2^26.
        V8i sums[2] = {__builtin_convertvector(c * scale, V8i), V8i{}};
#pragma clang loop unroll(full)
        for (unsigned i = 0; i < Block; ++i)
          sums[i / 8] += __builtin_convertvector(products[i] * scale, V8i);
        V4d low = (V4d)_mm256_cvtepi32_pd(
                _mm256_castsi256_si128((__m256i)sums[0])),
            high = (V4d)_mm256_cvtepi32_pd(
                _mm256_extracti128_si256((__m256i)sums[0], 1));
        if (Block > 8) {
          low +=
              (V4d)_mm256_cvtepi32_pd(_mm256_castsi256_si128((__m256i)sums[1]));
          high += (V4d)_mm256_cvtepi32_pd(
              _mm256_extracti128_si256((__m256i)sums[1], 1));
        }
        c = (V8f)_mm256_set_m128(
                _mm256_cvtpd_ps((__m256d)cutOff<Half>(high, mask)),
                _mm256_cvtpd_ps((__m256d)cutOff<Half>(low, mask))) *
            powersOfTwo(largest - fraction);
        if (Half)
          c = (V8f)_mm256_cvtph_ps(
              _mm256_cvtps_ph((__m256)c, _MM_FROUND_TO_NEAREST_INT));
      }
      std::memcpy(&x.d[row][column], &c, sizeof c);
    }
  return !any(bad);
}

template <unsigned Block>
bool rowsOf(FloatMatrices &x, const Exponents &e, const FloatProduct &product,
            const AddModel &model) {
  if (product.sparse)
    return product.halfResult ? rows<Block, true, true>(x, e, product, model)
                              : rows<Block, true, false>(x, e, product, model);
  return product.halfResult ? rows<Block, false, true>(x, e, product, model)
                            : rows<Block, false, false>(x, e, product, model);
}

bool multiplyFast(FloatMatrices &x, const FloatProduct &product,
                  const AddModel &model) {
  if (model.exact || product.n % 8 != 0 || model.fraction > 25)
    return false;
  Exponents e;
  V8i largestA = V8i{} + kOfZero, largestB = largestA;
  for (unsigned row = 0; row < product.m; ++row) {
    // Shapes of depth 4: what lies beside them is not theirs.
    if (product.k % 8)
      std::memset(&x.a[row][product.k], 0, 4 * sizeof(float));
    for (unsigned i = 0; i < product.k; i += 8) {
      V8i exponent = exponentsOf(floats(&x.a[row][i]), product.minExponentA);
      largestA = largestA < exponent ? exponent : largestA;
      std::memcpy(&e.a[row][i], &exponent, sizeof exponent);
    }
  }
  for (unsigned i = 0; i < product.depth; ++i)
    for (unsigned column = 0; column < product.n; column += 8) {
      V8i exponent = exponentsOf(floats(&x.b[i][column]), product.minExponentB);
      largestB = largestB < exponent ? exponent : largestB;
      std::memcpy(&e.b[i][column], &exponent, sizeof exponent);
    }
  // Infinity times zero counts as zero below, so it must be found here.
  if (any((largestA > 127) | (largestB > 127)) ||
      largestOf(largestA) + largestOf(largestB) > kHigh)
    return false;
  switch (std::min(model.block, product.k)) {
  case 4:
    return rowsOf<4>(x, e, product, model);
  case 8:
    return rowsOf<8>(x, e, product, model);
  case 16:
    return rowsOf<16>(x, e, product, model);
  }
  return false;
}

void multiplyOnce(FloatMatrices &x, const FloatProduct &product,
                  const AddModel &model) {
  if (!multiplyFast(x, product, model))
    multiplyAddSlow(x, product, model);
}

} // namespace

void tenon::sim::exec::multiplyAdd(FloatMatrices &x,
                                   const FloatProduct &product,
                                   const AddModel &model) {
  if (model.fp8ThroughHalf && !model.exact)
    multiplyThroughHalf(x, product, model, multiplyOnce);
  else
    multiplyOnce(x, product, model);
}

void tenon::sim::exec::multiplyThroughHalf(FloatMatrices &x,
                                           const FloatProduct &product,
                                           const AddModel &model,
                                           decltype(multiplyAdd) *multiply) {
  FloatProduct through = product;
  through.minExponentA = through.minExponentB = minExponentOf(ptx::Type::F16);
  through.sparse = true; // A's columns are put in another order
  AddModel half = model;
  half.fp8ThroughHalf = false;
  half.block = std::min(model.block, product.k / 2);
  for (unsigned row = 0; row < product.m; ++row) {
    float a[FloatMatrices::kMaxK];
    uint8_t at[FloatMatrices::kMaxK];
    for (unsigned i = 0; i < product.k; ++i) {
      unsigned to = i / 4 * 2 + i % 2 + (i % 4 < 2 ? 0 : product.k / 2);
      a[to] = x.a[row][i];
      at[to] = product.sparse ? x.at[row][i] : uint8_t(i);
    }
    std::memcpy(x.a[row], a, product.k * sizeof(float));
    std::memcpy(x.at[row], at, product.k);
  }
  float c[32][32];
  std::memcpy(c, x.c, sizeof c);
  std::memset(x.c, 0, sizeof x.c);
  multiply(x, through, half);
  for (unsigned row = 0; row < product.m; ++row)
    for (unsigned column = 0; column < product.n; ++column) {
      float &d = x.d[row][column];
      d += c[row][column];
      if (d != d)
        d = std::bit_cast<float>(kNaN);
      else if (product.halfResult)
        d = fromHalf(toHalf(d));
    }
}
