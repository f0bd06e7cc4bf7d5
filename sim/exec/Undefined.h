//===- Undefined.h - Values that come from unwritten memory -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reading memory that nobody wrote is no mistake by itself: a pipeline loads
// one tile too many and drops it, a vector load runs over the end of a list. It
// is one where the value matters. So a load of unwritten bytes marks them in
// its register, instructions hand marks on from their sources to their results,
// and the finding comes when a marked byte
//
//   decides     a guard, a branch, the target of a call
//   addresses   memory
//   leaves      by a store to global memory, an atomic, a barrier's operand
//
// A store of marked bytes to shared or local memory makes those unwritten
// again, but for the bytes of a bit-field that gets a value. Memcheck does the
// same for programs of the host (Seward and Nethercote, "Using Valgrind to
// detect undefined value errors with bit-precision", USENIX 2005); here marks
// are of bytes. What copies, masks, shifts or selects bytes is followed
// exactly, so is each element of a matrix product; any other result is
// undefined as a whole if a part of a source is.
//
// Nothing of this costs anything while a warp has no marks.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_UNDEFINED_H
#define TENON_SIM_EXEC_UNDEFINED_H

#include "sim/exec/Op.h"
#include "sim/exec/Vector.h"

#include <array>
#include <string>
#include <unordered_map>
#include <vector>

namespace tenon::sim::exec {

struct WarpState;

/// Bit n is byte n of a lane's value; bit 0 is a predicate.
using ByteMarks = uint16_t;

/// Marks of one row.
struct UndefinedRow {
  std::array<ByteMarks, kWarpSize> lanes{};
  uint32_t origin = 0; ///< of UndefinedValues::origins
};
/// Of a frame. Rows without marks are not in it.
using UndefinedRows = std::unordered_map<Row, UndefinedRow>;

/// Bytes of an access to memory by lane, bit n for byte n of the lane's.
struct AccessMarks {
  std::array<uint32_t, kWarpSize> bytes{};
  uint32_t lanes = 0; ///< that have any
  uint32_t origin = 0;
  /// A store that puts bits among those that the origin loaded from there.
  bool isInsert = false;
};

/// Of a warp.
struct UndefinedValues {
  /// A load that read unwritten memory.
  struct Origin {
    uint32_t pc = 0;
    unsigned lane = 0; ///< the first
    uint64_t address = 0;
    std::string space, note;
    bool reported = false;
  };
  std::vector<Origin> origins;
  /// Some frame has marks: ops go through runTracked.
  bool live = false;
  AccessMarks loaded; ///< by the op that runs
  AccessMarks stored; ///< by the op that runs

  void reset() {
    origins.clear();
    live = false;
    loaded.lanes = stored.lanes = 0;
  }
};

/// The load of the op that runs found bytes unwritten; the origin that it then
/// has. Its note is still empty if the place is new.
UndefinedValues::Origin &noteUnwritten(WarpState &warp, unsigned lane,
                                       uint64_t address, uint32_t bytes,
                                       const char *space);

/// Takes UndefinedValues::loaded: `size` bytes from byte `from` of the access
/// went into `row`, each lane of which has `width`; a signed value extended.
void markLoaded(WarpState &warp, Row row, unsigned from, unsigned size,
                unsigned width, bool isSigned);
/// The load is done with its marks. The step that it shall return.
Step endLoad(WarpState &warp);

/// Before an op's guard is looked at.
void useGuard(WarpState &warp, const Op &op);
/// Runs an op and follows what it does to marks.
Step runTracked(WarpState &warp, const Op &op);

/// UndefinedValues::stored goes to global memory.
void useStored(WarpState &warp, uint32_t lanes);

/// Lanes' values go from a row of one frame to a row of another, in a call.
void moveMarks(const UndefinedRows &from, Row fromRow, UndefinedRows &to,
               Row toRow, uint32_t lanes);

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_UNDEFINED_H
