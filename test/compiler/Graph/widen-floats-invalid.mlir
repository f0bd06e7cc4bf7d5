// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-widen-floats -verify-diagnostics

func.func @kernel_already(%x: tensor<4xf16>) -> tensor<4xf16> {
  // expected-error @below {{expected no graph.kernel yet: run graph-widen-floats before fusion}}
  %0 = graph.kernel "pointwise"(%x) : (tensor<4xf16>) -> tensor<4xf16> {
  ^bb0(%a: tensor<4xf16>):
    %1 = graph.exp %a : (tensor<4xf16>) -> tensor<4xf16>
    graph.yield %1 : tensor<4xf16>
  }
  return %0 : tensor<4xf16>
}
