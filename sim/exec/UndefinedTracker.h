//===- UndefinedTracker.h - How ops hand marks on ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_UNDEFINEDTRACKER_H
#define TENON_SIM_EXEC_UNDEFINEDTRACKER_H

#include "sim/exec/Engine.h"
#include "sim/exec/Undefined.h"

#include <cstring>

namespace tenon::sim::exec {

/// The whole value of a lane.
inline constexpr ByteMarks kWhole = 0xffff;

/// The marks of a row, if it has any. Constants have none.
const UndefinedRow *findMarks(const UndefinedRows &rows, Row row);
/// Gives `lanes` of a row their marks.
void putMarks(UndefinedRows &rows, Row row, uint32_t lanes,
              const std::array<ByteMarks, kWarpSize> &marks, uint32_t origin);
void clearMarks(UndefinedRows &rows, Row row, uint32_t lanes);
/// A row is used in some lanes. What was reported is defined from then on, so
/// that one mistake is told once.
void useRow(WarpState &warp, Row row, uint32_t lanes, const char *what);

enum class Rule : uint8_t {
  Any, ///< a mark in any source marks all of each destination
  Nothing,
  Use, ///< every operand has an effect beyond registers
  Load,
  Store,
  Move,
  Convert,
  And,
  Or,
  Xor,
  Lop3,
  Shift,
  Permute,
  Select,
  Compare,
  Extract,
  Halves, ///< as Any, for each half
  PackHalves,
  Shuffle,
  Warp, ///< as Any, over all lanes together
  Matrix,
};

/// Follows one op: `before` it runs, for destinations may be sources, and
/// `after` it has run.
class Tracker {
public:
  Tracker(WarpState &warp, const Op &op);
  void before();
  void after();

private:
  WarpState &warp;
  const Op &op;
  Frame &frame;
  const ptx::Instruction *instruction = nullptr; ///< nullptr: the decoder's op
  Rule rule = Rule::Any;
  unsigned listWrites;

  struct Result {
    Row row;
    std::array<ByteMarks, kWarpSize> marks;
    uint32_t origin;
  };
  std::vector<Result> results;
  uint32_t origin = 0; ///< of the first marked source
  bool anySource = false;

  template <typename F> void eachSource(F each);
  template <typename F> void eachDestination(F each);
  ByteMarks marksOf(Row row, unsigned lane) const {
    const UndefinedRow *marks = findMarks(frame.undefined, row);
    return marks ? marks->lanes[lane] : ByteMarks(0);
  }
  uint64_t valueOf(Row row, unsigned lane, unsigned width) const {
    uint64_t value = 0;
    std::memcpy(&value, warp.row(row) + lane * width, width);
    return value;
  }
  bool truthOf(Row row, unsigned lane) const {
    uint32_t value;
    std::memcpy(&value, warp.row(row), 4);
    return value >> lane & 1;
  }
  bool isPredicate() const {
    return instruction && instruction->types[0] == ptx::Type::Pred;
  }

  ByteMarks anyOf(unsigned lane);
  ByteMarks byLane(unsigned lane);
  ByteMarks convert(unsigned lane) const;
  ByteMarks andOr(unsigned lane, bool isAnd) const;
  ByteMarks lop3(unsigned lane) const;
  ByteMarks shift(unsigned lane) const;
  ByteMarks permute(unsigned lane) const;
  ByteMarks compare(unsigned lane) const;
  ByteMarks extract(unsigned lane) const;
  void moveVector();
  void gatherStored();
  void shuffle();
  void acrossLanes();
  void matrix();
};

/// The bytes that a store gives back to where `load` took them, with bits put
/// in; both are ops. 0: it does not.
uint32_t bytesInserted(const Program &program, uint32_t load, uint32_t store);

template <typename F> void Tracker::eachSource(F each) {
  for (Row row : {op.a, op.b, op.c, op.f})
    each(row);
  for (unsigned i = listWrites; i < op.listCount; ++i)
    each(warp.listRows(op)[i]);
}

template <typename F> void Tracker::eachDestination(F each) {
  each(op.d);
  each(op.e);
  for (unsigned i = 0; i < listWrites; ++i)
    each(warp.listRows(op)[i]);
}

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_UNDEFINEDTRACKER_H
