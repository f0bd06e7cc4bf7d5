//===- ControlOps.cpp - Branches, calls, special registers ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 9.7.12 (control flow), 9.7.19 (miscellaneous) and 10 (special
// registers).
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Builtins.h"
#include "sim/exec/MemoryAccess.h"
#include "sim/ptx/Instructions.h"

#include <bit>
#include <chrono>
#include <cstring>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Instruction;

// --- Branches ---------------------------------------------------------------

void tenon::sim::exec::addSplit(WarpState &warp, uint32_t lanes, uint32_t pc,
                                Frame *frame) {
  for (Split &split : warp.splits)
    if (split.pc == pc && split.frame == frame &&
        split.waiting == Waiting::No) {
      split.lanes |= lanes;
      return;
    }
  warp.splits.push_back({lanes, pc, frame, Waiting::No, 0, 0, warp.turn});
}

static Step branch(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  if (warp.mask == warp.active) {
    warp.pc = uint32_t(op.imm);
    return Step::Next;
  }
  addSplit(warp, warp.active & ~warp.mask, warp.pc, warp.frame);
  warp.active = warp.mask;
  warp.pc = uint32_t(op.imm);
  return Step::Switch;
}

/// brx.idx: each lane its own target.
static Step branchIndexed(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  const auto &targets = warp.block->grid.program.branchTables[size_t(op.imm)];
  const auto *index = reinterpret_cast<const uint32_t *>(warp.row(op.a));
  uint32_t rest = warp.active & ~warp.mask;
  if (rest)
    addSplit(warp, rest, warp.pc, warp.frame);
  for (uint32_t left = warp.mask; left;) {
    auto lane = unsigned(std::countr_zero(left));
    uint32_t value = index[lane], same = 0;
    if (value >= targets.size())
      return fault(warp, Fault::InvalidPc, 0, 1u << lane,
                   "brx.idx: index " + std::to_string(value) +
                       " is outside of the table of " +
                       std::to_string(targets.size()) + " targets");
    for (uint32_t all = left; all; all &= all - 1)
      if (index[std::countr_zero(all)] == value)
        same |= all & -all;
    addSplit(warp, same, targets[value], warp.frame);
    left &= ~same;
  }
  warp.active = 0;
  return Step::Switch;
}

// --- Leaving ----------------------------------------------------------------

/// Lanes that are gone make others complete: those that waited for them.
static void lanesLeft(WarpState &warp) {
  for (Split &split : warp.splits)
    if (split.waiting == Waiting::Lanes)
      split.waiting = Waiting::No;
}

/// Takes lanes out of a frame and all its callers, and frees what is empty.
static void leaveFrames(WarpState &warp, Frame *frame, Frame *until,
                        uint32_t lanes) {
  while (frame != until) {
    Frame *caller = frame->caller;
    frame->lanes &= ~lanes;
    if (frame->lanes == 0 && caller)
      for (size_t i = 0; i < warp.frames.size(); ++i)
        if (warp.frames[i].get() == frame) {
          warp.freeFrames.push_back(std::move(warp.frames[i]));
          warp.frames.erase(warp.frames.begin() + long(i));
          break;
        }
    frame = caller;
  }
}

static Step exitLanes(Warp &base, const Op &) {
  WarpState &warp = state(base);
  // What a thread copied asynchronously arrives even if it leaves.
  if (!warp.copies.empty())
    landCopies(warp, warp.mask, 0, true);
  warp.live &= ~warp.mask;
  warp.active &= ~warp.mask;
  leaveFrames(warp, warp.frame, nullptr, warp.mask);
  lanesLeft(warp);
  warp.block->onExit();
  return Step::Switch;
}

/// Moves values between the frames of a call, for some lanes.
static void moveSlot(WarpState &warp, const CallSlot &from, Frame &fromFrame,
                     const CallSlot &to, Frame &toFrame, uint32_t lanes) {
  auto rowOf = [&](const CallSlot &slot, Frame &frame) {
    return slot.row & 1 ? warp.base[1] + (slot.row & ~1u)
                        : frame.registers + slot.row;
  };
  if (from.row != kNoRow && to.row != kNoRow)
    moveMarks(fromFrame.undefined, from.row, toFrame.undefined, to.row, lanes);
  if (from.row != kNoRow && from.width == 0) { // predicates
    uint32_t value, old;
    std::memcpy(&value, rowOf(from, fromFrame), 4);
    std::memcpy(&old, rowOf(to, toFrame), 4);
    old = (old & ~lanes) | (value & lanes);
    std::memcpy(rowOf(to, toFrame), &old, 4);
    return;
  }
  unsigned bytes = std::min(from.bytes, to.bytes);
  auto pieces = [](const CallSlot &slot) { return slot.width == 16 ? 2u : 1u; };
  for (; lanes; lanes &= lanes - 1) {
    auto lane = unsigned(std::countr_zero(lanes));
    auto place = [&](const CallSlot &slot, Frame &frame, unsigned half) {
      if (slot.row == kNoRow)
        return warp.local.data() + uint64_t(lane) * warp.localBytes +
               frame.localBase + slot.local + half * 8;
      unsigned width = slot.width == 16 ? 8 : slot.width;
      return rowOf(slot, frame) + half * 256 + lane * width;
    };
    unsigned count = std::max(pieces(from), pieces(to));
    for (unsigned half = 0; half < count; ++half)
      std::memcpy(place(to, toFrame, half), place(from, fromFrame, half),
                  count == 2 ? 8 : bytes);
    if (to.row == kNoRow && !warp.localShadow.empty()) {
      uint8_t *shadow = warp.localShadow.data() +
                        uint64_t(lane) * warp.localBytes + toFrame.localBase +
                        to.local;
      if (from.row == kNoRow)
        std::memcpy(shadow,
                    warp.localShadow.data() + uint64_t(lane) * warp.localBytes +
                        fromFrame.localBase + from.local,
                    bytes);
      else
        std::memset(shadow, kWritten, to.bytes);
      if (auto marks = fromFrame.undefined.find(from.row);
          marks != fromFrame.undefined.end())
        for (unsigned i = 0; i < bytes; ++i)
          if (marks->second.lanes[lane] >> i & 1)
            shadow[i] = kUnwritten;
    }
  }
}

static Step callFunction(WarpState &warp, const CallSite &site, uint32_t callee,
                         uint32_t lanes) {
  const Program &program = warp.block->grid.program;
  const FunctionCode &code = program.functions[callee];
  if (code.builtin != Builtin::None)
    return callBuiltin(warp, code.builtin, site, lanes);
  Frame &caller = *warp.frame;
  uint64_t stackUsed = caller.stackUsed + code.stackBytes;
  if (stackUsed > warp.block->grid.stackLimit ||
      uint64_t(caller.localTop) + code.localBytes > warp.localBytes)
    return fault(warp, Fault::HardwareStackError, 0, lanes,
                 "the stack overflows in a call of '" + code.name + "', " +
                     std::to_string(caller.depth + 1) + " calls deep",
                 "raise CU_LIMIT_STACK_SIZE by cuCtxSetLimit");
  auto made = makeFrame(warp, code);
  Frame &frame = *made;
  frame.caller = &caller;
  frame.site = &site;
  frame.returnPc = warp.pc;
  frame.lanes = lanes;
  frame.depth = caller.depth + 1;
  frame.stackUsed = stackUsed;
  frame.localBase = caller.localTop;
  frame.localTop = caller.localTop + code.localBytes;
  if (!warp.localShadow.empty())
    for (uint32_t left = lanes; left; left &= left - 1)
      std::memset(warp.localShadow.data() +
                      uint64_t(std::countr_zero(left)) * warp.localBytes +
                      frame.localBase,
                  kUnwritten, code.localBytes);
  warp.frames.push_back(std::move(made));
  for (size_t i = 0; i < site.arguments.size() && i < code.parameters.size();
       ++i)
    moveSlot(warp, site.arguments[i], caller, code.parameters[i], frame, lanes);
  addSplit(warp, lanes, code.entry, &frame);
  return Step::Switch;
}

static Step call(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  const CallSite &site = warp.block->grid.program.calls[size_t(op.imm)];
  const auto &functions = warp.block->grid.program.functions;
  uint32_t lanes = warp.mask;
  if (site.callee != ptx::kNone) {
    if (functions[site.callee].builtin != Builtin::None)
      return callFunction(warp, site, site.callee, lanes);
    warp.active &= ~lanes;
    if (warp.active)
      addSplit(warp, warp.active, warp.pc, warp.frame);
    warp.active = 0;
    return callFunction(warp, site, site.callee, lanes);
  }
  // Indirect: lanes may call different functions.
  const auto *address =
      reinterpret_cast<const uint64_t *>(warp.row(site.address));
  uint32_t rest = warp.active & ~lanes;
  if (rest)
    addSplit(warp, rest, warp.pc, warp.frame);
  warp.active = 0;
  while (lanes) {
    auto lane = unsigned(std::countr_zero(lanes));
    uint64_t target = address[lane], offset = target - kFunctionWindow;
    uint32_t same = 0;
    for (uint32_t all = lanes; all; all &= all - 1)
      if (address[std::countr_zero(all)] == target)
        same |= all & -all;
    if (offset % kFunctionStride ||
        offset / kFunctionStride >= functions.size() ||
        (!functions[offset / kFunctionStride].isDefined &&
         functions[offset / kFunctionStride].builtin == Builtin::None)) {
      warp.active = same;
      return faultAt(warp, Fault::InvalidPc, 0, same, target,
                     "an indirect call of what is no function");
    }
    auto callee = uint32_t(offset / kFunctionStride);
    Step step = callFunction(warp, site, callee, same);
    if (step == Step::Fault)
      return step;
    if (step == Step::Next) // a builtin: done already
      addSplit(warp, same, warp.pc, warp.frame);
    lanes &= ~same;
  }
  return Step::Switch;
}

static Step returnLanes(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  Frame *frame = warp.frame;
  if (!frame->site)
    return exitLanes(warp, op);
  uint32_t lanes = warp.mask;
  Frame *caller = frame->caller;
  const FunctionCode &code = *frame->code;
  const CallSite &site = *frame->site;
  for (size_t i = 0; i < site.results.size() && i < code.results.size(); ++i)
    moveSlot(warp, code.results[i], *frame, site.results[i], *caller, lanes);
  warp.active &= ~lanes;
  uint32_t back = frame->returnPc;
  if (warp.active)
    addSplit(warp, warp.active, warp.pc, frame);
  warp.active = 0;
  leaveFrames(warp, frame, caller, lanes);
  addSplit(warp, lanes, back, caller);
  return Step::Switch;
}
Handler tenon::sim::exec::returnHandler() { return returnLanes; }

// --- Miscellaneous ----------------------------------------------------------

static Step nothing(Warp &, const Op &) { return Step::Next; }
static Step sleep(Warp &, const Op &) { return Step::Yield; }
static Step trap(Warp &base, const Op &) {
  return fault(state(base), Fault::Trap, 0, base.mask, "trap");
}
static Step breakpoint(Warp &base, const Op &) {
  return fault(state(base), Fault::Trap, 0, base.mask,
               "brkpt without a debugger");
}

// --- Special registers ------------------------------------------------------

/// Op::mode is the width.
template <typename F> static void fill(Warp &warp, const Op &op, F value) {
  char *row = warp.row(op.d);
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    uint64_t bits = value(lane);
    std::memcpy(row + lane * op.mode, &bits, op.mode);
  }
}

static Step threadIndex(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  const Dim3 &size = warp.block->grid.request.block;
  fill(warp, op, [&](unsigned lane) {
    uint32_t at = warp.firstThread + lane;
    return op.imm == 0   ? at % size.x
           : op.imm == 1 ? at / size.x % size.y
                         : at / size.x / size.y;
  });
  return Step::Next;
}

/// What is the same for all lanes.
static uint64_t uniformSpecial(WarpState &warp, std::string_view name) {
  Block &block = *warp.block;
  Grid &grid = block.grid;
  auto axis = [&](const Dim3 &dim) {
    return name.back() == 'x' ? dim.x : name.back() == 'y' ? dim.y : dim.z;
  };
  if (name.starts_with("ntid."))
    return axis(grid.request.block);
  if (name.starts_with("ctaid.") || name.starts_with("clusterid."))
    return axis(block.index);
  if (name.starts_with("nctaid.") || name.starts_with("nclusterid."))
    return axis(grid.request.grid);
  if (name.starts_with("cluster_nctaid.") || name == "cluster_nctarank")
    return 1; // without clusters a block is one of its own
  if (name.starts_with("cluster_cta"))
    return 0;
  if (name == "warpid")
    return warp.index;
  if (name == "nwarpid")
    return block.warps.size();
  if (name == "smid")
    return block.linear % grid.device.multiprocessors;
  if (name == "nsmid")
    return grid.device.multiprocessors;
  if (name == "gridid")
    return grid.request.number;
  if (name == "total_smem_size")
    return (block.sharedBytes + 127) / 128 * 128;
  if (name == "aggr_smem_size")
    return (block.sharedBytes + 127) / 128 * 128;
  if (name == "dynamic_smem_size")
    return grid.request.dynamicShared;
  // A clock that only grows: the ops that the block has executed.
  if (name == "clock" || name == "clock64")
    return warp.block->clockNow();
  if (name == "clock_hi")
    return warp.block->clockNow() >> 32;
  if (name.starts_with("globaltimer")) {
    // 1 op a nanosecond, from a fixed date, so that runs repeat.
    uint64_t now = 1700000000000000000ull + warp.block->clockNow();
    return name == "globaltimer_hi" ? now >> 32 : now;
  }
  // cooperative_groups finds the barrier of a cooperative grid by these.
  if (name == "envreg1")
    return grid.cooperativeBarrier >> 32;
  if (name == "envreg2")
    return grid.cooperativeBarrier & 0xffffffff;
  return 0; // other envreg, pm, reserved_smem: undefined, or without a meaning
}

static Step readUniform(Warp &base, const Op &op) {
  WarpState &warp = state(base);
  uint64_t value =
      uniformSpecial(warp, ptx::specialRegister(uint32_t(op.imm)).name);
  fill(warp, op, [&](unsigned) { return value; });
  return Step::Next;
}

static Step readPredicate(Warp &warp, const Op &op) {
  std::memset(warp.row(op.d), 0, 4);
  return Step::Next;
}

/// imm: 0 laneid, 1 eq, 2 le, 3 lt, 4 ge, 5 gt.
static Step laneSpecial(Warp &warp, const Op &op) {
  fill(warp, op, [&](unsigned lane) -> uint32_t {
    uint32_t bit = 1u << lane, below = bit - 1;
    switch (op.imm) {
    case 0:
      return lane;
    case 1:
      return bit;
    case 2:
      return below | bit;
    case 3:
      return below;
    case 4:
      return ~below;
    default:
      return ~(below | bit);
    }
  });
  return Step::Next;
}

Handler tenon::sim::exec::readSpecial(uint32_t special, unsigned width,
                                      Op &op) {
  std::string_view name = ptx::specialRegister(special).name;
  op.mode = uint16_t(width);
  op.imm = special;
  if (width == 0)
    return readPredicate;
  static constexpr std::string_view kThread[] = {"tid.x", "tid.y", "tid.z"};
  for (unsigned i = 0; i < 3; ++i)
    if (name == kThread[i]) {
      op.imm = i;
      return threadIndex;
    }
  static constexpr std::string_view kLane[] = {"laneid",      "lanemask_eq",
                                               "lanemask_le", "lanemask_lt",
                                               "lanemask_ge", "lanemask_gt"};
  for (unsigned i = 0; i < 6; ++i)
    if (name == kLane[i]) {
      op.imm = i;
      return laneSpecial;
    }
  return readUniform;
}

Handler tenon::sim::exec::selectControl(const Instruction &instruction,
                                        const RowWidths &, Op &) {
  std::string_view opcode = ptx::opcodes()[instruction.opcode].name;
  if (opcode == "bra")
    return branch;
  if (opcode == "brx.idx")
    return branchIndexed;
  if (opcode == "call")
    return call;
  if (opcode == "ret")
    return returnLanes;
  if (opcode == "exit")
    return exitLanes;
  if (opcode == "trap")
    return trap;
  if (opcode == "brkpt")
    return breakpoint;
  if (opcode == "nanosleep")
    return sleep;
  // pmevent triggers a performance monitor; griddepcontrol orders launches that
  // here never overlap.
  if (opcode.starts_with("pmevent") || opcode.starts_with("griddepcontrol"))
    return nothing;
  return nullptr;
}
