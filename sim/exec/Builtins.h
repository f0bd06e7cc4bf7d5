//===- Builtins.h - Functions that the driver gives to kernels --*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// CUDA C++ Programming Guide, "Formatted output", "Assertion", "Dynamic global
// memory allocation": kernels declare these as extern .func.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_BUILTINS_H
#define TENON_SIM_EXEC_BUILTINS_H

#include "sim/exec/Engine.h"

namespace tenon::sim::exec {

/// Runs a builtin for some lanes, with arguments and results as of the call.
Step callBuiltin(WarpState &warp, Builtin builtin, const CallSite &site,
                 uint32_t lanes);

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_BUILTINS_H
