// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-expand-attention | FileCheck %s

// CHECK-LABEL: @scale_and_mask
func.func @scale_and_mask(%q: tensor<2x7x64xf32>, %k: tensor<2x9x64xf32>, %v: tensor<2x9x32xf32>, %m: tensor<7x9xf32>) -> tensor<2x7x32xf32> {
  // CHECK: %[[S:.*]] = graph.matmul %arg0, %arg1 {transpose_rhs = true} : {{.*}} -> tensor<2x7x9xf32>
  // CHECK: %[[C:.*]] = graph.constant dense<1.250000e-01> : tensor<f32>
  // CHECK: %[[T:.*]] = graph.mul %[[S]], %[[C]]
  // CHECK: %[[U:.*]] = graph.add %[[T]], %arg3
  // CHECK: %[[P:.*]] = graph.softmax %[[U]] {axis = 2 : i64}
  // CHECK: graph.matmul %[[P]], %arg2 : {{.*}} -> tensor<2x7x32xf32>
  %y = graph.attention %q, %k, %v, %m {scale = 0.125 : f64} : (tensor<2x7x64xf32>, tensor<2x9x64xf32>, tensor<2x9x32xf32>, tensor<7x9xf32>) -> tensor<2x7x32xf32>
  return %y : tensor<2x7x32xf32>
}

// CHECK-LABEL: @no_scale_no_mask
func.func @no_scale_no_mask(%q: tensor<7x64xf32>, %k: tensor<9x64xf32>, %v: tensor<9x64xf32>) -> tensor<7x64xf32> {
  // CHECK: %[[S:.*]] = graph.matmul %arg0, %arg1 {transpose_rhs = true}
  // CHECK-NEXT: %[[P:.*]] = graph.softmax %[[S]]
  // CHECK-NEXT: graph.matmul %[[P]], %arg2
  %y = graph.attention %q, %k, %v {scale = 1.0 : f64} : (tensor<7x64xf32>, tensor<9x64xf32>, tensor<9x64xf32>) -> tensor<7x64xf32>
  return %y : tensor<7x64xf32>
}
