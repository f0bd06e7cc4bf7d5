//===- MemoryChecks.cpp - What the checks of memory say -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/exec/MemoryChecks.h"
#include "sim/Hex.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Field;
using ptx::Mod;

Space tenon::sim::exec::windowOf(uint64_t address, uint64_t &window) {
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

void tenon::sim::exec::acquireGlobal(WarpState &warp,
                                     const Addresses &addresses, unsigned bytes,
                                     Space space) {
  Block &block = *warp.block;
  if (!block.grid.globalShadow ||
      (space != Space::Global && space != Space::Generic))
    return;
  uint32_t lanes = warp.mask;
  uint64_t window = 0;
  for (uint32_t left = lanes; left; left &= left - 1)
    if (windowOf(addresses.at[std::countr_zero(left)], window) != Space::Global)
      lanes &= ~(left & -left);
  block.grid.globalShadow->acquire(block.order, warp.index, addresses.at, lanes,
                                   bytes);
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

bool tenon::sim::exec::outOfBounds(WarpState &warp, unsigned lane,
                                   uint64_t address, unsigned bytes,
                                   AccessKind kind) {
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

bool tenon::sim::exec::misaligned(WarpState &warp, unsigned lane,
                                  uint64_t address, unsigned alignment) {
  faultAt(warp, Fault::MisalignedAddress, CheckAlignment, 1u << lane, address,
          "misaligned access: the address is no multiple of " +
              std::to_string(alignment),
          describeAddress(warp, address));
  return false;
}

void tenon::sim::exec::uninitialized(WarpState &warp, unsigned lane,
                                     uint64_t address, uint32_t bytes,
                                     AccessKind kind, const char *space,
                                     const std::function<std::string()> &note) {
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

uint32_t tenon::sim::exec::unwrittenBytes(const uint8_t *shadow,
                                          unsigned bytes) {
  uint32_t marks = 0;
  for (unsigned i = 0; i < std::min(bytes, 32u); ++i)
    marks |= uint32_t(shadow[i] != kWritten) << i;
  return marks;
}

void tenon::sim::exec::storeUndefined(WarpState &warp,
                                      const Addresses &addresses,
                                      uint32_t lanes, Space where,
                                      uint64_t window) {
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

static void reportGlobalRace(WarpState &warp, bool isWrite,
                             const GlobalShadow::Conflict &conflict) {
  const Program &program = warp.block->grid.program;
  const Dim3 &size = warp.block->grid.request.grid;
  uint64_t block = conflict.otherBlock;
  std::string note = "the other access is that of warp " +
                     std::to_string(conflict.otherWarp) + " of block (" +
                     std::to_string(block % size.x) + ", " +
                     std::to_string(block / size.x % size.y) + ", " +
                     std::to_string(block / size.x / size.y) + ")";
  if (const ptx::Instruction *other = program.instruction(conflict.otherPc))
    note += " at line " + std::to_string(other->place.line) + " '" +
            std::string(program.line(other->place.line)) + "'";
  bool sameBlock = conflict.otherBlock == warp.block->linear;
  finding(warp, CheckGlobalRaces, 1u << conflict.lane,
          std::string("global-memory race: ") +
              (isWrite ? "overwrites what another " : "reads what another ") +
              (sameBlock ? "warp " : "block ") +
              (conflict.otherWrites ? "wrote" : "reads") +
              (sameBlock ? " without a barrier between"
                         : " without an order between them"),
          note + "; " + describeAddress(warp, conflict.address),
          conflict.address);
}

void tenon::sim::exec::checkGlobal(WarpState &warp, const Addresses &addresses,
                                   uint32_t lanes, unsigned bytes,
                                   AccessKind kind) {
  Block &block = *warp.block;
  if (kind == AccessKind::AsyncWrite || kind == AccessKind::Mbarrier)
    return;
  // AccessKind and GlobalShadow::Kind have the same order.
  auto shadowKind = kind == AccessKind::UsedRead ? GlobalShadow::Kind::Read
                                                 : GlobalShadow::Kind(kind);
  Mod order = Mod::None;
  if (const ptx::Instruction *at = block.grid.program.instruction(warp.pc - 1))
    order = at->get(Field::Order);
  auto conflict = block.grid.globalShadow->access(
      block.order, warp.index, addresses.at, lanes, bytes, warp.pc - 1,
      shadowKind,
      order == Mod::Release || order == Mod::AcqRel || order == Mod::Sc);
  if (!conflict)
    return;
  if (warp.settles && conflict->otherWrites)
    warp.globalOverwrite = conflict;
  else
    reportGlobalRace(warp, writes(kind), *conflict);
}

void tenon::sim::exec::checkShared(WarpState &warp, const Addresses &addresses,
                                   uint32_t lanes, unsigned bytes,
                                   AccessKind kind, uint64_t window) {
  Block &block = *warp.block;
  if (kind == AccessKind::StrongRead || kind == AccessKind::StrongWrite ||
      kind == AccessKind::Atomic)
    block.order.isFine = true;
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
  auto shared = std::exchange(warp.overwrite, std::nullopt);
  auto global = std::exchange(warp.globalOverwrite, std::nullopt);
  bool changes = false;
  for (uint32_t left = warp.mask; left; left &= left - 1) {
    auto lane = unsigned(std::countr_zero(left));
    changes |= std::memcmp(before.data() + lane * bytes, pointers.at[lane],
                           bytes) != 0;
  }
  if (changes && shared)
    reportConflict(warp, warp.mask, shared->lane, shared->address, bytes,
                   *shared, true);
  if (changes && global)
    reportGlobalRace(warp, true, *global);
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
