//===- Fragments.h - Registers of a matrix fragment -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How many registers each thread holds of a matrix of mma, mma.sp and wmma, and
// of which type: PTX ISA 9.7.14.4.1 and 9.7.14.5.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_PTX_FRAGMENTS_H
#define TENON_SIM_PTX_FRAGMENTS_H

#include "sim/ptx/Ast.h"

namespace tenon::sim::ptx {

struct FragmentShape {
  Type type = Type::B32;
  unsigned count = 0;
};

/// Rows, columns and depth of a shape modifier.
struct MatrixShape {
  unsigned m = 0, n = 0, k = 0;
};
MatrixShape matrixShape(Mod shape);

/// `which` is A, B, C or D, or L or S: the one that a wmma load or store names.
FragmentShape fragmentOf(std::string_view opcode,
                         const Instruction &instruction, char which);

} // namespace tenon::sim::ptx

#endif // TENON_SIM_PTX_FRAGMENTS_H
