// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-fold-affine | FileCheck %s
// RUN: %tenon-opt %s --graph-fold-affine --remarks-filter=tenon 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK
//
// What does not fold, and why. Each function stays as it is; the remarks, in
// no order of the file's, give the reason.

!x = tensor<1x3x8x8xf32>
!w = tensor<4x3x3x3xf32>
!y = tensor<1x4x8x8xf32>
!c = tensor<1x4x1x1xf32>

// REMARK-DAG: remark: {{.*}}"the anchor has other users"
// CHECK-LABEL: @conv_has_other_users(
func.func @conv_has_other_users(%x: !x) -> (!y, !y) {
  // CHECK: %[[C:.*]] = graph.conv
  // CHECK-NEXT: %[[R:.*]] = graph.mul %[[C]]
  // CHECK-NEXT: return %[[C]], %[[R]]
  %w = graph.constant dense<1.0> : !w -> !w
  %s = graph.constant dense<2.0> : !c -> !c
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (!x, !w) -> !y
  %1 = graph.mul %0, %s : (!y, !c) -> !y
  return %0, %1 : !y, !y
}

// REMARK-DAG: remark: {{.*}}"the weights are not constant"
// CHECK-LABEL: @weights_not_constant(
func.func @weights_not_constant(%x: !x, %w: !w) -> !y {
  // CHECK: graph.conv
  // CHECK-NEXT: graph.mul
  %s = graph.constant dense<2.0> : !c -> !c
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (!x, !w) -> !y
  %1 = graph.mul %0, %s : (!y, !c) -> !y
  return %1 : !y
}

// REMARK-DAG: remark: {{.*}}"the constant varies along other axes than the channels"
// CHECK-LABEL: @factor_along_width(
func.func @factor_along_width(%x: !x) -> !y {
  // CHECK: graph.conv
  // CHECK-NEXT: graph.mul
  %w = graph.constant dense<1.0> : !w -> !w
  %s = graph.constant dense<2.0> : tensor<8xf32> -> tensor<8xf32>
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (!x, !w) -> !y
  %1 = graph.mul %0, %s : (!y, tensor<8xf32>) -> !y
  return %1 : !y
}

// REMARK-DAG: remark: {{.*}}"padding is zero where the sum is not"
// CHECK-LABEL: @summand_before_padding(
func.func @summand_before_padding(%x: !x) -> !y {
  // CHECK: graph.add
  // CHECK-NEXT: graph.conv
  %w = graph.constant dense<1.0> : !w -> !w
  %s = graph.constant dense<2.0> : tensor<f32> -> tensor<f32>
  %0 = graph.add %x, %s : (!x, tensor<f32>) -> !x
  %1 = graph.conv %0, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (!x, !w) -> !y
  return %1 : !y
}

// REMARK-DAG: remark: {{.*}}"divides by the anchor"
// CHECK-LABEL: @constant_divided_by_conv(
func.func @constant_divided_by_conv(%x: !x) -> !y {
  // CHECK: graph.conv
  // CHECK-NEXT: graph.div
  %w = graph.constant dense<1.0> : !w -> !w
  %s = graph.constant dense<2.0> : !c -> !c
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (!x, !w) -> !y
  %1 = graph.div %s, %0 : (!c, !y) -> !y
  return %1 : !y
}

// Two groups of two inputs: the filter's second axis is not the channels.
// REMARK-DAG: remark: {{.*}}"groups split the channels"
// CHECK-LABEL: @grouped_factor_in_front(
func.func @grouped_factor_in_front(%x: !y) -> !y {
  // CHECK: graph.mul
  // CHECK-NEXT: graph.conv
  %w = graph.constant dense<1.0> : tensor<4x2x3x3xf32> -> tensor<4x2x3x3xf32>
  %s = graph.constant dense<2.0> : !c -> !c
  %0 = graph.mul %x, %s : (!y, !c) -> !y
  %1 = graph.conv %0, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 2 : i64} : (!y, tensor<4x2x3x3xf32>) -> !y
  return %1 : !y
}

// A matmul has no bias: the sum goes into its kernel by fusion.
// REMARK-DAG: remark: {{.*}}"a matmul has no bias"
// CHECK-LABEL: @matmul_summand(
func.func @matmul_summand(%x: tensor<2x6xf32>) -> tensor<2x4xf32> {
  // CHECK: graph.matmul
  // CHECK-NEXT: graph.add
  %w = graph.constant dense<1.0> : tensor<6x4xf32> -> tensor<6x4xf32>
  %b = graph.constant dense<2.0> : tensor<4xf32> -> tensor<4xf32>
  %0 = graph.matmul %x, %w : (tensor<2x6xf32>, tensor<6x4xf32>) -> tensor<2x4xf32>
  %1 = graph.add %0, %b : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}
