//===- Select.h - From an instruction to its handler ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One function a family; each returns the handler of an instruction, or nullptr
// if the instruction is not of its family. The instruction has passed the
// front end's checks: any form of the table may come, nothing else.
//
// The families compute on rows, and are compiled for each ISA level.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_SELECT_H
#define TENON_SIM_EXEC_SELECT_H

#include "sim/exec/Op.h"
#include "sim/ptx/Ast.h"

namespace tenon::sim::exec {

/// Handlers of a family for one ISA level. May set Op::mode (and Op::imm, where
/// the form has no constant operand).
#define TENON_SIM_FAMILIES(X)                                                  \
  X(selectInteger)    /* PTX ISA 9.7.1, 9.7.2 */                               \
  X(selectLogic)      /* 9.7.6 to 9.7.8: compare, select, logic, shift */      \
  X(selectMove)       /* mov of rows, prmt, cvt.pack; packing and unpacking */ \
  X(selectFloat)      /* 9.7.3: f32 and f64 */                                 \
  X(selectHalf)       /* 9.7.4, 9.7.7: f16, f16x2, bf16, bf16x2 */             \
  X(selectConversion) /* cvt, 9.7.9.21 */                                      \
  X(selectWarp)       /* shfl, vote, match, redux, activemask, elect */

#define TENON_SIM_DECLARE(name)                                                \
  Handler name(const ptx::Instruction &instruction, const RowWidths &widths,   \
               Op &op);
namespace v3 {
TENON_SIM_FAMILIES(TENON_SIM_DECLARE)
}
namespace v4 {
TENON_SIM_FAMILIES(TENON_SIM_DECLARE)
}
#undef TENON_SIM_DECLARE

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_SELECT_H
