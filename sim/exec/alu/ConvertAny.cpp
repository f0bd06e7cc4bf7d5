//===- ConvertAny.cpp - cvt in every width and rounding -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 9.7.9.21, and registers wider than the types, 9.4.1. What is to be
// done is a `Plan`, read while the handler runs:
//
//   integer -> integer   extended, clamped if .sat, extended to the register
//   float   -> integer   as double: rounded, clamped; a NaN by the ISA's rule
//   integer -> float     as double and what that leaves out, then rounded once
//   float   -> float     as double, then rounded once
//
// Every source but 64-bit integers is exact as a double. Rounding compares a
// double with the nearest number of the destination and moves one place where
// the modifier asks for it.
//
// Shown by test/unit/sim/ExecConvertTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/alu/Float.h"
#include "sim/exec/alu/HalfFormats.h"

namespace tenon::sim::exec::TENON_SIM_ISA {
using namespace ptx;

namespace {
enum class Format : uint8_t { Signed, Unsigned, F16, BF16, F32, F64 };

/// In Op::imm.
struct Plan {
  Format from, to;
  uint8_t fromBits, toBits;   ///< of the types
  uint8_t fromBytes, toBytes; ///< of the rows' lanes
  Rounding rounding;
  uint8_t flags;
};
static_assert(sizeof(Plan) == 8);
enum : uint8_t {
  kFtz = 1,
  kSat = 2,
  kIntegral = 4, ///< rounds to an integral value
};

TENON_SIM_INLINE Longs loadBits(const char *row, unsigned bytes, unsigned i) {
  switch (bytes) {
  case 2:
    return convert<uint64_t>(get<uint16_t>(row, i));
  case 4:
    return convert<uint64_t>(get<uint32_t>(row, i));
  default:
    return get<uint64_t>(row, i);
  }
}
TENON_SIM_INLINE void storeBits(char *row, unsigned bytes, unsigned i,
                                Longs value, uint32_t mask) {
  switch (bytes) {
  case 2:
    return put<uint16_t>(row, i, convert<uint16_t>(value), mask);
  case 4:
    return put<uint32_t>(row, i, convert<uint32_t>(value), mask);
  default:
    return put<uint64_t>(row, i, value, mask);
  }
}

/// The low bits of a lane as a number of that width.
TENON_SIM_INLINE Longs extend(Longs value, unsigned bits, Format format) {
  unsigned shift = 64 - bits;
  value <<= shift;
  return format == Format::Signed ? Longs(Chunk<int64_t>(value) >> shift)
                                  : value >> shift;
}

TENON_SIM_INLINE Longs clampTo(Longs value, const Plan &p) {
  bool toSigned = p.to == Format::Signed;
  uint64_t most = ~uint64_t(0) >> (64 - p.toBits + toSigned);
  if (p.from == Format::Unsigned)
    return value > most ? all<uint64_t>(most) : value;
  auto x = Chunk<int64_t>(value);
  // Of signed numbers none exceeds s64's greatest.
  auto high = int64_t(most > INT64_MAX ? uint64_t(INT64_MAX) : most);
  int64_t low = toSigned ? -high - 1 : 0;
  x = x > high ? all<int64_t>(high) : x;
  return Longs(x < low ? all<int64_t>(low) : x);
}

Step integers(Warp &w, const Op &op) {
  auto p = __builtin_bit_cast(Plan, op.imm);
  char *d = w.row(op.d);
  const char *a = w.row(op.a);
  for (unsigned i = 0; i < kWarpSize; i += kChunk) {
    Longs value = extend(loadBits(a, p.fromBytes, i), p.fromBits, p.from);
    if (p.flags & kSat)
      value = clampTo(value, p);
    storeBits(d, p.toBytes, i, extend(value, p.toBits, p.to), w.mask);
  }
  return Step::Next;
}

/// The same where neither register is wider than 32 bits.
Step integers32(Warp &w, const Op &op) {
  auto p = __builtin_bit_cast(Plan, op.imm);
  char *d = w.row(op.d);
  const char *a = w.row(op.a);
  unsigned from = 32 - p.fromBits, to = 32 - p.toBits;
  for (unsigned i = 0; i < kWarpSize; i += kChunk) {
    Words x = p.fromBytes == 2 ? convert<uint32_t>(get<uint16_t>(a, i))
                               : get<uint32_t>(a, i);
    x <<= from;
    x = p.from == Format::Signed ? Words(Chunk<int32_t>(x) >> from) : x >> from;
    x <<= to;
    x = p.to == Format::Signed ? Words(Chunk<int32_t>(x) >> to) : x >> to;
    if (p.toBytes == 2)
      put<uint16_t>(d, i, convert<uint16_t>(x), w.mask);
    else
      put<uint32_t>(d, i, x, w.mask);
  }
  return Step::Next;
}

/// A number of a floating-point format; exact.
TENON_SIM_INLINE Doubles numberOf(Longs bits, const Plan &p) {
  switch (p.from) {
  case Format::F16:
    return convert<double>(F16::widen(convert<uint16_t>(bits)));
  case Format::BF16:
    return convert<double>(BF16::widen(convert<uint16_t>(bits)));
  case Format::F32: {
    Floats x = Floats(convert<uint32_t>(bits));
    return convert<double>(p.flags & kFtz ? flush(x) : x);
  }
  default:
    return Doubles(bits);
  }
}

TENON_SIM_INLINE Doubles integral(Doubles x, Rounding rounding) {
  switch (rounding) {
  case Rounding::Down:
    return __builtin_elementwise_floor(x);
  case Rounding::Up:
    return __builtin_elementwise_ceil(x);
  case Rounding::Zero:
    return __builtin_elementwise_trunc(x);
  default:
    return __builtin_elementwise_roundeven(x);
  }
}

/// An integral number clamped to the destination's range.
TENON_SIM_INLINE Longs integerOf(Doubles x, const Plan &p) {
  bool toSigned = p.to == Format::Signed;
  unsigned bits = p.toBits;
  uint64_t most = ~uint64_t(0) >> (64 - bits + toSigned);
  uint64_t least = toSigned ? ~most : 0;
  // The first number past the range, a power of two.
  Doubles past = Doubles(all<uint64_t>(uint64_t(1023 + bits - toSigned) << 52));
  auto isPast = x >= past;
  auto isBelow = toSigned ? x < -past : x < 0;
  Doubles fits = ((x < past) & ~isBelow) ? x : Doubles{};
  Longs value =
      toSigned ? Longs(convert<int64_t>(fits)) : convert<uint64_t>(fits);
  value = isPast ? all<uint64_t>(most) : value;
  value = isBelow ? all<uint64_t>(least) : value;
  bool nanIsZero = p.from != Format::F64 && bits != 64;
  Longs nan = all<uint64_t>(nanIsZero ? 0 : uint64_t(1) << (bits - 1));
  return extend(x == x ? value : nan, bits, p.to);
}

Step floatToInteger(Warp &w, const Op &op) {
  auto p = __builtin_bit_cast(Plan, op.imm);
  char *d = w.row(op.d);
  const char *a = w.row(op.a);
  for (unsigned i = 0; i < kWarpSize; i += kChunk) {
    Doubles x = numberOf(loadBits(a, p.fromBytes, i), p);
    storeBits(d, p.toBytes, i, integerOf(integral(x, p.rounding), p), w.mask);
  }
  return Step::Next;
}

/// The number next to `x` where rounding to nearest went another way than
/// asked for: `over` and `under` tell where x is more and less than it shall.
template <typename V, typename M>
TENON_SIM_INLINE V redirect(V x, M over, M under, Rounding rounding) {
  using Ints = M;
  // Towards zero the bits of every number fall by one, away from it they rise.
  Ints isNegative = Ints(x) >> int(8 * sizeof(x[0]) - 1);
  Ints up = isNegative | 1;
  switch (rounding) {
  case Rounding::Down:
    return V(Ints(x) - (over & up));
  case Rounding::Up:
    return V(Ints(x) + (under & up));
  case Rounding::Zero:
    return V(Ints(x) + ((over & ~isNegative) | (under & isNegative)));
  default:
    return x;
  }
}

TENON_SIM_INLINE Floats singleOf(Doubles x, Rounding rounding) {
  Floats f = convert<float>(x);
  Doubles back = convert<double>(f);
  auto over = convert<int32_t>(back > x), under = convert<int32_t>(back < x);
  return canonical(redirect(f, over, under, rounding));
}

/// The number in the destination's format.
TENON_SIM_INLINE Longs bitsOfNumber(Doubles x, const Plan &p) {
  switch (p.to) {
  case Format::F16:
    return convert<uint64_t>(F16::narrow(oddSingle(x), p.rounding));
  case Format::BF16:
    return convert<uint64_t>(BF16::narrow(oddSingle(x), p.rounding));
  case Format::F32: {
    Floats f = singleOf(x, p.rounding);
    return convert<uint64_t>(Words(p.flags & kFtz ? flush(f) : f));
  }
  default: // payloads stay
    return x == x ? Longs(x) : Longs(x) | kQuiet64;
  }
}

Step integerToFloat(Warp &w, const Op &op) {
  auto p = __builtin_bit_cast(Plan, op.imm);
  char *d = w.row(op.d);
  const char *a = w.row(op.a);
  for (unsigned i = 0; i < kWarpSize; i += kChunk) {
    Longs x = extend(loadBits(a, p.fromBytes, i), p.fromBits, p.from);
    Doubles high = p.from == Format::Signed
                       ? convert<double>(convert<int32_t>(x >> 32))
                       : convert<double>(convert<uint32_t>(x >> 32));
    Doubles low = convert<double>(convert<uint32_t>(x));
    high *= 0x1p32;
    // No part of `high` is less than `low`, so that the error is exact.
    Doubles value = high + low, error = low - (value - high);
    if (p.to == Format::F64)
      value = redirect(value, Chunk<int64_t>(error < 0),
                       Chunk<int64_t>(error > 0), p.rounding);
    else
      value = toOdd(value, error);
    if (p.flags & kSat)
      value = saturate(value);
    storeBits(d, p.toBytes, i, bitsOfNumber(value, p), w.mask);
  }
  return Step::Next;
}

Step floatToFloat(Warp &w, const Op &op) {
  auto p = __builtin_bit_cast(Plan, op.imm);
  char *d = w.row(op.d);
  const char *a = w.row(op.a);
  for (unsigned i = 0; i < kWarpSize; i += kChunk) {
    Doubles x = numberOf(loadBits(a, p.fromBytes, i), p);
    if (p.flags & kIntegral)
      x = integral(x, p.rounding);
    if (p.flags & kSat)
      x = saturate(x);
    storeBits(d, p.toBytes, i, bitsOfNumber(x, p), w.mask);
  }
  return Step::Next;
}

Format formatOf(Type type) {
  switch (type) {
  case Type::F16:
    return Format::F16;
  case Type::BF16:
    return Format::BF16;
  case Type::F32:
    return Format::F32;
  case Type::F64:
    return Format::F64;
  default:
    return kindOf(type) == TypeKind::Signed ? Format::Signed : Format::Unsigned;
  }
}
} // namespace

Handler selectConvertAny(const Instruction &i, const RowWidths &widths,
                         Op &op) {
  Type to = i.types[0], from = i.types[1];
  Plan p = {
      formatOf(from), formatOf(to), uint8_t(bitsOf(from)), uint8_t(bitsOf(to)),
      widths.a,       widths.d,     Rounding::Nearest,     0};
  switch (i.get(Field::Rounding)) {
  case Mod::Rni:
    p.flags = kIntegral;
    break;
  case Mod::Rmi:
    p.flags = kIntegral;
    [[fallthrough]];
  case Mod::Rm:
    p.rounding = Rounding::Down;
    break;
  case Mod::Rpi:
    p.flags = kIntegral;
    [[fallthrough]];
  case Mod::Rp:
    p.rounding = Rounding::Up;
    break;
  case Mod::Rzi:
    p.flags = kIntegral;
    [[fallthrough]];
  case Mod::Rz:
    p.rounding = Rounding::Zero;
    break;
  default:
    break;
  }
  p.flags |= i.has(Mod::Ftz) ? kFtz : 0;
  p.flags |= i.has(Mod::Sat) ? kSat : 0;
  op.imm = __builtin_bit_cast(int64_t, p);
  if (isInteger(to) && isInteger(from)) {
    bool isNarrow = widths.d <= 4 && widths.a <= 4 && !i.has(Mod::Sat);
    return isNarrow ? integers32 : integers;
  }
  if (isInteger(to))
    return floatToInteger;
  return isInteger(from) ? integerToFloat : floatToFloat;
}

} // namespace tenon::sim::exec::TENON_SIM_ISA
