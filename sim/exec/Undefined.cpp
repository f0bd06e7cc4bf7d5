//===- Undefined.cpp - Values that come from unwritten memory -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Undefined.h"
#include "sim/exec/UndefinedTracker.h"

#include <algorithm>
#include <bit>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Instruction;

// --- Marks of rows -----------------------------------------------------------

const UndefinedRow *tenon::sim::exec::findMarks(const UndefinedRows &rows,
                                                Row row) {
  if (row == kNoRow || (row & 1))
    return nullptr; // constants are defined
  auto found = rows.find(row);
  return found == rows.end() ? nullptr : &found->second;
}

void tenon::sim::exec::putMarks(UndefinedRows &rows, Row row, uint32_t lanes,
                                const std::array<ByteMarks, kWarpSize> &marks,
                                uint32_t origin) {
  if (row == kNoRow || row == kScratchRow || row == kScratchPredicate)
    return;
  uint32_t marked = 0;
  for (uint32_t left = lanes; left; left &= left - 1)
    marked |= marks[std::countr_zero(left)] ? left & -left : 0;
  auto found = rows.find(row);
  if (found == rows.end()) {
    if (!marked)
      return;
    found = rows.emplace(row, UndefinedRow()).first;
  }
  UndefinedRow &entry = found->second;
  if (marked)
    entry.origin = origin;
  for (uint32_t left = lanes; left; left &= left - 1)
    entry.lanes[std::countr_zero(left)] = marks[std::countr_zero(left)];
  if (!marked && std::all_of(entry.lanes.begin(), entry.lanes.end(),
                             [](ByteMarks each) { return each == 0; }))
    rows.erase(found);
}

void tenon::sim::exec::clearMarks(UndefinedRows &rows, Row row,
                                  uint32_t lanes) {
  static constexpr std::array<ByteMarks, kWarpSize> kNone{};
  putMarks(rows, row, lanes, kNone, 0);
}

void tenon::sim::exec::moveMarks(const UndefinedRows &from, Row fromRow,
                                 UndefinedRows &to, Row toRow, uint32_t lanes) {
  if (const UndefinedRow *marks = findMarks(from, fromRow)) {
    UndefinedRow copy = *marks; // both may be one map
    putMarks(to, toRow, lanes, copy.lanes, copy.origin);
  } else if (!to.empty()) {
    clearMarks(to, toRow, lanes);
  }
}

// --- Loads -------------------------------------------------------------------

UndefinedValues::Origin &tenon::sim::exec::noteUnwritten(WarpState &warp,
                                                         unsigned lane,
                                                         uint64_t address,
                                                         uint32_t bytes,
                                                         const char *space) {
  UndefinedValues &values = warp.undefined;
  AccessMarks &loaded = values.loaded;
  if (!(loaded.lanes >> lane & 1))
    loaded.bytes[lane] = 0;
  loaded.bytes[lane] |= bytes;
  loaded.lanes |= 1u << lane;
  uint32_t pc = warp.pc - 1, index = 0;
  while (index < values.origins.size() && values.origins[index].pc != pc)
    ++index;
  if (index == values.origins.size())
    values.origins.push_back({pc, lane, address, space, {}, false});
  loaded.origin = index;
  return values.origins[index];
}

void tenon::sim::exec::markLoaded(WarpState &warp, Row row, unsigned from,
                                  unsigned size, unsigned width,
                                  bool isSigned) {
  const AccessMarks &loaded = warp.undefined.loaded;
  std::array<ByteMarks, kWarpSize> marks{};
  for (uint32_t left = loaded.lanes & warp.mask; left; left &= left - 1) {
    auto lane = unsigned(std::countr_zero(left));
    uint32_t own = loaded.bytes[lane] >> from & ((1u << size) - 1);
    if (isSigned && own >> (size - 1))
      own |= ((1u << width) - 1) & ~((1u << size) - 1);
    marks[lane] = ByteMarks(own);
  }
  putMarks(warp.frame->undefined, row, warp.mask, marks, loaded.origin);
}

Step tenon::sim::exec::endLoad(WarpState &warp) {
  UndefinedValues &values = warp.undefined;
  values.loaded.lanes = 0;
  if (values.live || warp.frame->undefined.empty())
    return Step::Next;
  // The engine looks at `live` when it chooses lanes.
  values.live = true;
  return Step::Switch;
}

// --- Uses --------------------------------------------------------------------

static void reportUse(WarpState &warp, uint32_t index, const char *use) {
  UndefinedValues::Origin &origin = warp.undefined.origins[index];
  if (origin.reported)
    return;
  origin.reported = true;
  const Program &program = warp.block->grid.program;
  Finding found =
      warp.block->grid.findingAt(warp, origin.pc, 1u << origin.lane);
  found.check = CheckUninitialized;
  found.what = "reads " + origin.space + " memory that was never written";
  found.note = origin.note;
  if (const Instruction *at = program.instruction(warp.pc - 1))
    found.note += "; line " + std::to_string(at->place.line) + " " + use +
                  ": " + std::string(program.line(at->place.line));
  found.hasAddress = true;
  found.address = origin.address;
  warp.block->grid.report(std::move(found));
}

void tenon::sim::exec::useRow(WarpState &warp, Row row, uint32_t lanes,
                              const char *what) {
  UndefinedRows &rows = warp.frame->undefined;
  const UndefinedRow *marks = findMarks(rows, row);
  if (!marks)
    return;
  uint32_t marked = 0;
  for (uint32_t left = lanes; left; left &= left - 1)
    marked |= marks->lanes[std::countr_zero(left)] ? left & -left : 0;
  if (!marked)
    return;
  reportUse(warp, marks->origin, what);
  clearMarks(rows, row, marked);
}

void tenon::sim::exec::useGuard(WarpState &warp, const Op &op) {
  if (op.guard == kNoRow || warp.frame->undefined.empty())
    return;
  ++warp.pc; // as while the op runs
  useRow(warp, op.guard, warp.active, "decides by it");
  --warp.pc;
}

void tenon::sim::exec::useStored(WarpState &warp, uint32_t lanes) {
  const AccessMarks &stored = warp.undefined.stored;
  if (stored.lanes & lanes && !stored.isInsert)
    reportUse(warp, stored.origin, "gives it to global memory");
}

Step tenon::sim::exec::runTracked(WarpState &warp, const Op &op) {
  uint32_t mask = warp.mask;
  Tracker tracker(warp, op);
  tracker.before();
  Step step = op.run(warp, op);
  warp.undefined.stored.lanes = 0;
  if (step == Step::Wait || step == Step::Fault)
    return step;
  // Handlers may have narrowed it.
  std::swap(warp.mask, mask);
  tracker.after();
  std::swap(warp.mask, mask);
  warp.undefined.live =
      std::any_of(warp.frames.begin(), warp.frames.end(),
                  [](const auto &frame) { return !frame->undefined.empty(); });
  return step;
}
