//===- Compare.cpp - set and setp, PTX ISA 9.7.6.1 and 9.7.6.2 ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   t = a CmpOp b
//   setp  p = t BoolOp c, q = !t BoolOp c
//   set   d = (t BoolOp c) ? -1 or 1.0 : 0
//
// Sources are integers, f32 or f64; a destination may be f16 or bf16 too
// (9.7.7.1). Comparisons of f16 and bf16 are of the family of halves.
//
// The ISA gives .lo to .hs to unsigned types, and .equ to .nan to floating
// point. The table takes every comparison of every type: there .lo compares as
// unsigned, and no integer is a NaN.
//
// Shown by test/unit/sim/ExecLogicTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/alu/Integer.h"
#include "sim/exec/alu/Map.h"

namespace tenon::sim::exec::TENON_SIM_ISA {
using namespace ptx;

namespace {
/// Op::mode: the operation of BOOL, and what the destination is.
enum : uint16_t {
  kAnd = 1,
  kOr = 2,
  kXor = 3,
  kBoolMask = 3,
  kSecond = 4,   ///< p|q
  kTwoBytes = 8, ///< set: 2 bytes a lane
};

TENON_SIM_INLINE uint32_t combine(uint16_t mode, uint32_t truth, uint32_t c) {
  switch (mode & kBoolMask) {
  case kAnd:
    return truth & c;
  case kOr:
    return truth | c;
  case kXor:
    return truth ^ c;
  default:
    return truth;
  }
}

/// Subnormals become zeros of their sign, 9.7.6.2.
TENON_SIM_INLINE Chunk<float> flush(Chunk<float> value) {
  auto bits = Chunk<uint32_t>(value);
  return Chunk<float>((bits & 0x7f800000) == 0 ? bits & 0x80000000 : bits);
}

template <typename T, Mod Compare, typename V>
TENON_SIM_INLINE auto holds(V a, V b) {
  if constexpr (Compare == Mod::Eq)
    return a == b;
  else if constexpr (Compare == Mod::Ne)
    return (a < b) | (a > b);
  else if constexpr (Compare == Mod::Lt)
    return a < b;
  else if constexpr (Compare == Mod::Le)
    return a <= b;
  else if constexpr (Compare == Mod::Gt)
    return a > b;
  else if constexpr (Compare == Mod::Ge)
    return a >= b;
  // True also of NaNs, 9.3.1.2.
  else if constexpr (Compare == Mod::Equ)
    return ~((a < b) | (a > b));
  else if constexpr (Compare == Mod::Neu)
    return a != b;
  else if constexpr (Compare == Mod::Ltu)
    return ~(a >= b);
  else if constexpr (Compare == Mod::Leu)
    return ~(a > b);
  else if constexpr (Compare == Mod::Gtu)
    return ~(a <= b);
  else if constexpr (Compare == Mod::Geu)
    return ~(a < b);
  else if constexpr (Compare == Mod::Num)
    return (a == a) & (b == b);
  else
    return (a != a) | (b != b);
}

template <typename T, Mod Compare, bool Ftz>
TENON_SIM_INLINE uint32_t compareRows(const Warp &w, const Op &op) {
  const char *a = w.row(op.a), *b = w.row(op.b);
  uint32_t truth = 0;
#pragma unroll
  for (unsigned i = 0; i < kWarpSize; i += kChunk) {
    Chunk<T> x = get<T>(a, i), y = get<T>(b, i);
    if constexpr (Ftz) {
      x = flush(x);
      y = flush(y);
    }
    truth |= bitsOfLanes(holds<T, Compare>(x, y)) << i;
  }
  return truth;
}

/// setp p, a, b
template <typename T, Mod Compare, bool Ftz> Step setp(Warp &w, const Op &op) {
  storePredicate(w.row(op.d), compareRows<T, Compare, Ftz>(w, op), w.mask);
  return Step::Next;
}

/// setp p|q, a, b, c
template <typename T, Mod Compare, bool Ftz>
Step setpBool(Warp &w, const Op &op) {
  uint32_t truth = compareRows<T, Compare, Ftz>(w, op);
  uint32_t c = op.mode & kBoolMask ? loadPredicate(w.row(op.c)) : 0;
  storePredicate(w.row(op.d), combine(op.mode, truth, c), w.mask);
  if (op.mode & kSecond)
    storePredicate(w.row(op.e), combine(op.mode, ~truth, c), w.mask);
  return Step::Next;
}

template <typename D>
TENON_SIM_INLINE void writeTruth(char *row, uint32_t truth, D value,
                                 uint32_t mask) {
  for (unsigned i = 0; i < kWarpSize; i += kChunk) {
    Chunk<D> result = spread<D>(truth >> i) ? all<D>(value) : Chunk<D>{};
    put<D>(row, i, result, mask);
  }
}
[[gnu::noinline]] void finishSet(Warp &w, const Op &op, uint32_t truth) {
  if (op.mode & kBoolMask)
    truth = combine(op.mode, truth, loadPredicate(w.row(op.c)));
  if (op.mode & kTwoBytes)
    writeTruth<uint16_t>(w.row(op.d), truth, uint16_t(op.imm), w.mask);
  else
    writeTruth<uint32_t>(w.row(op.d), truth, uint32_t(op.imm), w.mask);
}
/// set d, a, b, c
template <typename T, Mod Compare, bool Ftz> Step set(Warp &w, const Op &op) {
  finishSet(w, op, compareRows<T, Compare, Ftz>(w, op));
  return Step::Next;
}

enum class Kind { Setp, SetpBool, Set };

template <typename T, Mod Compare, bool Ftz = false>
Handler handlerOf(Kind kind) {
  switch (kind) {
  case Kind::Setp:
    return setp<T, Compare, Ftz>;
  case Kind::SetpBool:
    return setpBool<T, Compare, Ftz>;
  case Kind::Set:
    return set<T, Compare, Ftz>;
  }
  return nullptr;
}

template <typename T> Handler ofIntegers(Mod compare, Kind kind) {
  using U = Unsigned<T>;
  switch (compare) {
  case Mod::Eq:
  case Mod::Equ:
    return handlerOf<U, Mod::Eq>(kind);
  case Mod::Ne:
  case Mod::Neu:
    return handlerOf<U, Mod::Neu>(kind);
  case Mod::Lt:
  case Mod::Ltu:
    return handlerOf<T, Mod::Lt>(kind);
  case Mod::Le:
  case Mod::Leu:
    return handlerOf<T, Mod::Le>(kind);
  case Mod::Gt:
  case Mod::Gtu:
    return handlerOf<T, Mod::Gt>(kind);
  case Mod::Ge:
  case Mod::Geu:
    return handlerOf<T, Mod::Ge>(kind);
  case Mod::Lo:
    return handlerOf<U, Mod::Lt>(kind);
  case Mod::Ls:
    return handlerOf<U, Mod::Le>(kind);
  case Mod::Hi:
    return handlerOf<U, Mod::Gt>(kind);
  case Mod::Hs:
    return handlerOf<U, Mod::Ge>(kind);
  case Mod::Num:
    return handlerOf<U, Mod::Num>(kind);
  default:
    return handlerOf<U, Mod::Nan>(kind);
  }
}

template <typename T, bool Ftz> Handler ofFloats(Mod compare, Kind kind) {
  switch (compare) {
  case Mod::Eq:
    return handlerOf<T, Mod::Eq, Ftz>(kind);
  case Mod::Ne:
    return handlerOf<T, Mod::Ne, Ftz>(kind);
  case Mod::Lt:
  case Mod::Lo:
    return handlerOf<T, Mod::Lt, Ftz>(kind);
  case Mod::Le:
  case Mod::Ls:
    return handlerOf<T, Mod::Le, Ftz>(kind);
  case Mod::Gt:
  case Mod::Hi:
    return handlerOf<T, Mod::Gt, Ftz>(kind);
  case Mod::Ge:
  case Mod::Hs:
    return handlerOf<T, Mod::Ge, Ftz>(kind);
  case Mod::Equ:
    return handlerOf<T, Mod::Equ, Ftz>(kind);
  case Mod::Neu:
    return handlerOf<T, Mod::Neu, Ftz>(kind);
  case Mod::Ltu:
    return handlerOf<T, Mod::Ltu, Ftz>(kind);
  case Mod::Leu:
    return handlerOf<T, Mod::Leu, Ftz>(kind);
  case Mod::Gtu:
    return handlerOf<T, Mod::Gtu, Ftz>(kind);
  case Mod::Geu:
    return handlerOf<T, Mod::Geu, Ftz>(kind);
  case Mod::Num:
    return handlerOf<T, Mod::Num, Ftz>(kind);
  default:
    return handlerOf<T, Mod::Nan, Ftz>(kind);
  }
}

/// What set writes where the comparison holds.
int64_t trueValue(Type type) {
  switch (type) {
  case Type::F32:
    return 0x3f800000;
  case Type::F16:
    return 0x3c00;
  case Type::BF16:
    return 0x3f80;
  default:
    return -1;
  }
}
} // namespace

Handler selectCompare(Name name, const Instruction &i, Op &op) {
  bool isSet = name == Name::Set;
  Type source = i.types[isSet ? 1 : 0];
  if (source != Type::F32 && source != Type::F64 && !isInteger(source) &&
      kindOf(source) != TypeKind::Bits)
    return nullptr;
  switch (i.get(Field::BoolOp)) {
  case Mod::And:
    op.mode = kAnd;
    break;
  case Mod::Or:
    op.mode = kOr;
    break;
  case Mod::Xor:
    op.mode = kXor;
    break;
  default:
    op.mode = 0;
    break;
  }
  Kind kind = Kind::Set;
  if (isSet) {
    op.imm = trueValue(i.types[0]);
    op.mode |= bitsOf(i.types[0]) == 16 ? kTwoBytes : 0;
  } else {
    op.mode |= i.operands[0].kind == Operand::Kind::Pair ? kSecond : 0;
    kind = op.mode ? Kind::SetpBool : Kind::Setp;
  }
  Mod compare = i.get(Field::Compare);
  if (source == Type::F32)
    return i.has(Mod::Ftz) ? ofFloats<float, true>(compare, kind)
                           : ofFloats<float, false>(compare, kind);
  if (source == Type::F64)
    return ofFloats<double, false>(compare, kind);
  return byType(source, [=]<typename T>() -> Handler {
    return ofIntegers<T>(compare, kind);
  });
}

} // namespace tenon::sim::exec::TENON_SIM_ISA
