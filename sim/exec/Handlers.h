//===- Handlers.h - Handlers that the engine itself has ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Instructions that reach beyond rows: control flow, memory, synchronization,
// matrices. Those that compute on rows alone are in Select.h.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_HANDLERS_H
#define TENON_SIM_EXEC_HANDLERS_H

#include "sim/exec/Program.h"
#include "sim/exec/Vector.h"

namespace tenon::sim::exec {

/// Bytes of a lane in the row of a register of this type; 0 for a predicate.
uint32_t laneBytes(ptx::Type type);

/// nullptr if the instruction is not of the family.
Handler selectControl(const ptx::Instruction &instruction,
                      const RowWidths &widths, Op &op);
Handler selectMemory(const ptx::Instruction &instruction,
                     const RowWidths &widths, Op &op);
Handler selectAtomic(const ptx::Instruction &instruction,
                     const RowWidths &widths, Op &op);
Handler selectAsync(const ptx::Instruction &instruction,
                    const RowWidths &widths, Op &op);
Handler selectBarrier(const ptx::Instruction &instruction,
                      const RowWidths &widths, Op &op);
Handler selectMatrix(const ptx::Instruction &instruction,
                     const RowWidths &widths, Op &op);
Handler selectMma(const ptx::Instruction &instruction, const RowWidths &widths,
                  Op &op);
/// The families that compute on rows, for the level of this machine.
Handler selectFamily(const ptx::Instruction &instruction,
                     const RowWidths &widths, Op &op);

/// Makes a handler wait for the lanes that a membermask names, if the
/// instruction has one; otherwise gives it back.
Handler exchangeHandler(const ptx::Instruction &instruction, Op &op,
                        Handler handler);

// Ops that the decoder adds. `width` is that of the destination.

/// d = a special register (PTX ISA 10); sets what else `op` needs.
Handler readSpecial(uint32_t special, unsigned width, Op &op);
/// d = address of the block's dynamic shared memory + imm.
Handler dynamicSharedAddress(unsigned width);
/// d = the frame's place in local memory + imm.
Handler localAddress(unsigned width);
/// d (8 bytes) = a + imm; `width` is that of a.
Handler addOffset(unsigned width);
/// d = !a.
Handler notPredicate();
Handler returnHandler();

Builtin builtinOf(std::string_view function);

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_HANDLERS_H
