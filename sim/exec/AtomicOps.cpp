//===- AtomicOps.cpp - atom and red, PTX ISA 9.7.13.5, 9.7.13.6 -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lanes take their turn in the order of their numbers. Memory is changed by a
// compare-and-swap loop of the host, for other blocks may see it.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Half.h"
#include "sim/exec/MemoryAccess.h"
#include "sim/ptx/Instructions.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Field;
using ptx::Instruction;
using ptx::Mod;
using ptx::Type;

namespace {

/// f32: NaN is canonical (PTX ISA 9.7.3).
struct Add {
  template <typename T> static T apply(T old, T b, T) {
    if constexpr (std::is_same_v<T, float>) {
      float sum = old + b;
      return sum == sum ? sum : std::bit_cast<float>(0x7fffffffu);
    } else {
      return T(old + b);
    }
  }
};
/// PTX ISA 9.7.13.5: add.f32 on global memory flushes subnormal inputs and
/// results to zero of their sign; on shared memory it does not.
struct FlushingAdd {
  static float flush(float value) {
    return std::fabs(value) < 0x1p-126f ? std::copysign(0.0f, value) : value;
  }
  static float apply(float old, float b, float) {
    return flush(Add::apply(flush(old), flush(b), 0.0f));
  }
};
struct Inc {
  template <typename T> static T apply(T old, T b, T) {
    return old >= b ? T(0) : T(old + 1);
  }
};
struct Dec {
  template <typename T> static T apply(T old, T b, T) {
    return old == 0 || old > b ? b : T(old - 1);
  }
};
struct Min {
  template <typename T> static T apply(T old, T b, T) {
    return b < old ? b : old;
  }
};
struct Max {
  template <typename T> static T apply(T old, T b, T) {
    return b > old ? b : old;
  }
};
struct And {
  template <typename T> static T apply(T old, T b, T) { return old & b; }
};
struct Or {
  template <typename T> static T apply(T old, T b, T) { return old | b; }
};
struct Xor {
  template <typename T> static T apply(T old, T b, T) { return old ^ b; }
};
struct Exch {
  template <typename T> static T apply(T, T b, T) { return b; }
};
struct Cas {
  template <typename T> static T apply(T old, T b, T c) {
    return old == b ? c : old;
  }
};

/// Two halves, or one, in an integer of the same size.
template <typename Traits, typename U, typename Op> struct Packed {
  template <typename T> static T apply(T old, T b, T) {
    U result = 0;
    for (unsigned shift = 0; shift < sizeof(U) * 8; shift += 16)
      result = U(result | U(Op::template half<Traits>(uint16_t(old >> shift),
                                                      uint16_t(b >> shift)))
                              << shift);
    return result;
  }
};
struct HalfAdd {
  template <typename Traits> static uint16_t half(uint16_t a, uint16_t b) {
    return Traits::fromFloatSum(a, b);
  }
};
struct HalfMin {
  template <typename Traits> static uint16_t half(uint16_t a, uint16_t b) {
    return Traits::minimum(a, b);
  }
};
struct HalfMax {
  template <typename Traits> static uint16_t half(uint16_t a, uint16_t b) {
    return Traits::maximum(a, b);
  }
};

template <size_t Bytes> struct UnsignedOf;
template <> struct UnsignedOf<2> {
  using type = uint16_t;
};
template <> struct UnsignedOf<4> {
  using type = uint32_t;
};
template <> struct UnsignedOf<8> {
  using type = uint64_t;
};

} // namespace

/// Old value of the bytes at `at`, which become Operation's.
template <typename T, typename Operation> static T change(char *at, T b, T c) {
  using U = typename UnsignedOf<sizeof(T)>::type;
  auto *word = reinterpret_cast<U *>(at);
  U old = __atomic_load_n(word, __ATOMIC_RELAXED);
  for (;;) {
    T before = std::bit_cast<T>(old);
    U next = std::bit_cast<U>(Operation::apply(before, b, c));
    if (__atomic_compare_exchange_n(word, &old, next, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_RELAXED))
      return before;
  }
}

/// Op::mode as of loads: space, wide address; bit 5: no destination.
static uint16_t encode(Space space, bool wide, bool isReduction) {
  return uint16_t(unsigned(space) | unsigned(wide) << 3 |
                  unsigned(isReduction) << 5);
}

template <typename T, typename Operation, unsigned Count>
static Step atomicOp(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  Addresses addresses;
  Pointers pointers;
  computeAddresses(warp, op.a, op.mode >> 3 & 1, op.imm, addresses);
  if (!resolve(warp, addresses, warp.mask, sizeof(T) * Count, sizeof(T) * Count,
               Space(op.mode & 7), AccessKind::Atomic, pointers))
    return Step::Fault;
  bool isReduction = op.mode >> 5 & 1;
  // Loops that wait for a lock spin here: others shall have their turn sooner.
  warp.sinceFair += 64;
  const Row *lists = warp.listRows(op);
  for (unsigned i = 0; i < Count; ++i) {
    char *d = nullptr;
    const char *b, *c = nullptr;
    if (Count == 1) {
      d = warp.row(op.d);
      b = warp.row(op.b);
      if (op.c != kNoRow)
        c = warp.row(op.c);
    } else {
      d = isReduction ? nullptr : warp.row(lists[i]);
      b = warp.row(lists[isReduction ? i : Count + i]);
    }
    for (uint32_t left = warp.mask; left; left &= left - 1) {
      auto lane = unsigned(std::countr_zero(left));
      T bValue, cValue{};
      std::memcpy(&bValue, b + lane * sizeof(T), sizeof(T));
      if (std::is_same_v<Operation, Cas> && c)
        std::memcpy(&cValue, c + lane * sizeof(T), sizeof(T));
      char *at = pointers.at[lane] + i * sizeof(T);
      T old;
      if constexpr (std::is_same_v<T, float>)
        old = warp.block->isShared(at)
                  ? change<T, Operation>(at, bValue, cValue)
                  : change<T, FlushingAdd>(at, bValue, cValue);
      else
        old = change<T, Operation>(at, bValue, cValue);
      if (!isReduction)
        std::memcpy(d + lane * sizeof(T), &old, sizeof(T));
    }
  }
  acquireGlobal(warp, addresses, sizeof(T) * Count, Space(op.mode & 7));
  return Step::Next;
}

/// atom.exch.b128 and atom.cas.b128: one at a time under a lock of the process,
/// for not every host has cmpxchg16b.
template <bool IsCas> static Step wideAtomic(Warp &base, const Op &op) {
  static std::mutex mutex;
  WarpState &warp = state(base);
  Addresses addresses;
  Pointers pointers;
  computeAddresses(warp, op.a, op.mode >> 3 & 1, op.imm, addresses);
  if (!resolve(warp, addresses, warp.mask, 16, 16, Space(op.mode & 7),
               AccessKind::Atomic, pointers))
    return Step::Fault;
  std::lock_guard lock(mutex);
  for (uint32_t left = warp.mask; left; left &= left - 1) {
    auto lane = unsigned(std::countr_zero(left));
    auto get = [&](Row row, unsigned half) {
      uint64_t value;
      std::memcpy(&value, warp.row(row) + half * 256 + lane * 8, 8);
      return value;
    };
    uint64_t old[2], b[2] = {get(op.b, 0), get(op.b, 1)};
    std::memcpy(old, pointers.at[lane], 16);
    const uint64_t *next = b;
    uint64_t c[2] = {};
    if (IsCas) {
      c[0] = get(op.c, 0);
      c[1] = get(op.c, 1);
      next = old[0] == b[0] && old[1] == b[1] ? c : old;
    }
    std::memcpy(pointers.at[lane], next, 16);
    for (unsigned half = 0; half < 2; ++half)
      std::memcpy(warp.row(op.d) + half * 256 + lane * 8, &old[half], 8);
  }
  acquireGlobal(warp, addresses, 16, Space(op.mode & 7));
  return Step::Next;
}

template <typename T> static Handler integerOp(Mod operation) {
  constexpr unsigned Count = 1;
  switch (operation) {
  case Mod::Add: // wraps, whatever the sign
    return atomicOp<std::make_unsigned_t<T>, Add, Count>;
  case Mod::Inc:
    return atomicOp<T, Inc, Count>;
  case Mod::Dec:
    return atomicOp<T, Dec, Count>;
  case Mod::Min:
    return atomicOp<T, Min, Count>;
  case Mod::Max:
    return atomicOp<T, Max, Count>;
  case Mod::And:
    return atomicOp<T, And, Count>;
  case Mod::Or:
    return atomicOp<T, Or, Count>;
  case Mod::Xor:
    return atomicOp<T, Xor, Count>;
  case Mod::Exch:
    return atomicOp<T, Exch, Count>;
  case Mod::Cas:
    return atomicOp<T, Cas, Count>;
  default:
    return nullptr;
  }
}

template <typename Traits, typename U, unsigned Count>
static Handler halfOp(Mod operation) {
  switch (operation) {
  case Mod::Add:
    return atomicOp<U, Packed<Traits, U, HalfAdd>, Count>;
  case Mod::Min:
    return atomicOp<U, Packed<Traits, U, HalfMin>, Count>;
  case Mod::Max:
    return atomicOp<U, Packed<Traits, U, HalfMax>, Count>;
  default:
    return nullptr;
  }
}

template <typename Traits, typename U>
static Handler halfByCount(Mod operation, unsigned count) {
  switch (count) {
  case 1:
    return halfOp<Traits, U, 1>(operation);
  case 2:
    return halfOp<Traits, U, 2>(operation);
  case 4:
    return halfOp<Traits, U, 4>(operation);
  case 8:
    return halfOp<Traits, U, 8>(operation);
  default:
    return nullptr;
  }
}

Handler tenon::sim::exec::selectAtomic(const Instruction &instruction,
                                       const RowWidths &widths, Op &op) {
  std::string_view opcode = ptx::opcodes()[instruction.opcode].name;
  if (opcode != "atom" && opcode != "red")
    return nullptr;
  bool isReduction = opcode == "red";
  op.mode = encode(spaceOf(instruction), widths.a == 8, isReduction);
  Mod operation = instruction.get(Field::Operation);
  unsigned count = 1;
  switch (instruction.get(Field::Vector)) {
  case Mod::V2:
    count = 2;
    break;
  case Mod::V4:
    count = 4;
    break;
  case Mod::V8:
    count = 8;
    break;
  default:
    break;
  }
  switch (instruction.types[0]) {
  case Type::B16:
    return operation == Mod::Cas ? atomicOp<uint16_t, Cas, 1> : nullptr;
  case Type::U32:
  case Type::B32:
    return integerOp<uint32_t>(operation);
  case Type::S32:
    return integerOp<int32_t>(operation);
  case Type::U64:
  case Type::B64:
    return integerOp<uint64_t>(operation);
  case Type::S64:
    return integerOp<int64_t>(operation);
  case Type::F32:
    if (operation != Mod::Add)
      return nullptr;
    return count == 1   ? atomicOp<float, Add, 1>
           : count == 2 ? atomicOp<float, Add, 2>
           : count == 4 ? atomicOp<float, Add, 4>
                        : nullptr;
  case Type::F64:
    return operation == Mod::Add ? atomicOp<double, Add, 1> : nullptr;
  case Type::F16:
    return halfByCount<HalfTraits, uint16_t>(operation, count);
  case Type::F16x2:
    return halfByCount<HalfTraits, uint32_t>(operation, count);
  case Type::BF16:
    return halfByCount<BHalfTraits, uint16_t>(operation, count);
  case Type::BF16x2:
    return halfByCount<BHalfTraits, uint32_t>(operation, count);
  case Type::B128:
    return operation == Mod::Cas    ? wideAtomic<true>
           : operation == Mod::Exch ? wideAtomic<false>
                                    : nullptr;
  default:
    return nullptr;
  }
}
