//===- FloatArithmetic.cpp - Correctly rounded arithmetic, 9.7.3, 9.7.5 ---===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// add, sub, mul, fma and mad (the same from sm_20), div, rcp and sqrt: IEEE
// 754 operations of the host. .rn is the host's default; for the others a
// handler sets the rounding of MXCSR around the one that computes.
//
// Shown by test/unit/sim/ExecFloatTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/alu/Float.h"
#include "sim/exec/alu/HalfFormats.h"
#include "sim/exec/alu/Single.h"

namespace tenon::sim::exec::TENON_SIM_ISA {
using namespace ptx;

namespace {
constexpr auto sum = [](auto a, auto b) { return a + b; };
constexpr auto difference = [](auto a, auto b) { return a - b; };
constexpr auto product = [](auto a, auto b) { return a * b; };
constexpr auto quotient = [](auto a, auto b) { return a / b; };
constexpr auto reciprocal = [](auto a) { return 1 / a; };
constexpr auto root = [](auto a) { return __builtin_elementwise_sqrt(a); };
constexpr auto fused = [](auto a, auto b, auto c) {
  return __builtin_elementwise_fma(a, b, c);
};

/// Runs the handler whose address is in Op::imm with the rounding in Op::mode,
/// a value of MXCSR's field. The handler loads its sources and stores its
/// result, so that clobbered memory holds its arithmetic between both changes.
Step rounded(Warp &w, const Op &op) {
  uint32_t before;
  asm volatile("stmxcsr %0" : "=m"(before) : : "memory");
  uint32_t during = (before & ~0x6000u) | uint32_t(op.mode) << 13;
  asm volatile("ldmxcsr %0" : : "m"(during) : "memory");
  Step step = reinterpret_cast<Handler>(op.imm)(w, op);
  asm volatile("ldmxcsr %0" : : "m"(before) : "memory");
  return step;
}

Handler withRounding(Mod rounding, Handler handler, Op &op) {
  switch (rounding) {
  case Mod::Rm:
    op.mode = 1;
    break;
  case Mod::Rp:
    op.mode = 2;
    break;
  case Mod::Rz:
    op.mode = 3;
    break;
  default:
    return handler;
  }
  op.imm = reinterpret_cast<int64_t>(handler);
  return rounded;
}

template <auto F, bool Ftz, bool Sat> Handler singleOf() {
  if constexpr (requires(Floats x) { F(x); })
    return unary<float, single<Ftz, Sat, F>>;
  else if constexpr (requires(Floats x) { F(x, x); })
    return binary<float, single<Ftz, Sat, F>>;
  else
    return ternary<float, single<Ftz, Sat, F>>;
}
template <auto F> Handler doubleOf() {
  if constexpr (requires(Doubles x) { F(x); })
    return unary<double, wide<F>>;
  else if constexpr (requires(Doubles x) { F(x, x); })
    return binary<double, wide<F>>;
  else
    return ternary<double, wide<F>>;
}

template <auto F> Handler plain(const Instruction &i) {
  if (i.types[0] == Type::F64)
    return doubleOf<F>();
  return i.has(Mod::Ftz) ? singleOf<F, true, false>()
                         : singleOf<F, false, false>();
}
template <auto F> Handler saturating(const Instruction &i) {
  if (!i.has(Mod::Sat))
    return plain<F>(i);
  return i.has(Mod::Ftz) ? singleOf<F, true, true>()
                         : singleOf<F, false, true>();
}

/// Mixed precision, 9.7.5: a, and b of fma, are halves.
template <typename H, bool Sat> Handler mixed(Name name) {
  constexpr auto add = [](auto a, auto c) { return H::widen(a) + c; };
  constexpr auto sub = [](auto a, auto c) { return H::widen(a) - c; };
  constexpr auto mad = [](auto a, auto b, auto c) {
    return __builtin_elementwise_fma(H::widen(a), H::widen(b), c);
  };
  switch (name) {
  case Name::Add:
    return binary<float, single<false, Sat, add>, uint16_t, float>;
  case Name::Sub:
    return binary<float, single<false, Sat, sub>, uint16_t, float>;
  case Name::Fma:
    return ternary<float, single<false, Sat, mad>, uint16_t, uint16_t, float>;
  default:
    return nullptr;
  }
}

Handler nearest(Name name, const Instruction &i) {
  if (i.typeCount == 2) {
    bool isHalf = i.types[1] == Type::F16, isSat = i.has(Mod::Sat);
    if (isHalf)
      return isSat ? mixed<F16, true>(name) : mixed<F16, false>(name);
    return isSat ? mixed<BF16, true>(name) : mixed<BF16, false>(name);
  }
  switch (name) {
  case Name::Add:
    return saturating<sum>(i);
  case Name::Sub:
    return saturating<difference>(i);
  case Name::Mul:
    return saturating<product>(i);
  case Name::Fma:
  case Name::Mad:
    return saturating<fused>(i);
  case Name::Div:
    return plain<quotient>(i);
  case Name::Rcp:
    return plain<reciprocal>(i);
  case Name::Sqrt:
    return plain<root>(i);
  default:
    return nullptr;
  }
}
} // namespace

Handler selectRounded(Name name, const Instruction &i, Op &op) {
  Handler handler = nearest(name, i);
  return handler ? withRounding(i.get(Field::Rounding), handler, op) : nullptr;
}

} // namespace tenon::sim::exec::TENON_SIM_ISA
