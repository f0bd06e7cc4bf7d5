//===- Convert.cpp - cvt between numbers of common widths -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 9.7.9.21. The conversions that kernels use most, between registers as
// wide as the types and with the host's rounding; ConvertAny.cpp has the rest,
// and ConvertPacked.cpp what packs two numbers in a register.
//
// Shown by test/unit/sim/ExecConvertTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Select.h"
#include "sim/exec/alu/Float.h"
#include "sim/exec/alu/HalfFormats.h"

namespace tenon::sim::exec::TENON_SIM_ISA {
using namespace ptx;

namespace {
template <typename D, typename S>
constexpr auto asType = [](auto a) { return convert<D>(a); };

/// Integers to integers, modulo the destination's width.
template <typename S> Handler integersOf(unsigned bits) {
  switch (bits) {
  case 16:
    return unary<uint16_t, asType<uint16_t, S>, S>;
  case 32:
    return unary<uint32_t, asType<uint32_t, S>, S>;
  case 64:
    return unary<uint64_t, asType<uint64_t, S>, S>;
  default:
    return nullptr;
  }
}

template <Mod Rounding> TENON_SIM_INLINE Floats integral(Floats x) {
  if constexpr (Rounding == Mod::Rni)
    return __builtin_elementwise_roundeven(x);
  else if constexpr (Rounding == Mod::Rzi)
    return __builtin_elementwise_trunc(x);
  else if constexpr (Rounding == Mod::Rmi)
    return __builtin_elementwise_floor(x);
  else
    return __builtin_elementwise_ceil(x);
}

/// f32 to s32 and u32: clamped; a NaN is 0.
template <typename T, Mod Rounding, bool Ftz>
constexpr auto toInteger = [](Floats x) {
  constexpr float kPast = std::is_signed_v<T> ? 0x1p31f : 0x1p32f;
  constexpr float kLeast = std::is_signed_v<T> ? -0x1p31f : 0.0f;
  constexpr T kMost = std::is_signed_v<T> ? T(0x7fffffff) : T(~0u);
  x = integral<Rounding>(Ftz ? flush(x) : x);
  auto isPast = x >= kPast;
  Floats fits = x > kLeast ? x : x == x ? Floats{} + kLeast : Floats{};
  fits = isPast ? Floats{} : fits;
  return isPast ? all<T>(kMost) : convert<T>(fits);
};
template <typename T, bool Ftz> Handler integerOf(Mod rounding) {
  switch (rounding) {
  case Mod::Rni:
    return unary<T, toInteger<T, Mod::Rni, Ftz>, float>;
  case Mod::Rzi:
    return unary<T, toInteger<T, Mod::Rzi, Ftz>, float>;
  case Mod::Rmi:
    return unary<T, toInteger<T, Mod::Rmi, Ftz>, float>;
  default:
    return unary<T, toInteger<T, Mod::Rpi, Ftz>, float>;
  }
}

Handler selectCommon(const Instruction &i, const RowWidths &widths) {
  Type to = i.types[0], from = i.types[1];
  if (bitsOf(to) != 8u * widths.d || bitsOf(from) != 8u * widths.a ||
      i.has(Mod::Sat))
    return nullptr;
  Mod rounding = i.get(Field::Rounding);
  bool ftz = i.has(Mod::Ftz);
  if (isInteger(to) && isInteger(from))
    return byType(from, [=]<typename S>() -> Handler {
      return integersOf<S>(bitsOf(to));
    });
  switch (from) {
  case Type::F32:
    if (to == Type::S32)
      return ftz ? integerOf<int32_t, true>(rounding)
                 : integerOf<int32_t, false>(rounding);
    if (to == Type::U32)
      return ftz ? integerOf<uint32_t, true>(rounding)
                 : integerOf<uint32_t, false>(rounding);
    if (to == Type::F64 && !ftz)
      return unary<double, asType<double, float>, float>;
    return nullptr;
  case Type::F64:
    if (to == Type::F32 && rounding == Mod::Rn && !ftz)
      return unary<float, [](auto a) { return canonical(convert<float>(a)); },
                   double>;
    return nullptr;
  case Type::F16:
    if (to == Type::F32) // no number of f16 is a subnormal of f32
      return unary<float, [](auto a) { return canonical(F16::widen(a)); },
                   uint16_t>;
    return nullptr;
  case Type::BF16:
    // A NaN is unspecified: hardware shifts.
    if (to == Type::F32 && !ftz)
      return unary<float, [](auto a) { return BF16::widen(a); }, uint16_t>;
    return nullptr;
  case Type::S32:
    if (to == Type::F32 && rounding == Mod::Rn)
      return unary<float, asType<float, int32_t>, int32_t>;
    if (to == Type::F64) // exact
      return unary<double, asType<double, int32_t>, int32_t>;
    return nullptr;
  case Type::U32:
    if (to == Type::F32 && rounding == Mod::Rn)
      return unary<float, asType<float, uint32_t>, uint32_t>;
    if (to == Type::F64)
      return unary<double, asType<double, uint32_t>, uint32_t>;
    return nullptr;
  default:
    return nullptr;
  }
}
} // namespace

Handler selectConversion(const Instruction &i, const RowWidths &widths,
                         Op &op) {
  if (nameOf(i) != Name::Cvt)
    return nullptr;
  if (Handler handler = selectConvertPacked(i, op))
    return handler;
  if (Handler handler = selectCommon(i, widths))
    return handler;
  return selectConvertAny(i, widths, op);
}

} // namespace tenon::sim::exec::TENON_SIM_ISA
