//===- Liveness.h - How many registers a kernel would take ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX has as many registers as it likes; how many a thread of the hardware gets
// decides occupancy. Where ptxas is at hand its figure counts
// (sim/report/Ptxas.h); else this estimate: the most 32-bit registers that are
// live at once, in the order of the text, and a reserve for addresses and
// temporaries. Values that ptxas makes anew where it needs them (parameters,
// numbers, addresses of variables, thread indices) take none. Predicates have
// registers of their own.
//
// It knows no scheduling: loads that ptxas moves up take more, and 64-bit
// address arithmetic that it folds takes less. Compared with ptxas on the
// kernels of the corpus: see test/unit/sim/exec/LivenessTest.cpp for the error.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_LIVENESS_H
#define TENON_SIM_EXEC_LIVENESS_H

#include "sim/ptx/Ast.h"

namespace tenon::sim::exec {

/// The most 32-bit registers live at once; predicates and values that cost
/// nothing left out. Bounded time and memory: a function too large for them
/// gives the most that was found.
unsigned maxLiveRegisters(const ptx::Function &function);

/// Registers of each thread, of a function and what it calls: from 16 to 255,
/// and at most what .maxnreg and .maxntid leave.
unsigned estimateRegisters(const ptx::Module &module,
                           const ptx::Function &function);

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_LIVENESS_H
