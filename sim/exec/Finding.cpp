//===- Finding.cpp - What checks say --------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Also what is said when no warp can go on: which lanes stand where, and why.
//
//===----------------------------------------------------------------------===//

#include "sim/Hex.h"
#include "sim/exec/Engine.h"

#include <bit>

using namespace tenon::sim;
using namespace tenon::sim::exec;

static std::string triple(const Dim3 &dim) {
  return "(" + std::to_string(dim.x) + ", " + std::to_string(dim.y) + ", " +
         std::to_string(dim.z) + ")";
}

std::string Finding::text() const {
  std::string result = what + "\n  kernel " + kernel;
  if (ptxLine)
    result += ", block " + triple(block) + ", thread " + triple(thread);
  result += "\n";
  if (ptxLine)
    result += "  PTX line " + std::to_string(ptxLine) + ": " + ptxText + "\n";
  if (!sourceFile.empty())
    result +=
        "  source " + sourceFile + ":" + std::to_string(sourceLine) + "\n";
  if (hasAddress)
    result += "  address " + hex(address) + "\n";
  if (!note.empty())
    result += "  note: " + note + "\n";
  if (count > 1)
    result += "  met " + std::to_string(count) + " times\n";
  return result;
}

Finding Grid::findingAt(const WarpState &warp, uint32_t pc,
                        uint32_t lanes) const {
  Finding result;
  result.kernel = request.kernel->name;
  result.block = warp.block->index;
  uint32_t at = warp.firstThread + unsigned(std::countr_zero(lanes | 1u << 31));
  result.thread.x = at % request.block.x;
  result.thread.y = at / request.block.x % request.block.y;
  result.thread.z = at / request.block.x / request.block.y;
  const ptx::Instruction *instruction = program.instruction(pc);
  if (!instruction)
    return result;
  result.ptxLine = instruction->place.line;
  result.ptxText = program.line(instruction->place.line);
  result.sourceLine = instruction->sourceLine;
  for (const ptx::SourceFile &file : program.module.files)
    if (file.number == instruction->file && instruction->sourceLine)
      result.sourceFile = file.name;
  return result;
}

Step tenon::sim::exec::fault(WarpState &warp, Fault kind, uint32_t check,
                             uint32_t lanes, std::string what,
                             std::string note) {
  Finding found = warp.block->grid.findingAt(warp, warp.pc - 1, lanes);
  found.check = check;
  found.fault = kind;
  found.what = std::move(what);
  found.note = std::move(note);
  warp.block->grid.report(std::move(found));
  return Step::Fault;
}

Step tenon::sim::exec::faultAt(WarpState &warp, Fault kind, uint32_t check,
                               uint32_t lanes, uint64_t address,
                               std::string what, std::string note) {
  Finding found = warp.block->grid.findingAt(warp, warp.pc - 1, lanes);
  found.check = check;
  found.fault = kind;
  found.what = std::move(what);
  found.note = std::move(note);
  found.hasAddress = true;
  found.address = address;
  warp.block->grid.report(std::move(found));
  return Step::Fault;
}

void tenon::sim::exec::finding(WarpState &warp, uint32_t check, uint32_t lanes,
                               std::string what, std::string note,
                               std::optional<uint64_t> address) {
  if (!warp.block->grid.checks(check))
    return; // before the text is made
  Finding found = warp.block->grid.findingAt(warp, warp.pc - 1, lanes);
  found.check = check;
  found.what = std::move(what);
  found.note = std::move(note);
  found.hasAddress = address.has_value();
  found.address = address.value_or(0);
  warp.block->grid.report(std::move(found));
}

static std::string lanesText(uint32_t lanes) {
  if (lanes == kAllLanes)
    return "all lanes";
  std::string text = "lanes ";
  bool first = true;
  for (unsigned lane = 0; lane < kWarpSize;) {
    if (!(lanes >> lane & 1)) {
      ++lane;
      continue;
    }
    unsigned end = lane;
    while (end + 1 < kWarpSize && lanes >> (end + 1) & 1)
      ++end;
    text += (first ? "" : ", ") + std::to_string(lane);
    if (end > lane)
      text += "-" + std::to_string(end);
    first = false;
    lane = end + 1;
  }
  return text;
}

/// Nothing can run: a deadlock. Lanes that wait for others of their warp at an
/// aligned barrier tell of divergence.
void Block::diagnoseStuck(std::string what) {
  const Program &program = grid.program;
  bool divergent = false;
  std::string note;
  WarpState *firstWarp = nullptr;
  uint32_t firstPc = 0, firstLanes = 0;
  unsigned listed = 0;
  for (auto &warp : warps) {
    for (const Split &split : warp->splits) {
      // A barrier op has been passed; one that waits for lanes has not.
      uint32_t pc = split.waiting == Waiting::Barrier ? split.pc - 1 : split.pc;
      bool waitsForLanes = split.waiting == Waiting::Lanes;
      if (!firstWarp || (waitsForLanes && !divergent)) {
        firstWarp = warp.get();
        firstPc = pc;
        firstLanes = split.lanes;
      }
      divergent |= waitsForLanes;
      if (++listed > 16)
        continue;
      const ptx::Instruction *at = program.instruction(pc);
      note += (note.empty() ? "" : "; ") + std::string("warp ") +
              std::to_string(warp->index) + ", " + lanesText(split.lanes) +
              ", at line " + std::to_string(at ? at->place.line : 0) + " " +
              std::string(at ? program.line(at->place.line) : "") +
              (split.waiting == Waiting::Barrier
                   ? " waits for barrier " + std::to_string(split.barrier)
               : waitsForLanes ? " waits for other lanes of its warp"
                               : " runs");
    }
  }
  for (uint32_t id = 0; id < 16; ++id)
    if (barriers[id].arrivedWarps)
      note += "; barrier " + std::to_string(id) + " has " +
              std::to_string(barriers[id].arrived) + " of " +
              std::to_string(barriers[id].all ? liveThreads()
                                              : barriers[id].expected) +
              " threads";
  if (!firstWarp)
    return;
  Finding found = grid.findingAt(*firstWarp, firstPc, firstLanes);
  found.check = CheckBarriers;
  found.fault = Fault::Timeout;
  found.what = !what.empty() ? std::move(what)
               : divergent
                   ? "barrier divergence: lanes of one warp wait for each "
                     "other at different instructions"
                   : "deadlock: every warp of the block waits";
  found.note = note;
  grid.report(std::move(found));
}
