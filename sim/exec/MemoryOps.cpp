//===- MemoryOps.cpp - Loads, stores, addresses, PTX ISA 9.7.9 ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Cache hints, eviction priorities and prefetches say how fast, not what: they
// are accepted and change nothing (PTX ISA 9.7.9.1, 9.7.9.2).
//
//===----------------------------------------------------------------------===//

#include "sim/exec/MemoryAccess.h"
#include "sim/ptx/Instructions.h"

#include <bit>
#include <cstring>
#include <immintrin.h>
#include <type_traits>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Field;
using ptx::Instruction;
using ptx::Mod;
using ptx::Type;

/// Op::mode: the space, whether the address has 8 bytes a lane, and whether
/// the access is strong (PTX ISA 8.2.1).
static uint16_t encode(Space space, bool wide, bool strong) {
  return uint16_t(unsigned(space) | unsigned(wide) << 3 |
                  unsigned(strong) << 4);
}
static Space modeSpace(const Op &op) { return Space(op.mode & 7); }
static bool modeWide(const Op &op) { return op.mode >> 3 & 1; }
static bool modeStrong(const Op &op) { return op.mode >> 4 & 1; }

/// One element of each lane from memory to a row. T is what memory holds, R the
/// slot of the register: PTX ISA 9.4.1 extends by T's sign.
template <typename T, typename R>
static void loadRow(char *row, const Pointers &from, unsigned offset,
                    uint32_t lanes) {
  if (lanes == kAllLanes) {
    for (unsigned lane = 0; lane < kWarpSize; ++lane) {
      T value;
      std::memcpy(&value, from.at[lane] + offset, sizeof(T));
      R wide = R(value);
      std::memcpy(row + lane * sizeof(R), &wide, sizeof(R));
    }
    return;
  }
  for (; lanes; lanes &= lanes - 1) {
    auto lane = unsigned(std::countr_zero(lanes));
    T value;
    std::memcpy(&value, from.at[lane] + offset, sizeof(T));
    R wide = R(value);
    std::memcpy(row + lane * sizeof(R), &wide, sizeof(R));
  }
}

template <typename T, typename R>
static void storeRow(const char *row, const Pointers &to, unsigned offset,
                     uint32_t lanes) {
  for (; lanes; lanes &= lanes - 1) {
    auto lane = unsigned(std::countr_zero(lanes));
    R wide;
    std::memcpy(&wide, row + lane * sizeof(R), sizeof(R));
    T value = T(wide);
    std::memcpy(to.at[lane] + offset, &value, sizeof(T));
  }
}

/// 8 or 16 aligned bytes at once: with AVX, also 16 are not torn.
template <unsigned Bytes> static void loadWhole(void *to, const char *from) {
  if constexpr (Bytes == 8) {
    uint64_t value = __atomic_load_n(reinterpret_cast<const uint64_t *>(from),
                                     __ATOMIC_RELAXED);
    std::memcpy(to, &value, 8);
  } else {
    _mm_storeu_si128(static_cast<__m128i *>(to),
                     _mm_load_si128(reinterpret_cast<const __m128i *>(from)));
  }
}
template <unsigned Bytes> static void storeWhole(char *to, const void *from) {
  if constexpr (Bytes == 8) {
    uint64_t value;
    std::memcpy(&value, from, 8);
    __atomic_store_n(reinterpret_cast<uint64_t *>(to), value, __ATOMIC_RELAXED);
  } else {
    _mm_store_si128(reinterpret_cast<__m128i *>(to),
                    _mm_loadu_si128(static_cast<const __m128i *>(from)));
  }
}

template <typename T, typename R, unsigned Count>
static Step markLoads(WarpState &warp, const Op &op) {
  for (unsigned i = 0; i < Count; ++i)
    markLoaded(warp, warp.listRows(op)[i], i * sizeof(T), sizeof(T), sizeof(R),
               std::is_signed_v<T>);
  return endLoad(warp);
}

template <typename T, typename R, unsigned Count>
static Step loadOp(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  Addresses addresses;
  Pointers pointers;
  computeAddresses(warp, op.a, modeWide(op), op.imm, addresses);
  constexpr unsigned bytes = sizeof(T) * Count;
  pointers.firstIsEnough =
      Count == 1 && sizeof(T) == sizeof(R) && sizeof(T) >= 4 && !modeStrong(op);
  if (!resolve(warp, addresses, warp.mask, bytes, bytes, modeSpace(op),
               modeStrong(op) ? AccessKind::StrongRead : AccessKind::Read,
               pointers))
    return Step::Fault;
  const Row *rows = warp.listRows(op);
  if constexpr (Count == 1 && sizeof(T) == sizeof(R) && sizeof(T) >= 4)
    if (pointers.adjacent && !modeStrong(op)) {
      std::memcpy(warp.row(rows[0]), pointers.at[0], sizeof(T) * kWarpSize);
      if (warp.undefined.loaded.lanes) [[unlikely]]
        return markLoads<T, R, Count>(warp, op);
      return Step::Next;
    }
  if constexpr (Count > 1 && (bytes == 8 || bytes == 16)) {
    // One access, as on hardware: another block sees all of it or nothing.
    char *to[Count];
    for (unsigned i = 0; i < Count; ++i)
      to[i] = warp.row(rows[i]);
    for (uint32_t left = warp.mask; left; left &= left - 1) {
      auto lane = unsigned(std::countr_zero(left));
      T values[Count];
      loadWhole<bytes>(values, pointers.at[lane]);
      for (unsigned i = 0; i < Count; ++i) {
        R wide = R(values[i]);
        std::memcpy(to[i] + lane * sizeof(R), &wide, sizeof(R));
      }
    }
  } else {
    for (unsigned i = 0; i < Count; ++i)
      loadRow<T, R>(warp.row(rows[i]), pointers, i * sizeof(T), warp.mask);
  }
  if (modeStrong(op))
    acquireGlobal(warp, addresses, bytes, modeSpace(op));
  if (warp.undefined.loaded.lanes) [[unlikely]]
    return markLoads<T, R, Count>(warp, op);
  return Step::Next;
}

template <typename T, typename R, unsigned Count>
static void storeRows(WarpState &warp, const Op &op, const Pointers &pointers) {
  constexpr unsigned bytes = sizeof(T) * Count;
  const Row *rows = warp.listRows(op);
  if constexpr (Count == 1 && sizeof(T) == sizeof(R) && sizeof(T) >= 4)
    if (pointers.adjacent) {
      std::memcpy(pointers.at[0], warp.row(rows[0]), sizeof(T) * kWarpSize);
      return;
    }
  if constexpr (Count > 1 && (bytes == 8 || bytes == 16)) {
    const char *from[Count];
    for (unsigned i = 0; i < Count; ++i)
      from[i] = warp.row(rows[i]);
    for (uint32_t left = warp.mask; left; left &= left - 1) {
      auto lane = unsigned(std::countr_zero(left));
      T values[Count];
      for (unsigned i = 0; i < Count; ++i) {
        R wide;
        std::memcpy(&wide, from[i] + lane * sizeof(R), sizeof(R));
        values[i] = T(wide);
      }
      storeWhole<bytes>(pointers.at[lane], values);
    }
    return;
  }
  for (unsigned i = 0; i < Count; ++i)
    storeRow<T, R>(warp.row(rows[i]), pointers, i * sizeof(T), warp.mask);
  return;
}

template <typename T, typename R, unsigned Count>
static Step storeOp(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  Addresses addresses;
  Pointers pointers;
  computeAddresses(warp, op.a, modeWide(op), op.imm, addresses);
  constexpr unsigned bytes = sizeof(T) * Count;
  pointers.firstIsEnough =
      Count == 1 && sizeof(T) == sizeof(R) && sizeof(T) >= 4;
  warp.settles = !modeStrong(op);
  std::unique_lock<std::mutex> stores;
  if (GlobalShadow *races = warp.block->grid.globalShadow.get()) [[unlikely]]
    stores = races->lockStores();
  bool good = resolve(
      warp, addresses, warp.mask, bytes, bytes, modeSpace(op),
      modeStrong(op) ? AccessKind::StrongWrite : AccessKind::Write, pointers);
  warp.settles = false;
  if (!good)
    return Step::Fault;
  if (!mustSettle(warp)) [[likely]] {
    storeRows<T, R, Count>(warp, op, pointers);
    return Step::Next;
  }
  if (pointers.adjacent)
    completePointers(pointers, bytes);
  std::vector<char> before = bytesBefore(warp, pointers, bytes);
  storeRows<T, R, Count>(warp, op, pointers);
  settleOverwrite(warp, before, pointers, bytes);
  return Step::Next;
}

/// 128-bit registers: two rows of 8 bytes, low half first.
template <bool IsStore, unsigned Count>
static Step wideOp(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  Addresses addresses;
  Pointers pointers;
  computeAddresses(warp, op.a, modeWide(op), op.imm, addresses);
  AccessKind kind =
      IsStore ? (modeStrong(op) ? AccessKind::StrongWrite : AccessKind::Write)
              : (modeStrong(op) ? AccessKind::StrongRead : AccessKind::Read);
  if (!resolve(warp, addresses, warp.mask, 16 * Count, 16 * Count,
               modeSpace(op), kind, pointers))
    return Step::Fault;
  for (unsigned i = 0; i < Count; ++i)
    for (unsigned half = 0; half < 2; ++half) {
      char *row = warp.row(warp.listRows(op)[i]) + half * 8 * kWarpSize;
      if (IsStore)
        storeRow<uint64_t, uint64_t>(row, pointers, i * 16 + half * 8,
                                     warp.mask);
      else
        loadRow<uint64_t, uint64_t>(row, pointers, i * 16 + half * 8,
                                    warp.mask);
    }
  if (!IsStore && modeStrong(op))
    acquireGlobal(warp, addresses, 16 * Count, modeSpace(op));
  if (warp.undefined.loaded.lanes) [[unlikely]] {
    for (unsigned i = 0; i < Count; ++i)
      markLoaded(warp, warp.listRows(op)[i], i * 16, 16, 16, false);
    return endLoad(warp);
  }
  return Step::Next;
}

template <typename T, typename R, bool IsStore>
static Handler byCount(unsigned count) {
  switch (count) {
  case 1:
    return IsStore ? storeOp<T, R, 1> : loadOp<T, R, 1>;
  case 2:
    return IsStore ? storeOp<T, R, 2> : loadOp<T, R, 2>;
  case 4:
    return IsStore ? storeOp<T, R, 4> : loadOp<T, R, 4>;
  case 8:
    return IsStore ? storeOp<T, R, 8> : loadOp<T, R, 8>;
  default:
    return nullptr;
  }
}

template <typename T, bool IsStore>
static Handler byRegister(unsigned width, unsigned count) {
  using Signed = std::is_signed<T>;
  switch (width) {
  case 2:
    if constexpr (sizeof(T) <= 2)
      return byCount<T, std::conditional_t<Signed::value, int16_t, uint16_t>,
                     IsStore>(count);
    return nullptr;
  case 4:
    if constexpr (sizeof(T) <= 4)
      return byCount<T, std::conditional_t<Signed::value, int32_t, uint32_t>,
                     IsStore>(count);
    return nullptr;
  case 8:
    return byCount<T, std::conditional_t<Signed::value, int64_t, uint64_t>,
                   IsStore>(count);
  default:
    return nullptr;
  }
}

template <bool IsStore>
static Handler byType(Type type, unsigned width, unsigned count) {
  // Stores truncate, so that sign does not matter.
  bool isSigned = !IsStore && ptx::kindOf(type) == ptx::TypeKind::Signed;
  switch (ptx::bitsOf(type)) {
  case 8:
    return isSigned ? byRegister<int8_t, IsStore>(width, count)
                    : byRegister<uint8_t, IsStore>(width, count);
  case 16:
    return isSigned ? byRegister<int16_t, IsStore>(width, count)
                    : byRegister<uint16_t, IsStore>(width, count);
  case 32:
    return isSigned ? byRegister<int32_t, IsStore>(width, count)
                    : byRegister<uint32_t, IsStore>(width, count);
  case 64:
    return byRegister<uint64_t, IsStore>(width, count);
  case 128:
    return count == 1   ? wideOp<IsStore, 1>
           : count == 2 ? wideOp<IsStore, 2>
                        : nullptr;
  default:
    return nullptr;
  }
}

/// Nothing but speed depends on the instruction.
static Step nothing(Warp &, const Op &) { return Step::Next; }

/// createpolicy: the policy is opaque (PTX ISA 9.7.9.18).
static Step makePolicy(Warp &warp, const Op &op) {
  auto *row = reinterpret_cast<uint64_t *>(warp.row(op.d));
  for (uint32_t left = warp.mask; left; left &= left - 1)
    row[std::countr_zero(left)] = 0x1000000000000000;
  return Step::Next;
}

static Step isInSpace(Warp &warp, const Op &op) {
  Addresses addresses;
  computeAddresses(warp, op.a, modeWide(op), 0, addresses);
  uint32_t result = 0;
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    uint64_t at = addresses.at[lane];
    bool in = false;
    switch (modeSpace(op)) {
    case Space::Shared:
      in = at - kSharedWindow < kWindowBytes;
      break;
    case Space::Local:
      in = at - kLocalWindow < kWindowBytes;
      break;
    case Space::Param:
      in = at - kParamWindow < kWindowBytes;
      break;
    case Space::Const: {
      auto found = state(warp).block->grid.memory.find(at);
      in = found && found->kind == MemoryKind::Constant;
      break;
    }
    default: { // global is what no window holds
      auto found = state(warp).block->grid.memory.find(at);
      in = at - kSharedWindow >= kWindowBytes &&
           at - kLocalWindow >= kWindowBytes &&
           at - kParamWindow >= kWindowBytes &&
           !(found && found->kind == MemoryKind::Constant);
      break;
    }
    }
    result |= uint32_t(in) << lane;
  }
  uint32_t old;
  std::memcpy(&old, warp.row(op.d), 4);
  old = (old & ~warp.mask) | (result & warp.mask);
  std::memcpy(warp.row(op.d), &old, 4);
  return Step::Next;
}

/// cvta: adds the window's address, or takes it away (PTX ISA 9.7.9.20).
template <typename R> static Step convertAddress(Warp &warp, const Op &op) {
  Addresses addresses;
  computeAddresses(warp, op.a, modeWide(op), op.imm, addresses);
  auto *row = reinterpret_cast<R *>(warp.row(op.d));
  for (uint32_t left = warp.mask; left; left &= left - 1) {
    auto lane = std::countr_zero(left);
    row[lane] = R(addresses.at[lane]);
  }
  return Step::Next;
}

static Step dynamicShared32(Warp &warp, const Op &op) {
  auto *row = reinterpret_cast<uint32_t *>(warp.row(op.d));
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    row[lane] = state(warp).block->grid.dynamicOffset + uint32_t(op.imm);
  return Step::Next;
}
static Step dynamicShared64(Warp &warp, const Op &op) {
  auto *row = reinterpret_cast<uint64_t *>(warp.row(op.d));
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    row[lane] = state(warp).block->grid.dynamicOffset + uint64_t(op.imm);
  return Step::Next;
}
template <typename R> static Step localPlace(Warp &warp, const Op &op) {
  auto *row = reinterpret_cast<R *>(warp.row(op.d));
  for (uint32_t left = warp.active; left; left &= left - 1)
    row[std::countr_zero(left)] = R(warp.frame->localBase + uint64_t(op.imm));
  return Step::Next;
}
template <typename A> static Step addImmediate(Warp &warp, const Op &op) {
  const auto *from = reinterpret_cast<const A *>(warp.row(op.a));
  auto *row = reinterpret_cast<uint64_t *>(warp.row(op.d));
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    row[lane] = uint64_t(from[lane]) + uint64_t(op.imm);
  return Step::Next;
}
static Step negatePredicate(Warp &warp, const Op &op) {
  uint32_t value;
  std::memcpy(&value, warp.row(op.a), 4);
  value = ~value;
  std::memcpy(warp.row(op.d), &value, 4);
  return Step::Next;
}

Handler tenon::sim::exec::dynamicSharedAddress(unsigned width) {
  return width == 8 ? dynamicShared64 : dynamicShared32;
}
Handler tenon::sim::exec::localAddress(unsigned width) {
  return width == 8 ? localPlace<uint64_t> : localPlace<uint32_t>;
}
Handler tenon::sim::exec::addOffset(unsigned width) {
  return width == 8 ? addImmediate<uint64_t> : addImmediate<uint32_t>;
}
Handler tenon::sim::exec::notPredicate() { return negatePredicate; }

/// alloca, PTX ISA 9.7.17.3: grows the frame by what the lanes ask for at most.
template <typename R> static Step allocate(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  Frame &frame = *warp.frame;
  uint64_t alignment = op.imm > 8 ? uint64_t(op.imm) : 8, size = 0;
  const auto *sizes = reinterpret_cast<const R *>(warp.row(op.a));
  for (uint32_t left = warp.mask; left; left &= left - 1)
    size = std::max<uint64_t>(size, sizes[std::countr_zero(left)]);
  uint64_t at = (frame.localTop + alignment - 1) / alignment * alignment;
  if (at + size > warp.localBytes)
    return fault(warp, Fault::HardwareStackError, 0, warp.mask,
                 "alloca of " + std::to_string(size) +
                     " bytes exceeds the stack",
                 "raise CU_LIMIT_STACK_SIZE by cuCtxSetLimit");
  frame.localTop = uint32_t(at + size);
  auto *row = reinterpret_cast<R *>(warp.row(op.d));
  for (uint32_t left = warp.mask; left; left &= left - 1)
    row[std::countr_zero(left)] = R(at);
  return Step::Next;
}
template <typename R> static Step saveStack(Warp &warp, const Op &op) {
  auto *row = reinterpret_cast<R *>(warp.row(op.d));
  for (uint32_t left = warp.mask; left; left &= left - 1)
    row[std::countr_zero(left)] = R(warp.frame->localTop);
  return Step::Next;
}
template <typename R> static Step restoreStack(Warp &warp, const Op &op) {
  const auto *row = reinterpret_cast<const R *>(warp.row(op.a));
  uint64_t top = 0;
  for (uint32_t left = warp.mask; left; left &= left - 1)
    top = std::max<uint64_t>(top, row[std::countr_zero(left)]);
  // Lanes elsewhere in the frame may still use what lies above.
  if (warp.mask == warp.frame->lanes && top >= warp.frame->localBase)
    warp.frame->localTop =
        std::min<uint32_t>(warp.frame->localTop, uint32_t(top));
  return Step::Next;
}

static unsigned vectorCount(const Instruction &instruction) {
  switch (instruction.get(Field::Vector)) {
  case Mod::V2:
    return 2;
  case Mod::V4:
    return 4;
  case Mod::V8:
    return 8;
  default:
    return 1;
  }
}

static Handler selectLoadStore(const Instruction &instruction,
                               std::string_view opcode, const RowWidths &widths,
                               Op &op) {
  bool isStore = opcode == "st";
  unsigned count = vectorCount(instruction);
  unsigned width = isStore ? widths.b : widths.d;
  Space space = spaceOf(instruction);
  if (opcode == "ldu" && space == Space::Generic)
    space = Space::Global;
  Mod order = instruction.get(Field::Order);
  bool strong = order != Mod::None && order != Mod::Weak;
  op.mode = encode(space, widths.a == 8, strong);
  Type type = instruction.types[0];
  return isStore ? byType<true>(type, width, count)
                 : byType<false>(type, width, count);
}

Handler tenon::sim::exec::selectMemory(const Instruction &instruction,
                                       const RowWidths &widths, Op &op) {
  std::string_view opcode = ptx::opcodes()[instruction.opcode].name;
  if (opcode == "ld" || opcode == "st" || opcode == "ldu")
    return selectLoadStore(instruction, opcode, widths, op);
  if (opcode == "prefetch" || opcode == "prefetchu" ||
      opcode == "applypriority" || opcode == "discard")
    return nothing;
  if (opcode.starts_with("createpolicy"))
    return makePolicy;
  if (opcode == "isspacep") {
    op.mode = encode(spaceOf(instruction), widths.a == 8, false);
    return isInSpace;
  }
  if (opcode == "cvta") {
    Space space = spaceOf(instruction);
    uint64_t window = space == Space::Shared  ? kSharedWindow
                      : space == Space::Local ? kLocalWindow
                      : space == Space::Param ? kParamWindow
                                              : 0;
    op.mode = encode(space, widths.a == 8, false);
    op.imm = instruction.has(Mod::To) ? -int64_t(window) : int64_t(window);
    return widths.d == 8 ? convertAddress<uint64_t> : convertAddress<uint32_t>;
  }
  bool wide = instruction.types[0] == Type::U64;
  if (opcode == "alloca")
    return wide ? allocate<uint64_t> : allocate<uint32_t>;
  if (opcode == "stacksave")
    return wide ? saveStack<uint64_t> : saveStack<uint32_t>;
  if (opcode == "stackrestore")
    return wide ? restoreStack<uint64_t> : restoreStack<uint32_t>;
  if (Handler handler = selectAtomic(instruction, widths, op))
    return handler;
  if (Handler handler = selectAsync(instruction, widths, op))
    return handler;
  if (Handler handler = selectBarrier(instruction, widths, op))
    return handler;
  return selectMatrix(instruction, widths, op);
}
