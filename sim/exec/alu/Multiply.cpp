//===- Multiply.cpp - Integer products and quotients, 9.7.1.3 to 9.7.1.9 --===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shown by test/unit/sim/ExecIntegerTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/alu/Integer.h"
#include "sim/exec/alu/Map.h"
#include "sim/exec/alu/Product.h"

namespace tenon::sim::exec::TENON_SIM_ISA {
using namespace ptx;

namespace {
/// The 48-bit product of the low 24 bits, 9.7.1.5, as 64 bits.
template <typename T, typename V> TENON_SIM_INLINE auto product24(V a, V b) {
  return convert<Wide<T>>(a << 8 >> 8) * convert<Wide<T>>(b << 8 >> 8);
}
template <typename T>
constexpr auto mul24Low =
    [](auto a, auto b) { return convert<T>(product24<T>(a, b)); };
template <typename T>
constexpr auto mul24High =
    [](auto a, auto b) { return convert<T>(product24<T>(a, b) >> 16); };

/// Quotients of 16 and 32 bits through floating point, which is exact enough: a
/// quotient that is no integer is at least 1/b away from one, relative to
/// itself 1/a, and the rounding error is far less in any rounding mode.
template <typename T, typename V> TENON_SIM_INLINE V quotient(V a, V b) {
  if constexpr (sizeof(T) == 8) {
    V result;
    for (unsigned i = 0; i < kChunk; ++i) {
      T divisor = b[i];
      // MININT / -1 would trap.
      bool special = divisor == 0 || (std::is_signed_v<T> && divisor == T(-1));
      T whole = a[i] / (special ? T(1) : divisor);
      result[i] = divisor == 0 ? T(-1)
                  : special    ? T(0 - Unsigned<T>(whole))
                               : whole;
    }
    return result;
  } else {
    using F = std::conditional_t<sizeof(T) == 2, float, double>;
    using I = std::conditional_t<sizeof(T) == 2, int32_t, T>;
    constexpr bool isSigned = std::is_signed_v<T>;
    auto isZero = b == 0, isMinusOne = b == T(-1);
    V divisor = isZero || (isMinusOne && isSigned) ? all<T>(1) : b;
    V whole = convert<T>(convert<I>(convert<F>(convert<I>(a)) /
                                    convert<F>(convert<I>(divisor))));
    if constexpr (isSigned) {
      using U = Chunk<Unsigned<T>>;
      whole = isMinusOne ? V(0 - U(a)) : whole;
    }
    return isZero ? all<T>(T(-1)) : whole;
  }
}

// Division by zero "yields an unspecified, machine-specific value", 9.7.1.8:
// all ones, as the code gives that ptxas makes of it.
template <typename T>
constexpr auto divide = [](auto a, auto b) { return quotient<T>(a, b); };
template <typename T>
constexpr auto remainder = [](auto a, auto b) {
  using U = Chunk<Unsigned<T>>;
  auto whole = U(a) - U(quotient<T>(a, b)) * U(b);
  return decltype(a)(b == 0 ? ~U{} : whole);
};

Handler mul(const Instruction &i) {
  switch (i.get(Field::MulMode)) {
  case Mod::Lo:
    return byWidth(i.types[0], []<typename T>() -> Handler {
      return binary<T, [](auto a, auto b) { return a * b; }>;
    });
  case Mod::Hi:
    return byType(i.types[0], []<typename T>() -> Handler {
      return binary<T, highProduct<T>>;
    });
  default:
    return byType(i.types[0], []<typename T>() -> Handler {
      if constexpr (sizeof(T) == 8)
        return nullptr;
      else
        return binary<Wide<T>, wideProduct<T>, T>;
    });
  }
}

Handler mad(const Instruction &i) {
  if (i.has(Mod::Sat))
    return ternary<int32_t, [](auto a, auto b, auto c) {
      return __builtin_elementwise_add_sat(highProduct<int32_t>(a, b), c);
    }>;
  switch (i.get(Field::MulMode)) {
  case Mod::Lo:
    return byWidth(i.types[0], []<typename T>() -> Handler {
      return ternary<T, [](auto a, auto b, auto c) { return a * b + c; }>;
    });
  case Mod::Hi:
    return byType(i.types[0], []<typename T>() -> Handler {
      return ternary<Unsigned<T>,
                     [](auto a, auto b, auto c) {
                       return decltype(c)(highProduct<T>(a, b)) + c;
                     },
                     T, T, Unsigned<T>>;
    });
  default:
    return byType(i.types[0], []<typename T>() -> Handler {
      if constexpr (sizeof(T) == 8)
        return nullptr;
      else
        return ternary<Unsigned<Wide<T>>,
                       [](auto a, auto b, auto c) {
                         return decltype(c)(wideProduct<T>(a, b)) + c;
                       },
                       T, T, Unsigned<Wide<T>>>;
    });
  }
}

template <typename T> Handler mulOrMad24(Name name, const Instruction &i) {
  bool isHigh = i.get(Field::MulMode) == Mod::Hi;
  if (name == Name::Mul24)
    return isHigh ? binary<T, mul24High<T>> : binary<T, mul24Low<T>>;
  if (i.has(Mod::Sat))
    return ternary<int32_t, [](auto a, auto b, auto c) {
      return __builtin_elementwise_add_sat(mul24High<int32_t>(a, b), c);
    }>;
  using U = Unsigned<T>;
  return isHigh ? ternary<U,
                          [](auto a, auto b, auto c) {
                            return decltype(c)(mul24High<T>(a, b)) + c;
                          },
                          T, T, U>
                : ternary<U,
                          [](auto a, auto b, auto c) {
                            return decltype(c)(mul24Low<T>(a, b)) + c;
                          },
                          T, T, U>;
}
} // namespace

Handler selectMultiply(Name name, const Instruction &i) {
  switch (name) {
  case Name::Mul:
    return mul(i);
  case Name::Mad:
    return mad(i);
  case Name::Mul24:
  case Name::Mad24:
    return i.types[0] == Type::S32 ? mulOrMad24<int32_t>(name, i)
                                   : mulOrMad24<uint32_t>(name, i);
  case Name::Div:
    return byType(i.types[0],
                  []<typename T>() -> Handler { return binary<T, divide<T>>; });
  case Name::Rem:
    return byType(i.types[0], []<typename T>() -> Handler {
      return binary<T, remainder<T>>;
    });
  default:
    return nullptr;
  }
}

} // namespace tenon::sim::exec::TENON_SIM_ISA
