//===- UndefinedTracker.cpp - How ops hand marks on ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/exec/UndefinedTracker.h"
#include "sim/exec/mma/Mma.h"
#include "sim/ptx/Instructions.h"

#include <algorithm>
#include <bit>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Instruction;
using ptx::Mod;
using ptx::Type;

static Rule ruleOf(std::string_view name) {
  struct Named {
    std::string_view name;
    Rule rule;
  };
  static constexpr Named kRules[] = {
      {"and", Rule::And},        {"atom", Rule::Use},
      {"bfe", Rule::Extract},    {"bra", Rule::Nothing},
      {"brkpt", Rule::Nothing},  {"brx.idx", Rule::Use},
      {"call", Rule::Nothing},   {"cvt", Rule::Convert},
      {"cvta", Rule::Move},      {"exit", Rule::Nothing},
      {"ld", Rule::Load},        {"ldmatrix", Rule::Load},
      {"ldu", Rule::Load},       {"lop3", Rule::Lop3},
      {"match", Rule::Warp},     {"mma", Rule::Matrix},
      {"mov", Rule::Move},       {"movmatrix", Rule::Warp},
      {"not", Rule::Move},       {"or", Rule::Or},
      {"prmt", Rule::Permute},   {"red", Rule::Use},
      {"redux", Rule::Warp},     {"ret", Rule::Nothing},
      {"selp", Rule::Select},    {"set", Rule::Compare},
      {"setp", Rule::Compare},   {"shfl", Rule::Shuffle},
      {"shl", Rule::Shift},      {"shr", Rule::Shift},
      {"st", Rule::Store},       {"stmatrix", Rule::Use},
      {"trap", Rule::Nothing},   {"vote", Rule::Warp},
      {"wmma.load", Rule::Load}, {"wmma.mma", Rule::Matrix},
      {"wmma.store", Rule::Use}, {"xor", Rule::Xor},
  };
  for (const Named &each : kRules)
    if (each.name == name)
      return each.rule;
  if (name.starts_with("prefetch") || name == "discard" ||
      name == "applypriority" || name.starts_with("fence") ||
      name.starts_with("membar") || name == "nanosleep")
    return Rule::Nothing;
  if (name.starts_with("bar.") || name.starts_with("barrier.") ||
      name.starts_with("cp.async") || name.starts_with("mbarrier."))
    return Rule::Use;
  return Rule::Any;
}

static bool isTwoHalves(Type type) {
  return type == Type::F16x2 || type == Type::BF16x2 || type == Type::U16x2 ||
         type == Type::S16x2;
}

Tracker::Tracker(WarpState &warp, const Op &op)
    : warp(warp), op(op), frame(*warp.frame) {
  const Grid &grid = warp.block->grid;
  const OpInfo &info = grid.program.infos[warp.pc - 1];
  listWrites = info.listWrites;
  if (info.instruction == ptx::kNone)
    return; // d from a
  instruction = grid.program.instruction(warp.pc - 1);
  // Opcodes are few, ops many.
  static const std::vector<Rule> rules = [] {
    std::vector<Rule> made;
    for (const ptx::Opcode &opcode : ptx::opcodes())
      made.push_back(ruleOf(opcode.name));
    return made;
  }();
  rule = rules[instruction->opcode];
  if (rule == Rule::Convert && isTwoHalves(instruction->types[0]) &&
      instruction->types[1] == Type::F32)
    rule = Rule::PackHalves;
  else if (rule == Rule::Convert && !((ptx::isInteger(instruction->types[0]) &&
                                       ptx::isInteger(instruction->types[1])) ||
                                      instruction->has(Mod::Sat)))
    rule = Rule::Any;
  else if (rule == Rule::Any && isTwoHalves(instruction->types[0]))
    rule = Rule::Halves;
}

/// mov that packs or unpacks: a vector in braces on one side.
void Tracker::moveVector() {
  unsigned count = op.listCount;
  const Row *list = warp.listRows(op);
  unsigned bytes = std::max(1u, ptx::bitsOf(instruction->types[0]) / 8 / count);
  ByteMarks all = ByteMarks((1u << bytes) - 1);
  if (listWrites) {
    for (unsigned i = 0; i < count; ++i) {
      Result result{list[i], {}, origin};
      for (unsigned lane = 0; lane < kWarpSize; ++lane)
        result.marks[lane] = marksOf(op.a, lane) >> (i * bytes) & all;
      results.push_back(result);
    }
    return;
  }
  Result result{op.d, {}, origin};
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    for (unsigned i = 0; i < count; ++i)
      result.marks[lane] |=
          ByteMarks((marksOf(list[i], lane) & all) << (i * bytes));
  results.push_back(result);
}

void Tracker::gatherStored() {
  AccessMarks &stored = warp.undefined.stored;
  unsigned bytes = std::max(1u, ptx::bitsOf(instruction->types[0]) / 8);
  uint32_t inserted = bytesInserted(
      warp.block->grid.program, warp.undefined.origins[origin].pc, warp.pc - 1);
  stored.isInsert = inserted != 0;
  for (uint32_t left = warp.mask; left; left &= left - 1) {
    auto lane = unsigned(std::countr_zero(left));
    uint32_t marks = 0;
    for (unsigned i = listWrites; i < op.listCount; ++i)
      marks |= (marksOf(warp.listRows(op)[i], lane) & ((1u << bytes) - 1))
               << (i * bytes);
    marks &= ~inserted;
    if (!marks)
      continue;
    stored.bytes[lane] = marks;
    stored.lanes |= 1u << lane;
    stored.origin = origin;
  }
}

/// The op itself moves the marks, as if they were the values.
void Tracker::shuffle() {
  bool isSync = instruction->has(Mod::Sync);
  Row control = kNoRow;
  for (Row row : {op.b, op.c, op.f})
    if (findMarks(frame.undefined, row))
      control = row;
  Result result{op.d, {}, origin};
  if (control != kNoRow || op.d == kScratchRow) {
    result.marks.fill(kWhole);
    results.push_back(result);
    return;
  }
  char saved[4 * kWarpSize], predicate[4];
  char *d = warp.row(op.d), *e = warp.row(op.e),
       *scratch = warp.row(kScratchRow);
  std::memcpy(saved, d, sizeof saved);
  std::memcpy(predicate, e, sizeof predicate);
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    uint32_t marks = marksOf(op.a, lane);
    std::memcpy(scratch + 4 * lane, &marks, 4);
  }
  Op moved = op;
  moved.a = kScratchRow;
  Handler run = isSync ? reinterpret_cast<Handler>(op.imm) : op.run;
  run(warp, moved);
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    uint32_t marks;
    std::memcpy(&marks, d + 4 * lane, 4);
    result.marks[lane] = ByteMarks(marks);
  }
  std::memcpy(d, saved, sizeof saved);
  std::memcpy(e, predicate, sizeof predicate);
  results.push_back(result);
  results.push_back({op.e, {}, origin});
}

void Tracker::acrossLanes() {
  ByteMarks all = 0;
  for (uint32_t left = warp.mask; left; left &= left - 1)
    all |= anyOf(unsigned(std::countr_zero(left)));
  std::array<ByteMarks, kWarpSize> marks;
  marks.fill(all ? kWhole : ByteMarks(0));
  eachDestination([&](Row row) { results.push_back({row, marks, origin}); });
}

/// Element (i, j) of D is undefined if one in row i of A, in column j of B, or
/// (i, j) of C is.
void Tracker::matrix() {
  MmaDescription desc = describeMma(*instruction);
  struct Product {
    bool rows[32] = {}, columns[32] = {}, c[32][32] = {};
  };
  // m8n8k4 of f16 is four products, of a pair of quads each.
  bool isQuads = desc.layout == MmaDescription::Layout::Quads;
  Product products[4];
  const Row *list = warp.listRows(op), *dRows = list;
  auto elements = [&](char which, Type type, unsigned count, const Row *rows,
                      auto each) {
    unsigned bits = ptx::bitsOf(type), perRegister = std::max(1u, 32 / bits);
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      for (unsigned i = 0; i < count * perRegister; ++i) {
        MatrixPlace at = placeOf(desc, which, lane, i, perRegister, count);
        unsigned byte = i % perRegister * bits / 8;
        auto bytes = ByteMarks(((1u << std::max(1u, bits / 8)) - 1) << byte);
        each(products[isQuads ? lane % 16 / 4 : 0], at, rows[i / perRegister],
             lane, bytes);
      }
  };
  list += desc.counts[3];
  elements('A', desc.a, desc.counts[0], list,
           [&](Product &product, MatrixPlace at, Row row, unsigned lane,
               ByteMarks bytes) {
             product.rows[at.row] |= (marksOf(row, lane) & bytes) != 0;
           });
  list += desc.counts[0];
  elements('B', desc.b, desc.counts[1], list,
           [&](Product &product, MatrixPlace at, Row row, unsigned lane,
               ByteMarks bytes) {
             product.columns[at.column] |= (marksOf(row, lane) & bytes) != 0;
           });
  list += desc.counts[1];
  elements('C', desc.c, desc.counts[2], list,
           [&](Product &product, MatrixPlace at, Row row, unsigned lane,
               ByteMarks bytes) {
             product.c[at.row][at.column] |= (marksOf(row, lane) & bytes) != 0;
           });
  if (desc.sparse && findMarks(frame.undefined, op.b)) // the metadata
    for (bool &row : products[0].rows)
      row = true;
  for (unsigned i = 0; i < desc.counts[3]; ++i)
    results.push_back({dRows[i], {}, origin});
  unsigned perRegister = std::max(1u, 32 / ptx::bitsOf(desc.d)), next = 0;
  elements('D', desc.d, desc.counts[3], dRows,
           [&](Product &product, MatrixPlace at, Row, unsigned lane,
               ByteMarks bytes) {
             unsigned i = next++ % (desc.counts[3] * perRegister);
             if (product.rows[at.row] || product.columns[at.column] ||
                 product.c[at.row][at.column])
               results[i / perRegister].marks[lane] |= bytes;
           });
}

void Tracker::before() {
  eachSource([&](Row row) {
    const UndefinedRow *marks = findMarks(frame.undefined, row);
    if (marks && !anySource) {
      anySource = true;
      origin = marks->origin;
    }
  });
  // The carry flags are a predicate of the frame.
  bool readsCarry = false, writesCarry = false;
  if (rule == Rule::Any && instruction) {
    std::string_view name = ptx::opcodes()[instruction->opcode].name;
    readsCarry = name == "addc" || name == "subc" || name == "madc";
    writesCarry = instruction->has(Mod::Cc);
    if (const UndefinedRow *marks = findMarks(frame.undefined, kCarryOffset);
        readsCarry && marks && !anySource) {
      anySource = true;
      origin = marks->origin;
    }
  }
  switch (rule) {
  case Rule::Nothing:
    return;
  case Rule::Use:
    eachSource([&](Row row) { useRow(warp, row, warp.mask, "takes it"); });
    break;
  case Rule::Load:
    useRow(warp, op.a, warp.mask, "takes it for an address");
    break;
  case Rule::Store:
    useRow(warp, op.a, warp.mask, "takes it for an address");
    if (anySource)
      gatherStored();
    return;
  default:
    break;
  }
  if (rule == Rule::Use || rule == Rule::Load || !anySource) {
    // What is written becomes defined, or is marked by the load.
    eachDestination(
        [&](Row row) { clearMarks(frame.undefined, row, warp.mask); });
    if (writesCarry)
      clearMarks(frame.undefined, kCarryOffset, warp.mask);
    return;
  }
  switch (rule) {
  case Rule::Shuffle:
    return shuffle();
  case Rule::Warp:
    return acrossLanes();
  case Rule::Matrix:
    return matrix();
  default:
    break;
  }
  if (rule == Rule::Move && op.listCount)
    return moveVector();
  std::array<ByteMarks, kWarpSize> marks{};
  for (uint32_t left = warp.mask; left; left &= left - 1) {
    auto lane = unsigned(std::countr_zero(left));
    marks[lane] = byLane(lane);
    if (readsCarry && marksOf(kCarryOffset, lane))
      marks[lane] = kWhole;
  }
  eachDestination([&](Row row) { results.push_back({row, marks, origin}); });
  if (writesCarry)
    results.push_back({kCarryOffset, marks, origin});
}

void Tracker::after() {
  for (const Result &result : results)
    putMarks(frame.undefined, result.row, warp.mask, result.marks,
             result.origin);
}
