//===- Bits.cpp - Bit fields and dot products, PTX ISA 9.7.1.14 to 24 -----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// C++ leaves shifts by the width or more open, where the ISA defines them: each
// such shift has its own case here.
//
// Shown by test/unit/sim/ExecIntegerTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/alu/Integer.h"
#include "sim/exec/alu/Map.h"

namespace tenon::sim::exec::TENON_SIM_ISA {
using namespace ptx;

namespace {
template <typename T> inline constexpr unsigned kBits = 8 * sizeof(T);

/// Every bit at or below the highest one.
template <typename T, typename V> TENON_SIM_INLINE V smear(V a) {
  for (unsigned shift = 1; shift < kBits<T>; shift *= 2)
    a |= a >> shift;
  return a;
}

template <typename T>
constexpr auto countOnes =
    [](auto a) { return convert<uint32_t>(__builtin_elementwise_popcount(a)); };
template <typename T>
constexpr auto countLeadingZeros =
    [](auto a) { return kBits<T> - countOnes<T>(smear<T>(a)); };
/// 9.7.1.16. None found: all ones, which is what 0 - 1 gives.
template <typename T>
constexpr auto findHighest = [](auto a) {
  if constexpr (std::is_signed_v<T>)
    a = a < 0 ? ~a : a;
  return countOnes<T>(smear<Unsigned<T>>(Chunk<Unsigned<T>>(a))) - 1;
};
template <typename T>
constexpr auto findShift = [](auto a) {
  auto found = findHighest<T>(a);
  return found == ~0u ? found : kBits<T> - 1 - found;
};

/// 9.7.1.17, with places that no bit has for a base that is out of range.
uint32_t findNthSet(uint32_t mask, int64_t base, int32_t offset) {
  if (offset == 0)
    return base >= 0 && base < 32 && (mask >> base & 1) ? uint32_t(base) : ~0u;
  uint32_t count = (offset > 0 ? uint32_t(offset) : 0 - uint32_t(offset)) - 1;
  for (int64_t at = base; at >= 0 && at < 32; at += offset > 0 ? 1 : -1)
    if (mask >> at & 1) {
      if (count == 0)
        return uint32_t(at);
      --count;
    }
  return ~0u;
}
constexpr auto findNth = [](auto mask, auto base, auto offset) {
  Chunk<uint32_t> found;
  for (unsigned i = 0; i < kChunk; ++i)
    found[i] = findNthSet(mask[i], base[i], offset[i]);
  return found;
};

/// `a << by` and `a >> by` for any `by`.
template <typename T, typename V> TENON_SIM_INLINE V shiftLeft(V a, V by) {
  return by < kBits<T> ? a << (by & (kBits<T> - 1)) : V{};
}

/// 9.7.1.19. The sign of a field that ends beyond the msb is the msb.
template <typename T>
constexpr auto extract = [](auto a, auto b, auto c) {
  using U = Chunk<Unsigned<T>>;
  U position = convert<Unsigned<T>>(b & 0xff),
    length = convert<Unsigned<T>>(c & 0xff);
  if constexpr (std::is_signed_v<T>) {
    U last = all<Unsigned<T>>(kBits<T> - 1);
    auto field = a >> decltype(a)(position < last ? position : last);
    auto unused =
        decltype(a)(length < kBits<T> ? (kBits<T> - length) & last : U{});
    auto extended = decltype(a)(U(field) << U(unused)) >> unused;
    return length == 0 ? decltype(a){} : extended;
  } else {
    U field = position < kBits<T> ? a >> (position & (kBits<T> - 1)) : U{};
    return field & (shiftLeft<T>(all<T>(1), length) - 1);
  }
};

/// 9.7.1.20.
template <typename T>
constexpr auto insert = [](auto a, auto b, auto c, auto d) {
  auto position = convert<T>(c & 0xff), length = convert<T>(d & 0xff);
  auto field = shiftLeft<T>(shiftLeft<T>(all<T>(1), length) - 1, position);
  return (b & ~field) | (shiftLeft<T>(a, position) & field);
};

/// 9.7.1.21.
template <bool Clamp, bool IsSigned>
constexpr auto extend = [](auto a, auto b) {
  using U = Chunk<uint32_t>;
  U size = b & 31, field = (all(1u) << size) - 1;
  U sign = (a >> ((size - 1) & 31)) & 1;
  U result = a & field;
  if constexpr (IsSigned)
    result |= size != 0 && sign != 0 ? ~field : U{};
  if constexpr (Clamp)
    result = b >= 32 ? a : result;
  return result;
};

/// 9.7.1.22.
template <bool Clamp>
constexpr auto fieldMask = [](auto a, auto b) {
  using U = Chunk<uint32_t>;
  U first = a & 31, width = b & 31, end = first + width;
  U from = all(~0u) << first;
  U beyond = end >= 32 ? U{} : all(~0u) << (end & 31);
  if constexpr (Clamp) {
    from = a >= 32 ? U{} : from;
    beyond = b >= 32 ? U{} : beyond;
  }
  return from & ~beyond;
};

/// Element `at` of `Size` bits of a register, extended; signed if `T` is.
template <typename T, unsigned Size, typename V>
TENON_SIM_INLINE Chunk<uint32_t> element(V a, unsigned at) {
  return Chunk<uint32_t>(Chunk<T>(a << (32 - Size - Size * at)) >> (32 - Size));
}
/// 9.7.1.23.
template <typename A, typename B>
constexpr auto dot4 = [](auto a, auto b, auto c) {
  for (unsigned i = 0; i < 4; ++i)
    c += element<A, 8>(a, i) * element<B, 8>(b, i);
  return c;
};
/// 9.7.1.24: the lower or upper two bytes of b.
template <typename A, typename B, unsigned First>
constexpr auto dot2 = [](auto a, auto b, auto c) {
  for (unsigned i = 0; i < 2; ++i)
    c += element<A, 16>(a, i) * element<B, 8>(b, First + i);
  return c;
};

template <typename A, typename B> Handler dotOf(Name name, bool isHigh) {
  if (name == Name::Dp4a)
    return ternary<uint32_t, dot4<A, B>>;
  return isHigh ? ternary<uint32_t, dot2<A, B, 2>>
                : ternary<uint32_t, dot2<A, B, 0>>;
}

Handler dot(Name name, const Instruction &i) {
  bool isHigh = i.get(Field::MulMode) == Mod::Hi;
  if (i.types[0] == Type::S32)
    return i.types[1] == Type::S32 ? dotOf<int32_t, int32_t>(name, isHigh)
                                   : dotOf<int32_t, uint32_t>(name, isHigh);
  return i.types[1] == Type::S32 ? dotOf<uint32_t, int32_t>(name, isHigh)
                                 : dotOf<uint32_t, uint32_t>(name, isHigh);
}

/// 9.7.18.2.3, without selectors: differences of bytes, each in its byte of d,
/// or all added to c.
template <typename A, typename B, int Most, bool Add>
constexpr auto differences4 = [](auto a, auto b, auto c) {
  if constexpr (!Add)
    c = decltype(c){};
  for (unsigned i = 0; i < 4; ++i) {
    auto value = Chunk<int32_t>(element<A, 8>(a, i) - element<B, 8>(b, i));
    value = value < 0 ? -value : value;
    if constexpr (Most)
      value = value > Most ? all<int32_t>(Most) : value;
    if constexpr (Add)
      c += Chunk<uint32_t>(value);
    else
      c |= (Chunk<uint32_t>(value) & 255) << (8 * i);
  }
  return c;
};
template <typename A, typename B> Handler differencesOf(const Instruction &i) {
  if (i.has(Mod::Add))
    return ternary<uint32_t, differences4<A, B, 0, true>>;
  if (!i.has(Mod::Sat))
    return ternary<uint32_t, differences4<A, B, 0, false>>;
  return i.types[0] == Type::S32
             ? ternary<uint32_t, differences4<A, B, 127, false>>
             : ternary<uint32_t, differences4<A, B, 255, false>>;
}
Handler differences(const Instruction &i) {
  if (i.types[1] == Type::S32)
    return i.types[2] == Type::S32 ? differencesOf<int32_t, int32_t>(i)
                                   : differencesOf<int32_t, uint32_t>(i);
  return i.types[2] == Type::S32 ? differencesOf<uint32_t, int32_t>(i)
                                 : differencesOf<uint32_t, uint32_t>(i);
}

/// The handlers of 32 and 64 bits, of sources that may be signed.
template <typename F> Handler by32or64(Type type, F choose) {
  switch (type) {
  case Type::S32:
    return choose.template operator()<int32_t>();
  case Type::S64:
    return choose.template operator()<int64_t>();
  default:
    return bitsOf(type) == 64 ? choose.template operator()<uint64_t>()
                              : choose.template operator()<uint32_t>();
  }
}
} // namespace

Handler selectBits(Name name, const Instruction &i) {
  Type type = i.types[0];
  bool isWide = bitsOf(type) == 64;
  bool isClamp = i.has(Mod::Clamp);
  switch (name) {
  case Name::Popc:
    return isWide ? unary<uint32_t, countOnes<uint64_t>, uint64_t>
                  : unary<uint32_t, countOnes<uint32_t>>;
  case Name::Clz:
    return isWide ? unary<uint32_t, countLeadingZeros<uint64_t>, uint64_t>
                  : unary<uint32_t, countLeadingZeros<uint32_t>>;
  case Name::Bfind:
    return by32or64(type, [&]<typename T>() -> Handler {
      return i.has(Mod::Shiftamt) ? unary<uint32_t, findShift<T>, T>
                                  : unary<uint32_t, findHighest<T>, T>;
    });
  case Name::Fns:
    return ternary<uint32_t, findNth, uint32_t, uint32_t, int32_t>;
  case Name::Brev:
    return by32or64(type, []<typename T>() -> Handler {
      return unary<T,
                   [](auto a) { return __builtin_elementwise_bitreverse(a); }>;
    });
  case Name::Bfe:
    return by32or64(type, []<typename T>() -> Handler {
      return ternary<T, extract<T>, T, uint32_t, uint32_t>;
    });
  case Name::Bfi:
    return isWide ? quaternary<uint64_t, insert<uint64_t>, uint64_t, uint64_t,
                               uint32_t, uint32_t>
                  : quaternary<uint32_t, insert<uint32_t>, uint32_t, uint32_t,
                               uint32_t, uint32_t>;
  case Name::Szext:
    if (type == Type::S32)
      return isClamp ? binary<uint32_t, extend<true, true>>
                     : binary<uint32_t, extend<false, true>>;
    return isClamp ? binary<uint32_t, extend<true, false>>
                   : binary<uint32_t, extend<false, false>>;
  case Name::Bmsk:
    return isClamp ? binary<uint32_t, fieldMask<true>>
                   : binary<uint32_t, fieldMask<false>>;
  case Name::Dp4a:
  case Name::Dp2a:
    return dot(name, i);
  case Name::Vabsdiff4:
    return differences(i);
  default:
    return nullptr;
  }
}

} // namespace tenon::sim::exec::TENON_SIM_ISA
