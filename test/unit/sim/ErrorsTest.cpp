//===- ErrorsTest.cpp - Error texts of the PTX parser
//-----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/TestData.h"

#include <gtest/gtest.h>

using namespace tenon::test;

/// Errors of a kernel whose line 10 is `line`.
static std::string in(const std::string &line) {
  return errorsOf(kernelWith(line));
}
