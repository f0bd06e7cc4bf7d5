//===- Half.cpp - f16, f16x2, bf16 and bf16x2, PTX ISA 9.7.4 --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Halves are computed as f32 and rounded:
//
//   - Sums: f32 has 24 >= 2 * 11 + 2 bits, so that rounding twice gives what
//     rounding once gives (Figueroa, "When is double rounding innocuous?",
//     1995); below the normal numbers sums are exact.
//   - Products of f16 are exact in f32. Those of bf16 have 16 bits, but may lie
//     below f32's least number.
//   - fma: the exact product, and the sum rounded to odd (HalfFormats.h). Where
//     a product of bf16 leaves the range of f32, in double precision.
//
// A row of f16x2 holds 64 halves, one after the other.
//
// Shown by test/unit/sim/ExecHalfTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Select.h"
#include "sim/exec/alu/Float.h"
#include "sim/exec/alu/HalfFormats.h"
#include "sim/exec/alu/MinMax.h"
#include "sim/exec/alu/Transcendental.h"

namespace tenon::sim::exec::TENON_SIM_ISA {
using namespace ptx;

namespace {
/// d = f(sources) of chunks of halves.
template <bool Pair, auto F, typename... Rows>
TENON_SIM_INLINE Step mapHalves(Warp &w, const Op &op, Rows... rows) {
  char *d = w.row(op.d);
  for (unsigned i = 0; i < kWarpSize; i += kChunk)
    if constexpr (Pair) {
      unsigned low = 2 * i, high = low + kChunk;
      Halves result[] = {F(get<uint16_t>(rows, low)...),
                         F(get<uint16_t>(rows, high)...)};
      put<uint32_t>(d, i, __builtin_bit_cast(Words, result), w.mask);
    } else {
      put<uint16_t>(d, i, F(get<uint16_t>(rows, i)...), w.mask);
    }
  return Step::Next;
}
template <bool Pair, auto F> Step halves(Warp &w, const Op &op) {
  if constexpr (requires(Halves x) { F(x); })
    return mapHalves<Pair, F>(w, op, w.row(op.a));
  else if constexpr (requires(Halves x) { F(x, x); })
    return mapHalves<Pair, F>(w, op, w.row(op.a), w.row(op.b));
  else
    return mapHalves<Pair, F>(w, op, w.row(op.a), w.row(op.b), w.row(op.c));
}

template <typename H, bool Ftz> TENON_SIM_INLINE Floats widen(Halves x) {
  Floats value = H::widen(x);
  if constexpr (Ftz) {
    auto isTiny = Words(magnitude(value) < H::leastNormal);
    value = Floats(Words(value) & ~(isTiny >> 1));
  }
  return value;
}

enum class Limit { None, Sat, Relu };

/// f of single precision, which gives what narrows to the right result.
template <typename H, bool Ftz, Limit L, auto F>
constexpr auto rounding = [](auto... x) -> Halves
  requires requires { F(widen<H, Ftz>(x)...); }
{
  Floats value = F(widen<H, Ftz>(x)...);
  if constexpr (L == Limit::Sat)
    value = saturate(value);
  else if constexpr (L == Limit::Relu) // keeps a NaN
    value = value <= 0 ? Floats{} : value;
  Halves result = H::nearest(value);
  if constexpr (Ftz)
    result &=
        (result & H::exponent) == 0 ? Halves{} + 0x8000 : Halves{} + 0xffff;
  return result;
};

constexpr auto sum = [](auto a, auto b) { return a + b; };
constexpr auto difference = [](auto a, auto b) { return a - b; };
constexpr auto absolute = [](auto a) { return magnitude(a); };
constexpr auto negative = [](auto a) { return Floats(Words(a) ^ kSign32); };

/// The product in double precision, where it is exact.
TENON_SIM_INLINE Floats product64(Floats a, Floats b) {
  return oddSingle(convert<double>(a) * convert<double>(b));
}
[[gnu::cold, gnu::noinline]] Floats fused64(Floats a, Floats b, Floats c) {
  Doubles error;
  Doubles s = twoSum(convert<double>(a) * convert<double>(b),
                     convert<double>(c), error);
  return oddSingle(toOdd(s, error));
}

template <typename H>
constexpr auto product = [](Floats a, Floats b) {
  Floats result = a * b;
  if constexpr (std::is_same_v<H, BF16>)
    if (bitsOfLanes(magnitude(result) < 0x1p-110f)) [[unlikely]]
      return product64(a, b);
  return result;
};

template <typename H>
constexpr auto fused = [](Floats a, Floats b, Floats c) {
  Floats p = a * b;
  if constexpr (std::is_same_v<H, BF16>) {
    auto isInexact = (magnitude(p) < 0x1p-110f) & (a != 0) & (b != 0);
    auto isHuge = magnitude(p) >= 0x1p127f;
    if (bitsOfLanes(isInexact | isHuge)) [[unlikely]]
      return fused64(a, b, c);
  }
  Floats error;
  Floats s = twoSum(p, c, error);
  return toOdd(s, error);
};

/// .oob: 0 where a factor is the NaN that tensor copies write for what is out
/// of bounds (5.5.3.3, 9.7.4.4). The ISA does not tell its bits: all ones,
/// which no arithmetic makes.
template <typename H, Limit L>
constexpr auto fusedOob = [](Halves a, Halves b, Halves c) {
  Halves result = rounding<H, false, L, fused<H>>(a, b, c);
  return ((a == 0xffff) | (b == 0xffff)) ? Halves{} : result;
};

template <typename H, bool Pair, Limit L>
Handler selectArithmetic(Name name, bool ftz) {
  switch (name) {
  case Name::Add:
    return ftz ? halves<Pair, rounding<H, true, L, sum>>
               : halves<Pair, rounding<H, false, L, sum>>;
  case Name::Sub:
    return ftz ? halves<Pair, rounding<H, true, L, difference>>
               : halves<Pair, rounding<H, false, L, difference>>;
  case Name::Mul:
    return ftz ? halves<Pair, rounding<H, true, L, product<H>>>
               : halves<Pair, rounding<H, false, L, product<H>>>;
  default:
    return ftz ? halves<Pair, rounding<H, true, L, fused<H>>>
               : halves<Pair, rounding<H, false, L, fused<H>>>;
  }
}

template <typename H, bool Pair, bool IsMin, bool NaN>
Handler selectMinMax(const Instruction &i) {
  constexpr auto two = [](auto a, auto b) { return least<IsMin, NaN>(a, b); };
  constexpr auto twoXor = [](auto a, auto b) {
    return leastXorSign<IsMin, NaN>(a, b);
  };
  constexpr auto twoAbs = [](auto a, auto b) {
    return least<IsMin, NaN>(magnitude(a), magnitude(b));
  };
  bool ftz = i.has(Mod::Ftz);
  if (i.has(Mod::XorSign))
    return ftz ? halves<Pair, rounding<H, true, Limit::None, twoXor>>
               : halves<Pair, rounding<H, false, Limit::None, twoXor>>;
  if (i.has(Mod::Abs))
    return ftz ? halves<Pair, rounding<H, true, Limit::None, twoAbs>>
               : halves<Pair, rounding<H, false, Limit::None, twoAbs>>;
  return ftz ? halves<Pair, rounding<H, true, Limit::None, two>>
             : halves<Pair, rounding<H, false, Limit::None, two>>;
}

template <typename H, bool Pair>
Handler selectOf(Name name, const Instruction &i) {
  constexpr auto none = Limit::None;
  constexpr auto hyperbolic = [](auto a) { return tanh(a); };
  constexpr auto power = [](auto a) { return ex2(a); };
  bool ftz = i.has(Mod::Ftz), isRelu = i.has(Mod::Relu);
  switch (name) {
  case Name::Add:
  case Name::Sub:
  case Name::Mul:
  case Name::Fma:
    if (i.has(Mod::Oob))
      return isRelu ? halves<Pair, fusedOob<H, Limit::Relu>>
                    : halves<Pair, fusedOob<H, none>>;
    if (isRelu)
      return selectArithmetic<H, Pair, Limit::Relu>(name, ftz);
    return i.has(Mod::Sat) ? selectArithmetic<H, Pair, Limit::Sat>(name, ftz)
                           : selectArithmetic<H, Pair, none>(name, ftz);
  case Name::Abs:
    return ftz ? halves<Pair, rounding<H, true, none, absolute>>
               : halves<Pair, rounding<H, false, none, absolute>>;
  case Name::Neg:
    return ftz ? halves<Pair, rounding<H, true, none, negative>>
               : halves<Pair, rounding<H, false, none, negative>>;
  case Name::Min:
    return i.has(Mod::NaN) ? selectMinMax<H, Pair, true, true>(i)
                           : selectMinMax<H, Pair, true, false>(i);
  case Name::Max:
    return i.has(Mod::NaN) ? selectMinMax<H, Pair, false, true>(i)
                           : selectMinMax<H, Pair, false, false>(i);
  case Name::Tanh:
    return halves<Pair, rounding<H, false, none, hyperbolic>>;
  case Name::Ex2:
    return ftz ? halves<Pair, rounding<H, true, none, power>>
               : halves<Pair, rounding<H, false, none, power>>;
  default:
    return nullptr;
  }
}
} // namespace

Handler selectHalf(const Instruction &i, const RowWidths &, Op &op) {
  Name name = nameOf(i);
  if (name == Name::Set || name == Name::Setp)
    return selectHalfCompare(name, i, op);
  switch (i.types[0]) {
  case Type::F16:
    return selectOf<F16, false>(name, i);
  case Type::F16x2:
    return selectOf<F16, true>(name, i);
  case Type::BF16:
    return selectOf<BF16, false>(name, i);
  case Type::BF16x2:
    return selectOf<BF16, true>(name, i);
  default:
    return nullptr;
  }
}

} // namespace tenon::sim::exec::TENON_SIM_ISA
