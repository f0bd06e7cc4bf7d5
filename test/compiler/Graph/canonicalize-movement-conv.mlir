// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-canonicalize-movement | FileCheck %s
//
// Windows over one dimension become windows over two; padding goes into them.

!x = tensor<?x3x?xf32, #graph.shape<[N, 3, L]>>
!w = tensor<4x3x3xf32>

// CHECK-LABEL: @conv_1d(
func.func @conv_1d(%x: !x, %w: !w, %b: tensor<4xf32>) -> tensor<?x4x?xf32, #graph.shape<[N, 4, "1 + (L floordiv 2)"]>> {
  // CHECK-DAG: %[[X:.*]] = graph.reshape %arg0 {{.*}} -> tensor<?x3x1x?xf32, #graph.shape<[N, 3, 1, L]>>
  // CHECK-DAG: %[[W:.*]] = graph.reshape %arg1 {{.*}} -> tensor<4x3x1x3xf32>
  // CHECK: %[[C:.*]] = graph.conv %[[X]], %[[W]], %arg2 {dilations = array<i64: 1, 1>, groups = 1 : i64, pads = array<i64: 0, 2, 0, 1>, strides = array<i64: 1, 2>}
  // CHECK-NEXT: graph.reshape %[[C]]
  // CHECK-NEXT: return
  %0 = graph.conv %x, %w, %b {strides = array<i64: 2>, pads = array<i64: 2, 1>, dilations = array<i64: 1>, groups = 1 : i64} : (!x, !w, tensor<4xf32>) -> tensor<?x4x?xf32, #graph.shape<[N, 4, "1 + (L floordiv 2)"]>>
  return %0 : tensor<?x4x?xf32, #graph.shape<[N, 4, "1 + (L floordiv 2)"]>>
}

// CHECK-LABEL: @conv_transpose_1d(
func.func @conv_transpose_1d(%x: tensor<1x3x8xf32>, %w: tensor<3x4x2xf32>) -> tensor<1x4x17xf32> {
  // CHECK: graph.conv_transpose {{.*}}output_padding = array<i64: 0, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 2>} {{.*}} -> tensor<1x4x1x17xf32>
  %0 = graph.conv_transpose %x, %w {strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, output_padding = array<i64: 1>, groups = 1 : i64} : (tensor<1x3x8xf32>, tensor<3x4x2xf32>) -> tensor<1x4x17xf32>
  return %0 : tensor<1x4x17xf32>
}

// CHECK-LABEL: @pool_1d(
func.func @pool_1d(%x: tensor<1x3x8xf32>) -> tensor<1x3x4xf32> {
  // CHECK: graph.pool {{.*}}kernel = array<i64: 1, 2>{{.*}} -> tensor<1x3x1x4xf32>
  %0 = graph.pool %x {kind = #graph.pool_kind<max>, kernel = array<i64: 2>, strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>} : (tensor<1x3x8xf32>) -> tensor<1x3x4xf32>
  return %0 : tensor<1x3x4xf32>
}

// TensorFlow pads asymmetrically in front of a convolution.
// CHECK-LABEL: @pad_into_conv(
func.func @pad_into_conv(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>) -> tensor<1x4x4x4xf32> {
  // CHECK-NEXT: graph.conv %arg0, %arg1 {{.*}}pads = array<i64: 0, 0, 1, 1>
  // CHECK-NEXT: return
  %0 = graph.pad %x {low = [#graph.expr<"0">, #graph.expr<"0">, #graph.expr<"0">, #graph.expr<"0">], high = [#graph.expr<"0">, #graph.expr<"0">, #graph.expr<"1">, #graph.expr<"1">], mode = #graph.pad_mode<constant>} : (tensor<1x3x8x8xf32>) -> tensor<1x3x9x9xf32>
  %1 = graph.conv %0, %w {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x3x9x9xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x4x4xf32>
  return %1 : tensor<1x4x4x4xf32>
}

// CHECK-LABEL: @pad_with_ones(
func.func @pad_with_ones(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>) -> tensor<1x4x4x4xf32> {
  // CHECK: graph.pad
  // CHECK-NEXT: graph.conv
  %v = graph.constant dense<1.0> : tensor<f32> -> tensor<f32>
  %0 = graph.pad %x, %v {low = [#graph.expr<"0">, #graph.expr<"0">, #graph.expr<"0">, #graph.expr<"0">], high = [#graph.expr<"0">, #graph.expr<"0">, #graph.expr<"1">, #graph.expr<"1">], mode = #graph.pad_mode<constant>} : (tensor<1x3x8x8xf32>, tensor<f32>) -> tensor<1x3x9x9xf32>
  %1 = graph.conv %0, %w {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x3x9x9xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x4x4xf32>
  return %1 : tensor<1x4x4x4xf32>
}

// CHECK-LABEL: @pad_reflects(
func.func @pad_reflects(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>) -> tensor<1x4x4x4xf32> {
  // CHECK: graph.pad
  // CHECK-NEXT: graph.conv
  %0 = graph.pad %x {low = [#graph.expr<"0">, #graph.expr<"0">, #graph.expr<"0">, #graph.expr<"0">], high = [#graph.expr<"0">, #graph.expr<"0">, #graph.expr<"1">, #graph.expr<"1">], mode = #graph.pad_mode<reflect>} : (tensor<1x3x8x8xf32>) -> tensor<1x3x9x9xf32>
  %1 = graph.conv %0, %w {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x3x9x9xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x4x4xf32>
  return %1 : tensor<1x4x4x4xf32>
}
