//===- Map.h - One function over all lanes of rows --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Most instructions compute each lane from the same lane of their sources:
//
//   d = f(a, b)     binary<uint32_t, f>: a handler (Op.h)
//
// `f` takes and gives vectors of `kChunk` lanes, which fit the registers of the
// ISA level even at 8 bytes a lane; a row is a few of them. A destination may
// be the row of a source of the same width: a chunk is read before it is
// written, and no other chunk needs it.
//
// Functions that need all lanes at once use Lanes of Vector.h.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_ALU_MAP_H
#define TENON_SIM_EXEC_ALU_MAP_H

#include "sim/exec/Vector.h"
#include "sim/exec/Warp.h"
#include "sim/ptx/Ast.h"

namespace tenon::sim::exec::TENON_SIM_ISA {
namespace {

#ifdef __AVX512F__
inline constexpr unsigned kChunk = 16;
#else
inline constexpr unsigned kChunk = 8;
#endif

template <typename T, unsigned Count>
using Vec [[gnu::vector_size(Count * sizeof(T))]] = T;
template <typename T> using Chunk = Vec<T, kChunk>;

template <typename T> using Signed = std::make_signed_t<T>;
template <typename T> using Unsigned = std::make_unsigned_t<T>;

template <size_t Bytes> struct TwiceAsWide;
template <> struct TwiceAsWide<2> {
  using type = uint32_t;
};
template <> struct TwiceAsWide<4> {
  using type = uint64_t;
};
/// The type of .wide results, PTX ISA 9.7.1.3.
template <typename T>
using Wide = std::conditional_t<std::is_signed_v<T>,
                                Signed<typename TwiceAsWide<sizeof(T)>::type>,
                                typename TwiceAsWide<sizeof(T)>::type>;

/// Lanes `at` to `at + kChunk - 1` of a row.
template <typename T>
TENON_SIM_INLINE Chunk<T> get(const char *row, unsigned at) {
  Chunk<T> value;
  std::memcpy(&value, row + at * sizeof(T), sizeof(value));
  return value;
}
template <typename T>
TENON_SIM_INLINE void put(char *row, unsigned at, Chunk<T> value) {
  std::memcpy(row + at * sizeof(T), &value, sizeof(value));
}

/// The same numbers in lanes of type `To`; modulo its width where it is less.
template <typename To, typename V> TENON_SIM_INLINE auto convert(V value) {
  return __builtin_convertvector(value, Vec<To, sizeof(V) / sizeof(value[0])>);
}

template <typename T> TENON_SIM_INLINE Chunk<T> all(T value) {
  return value - Chunk<T>{};
}

/// Bit n of `bits` becomes 0 or -1 in lane n of a chunk.
template <typename T> TENON_SIM_INLINE auto spread(uint32_t bits) {
  using I = typename SignedOfSize<sizeof(T)>::type;
  if constexpr (sizeof(T) < 4) {
    return convert<I>(spread<int32_t>(bits));
  } else {
    Chunk<Unsigned<I>> place;
    for (unsigned i = 0; i < kChunk; ++i)
      place[i] = Unsigned<I>(1) << i;
    return Chunk<I>((all<Unsigned<I>>(bits) & place) != 0);
  }
}

/// The lanes of a comparison of chunks that hold, as bits.
template <typename V> TENON_SIM_INLINE uint32_t bitsOfLanes(V truth) {
  using Bools [[clang::ext_vector_type(kChunk)]] = bool;
  using Ext [[clang::ext_vector_type(kChunk)]] =
      std::remove_cvref_t<decltype(truth[0])>;
  auto bools = __builtin_convertvector(__builtin_bit_cast(Ext, truth), Bools);
  return __builtin_bit_cast(std::conditional_t<kChunk == 8, uint8_t, uint16_t>,
                            bools);
}

/// Writes the lanes of a chunk that are in the warp's mask.
template <typename T>
TENON_SIM_INLINE void put(char *row, unsigned at, Chunk<T> value,
                          uint32_t mask) {
  if (mask != kAllLanes) [[unlikely]]
    value = spread<T>(mask >> at) ? value : get<T>(apart(row), at);
  put<T>(row, at, value);
}

template <typename T> struct Source {
  const char *row;
  TENON_SIM_INLINE Chunk<T> at(unsigned lane) const {
    return get<T>(row, lane);
  }
};

/// d = f(sources) in the lanes of the mask.
template <typename D, auto F, typename... S>
TENON_SIM_INLINE Step map(Warp &w, const Op &op, Source<S>... sources) {
  char *d = w.row(op.d);
  if (w.mask == kAllLanes) [[likely]] {
#pragma unroll
    for (unsigned i = 0; i < kWarpSize; i += kChunk)
      put<D>(d, i, F(sources.at(i)...));
  } else {
    for (unsigned i = 0; i < kWarpSize; i += kChunk)
      put<D>(d, i, F(sources.at(i)...), w.mask);
  }
  return Step::Next;
}

template <typename D, auto F, typename A = D>
Step unary(Warp &w, const Op &op) {
  return map<D, F>(w, op, Source<A>{w.row(op.a)});
}
template <typename D, auto F, typename A = D, typename B = A>
Step binary(Warp &w, const Op &op) {
  return map<D, F>(w, op, Source<A>{w.row(op.a)}, Source<B>{w.row(op.b)});
}
template <typename D, auto F, typename A = D, typename B = A, typename C = D>
Step ternary(Warp &w, const Op &op) {
  return map<D, F>(w, op, Source<A>{w.row(op.a)}, Source<B>{w.row(op.b)},
                   Source<C>{w.row(op.c)});
}
template <typename D, auto F, typename A, typename B, typename C, typename E>
Step quaternary(Warp &w, const Op &op) {
  return map<D, F>(w, op, Source<A>{w.row(op.a)}, Source<B>{w.row(op.b)},
                   Source<C>{w.row(op.c)}, Source<E>{w.row(op.f)});
}

/// `choose.operator()<T>()` with the unsigned type of a type's width.
template <typename F> Handler byWidth(ptx::Type type, F choose) {
  switch (ptx::bitsOf(type)) {
  case 16:
    return choose.template operator()<uint16_t>();
  case 32:
    return choose.template operator()<uint32_t>();
  case 64:
    return choose.template operator()<uint64_t>();
  default:
    return nullptr;
  }
}

/// The same with the signed or unsigned type.
template <typename F> Handler byType(ptx::Type type, F choose) {
  if (ptx::kindOf(type) != ptx::TypeKind::Signed)
    return byWidth(type, choose);
  return byWidth(type, [&]<typename T>() {
    return choose.template operator()<Signed<T>>();
  });
}

} // namespace
} // namespace tenon::sim::exec::TENON_SIM_ISA

#endif // TENON_SIM_EXEC_ALU_MAP_H
