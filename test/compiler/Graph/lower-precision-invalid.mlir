// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-lower-precision=type=f16 --verify-diagnostics

func.func @after_fusion(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{expected no graph.kernel yet: run graph-lower-precision before fusion}}
  %0 = graph.kernel "pointwise"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %1 = graph.neg %a : (tensor<4xf32>) -> tensor<4xf32>
    graph.yield %1 : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}
