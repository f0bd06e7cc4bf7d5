//===- Approximate.cpp - .approx and .full, PTX ISA 9.7.3.8 to 9.7.3.22 ---===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where the host has a correctly rounded operation (division, square root), it
// serves; the rest is in Transcendental.h. Hardware's approximations are not
// reproduced bit by bit: NVIDIA does not publish them.
//
// Shown by test/unit/sim/ExecApproximateTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/alu/Float.h"
#include "sim/exec/alu/Single.h"
#include "sim/exec/alu/Transcendental.h"

namespace tenon::sim::exec::TENON_SIM_ISA {
using namespace ptx;

namespace {
/// div.approx, 9.7.3.8: a times 1/b, and 1/b is taken for zero where it is
/// smaller than 2^-126.
constexpr auto quotientApprox = [](Floats a, Floats b) {
  Floats zero = Floats((Words(a) ^ Words(b)) & kSign32);
  Floats ofHuge =
      magnitude(a) < __builtin_inff() ? zero : Floats(all<uint32_t>(kNaN32));
  return magnitude(b) > 0x1p126f ? ofHuge : a / b;
};
constexpr auto quotient = [](auto a, auto b) { return a / b; };
constexpr auto reciprocal = [](auto a) { return 1 / a; };
constexpr auto root = [](auto a) { return __builtin_elementwise_sqrt(a); };
constexpr auto reciprocalRoot = [](auto a) { return rsqrt(a); };
constexpr auto sineOf = [](auto a) { return sin(a); };
constexpr auto cosineOf = [](auto a) { return cos(a); };
constexpr auto logarithm = [](auto a) { return lg2(a); };
constexpr auto power = [](auto a) { return ex2(a); };
constexpr auto hyperbolic = [](auto a) { return tanh(a); };

template <auto F> Handler one(const Instruction &i) {
  return i.has(Mod::Ftz) ? unary<float, single<true, false, F>>
                         : unary<float, single<false, false, F>>;
}
template <auto F> Handler two(const Instruction &i) {
  return i.has(Mod::Ftz) ? binary<float, single<true, false, F>>
                         : binary<float, single<false, false, F>>;
}

TENON_SIM_INLINE Doubles flushDouble(Doubles x) {
  auto isTiny = Longs(magnitude(x) < 0x1p-1022);
  return Doubles(Longs(x) & ~(isTiny >> 1));
}

/// rcp and rsqrt.approx.ftz.f64, 9.7.3.14 and 9.7.3.17: of the upper 32 bits,
/// to 20 bits of mantissa.
template <auto F>
constexpr auto gross = [](Doubles a) {
  Doubles x = flushDouble(Doubles(Longs(a) & 0xffffffff00000000));
  Doubles exact = F(x);
  // An infinity has no bits there, and nothing carries into one: the least
  // reciprocals are far from it, the largest come of zeros.
  Longs nearest = Longs(exact) + 0x7fffffff + (Longs(exact) >> 32 & 1);
  Doubles result = flushDouble(Doubles(nearest & 0xffffffff00000000));
  // Of the input's NaN too, whose payload may stand in the lower half.
  auto isNumber = (exact == exact) & (a == a);
  return isNumber ? result : Doubles(all<uint64_t>(0x7fffffff00000000));
};
} // namespace

Handler selectApproximate(Name name, const Instruction &i) {
  if (i.has(Mod::Full))
    return two<quotient>(i);
  if (!i.has(Mod::Approx))
    return nullptr;
  if (i.types[0] == Type::F64) {
    if (name == Name::Rcp)
      return unary<double, gross<reciprocal>>;
    return i.has(Mod::Ftz) ? unary<double, gross<reciprocalRoot>>
                           : unary<double, wide<reciprocalRoot>>;
  }
  switch (name) {
  case Name::Div:
    return two<quotientApprox>(i);
  case Name::Rcp:
    return one<reciprocal>(i);
  case Name::Sqrt:
    return one<root>(i);
  case Name::Rsqrt:
    return one<reciprocalRoot>(i);
  case Name::Sin:
    return one<sineOf>(i);
  case Name::Cos:
    return one<cosineOf>(i);
  case Name::Lg2:
    return one<logarithm>(i);
  case Name::Ex2:
    return one<power>(i);
  case Name::Tanh:
    return one<hyperbolic>(i);
  default:
    return nullptr;
  }
}

} // namespace tenon::sim::exec::TENON_SIM_ISA
