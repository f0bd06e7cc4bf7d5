//===- Formats.cpp - Elements of matrices as floats -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/exec/mma/Formats.h"

#include <bit>
#include <cmath>
#include <immintrin.h>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Type;

float tenon::sim::exec::fromHalf(uint16_t bits) {
  return float(std::bit_cast<_Float16>(bits));
}
float tenon::sim::exec::fromBHalf(uint16_t bits) {
  return std::bit_cast<float>(uint32_t(bits) << 16);
}
/// e4m3 has no infinities; 0x7f is NaN.
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

float tenon::sim::exec::toFloat(Type type, uint64_t bits) {
  switch (type) {
  case Type::F16:
    return fromHalf(uint16_t(bits));
  case Type::BF16:
    return fromBHalf(uint16_t(bits));
  case Type::TF32: // the lower 13 bits are not read
    return std::bit_cast<float>(uint32_t(bits) & 0xffffe000u);
  case Type::E4M3:
    return fromE4M3(uint8_t(bits));
  case Type::E5M2:
    return fromE5M2(uint8_t(bits));
  default:
    return std::bit_cast<float>(uint32_t(bits));
  }
}

/// Eight bytes as sixteen bits each, in the upper half.
static __m128i upperHalves(const char *from) {
  return _mm_slli_epi16(_mm_cvtepu8_epi16(_mm_loadl_epi64(
                            reinterpret_cast<const __m128i *>(from))),
                        8);
}

/// The same bits as an f16 are 2^-8 times the value, also of subnormals.
static __m256 widenE4M3(__m128i upper) {
  const __m128i magnitude = _mm_set1_epi16(0x7f00),
                sign = _mm_set1_epi16(int16_t(0x8000));
  __m128i bits = _mm_and_si128(upper, magnitude);
  __m128i half =
      _mm_or_si128(_mm_and_si128(upper, sign), _mm_srli_epi16(bits, 1));
  __m256 value = _mm256_mul_ps(_mm256_cvtph_ps(half), _mm256_set1_ps(256));
  __m256i isNaN = _mm256_cvtepi16_epi32(_mm_cmpeq_epi16(bits, magnitude));
  return _mm256_or_ps(value, _mm256_castsi256_ps(isNaN));
}

/// Eight elements.
template <Type Of> static __m256 unpack8(const char *from) {
  const auto *vector = reinterpret_cast<const __m128i *>(from);
  if constexpr (Of == Type::F16)
    return _mm256_cvtph_ps(_mm_loadu_si128(vector));
  else if constexpr (Of == Type::BF16)
    return _mm256_castsi256_ps(
        _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(vector)), 16));
  else if constexpr (Of == Type::E4M3)
    return widenE4M3(upperHalves(from));
  else if constexpr (Of == Type::E5M2)
    return _mm256_cvtph_ps(upperHalves(from));
  else if constexpr (Of == Type::TF32)
    return _mm256_and_ps(
        _mm256_loadu_ps(reinterpret_cast<const float *>(from)),
        _mm256_castsi256_ps(_mm256_set1_epi32(int(0xffffe000u))));
  else
    return _mm256_loadu_ps(reinterpret_cast<const float *>(from));
}

template <Type Of, unsigned Bytes>
static void unpackOf(const void *packed, size_t packedStride, unsigned rows,
                     unsigned count, float *result, size_t stride) {
  const auto *from = static_cast<const char *>(packed);
  for (unsigned row = 0; row < rows; ++row)
    for (unsigned i = 0; i < count; i += 8)
      _mm256_storeu_ps(result + row * stride + i,
                       unpack8<Of>(from + row * packedStride + i * Bytes));
}

void tenon::sim::exec::unpack(Type type, const void *packed,
                              size_t packedStride, unsigned rows,
                              unsigned count, float *result, size_t stride) {
  switch (type) {
  case Type::F16:
    return unpackOf<Type::F16, 2>(packed, packedStride, rows, count, result,
                                  stride);
  case Type::BF16:
    return unpackOf<Type::BF16, 2>(packed, packedStride, rows, count, result,
                                   stride);
  case Type::E4M3:
    return unpackOf<Type::E4M3, 1>(packed, packedStride, rows, count, result,
                                   stride);
  case Type::E5M2:
    return unpackOf<Type::E5M2, 1>(packed, packedStride, rows, count, result,
                                   stride);
  case Type::TF32:
    return unpackOf<Type::TF32, 4>(packed, packedStride, rows, count, result,
                                   stride);
  default:
    return unpackOf<Type::F32, 4>(packed, packedStride, rows, count, result,
                                  stride);
  }
}

int tenon::sim::exec::minExponentOf(Type type) {
  switch (type) {
  case Type::F16:
  case Type::E5M2:
    return -14;
  case Type::E4M3:
    return -6;
  default:
    return -126;
  }
}
