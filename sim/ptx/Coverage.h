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

#include <string>

namespace tenon::sim::ptx {

std::string coverageDocument();

} // namespace tenon::sim::ptx

#endif // TENON_SIM_PTX_COVERAGE_H
