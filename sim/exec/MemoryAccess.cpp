//===- MemoryAccess.cpp - From a thread's address to bytes ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/exec/MemoryAccess.h"
#include "sim/Hex.h"
#include "sim/exec/Vector.h"

#include <algorithm>
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

static const char *kindName(MemoryKind kind) {
  switch (kind) {
  case MemoryKind::Device:
    return "device memory";
  case MemoryKind::Managed:
    return "managed memory";
  case MemoryKind::Pinned:
    return "pinned host memory";
  case MemoryKind::Registered:
    return "registered host memory";
  case MemoryKind::Variable:
    return "a module's variable";
  case MemoryKind::Constant:
    return "a module's constant";
  }
  return "";
}

std::string tenon::sim::exec::describeAddress(const WarpState &warp,
                                              uint64_t address) {
  if (address < 4096)
    return "the address is next to null";
  auto near = warp.block->grid.memory.nearest(address);
  std::string text;
  if (!DeviceMemory::isDeviceAddress(address) &&
      !(near && near->contains(address)))
    text = "this is no device address; is it a host pointer? ";
  if (!near)
    return text + "there are no allocations";
  std::string what = near->name.empty()
                         ? "allocation " + std::to_string(near->number)
                         : "'" + near->name + "'";
  what += " (" + std::to_string(near->size) + " bytes at " +
          hex(near->address) + ", " + kindName(near->kind) +
          (near->freed ? ", freed)" : ")");
  if (near->contains(address))
    return text + std::to_string(address - near->address) + " bytes into " +
           what;
  if (address >= near->end())
    return text + std::to_string(address - near->end()) +
           " bytes behind the end of " + what;
  return text + std::to_string(near->address - address) + " bytes before " +
         what;
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

static bool outOfBounds(WarpState &warp, unsigned lane, uint64_t address,
                        unsigned bytes, AccessKind kind) {
  DeviceMemory &memory = warp.block->grid.memory;
  auto near = memory.nearest(address);
  bool isFreed = near && near->freed && near->contains(address);
  faultAt(warp, Fault::IllegalAddress, CheckBounds, 1u << lane, address,
          std::string(isFreed ? "use of freed memory: " : "out of bounds: ") +
              (writes(kind) ? "writes " : "reads ") + std::to_string(bytes) +
              " byte" + (bytes == 1 ? "" : "s") + " of global memory",
          describeAddress(warp, address));
  return false;
}

static bool misaligned(WarpState &warp, unsigned lane, uint64_t address,
                       unsigned alignment) {
  faultAt(warp, Fault::MisalignedAddress, CheckAlignment, 1u << lane, address,
          "misaligned access: the address is no multiple of " +
              std::to_string(alignment),
          describeAddress(warp, address));
  return false;
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

/// `bytes`: those of the lane's access that were never written. Whether that
/// matters is seen when the value is used (Undefined.h).
template <typename Note>
static void uninitialized(WarpState &warp, unsigned lane, uint64_t address,
                          uint32_t bytes, AccessKind kind, const char *space,
                          Note note) {
  if (kind == AccessKind::Read || kind == AccessKind::StrongRead) {
    auto &origin = noteUnwritten(warp, lane, address, bytes, space);
    if (origin.note.empty())
      origin.note = note();
    return;
  }
  finding(warp, CheckUninitialized, 1u << lane,
          std::string("reads ") + space + " memory that was never written",
          note(), address);
}

static uint32_t unwrittenBytes(const uint8_t *shadow, unsigned bytes) {
  uint32_t marks = 0;
  for (unsigned i = 0; i < std::min(bytes, 32u); ++i)
    marks |= uint32_t(shadow[i] != kWritten) << i;
  return marks;
}

/// The access stores undefined values: makes those bytes unwritten again, or
/// tells that they have come to global memory.
static void storeUndefined(WarpState &warp, const Addresses &addresses,
                           uint32_t lanes, Space where, uint64_t window) {
  const AccessMarks &stored = warp.undefined.stored;
  if (where != Space::Shared && where != Space::Local)
    return useStored(warp, lanes);
  for (uint32_t left = lanes & stored.lanes; left; left &= left - 1) {
    auto lane = unsigned(std::countr_zero(left));
    uint64_t offset = addresses.at[lane] - window;
    if (where == Space::Shared) {
      warp.block->shadow.unwrite(uint32_t(offset), stored.bytes[lane]);
    } else if (!warp.localShadow.empty()) {
      uint8_t *shadow =
          warp.localShadow.data() + uint64_t(lane) * warp.localBytes + offset;
      for (uint32_t bytes = stored.bytes[lane]; bytes; bytes &= bytes - 1)
        shadow[std::countr_zero(bytes)] = kUnwritten;
    }
  }
}

static bool resolveGlobal(WarpState &warp, const Addresses &addresses,
                          uint32_t lanes, unsigned bytes, AccessKind kind,
                          Pointers &pointers) {
  Grid &grid = warp.block->grid;
  const Allocation *allocation = nullptr;
  bool checkInitial = grid.checks(CheckUninitialized) &&
                      kind != AccessKind::Write &&
                      kind != AccessKind::StrongWrite;
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
      base = allocation->bytes - begin;
      shadow = allocation->shadow ? allocation->shadow - begin : nullptr;
    }
    pointers.at[lane] = base + address;
    if (shadow) {
      if (checkInitial && !allWritten(shadow + address, bytes)) [[unlikely]]
        uninitialized(warp, lane, address,
                      unwrittenBytes(shadow + address, bytes), kind, "global",
                      [&] { return describeAddress(warp, address); });
      if (isWrite)
        std::memset(shadow + address, kWritten, bytes);
    }
  }
  return true;
}

void tenon::sim::exec::reportConflict(WarpState &warp, uint32_t lanes,
                                      unsigned lane, uint64_t address,
                                      unsigned bytes,
                                      const SharedShadow::Conflict &conflict,
                                      bool isWrite) {
  using Kind = SharedShadow::Conflict::Kind;
  const Program &program = warp.block->grid.program;
  auto otherPlace = [&] {
    std::string text;
    if (const ptx::Instruction *other = program.instruction(conflict.otherPc))
      text = " at line " + std::to_string(other->place.line) + ": " +
             std::string(program.line(other->place.line));
    return text;
  };
  std::string byte = "byte " + hex(conflict.address) + " of shared memory";
  switch (conflict.kind) {
  case Kind::Unwritten:
    return; // checkShared's
  case Kind::AsyncPending:
    finding(warp, CheckAsyncCopies, 1u << lane,
            std::string(isWrite ? "writes" : "reads") +
                " shared memory to which an asynchronous copy is under way",
            "the copy was issued by warp " +
                std::to_string(conflict.otherWarp) + otherPlace() +
                "; wait for it with cp.async.wait_group (a smaller number "
                "waits for more), then with a barrier if another warp issued "
                "it",
            conflict.address);
    return;
  case Kind::ReadAfterWrite:
  case Kind::WriteAfterRead:
  case Kind::WriteAfterWrite:
    finding(warp, CheckSharedRaces, 1u << lane,
            std::string("shared-memory race: ") +
                (conflict.kind == Kind::ReadAfterWrite
                     ? "reads what another warp wrote"
                 : conflict.kind == Kind::WriteAfterRead
                     ? "overwrites what another warp reads"
                     : "overwrites what another warp wrote") +
                " without a barrier between",
            byte + "; the other access is warp " +
                std::to_string(conflict.otherWarp) + "'s" + otherPlace(),
            conflict.address);
    return;
  }
}

/// The shadow's part of an access to shared memory.
static void checkShared(WarpState &warp, const Addresses &addresses,
                        uint32_t lanes, unsigned bytes, AccessKind kind,
                        uint64_t window) {
  Block &block = *warp.block;
  if (!block.checksShared || kind == AccessKind::AsyncWrite ||
      kind == AccessKind::Mbarrier)
    return;
  // AccessKind and SharedShadow::Kind have the same order.
  auto shadowKind = kind == AccessKind::UsedRead ? SharedShadow::Kind::Read
                                                 : SharedShadow::Kind(kind);
  auto conflict = block.shadow.access(warp.index, addresses.at, window, lanes,
                                      bytes, warp.pc - 1, shadowKind);
  if (!conflict) [[likely]]
    return;
  if (kind != AccessKind::Write && kind != AccessKind::StrongWrite)
    for (uint32_t left = lanes; left; left &= left - 1) {
      auto lane = unsigned(std::countr_zero(left));
      uint64_t offset = addresses.at[lane] - window;
      if (uint32_t marks = block.shadow.unwritten(uint32_t(offset), bytes))
        uninitialized(warp, lane, offset + unsigned(std::countr_zero(marks)),
                      marks, kind, "shared", [&] {
                        return "the access begins at " + hex(offset) +
                               " and has " + std::to_string(bytes) + " bytes";
                      });
    }
  if (conflict->kind == SharedShadow::Conflict::Kind::WriteAfterWrite &&
      warp.settles)
    warp.overwrite = conflict; // the store knows whether anything changes
  else
    reportConflict(warp, lanes, conflict->lane,
                   addresses.at[conflict->lane] - window, bytes, *conflict,
                   writes(kind));
}

void tenon::sim::exec::settleOverwrite(WarpState &warp,
                                       const std::vector<char> &before,
                                       const Pointers &pointers,
                                       unsigned bytes) {
  SharedShadow::Conflict conflict = *warp.overwrite;
  warp.overwrite.reset();
  bool changes = false;
  for (uint32_t left = warp.mask; left; left &= left - 1) {
    auto lane = unsigned(std::countr_zero(left));
    changes |= std::memcmp(before.data() + lane * bytes, pointers.at[lane],
                           bytes) != 0;
  }
  if (changes)
    reportConflict(warp, warp.mask, conflict.lane, conflict.address, bytes,
                   conflict, true);
}

std::vector<char> tenon::sim::exec::bytesBefore(const WarpState &warp,
                                                const Pointers &pointers,
                                                unsigned bytes) {
  std::vector<char> before(kWarpSize * bytes);
  for (uint32_t left = warp.mask; left; left &= left - 1) {
    auto lane = unsigned(std::countr_zero(left));
    std::memcpy(before.data() + lane * bytes, pointers.at[lane], bytes);
  }
  return before;
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

/// The space that a generic address falls into, and where its window begins.
static Space windowOf(uint64_t address, uint64_t &window) {
  for (auto [begin, space] : {std::pair(kSharedWindow, Space::Shared),
                              std::pair(kLocalWindow, Space::Local),
                              std::pair(kParamWindow, Space::Param)})
    if (address - begin < kWindowBytes) {
      window = begin;
      return space;
    }
  window = 0;
  return Space::Global;
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

/// Everything at once for a full warp, in vectors: within one allocation that
/// was used lately. False: nothing was done, look lane by lane.
static bool resolveGlobalFast(WarpState &warp, const Addresses &addresses,
                              unsigned bytes, AccessKind kind,
                              Pointers &pointers) {
  AllocationCache &cache = warp.block->worker.allocations;
  Grid &grid = warp.block->grid;
  if (cache.generation != grid.memory.generation())
    return false;
  const Allocation *allocation = nullptr;
  for (const auto &entry : cache.entries)
    if (entry && entry->contains(addresses.at[0], bytes)) {
      allocation = entry.get();
      break;
    }
  if (!allocation)
    return false;
  bool isWrite = writes(kind);
  if (isWrite && allocation->kind == MemoryKind::Constant)
    return false;
  auto at = v3::load<uint64_t>(addresses.at);
  auto offset = at - splat<uint64_t>(allocation->address);
  auto room = splat<uint64_t>(allocation->size - bytes) - offset;
  // Sizes are below 2^62: a sign bit is an offset below or above.
  if (int64_t(__builtin_reduce_or(offset | room)) < 0)
    return false;
  auto bytesAt = reinterpret_cast<uint64_t>(allocation->bytes);
  storeAll<uint64_t>(pointers.at, offset + splat<uint64_t>(bytesAt));
  bool checkInitial = grid.checks(CheckUninitialized) &&
                      kind != AccessKind::Write &&
                      kind != AccessKind::StrongWrite;
  pointers.adjacent = areAdjacent(offset, bytes);
  if (!allocation->shadow || (!checkInitial && !isWrite))
    return true;
  if (pointers.adjacent) {
    uint8_t *shadow = allocation->shadow + offset[0];
    if (checkInitial) {
      uint8_t all = kWritten;
      for (unsigned i = 0; i < bytes * kWarpSize; ++i)
        all &= shadow[i];
      if (all != kWritten)
        return false;
    }
    if (isWrite)
      std::memset(shadow, kWritten, bytes * kWarpSize);
    return true;
  }
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
  pointers.adjacent = areAdjacent(offset, bytes);
  return true;
}

bool tenon::sim::exec::resolve(WarpState &warp, const Addresses &addresses,
                               uint32_t lanes, unsigned bytes,
                               unsigned alignment, Space space, AccessKind kind,
                               Pointers &pointers) {
  bool counting = warp.block->grid.options.counters;
  bool recording = warp.block->grid.request.recordTouched;
  bool undefined = warp.undefined.stored.lanes != 0;
  if (lanes == kAllLanes) [[likely]] {
    uint64_t any = __builtin_reduce_or(v3::load<uint64_t>(addresses.at));
    if ((any & (alignment - 1)) == 0) {
      Space where = Space::Generic;
      if ((space == Space::Global || space == Space::Const ||
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
