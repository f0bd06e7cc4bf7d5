//===- Move.cpp - mov of rows, prmt and cvt.pack, PTX ISA 9.7.9 -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shown by test/unit/sim/ExecMoveTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Select.h"
#include "sim/exec/alu/Map.h"
#include "sim/exec/alu/Names.h"

#include <immintrin.h>

namespace tenon::sim::exec::TENON_SIM_ISA {
using namespace ptx;

namespace {
/// From the low to the high row of a register of 128 bits.
constexpr unsigned kHighRow = kWarpSize * 8;

template <typename D, typename A = D> Step move(Warp &w, const Op &op) {
  return unary<D, [](auto a) { return convert<D>(a); }, A>(w, op);
}

TENON_SIM_INLINE void moveRow(char *d, const char *a, uint32_t mask) {
  for (unsigned i = 0; i < kWarpSize; i += kChunk) {
    put<uint64_t>(d, i, get<uint64_t>(a, i), mask);
  }
}
Step move128(Warp &w, const Op &op) {
  moveRow(w.row(op.d), w.row(op.a), w.mask);
  moveRow(w.row(op.d) + kHighRow, w.row(op.a) + kHighRow, w.mask);
  return Step::Next;
}
Step movePredicate(Warp &w, const Op &op) {
  storePredicate(w.row(op.d), loadPredicate(w.row(op.a)), w.mask);
  return Step::Next;
}

/// Lanes of 8 bits lie in 2 bytes.
template <unsigned Bits>
using Held =
    std::conditional_t<Bits == 64, uint64_t,
                       std::conditional_t<Bits == 32, uint32_t, uint16_t>>;

/// mov.type d, {a, b ...}, PTX ISA 9.7.9.4: the first is the lowest. `Word` is
/// d, or half of a d of 128 bits; `Part` the bits of each.
template <typename Word, unsigned Part>
TENON_SIM_INLINE void packWord(Warp &w, const Row *parts, char *d) {
  for (unsigned i = 0; i < kWarpSize; i += kChunk) {
    Chunk<Word> value{};
    for (unsigned at = 0; at < 8 * sizeof(Word); at += Part) {
      auto part = convert<Word>(get<Held<Part>>(w.row(parts[at / Part]), i));
      if constexpr (Part == 8)
        part &= 0xff;
      value |= part << at;
    }
    put<Word>(d, i, value, w.mask);
  }
}
template <typename Word, unsigned Part> Step pack(Warp &w, const Op &op) {
  packWord<Word, Part>(w, w.listRows(op), w.row(op.d));
  return Step::Next;
}
template <unsigned Part> Step pack128(Warp &w, const Op &op) {
  packWord<uint64_t, Part>(w, w.listRows(op), w.row(op.d));
  packWord<uint64_t, Part>(w, w.listRows(op) + 64 / Part,
                           w.row(op.d) + kHighRow);
  return Step::Next;
}

/// mov.type {d, e ...}, a
template <typename Word, unsigned Part>
TENON_SIM_INLINE void unpackWord(Warp &w, const Row *parts, const char *a) {
  using P = Held<Part>;
  for (unsigned i = 0; i < kWarpSize; i += kChunk) {
    Chunk<Word> value = get<Word>(a, i);
    for (unsigned at = 0; at < 8 * sizeof(Word); at += Part) {
      auto part = convert<P>(value >> at);
      if constexpr (Part == 8)
        part &= 0xff;
      put<P>(w.row(parts[at / Part]), i, part, w.mask);
    }
  }
}
template <typename Word, unsigned Part> Step unpack(Warp &w, const Op &op) {
  unpackWord<Word, Part>(w, w.listRows(op), w.row(op.a));
  return Step::Next;
}
template <unsigned Part> Step unpack128(Warp &w, const Op &op) {
  unpackWord<uint64_t, Part>(w, w.listRows(op), w.row(op.a));
  unpackWord<uint64_t, Part>(w, w.listRows(op) + 64 / Part,
                             w.row(op.a) + kHighRow);
  return Step::Next;
}

template <unsigned Part> Handler packOf(unsigned bits, bool isPack) {
  if constexpr (Part < 16)
    if (bits == 16)
      return isPack ? pack<uint16_t, Part> : unpack<uint16_t, Part>;
  if constexpr (Part < 32)
    if (bits == 32)
      return isPack ? pack<uint32_t, Part> : unpack<uint32_t, Part>;
  if constexpr (Part < 64)
    if (bits == 64)
      return isPack ? pack<uint64_t, Part> : unpack<uint64_t, Part>;
  return bits == 128 ? isPack ? pack128<Part> : unpack128<Part> : nullptr;
}

Handler packOrUnpack(Type type, const Operand &braces, bool isPack) {
  unsigned bits = bitsOf(type);
  switch (bits / braces.count) {
  case 8:
    return packOf<8>(bits, isPack);
  case 16:
    return packOf<16>(bits, isPack);
  case 32:
    return packOf<32>(bits, isPack);
  case 64:
    return packOf<64>(bits, isPack);
  default:
    return nullptr;
  }
}

Handler mov(const Instruction &i, const RowWidths &widths) {
  const Operand *operands = i.operands.data();
  for (bool isPack : {false, true})
    if (operands[isPack].kind == Operand::Kind::Vector)
      return packOrUnpack(i.types[0], operands[isPack], isPack);
  switch (bitsOf(i.types[0])) {
  case 1:
    return movePredicate;
  case 16:
    // Of a special register of 32 bits, PTX ISA 10.1.
    return widths.a == 4 ? move<uint16_t, uint32_t> : move<uint16_t>;
  case 32:
    return move<uint32_t>;
  case 64:
    return move<uint64_t>;
  case 128:
    return move128;
  default:
    return nullptr;
  }
}

#ifdef __AVX512F__
TENON_SIM_INLINE __m512i shuffleBytes(__m512i a, __m512i places) {
  return _mm512_shuffle_epi8(a, places);
}
using Register = __m512i;
#else
TENON_SIM_INLINE __m256i shuffleBytes(__m256i a, __m256i places) {
  return _mm256_shuffle_epi8(a, places);
}
using Register = __m256i;
#endif
using Bytes = Vec<uint8_t, 4 * kChunk>;

constexpr auto kLaneInBlock = [] {
  Vec<uint32_t, kChunk> lanes{};
  for (unsigned i = 0; i < kChunk; ++i)
    lanes[i] = (i & 3) * 0x04040404;
  return lanes;
}();

/// Bytes of [b, a], 9.7.9.7. Each byte of `which` chooses one by its low three
/// bits; bit 3 asks for its sign in all bits.
template <typename V> TENON_SIM_INLINE V permute(V a, V b, V which) {
  // Byte shuffles work within 16 bytes: the lane's own four of them.
  Bytes lane = Bytes(kLaneInBlock);
  Bytes choice = Bytes(which);
  auto places = Register((choice & 3) | lane);
  Bytes fromA = Bytes(shuffleBytes(Register(a), places));
  Bytes fromB = Bytes(shuffleBytes(Register(b), places));
  Bytes byte = (choice & 4) != 0 ? fromB : fromA;
  Bytes sign = byte >= 128 ? ~Bytes{} : Bytes{};
  return V((choice & 8) != 0 ? sign : byte);
}

constexpr auto prmtDefault = [](auto a, auto b, auto c) {
  // Four nibbles become four bytes.
  c &= 0xffff;
  c = (c | c << 8) & 0x00ff00ff;
  c = (c | c << 4) & 0x0f0f0f0f;
  return permute(a, b, c);
};

/// The table of modes, 9.7.9.7, with byte k of `places` for byte k of d.
template <Mod Mode>
constexpr auto prmtMode = [](auto a, auto b, auto c) {
  auto each = (c & 3) * 0x01010101;
  auto ascending = all(0x03020100u);
  if constexpr (Mode == Mod::F4e) {
    return permute(a, b, each + ascending);
  } else if constexpr (Mode == Mod::B4e) {
    return permute(a, b, (each + 0x05060700) & 0x07070707);
  } else if constexpr (Mode == Mod::Rc8) {
    return permute(a, b, each);
  } else if constexpr (Mode == Mod::Rc16) {
    return permute(a, b, (each & 0x01010101) * 2 + 0x01000100);
  } else {
    Bytes place = Bytes(ascending), edge = Bytes(each);
    bool isLeft = Mode == Mod::Ecl;
    return permute(a, b,
                   decltype(c)((place > edge) == (isLeft ? ~Bytes{} : Bytes{})
                                   ? place
                                   : edge));
  }
};

Handler prmt(const Instruction &i) {
  switch (i.get(Field::Select)) {
  case Mod::F4e:
    return ternary<uint32_t, prmtMode<Mod::F4e>>;
  case Mod::B4e:
    return ternary<uint32_t, prmtMode<Mod::B4e>>;
  case Mod::Rc8:
    return ternary<uint32_t, prmtMode<Mod::Rc8>>;
  case Mod::Ecl:
    return ternary<uint32_t, prmtMode<Mod::Ecl>>;
  case Mod::Ecr:
    return ternary<uint32_t, prmtMode<Mod::Ecr>>;
  case Mod::Rc16:
    return ternary<uint32_t, prmtMode<Mod::Rc16>>;
  default:
    return ternary<uint32_t, prmtDefault>;
  }
}

/// 9.7.9.22: the pair of clamped numbers, b lowest, below the low bits of c.
template <unsigned Bits, bool IsSigned>
constexpr auto packSaturated = [](auto a, auto b) {
  constexpr int32_t most = (1 << (Bits - IsSigned)) - 1;
  constexpr int32_t least = IsSigned ? -most - 1 : 0;
  constexpr uint32_t field = (1u << Bits) - 1;
  auto clamp = [](auto x) {
    x = x < least ? all(least) : x;
    return Chunk<uint32_t>(x > most ? all(most) : x) & field;
  };
  return clamp(a) << Bits | clamp(b);
};
template <unsigned Bits, bool IsSigned>
constexpr auto packBelow = [](auto a, auto b, auto c) {
  return c << (2 * Bits) | packSaturated<Bits, IsSigned>(a, b);
};

template <unsigned Bits> Handler cvtPackOf(bool isSigned) {
  if constexpr (Bits == 16)
    return isSigned ? binary<uint32_t, packSaturated<16, true>, int32_t>
                    : binary<uint32_t, packSaturated<16, false>, int32_t>;
  else
    return isSigned
               ? ternary<uint32_t, packBelow<Bits, true>, int32_t, int32_t>
               : ternary<uint32_t, packBelow<Bits, false>, int32_t, int32_t>;
}
Handler cvtPack(Type type) {
  bool isSigned = kindOf(type) == TypeKind::Signed;
  switch (bitsOf(type)) {
  case 2:
    return cvtPackOf<2>(isSigned);
  case 4:
    return cvtPackOf<4>(isSigned);
  case 8:
    return cvtPackOf<8>(isSigned);
  default:
    return cvtPackOf<16>(isSigned);
  }
}
} // namespace

Handler selectMove(const Instruction &i, const RowWidths &widths, Op &) {
  switch (nameOf(i)) {
  case Name::Mov:
    return mov(i, widths);
  case Name::Prmt:
    return prmt(i);
  case Name::CvtPack:
    return cvtPack(i.types[0]);
  default:
    return nullptr;
  }
}

} // namespace tenon::sim::exec::TENON_SIM_ISA
