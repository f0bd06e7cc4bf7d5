//===- Order.h - In which order lanes of a warp meet again ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// When lanes of a warp part at a branch, the engine runs those with the lowest
// rank first. A rank is a block's place in a topological order in which loops
// stay together:
//
//      A           rank A < B, C < D: both sides run before their join, so
//     / \          the lanes meet in D. For a loop, the exit comes after the
//    B   C         whole body, so lanes that leave early wait behind it.
//     \ /
//      D           Fairness (Engine.h) overrides the order when lanes spin.
//
// Computed by condensing strongly connected components, then again inside each
// component without the edges back to its first block.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_ORDER_H
#define TENON_SIM_EXEC_ORDER_H

#include "sim/exec/Program.h"

namespace tenon::sim::exec {

/// Sets rank and isLeader of the function's ops; branches are resolved.
void rankOps(Program &program, const FunctionCode &function);

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_ORDER_H
