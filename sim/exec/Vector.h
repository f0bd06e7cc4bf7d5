//===- Vector.h - Thirty-two lanes at once ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A register of a warp is a row: the values of its 32 lanes, one after the
// other. `Lanes<T>` is a row as one value; the compiler splits it into as many
// hardware vectors as the target needs (four of AVX2, two of AVX-512 for 32
// bits). A predicate is a uint32_t, bit n for lane n.
//
// Files that compute on rows are compiled once for x86-64-v3 and once for
// x86-64-v4; TENON_SIM_ISA names the version. Everything here lives in a
// namespace of that name, so that the linker never mixes the two.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_VECTOR_H
#define TENON_SIM_EXEC_VECTOR_H

#include <cstdint>
#include <cstring>
#include <type_traits>

#ifndef TENON_SIM_ISA
#define TENON_SIM_ISA v3
#endif

#define TENON_SIM_INLINE [[gnu::always_inline]] inline

namespace tenon::sim::exec {
inline constexpr unsigned kWarpSize = 32;
inline constexpr uint32_t kAllLanes = ~0u;

namespace TENON_SIM_ISA {

template <typename T> using Lanes [[gnu::vector_size(32 * sizeof(T))]] = T;

template <size_t Bytes> struct SignedOfSize;
template <> struct SignedOfSize<1> {
  using type = int8_t;
};
template <> struct SignedOfSize<2> {
  using type = int16_t;
};
template <> struct SignedOfSize<4> {
  using type = int32_t;
};
template <> struct SignedOfSize<8> {
  using type = int64_t;
};
/// What a comparison of Lanes<T> gives: 0 or -1 in each lane.
template <typename T>
using LaneMask = Lanes<typename SignedOfSize<sizeof(T)>::type>;

template <typename T> TENON_SIM_INLINE Lanes<T> load(const void *row) {
  Lanes<T> value;
  std::memcpy(&value, row, sizeof(value));
  return value;
}
template <typename T>
TENON_SIM_INLINE void storeAll(void *row, Lanes<T> value) {
  std::memcpy(row, &value, sizeof(value));
}
template <typename T> TENON_SIM_INLINE Lanes<T> splat(T value) {
  return value - Lanes<T>{};
}

/// Bit n of `mask` becomes 0 or -1 in lane n.
template <typename T> TENON_SIM_INLINE LaneMask<T> expand(uint32_t mask) {
  using I = typename SignedOfSize<sizeof(T)>::type;
  if constexpr (sizeof(T) >= 4) {
    using U = std::make_unsigned_t<I>;
    constexpr Lanes<U> bits = {
        1u << 0,  1u << 1,  1u << 2,  1u << 3,  1u << 4,  1u << 5,  1u << 6,
        1u << 7,  1u << 8,  1u << 9,  1u << 10, 1u << 11, 1u << 12, 1u << 13,
        1u << 14, 1u << 15, 1u << 16, 1u << 17, 1u << 18, 1u << 19, 1u << 20,
        1u << 21, 1u << 22, 1u << 23, 1u << 24, 1u << 25, 1u << 26, 1u << 27,
        1u << 28, 1u << 29, 1u << 30, 1u << 31};
    return (LaneMask<T>)((splat<U>(mask) & bits) != Lanes<U>{});
  } else {
    return __builtin_convertvector(expand<int32_t>(mask), LaneMask<T>);
  }
}

/// The lanes that are not 0, as a mask.
template <typename I> TENON_SIM_INLINE uint32_t collect(Lanes<I> truth) {
  using Bools [[clang::ext_vector_type(32)]] = bool;
  using Ext [[clang::ext_vector_type(32)]] = I;
  Ext ext;
  std::memcpy(&ext, &truth, sizeof(ext));
  Bools bools = __builtin_convertvector(ext, Bools);
  uint32_t mask;
  std::memcpy(&mask, &bools, sizeof(mask));
  return mask;
}

/// `a` where `mask` is -1, else `b`.
template <typename T>
TENON_SIM_INLINE Lanes<T> blend(LaneMask<T> mask, Lanes<T> a, Lanes<T> b) {
  return mask ? a : b;
}

/// The same row, which the compiler takes for another one. It would make a
/// masked store of a load, a blend and a store of one row, which takes AMD's
/// AVX2 twenty cycles, and hinders the loads that follow.
TENON_SIM_INLINE const char *apart(const void *row) {
  asm("" : "+r"(row));
  return static_cast<const char *>(row);
}

/// Writes the lanes of `mask`, keeps the others.
template <typename T>
TENON_SIM_INLINE void store(void *row, Lanes<T> value, uint32_t mask) {
  if (mask != kAllLanes) [[unlikely]]
    value = blend<T>(expand<T>(mask), value, load<T>(apart(row)));
  storeAll<T>(row, value);
}

/// A predicate: bits of `mask` from `value`, the others as they were.
TENON_SIM_INLINE void storePredicate(void *row, uint32_t value, uint32_t mask) {
  uint32_t old;
  std::memcpy(&old, row, sizeof(old));
  old = (old & ~mask) | (value & mask);
  std::memcpy(row, &old, sizeof(old));
}
TENON_SIM_INLINE uint32_t loadPredicate(const void *row) {
  uint32_t value;
  std::memcpy(&value, row, sizeof(value));
  return value;
}

} // namespace TENON_SIM_ISA
} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_VECTOR_H
