//===- Classify.h - What kind of work an instruction is ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Class and pipe of each PTX instruction. PTX is not what a multiprocessor
// issues: `div.s32` becomes a sequence, `neg` often nothing. An instruction
// stands for the one that does its main part; the pipes are those of compute
// capability 8.x as Nsight Compute names them (ALU, FMA, FP16, FP64, XU as Sfu,
// Tensor, LSU as LoadStore; ADU and CBU as Control).
//
// Operations are counted as peaks are: a multiply-add is two. Additions,
// multiplications, divisions, reciprocals and square roots are one each;
// minima, comparisons and approximate functions none. Of packed halves both
// count. A sparse mma counts as if it were dense.
//
// Shown by test/unit/sim/exec/ClassifyTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_CLASSIFY_H
#define TENON_SIM_EXEC_CLASSIFY_H

#include "sim/exec/Counters.h"
#include "sim/ptx/Ast.h"

namespace tenon::sim::exec {

struct Classification {
  OpClass opClass = OpClass::Other;
  Pipe pipe = Pipe::Control;
  /// Type of the matrices and of the accumulator, as the throughputs of a
  /// device are named: `f16.f32`, `int8.s32`, `fp8.f16.sp`. Empty: no mma.
  std::string mmaType;
  /// Of a warp for an mma; of a lane for floating point.
  uint64_t flops = 0;
};

/// Of an instruction that the front end has checked.
Classification classify(const ptx::Instruction &instruction);

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_CLASSIFY_H
