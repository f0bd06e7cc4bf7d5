//===- Integer.cpp - Integer arithmetic, PTX ISA 9.7.1 --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Results wrap around, so that signed and unsigned types share a handler
// wherever the low bits are the same.
//
// Shown by test/unit/sim/ExecIntegerTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/alu/Integer.h"
#include "sim/exec/Select.h"
#include "sim/exec/alu/Map.h"

namespace tenon::sim::exec::TENON_SIM_ISA {
using namespace ptx;

namespace {
/// Two 16-bit numbers a lane, 9.7.1.1, 9.7.1.12 and 9.7.1.13.
template <typename T, auto F> Step pairs(Warp &w, const Op &op) {
  return map<uint32_t, [](auto a, auto b) {
    using Halves = Vec<T, 2 * kChunk>;
    return Chunk<uint32_t>(F(Halves(a), Halves(b)));
  }>(w, op, Source<uint32_t>{w.row(op.a)}, Source<uint32_t>{w.row(op.b)});
}

constexpr auto least = [](auto a, auto b) { return a < b ? a : b; };
constexpr auto greatest = [](auto a, auto b) { return a > b ? a : b; };
constexpr auto leastRelu = [](auto a, auto b) {
  auto value = a < b ? a : b;
  return value > 0 ? value : decltype(value){};
};
constexpr auto greatestRelu = [](auto a, auto b) {
  auto value = a > b ? a : b;
  return value > 0 ? value : decltype(value){};
};

Handler addOrSub(Name name, const Instruction &i) {
  Type type = i.types[0];
  bool isAdd = name == Name::Add;
  if (i.has(Mod::Sat))
    return isAdd ? binary<int32_t,
                          [](auto a, auto b) {
                            return __builtin_elementwise_add_sat(a, b);
                          }>
                 : binary<int32_t, [](auto a, auto b) {
                     return __builtin_elementwise_sub_sat(a, b);
                   }>;
  if (type == Type::U16x2 || type == Type::S16x2)
    return pairs<uint16_t, [](auto a, auto b) { return a + b; }>;
  return byWidth(type, [=]<typename T>() -> Handler {
    return isAdd ? binary<T, [](auto a, auto b) { return a + b; }>
                 : binary<T, [](auto a, auto b) { return a - b; }>;
  });
}

Handler minOrMax(Name name, const Instruction &i) {
  bool isMin = name == Name::Min;
  switch (i.types[0]) {
  case Type::U16x2:
    return isMin ? pairs<uint16_t, least> : pairs<uint16_t, greatest>;
  case Type::S16x2:
    if (i.has(Mod::Relu))
      return isMin ? pairs<int16_t, leastRelu> : pairs<int16_t, greatestRelu>;
    return isMin ? pairs<int16_t, least> : pairs<int16_t, greatest>;
  default:
    break;
  }
  if (i.has(Mod::Relu))
    return isMin ? binary<int32_t, leastRelu> : binary<int32_t, greatestRelu>;
  return byType(i.types[0], [=]<typename T>() -> Handler {
    return isMin ? binary<T, least> : binary<T, greatest>;
  });
}
} // namespace

Handler selectArithmetic(Name name, const Instruction &i) {
  Type type = i.types[0];
  switch (name) {
  case Name::Add:
  case Name::Sub:
    return addOrSub(name, i);
  case Name::Min:
  case Name::Max:
    return minOrMax(name, i);
  case Name::Abs:
    // |MININT| does not fit and stays as it is.
    return byWidth(type, []<typename T>() -> Handler {
      return unary<T, [](auto a) {
        return (a >> (8 * sizeof(T) - 1)) != 0 ? 0 - a : a;
      }>;
    });
  case Name::Neg:
    return byWidth(type, []<typename T>() -> Handler {
      return unary<T, [](auto a) { return 0 - a; }>;
    });
  case Name::Sad:
    return byType(type, []<typename T>() -> Handler {
      return ternary<Unsigned<T>,
                     [](auto a, auto b, auto c) {
                       using U = Chunk<Unsigned<T>>;
                       return c + (a < b ? U(b) - U(a) : U(a) - U(b));
                     },
                     T, T, Unsigned<T>>;
    });
  default:
    return nullptr;
  }
}

Handler selectInteger(const Instruction &instruction, const RowWidths &, Op &) {
  Name name = nameOf(instruction);
  // These names are also of the floating-point families.
  Type type = instruction.types[0];
  bool isInteger = ptx::isInteger(type) || type == Type::U16x2 ||
                   type == Type::S16x2 || kindOf(type) == TypeKind::Bits ||
                   type == Type::None;
  if (name == Name::Other || !isInteger)
    return nullptr;
  if (Handler handler = selectCarry(name, instruction))
    return handler;
  if (Handler handler = selectArithmetic(name, instruction))
    return handler;
  if (Handler handler = selectMultiply(name, instruction))
    return handler;
  return selectBits(name, instruction);
}

} // namespace tenon::sim::exec::TENON_SIM_ISA
