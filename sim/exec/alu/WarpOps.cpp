//===- WarpOps.cpp - Communication among the lanes of a warp --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// shfl, vote, match, redux, activemask, elect: PTX ISA 9.7.9.5, 9.7.9.6 and
// 9.7.13.8 to 9.7.13.14. The lanes of Warp::mask execute; whoever calls has
// brought those of the membermask together before (exchange in
// sim/exec/BarrierOps.cpp), and calls once for each membermask. Lanes that are
// missing all the same do not take part.
//
// Shown by test/unit/sim/ExecWarpTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Select.h"
#include "sim/exec/alu/Map.h"
#include "sim/exec/alu/Names.h"

#include <immintrin.h>

namespace tenon::sim::exec::TENON_SIM_ISA {
using namespace ptx;

namespace {
/// The membermask, which is the same in all lanes that execute.
TENON_SIM_INLINE uint32_t members(const Warp &w, Row row) {
  uint32_t value;
  std::memcpy(&value, w.row(row) + 4 * unsigned(__builtin_ctz(w.mask)), 4);
  return value & w.mask;
}

template <typename T>
TENON_SIM_INLINE T laneOf(const char *row, unsigned lane) {
  T value;
  std::memcpy(&value, row + lane * sizeof(T), sizeof(T));
  return value;
}

TENON_SIM_INLINE void storeSplat(char *row, uint32_t value, uint32_t mask) {
  store<uint32_t>(row, splat<uint32_t>(value), mask);
}

/// The lanes of a chunk that `source` names, from the whole row.
TENON_SIM_INLINE Chunk<int32_t> gather(const char *row, Chunk<int32_t> source) {
#ifdef __AVX512F__
  return Chunk<int32_t>(_mm512_permutex2var_epi32(
      _mm512_loadu_si512(row), __m512i(source), _mm512_loadu_si512(row + 64)));
#else
  return Chunk<int32_t>(_mm256_i32gather_epi32(
      reinterpret_cast<const int *>(row), __m256i(source), 4));
#endif
}

/// 9.7.9.6. Reading a lane that does not execute gives what its register last
/// held, which the ISA leaves open.
template <Mod Mode, bool HasPredicate> Step shfl(Warp &w, const Op &op) {
  const char *a = w.row(op.a), *b = w.row(op.b), *c = w.row(op.c);
  Lanes<int32_t> result;
  uint32_t inRange = 0;
  for (unsigned i = 0; i < kWarpSize; i += kChunk) {
    Chunk<int32_t> lane;
    for (unsigned k = 0; k < kChunk; ++k)
      lane[k] = int32_t(k);
    lane += int32_t(i);
    auto amount = get<int32_t>(b, i) & 31;
    auto clamp = get<int32_t>(c, i);
    auto segment = clamp >> 8 & 31;
    auto least = lane & segment;
    auto most = least | (clamp & 31 & ~segment);
    Chunk<int32_t> source, holds;
    if constexpr (Mode == Mod::Up) {
      source = lane - amount;
      holds = source >= most;
    } else {
      source = Mode == Mod::Down   ? lane + amount
               : Mode == Mod::Bfly ? lane ^ amount
                                   : least | (amount & ~segment);
      holds = source <= most;
    }
    source = holds ? source : lane;
    Chunk<int32_t> value = gather(a, source);
    std::memcpy(reinterpret_cast<char *>(&result) + 4 * i, &value,
                sizeof(value));
    if constexpr (HasPredicate)
      inRange |= bitsOfLanes(holds) << i;
  }
  // Only now: d may be the row of a source.
  store<int32_t>(w.row(op.d), result, w.mask);
  if constexpr (HasPredicate)
    storePredicate(w.row(op.e), inRange, w.mask);
  return Step::Next;
}

template <Mod Mode> Handler shflOf(const Instruction &i) {
  return i.operands[0].kind == Operand::Kind::Pair ? shfl<Mode, true>
                                                   : shfl<Mode, false>;
}
Handler shfl(const Instruction &i) {
  switch (i.get(Field::ShiftMode)) {
  case Mod::Up:
    return shflOf<Mod::Up>(i);
  case Mod::Down:
    return shflOf<Mod::Down>(i);
  case Mod::Bfly:
    return shflOf<Mod::Bfly>(i);
  default:
    return shflOf<Mod::Idx>(i);
  }
}

/// 9.7.13.8 without, 9.7.13.9 with a membermask.
template <Mod Mode, bool Sync> Step vote(Warp &w, const Op &op) {
  if (!w.mask)
    return Step::Next;
  uint32_t among = w.mask;
  if constexpr (Sync)
    among = members(w, op.b);
  uint32_t yes = loadPredicate(w.row(op.a)) & among;
  if constexpr (Mode == Mod::Ballot) {
    storeSplat(w.row(op.d), yes, w.mask);
  } else {
    bool holds = Mode == Mod::All   ? yes == among
                 : Mode == Mod::Any ? yes != 0
                                    : yes == among || yes == 0;
    storePredicate(w.row(op.d), holds ? ~0u : 0, w.mask);
  }
  return Step::Next;
}
template <bool Sync> Handler voteOf(const Instruction &i) {
  switch (i.get(Field::Operation)) {
  case Mod::All:
    return vote<Mod::All, Sync>;
  case Mod::Any:
    return vote<Mod::Any, Sync>;
  case Mod::Uni:
    return vote<Mod::Uni, Sync>;
  default:
    return vote<Mod::Ballot, Sync>;
  }
}

/// The lanes whose value is `value`.
template <typename T>
TENON_SIM_INLINE uint32_t lanesWith(const char *row, T value) {
  uint32_t lanes = 0;
  for (unsigned i = 0; i < kWarpSize; i += kChunk)
    lanes |= bitsOfLanes(get<T>(row, i) == all<T>(value)) << i;
  return lanes;
}

/// 9.7.13.10.
template <typename T> Step matchAny(Warp &w, const Op &op) {
  if (!w.mask)
    return Step::Next;
  const char *a = w.row(op.a);
  uint32_t among = members(w, op.b);
  uint32_t same[kWarpSize] = {};
  for (uint32_t left = w.mask; left; left &= left - 1) {
    auto lane = unsigned(__builtin_ctz(left));
    same[lane] = lanesWith<T>(a, laneOf<T>(a, lane)) & among;
  }
  store<uint32_t>(w.row(op.d), load<uint32_t>(same), w.mask);
  return Step::Next;
}
template <typename T, bool HasPredicate> Step matchAll(Warp &w, const Op &op) {
  if (!w.mask)
    return Step::Next;
  const char *a = w.row(op.a);
  uint32_t among = members(w, op.b);
  auto lowest = unsigned(__builtin_ctz(w.mask));
  bool same = (lanesWith<T>(a, laneOf<T>(a, lowest)) & among) == among;
  storeSplat(w.row(op.d), same ? among : 0, w.mask);
  if constexpr (HasPredicate)
    storePredicate(w.row(op.e), same ? ~0u : 0, w.mask);
  return Step::Next;
}
template <typename T> Handler matchOf(const Instruction &i) {
  if (i.get(Field::Operation) == Mod::Any)
    return matchAny<T>;
  return i.operands[0].kind == Operand::Kind::Pair ? matchAll<T, true>
                                                   : matchAll<T, false>;
}

/// 9.7.13.12, integers.
template <typename T, auto F> Step redux(Warp &w, const Op &op) {
  if (!w.mask)
    return Step::Next;
  const char *a = w.row(op.a);
  uint32_t left = members(w, op.b);
  T value = left ? laneOf<T>(a, unsigned(__builtin_ctz(left))) : T(0);
  for (left &= left - 1; left; left &= left - 1)
    value = F(value, laneOf<T>(a, unsigned(__builtin_ctz(left))));
  storeSplat(w.row(op.d), uint32_t(value), w.mask);
  return Step::Next;
}

/// 9.7.13.12, .f32. Compared as integers: order, and +0 above -0, are those of
/// sign and magnitude.
template <bool IsMax, bool Abs, bool KeepNaN>
Step reduxFloat(Warp &w, const Op &op) {
  if (!w.mask)
    return Step::Next;
  const char *a = w.row(op.a);
  constexpr uint32_t nan = 0x7fffffff; // the canonical one, 9.7.3
  uint32_t result = nan;
  bool anyNaN = false, any = false;
  int32_t best = 0;
  for (uint32_t left = members(w, op.b); left; left &= left - 1) {
    auto bits = laneOf<uint32_t>(a, unsigned(__builtin_ctz(left)));
    if constexpr (Abs)
      bits &= 0x7fffffff;
    if ((bits & 0x7fffffff) > 0x7f800000) {
      anyNaN = true;
      continue;
    }
    int32_t rank =
        int32_t(bits) < 0 ? int32_t(~bits ^ 0x80000000) : int32_t(bits);
    if (!any || (IsMax ? rank > best : rank < best)) {
      best = rank;
      result = bits;
    }
    any = true;
  }
  storeSplat(w.row(op.d), KeepNaN && anyNaN ? nan : result, w.mask);
  return Step::Next;
}
template <bool IsMax> Handler reduxFloatOf(const Instruction &i) {
  if (i.has(Mod::Abs))
    return i.has(Mod::NaN) ? reduxFloat<IsMax, true, true>
                           : reduxFloat<IsMax, true, false>;
  return i.has(Mod::NaN) ? reduxFloat<IsMax, false, true>
                         : reduxFloat<IsMax, false, false>;
}

constexpr auto sum = [](auto a, auto b) { return a + b; };
constexpr auto least = [](auto a, auto b) { return a < b ? a : b; };
constexpr auto greatest = [](auto a, auto b) { return a > b ? a : b; };

Handler redux(const Instruction &i) {
  bool isSigned = i.types[0] == Type::S32, isFloat = i.types[0] == Type::F32;
  switch (i.get(Field::Operation)) {
  case Mod::Add:
    return redux<uint32_t, sum>;
  case Mod::Min:
    return isFloat    ? reduxFloatOf<false>(i)
           : isSigned ? redux<int32_t, least>
                      : redux<uint32_t, least>;
  case Mod::Max:
    return isFloat    ? reduxFloatOf<true>(i)
           : isSigned ? redux<int32_t, greatest>
                      : redux<uint32_t, greatest>;
  case Mod::And:
    return redux<uint32_t, [](auto a, auto b) { return a & b; }>;
  case Mod::Or:
    return redux<uint32_t, [](auto a, auto b) { return a | b; }>;
  default:
    return redux<uint32_t, [](auto a, auto b) { return a ^ b; }>;
  }
}

/// 9.7.13.11: predicated-off lanes count as inactive.
Step activemask(Warp &w, const Op &op) {
  storeSplat(w.row(op.d), w.mask, w.mask);
  return Step::Next;
}

/// 9.7.13.14. The ISA leaves open which member leads: the lowest.
template <bool HasPredicate> Step elect(Warp &w, const Op &op) {
  if (!w.mask)
    return Step::Next;
  uint32_t among = members(w, op.a);
  uint32_t leader = among & (0 - among);
  storeSplat(w.row(op.d), among ? uint32_t(__builtin_ctz(among)) : 0, w.mask);
  if constexpr (HasPredicate)
    storePredicate(w.row(op.e), leader, w.mask);
  return Step::Next;
}

Step nothing(Warp &, const Op &) { return Step::Next; }
} // namespace

Handler selectWarp(const Instruction &i, const RowWidths &, Op &) {
  switch (nameOf(i)) {
  case Name::Shfl:
    return shfl(i);
  case Name::Vote:
    return i.has(Mod::Sync) ? voteOf<true>(i) : voteOf<false>(i);
  case Name::Match:
    return bitsOf(i.types[0]) == 64 ? matchOf<uint64_t>(i)
                                    : matchOf<uint32_t>(i);
  case Name::Redux:
    return redux(i);
  case Name::Activemask:
    return activemask;
  case Name::Elect:
    return i.operands[0].kind == Operand::Kind::Pair ? elect<true>
                                                     : elect<false>;
  case Name::BarWarpSync:
    return nothing;
  default:
    return nullptr;
  }
}

} // namespace tenon::sim::exec::TENON_SIM_ISA
