/* Builtins.c - Functions that LLVM's x86 back end calls by itself.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Compiled to bitcode when Tenon is built and linked, as far as needed, into
 * each code object, which must not have undefined symbols: memory functions
 * for loops and copies that LLVM recognizes, conversions to bf16 and f16, and
 * the remainders that `frem` becomes. Nothing here may be recognized as a call
 * to itself: -fno-builtin. Kernel code rounds to nearest.
 * Test: test/unit/math/BuiltinsTest.cpp
 */
#include <stddef.h>
#include <stdint.h>

typedef uint8_t V32 __attribute__((vector_size(32), aligned(1)));
typedef uint8_t V16 __attribute__((vector_size(16), aligned(1)));
typedef uint64_t __attribute__((may_alias, aligned(1))) U64;
typedef uint32_t __attribute__((may_alias, aligned(1))) U32;
typedef uint16_t __attribute__((may_alias, aligned(1))) U16;

/* Fewer than 32 bytes: both ends are read before either is written, so the
 * ranges may overlap. */
static inline void moveSmall(uint8_t *d, const uint8_t *s, size_t n) {
  if (n >= 16) {
    V16 head = *(const V16 *)s, tail = *(const V16 *)(s + n - 16);
    *(V16 *)d = head;
    *(V16 *)(d + n - 16) = tail;
  } else if (n >= 8) {
    uint64_t head = *(const U64 *)s, tail = *(const U64 *)(s + n - 8);
    *(U64 *)d = head;
    *(U64 *)(d + n - 8) = tail;
  } else if (n >= 4) {
    uint32_t head = *(const U32 *)s, tail = *(const U32 *)(s + n - 4);
    *(U32 *)d = head;
    *(U32 *)(d + n - 4) = tail;
  } else if (n >= 2) {
    uint16_t head = *(const U16 *)s, tail = *(const U16 *)(s + n - 2);
    *(U16 *)d = head;
    *(U16 *)(d + n - 2) = tail;
  } else if (n) {
    *d = *s;
  }
}

void *memmove(void *destination, const void *source, size_t n) {
  uint8_t *d = destination;
  const uint8_t *s = source;
  if (n < 32) {
    moveSmall(d, s, n);
  } else if ((uintptr_t)d - (uintptr_t)s >= n) {
    /* Forward; the last 32 bytes, which overlap the loop's, were read first. */
    V32 tail = *(const V32 *)(s + n - 32);
    size_t i = 0;
    for (; i + 128 <= n; i += 128) {
      V32 a = *(const V32 *)(s + i), b = *(const V32 *)(s + i + 32);
      V32 c = *(const V32 *)(s + i + 64), e = *(const V32 *)(s + i + 96);
      *(V32 *)(d + i) = a;
      *(V32 *)(d + i + 32) = b;
      *(V32 *)(d + i + 64) = c;
      *(V32 *)(d + i + 96) = e;
    }
    for (; i + 32 < n; i += 32)
      *(V32 *)(d + i) = *(const V32 *)(s + i);
    *(V32 *)(d + n - 32) = tail;
  } else {
    V32 head = *(const V32 *)s;
    for (size_t i = n; i > 32; i -= 32)
      *(V32 *)(d + i - 32) = *(const V32 *)(s + i - 32);
    *(V32 *)d = head;
  }
  return destination;
}

void *memcpy(void *restrict destination, const void *restrict source,
             size_t n) {
  return memmove(destination, source, n);
}

void *memset(void *destination, int value, size_t n) {
  uint8_t *d = destination;
  if (n < 32) {
    uint64_t all = 0x0101010101010101u * (uint8_t)value;
    if (n >= 16) {
      *(U64 *)d = all;
      *(U64 *)(d + 8) = all;
      *(U64 *)(d + n - 16) = all;
      *(U64 *)(d + n - 8) = all;
    } else if (n >= 8) {
      *(U64 *)d = all;
      *(U64 *)(d + n - 8) = all;
    } else {
      for (size_t i = 0; i < n; ++i)
        d[i] = (uint8_t)value;
    }
    return destination;
  }
  V32 all = (V32){} + (uint8_t)value;
  for (size_t i = 0; i + 32 < n; i += 32)
    *(V32 *)(d + i) = all;
  *(V32 *)(d + n - 32) = all;
  return destination;
}

int memcmp(const void *left, const void *right, size_t n) {
  const uint8_t *l = left, *r = right;
  size_t i = 0;
  while (i + 8 <= n && *(const U64 *)(l + i) == *(const U64 *)(r + i))
    i += 8;
  for (; i < n; ++i)
    if (l[i] != r[i])
      return l[i] < r[i] ? -1 : 1;
  return 0;
}

int bcmp(const void *left, const void *right, size_t n) {
  return memcmp(left, right, n);
}

static inline uint32_t bitsOfFloat(float x) {
  union {
    float f;
    uint32_t u;
  } v = {x};
  return v.u;
}
static inline uint64_t bitsOfDouble(double x) {
  union {
    double f;
    uint64_t u;
  } v = {x};
  return v.u;
}
static inline float floatOfBits(uint32_t x) {
  union {
    uint32_t u;
    float f;
  } v = {x};
  return v.f;
}

/* The 16 bits of a bf16 or f16 result travel in the low half of xmm0: a
 * `float` return carries them. */
static inline float inXmm(uint16_t bits) { return floatOfBits(bits); }

static inline uint16_t bf16OfFloat(float x) {
  uint32_t u = bitsOfFloat(x);
  if ((u & 0x7fffffffu) > 0x7f800000u)
    return (uint16_t)(u >> 16 | 0x40);
  return (uint16_t)((u + 0x7fffu + (u >> 16 & 1)) >> 16);
}

/* Rounds to odd, so that a second rounding cannot err: the inexact double
 * becomes the neighbouring float with an odd last bit. */
static inline float toOdd(double x) {
  float f = (float)x;
  uint32_t u = bitsOfFloat(f);
  double back = (double)f;
  if (back == x || x != x || (u & 1))
    return f;
  /* f is even and inexact: the odd neighbour lies on the other side of x. An
   * overflow to infinity steps back to the largest float. */
  int away = (back > x) == (x > 0);
  return floatOfBits(away ? u - 1 : u + 1);
}

float __truncsfbf2(float x) { return inXmm(bf16OfFloat(x)); }
float __truncdfbf2(double x) { return inXmm(bf16OfFloat(toOdd(x))); }

/* f64 to f16, round to nearest even, from the bits. */
float __truncdfhf2(double x) {
  uint64_t u = bitsOfDouble(x);
  uint16_t sign = (uint16_t)(u >> 48 & 0x8000);
  uint64_t magnitude = u & 0x7fffffffffffffffull;
  if (magnitude > 0x7ff0000000000000ull) /* NaN: kept quiet, payload's top. */
    return inXmm((uint16_t)(sign | 0x7e00 | (magnitude >> 42 & 0x1ff)));
  int exponent = (int)(magnitude >> 52) - 1023;
  if (exponent >= 16)
    return inXmm(sign | 0x7c00);
  if (exponent < -25)
    return inXmm(sign);
  /* Bits to drop: 42 for a normal result, more for a denormal one. */
  int drop = exponent >= -14 ? 42 : 42 + (-14 - exponent);
  uint64_t fraction = (magnitude & 0xfffffffffffffull) | 1ull << 52;
  uint64_t kept = fraction >> drop;
  uint64_t rest = fraction & ((1ull << drop) - 1), half = 1ull << (drop - 1);
  kept += rest > half || (rest == half && (kept & 1));
  /* Adding lets a carry run into the exponent: to the next power, the first
   * normal, or infinity. */
  uint64_t bits =
      exponent >= -14 ? ((uint64_t)(exponent + 14) << 10) + kept : kept;
  return inXmm((uint16_t)(sign | bits));
}

/* x - trunc(x / y) * y, exact, by shift and subtract on the significands. */
double fmod(double x, double y) {
  uint64_t a = bitsOfDouble(x), b = bitsOfDouble(y);
  uint64_t sign = a & 0x8000000000000000ull;
  a &= 0x7fffffffffffffffull;
  b &= 0x7fffffffffffffffull;
  if (b == 0 || a >= 0x7ff0000000000000ull || b > 0x7ff0000000000000ull)
    return (x * y) / (x * y);
  if (a < b)
    return x;
  int ea = (int)(a >> 52), eb = (int)(b >> 52);
  uint64_t ma = a & 0xfffffffffffffull, mb = b & 0xfffffffffffffull;
  if (ea)
    ma |= 1ull << 52;
  else
    ea = 1;
  if (eb)
    mb |= 1ull << 52;
  else
    eb = 1;
  uint64_t r = ma % mb;
  /* Several quotient bits a step: r < mb < 2^53, so 11 bits fit. */
  for (int left = ea - eb; left > 0 && r;) {
    int step = left < 11 ? left : 11;
    r = (r << step) % mb;
    left -= step;
  }
  if (r) {
    int shift = __builtin_clzll(r) - 11;
    if (shift > eb - 1)
      shift = eb - 1;
    r <<= shift;
    eb -= shift;
    if (r >> 52)
      r = (r & 0xfffffffffffffull) | (uint64_t)eb << 52;
  }
  union {
    uint64_t u;
    double f;
  } v = {r | sign};
  return v.f;
}

/* Every float is a double, and so is the remainder of two floats. */
float fmodf(float x, float y) { return (float)fmod(x, y); }
