// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s | %tenon-opt | FileCheck %s
//
// Constants, sizes and kernels, as they are read and printed.

// CHECK-LABEL: @constant
func.func @constant() -> tensor<2xf32> {
  // CHECK: graph.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32> -> tensor<2xf32>
  %0 = graph.constant dense<[1.0, 2.0]> : tensor<2xf32> -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// CHECK-LABEL: @constant_named
func.func @constant_named() -> tensor<2xf32> {
  // CHECK: graph.constant dense_resource<weight> : tensor<2xf32> name "fc1.weight" -> tensor<2xf32>
  %0 = graph.constant dense_resource<weight> : tensor<2xf32>
      name "fc1.weight" -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// CHECK-LABEL: @dims
func.func @dims() -> tensor<2xi64> {
  // CHECK: graph.dims <[N, "2*H"], tensor<2xi64>> -> tensor<2xi64>
  %0 = graph.dims <[N, "2*H"], tensor<2xi64>> -> tensor<2xi64>
  return %0 : tensor<2xi64>
}

// CHECK-LABEL: @kernel
func.func @kernel(%x: tensor<4x64xf32>, %w: tensor<64x8xf32>)
    -> tensor<4x8xf32> {
  // CHECK: graph.kernel "matmul"(%{{.*}}, %{{.*}}) {schedule = {rows = 6 : i64}} : (tensor<4x64xf32>, tensor<64x8xf32>) -> tensor<4x8xf32> {
  // CHECK-NEXT: ^bb0(%[[X:.*]]: tensor<4x64xf32>, %[[W:.*]]: tensor<64x8xf32>):
  // CHECK-NEXT: %[[P:.*]] = graph.matmul %[[X]], %[[W]] {graph.anchor}
  // CHECK-NEXT: %[[R:.*]] = graph.relu %[[P]]
  // CHECK-NEXT: graph.yield %[[R]] : tensor<4x8xf32>
  %0 = graph.kernel "matmul"(%x, %w) {schedule = {rows = 6 : i64}}
      : (tensor<4x64xf32>, tensor<64x8xf32>) -> tensor<4x8xf32> {
  ^bb0(%a: tensor<4x64xf32>, %b: tensor<64x8xf32>):
    %1 = graph.matmul %a, %b {graph.anchor}
        : (tensor<4x64xf32>, tensor<64x8xf32>) -> tensor<4x8xf32>
    %2 = graph.relu %1 : (tensor<4x8xf32>) -> tensor<4x8xf32>
    graph.yield %2 : tensor<4x8xf32>
  }
  return %0 : tensor<4x8xf32>
}

{-#
  dialect_resources: {
    builtin: {
      weight: "0x040000000000803F00000040"
    }
  }
#-}
