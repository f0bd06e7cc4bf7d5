//===- Transcendental.h - Powers, logarithms, angles of lanes ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The approximations of PTX ISA 9.7.3.16 to 9.7.3.22. Each reduces its argument
// and evaluates a polynomial (interpolated at Chebyshev nodes, coefficients
// rounded to f32) by fused steps, the same at each ISA level, so that results
// never depend on the host. Errors are near the rounding of f32, and so well
// within the bounds of the ISA:
//
//              bound of the ISA                    here, at most
//   ex2        2 ulp                               1 ulp
//   lg2        2^-22 absolute in (0.5, 2),         2^-23.4 and 2^-23.4
//              2^-22 relative elsewhere
//   sin, cos   2^-20.5 absolute in [-2pi, 2pi]     2^-23.3, also to 2^40
//   tanh       2^-11 relative                      2^-21.5
//   rsqrt      2^-22.9 relative                    2^-23.9
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_ALU_TRANSCENDENTAL_H
#define TENON_SIM_EXEC_ALU_TRANSCENDENTAL_H

#include "sim/exec/alu/Single.h"

namespace tenon::sim::exec::TENON_SIM_ISA {
namespace {

TENON_SIM_INLINE Floats fma(Floats a, Floats b, Floats c) {
  return __builtin_elementwise_fma(a, b, c);
}
TENON_SIM_INLINE Floats fma(Floats a, Floats b, float c) {
  return __builtin_elementwise_fma(a, b, Floats{} + c);
}

/// c[0] + c[1] x + c[2] x^2 ...
template <size_t N>
TENON_SIM_INLINE Floats polynomial(const float (&c)[N], Floats x) {
  Floats value = Floats{} + c[N - 1];
#pragma unroll
  for (size_t i = N - 1; i-- > 0;)
    value = fma(value, x, c[i]);
  return value;
}

/// 2^n for -126 <= n <= 127.
TENON_SIM_INLINE Floats powerOfTwo(Chunk<int32_t> n) {
  return Floats((n + 127) << 23);
}

/// 2^x as a product: 2^n in two factors, since 2^n alone may not be a normal
/// number, times 2^f with |f| <= 1/2.
TENON_SIM_INLINE Floats ex2(Floats x) {
  static constexpr float kPower[] = {
      0x1p0f,         0x1.62e43p-1f,   0x1.ebfbep-3f, 0x1.c6aec8p-5f,
      0x1.3b2a1ap-7f, 0x1.5f4a8ep-10f, 0x1.44414p-13f};
  // Beyond, the result is 0 or infinity all the same; a NaN passes.
  Floats y = x < -160.0f ? Floats{} - 160.0f : x;
  y = y > 130.0f ? Floats{} + 130.0f : y;
  Floats whole = __builtin_elementwise_roundeven(y);
  Floats value = polynomial(kPower, y - whole);
  auto n = convert<int32_t>(whole == whole ? whole : Floats{});
  auto half = n >> 1;
  return value * powerOfTwo(half) * powerOfTwo(n - half);
}

/// log2 x = n + log2(1 + f), 1 + f in [sqrt(1/2), sqrt(2)).
TENON_SIM_INLINE Floats lg2(Floats x) {
  static constexpr float kLog[] = {
      0x1.715476p+0f, -0x1.715470p-1f, 0x1.ec70aap-2f, -0x1.715a70p-2f,
      0x1.277a52p-2f, -0x1.eab7aap-3f, 0x1.a38c68p-3f, -0x1.87f6a2p-3f,
      0x1.7a63a0p-3f, -0x1.b84fb6p-4f};
  auto isSmall = x < 0x1p-126f;
  Floats normal = isSmall ? x * 0x1p24f : x;
  // Counted from sqrt(1/2), the exponent's field changes where it shall.
  constexpr int32_t kRootHalf = 0x3f3504f3;
  auto n = (Chunk<int32_t>(normal) - kRootHalf) >> 23;
  Floats mantissa = Floats(Chunk<int32_t>(normal) - (n << 23));
  n += isSmall & -24;
  Floats f = mantissa - 1.0f;
  Floats result = fma(f, polynomial(kLog, f), convert<float>(n));
  result = x < __builtin_inff() ? result : x; // infinity and NaN
  result = x < 0.0f ? Floats(all<uint32_t>(kNaN32)) : result;
  return x == 0.0f ? Floats{} - __builtin_inff() : result;
}

/// x = k pi/2 + r, |r| <= pi/4 and a little; k modulo 4.
struct Angle {
  Floats r;
  Chunk<int32_t> k;
};
/// Beyond where f32 suffices. The ISA promises nothing from 100 pi on; from
/// 2^40 on r is only some number of the interval.
[[gnu::cold, gnu::noinline]] Angle reduceFar(Floats x) {
  Doubles wide = convert<double>(x < 0x1p62f && x > -0x1p62f ? x : Floats{});
  Doubles k = __builtin_elementwise_roundeven(wide * 0x1.45f306dc9c883p-1);
  Doubles r =
      __builtin_elementwise_fma(-k, Doubles{} + 0x1.921fb54442d18p+0, wide);
  r = __builtin_elementwise_fma(-k, Doubles{} + 0x1.1a62633145c07p-54, r);
  r = r < -0.8 ? Doubles{} - 0.8 : r > 0.8 ? Doubles{} + 0.8 : r;
  auto turns = k - 4 * __builtin_elementwise_floor(k * 0.25);
  return {convert<float>(r), convert<int32_t>(turns)};
}
TENON_SIM_INLINE Angle reduce(Floats x) {
  auto isFar = magnitude(x) > 0x1p17f;
  Floats finite = magnitude(x) <= 0x1p17f ? x : Floats{};
  Floats k = __builtin_elementwise_roundeven(finite * 0x1.45f306p-1f);
  // pi/2 in three parts.
  Floats r = fma(k, Floats{} - 0x1.921fb6p+0f, finite);
  r = fma(k, Floats{} + 0x1.777a5cp-25f, r);
  r = fma(k, Floats{} + 0x1.ee59dap-50f, r);
  Angle angle = {r, convert<int32_t>(k)};
  if (bitsOfLanes(isFar)) [[unlikely]] {
    Angle far = reduceFar(x);
    angle = {isFar ? far.r : angle.r, isFar ? far.k : angle.k};
  }
  return angle;
}
/// The sine of an angle `quarter` quarters of a turn further.
TENON_SIM_INLINE Floats sine(Floats x, int32_t quarter) {
  static constexpr float kSine[] = {-0x1.555556p-3f, 0x1.11110cp-7f,
                                    -0x1.a0124ap-13f, 0x1.6d526cp-19f};
  static constexpr float kCosine[] = {0x1.555554p-5f, -0x1.6c11fap-10f,
                                      0x1.9b6998p-16f};
  Angle angle = reduce(x);
  Floats r = angle.r, square = r * r;
  Chunk<int32_t> k = angle.k + quarter;
  Floats sin = fma(r * square, polynomial(kSine, square), r);
  Floats cos = fma(square * square, polynomial(kCosine, square),
                   fma(square, Floats{} - 0.5f, 1.0f));
  Floats result = (k & 1) == 0 ? sin : cos;
  result = Floats(Words(result) ^ (Words(k & 2) << 30));
  return magnitude(x) < __builtin_inff() ? result
                                         : Floats(all<uint32_t>(kNaN32));
}
TENON_SIM_INLINE Floats sin(Floats x) {
  Floats result = sine(x, 0);
  return x == 0.0f ? x : result; // -0
}
TENON_SIM_INLINE Floats cos(Floats x) { return sine(x, 1); }

/// x + x^3 P(x^2) near 0, 1 - 2 / (e^2x + 1) elsewhere.
TENON_SIM_INLINE Floats tanh(Floats x) {
  static constexpr float kTanh[] = {-0x1.555556p-2f, 0x1.1110f6p-3f,
                                    -0x1.ba0d94p-5f, 0x1.64fad8p-6f,
                                    -0x1.1394cap-7f, 0x1.36bdb2p-9f};
  Floats size = magnitude(x), square = x * x;
  Floats near = fma(size * square, polynomial(kTanh, square), size);
  Floats far = 1.0f - 2.0f / (ex2(size * 0x1.715476p+1f) + 1.0f);
  // A NaN is not below: it comes through ex2.
  Floats result = size < 0.6f ? near : far;
  // x^3 may be a subnormal less than x, and x is right.
  result = size < 0x1p-13f ? size : result;
  return Floats(Words(result) | (Words(x) & kSign32));
}

/// 1 / sqrt(x): two rounded operations, corrected by what each left out.
template <typename V> TENON_SIM_INLINE V rsqrt(V x) {
  constexpr bool isSingle = std::is_same_v<V, Floats>;
  using T = std::conditional_t<isSingle, float, double>;
  constexpr T kTiny = isSingle ? T(0x1p-100) : T(0x1p-900);
  constexpr T kUp = isSingle ? T(0x1p48) : T(0x1p208);
  constexpr T kBack = isSingle ? T(0x1p24) : T(0x1p104);
  auto isTiny = x < kTiny;
  V y = isTiny ? x * kUp : x;
  V s = __builtin_elementwise_sqrt(y), r = 1 / s;
  V rootError = __builtin_elementwise_fma(-s, s, y);
  V inverseError = __builtin_elementwise_fma(-r, s, V{} + 1);
  V correction = inverseError - rootError * r * r * T(0.5);
  V better = __builtin_elementwise_fma(r, correction, r);
  // Of 0 and infinity nothing was left out, but the above would be NaN.
  V result = ((x > 0) & (r > 0)) ? better : r;
  return isTiny ? result * kBack : result;
}

} // namespace
} // namespace tenon::sim::exec::TENON_SIM_ISA

#endif // TENON_SIM_EXEC_ALU_TRANSCENDENTAL_H
