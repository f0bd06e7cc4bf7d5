//===- AsyncOps.cpp - Asynchronous copies and mbarriers -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// cp.async, PTX ISA 9.7.9.25.3. A copy is in flight until the thread that
// issued it waits for its group, or an mbarrier that tracks it completes. When
// its data arrive is the schedule's: at once (eager), when it is waited for
// (lazy), or either by chance (random). Whenever that is, the shadow of shared
// memory says "in flight" until the wait.
//
// mbarrier, PTX ISA 9.7.13.15. The object is opaque; here its 64 bits are
//
//   0..19   pending arrivals of the current phase
//   20..39  arrivals that each phase expects
//   40..61  number of the phase
//   63      valid
//
// and the state that an arrival returns is the object before it.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/MemoryAccess.h"
#include "sim/ptx/Instructions.h"

#include <algorithm>
#include <bit>
#include <cstring>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Instruction;
using ptx::Mod;

// --- cp.async ---------------------------------------------------------------

bool tenon::sim::exec::land(WarpState &warp, PendingCopy &copy) {
  if (copy.landed)
    return true;
  copy.landed = true;
  Block &block = *warp.block;
  for (uint32_t left = copy.lanes; left; left &= left - 1) {
    auto lane = unsigned(std::countr_zero(left));
    char *to = block.shared + copy.to[lane];
    unsigned bytes = copy.sourceBytes[lane];
    if (bytes)
      std::memcpy(to, copy.fromBytes[lane], bytes);
    std::memset(to + bytes, 0, copy.bytes - bytes);
  }
  return true;
}

/// Takes lanes out of a copy that they have waited for.
static void finish(WarpState &warp, PendingCopy &copy, uint32_t lanes) {
  land(warp, copy);
  if (warp.block->checksShared)
    warp.block->shadow.endCopy(warp.index, copy.to.data(), lanes, copy.bytes);
  copy.lanes &= ~lanes;
}

void tenon::sim::exec::landCopies(WarpState &warp, uint32_t lanes,
                                  uint32_t pendingGroups, bool openGroupToo) {
  bool any = false;
  for (PendingCopy &copy : warp.copies) {
    uint32_t done = 0;
    for (uint32_t left = copy.lanes & lanes; left; left &= left - 1) {
      auto lane = unsigned(std::countr_zero(left));
      // Groups 0 .. committed-1 are committed; the last few may be pending.
      if (openGroupToo || copy.group[lane] + pendingGroups < warp.groups[lane])
        done |= 1u << lane;
    }
    if (done) {
      finish(warp, copy, done);
      any |= copy.lanes == 0;
    }
  }
  if (any)
    std::erase_if(warp.copies,
                  [](const PendingCopy &copy) { return copy.lanes == 0; });
}

/// Op::mode: bits 0-4 bytes, 5 wide destination, 6 wide source address,
/// 7 source size given, 8 ignore-src predicate.
static Step copyOp(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  Block &block = *warp.block;
  unsigned bytes = op.mode & 31;
  Addresses to, from;
  Pointers toBytes, fromBytes;
  computeAddresses(warp, op.a, op.mode >> 5 & 1, op.imm, to);
  computeAddresses(warp, op.b, op.mode >> 6 & 1, 0, from);

  PendingCopy copy;
  copy.lanes = warp.mask;
  copy.bytes = uint8_t(bytes);
  copy.pc = warp.pc - 1;
  copy.number = ++warp.copyNumber;
  uint32_t reading = warp.mask;
  for (uint32_t left = warp.mask; left; left &= left - 1) {
    auto lane = unsigned(std::countr_zero(left));
    uint32_t size = bytes;
    if (op.mode >> 7 & 1)
      std::memcpy(&size, warp.row(op.c) + lane * 4, 4);
    if (op.mode >> 8 & 1) {
      uint32_t ignore;
      std::memcpy(&ignore, warp.row(op.c), 4);
      size = ignore >> lane & 1 ? 0 : bytes;
    }
    if (size > bytes)
      return fault(warp, Fault::IllegalInstruction, CheckAsyncCopies,
                   1u << lane,
                   "cp.async: src-size " + std::to_string(size) +
                       " is above cp-size " + std::to_string(bytes));
    copy.sourceBytes[lane] = uint8_t(size);
    copy.group[lane] = warp.groups[lane];
    if (size == 0)
      reading &= ~(1u << lane);
  }
  // The source, of as many bytes as are read. Lanes may differ.
  for (uint32_t left = reading; left;) {
    unsigned size = copy.sourceBytes[std::countr_zero(left)];
    uint32_t same = 0;
    for (uint32_t rest = left; rest; rest &= rest - 1)
      if (copy.sourceBytes[std::countr_zero(rest)] == size)
        same |= rest & -rest;
    if (!resolve(warp, from, same, size, bytes, Space::Global,
                 AccessKind::UsedRead, fromBytes))
      return Step::Fault;
    left &= ~same;
  }
  if (!resolve(warp, to, warp.mask, bytes, bytes, Space::Shared,
               AccessKind::AsyncWrite, toBytes))
    return Step::Fault;
  for (uint32_t left = warp.mask; left; left &= left - 1) {
    auto lane = unsigned(std::countr_zero(left));
    copy.to[lane] = uint32_t(to.at[lane]);
    copy.fromBytes[lane] = reading >> lane & 1 ? fromBytes.at[lane] : nullptr;
  }
  if (block.checksShared) {
    auto conflict = block.shadow.beginCopy(warp.index, copy.to.data(),
                                           warp.mask, bytes, warp.pc - 1);
    if (conflict)
      reportConflict(warp, warp.mask, conflict->lane, to.at[conflict->lane],
                     bytes, *conflict, true);
  }
  Schedule schedule = block.grid.options.schedule;
  if (schedule == Schedule::Eager ||
      (schedule == Schedule::Random && block.random() % 2 == 0))
    land(warp, copy);
  // Landed, and no check that asks whether it was waited for: forget it.
  if (!copy.landed || block.checksShared || block.usesMbarriers)
    warp.copies.push_back(copy);
  return Step::Next;
}

static Step commitGroup(Warp &base, const Op &) {
  WarpState &warp = state(base);
  for (uint32_t left = warp.mask; left; left &= left - 1)
    ++warp.groups[std::countr_zero(left)];
  return Step::Next;
}

static Step waitGroup(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  if (!warp.copies.empty())
    landCopies(warp, warp.mask, uint32_t(op.imm), false);
  return Step::Next;
}

/// Everything before it, committed or not (PTX ISA 9.7.9.25.3.3).
static Step waitAll(Warp &base, const Op &) {
  WarpState &warp = state(base);
  if (!warp.copies.empty())
    landCopies(warp, warp.mask, 0, true);
  for (uint32_t left = warp.mask; left; left &= left - 1)
    ++warp.groups[std::countr_zero(left)];
  return Step::Next;
}

// --- mbarrier ---------------------------------------------------------------

static constexpr uint64_t kCountMask = (1u << 20) - 1;
static constexpr uint64_t kPhaseMask = (1u << 22) - 1;
static constexpr uint64_t kValid = uint64_t(1) << 63;

static uint64_t pendingOf(uint64_t object) { return object & kCountMask; }
static uint64_t expectedOf(uint64_t object) {
  return object >> 20 & kCountMask;
}
static uint64_t phaseOf(uint64_t object) { return object >> 40 & kPhaseMask; }
static uint64_t makeObject(uint64_t pending, uint64_t expected,
                           uint64_t phase) {
  return kValid | (phase & kPhaseMask) << 40 | expected << 20 | pending;
}

/// Arrives `count` times; false if that is more than is pending.
static bool arrive(uint64_t &object, uint64_t count, bool drop) {
  uint64_t pending = pendingOf(object), expected = expectedOf(object);
  if (count > pending)
    return false;
  pending -= count;
  if (drop)
    expected -= std::min(expected, count);
  object = pending ? makeObject(pending, expected, phaseOf(object))
                   : makeObject(expected, expected, phaseOf(object) + 1);
  return true;
}

/// The object at an address in shared memory, checked.
static char *objectAt(WarpState &warp, const Addresses &addresses,
                      unsigned lane, bool wantsValid, AccessKind kind,
                      Space space) {
  Pointers pointers;
  if (!resolve(warp, addresses, 1u << lane, 8, 8, space, kind, pointers))
    return nullptr;
  uint64_t object;
  std::memcpy(&object, pointers.at[lane], 8);
  if (wantsValid && !(object & kValid)) {
    faultAt(warp, Fault::IllegalInstruction, CheckBarriers, 1u << lane,
            addresses.at[lane],
            "mbarrier misuse: there is no initialized mbarrier here",
            "initialize it with mbarrier.init, and let the other threads see "
            "that by a barrier before they use it");
    return nullptr;
  }
  return pointers.at[lane];
}

/// Whether every copy of a lane before its arrival has landed.
bool tenon::sim::exec::flushArrivals(Block &block, bool force) {
  bool any = false;
  for (auto &warp : block.warps) {
    while (!warp->arrivals.empty()) {
      if (!force && block.grid.options.schedule == Schedule::Lazy)
        break;
      PendingArrival &arrival = warp->arrivals.front();
      // The copies that the arrival tracks: all that were issued before it.
      for (PendingCopy &copy : warp->copies) {
        uint32_t done = 0;
        for (uint32_t left = copy.lanes & arrival.lanes; left;
             left &= left - 1) {
          auto lane = unsigned(std::countr_zero(left));
          if (copy.number < arrival.number)
            done |= 1u << lane;
        }
        if (done)
          finish(*warp, copy, done);
      }
      std::erase_if(warp->copies,
                    [](const PendingCopy &copy) { return copy.lanes == 0; });
      for (uint32_t left = arrival.lanes; left; left &= left - 1) {
        auto lane = unsigned(std::countr_zero(left));
        char *at = block.shared + arrival.mbarrier[lane];
        uint64_t object;
        std::memcpy(&object, at, 8);
        if (!(object & kValid) || !arrive(object, 1, false)) {
          warp->pc = arrival.pc + 1;
          finding(*warp, CheckBarriers, 1u << lane,
                  "mbarrier misuse: more arrivals of asynchronous copies "
                  "than the phase expects",
                  "count them in mbarrier.init, or leave .noinc out",
                  arrival.mbarrier[lane]);
          continue;
        }
        std::memcpy(at, &object, 8);
        if (block.checksShared)
          block.shadow.release(warp->index, arrival.mbarrier[lane]);
      }
      warp->arrivals.pop_front();
      any = true;
    }
  }
  return any;
}

namespace {
enum MbarrierKind : uint16_t {
  Init,
  Invalidate,
  Arrive,
  ArriveDrop,
  CopyArrive,
  CopyArriveNoIncrement,
  TestState,
  TestParity,
};
} // namespace

/// Op::mode: bits 0-3 kind, 4 wide address, 5 count given, 6 destination,
/// 7 may wait (try_wait), 8-10 space.
static Step mbarrierOp(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  Block &block = *warp.block;
  auto kind = MbarrierKind(op.mode & 15);
  block.order.isFine = true;
  Addresses addresses;
  computeAddresses(warp, op.a, op.mode >> 4 & 1, op.imm, addresses);
  auto space = Space(op.mode >> 8 & 7);
  bool isTest = kind == TestState || kind == TestParity;
  uint32_t result = 0;
  PendingArrival arrival;
  arrival.lanes = 0;
  for (uint32_t left = warp.mask; left; left &= left - 1) {
    auto lane = unsigned(std::countr_zero(left));
    // Its own synchronization is modelled below, so the access itself is one
    // that does not race.
    AccessKind access = kind == Init || kind == Invalidate
                            ? AccessKind::Write
                            : AccessKind::Mbarrier;
    char *at = objectAt(warp, addresses, lane, kind != Init, access, space);
    if (!at)
      return Step::Fault;
    auto offset = uint32_t(at - block.shared);
    uint64_t object;
    std::memcpy(&object, at, 8);
    uint64_t before = object;
    uint32_t count = 1;
    if (op.mode >> 5 & 1)
      std::memcpy(&count, warp.row(op.b) + lane * 4, 4);
    switch (kind) {
    case Init:
      if (count == 0 || count > kCountMask)
        return fault(warp, Fault::IllegalInstruction, CheckBarriers, 1u << lane,
                     "mbarrier.init: the count " + std::to_string(count) +
                         " is not within 1 to 1048575");
      object = makeObject(count, count, 0);
      break;
    case Invalidate:
      object = 0;
      break;
    case Arrive:
    case ArriveDrop:
      if (!arrive(object, count, kind == ArriveDrop)) {
        finding(warp, CheckBarriers, 1u << lane,
                "mbarrier misuse: more arrivals than the phase expects",
                "the phase expects " + std::to_string(expectedOf(object)) +
                    " arrivals, " + std::to_string(pendingOf(object)) +
                    " are left",
                offset);
        object = makeObject(expectedOf(object), expectedOf(object),
                            phaseOf(object) + 1);
      }
      if (block.checksShared)
        block.shadow.release(warp.index, offset);
      break;
    case CopyArrive:
      // Expects one arrival more, which the copies' completion then makes.
      object = makeObject(pendingOf(object) + 1, expectedOf(object),
                          phaseOf(object));
      [[fallthrough]];
    case CopyArriveNoIncrement:
      arrival.lanes |= 1u << lane;
      arrival.mbarrier[lane] = offset;
      break;
    case TestState:
    case TestParity: {
      uint64_t phase;
      if (kind == TestState) {
        uint64_t state;
        std::memcpy(&state, warp.row(op.b) + lane * 8, 8);
        phase = phaseOf(state);
        result |= uint32_t(phaseOf(object) != phase) << lane;
      } else {
        uint32_t parity;
        std::memcpy(&parity, warp.row(op.b) + lane * 4, 4);
        // The phase of that parity is complete when the current one differs.
        result |= uint32_t((phaseOf(object) & 1) != (parity & 1)) << lane;
      }
      if ((result >> lane & 1) && block.checksShared)
        block.shadow.acquire(warp.index, offset);
      break;
    }
    }
    if (!isTest)
      std::memcpy(at, &object, 8);
    if (op.mode >> 6 & 1)
      std::memcpy(warp.row(op.d) + lane * 8, &before, 8);
  }
  if (arrival.lanes) {
    arrival.pc = warp.pc - 1;
    arrival.number = ++warp.copyNumber;
    warp.arrivals.push_back(arrival);
    flushArrivals(block, false);
  }
  if (!isTest)
    return Step::Next;
  uint32_t old;
  std::memcpy(&old, warp.row(op.d), 4);
  old = (old & ~warp.mask) | (result & warp.mask);
  std::memcpy(warp.row(op.d), &old, 4);
  if (result == warp.mask)
    return Step::Next;
  // Somebody waits: what is in flight may be what for. Others get their turn.
  flushArrivals(block, true);
  return Step::Yield;
}

static Step pendingCount(Warp &warp, const Op &op) {
  for (uint32_t left = warp.mask; left; left &= left - 1) {
    auto lane = unsigned(std::countr_zero(left));
    uint64_t state;
    std::memcpy(&state, warp.row(op.a) + lane * 8, 8);
    auto count = uint32_t(pendingOf(state));
    std::memcpy(warp.row(op.d) + lane * 4, &count, 4);
  }
  return Step::Next;
}

Handler tenon::sim::exec::selectAsync(const Instruction &instruction,
                                      const RowWidths &widths, Op &op) {
  std::string_view opcode = ptx::opcodes()[instruction.opcode].name;
  if (opcode == "cp.async") {
    // [dst], [src], cp-size {, src-size or ignore-src}{, cache-policy}
    op.mode = uint16_t(instruction.operands[2].value & 31);
    op.mode |= uint16_t(widths.a == 8) << 5 | uint16_t(widths.b == 8) << 6;
    bool policy = instruction.has(Mod::L2CacheHint);
    size_t count = instruction.operands.size();
    if (count == 5 || (count == 4 && !policy))
      op.mode |= uint16_t(widths.c == 0 ? 1 << 8 : 1 << 7);
    // The constant operand overwrote the offset of the first address.
    op.imm = instruction.operands[0].value;
    return copyOp;
  }
  if (opcode == "cp.async.commit_group")
    return commitGroup;
  if (opcode == "cp.async.wait_group")
    return waitGroup;
  if (opcode == "cp.async.wait_all")
    return waitAll;
  if (opcode == "mbarrier.pending_count")
    return pendingCount;
  if (!opcode.starts_with("mbarrier.") && opcode != "cp.async.mbarrier.arrive")
    return nullptr;

  MbarrierKind kind;
  bool hasCount = false, hasResult = false;
  if (opcode == "mbarrier.init") {
    kind = Init;
    hasCount = true;
  } else if (opcode == "mbarrier.inval") {
    kind = Invalidate;
  } else if (opcode.starts_with("mbarrier.arrive_drop")) {
    kind = ArriveDrop;
    hasResult = true;
    hasCount = instruction.operands.size() > 2;
  } else if (opcode.starts_with("mbarrier.arrive")) {
    kind = Arrive;
    hasResult = true;
    hasCount = instruction.operands.size() > 2;
  } else if (opcode == "cp.async.mbarrier.arrive") {
    kind = instruction.has(Mod::Noinc) ? CopyArriveNoIncrement : CopyArrive;
  } else { // test_wait, try_wait
    kind = instruction.has(Mod::Parity) ? TestParity : TestState;
  }
  op.mode =
      uint16_t(kind | uint16_t(widths.a == 8) << 4 | uint16_t(hasCount) << 5 |
               uint16_t(hasResult) << 6 | uint16_t(spaceOf(instruction)) << 8);
  return mbarrierOp;
}
