//===- Coverage.h - docs/ptx-coverage.md ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes the list of all PTX instructions from the instruction table. The
// committed document must be this text: test/unit/sim/CoverageTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_PTX_COVERAGE_H
#define TENON_SIM_PTX_COVERAGE_H

#include <functional>
#include <string>

namespace tenon::sim::ptx {

struct Form;

/// `isExecuted` says of a form whether the engine has it; without it, the
/// column is left out.
std::string
coverageDocument(const std::function<bool(const Form &)> &isExecuted = {});

} // namespace tenon::sim::ptx

#endif // TENON_SIM_PTX_COVERAGE_H
