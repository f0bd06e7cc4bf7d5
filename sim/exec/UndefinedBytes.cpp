//===- UndefinedBytes.cpp - Marks of one lane, byte by byte -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/exec/UndefinedTracker.h"
#include "sim/ptx/Instructions.h"

#include <algorithm>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Field;
using ptx::Mod;

ByteMarks Tracker::anyOf(unsigned lane) {
  ByteMarks all = 0;
  eachSource([&](Row row) { all |= marksOf(row, lane); });
  return all;
}

/// PTX ISA 9.7.9.21 between integers: the low bytes stay, signs extend.
ByteMarks Tracker::convert(unsigned lane) const {
  ByteMarks marks = marksOf(op.a, lane);
  unsigned from = std::max(1u, ptx::bitsOf(instruction->types[1]) / 8),
           to = std::max(1u, ptx::bitsOf(instruction->types[0]) / 8);
  bool fromSigned = ptx::kindOf(instruction->types[1]) == ptx::TypeKind::Signed;
  bool toSigned = ptx::kindOf(instruction->types[0]) == ptx::TypeKind::Signed;
  auto cut = [](ByteMarks value, unsigned bytes, bool extends) {
    auto low = ByteMarks(value & ((1u << bytes) - 1));
    return extends && low >> (bytes - 1) ? ByteMarks(low | (kWhole << bytes))
                                         : low;
  };
  return cut(cut(marks, from, fromSigned), to, toSigned);
}

/// A byte is defined where one source alone says what it is.
ByteMarks Tracker::andOr(unsigned lane, bool isAnd) const {
  ByteMarks a = marksOf(op.a, lane), b = marksOf(op.b, lane);
  if (isPredicate()) {
    bool decides = (!a && truthOf(op.a, lane) != isAnd) ||
                   (!b && truthOf(op.b, lane) != isAnd);
    return (a | b) && !decides ? kWhole : ByteMarks(0);
  }
  unsigned bytes = ptx::bitsOf(instruction->types[0]) / 8;
  unsigned width = std::max(2u, bytes);
  uint64_t x = valueOf(op.a, lane, width), y = valueOf(op.b, lane, width);
  uint64_t deciding = isAnd ? 0 : 0xff;
  ByteMarks result = 0;
  for (unsigned i = 0; i < bytes; ++i) {
    bool aMarked = a >> i & 1, bMarked = b >> i & 1;
    bool decides = (!aMarked && (x >> (8 * i) & 0xff) == deciding) ||
                   (!bMarked && (y >> (8 * i) & 0xff) == deciding);
    if ((aMarked || bMarked) && !decides)
      result |= ByteMarks(1u << i);
  }
  return result;
}

/// PTX ISA 9.7.8.6: bit 4a + 2b + c of the table. A byte is defined if none of
/// its bits depends on what is undefined.
ByteMarks Tracker::lop3(unsigned lane) const {
  if (!isPredicate() && instruction->get(Field::BoolOp) != Mod::None)
    return ByteMarks(marksOf(op.a, lane) | marksOf(op.b, lane) |
                     marksOf(op.c, lane) | marksOf(op.f, lane))
               ? kWhole
               : ByteMarks(0);
  const Row rows[3] = {op.a, op.b, op.c};
  ByteMarks marks[3];
  uint64_t values[3];
  for (unsigned i = 0; i < 3; ++i) {
    marks[i] = marksOf(rows[i], lane);
    values[i] = valueOf(rows[i], lane, 4);
  }
  auto table = unsigned(instruction->operands[4].value);
  ByteMarks result = 0;
  for (unsigned bit = 0; bit < 32; ++bit) {
    unsigned index = 0, open = 0;
    for (unsigned i = 0; i < 3; ++i) {
      unsigned place = 2 - i;
      if (marks[i] >> (bit / 8) & 1)
        open |= 1u << place;
      else
        index |= unsigned(values[i] >> bit & 1) << place;
    }
    bool ones = false, zeros = false;
    for (unsigned choice = 0; choice < 8; ++choice)
      if ((choice & ~open) == 0)
        (table >> (index | choice) & 1 ? ones : zeros) = true;
    if (ones && zeros)
      result |= ByteMarks(1u << bit / 8);
  }
  return result;
}

ByteMarks Tracker::shift(unsigned lane) const {
  if (marksOf(op.b, lane))
    return kWhole;
  unsigned bytes = ptx::bitsOf(instruction->types[0]) / 8;
  uint32_t marks = marksOf(op.a, lane) & ((1u << bytes) - 1);
  auto amount = unsigned(std::min<uint64_t>(valueOf(op.b, lane, 4), bytes * 8));
  bool isLeft =
      ptx::opcodes()[instruction->opcode].name == std::string_view("shl");
  if (isLeft) {
    uint64_t moved = uint64_t(marks) << amount / 8;
    if (amount % 8)
      moved |= moved << 1;
    return ByteMarks(moved & ((1u << bytes) - 1));
  }
  // Above its type a signed value goes on with its sign.
  bool isSigned = ptx::kindOf(instruction->types[0]) == ptx::TypeKind::Signed;
  if (isSigned && marks >> (bytes - 1))
    marks |= 0xffffffffu << bytes;
  uint32_t moved = amount / 8 < 32 ? marks >> amount / 8 : 0;
  if (amount % 8)
    moved |= moved >> 1;
  return ByteMarks(moved & ((1u << bytes) - 1));
}

/// PTX ISA 9.7.9.7, the mode without a name: each nibble of c picks a byte, or
/// its sign.
ByteMarks Tracker::permute(unsigned lane) const {
  if (instruction->get(Field::Select) != Mod::None || marksOf(op.c, lane))
    return ByteMarks(marksOf(op.a, lane) | marksOf(op.b, lane) |
                     marksOf(op.c, lane))
               ? kWhole
               : ByteMarks(0);
  unsigned marks = (marksOf(op.a, lane) & 15u) | (marksOf(op.b, lane) & 15u)
                                                     << 4;
  uint64_t selector = valueOf(op.c, lane, 4);
  ByteMarks result = 0;
  for (unsigned i = 0; i < 4; ++i)
    if (marks >> (selector >> (4 * i) & 7) & 1)
      result |= ByteMarks(1u << i);
  return result;
}

/// p = (a ? b) op c: c alone may say what it is.
ByteMarks Tracker::compare(unsigned lane) const {
  bool values = marksOf(op.a, lane) || marksOf(op.b, lane);
  if (op.c == kNoRow)
    return values ? kWhole : ByteMarks(0);
  bool combined = marksOf(op.c, lane);
  Mod boolean = instruction->get(Field::BoolOp);
  if (values && !combined && boolean != Mod::Xor &&
      truthOf(op.c, lane) == (boolean == Mod::Or))
    return 0;
  return values || combined ? kWhole : ByteMarks(0);
}

/// PTX ISA 9.7.1.21: bits b to b + c - 1 of a; beyond, the sign.
ByteMarks Tracker::extract(unsigned lane) const {
  if (marksOf(op.b, lane) || marksOf(op.c, lane))
    return kWhole;
  unsigned bytes = ptx::bitsOf(instruction->types[0]) / 8;
  unsigned first = valueOf(op.b, lane, 4) & 0xff,
           length = valueOf(op.c, lane, 4) & 0xff;
  ByteMarks marks = marksOf(op.a, lane);
  for (unsigned bit = first; bit < std::min(first + length, bytes * 8); ++bit)
    if (marks >> bit / 8 & 1)
      return kWhole;
  return 0;
}

ByteMarks Tracker::byLane(unsigned lane) {
  switch (rule) {
  case Rule::Move:
    return marksOf(op.a, lane);
  case Rule::Convert:
    return convert(lane);
  case Rule::And:
  case Rule::Or:
    return andOr(lane, rule == Rule::And);
  case Rule::Xor:
    if (op.a == op.b)
      return 0;
    return marksOf(op.a, lane) | marksOf(op.b, lane);
  case Rule::Lop3:
    return lop3(lane);
  case Rule::Shift:
    return shift(lane);
  case Rule::Permute:
    return permute(lane);
  case Rule::Select:
    if (marksOf(op.c, lane))
      return kWhole;
    return marksOf(truthOf(op.c, lane) ? op.a : op.b, lane);
  case Rule::Compare:
    return compare(lane);
  case Rule::Extract:
    return extract(lane);
  case Rule::Halves: {
    ByteMarks all = anyOf(lane);
    return ByteMarks((all & 0x3 ? 0x3 : 0) | (all & 0xc ? 0xc : 0));
  }
  case Rule::PackHalves: // a becomes the upper half (PTX ISA 9.7.9.21)
    return ByteMarks((marksOf(op.b, lane) ? 0x3 : 0) |
                     (marksOf(op.a, lane) ? 0xc : 0));
  default:
    return anyOf(lane) ? kWhole : ByteMarks(0);
  }
}
