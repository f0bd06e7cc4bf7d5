//===- MemoryAccess.cpp - From a thread's address to bytes ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/exec/MemoryAccess.h"
#include "sim/exec/MemoryChecks.h"
#include "sim/exec/Vector.h"

#include <bit>
#include <cstring>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using namespace tenon::sim::exec::v3;
using ptx::Field;
using ptx::Mod;

Space tenon::sim::exec::spaceOf(const ptx::Instruction &instruction) {
  switch (instruction.get(Field::Space)) {
  case Mod::Global:
    return Space::Global;
  case Mod::Shared:
  case Mod::SharedCta:
  case Mod::SharedCluster: // a block is a cluster of its own
    return Space::Shared;
  case Mod::Local:
    return Space::Local;
  case Mod::Param:
  case Mod::ParamEntry:
  case Mod::ParamFunc:
    return Space::Param;
  case Mod::Const:
    return Space::Const;
  default:
    return Space::Generic;
  }
}

void tenon::sim::exec::computeAddresses(const Warp &warp, Row row, bool wide,
                                        int64_t offset, Addresses &addresses) {
  const char *from = warp.row(row);
  if (wide) {
    const auto *values = reinterpret_cast<const uint64_t *>(from);
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      addresses.at[lane] = values[lane] + uint64_t(offset);
  } else {
    const auto *values = reinterpret_cast<const uint32_t *>(from);
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      addresses.at[lane] = uint64_t(values[lane]) + uint64_t(offset);
  }
}

static Lanes<uint64_t> laneNumbers() {
  return Lanes<uint64_t>{0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                         11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                         22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
}

/// Whether the lanes' bytes follow each other.
static bool areAdjacent(Lanes<uint64_t> at, unsigned bytes) {
  auto apart =
      (at - splat<uint64_t>(at[0])) ^ (laneNumbers() * splat<uint64_t>(bytes));
  return __builtin_reduce_or(apart) == 0;
}

void tenon::sim::exec::completePointers(Pointers &pointers, unsigned bytes) {
  auto first = reinterpret_cast<uint64_t>(pointers.at[0]);
  storeAll<uint64_t>(pointers.at, laneNumbers() * splat<uint64_t>(bytes) +
                                      splat<uint64_t>(first));
}

/// The allocation that holds an address, remembered for the next access.
static const Allocation *lookUp(WarpState &warp, uint64_t address) {
  AllocationCache &cache = warp.block->worker.allocations;
  DeviceMemory &memory = warp.block->grid.memory;
  if (cache.generation != memory.generation()) {
    cache.generation = memory.generation();
    for (auto &entry : cache.entries)
      entry.reset();
  }
  for (auto &entry : cache.entries)
    if (entry && entry->contains(address))
      return entry.get();
  auto found = memory.find(address);
  if (!found)
    return nullptr;
  cache.next = (cache.next + 1) % cache.entries.size();
  cache.entries[cache.next] = std::move(found);
  return cache.entries[cache.next].get();
}

template <typename T> static T loadAs(const void *from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

/// Whether all of `bytes` are written; a short loop for the common sizes.
static bool allWritten(const uint8_t *shadow, unsigned bytes) {
  switch (bytes) {
  case 1:
    return *shadow == kWritten;
  case 2:
    return loadAs<uint16_t>(shadow) == 0x0101;
  case 4:
    return loadAs<uint32_t>(shadow) == 0x01010101;
  case 8:
    return loadAs<uint64_t>(shadow) == 0x0101010101010101;
  case 16:
    return (loadAs<uint64_t>(shadow) & loadAs<uint64_t>(shadow + 8)) ==
           0x0101010101010101;
  default:
    for (unsigned i = 0; i < bytes; ++i)
      if (shadow[i] != kWritten)
        return false;
    return true;
  }
}

static bool readsInitial(const Grid &grid, AccessKind kind) {
  return grid.checks(CheckUninitialized) && kind != AccessKind::Write &&
         kind != AccessKind::StrongWrite;
}

static bool resolveGlobal(WarpState &warp, const Addresses &addresses,
                          uint32_t lanes, unsigned bytes, AccessKind kind,
                          Pointers &pointers) {
  Grid &grid = warp.block->grid;
  const Allocation *allocation = nullptr;
  bool checkInitial = readsInitial(grid, kind);
  bool isWrite = writes(kind);
  uint64_t begin = 1, size = 0;
  char *base = nullptr;
  uint8_t *shadow = nullptr;
  for (uint32_t left = lanes; left; left &= left - 1) {
    auto lane = unsigned(std::countr_zero(left));
    uint64_t address = addresses.at[lane];
    if (address - begin > size - bytes || size < bytes) [[unlikely]] {
      allocation = lookUp(warp, address);
      if (!allocation || !allocation->contains(address, bytes))
        return outOfBounds(warp, lane, address, bytes, kind);
      if (isWrite && allocation->kind == MemoryKind::Constant) {
        faultAt(warp, Fault::IllegalAddress, CheckBounds, 1u << lane, address,
                "writes constant memory", describeAddress(warp, address));
        return false;
      }
      begin = allocation->address;
      size = allocation->size;
      base = allocation->bytes;
      shadow = allocation->shadow;
    }
    uint64_t offset = address - begin;
    pointers.at[lane] = base + offset;
    if (shadow) {
      if (checkInitial && !allWritten(shadow + offset, bytes)) [[unlikely]]
        uninitialized(warp, lane, address,
                      unwrittenBytes(shadow + offset, bytes), kind, "global",
                      [&] { return describeAddress(warp, address); });
      if (isWrite)
        std::memset(shadow + offset, kWritten, bytes);
    }
  }
  return true;
}

static bool resolveShared(WarpState &warp, const Addresses &addresses,
                          uint32_t lanes, unsigned bytes, AccessKind kind,
                          uint64_t window, Pointers &pointers) {
  Block &block = *warp.block;
  Grid &grid = block.grid;
  uint32_t limit = block.sharedBytes;
  for (uint32_t left = lanes; left; left &= left - 1) {
    auto lane = unsigned(std::countr_zero(left));
    uint64_t offset = addresses.at[lane] - window;
    if (offset > limit || limit - offset < bytes) [[unlikely]] {
      faultAt(warp, Fault::IllegalAddress, CheckBounds, 1u << lane, offset,
              std::string("out of bounds: ") +
                  (writes(kind) ? "writes " : "reads ") +
                  std::to_string(bytes) + " bytes of shared memory",
              "the block has " + std::to_string(limit) +
                  " bytes of shared memory, " +
                  std::to_string(grid.request.dynamicShared) +
                  " of them dynamic");
      return false;
    }
    pointers.at[lane] = block.shared + offset;
  }
  checkShared(warp, addresses, lanes, bytes, kind, window);
  return true;
}

static bool resolveLocal(WarpState &warp, const Addresses &addresses,
                         uint32_t lanes, unsigned bytes, AccessKind kind,
                         uint64_t window, Pointers &pointers) {
  Grid &grid = warp.block->grid;
  uint64_t limit = warp.frame->localTop;
  for (uint32_t left = lanes; left; left &= left - 1) {
    auto lane = unsigned(std::countr_zero(left));
    uint64_t offset = addresses.at[lane] - window;
    if (offset > limit || limit - offset < bytes) [[unlikely]] {
      faultAt(warp, Fault::IllegalAddress, CheckBounds, 1u << lane, offset,
              std::string("out of bounds: ") +
                  (writes(kind) ? "writes " : "reads ") +
                  std::to_string(bytes) + " bytes of local memory",
              "the thread has " + std::to_string(limit) +
                  " bytes of local memory here");
      return false;
    }
    uint64_t at = uint64_t(lane) * warp.localBytes + offset;
    pointers.at[lane] = warp.local.data() + at;
    if (warp.localShadow.empty())
      continue;
    uint8_t *shadow = warp.localShadow.data() + at;
    if ((kind == AccessKind::Read || kind == AccessKind::UsedRead) &&
        grid.checks(CheckUninitialized) && !allWritten(shadow, bytes))
        [[unlikely]]
      uninitialized(warp, lane, offset, unwrittenBytes(shadow, bytes), kind,
                    "local", [] {
                      return std::string("an array or variable of the thread; "
                                         "give it a value first");
                    });
    if (writes(kind))
      std::memset(shadow, kWritten, bytes);
  }
  return true;
}

static bool resolveParameter(WarpState &warp, const Addresses &addresses,
                             uint32_t lanes, unsigned bytes, AccessKind kind,
                             uint64_t window, Pointers &pointers) {
  const auto &parameters = warp.block->grid.request.parameters;
  for (uint32_t left = lanes; left; left &= left - 1) {
    auto lane = unsigned(std::countr_zero(left));
    uint64_t offset = addresses.at[lane] - window;
    if (writes(kind) || offset > parameters.size() ||
        parameters.size() - offset < bytes) [[unlikely]] {
      faultAt(warp, Fault::IllegalAddress, CheckBounds, 1u << lane, offset,
              writes(kind) ? "writes a kernel parameter"
                           : "out of bounds: reads " + std::to_string(bytes) +
                                 " bytes of the kernel's parameters",
              "the parameters take " + std::to_string(parameters.size()) +
                  " bytes");
      return false;
    }
    pointers.at[lane] = reinterpret_cast<char *>(
        const_cast<std::byte *>(parameters.data() + offset));
  }
  return true;
}

static void count(WarpState &warp, const Addresses &addresses, uint32_t lanes,
                  unsigned bytes, Space space, AccessKind kind) {
  OpCount &counter = warp.block->worker.counts[warp.pc - 1];
  if (space == Space::Global) {
    counter.globalBytes += uint64_t(std::popcount(lanes)) * bytes;
    counter.globalSectors += globalSectors(addresses.at, lanes, bytes);
    Worker &worker = warp.block->worker;
    (writes(kind) ? worker.written : worker.read)
        .add(addresses.at, lanes, bytes);
  } else if (space == Space::Shared) {
    SharedPasses passes = kind == AccessKind::Atomic
                              ? atomicPasses(addresses.at, lanes, bytes)
                              : sharedPasses(addresses.at, lanes, bytes);
    counter.sharedBytes += uint64_t(std::popcount(lanes)) * bytes;
    counter.sharedWavefronts += passes.wavefronts;
    counter.sharedIdeal += passes.ideal;
  }
}

/// For the order between streams; only what should not be concurrent.
static void record(WarpState &warp, const Addresses &addresses, uint32_t lanes,
                   unsigned bytes, AccessKind kind) {
  if (kind == AccessKind::Read || kind == AccessKind::UsedRead ||
      kind == AccessKind::Write)
    warp.block->worker.touched[kind == AccessKind::Write].add(addresses.at,
                                                              lanes, bytes);
}

/// An allocation that was used lately, with `bytes` from `address` on.
static const Allocation *recent(const WarpState &warp, uint64_t address,
                                uint64_t bytes) {
  const AllocationCache &cache = warp.block->worker.allocations;
  if (cache.generation != warp.block->grid.memory.generation())
    return nullptr;
  for (const auto &entry : cache.entries)
    if (entry && entry->contains(address, bytes))
      return entry.get();
  return nullptr;
}

/// A full warp whose lanes' bytes follow each other: one access of all. Where
/// it was; Generic: nothing was done, look lane by lane.
static Space resolveAdjacent(WarpState &warp, const Addresses &addresses,
                             unsigned bytes, Space space, AccessKind kind,
                             Pointers &pointers) {
  Grid &grid = warp.block->grid;
  uint64_t address = addresses.at[0], all = uint64_t(bytes) * kWarpSize;
  char *first = nullptr;
  Space where = Space::Generic;
  if (space == Space::Global || space == Space::Const ||
      space == Space::Generic) {
    const Allocation *allocation = recent(warp, address, all);
    bool isWrite = writes(kind);
    if (!allocation || (isWrite && allocation->kind == MemoryKind::Constant))
      return Space::Generic;
    uint64_t offset = address - allocation->address;
    if (uint8_t *shadow = allocation->shadow) {
      shadow += offset;
      if (readsInitial(grid, kind)) {
        uint8_t written = kWritten;
        for (uint64_t i = 0; i < all; ++i)
          written &= shadow[i];
        if (written != kWritten)
          return Space::Generic;
      }
      if (isWrite)
        std::memset(shadow, kWritten, all);
    }
    first = allocation->bytes + offset;
    where = Space::Global;
  } else if (space == Space::Shared) {
    Block &block = *warp.block;
    if (address > block.sharedBytes || block.sharedBytes - address < all)
      return Space::Generic;
    checkShared(warp, addresses, kAllLanes, bytes, kind, 0);
    first = block.shared + address;
    where = Space::Shared;
  } else {
    return Space::Generic;
  }
  pointers.adjacent = true;
  pointers.at[0] = first;
  if (!pointers.firstIsEnough)
    completePointers(pointers, bytes);
  return where;
}

/// A full warp within one allocation that was used lately, in vectors. False:
/// nothing was done, look lane by lane.
static bool resolveGlobalFast(WarpState &warp, const Addresses &addresses,
                              unsigned bytes, AccessKind kind,
                              Pointers &pointers) {
  Grid &grid = warp.block->grid;
  const Allocation *allocation = recent(warp, addresses.at[0], bytes);
  bool isWrite = writes(kind);
  if (!allocation || (isWrite && allocation->kind == MemoryKind::Constant))
    return false;
  auto at = v3::load<uint64_t>(addresses.at);
  auto offset = at - splat<uint64_t>(allocation->address);
  auto room = splat<uint64_t>(allocation->size - bytes) - offset;
  // Sizes are below 2^62: a sign bit is an offset below or above.
  if (int64_t(__builtin_reduce_or(offset | room)) < 0)
    return false;
  auto bytesAt = reinterpret_cast<uint64_t>(allocation->bytes);
  storeAll<uint64_t>(pointers.at, offset + splat<uint64_t>(bytesAt));
  bool checkInitial = readsInitial(grid, kind);
  if (!allocation->shadow || (!checkInitial && !isWrite))
    return true;
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    uint8_t *own = allocation->shadow + offset[lane];
    if (checkInitial && !allWritten(own, bytes))
      return false;
    if (isWrite)
      std::memset(own, kWritten, bytes);
  }
  return true;
}

static bool resolveSharedFast(WarpState &warp, const Addresses &addresses,
                              unsigned bytes, Pointers &pointers) {
  Block &block = *warp.block;
  if (block.sharedBytes < bytes)
    return false;
  auto offset = v3::load<uint64_t>(addresses.at);
  auto room = splat<uint64_t>(block.sharedBytes - bytes) - offset;
  if (int64_t(__builtin_reduce_or(offset | room)) < 0)
    return false;
  storeAll<uint64_t>(
      pointers.at,
      offset + splat<uint64_t>(reinterpret_cast<uint64_t>(block.shared)));
  return true;
}

bool tenon::sim::exec::resolve(WarpState &warp, const Addresses &addresses,
                               uint32_t lanes, unsigned bytes,
                               unsigned alignment, Space space, AccessKind kind,
                               Pointers &pointers) {
  bool counting = warp.block->grid.options.counters;
  bool recording = warp.block->grid.request.recordTouched;
  bool undefined = warp.undefined.stored.lanes != 0;
  bool races = warp.block->grid.globalShadow && space != Space::Const;
  if (lanes == kAllLanes) [[likely]] {
    auto at = v3::load<uint64_t>(addresses.at);
    bool adjacent = areAdjacent(at, bytes);
    uint64_t any = adjacent ? addresses.at[0] : __builtin_reduce_or(at);
    if ((any & (alignment - 1)) == 0) {
      Space where = Space::Generic;
      if (adjacent && bytes >= alignment)
        where = resolveAdjacent(warp, addresses, bytes, space, kind, pointers);
      if (where != Space::Generic) {
        // done
      } else if ((space == Space::Global || space == Space::Const ||
                  space == Space::Generic) &&
                 resolveGlobalFast(warp, addresses, bytes, kind, pointers)) {
        where = Space::Global;
      } else if (space == Space::Shared &&
                 resolveSharedFast(warp, addresses, bytes, pointers)) {
        checkShared(warp, addresses, lanes, bytes, kind, 0);
        where = Space::Shared;
      }
      if (where != Space::Generic) {
        if (counting && space != Space::Const)
          count(warp, addresses, lanes, bytes, where, kind);
        if (recording && where == Space::Global) [[unlikely]]
          record(warp, addresses, lanes, bytes, kind);
        if (undefined) [[unlikely]]
          storeUndefined(warp, addresses, lanes, where, 0);
        if (races && where == Space::Global) [[unlikely]]
          checkGlobal(warp, addresses, lanes, bytes, kind);
        return true;
      }
    }
  }
  uint64_t all = 0;
  for (uint32_t left = lanes; left; left &= left - 1)
    all |= addresses.at[std::countr_zero(left)];
  if (all & (alignment - 1)) [[unlikely]]
    for (uint32_t left = lanes; left; left &= left - 1) {
      auto lane = unsigned(std::countr_zero(left));
      if (addresses.at[lane] & (alignment - 1))
        return misaligned(warp, lane, addresses.at[lane], alignment);
    }
  while (lanes) {
    uint32_t group = lanes;
    uint64_t window = 0;
    Space where = space;
    if (space == Space::Generic) {
      // PTX ISA 9.7.9: windows; everything else is global.
      where = windowOf(addresses.at[std::countr_zero(lanes)], window);
      for (uint32_t left = lanes; left; left &= left - 1) {
        auto lane = unsigned(std::countr_zero(left));
        uint64_t own = 0;
        if (windowOf(addresses.at[lane], own) != where)
          group &= ~(1u << lane);
      }
    } else if (space == Space::Param) {
      // Parameters of calls live in local memory.
      bool isCall = addresses.at[std::countr_zero(lanes)] & kCallParameter;
      if (isCall) {
        where = Space::Local;
        window = kCallParameter;
      }
    } else if (space == Space::Const) {
      where = Space::Global;
    }
    bool good = false;
    switch (where) {
    case Space::Global:
    case Space::Generic:
    case Space::Const:
      good = resolveGlobal(warp, addresses, group, bytes, kind, pointers);
      break;
    case Space::Shared:
      good =
          resolveShared(warp, addresses, group, bytes, kind, window, pointers);
      break;
    case Space::Local:
      good =
          resolveLocal(warp, addresses, group, bytes, kind, window, pointers);
      break;
    case Space::Param:
      good = resolveParameter(warp, addresses, group, bytes, kind, window,
                              pointers);
      break;
    }
    if (!good)
      return false;
    if (counting && space != Space::Const)
      count(warp, addresses, group, bytes, where, kind);
    if (recording && where == Space::Global) [[unlikely]]
      record(warp, addresses, group, bytes, kind);
    if (undefined) [[unlikely]]
      storeUndefined(warp, addresses, group, where, window);
    if (races && where == Space::Global) [[unlikely]]
      checkGlobal(warp, addresses, group, bytes, kind);
    lanes &= ~group;
  }
  return true;
}

bool tenon::sim::exec::resolveOne(WarpState &warp, uint64_t address,
                                  unsigned lane, uint64_t bytes, Space space,
                                  AccessKind kind, char *&pointer) {
  Addresses addresses;
  addresses.at[lane] = address;
  Pointers pointers;
  if (!resolve(warp, addresses, 1u << lane, unsigned(bytes), 1, space, kind,
               pointers))
    return false;
  pointer = pointers.at[lane];
  return true;
}
