//===- CheckCalls.h - Arguments against signatures --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 9.7.12.5: the operands of a call have the size and alignment of the
// callee's parameters and results, whatever their types.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_PTX_CHECKCALLS_H
#define TENON_SIM_PTX_CHECKCALLS_H

#include "sim/ptx/Check.h"

namespace tenon::sim::ptx {

/// The shape of a call, and the arguments of a direct one.
std::optional<CheckError> checkCall(const Module &module,
                                    const Function &function,
                                    const Instruction &call);

/// The arguments of an indirect call, whose table has been found by now.
std::optional<CheckError> checkIndirectCall(const Module &module,
                                            const Function &function,
                                            const Instruction &call);

} // namespace tenon::sim::ptx

#endif // TENON_SIM_PTX_CHECKCALLS_H
