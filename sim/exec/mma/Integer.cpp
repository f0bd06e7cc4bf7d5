//===- Integer.cpp - Products of matrices of integers and bits ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Words of four 8-bit or eight 4-bit elements along K. Of each word the two
// 16-bit halves hold, after a shift or two, one element each; the processor's
// pmaddwd multiplies these with another word's and adds the two. A vector holds
// the same word of eight columns of B:
//
//   word k     [ 3 | 2 | 1 | 0 ]
//   part 0     [   2   |   0   ]     part 1     [   3   |   1   ]
//
// Sums of products stay within 32 bits: at most 128 of 2^16 in magnitude.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/mma/Mma.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <immintrin.h>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Type;

/// One element of each half of eight words.
template <unsigned Bits, bool Signed>
static __m256i part(__m256i words, unsigned index) {
  __m256i top = _mm256_slli_epi16(words, int(16 - Bits * (index + 1)));
  return Signed ? _mm256_srai_epi16(top, 16 - Bits)
                : _mm256_srli_epi16(top, 16 - Bits);
}

template <unsigned Bits>
static __m256i partOf(Type type, __m256i words, unsigned index) {
  return type == Type::S8 || type == Type::S4 ? part<Bits, true>(words, index)
                                              : part<Bits, false>(words, index);
}

static uint32_t wordAt(const uint8_t *packed, unsigned word) {
  uint32_t value;
  std::memcpy(&value, packed + 4 * word, 4);
  return value;
}

/// Word `word` of eight columns.
static __m256i columnWords(const uint8_t (*columns)[256], unsigned word) {
  alignas(32) uint32_t values[8];
  for (unsigned i = 0; i < 8; ++i)
    values[i] = wordAt(columns[i], word);
  return _mm256_load_si256(reinterpret_cast<const __m256i *>(values));
}

static __m256i load(const int32_t *from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(from));
}

/// C becomes the sum; without .satfinite it wraps, PTX ISA 9.7.14.5.14.
static void addTo(int32_t *c, __m256i sum, bool satfinite) {
  __m256i old = load(c), result = _mm256_add_epi32(old, sum);
  if (satfinite) {
    // Overflow: both have the sign that the result has not.
    __m256i over = _mm256_andnot_si256(_mm256_xor_si256(old, sum),
                                       _mm256_xor_si256(old, result));
    __m256i limit = _mm256_xor_si256(_mm256_srai_epi32(old, 31),
                                     _mm256_set1_epi32(INT32_MAX));
    result = _mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(result),
                                                  _mm256_castsi256_ps(limit),
                                                  _mm256_castsi256_ps(over)));
  }
  _mm256_storeu_si256(reinterpret_cast<__m256i *>(c), result);
}

template <unsigned Bits>
static void multiplyWords(const MmaDescription &desc, unsigned k, Type a,
                          Type b, MmaScratch &x) {
  constexpr unsigned kParts = 16 / Bits, kMaxWords = 32;
  unsigned words = k * Bits / 32;
  // [word][part] of each row of A, as pairs to broadcast.
  alignas(32) int32_t left[32][kParts][kMaxWords];
  for (unsigned row = 0; row < desc.shape.m; ++row)
    for (unsigned p = 0; p < kParts; ++p)
      for (unsigned word = 0; word < words; word += 8) {
        __m256i value = _mm256_loadu_si256(
            reinterpret_cast<const __m256i *>(x.a[row] + 4 * word));
        _mm256_store_si256(reinterpret_cast<__m256i *>(&left[row][p][word]),
                           partOf<Bits>(a, value, p));
      }
  for (unsigned column = 0; column < desc.shape.n; column += 8) {
    __m256i right[kParts][kMaxWords];
    for (unsigned word = 0; word < words; ++word) {
      __m256i value = columnWords(x.b + column, word);
      for (unsigned p = 0; p < kParts; ++p)
        right[p][word] = partOf<Bits>(b, value, p);
    }
    for (unsigned row = 0; row < desc.shape.m; ++row) {
      __m256i sum = _mm256_setzero_si256();
      for (unsigned p = 0; p < kParts; ++p)
        for (unsigned word = 0; word < words; ++word)
          sum = _mm256_add_epi32(
              sum, _mm256_madd_epi16(_mm256_set1_epi32(left[row][p][word]),
                                     right[p][word]));
      addTo(&x.c[row][column], sum, desc.satfinite);
    }
  }
}

static void multiplyBits(const MmaDescription &desc, MmaScratch &x) {
  unsigned pairs = desc.shape.k / 64;
  for (unsigned row = 0; row < desc.shape.m; ++row)
    for (unsigned column = 0; column < desc.shape.n; ++column) {
      int32_t sum = 0;
      for (unsigned i = 0; i < pairs; ++i) {
        uint64_t a, b;
        std::memcpy(&a, x.a[row] + 8 * i, 8);
        std::memcpy(&b, x.b[column] + 8 * i, 8);
        sum += std::popcount(desc.isXor ? a ^ b : a & b);
      }
      x.c[row][column] = int32_t(uint32_t(x.c[row][column]) + uint32_t(sum));
    }
}

/// Each 4-bit element as a byte.
static void widen(Type type, const uint8_t *packed, unsigned count,
                  uint8_t *to) {
  for (unsigned i = 0; i < count; ++i) {
    unsigned nibble = packed[i / 2] >> (i % 2 * 4) & 15;
    to[i] = uint8_t(type == Type::S4 ? (nibble ^ 8) - 8 : nibble);
  }
}

/// A dense A of bytes in place of the stored elements, and B of bytes.
static void makeDense(const MmaDescription &desc, const SparseColumns &columns,
                      MmaScratch &x) {
  unsigned k = desc.shape.k;
  bool isNarrow = ptx::bitsOf(desc.a) == 4;
  for (unsigned row = 0; row < desc.shape.m; ++row) {
    uint8_t stored[64] = {}, dense[128] = {};
    if (isNarrow)
      widen(desc.a, x.a[row], k / 2, stored);
    else
      std::memcpy(stored, x.a[row], k / 2);
    for (unsigned i = 0; i < k / 2; ++i)
      dense[columns[row][i]] = stored[i];
    std::memcpy(x.a[row], dense, k);
  }
  if (!isNarrow)
    return;
  for (unsigned column = 0; column < desc.shape.n; ++column) {
    uint8_t wide[128];
    widen(desc.b, x.b[column], k, wide);
    std::memcpy(x.b[column], wide, k);
  }
}

void tenon::sim::exec::multiplyIntegers(const MmaDescription &desc,
                                        const SparseColumns *columns,
                                        MmaScratch &scratch) {
  unsigned k = desc.shape.k;
  if (desc.a == Type::B1)
    return multiplyBits(desc, scratch);
  Type a = desc.a, b = desc.b;
  bool isNarrow = ptx::bitsOf(a) == 4;
  if (desc.sparse) {
    makeDense(desc, *columns, scratch);
    if (isNarrow) {
      a = a == Type::S4 ? Type::S8 : Type::U8;
      b = b == Type::S4 ? Type::S8 : Type::U8;
      isNarrow = false;
    }
  }
  isNarrow ? multiplyWords<4>(desc, k, a, b, scratch)
           : multiplyWords<8>(desc, k, a, b, scratch);
}
