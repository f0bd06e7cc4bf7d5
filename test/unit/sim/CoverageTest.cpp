//===- CoverageTest.cpp - The coverage document is current ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/Coverage.h"
#include "sim/exec/Coverage.h"
#include "sim/ptx/Instructions.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

TEST(Coverage, CommittedDocumentIsCurrent) {
  std::ifstream file(TENON_DOCS "/ptx-coverage.md");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}),
            tenon::sim::ptx::coverageDocument(tenon::sim::exec::isExecuted))
      << "run: sim-ptx-coverage > docs/ptx-coverage.md";
}

TEST(Coverage, SaysHowManyFormsAreExecuted) {
  using tenon::sim::ptx::Form;
  std::string text = tenon::sim::ptx::coverageDocument([](const Form &form) {
    return std::string_view(form.row->opcode) != "brkpt" && form.row->sm < 90;
  });
  EXPECT_NE(text.find("| `trap` | 9.7.19.4 | all | 1 | all | parsed and typed"),
            std::string::npos);
  EXPECT_NE(text.find("| `brkpt` | 9.7.19.1 | sm_11 | 1 | 0 |"),
            std::string::npos);
  EXPECT_NE(text.find("| `setmaxnreg` | 9.7.19.5 | sm_90 |  | | refused"),
            std::string::npos);
}
