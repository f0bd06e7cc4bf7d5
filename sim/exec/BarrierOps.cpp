//===- BarrierOps.cpp - Barriers and fences, PTX ISA 9.7.13.1 to .4 -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A barrier counts threads. Without a count it waits for all threads of the
// block that have not exited; with one, for that many, where a warp counts
// whole. `bar` and `.aligned` must be executed by all lanes of a warp together:
// lanes wait for those that can still come, and if they stand at another
// barrier, that is found when nothing can run any more (Finding.cpp).
//
//===----------------------------------------------------------------------===//

#include "sim/exec/MemoryAccess.h"
#include "sim/ptx/Instructions.h"

#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <vector>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Field;
using ptx::Instruction;
using ptx::Mod;

namespace {
enum BarrierKind : uint16_t { Sync, Arrive, RedPopc, RedAnd, RedOr };
}

static uint32_t uniformValue(const WarpState &warp, Row row) {
  uint32_t value;
  std::memcpy(&value, warp.row(row) + unsigned(std::countr_zero(warp.mask)) * 4,
              4);
  return value;
}

/// Ends a phase: whoever waits goes on.
void Block::releaseBarrier(uint32_t id) {
  BarrierState &barrier = barriers[id];
  for (const BarrierState::Reader &reader : barrier.readers) {
    bool truth = reader.kind == RedAnd ? barrier.popc == barrier.voters
                                       : barrier.popc != 0;
    char *row = reader.frame->registers + reader.d;
    if (reader.kind == RedPopc) {
      for (uint32_t left = reader.lanes; left; left &= left - 1)
        std::memcpy(row + unsigned(std::countr_zero(left)) * 4, &barrier.popc,
                    4);
    } else {
      uint32_t old;
      std::memcpy(&old, row, 4);
      old = truth ? old | reader.lanes : old & ~reader.lanes;
      std::memcpy(row, &old, 4);
    }
  }
  for (auto &warp : warps)
    for (Split &split : warp->splits)
      if (split.waiting == Waiting::Barrier && split.barrier == id)
        split.waiting = Waiting::No;
  if (checksShared)
    shadow.barrier(barrier.arrivedWarps);
  if (grid.globalShadow) {
    auto everyone = uint32_t((uint64_t(1) << warps.size()) - 1);
    if (barrier.all || barrier.arrivedWarps == everyone)
      grid.globalShadow->barrier(order);
    else
      order.isFine = true;
  }
  barrier = BarrierState();
}

/// Lanes that exit no longer count for barriers of all threads.
void Block::onExit() {
  uint32_t live = liveThreads();
  for (uint32_t id = 0; id < 16; ++id)
    if (barriers[id].all && barriers[id].arrived >= live && live > 0)
      releaseBarrier(id);
}

/// Op::mode: bits 0-3 kind, 4 aligned, 5 count given. a: barrier; b: count or
/// predicate; c: predicate.
static Step barrierOp(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  Block &block = *warp.block;
  auto kind = BarrierKind(op.mode & 15);
  bool aligned = op.mode >> 4 & 1, hasCount = op.mode >> 5 & 1;
  if (aligned && !converged(warp, kAllLanes))
    return Step::Wait;

  uint32_t id = uniformValue(warp, op.a);
  uint32_t count = hasCount ? uniformValue(warp, op.b) : 0;
  if (id >= 16)
    return fault(warp, Fault::IllegalInstruction, CheckBarriers, warp.mask,
                 "barrier " + std::to_string(id) + " does not exist",
                 "barriers are numbered 0 to 15");
  if (hasCount && (count == 0 || count % kWarpSize))
    return fault(warp, Fault::IllegalInstruction, CheckBarriers, warp.mask,
                 "barrier count " + std::to_string(count) +
                     " is no multiple of the warp size");
  uint32_t whole = uint32_t(block.warps.size()) * kWarpSize;
  if (hasCount && count > whole) {
    return fault(warp, Fault::Timeout, CheckBarriers, warp.mask,
                 "barrier count " + std::to_string(count) +
                     " is above the block's " + std::to_string(block.threads) +
                     " threads: the barrier can never complete");
  }
  BarrierState &barrier = block.barriers[id];
  if (barrier.arrivedWarps == 0) {
    barrier.expected = count;
    barrier.all = !hasCount;
    barrier.firstPc = warp.pc - 1;
  } else if (barrier.expected != count || barrier.all == hasCount) {
    const ptx::Instruction *first =
        block.grid.program.instruction(barrier.firstPc);
    finding(
        warp, CheckBarriers, warp.mask,
        "barrier " + std::to_string(id) +
            " is used with different thread counts in one phase",
        "here " + (hasCount ? std::to_string(count) : "all threads") +
            ", at line " + std::to_string(first ? first->place.line : 0) + " " +
            (barrier.all ? "all threads" : std::to_string(barrier.expected)));
  }
  // A warp counts whole where it comes whole, though the block may end in it.
  uint32_t lanes = warp.mask;
  uint32_t arriving = unsigned(std::popcount(lanes));
  if (hasCount && lanes == warp.live)
    arriving = kWarpSize;
  if (barrier.arrivedWarps >> warp.index & 1 && hasCount && aligned)
    finding(warp, CheckBarriers, lanes,
            "a warp arrives twice at barrier " + std::to_string(id) +
                " in one phase");
  barrier.arrivedWarps |= 1u << warp.index;
  barrier.arrived += arriving;
  if (kind >= RedPopc) {
    uint32_t predicate;
    std::memcpy(&predicate, warp.row(hasCount ? op.c : op.b), 4);
    barrier.popc += unsigned(std::popcount(predicate & lanes));
    barrier.voters += unsigned(std::popcount(lanes));
    barrier.readers.push_back({&warp, warp.frame, lanes, op.d, uint8_t(kind)});
  }
  uint32_t needed = barrier.all ? block.liveThreads() : barrier.expected;
  if (barrier.arrived >= needed) {
    block.releaseBarrier(id);
    return Step::Yield;
  }
  if (kind == Arrive)
    return Step::Next;
  warp.waiting = Waiting::Barrier;
  warp.waitingBarrier = id;
  return Step::Block;
}

/// bar.warp.sync: the lanes named meet; memory among them is ordered.
static Step warpSync(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  uint32_t members = uniformValue(warp, op.a);
  if (!converged(warp, members))
    return Step::Wait;
  return Step::Next;
}

/// shfl.sync, vote.sync, match.sync, redux.sync, elect.sync: waits for the
/// lanes that each lane's membermask names (PTX ISA 9.7.9.6, 9.7.13.9). Lanes
/// must agree on the mask only with those that it names, so that a warp may do
/// this in several groups at once, each with a mask of its own. The handler of
/// what is done is in Op::imm.
template <Row Op::*Members, bool ByGroup>
static Step exchange(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  auto run = reinterpret_cast<Handler>(op.imm);
  // With all there, what does not depend on the mask needs no look at it.
  bool isWhole = (warp.live & ~warp.active) == 0;
  if (isWhole && !ByGroup)
    return run(warp, op);
  uint32_t masks[kWarpSize];
  std::memcpy(masks, warp.row(op.*Members), sizeof(masks));
  uint32_t lanes = warp.mask, first = masks[std::countr_zero(lanes)];
  uint32_t others = 0;
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    others |= uint32_t(masks[lane] != first) << lane;
  others &= lanes;
  auto isMissing = [&](uint32_t members) {
    return (members & warp.live & ~warp.active) != 0;
  };
  if (!others) {
    if (!isWhole && isMissing(first)) {
      warp.waitingMembers = first;
      return Step::Wait;
    }
    return run(warp, op);
  }
  std::array<uint32_t, kWarpSize> groups;
  unsigned count = 0;
  uint32_t ready = 0;
  for (uint32_t left = lanes; left;) {
    uint32_t members = masks[std::countr_zero(left)], group = 0;
    for (uint32_t all = left; all; all &= all - 1)
      if (masks[std::countr_zero(all)] == members)
        group |= all & -all;
    left &= ~group;
    if (isMissing(members))
      continue;
    groups[count++] = group;
    ready |= group;
  }
  if (!ready) {
    warp.waitingMembers = first;
    return Step::Wait;
  }
  for (unsigned i = 0; i < count; ++i) {
    warp.mask = groups[i];
    run(warp, op);
  }
  warp.mask = ready;
  if (ready == lanes)
    return Step::Next;
  warp.active &= ~(lanes & ~ready);
  addSplit(warp, lanes & ~ready, warp.pc - 1, warp.frame);
  return Step::Switch;
}

Handler tenon::sim::exec::exchangeHandler(const Instruction &instruction,
                                          Op &op, Handler handler) {
  std::string_view opcode = ptx::opcodes()[instruction.opcode].name;
  bool isShuffle = opcode == "shfl";
  if (!instruction.has(ptx::Mod::Sync) ||
      !(isShuffle || opcode == "vote" || opcode == "match" ||
        opcode == "redux" || opcode == "elect"))
    return handler;
  op.imm = reinterpret_cast<int64_t>(handler);
  if (isShuffle)
    return exchange<&Op::f, false>;
  return opcode == "elect" ? exchange<&Op::a, true> : exchange<&Op::b, true>;
}

// --- Meeting at different places ---------------------------------------------
// bar.warp.sync and the exchanges wait for lanes that execute the same
// instruction "with the same qualifiers and the same membermask" (PTX ISA
// 9.7.9.6, 9.7.13.2), not for lanes at the same place of the program: both
// sides of a branch may have one, or two calls of one function.

namespace {
/// A lane that waits, and where.
struct Waiter {
  const Split *split = nullptr;
  const Op *op = nullptr;
  const Instruction *instruction = nullptr;
  uint32_t members = 0;
};
} // namespace

/// The row of an op's membermask; kNoRow if it waits for no lanes.
static Row membersRow(const Op &op) {
  if (op.run == warpSync || op.run == exchange<&Op::a, true>)
    return op.a;
  if (op.run == exchange<&Op::b, true>)
    return op.b;
  return op.run == exchange<&Op::f, false> ? op.f : kNoRow;
}

/// Performs an exchange of lanes at different places on rows that hold what
/// each brings, and gives each its result.
static void exchangeApart(WarpState &warp, const Waiter (&waiters)[kWarpSize],
                          uint32_t lanes) {
  constexpr uint32_t kRowBytes = 8 * kWarpSize;
  alignas(64) char rows[6 * kRowBytes] = {};
  static constexpr Row Op::*kOperands[] = {&Op::a, &Op::b, &Op::c,
                                           &Op::f, &Op::d, &Op::e};
  const Waiter &first = waiters[std::countr_zero(lanes)];
  Op joint = *first.op;
  std::string_view opcode = ptx::opcodes()[first.instruction->opcode].name;
  bool isWide = ptx::bitsOf(first.instruction->types[0]) == 64; // match
  // Predicates: the voters' of vote, its result but for ballots, and e.
  auto isPredicate = [&](unsigned operand) {
    return operand == 5 ||
           (opcode == "vote" &&
            (operand == 0 ||
             (operand == 4 && first.instruction->types[0] == ptx::Type::Pred)));
  };
  auto move = [&](unsigned operand, unsigned lane, bool comesBack) {
    Row row = waiters[lane].op->*kOperands[operand];
    if (row == kNoRow)
      return;
    char *own = row & 1 ? warp.base[1] + (row & ~1u)
                        : waiters[lane].split->frame->registers + row;
    char *shared = rows + operand * kRowBytes;
    const char *from = comesBack ? shared : own;
    char *to = comesBack ? own : shared;
    if (isPredicate(operand)) {
      uint32_t value, old;
      std::memcpy(&value, from, 4);
      std::memcpy(&old, to, 4);
      old = (old & ~(1u << lane)) | (value & 1u << lane);
      std::memcpy(to, &old, 4);
      return;
    }
    unsigned width = operand == 0 && isWide ? 8 : 4;
    std::memcpy(to + lane * width, from + lane * width, width);
  };
  for (unsigned operand = 0; operand < 6; ++operand) {
    for (uint32_t left = lanes; operand < 4 && left; left &= left - 1)
      move(operand, unsigned(std::countr_zero(left)), false);
    if (joint.*kOperands[operand] != kNoRow)
      joint.*kOperands[operand] = operand * kRowBytes;
  }
  warp.base[0] = rows;
  warp.mask = warp.active = lanes;
  reinterpret_cast<Handler>(joint.imm)(warp, joint);
  warp.active = 0;
  for (unsigned operand = 4; operand < 6; ++operand)
    for (uint32_t left = lanes; left; left &= left - 1)
      move(operand, unsigned(std::countr_zero(left)), true);
  // Whatever was undefined before, these values are new.
  for (uint32_t left = lanes; left; left &= left - 1) {
    const Waiter &waiter = waiters[std::countr_zero(left)];
    UndefinedRows &marks = waiter.split->frame->undefined;
    moveMarks({}, kNoRow, marks, waiter.op->d, left & -left);
    moveMarks({}, kNoRow, marks, waiter.op->e, left & -left);
  }
}

bool tenon::sim::exec::meetApart(WarpState &warp) {
  const Program &program = warp.block->grid.program;
  Waiter waiters[kWarpSize];
  uint32_t waiting = 0;
  unsigned places = 0;
  for (const Split &split : warp.splits) {
    const Op &op = program.ops[split.pc];
    Row row = split.waiting == Waiting::Lanes ? membersRow(op) : kNoRow;
    if (row == kNoRow)
      continue;
    ++places;
    const char *registers = split.frame->registers;
    uint32_t lanes = split.lanes;
    if (op.guard != kNoRow) {
      uint32_t predicate;
      std::memcpy(&predicate, registers + op.guard, 4);
      lanes &= predicate ^ op.guardFlip;
    }
    const char *members =
        row & 1 ? warp.base[1] + (row & ~1u) : registers + row;
    for (uint32_t left = lanes; left; left &= left - 1) {
      auto lane = unsigned(std::countr_zero(left));
      waiters[lane] = {&split, &op, program.instruction(split.pc), 0};
      std::memcpy(&waiters[lane].members, members + lane * 4, 4);
    }
    waiting |= lanes;
  }
  if (places < 2)
    return false;
  uint32_t done = 0;
  for (uint32_t left = waiting; left;) {
    const Waiter &first = waiters[std::countr_zero(left)];
    uint32_t group = 0;
    for (uint32_t all = left; all; all &= all - 1) {
      const Waiter &each = waiters[std::countr_zero(all)];
      if (each.members == first.members &&
          each.instruction->opcode == first.instruction->opcode &&
          each.instruction->suffix == first.instruction->suffix)
        group |= all & -all;
    }
    left &= ~group;
    if (first.members & warp.live & ~group)
      continue;
    if (first.op->run != warpSync)
      exchangeApart(warp, waiters, group);
    done |= group;
  }
  if (!done)
    return false;
  std::vector<Split> parts;
  for (Split &split : warp.splits) {
    if (split.waiting != Waiting::Lanes || !(split.lanes & done))
      continue;
    // With the last of those that the guard lets in go those it leaves out.
    uint32_t leaving = split.lanes & done;
    if (!(split.lanes & waiting & ~done))
      leaving = split.lanes;
    parts.push_back(split);
    parts.back().lanes = leaving;
    split.lanes &= ~leaving;
  }
  std::erase_if(warp.splits, [](const Split &split) { return !split.lanes; });
  for (const Split &part : parts)
    addSplit(warp, part.lanes, part.pc + 1, part.frame);
  return true;
}

/// The simulator's memory is sequentially consistent within a host thread, and
/// x86's order between them lacks only what this gives.
static Step fenceOp(Warp &base, const Op &op) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  Block &block = *base.block;
  if (block.grid.globalShadow && op.mode)
    block.grid.globalShadow->fence(block.order, base.index);
  return Step::Next;
}

Handler tenon::sim::exec::selectBarrier(const Instruction &instruction,
                                        const RowWidths &widths, Op &op) {
  std::string_view opcode = ptx::opcodes()[instruction.opcode].name;
  if (opcode == "bar.warp.sync")
    return warpSync;
  if (opcode.starts_with("membar") || opcode.starts_with("fence")) {
    op.mode = instruction.get(Field::Scope) != Mod::Cta; // beyond the block
    return fenceOp;
  }
  bool isBar = opcode.starts_with("bar."),
       isBarrier = opcode.starts_with("barrier.");
  if ((!isBar && !isBarrier) || opcode.starts_with("barrier.cluster"))
    return nullptr;
  BarrierKind kind = Sync;
  bool hasCount = instruction.operands.size() > 1;
  if (opcode.ends_with("arrive")) {
    kind = Arrive;
  } else if (opcode.ends_with("red")) {
    Mod operation = instruction.get(Field::Operation);
    kind = operation == Mod::Popc  ? RedPopc
           : operation == Mod::And ? RedAnd
                                   : RedOr;
    hasCount = instruction.operands.size() > 3;
  }
  bool aligned = isBar || instruction.has(Mod::Aligned);
  op.mode = uint16_t(kind | uint16_t(aligned) << 4 | uint16_t(hasCount) << 5);
  return barrierOp;
}
