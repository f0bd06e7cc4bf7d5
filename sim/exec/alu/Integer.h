//===- Integer.h - The parts of the integer family --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// selectInteger and selectLogic (Select.h) share their work by topic. Each
// function returns nullptr for what is not of its topic.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_ALU_INTEGER_H
#define TENON_SIM_EXEC_ALU_INTEGER_H

#include "sim/exec/Op.h"
#include "sim/exec/Vector.h"
#include "sim/exec/alu/Names.h"

namespace tenon::sim::exec::TENON_SIM_ISA {

/// Add to max, PTX ISA 9.7.1.1 to 9.7.1.13.
Handler selectArithmetic(Name name, const ptx::Instruction &instruction);
/// Multiplication, division and remainder among them.
Handler selectMultiply(Name name, const ptx::Instruction &instruction);
/// Bit operations and dot products, 9.7.1.14 to 9.7.1.24.
Handler selectBits(Name name, const ptx::Instruction &instruction);
/// Extended precision, 9.7.2: what reads or writes the carry flag.
Handler selectCarry(Name name, const ptx::Instruction &instruction);
/// set and setp, 9.7.6.1 and 9.7.6.2.
Handler selectCompare(Name name, const ptx::Instruction &instruction, Op &op);
/// lop3, 9.7.8.6.
Handler selectTable(const ptx::Instruction &instruction, Op &op);

} // namespace tenon::sim::exec::TENON_SIM_ISA

#endif // TENON_SIM_EXEC_ALU_INTEGER_H
