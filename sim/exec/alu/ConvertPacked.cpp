//===- ConvertPacked.cpp - cvt to and from halves, tf32, fp8 --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 9.7.9.21. Of two sources the first becomes the upper half.
// .satfinite and .relu limit the source: rounding keeps the order of numbers,
// and the limits are numbers of the destination.
//
// Shown by test/unit/sim/ExecConvertTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/alu/Float.h"
#include "sim/exec/alu/HalfFormats.h"

namespace tenon::sim::exec::TENON_SIM_ISA {
using namespace ptx;

namespace {
enum : uint16_t { kRelu = 1, kSatfinite = 2, kZero = 4, kAway = 8 };

/// .relu and .satfinite; a NaN passes.
TENON_SIM_INLINE Floats limit(Floats x, uint16_t mode, float most) {
  if (mode & kRelu)
    x = x <= 0 ? Floats{} : x;
  if (mode & kSatfinite) {
    x = x > most ? Floats{} + most : x;
    x = x < -most ? Floats{} - most : x;
  }
  return x;
}

template <typename H> TENON_SIM_INLINE Halves toHalf(Floats x, uint16_t mode) {
  if (mode == 0) [[likely]]
    return H::nearest(x);
  x = limit(x, mode, H::most);
  return mode & kZero ? H::narrow(x, Rounding::Zero) : H::nearest(x);
}

template <typename H> Step oneHalf(Warp &w, const Op &op) {
  char *d = w.row(op.d);
  const char *a = w.row(op.a);
  for (unsigned i = 0; i < kWarpSize; i += kChunk)
    put<uint16_t>(d, i, toHalf<H>(get<float>(a, i), op.mode), w.mask);
  return Step::Next;
}
template <typename H> Step twoHalves(Warp &w, const Op &op) {
  char *d = w.row(op.d);
  const char *a = w.row(op.a), *b = w.row(op.b);
  for (unsigned i = 0; i < kWarpSize; i += kChunk) {
    Words upper = convert<uint32_t>(toHalf<H>(get<float>(a, i), op.mode));
    Words lower = convert<uint32_t>(toHalf<H>(get<float>(b, i), op.mode));
    put<uint32_t>(d, i, upper << 16 | lower, w.mask);
  }
  return Step::Next;
}

/// To the 10 bits of mantissa of tf32; the lower bits become 0.
Step tf32(Warp &w, const Op &op) {
  char *d = w.row(op.d);
  const char *a = w.row(op.a);
  for (unsigned i = 0; i < kWarpSize; i += kChunk) {
    Floats x = limit(get<float>(a, i), op.mode, 0x1.ffcp127f);
    Words bits = Words(x), more = 0xfff + (bits >> 13 & 1);
    if (op.mode & kZero)
      more = Words{};
    else if (op.mode & kAway)
      more = all<uint32_t>(0x1000);
    bits = (bits + more) & ~0x1fffu;
    put<uint32_t>(d, i, x == x ? bits : all<uint32_t>(kNaN32), w.mask);
  }
  return Step::Next;
}

/// Formats of 8 bits, PTX ISA 5.2.3.
struct E4M3 {
  static constexpr int mantissa = 3, leastExponent = -6, bias = 7;
  static constexpr float most = 448.0f;
  static constexpr uint32_t nan = 0x7f;
};
struct E5M2 {
  static constexpr int mantissa = 2, leastExponent = -14, bias = 15;
  static constexpr float most = 57344.0f;
  static constexpr uint32_t nan = 0x7f;
};

/// One number to the low 8 bits of a lane.
template <typename E> TENON_SIM_INLINE Words toByte(Floats x, uint16_t mode) {
  x = limit(x, mode, E::most);
  // The distance of neighbours, a power of two, and its inverse.
  auto exponent = Chunk<int32_t>(Words(magnitude(x)) >> 23) - 127;
  exponent = exponent > E::leastExponent ? exponent
                                         : Chunk<int32_t>{} + E::leastExponent;
  auto place = exponent - E::mantissa;
  Floats unit = Floats((place + 127) << 23),
         inverse = Floats((127 - place) << 23);
  Floats result =
      __builtin_elementwise_roundeven(magnitude(x) * inverse) * unit;
  // With the bias of the small format in place of f32's the exponent's field is
  // that of the small format, for its subnormal numbers, too.
  constexpr float kRebias = __builtin_bit_cast(float, uint32_t(E::bias) << 23);
  Words byte = Words(result * kRebias) >> (23 - E::mantissa);
  byte |= Words(x) >> 24 & 0x80;
  return x == x ? byte : all<uint32_t>(E::nan);
}
template <typename E> Step bytesOfSingles(Warp &w, const Op &op) {
  char *d = w.row(op.d);
  const char *a = w.row(op.a), *b = w.row(op.b);
  for (unsigned i = 0; i < kWarpSize; i += kChunk) {
    Words upper = toByte<E>(get<float>(a, i), op.mode);
    Words lower = toByte<E>(get<float>(b, i), op.mode);
    put<uint16_t>(d, i, convert<uint16_t>(upper << 8 | lower), w.mask);
  }
  return Step::Next;
}
template <typename E> Step bytesOfHalves(Warp &w, const Op &op) {
  char *d = w.row(op.d);
  const char *a = w.row(op.a);
  for (unsigned i = 0; i < kWarpSize; i += kChunk) {
    Words x = get<uint32_t>(a, i);
    Words upper = toByte<E>(F16::widen(convert<uint16_t>(x >> 16)), op.mode);
    Words lower = toByte<E>(F16::widen(convert<uint16_t>(x)), op.mode);
    put<uint16_t>(d, i, convert<uint16_t>(upper << 8 | lower), w.mask);
  }
  return Step::Next;
}

/// A byte in the low 8 bits of each lane; exact.
template <typename E> TENON_SIM_INLINE Words halfOf(Words byte, uint16_t mode) {
  // The bits are those of a number of f16 whose exponent's bias is another.
  Words bits = (byte & 0x7f) << (10 - E::mantissa) | (byte & 0x80) << 8;
  constexpr float kRebias = 1 << (15 - E::bias);
  Floats x = F16::widen(convert<uint16_t>(bits)) * kRebias;
  if constexpr (std::is_same_v<E, E4M3>) // has no infinity
    x = (byte & 0x7f) == E::nan ? Floats(all<uint32_t>(kNaN32)) : x;
  return convert<uint32_t>(F16::nearest(limit(x, mode, F16::most)));
}
template <typename E> Step halvesOfBytes(Warp &w, const Op &op) {
  char *d = w.row(op.d);
  const char *a = w.row(op.a);
  for (unsigned i = 0; i < kWarpSize; i += kChunk) {
    Words x = convert<uint32_t>(get<uint16_t>(a, i));
    Words upper = halfOf<E>(x >> 8, op.mode), lower = halfOf<E>(x, op.mode);
    put<uint32_t>(d, i, upper << 16 | lower, w.mask);
  }
  return Step::Next;
}
} // namespace

Handler selectConvertPacked(const Instruction &i, Op &op) {
  Type to = i.types[0], from = i.types[1];
  Mod rounding = i.get(Field::Rounding);
  op.mode = uint16_t((i.has(Mod::Relu) ? kRelu : 0) |
                     (i.has(Mod::Satfinite) ? kSatfinite : 0) |
                     (rounding == Mod::Rz ? kZero : 0) |
                     (rounding == Mod::Rna ? kAway : 0));
  switch (to) {
  case Type::F16:
  case Type::BF16:
    // Other sources, roundings and modifiers are of ConvertAny.cpp.
    if (from != Type::F32 || i.has(Mod::Ftz) || i.has(Mod::Sat) ||
        (rounding != Mod::Rn && rounding != Mod::Rz))
      return nullptr;
    return to == Type::F16 ? oneHalf<F16> : oneHalf<BF16>;
  case Type::F16x2:
    if (from == Type::E4M3x2)
      return halvesOfBytes<E4M3>;
    return from == Type::E5M2x2 ? halvesOfBytes<E5M2> : twoHalves<F16>;
  case Type::BF16x2:
    return twoHalves<BF16>;
  case Type::TF32:
    return tf32;
  case Type::E4M3x2:
    return from == Type::F32 ? bytesOfSingles<E4M3> : bytesOfHalves<E4M3>;
  case Type::E5M2x2:
    return from == Type::F32 ? bytesOfSingles<E5M2> : bytesOfHalves<E5M2>;
  default:
    return nullptr;
  }
}

} // namespace tenon::sim::exec::TENON_SIM_ISA
