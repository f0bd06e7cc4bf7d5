//===- Warp.h - What an instruction sees of its warp ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The state that handlers read and write. A warp's lanes run in splits: lanes
// that stand at the same place in the same frame (Scheduler.h). While a split
// runs, its lanes are in `active`, its place in `pc`; `mask` are the lanes of
// the op at hand whose guard holds.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_WARP_H
#define TENON_SIM_EXEC_WARP_H

#include "sim/exec/Op.h"

namespace tenon::sim::exec {

class Block;
struct Frame;

struct Warp {
  /// Registers of the frame; constants of the program. See Row.
  char *base[2] = {nullptr, nullptr};
  const Row *lists = nullptr; ///< Program::lists
  uint32_t mask = 0;          ///< lanes that this op changes
  uint32_t active = 0;        ///< lanes of the running split
  uint32_t pc = 0;            ///< of the next op: handlers of branches set it
  uint32_t index = 0;         ///< of the warp in its block
  Frame *frame = nullptr;
  Block *block = nullptr;

  char *row(Row at) const { return base[at & 1] + (at & ~1u); }

  /// The rows of an op's operands in braces.
  const Row *listRows(const Op &op) const { return lists + op.list; }

  /// The condition code register's carry flags, PTX ISA 9.7.2, bit n for lane
  /// n: the first word of a frame's registers.
  uint32_t &carry() const { return *reinterpret_cast<uint32_t *>(base[0]); }
};

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_WARP_H
