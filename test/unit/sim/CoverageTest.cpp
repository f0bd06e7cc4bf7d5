//===- CoverageTest.cpp - The coverage document is current
//------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/Coverage.h"
#include "test/unit/sim/TestData.h"

#include <gtest/gtest.h>

TEST(Coverage, CommittedDocumentIsCurrent) {
  EXPECT_EQ(tenon::test::readFile(TENON_DOCS "/ptx-coverage.md"),
            tenon::sim::ptx::coverageDocument())
      << "run: sim-ptx-coverage > docs/ptx-coverage.md";
}
