//===- TestData.h - PTX of the tests ----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TEST_UNIT_SIM_TESTDATA_H
#define TENON_TEST_UNIT_SIM_TESTDATA_H

#include "sim/ptx/Parser.h"

#include <string>
#include <vector>

namespace tenon::test {

std::string readFile(const std::string &path);

/// Names of all files in data/.
std::vector<std::string> dataFiles();
std::string readData(const std::string &name);

/// The module; a test failure with all errors if the text has any.
sim::ptx::Module parseGood(const std::string &text);

/// The errors' texts, a line each; empty if there are none.
std::string errorsOf(const std::string &text);

/// A kernel for sm_80 with registers p, h, r, d, f, e of each width, as in the
/// forms-*.ptx files, whose line 10 is `line`.
std::string kernelWith(const std::string &line,
                       const std::string &target = "sm_80");

} // namespace tenon::test

#endif // TENON_TEST_UNIT_SIM_TESTDATA_H
