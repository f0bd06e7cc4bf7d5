// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: not %tenon-opt %s -engine-build-program=cpu=pentium 2>&1 \
// RUN:     | FileCheck %s --check-prefix=CPU
// RUN: not %tenon-opt %s -engine-build-program 2>&1 | FileCheck %s
// CPU: expected a function @main
// CHECK: expected a function @main
func.func @other() {
  return
}
