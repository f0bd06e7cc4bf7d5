//===- Logic.cpp - Selection, logic and shifts, 9.7.6.3 to 9.7.8.9 --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shown by test/unit/sim/ExecLogicTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Select.h"
#include "sim/exec/alu/Integer.h"
#include "sim/exec/alu/Map.h"

namespace tenon::sim::exec::TENON_SIM_ISA {
using namespace ptx;

namespace {
constexpr auto conjunction = [](auto a, auto b) { return a & b; };
constexpr auto disjunction = [](auto a, auto b) { return a | b; };
constexpr auto difference = [](auto a, auto b) { return a ^ b; };
constexpr auto complement = [](auto a) { return ~a; };

template <auto F> Step predicates(Warp &w, const Op &op) {
  uint32_t value = F(loadPredicate(w.row(op.a)), loadPredicate(w.row(op.b)));
  storePredicate(w.row(op.d), value, w.mask);
  return Step::Next;
}
Step notPredicate(Warp &w, const Op &op) {
  storePredicate(w.row(op.d), ~loadPredicate(w.row(op.a)), w.mask);
  return Step::Next;
}

template <auto F> Handler logic(Type type) {
  if (type == Type::Pred)
    return predicates<F>;
  return byWidth(type, []<typename T>() -> Handler { return binary<T, F>; });
}

/// selp d, a, b, p
template <typename T> Step selp(Warp &w, const Op &op) {
  char *d = w.row(op.d);
  const char *a = w.row(op.a), *b = w.row(op.b);
  uint32_t p = loadPredicate(w.row(op.c));
#pragma unroll
  for (unsigned i = 0; i < kWarpSize; i += kChunk) {
    put<T>(d, i, spread<T>(p >> i) ? get<T>(a, i) : get<T>(b, i), w.mask);
  }
  return Step::Next;
}

template <typename T, typename V> TENON_SIM_INLINE auto truthOf(V truth) {
  return convert<typename SignedOfSize<sizeof(T)>::type>(truth);
}
/// 9.7.6.4. -0 is not less than 0, a NaN is.
template <typename T>
constexpr auto slctInteger =
    [](auto a, auto b, auto c) { return truthOf<T>(c >= 0) ? a : b; };
template <typename T>
constexpr auto slctFloat =
    [](auto a, auto b, auto c) { return truthOf<T>(c >= 0.0f) ? a : b; };
template <typename T>
constexpr auto slctFtz = [](auto a, auto b, auto c) {
  auto isTiny = (Chunk<uint32_t>(c) & 0x7f800000) == 0;
  return truthOf<T>((c >= 0.0f) | isTiny) ? a : b;
};
template <typename T> Handler slct(const Instruction &i) {
  if (i.types[1] == Type::S32)
    return ternary<T, slctInteger<T>, T, T, int32_t>;
  return i.has(Mod::Ftz) ? ternary<T, slctFtz<T>, T, T, float>
                         : ternary<T, slctFloat<T>, T, T, float>;
}

// Shift amounts beyond the width are the width, 9.7.8.8 and 9.7.8.9. Lanes of
// 16 bits are shifted as 32.
template <typename T>
using ShiftWord = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;

template <typename T>
constexpr auto shiftLeft = [](auto a, auto b) {
  using W = ShiftWord<T>;
  constexpr uint32_t most = 8 * sizeof(W) - 1;
  auto shifted = convert<W>(a) << convert<W>(b & most);
  return convert<T>(truthOf<W>(b > most) ? decltype(shifted){} : shifted);
};
template <typename T>
constexpr auto shiftRight = [](auto a, auto b) {
  using W = std::conditional_t<std::is_signed_v<T>, Signed<ShiftWord<T>>,
                               ShiftWord<T>>;
  constexpr uint32_t most = 8 * sizeof(W) - 1;
  if constexpr (std::is_signed_v<T>)
    return convert<T>(convert<W>(a) >> convert<W>(b < most ? b : all(most)));
  auto shifted = convert<W>(a) >> convert<W>(b & most);
  return convert<T>(truthOf<W>(b > most) ? decltype(shifted){} : shifted);
};

/// 9.7.8.7: [b, a] as one number of 64 bits.
template <bool IsLeft, bool Clamp>
constexpr auto funnel = [](auto a, auto b, auto c) {
  auto both = convert<uint64_t>(b) << 32 | convert<uint64_t>(a);
  auto amount = Clamp ? (c < 32 ? c : all(32u)) : c & 31;
  auto by = convert<uint64_t>(amount);
  return convert<uint32_t>(IsLeft ? both << by >> 32 : both >> by);
};

Handler shf(const Instruction &i) {
  bool isClamp = i.has(Mod::Clamp);
  if (i.get(Field::ShiftMode) == Mod::L)
    return isClamp ? ternary<uint32_t, funnel<true, true>>
                   : ternary<uint32_t, funnel<true, false>>;
  return isClamp ? ternary<uint32_t, funnel<false, true>>
                 : ternary<uint32_t, funnel<false, false>>;
}
} // namespace

Handler selectLogic(const Instruction &i, const RowWidths &, Op &op) {
  Name name = nameOf(i);
  Type type = i.types[0];
  switch (name) {
  case Name::Set:
  case Name::Setp:
    return selectCompare(name, i, op);
  case Name::Selp:
    return byWidth(type, []<typename T>() -> Handler { return selp<T>; });
  case Name::Slct:
    return byWidth(type, [&]<typename T>() { return slct<T>(i); });
  case Name::And:
    return logic<conjunction>(type);
  case Name::Or:
    return logic<disjunction>(type);
  case Name::Xor:
    return logic<difference>(type);
  case Name::Not:
    if (type == Type::Pred)
      return notPredicate;
    return byWidth(
        type, []<typename T>() -> Handler { return unary<T, complement>; });
  case Name::Cnot:
    return byWidth(type, []<typename T>() -> Handler {
      return unary<T, [](auto a) { return decltype(a)(a == 0) & 1; }>;
    });
  case Name::Lop3:
    return selectTable(i, op);
  case Name::Shf:
    return shf(i);
  case Name::Shl:
    return byWidth(type, []<typename T>() -> Handler {
      return binary<T, shiftLeft<T>, T, uint32_t>;
    });
  case Name::Shr:
    return byType(type, []<typename T>() -> Handler {
      return binary<T, shiftRight<T>, T, uint32_t>;
    });
  default:
    return nullptr;
  }
}

} // namespace tenon::sim::exec::TENON_SIM_ISA
