//===- Float.cpp - Signs, tests, minimum and maximum, 9.7.3 ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// testp (PTX ISA 9.7.3.1), copysign, abs, neg, min and max of f32 and f64.
//
// Shown by test/unit/sim/ExecFloatTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/alu/Float.h"
#include "sim/exec/Select.h"
#include "sim/exec/alu/MinMax.h"
#include "sim/exec/alu/Single.h"

namespace tenon::sim::exec::TENON_SIM_ISA {
using namespace ptx;

namespace {
template <typename T> struct Layout;
template <> struct Layout<uint32_t> {
  static constexpr uint32_t sign = kSign32, infinity = 0x7f800000,
                            normal = 0x00800000;
};
template <> struct Layout<uint64_t> {
  static constexpr uint64_t sign = kSign64, infinity = 0x7ff0000000000000,
                            normal = 0x0010000000000000;
};

/// testp, 9.7.3.1. Zeros count as normal.
template <typename T, Mod Test> Step testp(Warp &w, const Op &op) {
  using L = Layout<T>;
  const char *a = w.row(op.a);
  uint32_t truth = 0;
  for (unsigned i = 0; i < kWarpSize; i += kChunk) {
    // Of non-negative numbers the order is that of their bits.
    auto x = Chunk<Signed<T>>(get<T>(a, i) & ~L::sign);
    constexpr auto infinity = Signed<T>(L::infinity);
    constexpr auto normal = Signed<T>(L::normal);
    uint32_t bits;
    if constexpr (Test == Mod::Finite)
      bits = bitsOfLanes(x < infinity);
    else if constexpr (Test == Mod::Infinite)
      bits = bitsOfLanes(x == infinity);
    else if constexpr (Test == Mod::Number_)
      bits = bitsOfLanes(x <= infinity);
    else if constexpr (Test == Mod::NotANumber)
      bits = bitsOfLanes(x > infinity);
    else if constexpr (Test == Mod::Normal)
      bits = bitsOfLanes((x < infinity) & ((x >= normal) | (x == 0)));
    else
      bits = bitsOfLanes((x < normal) & (x != 0));
    truth |= bits << i;
  }
  storePredicate(w.row(op.d), truth, w.mask);
  return Step::Next;
}

template <typename T> Handler selectTest(Mod test) {
  switch (test) {
  case Mod::Finite:
    return testp<T, Mod::Finite>;
  case Mod::Infinite:
    return testp<T, Mod::Infinite>;
  case Mod::Number_:
    return testp<T, Mod::Number_>;
  case Mod::NotANumber:
    return testp<T, Mod::NotANumber>;
  case Mod::Normal:
    return testp<T, Mod::Normal>;
  default:
    return testp<T, Mod::Subnormal>;
  }
}

/// d = sign of a, magnitude of b, 9.7.3.2.
template <typename T>
constexpr auto signAndMagnitude = [](auto a, auto b) {
  constexpr T sign = Layout<T>::sign;
  return (a & sign) | (b & ~sign);
};

constexpr auto absolute = [](auto x) { return magnitude(x); };
constexpr auto negative = [](auto x) {
  return Floats(Words(x) ^ uint32_t(kSign32));
};

Handler selectSign(Name name, const Instruction &i) {
  bool isAbs = name == Name::Abs;
  // NaNs of double precision keep their payload, 9.7.3.9 and 9.7.3.10.
  if (i.types[0] == Type::F64)
    return isAbs ? unary<uint64_t, [](auto x) { return x & ~kSign64; }>
                 : unary<uint64_t, [](auto x) { return x ^ kSign64; }>;
  if (i.has(Mod::Ftz))
    return isAbs ? unary<float, single<true, false, absolute>>
                 : unary<float, single<true, false, negative>>;
  return isAbs ? unary<float, single<false, false, absolute>>
               : unary<float, single<false, false, negative>>;
}

/// min and max of single precision, 9.7.3.11 and 9.7.3.12.
template <bool IsMin, bool Ftz, bool NaN> Handler minMax(const Instruction &i) {
  constexpr auto two = [](auto a, auto b) { return least<IsMin, NaN>(a, b); };
  constexpr auto twoXor = [](auto a, auto b) {
    return leastXorSign<IsMin, NaN>(a, b);
  };
  constexpr auto three = [](auto a, auto b, auto c) {
    return least<IsMin, NaN>(least<IsMin, NaN>(a, b), c);
  };
  constexpr auto threeAbs = [](auto a, auto b, auto c) {
    return least<IsMin, NaN>(least<IsMin, NaN>(magnitude(a), magnitude(b)),
                             magnitude(c));
  };
  if (i.operands.size() == 4)
    return i.has(Mod::Abs) ? ternary<float, single<Ftz, false, threeAbs>>
                           : ternary<float, single<Ftz, false, three>>;
  return i.has(Mod::XorSign) ? binary<float, single<Ftz, false, twoXor>>
                             : binary<float, single<Ftz, false, two>>;
}

template <bool IsMin> Handler selectMinMax(const Instruction &i) {
  if (i.types[0] == Type::F64)
    return binary<double, [](auto a, auto b) {
      Doubles result = least<IsMin, false>(a, b);
      // Only where both are NaNs.
      return result == result ? result : Doubles(Longs(a) | kQuiet64);
    }>;
  if (i.has(Mod::Ftz))
    return i.has(Mod::NaN) ? minMax<IsMin, true, true>(i)
                           : minMax<IsMin, true, false>(i);
  return i.has(Mod::NaN) ? minMax<IsMin, false, true>(i)
                         : minMax<IsMin, false, false>(i);
}
} // namespace

Handler selectFloat(const Instruction &i, const RowWidths &, Op &op) {
  Name name = nameOf(i);
  if (i.types[0] != Type::F32 && i.types[0] != Type::F64)
    return nullptr;
  bool isDouble = i.types[0] == Type::F64;
  switch (name) {
  case Name::Testp:
    return isDouble ? selectTest<uint64_t>(i.get(Field::Test))
                    : selectTest<uint32_t>(i.get(Field::Test));
  case Name::Copysign:
    return isDouble ? binary<uint64_t, signAndMagnitude<uint64_t>>
                    : binary<uint32_t, signAndMagnitude<uint32_t>>;
  case Name::Abs:
  case Name::Neg:
    return selectSign(name, i);
  case Name::Min:
    return selectMinMax<true>(i);
  case Name::Max:
    return selectMinMax<false>(i);
  default:
    if (Handler handler = selectApproximate(name, i))
      return handler;
    return selectRounded(name, i, op);
  }
}

} // namespace tenon::sim::exec::TENON_SIM_ISA
