//===- Mma.cpp - Matrix instructions on the rows of a warp ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A row's 128 bytes, in the order of lanes 4g + t, are in mma's fragments
//
//   of A   8 rows of the matrix, 16 bytes of each: elements along K
//   of B   8 columns, 16 bytes of each: elements along K
//   of C   f16: 8 rows whole; wider: every second element of 8 rows
//
// whatever the type. So rows become packed rows of A and columns of B by copies
// of 16 bytes, which Formats.h and Integer.cpp unpack. In wmma's fragments as
// Fragments.cpp defines them the lanes' registers, lane by lane, are the packed
// rows and columns themselves.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/mma/Mma.h"
#include "sim/exec/mma/Formats.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <immintrin.h>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Type;
using Layout = MmaDescription::Layout;

static constexpr unsigned kLanes = 32;

// --- Fragments of mma -------------------------------------------------------

/// 16 bytes of each of eight packed rows.
static void spread(const char *row, uint8_t *to, size_t stride) {
  for (unsigned g = 0; g < 8; ++g)
    std::memcpy(to + g * stride, row + g * 16, 16);
}

static void gatherPacked(const MmaDescription &desc, const MmaRows &rows,
                         MmaScratch &x) {
  bool tall = desc.shape.m == 16;
  for (unsigned r = 0; r < desc.counts[0]; ++r)
    spread(rows.a[r], tall ? x.a[8 * (r % 2)] + 16 * (r / 2) : x.a[0] + 16 * r,
           sizeof x.a[0]);
  for (unsigned r = 0; r < desc.counts[1]; ++r)
    spread(rows.b[r], x.b[0] + 16 * r, sizeof x.b[0]);
}

/// Two registers of C, of 32 bits: columns 2t and 2t + 1 of eight rows.
template <typename T>
static void gatherPair(const char *even, const char *odd, T (*to)[32]) {
  for (unsigned g = 0; g < 8; g += 2) {
    __m256 a = _mm256_loadu_ps(reinterpret_cast<const float *>(even) + 4 * g),
           b = _mm256_loadu_ps(reinterpret_cast<const float *>(odd) + 4 * g);
    __m256 low = _mm256_unpacklo_ps(a, b), high = _mm256_unpackhi_ps(a, b);
    __m256 first = _mm256_permute2f128_ps(low, high, 0x20),
           second = _mm256_permute2f128_ps(low, high, 0x31);
    std::memcpy(to[g], &first, sizeof first);
    std::memcpy(to[g + 1], &second, sizeof second);
  }
}

template <typename T>
static void scatterPair(const T (*from)[32], char *even, char *odd) {
  for (unsigned g = 0; g < 8; g += 2) {
    __m256 first, second;
    std::memcpy(&first, from[g], sizeof first);
    std::memcpy(&second, from[g + 1], sizeof second);
    __m256 low = _mm256_permute2f128_ps(first, second, 0x20),
           high = _mm256_permute2f128_ps(first, second, 0x31);
    _mm256_storeu_ps(reinterpret_cast<float *>(even) + 4 * g,
                     _mm256_shuffle_ps(low, high, 0x88));
    _mm256_storeu_ps(reinterpret_cast<float *>(odd) + 4 * g,
                     _mm256_shuffle_ps(low, high, 0xdd));
  }
}

/// Eight floats to halves; NaN is canonical, and with `satfinite` infinities
/// are the largest number.
static void packHalves(const float *from, char *to, bool satfinite) {
  __m256 value = _mm256_loadu_ps(from);
  __m128i half = _mm256_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT);
  const __m128i infinity = _mm_set1_epi16(0x7c00);
  __m128i magnitude = _mm_and_si128(half, _mm_set1_epi16(0x7fff));
  __m128i isNaN = _mm_cmpgt_epi16(magnitude, infinity);
  half = _mm_blendv_epi8(half, _mm_set1_epi16(0x7fff), isNaN);
  if (satfinite) // 0x7c00 becomes 0x7bff
    half = _mm_add_epi16(half, _mm_cmpeq_epi16(magnitude, infinity));
  std::memcpy(to, &half, sizeof half);
}

static void gatherC(const MmaDescription &desc, const MmaRows &rows,
                    float (*c)[32]) {
  if (desc.c == Type::F16) {
    for (unsigned r = 0; r < desc.counts[2]; ++r)
      unpack(Type::F16, rows.c[r], 16, 8, 8, c[8 * r], 32);
    return;
  }
  for (unsigned r = 0; r < desc.counts[2]; r += 2)
    gatherPair(rows.c[r], rows.c[r + 1], c + 4 * r);
}

static void scatterD(const MmaDescription &desc, const MmaRows &rows,
                     const float (*d)[32]) {
  if (desc.d == Type::F16) {
    for (unsigned r = 0; r < desc.counts[3]; ++r)
      for (unsigned g = 0; g < 8; ++g)
        packHalves(d[8 * r + g], rows.d[r] + g * 16, desc.satfinite);
    return;
  }
  for (unsigned r = 0; r < desc.counts[3]; r += 2)
    scatterPair(d + 4 * r, rows.d[r], rows.d[r + 1]);
}

// --- Fragments of wmma ------------------------------------------------------

/// The registers of a fragment, lane by lane.
static unsigned flatten(const char *const *rows, unsigned count, uint32_t *to) {
  for (unsigned r = 0; r < count; ++r)
    for (unsigned lane = 0; lane < kLanes; ++lane)
      std::memcpy(to + lane * count + r, rows[r] + lane * 4, 4);
  return kLanes * count;
}

static void gatherPackedWmma(const MmaDescription &desc, const MmaRows &rows,
                             MmaScratch &x) {
  uint32_t flat[kLanes * 8];
  unsigned bytes = desc.shape.k * ptx::bitsOf(desc.a) / 8;
  auto cut = [&](unsigned count, auto &to) {
    for (unsigned i = 0; i < count; ++i)
      std::memcpy(to[i], reinterpret_cast<const char *>(flat) + i * bytes,
                  bytes);
  };
  flatten(rows.a, desc.counts[0], flat);
  cut(desc.shape.m, x.a);
  flatten(rows.b, desc.counts[1], flat);
  cut(desc.shape.n, x.b);
}

static void gatherCWmma(const MmaDescription &desc, const MmaRows &rows,
                        float (*c)[32]) {
  uint32_t flat[kLanes * 8];
  flatten(rows.c, desc.counts[2], flat);
  unsigned bytes = desc.shape.n * ptx::bitsOf(desc.c) / 8;
  unpack(desc.c, flat, bytes, desc.shape.m, desc.shape.n, c[0], 32);
}

static void unflatten(const uint32_t *flat, unsigned count, char *const *rows) {
  for (unsigned r = 0; r < count; ++r)
    for (unsigned lane = 0; lane < kLanes; ++lane)
      std::memcpy(rows[r] + lane * 4, flat + lane * count + r, 4);
}

static void scatterDWmma(const MmaDescription &desc, const MmaRows &rows,
                         const float (*d)[32]) {
  uint32_t flat[kLanes * 8];
  unsigned n = desc.shape.n, bytes = n * ptx::bitsOf(desc.d) / 8;
  for (unsigned i = 0; i < desc.shape.m; ++i) {
    char *to = reinterpret_cast<char *>(flat) + i * bytes;
    if (desc.d == Type::F16)
      for (unsigned j = 0; j < n; j += 8)
        packHalves(d[i] + j, to + 2 * j, desc.satfinite);
    else
      std::memcpy(to, d[i], bytes);
  }
  unflatten(flat, desc.counts[3], rows.d);
}

// --- Floats -----------------------------------------------------------------

/// 8x8 elements: rows to columns.
static void transpose8(const float *from, size_t fromStride, float *to,
                       size_t toStride) {
  __m256 r[8], s[8];
  for (unsigned i = 0; i < 8; ++i)
    r[i] = _mm256_loadu_ps(from + i * fromStride);
  for (unsigned i = 0; i < 8; i += 2) {
    s[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    s[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  for (unsigned i = 0; i < 8; i += 4) {
    r[i] = _mm256_shuffle_ps(s[i], s[i + 2], 0x44);
    r[i + 1] = _mm256_shuffle_ps(s[i], s[i + 2], 0xee);
    r[i + 2] = _mm256_shuffle_ps(s[i + 1], s[i + 3], 0x44);
    r[i + 3] = _mm256_shuffle_ps(s[i + 1], s[i + 3], 0xee);
  }
  for (unsigned i = 0; i < 4; ++i) {
    _mm256_storeu_ps(to + i * toStride,
                     _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
    _mm256_storeu_ps(to + (i + 4) * toStride,
                     _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
  }
}

static FloatProduct productOf(const MmaDescription &desc) {
  FloatProduct product;
  product.m = desc.shape.m;
  product.n = desc.shape.n;
  product.depth = desc.shape.k;
  product.k = desc.sparse ? desc.shape.k / 2 : desc.shape.k;
  product.minExponentA = minExponentOf(desc.a);
  product.minExponentB = minExponentOf(desc.b);
  product.sparse = desc.sparse;
  product.halfResult = desc.d == Type::F16;
  return product;
}

static void multiplyFloats(const MmaDescription &desc, const MmaRows &rows,
                           const AddModel &model, MmaScratch &x) {
  bool isWmma = desc.layout == Layout::Wmma;
  isWmma ? gatherPackedWmma(desc, rows, x) : gatherPacked(desc, rows, x);
  FloatProduct product = productOf(desc);
  FloatMatrices &f = x.floats;
  unpack(desc.a, x.a, sizeof x.a[0], product.m, product.k, f.a[0],
         FloatMatrices::kMaxK);
  for (unsigned column = 0; column < product.n; column += 8) {
    alignas(32) float columns[8][FloatMatrices::kMaxK];
    unpack(desc.b, x.b[column], sizeof x.b[0], 8, product.depth, columns[0],
           FloatMatrices::kMaxK);
    // Of a depth of 4, four rows more than there are.
    for (unsigned k = 0; k < product.depth; k += 8)
      transpose8(&columns[0][k], FloatMatrices::kMaxK, &f.b[k][column], 32);
  }
  if (desc.sparse)
    std::memcpy(f.at, *rows.columns, sizeof *rows.columns);
  isWmma ? gatherCWmma(desc, rows, f.c) : gatherC(desc, rows, f.c);
  multiplyAdd(f, product, model);
  isWmma ? scatterDWmma(desc, rows, f.d) : scatterD(desc, rows, f.d);
}

/// Lanes of quad pair q: 4q .. 4q + 3 and 16 more.
static void multiplyQuads(const MmaDescription &desc, const MmaRows &rows,
                          const AddModel &model, MmaScratch &x) {
  FloatMatrices &f = x.floats;
  FloatProduct product = productOf(desc);
  for (unsigned quad = 0; quad < 4; ++quad) {
    auto forElements = [&](char which, Type type, auto registers,
                           unsigned count, auto action) {
      unsigned bytes = ptx::bitsOf(type) / 8, perRegister = 4 / bytes;
      for (unsigned lane = 0; lane < kLanes; ++lane)
        for (unsigned i = 0; lane / 4 % 4 == quad && i < count * perRegister;
             ++i) {
          auto [row, column] =
              placeOf(desc, which, lane, i, perRegister, count);
          action(row, column,
                 registers[i / perRegister] + lane * 4 +
                     i % perRegister * bytes);
        }
    };
    auto gather = [&](char which, Type type, const char *const *registers,
                      unsigned count, auto &to) {
      forElements(which, type, registers, count,
                  [&](unsigned row, unsigned column, const char *from) {
                    uint32_t bits = 0;
                    std::memcpy(&bits, from, ptx::bitsOf(type) / 8);
                    to[row][column] = toFloat(type, bits);
                  });
    };
    gather('A', desc.a, rows.a, desc.counts[0], f.a);
    gather('B', desc.b, rows.b, desc.counts[1], f.b);
    gather('C', desc.c, rows.c, desc.counts[2], f.c);
    multiplyAdd(f, product, model);
    // Other quads' sources stay, should they be the same registers.
    forElements('D', desc.d, rows.d, desc.counts[3],
                [&](unsigned row, unsigned column, char *to) {
                  if (desc.d == Type::F32) {
                    std::memcpy(to, &f.d[row][column], 4);
                    return;
                  }
                  uint16_t half = toHalf(f.d[row][column]);
                  if (desc.satfinite && (half & 0x7fff) == 0x7c00)
                    --half;
                  std::memcpy(to, &half, 2);
                });
  }
}

// --- Doubles ----------------------------------------------------------------

/// A chain of fused multiply-adds in the order of k (9.7.14.5.14), with the
/// rounding of the instruction.
static void multiplyDoubles(const MmaDescription &desc, const MmaRows &rows) {
  double a[16][16], b[16][8], c[16][8];
  auto gather = [&](char which, const char *const *registers, unsigned count,
                    auto &to) {
    for (unsigned r = 0; r < count; ++r)
      for (unsigned lane = 0; lane < kLanes; ++lane) {
        auto [row, column] = placeOf(desc, which, lane, r, 1, count);
        std::memcpy(&to[row][column], registers[r] + lane * 8, 8);
      }
  };
  gather('A', rows.a, desc.counts[0], a);
  gather('B', rows.b, desc.counts[1], b);
  gather('C', rows.c, desc.counts[2], c);
  int old = std::fegetround();
  if (desc.rounding != old)
    std::fesetround(desc.rounding);
  for (unsigned row = 0; row < desc.shape.m; ++row)
    for (unsigned k = 0; k < desc.shape.k; ++k)
      for (unsigned column = 0; column < 8; ++column)
        c[row][column] = __builtin_fma(a[row][k], b[k][column], c[row][column]);
  if (desc.rounding != old)
    std::fesetround(old);
  for (unsigned r = 0; r < desc.counts[3]; ++r)
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      auto [row, column] = placeOf(desc, 'D', lane, r, 1, desc.counts[3]);
      std::memcpy(rows.d[r] + lane * 8, &c[row][column], 8);
    }
}

// --- Integers ---------------------------------------------------------------

static void multiplyPacked(const MmaDescription &desc, const MmaRows &rows,
                           MmaScratch &x) {
  uint32_t flat[kLanes * 8];
  unsigned bytes = desc.shape.n * 4;
  if (desc.layout == Layout::Wmma) {
    gatherPackedWmma(desc, rows, x);
    flatten(rows.c, desc.counts[2], flat);
    for (unsigned i = 0; i < desc.shape.m; ++i)
      std::memcpy(x.c[i], flat + i * desc.shape.n, bytes);
    multiplyIntegers(desc, rows.columns, x);
    for (unsigned i = 0; i < desc.shape.m; ++i)
      std::memcpy(flat + i * desc.shape.n, x.c[i], bytes);
    unflatten(flat, desc.counts[3], rows.d);
    return;
  }
  gatherPacked(desc, rows, x);
  for (unsigned r = 0; r < desc.counts[2]; r += 2)
    gatherPair(rows.c[r], rows.c[r + 1], x.c + 4 * r);
  multiplyIntegers(desc, rows.columns, x);
  for (unsigned r = 0; r < desc.counts[3]; r += 2)
    scatterPair(x.c + 4 * r, rows.d[r], rows.d[r + 1]);
}

void tenon::sim::exec::multiply(const MmaDescription &desc, const MmaRows &rows,
                                const AddModel &model, MmaScratch &scratch) {
  if (desc.a == Type::F64)
    multiplyDoubles(desc, rows);
  else if (ptx::isInteger(desc.a) || desc.a == Type::B1)
    multiplyPacked(desc, rows, scratch);
  else if (desc.layout == Layout::Quads)
    multiplyQuads(desc, rows, model, scratch);
  else
    multiplyFloats(desc, rows, model, scratch);
}
