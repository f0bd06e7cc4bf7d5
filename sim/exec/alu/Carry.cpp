//===- Carry.cpp - Extended precision, PTX ISA 9.7.2 ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The carry flag CC.CF is a bit a lane (Warp::carry). Additions leave the
// carry there. Subtractions add the complement, as hardware does, and leave the
// carry of that: 1 where nothing was borrowed. The ISA speaks of a borrow only,
// which sub and subc among themselves cannot tell apart; but nvcc's 128-bit
// division reads it with addc after sub.cc and relies on this.
//
// Shown by test/unit/sim/ExecCarryTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/alu/Integer.h"
#include "sim/exec/alu/Map.h"
#include "sim/exec/alu/Product.h"

namespace tenon::sim::exec::TENON_SIM_ISA {
using namespace ptx;

namespace {
/// d = x(a, b) + y + carry or x - y - borrow, for `Word`s of the row; `Y` gives
/// the second term. In: the flag is read; Out: it is written. The borrow is the
/// flag's complement.
template <typename Word, bool IsSub, bool In, bool Out, auto X, auto Y>
Step withCarry(Warp &w, const Op &op) {
  char *d = w.row(op.d);
  const char *a = w.row(op.a), *b = w.row(op.b);
  const char *c = op.c == kNoRow ? b : w.row(op.c);
  const uint32_t flags = IsSub ? ~w.carry() : w.carry();
  uint32_t out = 0;
  for (unsigned i = 0; i < kWarpSize; i += kChunk) {
    Chunk<Word> x = X(get<Word>(a, i), get<Word>(b, i));
    Chunk<Word> y = Y(get<Word>(b, i), get<Word>(c, i));
    Chunk<Word> value = IsSub ? x - y : x + y;
    auto carries = IsSub ? x < y : value < x;
    if constexpr (In) {
      // Lanes of the flag are 0 or -1.
      auto flag = Chunk<Word>(spread<Word>(flags >> i));
      Chunk<Word> first = value;
      value = IsSub ? first + flag : first - flag;
      carries |= IsSub ? value > first : value < first;
    }
    if constexpr (Out)
      out |= bitsOfLanes(carries) << i;
    put<Word>(d, i, value, w.mask);
  }
  if constexpr (Out)
    storePredicate(&w.carry(), IsSub ? ~out : out, w.mask);
  return Step::Next;
}

constexpr auto first = [](auto a, auto) { return a; };
constexpr auto second = [](auto, auto b) { return b; };
constexpr auto lowProduct = [](auto a, auto b) { return a * b; };
template <typename T>
constexpr auto upper = [](auto a, auto b) {
  return decltype(a)(highProduct<T>(Chunk<T>(a), Chunk<T>(b)));
};

template <typename Word, bool In, bool Out>
Handler operation(Name name, const Instruction &i) {
  switch (name) {
  case Name::Add:
  case Name::Addc:
    return withCarry<Word, false, In, Out, first, first>;
  case Name::Sub:
  case Name::Subc:
    return withCarry<Word, true, In, Out, first, first>;
  default:
    break;
  }
  if (i.get(Field::MulMode) == Mod::Lo)
    return withCarry<Word, false, In, Out, lowProduct, second>;
  if (kindOf(i.types[0]) == TypeKind::Signed)
    return withCarry<Word, false, In, Out, upper<Signed<Word>>, second>;
  return withCarry<Word, false, In, Out, upper<Word>, second>;
}

template <typename Word> Handler ofWord(Name name, const Instruction &i) {
  bool reads = name == Name::Addc || name == Name::Subc || name == Name::Madc;
  if (!reads)
    return operation<Word, false, true>(name, i);
  return i.has(Mod::Cc) ? operation<Word, true, true>(name, i)
                        : operation<Word, true, false>(name, i);
}
} // namespace

Handler selectCarry(Name name, const Instruction &i) {
  switch (name) {
  case Name::Add:
  case Name::Sub:
  case Name::Mad:
    if (!i.has(Mod::Cc))
      return nullptr;
    break;
  case Name::Addc:
  case Name::Subc:
  case Name::Madc:
    break;
  default:
    return nullptr;
  }
  return bitsOf(i.types[0]) == 64 ? ofWord<uint64_t>(name, i)
                                  : ofWord<uint32_t>(name, i);
}

} // namespace tenon::sim::exec::TENON_SIM_ISA
