//===- Table.cpp - lop3, PTX ISA 9.7.8.6 ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A handler for each of the 256 functions of three bits. Bit 4a + 2b + c of the
// table is the function's value; by Shannon's expansion over c
//
//   f(a, b, c) = g0(a, b) ^ (c & (g0 ^ g1)(a, b))
//
// with two functions of two bits, which the compiler simplifies further.
//
// Shown by test/unit/sim/ExecLogicTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/alu/Integer.h"
#include "sim/exec/alu/Map.h"

#include <utility>

namespace tenon::sim::exec::TENON_SIM_ISA {
using namespace ptx;

namespace {
/// The function whose value is bit 2a + b of `Bits`.
template <unsigned Bits, typename V> TENON_SIM_INLINE V ofTwo(V a, V b) {
  constexpr unsigned whereA0 = Bits & 3, whereA1 = Bits >> 2;
  // The same expansion, over a.
  auto ofOne = []<unsigned B>(V x) {
    return B == 0 ? V{} : B == 1 ? ~x : B == 2 ? x : ~V{};
  };
  if constexpr (whereA0 == whereA1)
    return ofOne.template operator()<whereA0>(b);
  else if constexpr ((whereA0 ^ whereA1) == 3)
    return a ^ ofOne.template operator()<whereA0>(b);
  else if constexpr (whereA0 == 0)
    return a & ofOne.template operator()<whereA1>(b);
  else if constexpr (whereA1 == 0)
    return ~a & ofOne.template operator()<whereA0>(b);
  else if constexpr (whereA1 == 3)
    return a | ofOne.template operator()<whereA0>(b);
  else
    return ~a | ofOne.template operator()<whereA1>(b);
}

constexpr unsigned cofactor(unsigned table, unsigned c) {
  unsigned bits = 0;
  for (unsigned i = 0; i < 4; ++i)
    bits |= (table >> (2 * i + c) & 1) << i;
  return bits;
}

template <unsigned Table> Step lop3(Warp &w, const Op &op) {
  return ternary<uint32_t, [](auto a, auto b, auto c) {
    constexpr unsigned g0 = cofactor(Table, 0), g1 = cofactor(Table, 1);
    if constexpr (g0 == 0)
      return c & ofTwo<g1>(a, b);
    else if constexpr (g1 == 0)
      return ~c & ofTwo<g0>(a, b);
    else if constexpr (g1 == 15)
      return c | ofTwo<g0>(a, b);
    else
      return ofTwo<g0>(a, b) ^ (c & ofTwo<g0 ^ g1>(a, b));
  }>(w, op);
}

template <unsigned... Tables>
constexpr Handler handlerOf(unsigned table,
                            std::integer_sequence<unsigned, Tables...>) {
  constexpr Handler handlers[] = {lop3<Tables>...};
  return handlers[table];
}
Handler handlerOf(unsigned table) {
  return handlerOf(table, std::make_integer_sequence<unsigned, 256>());
}

/// lop3.BoolOp d|p, a, b, c, table, q: p = (d != 0) BoolOp q.
template <bool IsAnd> Step lop3Bool(Warp &w, const Op &op) {
  handlerOf(op.mode)(w, op);
  uint32_t any = collect<int32_t>(load<int32_t>(w.row(op.d)) != 0);
  uint32_t q = loadPredicate(w.row(op.f));
  storePredicate(w.row(op.e), IsAnd ? any & q : any | q, w.mask);
  return Step::Next;
}
} // namespace

Handler selectTable(const Instruction &i, Op &op) {
  auto table = uint8_t(i.operands[4].value);
  op.mode = table;
  // Without `|p` the predicate is lost, and q with it.
  if (i.operands[0].kind != Operand::Kind::Pair)
    return handlerOf(table);
  return i.get(Field::BoolOp) == Mod::And ? lop3Bool<true> : lop3Bool<false>;
}

} // namespace tenon::sim::exec::TENON_SIM_ISA
