//===- HalfCompare.cpp - set and setp of halves, PTX ISA 9.7.7 ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two numbers are less, equal, greater, or unordered, and a comparison is the
// set of those for which it holds (9.3.1): one handler serves all of them.
//
//   t = a CmpOp b for each half
//   setp  p = t[0] BoolOp c, q = !t BoolOp c; of packed halves q = t[1] BoolOp
//   c set   d = t BoolOp c ? 1.0 or all bits : 0
//
// Shown by test/unit/sim/ExecHalfCompareTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/alu/Float.h"
#include "sim/exec/alu/HalfFormats.h"

namespace tenon::sim::exec::TENON_SIM_ISA {
using namespace ptx;

namespace {
/// Op::mode: for which orders the comparison holds; the boolean operation; what
/// to write.
enum : uint16_t {
  kLess = 1,
  kEqual = 2,
  kGreater = 4,
  kUnordered = 8,
  kAnd = 16,
  kOr = 32,
  kXor = 64,
  kBool = kAnd | kOr | kXor,
  kSecond = 128,   ///< p|q
  kTwoBytes = 256, ///< set: lanes of the destination
};

uint16_t ordersOf(Mod compare) {
  switch (compare) {
  case Mod::Eq:
    return kEqual;
  case Mod::Ne:
    return kLess | kGreater;
  case Mod::Lt:
  case Mod::Lo:
    return kLess;
  case Mod::Le:
  case Mod::Ls:
    return kLess | kEqual;
  case Mod::Gt:
  case Mod::Hi:
    return kGreater;
  case Mod::Ge:
  case Mod::Hs:
    return kGreater | kEqual;
  case Mod::Equ:
    return kEqual | kUnordered;
  case Mod::Neu:
    return kLess | kGreater | kUnordered;
  case Mod::Ltu:
    return kLess | kUnordered;
  case Mod::Leu:
    return kLess | kEqual | kUnordered;
  case Mod::Gtu:
    return kGreater | kUnordered;
  case Mod::Geu:
    return kGreater | kEqual | kUnordered;
  case Mod::Num:
    return kLess | kEqual | kGreater;
  default:
    return kUnordered;
  }
}

template <typename H, bool Ftz> TENON_SIM_INLINE Floats widen(Halves x) {
  Floats value = H::widen(x);
  if constexpr (Ftz) {
    auto isTiny = Words(magnitude(value) < H::leastNormal);
    value = Floats(Words(value) & ~(isTiny >> 1));
  }
  return value;
}

TENON_SIM_INLINE uint32_t truthOf(uint16_t orders, Floats a, Floats b) {
  uint32_t less = bitsOfLanes(a < b), greater = bitsOfLanes(a > b);
  uint32_t equal = bitsOfLanes(a == b), any = (2u << (kChunk - 1)) - 1;
  return (orders & kLess ? less : 0) | (orders & kEqual ? equal : 0) |
         (orders & kGreater ? greater : 0) |
         (orders & kUnordered ? any & ~(less | equal | greater) : 0);
}

/// Half 0 of each lane, or half 1.
template <bool Pair>
TENON_SIM_INLINE Halves halvesAt(const char *row, unsigned i, unsigned half) {
  if constexpr (Pair)
    return convert<uint16_t>(get<uint32_t>(row, i) >> (16 * half));
  return get<uint16_t>(row, i);
}

template <typename H, bool Pair, bool Ftz>
TENON_SIM_INLINE uint32_t compareHalf(const Warp &w, const Op &op,
                                      unsigned half) {
  const char *a = w.row(op.a), *b = w.row(op.b);
  uint32_t truth = 0;
  for (unsigned i = 0; i < kWarpSize; i += kChunk)
    truth |= truthOf(op.mode, widen<H, Ftz>(halvesAt<Pair>(a, i, half)),
                     widen<H, Ftz>(halvesAt<Pair>(b, i, half)))
             << i;
  return truth;
}

TENON_SIM_INLINE uint32_t combine(const Warp &w, const Op &op, uint32_t truth) {
  if (!(op.mode & kBool))
    return truth;
  uint32_t c = loadPredicate(w.row(op.c));
  return op.mode & kAnd ? truth & c : op.mode & kOr ? truth | c : truth ^ c;
}

template <typename H, bool Pair, bool Ftz> Step setp(Warp &w, const Op &op) {
  uint32_t first = compareHalf<H, Pair, Ftz>(w, op, 0);
  uint32_t second = Pair ? compareHalf<H, Pair, Ftz>(w, op, 1) : ~first;
  uint32_t q = combine(w, op, second);
  storePredicate(w.row(op.d), combine(w, op, first), w.mask);
  if (op.mode & kSecond)
    storePredicate(w.row(op.e), q, w.mask);
  return Step::Next;
}

/// Op::imm is what a lane, or its half, takes where the comparison holds.
template <typename H, bool Pair, bool Ftz> Step set(Warp &w, const Op &op) {
  uint32_t truth = combine(w, op, compareHalf<H, Pair, Ftz>(w, op, 0));
  uint32_t upper =
      Pair ? combine(w, op, compareHalf<H, Pair, Ftz>(w, op, 1)) : 0;
  char *d = w.row(op.d);
  Words value = all<uint32_t>(uint32_t(op.imm));
  for (unsigned i = 0; i < kWarpSize; i += kChunk) {
    Words result = spread<uint32_t>(truth >> i) ? value : Words{};
    if constexpr (Pair)
      result |= spread<uint32_t>(upper >> i) ? value << 16 : Words{};
    if (op.mode & kTwoBytes)
      put<uint16_t>(d, i, convert<uint16_t>(result), w.mask);
    else
      put<uint32_t>(d, i, result, w.mask);
  }
  return Step::Next;
}

template <typename H, bool Pair> Handler handlerOf(bool isSet, bool ftz) {
  if (isSet)
    return ftz ? set<H, Pair, true> : set<H, Pair, false>;
  return ftz ? setp<H, Pair, true> : setp<H, Pair, false>;
}

int64_t trueValue(Type type, bool isPair) {
  switch (type) {
  case Type::F16:
  case Type::F16x2:
    return F16::one;
  case Type::BF16:
  case Type::BF16x2:
    return BF16::one;
  case Type::U16:
  case Type::S16:
    return 0xffff;
  default:
    return isPair ? 0xffff : 0xffffffff;
  }
}
} // namespace

Handler selectHalfCompare(Name name, const Instruction &i, Op &op) {
  bool isSet = name == Name::Set, ftz = i.has(Mod::Ftz);
  Type source = i.types[isSet ? 1 : 0];
  bool isPair = source == Type::F16x2 || source == Type::BF16x2;
  if (!isPair && source != Type::F16 && source != Type::BF16)
    return nullptr;
  op.mode = ordersOf(i.get(Field::Compare));
  switch (i.get(Field::BoolOp)) {
  case Mod::And:
    op.mode |= kAnd;
    break;
  case Mod::Or:
    op.mode |= kOr;
    break;
  case Mod::Xor:
    op.mode |= kXor;
    break;
  default:
    break;
  }
  if (isSet) {
    op.imm = trueValue(i.types[0], isPair);
    op.mode |= bitsOf(i.types[0]) == 16 ? kTwoBytes : 0;
  } else if (i.operands[0].kind == Operand::Kind::Pair) {
    op.mode |= kSecond;
  }
  switch (source) {
  case Type::F16:
    return handlerOf<F16, false>(isSet, ftz);
  case Type::F16x2:
    return handlerOf<F16, true>(isSet, ftz);
  case Type::BF16:
    return handlerOf<BF16, false>(isSet, ftz);
  default:
    return handlerOf<BF16, true>(isSet, ftz);
  }
}

} // namespace tenon::sim::exec::TENON_SIM_ISA
