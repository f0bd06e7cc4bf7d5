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

/// bar.warp.sync: the lanes named meet; memory among them is ordered. They may
/// come to different instructions with the same mask (PTX ISA 9.7.13.2):
/// meetAtWarpSyncs.
static Step warpSync(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  uint32_t members = uniformValue(warp, op.a);
  if (!converged(warp, members))
    return Step::Wait;
  return Step::Next;
}

/// Lets go on, past their instructions, the lanes of a warp that wait at
/// several bar.warp.sync and together are all that one mask names.
bool tenon::sim::exec::meetAtWarpSyncs(WarpState &warp) {
  const std::vector<Op> &ops = warp.block->grid.program.ops;
  auto waits = [&](const Split &split) {
    return split.waiting == Waiting::Lanes && ops[split.pc].run == warpSync;
  };
  bool any = false;
  for (const Split &first : warp.splits) {
    if (!waits(first))
      continue;
    uint32_t members = first.members, come = 0;
    for (const Split &split : warp.splits)
      if (waits(split) && split.members == members)
        come |= split.lanes;
    if (members & warp.live & ~come)
      continue;
    for (Split &split : warp.splits)
      if (waits(split) && split.members == members) {
        split.waiting = Waiting::No;
        ++split.pc;
      }
    any = true;
  }
  return any;
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

/// The simulator's memory is sequentially consistent within a host thread, and
/// x86's order between them lacks only what this gives.
static Step fenceOp(Warp &base, const Op &) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return Step::Next;
}

Handler tenon::sim::exec::selectBarrier(const Instruction &instruction,
                                        const RowWidths &widths, Op &op) {
  std::string_view opcode = ptx::opcodes()[instruction.opcode].name;
  if (opcode == "bar.warp.sync")
    return warpSync;
  if (opcode.starts_with("membar") || opcode.starts_with("fence"))
    return fenceOp;
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
