//===- Float.h - The parts of the floating-point families -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// selectFloat, selectHalf and selectConversion (Select.h) share their work by
// topic. Each function returns nullptr for what is not of its topic.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_ALU_FLOAT_H
#define TENON_SIM_EXEC_ALU_FLOAT_H

#include "sim/exec/Op.h"
#include "sim/exec/Vector.h"
#include "sim/exec/alu/Names.h"

namespace tenon::sim::exec::TENON_SIM_ISA {

/// What is correctly rounded: add to div, rcp and sqrt of .rn to .rp, 9.7.3;
/// mixed precision, 9.7.5.
Handler selectRounded(Name name, const ptx::Instruction &instruction, Op &op);
/// .approx and .full, 9.7.3.
Handler selectApproximate(Name name, const ptx::Instruction &instruction);
/// set and setp of halves, 9.7.7.
Handler selectHalfCompare(Name name, const ptx::Instruction &instruction,
                          Op &op);
/// cvt to f16x2, bf16x2, tf32 and 8-bit formats, and from these; to f16 and
/// bf16 from f32 too.
Handler selectConvertPacked(const ptx::Instruction &instruction, Op &op);
/// cvt of numbers in every width and rounding.
Handler selectConvertAny(const ptx::Instruction &instruction,
                         const RowWidths &widths, Op &op);

} // namespace tenon::sim::exec::TENON_SIM_ISA

#endif // TENON_SIM_EXEC_ALU_FLOAT_H
