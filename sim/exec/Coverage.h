//===- Coverage.h - Which forms are executed --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_COVERAGE_H
#define TENON_SIM_EXEC_COVERAGE_H

namespace tenon::sim::ptx {
struct Form;
}

namespace tenon::sim::exec {

/// Whether the engine runs each instruction that the form describes: kernels of
/// them load for the newest device. For ptx::coverageDocument.
bool isExecuted(const ptx::Form &form);

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_COVERAGE_H
