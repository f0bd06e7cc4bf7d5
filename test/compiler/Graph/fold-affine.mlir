// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-fold-affine | FileCheck %s
//
// Constant factors and summands beside anchors become arithmetic on weights.

!x = tensor<1x3x8x8xf32>
!w = tensor<4x3x3x3xf32>
!y = tensor<1x4x8x8xf32>
!v = tensor<4xf32>
!c = tensor<1x4x1x1xf32>
!s = tensor<f32>

// Batch normalization as the importer writes it: y * s + t.
// CHECK-LABEL: @batch_norm(
func.func @batch_norm(%x: !x) -> !y {
  // CHECK-DAG: %[[W:.*]] = graph.constant dense<1.000000e+00>
  // CHECK-DAG: %[[S:.*]] = graph.constant dense<2.000000e+00>
  // CHECK-DAG: %[[T:.*]] = graph.constant dense<3.000000e+00>
  // CHECK-DAG: %[[SV:.*]] = graph.reshape %[[S]] {{.*}} -> tensor<4x1x1x1xf32>
  // CHECK-DAG: %[[SW:.*]] = graph.mul %[[SV]], %[[W]]
  // CHECK-DAG: %[[TV:.*]] = graph.reshape %[[T]] {{.*}} -> tensor<4xf32>
  // CHECK: %[[R:.*]] = graph.conv %arg0, %[[SW]], %[[TV]] {{.*}}pads = array<i64: 1, 1, 1, 1>
  // CHECK-NEXT: return %[[R]]
  %w = graph.constant dense<1.0> : !w -> !w
  %s = graph.constant dense<2.0> : !c -> !c
  %t = graph.constant dense<3.0> : !c -> !c
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (!x, !w) -> !y
  %1 = graph.mul %0, %s : (!y, !c) -> !y
  %2 = graph.add %1, %t : (!y, !c) -> !y
  return %2 : !y
}

// The bias that is there is scaled, then added to.
// CHECK-LABEL: @batch_norm_behind_bias(
func.func @batch_norm_behind_bias(%x: !x) -> !y {
  // CHECK-DAG: %[[B:.*]] = graph.constant dense<5.000000e+00> : tensor<4xf32>
  // CHECK-DAG: %[[BS:.*]] = graph.mul %{{.*}}, %[[B]] : (tensor<4xf32>, tensor<4xf32>)
  // CHECK-DAG: %[[BT:.*]] = graph.add %[[BS]], %{{.*}} : (tensor<4xf32>, tensor<4xf32>)
  // CHECK: graph.conv %arg0, %{{.*}}, %[[BT]]
  // CHECK-NEXT: return
  %w = graph.constant dense<1.0> : !w -> !w
  %b = graph.constant dense<5.0> : !v -> !v
  %s = graph.constant dense<2.0> : tensor<4x1x1xf32> -> tensor<4x1x1xf32>
  %t = graph.constant dense<3.0> : tensor<4x1x1xf32> -> tensor<4x1x1xf32>
  %0 = graph.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (!x, !w, !v) -> !y
  %1 = graph.mul %s, %0 : (tensor<4x1x1xf32>, !y) -> !y
  %2 = graph.add %t, %1 : (tensor<4x1x1xf32>, !y) -> !y
  return %2 : !y
}

// PaddlePaddle's learnable scalars: y * 0.9 + 0.5.
// CHECK-LABEL: @scalars(
func.func @scalars(%x: !x) -> !y {
  // CHECK-DAG: graph.mul %{{.*}} -> tensor<4x3x3x3xf32>
  // CHECK-DAG: %[[T:.*]] = graph.broadcast %{{.*}} -> tensor<4xf32>
  // CHECK: graph.conv %arg0, %{{.*}}, %[[T]]
  // CHECK-NEXT: return
  %w = graph.constant dense<1.0> : !w -> !w
  %s = graph.constant dense<0.9> : tensor<1xf32> -> tensor<1xf32>
  %t = graph.constant dense<0.5> : !s -> !s
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (!x, !w) -> !y
  %1 = graph.mul %0, %s : (!y, tensor<1xf32>) -> !y
  %2 = graph.add %1, %t : (!y, !s) -> !y
  return %2 : !y
}

// CHECK-LABEL: @divided_and_subtracted(
func.func @divided_and_subtracted(%x: !x) -> !y {
  // CHECK-DAG: %[[D:.*]] = graph.div %{{.*}} -> tensor<4x3x3x3xf32>
  // CHECK-DAG: %[[N:.*]] = graph.neg %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: graph.conv %arg0, %[[D]], %[[N]]
  // CHECK-NEXT: return
  %w = graph.constant dense<1.0> : !w -> !w
  %s = graph.constant dense<2.0> : !c -> !c
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (!x, !w) -> !y
  %1 = graph.div %0, %s : (!y, !c) -> !y
  %2 = graph.sub %1, %s : (!y, !c) -> !y
  return %2 : !y
}

// CHECK-LABEL: @subtracted_from(
func.func @subtracted_from(%x: !x) -> !y {
  // CHECK-DAG: %[[N:.*]] = graph.neg %{{.*}} : (tensor<4x3x3x3xf32>)
  // CHECK: graph.conv %arg0, %[[N]], %{{.*}}
  // CHECK-NEXT: return
  %w = graph.constant dense<1.0> : !w -> !w
  %s = graph.constant dense<2.0> : !c -> !c
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (!x, !w) -> !y
  %1 = graph.sub %s, %0 : (!c, !y) -> !y
  return %1 : !y
}

// CHECK-LABEL: @depthwise(
func.func @depthwise(%x: !y) -> !y {
  // CHECK-DAG: graph.reshape %{{.*}} -> tensor<4x1x1x1xf32>
  // CHECK-DAG: graph.mul %{{.*}} -> tensor<4x1x3x3xf32>
  // CHECK: graph.conv %arg0
  // CHECK-NEXT: return
  %w = graph.constant dense<1.0> : tensor<4x1x3x3xf32> -> tensor<4x1x3x3xf32>
  %s = graph.constant dense<2.0> : !c -> !c
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 4 : i64} : (!y, tensor<4x1x3x3xf32>) -> !y
  %1 = graph.mul %0, %s : (!y, !c) -> !y
  return %1 : !y
}

// The filter of a transposed convolution has the outputs second.
// CHECK-LABEL: @conv_transpose(
func.func @conv_transpose(%x: !x) -> tensor<1x4x16x16xf32> {
  // CHECK-DAG: graph.reshape %{{.*}} -> tensor<1x4x1x1xf32>
  // CHECK-DAG: graph.mul %{{.*}} -> tensor<3x4x2x2xf32>
  // CHECK: graph.conv_transpose %arg0
  // CHECK-NEXT: return
  %w = graph.constant dense<1.0> : tensor<3x4x2x2xf32> -> tensor<3x4x2x2xf32>
  %s = graph.constant dense<2.0> : tensor<4x1x1xf32> -> tensor<4x1x1xf32>
  %0 = graph.conv_transpose %x, %w {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, output_padding = array<i64: 0, 0>, groups = 1 : i64} : (!x, tensor<3x4x2x2xf32>) -> tensor<1x4x16x16xf32>
  %1 = graph.mul %0, %s : (tensor<1x4x16x16xf32>, tensor<4x1x1xf32>) -> tensor<1x4x16x16xf32>
  return %1 : tensor<1x4x16x16xf32>
}

// CHECK-LABEL: @matmul_bias_scaled(
func.func @matmul_bias_scaled(%x: tensor<?x6xf32, #graph.shape<[N, 6]>>)
    -> tensor<?x4xf32, #graph.shape<[N, 4]>> {
  // CHECK-DAG: %[[W:.*]] = graph.mul %{{.*}} -> tensor<6x4xf32>
  // CHECK-DAG: %[[B:.*]] = graph.mul %{{.*}} -> tensor<4xf32>
  // CHECK-DAG: %[[M:.*]] = graph.matmul %arg0, %[[W]]
  // CHECK: %[[R:.*]] = graph.add %[[M]], %[[B]]
  // CHECK-NEXT: return %[[R]]
  %w = graph.constant dense<1.0> : tensor<6x4xf32> -> tensor<6x4xf32>
  %b = graph.constant dense<2.0> : !v -> !v
  %s = graph.constant dense<3.0> : !v -> !v
  %0 = graph.matmul %x, %w : (tensor<?x6xf32, #graph.shape<[N, 6]>>, tensor<6x4xf32>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %1 = graph.add %b, %0 : (!v, tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %2 = graph.mul %1, %s : (tensor<?x4xf32, #graph.shape<[N, 4]>>, !v) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  return %2 : tensor<?x4xf32, #graph.shape<[N, 4]>>
}

// CHECK-LABEL: @matmul_of_transposed_weights(
func.func @matmul_of_transposed_weights(%x: tensor<2x6xf32>) -> tensor<2x4xf32> {
  // CHECK-DAG: graph.reshape %{{.*}} -> tensor<4x1xf32>
  // CHECK-DAG: graph.mul %{{.*}} -> tensor<4x6xf32>
  // CHECK: graph.matmul %arg0, %{{.*}} {transpose_rhs = true}
  // CHECK-NEXT: return
  %w = graph.constant dense<1.0> : tensor<4x6xf32> -> tensor<4x6xf32>
  %s = graph.constant dense<3.0> : !v -> !v
  %0 = graph.matmul %x, %w {transpose_rhs = true} : (tensor<2x6xf32>, tensor<4x6xf32>) -> tensor<2x4xf32>
  %1 = graph.mul %0, %s : (tensor<2x4xf32>, !v) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// A factor in front may stand before padding: zeros stay zeros.
// CHECK-LABEL: @factor_in_front(
func.func @factor_in_front(%x: !x) -> !y {
  // CHECK-DAG: graph.reshape %{{.*}} -> tensor<1x3x1x1xf32>
  // CHECK-DAG: graph.mul %{{.*}} -> tensor<4x3x3x3xf32>
  // CHECK: graph.conv %arg0
  // CHECK-NEXT: return
  %w = graph.constant dense<1.0> : !w -> !w
  %s = graph.constant dense<[[[2.0]], [[3.0]], [[4.0]]]> : tensor<3x1x1xf32> -> tensor<3x1x1xf32>
  %0 = graph.mul %x, %s : (!x, tensor<3x1x1xf32>) -> !x
  %1 = graph.conv %0, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (!x, !w) -> !y
  return %1 : !y
}

// CHECK-LABEL: @summand_in_front(
func.func @summand_in_front(%x: !x) -> tensor<1x4x6x6xf32> {
  // CHECK-DAG: %[[M:.*]] = graph.mul %{{.*}} -> tensor<4x3x3x3xf32>
  // CHECK-DAG: %[[B:.*]] = graph.reduce %[[M]] {axes = array<i64: 1, 2, 3>, {{.*}}sum{{.*}} -> tensor<4xf32>
  // CHECK: graph.conv %arg0, %{{.*}}, %[[B]]
  // CHECK-NEXT: return
  %w = graph.constant dense<1.0> : !w -> !w
  %s = graph.constant dense<2.0> : tensor<3x1x1xf32> -> tensor<3x1x1xf32>
  %0 = graph.add %x, %s : (!x, tensor<3x1x1xf32>) -> !x
  %1 = graph.conv %0, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (!x, !w) -> tensor<1x4x6x6xf32>
  return %1 : tensor<1x4x6x6xf32>
}
