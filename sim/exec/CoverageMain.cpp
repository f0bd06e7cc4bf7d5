//===- CoverageMain.cpp - sim-ptx-coverage --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   sim-ptx-coverage > docs/ptx-coverage.md
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Coverage.h"
#include "sim/ptx/Coverage.h"

#include <cstdio>

int main() {
  std::fputs(
      tenon::sim::ptx::coverageDocument(tenon::sim::exec::isExecuted).c_str(),
      stdout);
  return 0;
}
