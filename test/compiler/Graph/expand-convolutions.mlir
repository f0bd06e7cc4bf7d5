// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-expand-convolutions | FileCheck %s
//
// Convolutions with one tap as products of matrices.

!x = tensor<2x16x7x5xf32>
!y = tensor<2x8x7x5xf32>

// What follows is flattened, too: bias, a factor for each channel, a residual.
// CHECK-LABEL: @epilogue(
// CHECK: %[[F:.*]] = graph.constant {{.*}} name "w" -> tensor<8x16xf32>
// CHECK: %[[X:.*]] = graph.reshape %arg0 {{.*}} -> tensor<2x16x35xf32>
// CHECK: %[[P:.*]] = graph.matmul %[[F]], %[[X]] : {{.*}} -> tensor<2x8x35xf32>
// CHECK-NEXT: %[[B:.*]] = graph.constant {{.*}} -> tensor<8x1xf32>
// CHECK-NEXT: %[[A:.*]] = graph.add %[[P]], %[[B]]
// CHECK-NEXT: %[[S:.*]] = graph.reshape %arg2 {{.*}} -> tensor<1x8x1xf32>
// CHECK-NEXT: %[[M:.*]] = graph.mul %[[A]], %[[S]]
// CHECK-NEXT: %[[R:.*]] = graph.reshape %arg1 {{.*}} -> tensor<2x8x35xf32>
// CHECK-NEXT: %[[T:.*]] = graph.add %[[M]], %[[R]]
// CHECK-NEXT: %[[U:.*]] = graph.relu %[[T]] : {{.*}} -> tensor<2x8x35xf32>
// CHECK-NEXT: %[[Y:.*]] = graph.reshape %[[U]] {{.*}} -> tensor<2x8x7x5xf32>
// CHECK-NEXT: return %[[Y]]
func.func @epilogue(%x: !x, %r: !y, %s: tensor<8x1x1xf32>) -> !y {
  %w = graph.constant dense<0.5> : tensor<8x16x1x1xf32> name "w" -> tensor<8x16x1x1xf32>
  %b = graph.constant dense<2.0> : tensor<8xf32> -> tensor<8xf32>
  %0 = graph.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (!x, tensor<8x16x1x1xf32>, tensor<8xf32>) -> !y
  %1 = graph.mul %0, %s : (!y, tensor<8x1x1xf32>) -> !y
  %2 = graph.add %1, %r : (!y, !y) -> !y
  %3 = graph.relu %2 : (!y) -> !y
  return %3 : !y
}

// Strides take a part of the pixels; sizes are open.
// CHECK-LABEL: @strided(
// CHECK: %[[S:.*]] = graph.slice %arg0 {{.*}}strides = array<i64: 1, 1, 2>
// CHECK: graph.matmul {{.*}}tensor<?x16x?xf32, #graph.shape<[N, 16, "((L + 1) floordiv 2)"]>>
// CHECK-NOT: graph.conv
func.func @strided(%x: tensor<?x16x?xf32, #graph.shape<[N, 16, L]>>, %w: tensor<8x16x1xf32>) -> tensor<?x8x?xf32, #graph.shape<[N, 8, "(L + 1) floordiv 2"]>> {
  %0 = graph.conv %x, %w {strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<?x16x?xf32, #graph.shape<[N, 16, L]>>, tensor<8x16x1xf32>) -> tensor<?x8x?xf32, #graph.shape<[N, 8, "(L + 1) floordiv 2"]>>
  return %0 : tensor<?x8x?xf32, #graph.shape<[N, 8, "(L + 1) floordiv 2"]>>
}

// One pixel: images are the rows. TF32 stays allowed.
// CHECK-LABEL: @one_pixel(
// CHECK: graph.matmul {{.*}} {graph.precision = "tf32", transpose_rhs = true} : (tensor<2x16xf32>, tensor<8x16xf32>) -> tensor<2x8xf32>
// CHECK: graph.sigmoid {{.*}} : (tensor<2x8xf32>)
func.func @one_pixel(%x: tensor<2x16x1x1xf32>) -> tensor<2x8x1x1xf32> {
  %w = graph.constant dense<0.5> : tensor<8x16x1x1xf32> name "w" -> tensor<8x16x1x1xf32>
  %0 = graph.conv %x, %w {graph.precision = "tf32", strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<2x16x1x1xf32>, tensor<8x16x1x1xf32>) -> tensor<2x8x1x1xf32>
  %1 = graph.sigmoid %0 : (tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32>
  return %1 : tensor<2x8x1x1xf32>
}

// A bias of f32 is added before the sum is rounded to bf16.
// CHECK-LABEL: @wide_bias(
// CHECK: %[[M:.*]] = graph.matmul {{.*}} -> tensor<2x8x35xbf16>
// CHECK: %[[U:.*]] = graph.cast %[[M]] {to = f32}
// CHECK: %[[A:.*]] = graph.add %[[U]], %{{.*}} : (tensor<2x8x35xf32>, tensor<8x1xf32>) -> tensor<2x8x35xf32>
// CHECK: %[[N:.*]] = graph.cast %[[A]] {keep_digits, to = bf16}
// CHECK: graph.relu %[[N]] : (tensor<2x8x35xbf16>) -> tensor<2x8x35xbf16>
func.func @wide_bias(%x: tensor<2x16x7x5xbf16>, %w: tensor<8x16x1x1xbf16>, %b: tensor<8xf32>) -> tensor<2x8x7x5xbf16> {
  %0 = graph.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<2x16x7x5xbf16>, tensor<8x16x1x1xbf16>, tensor<8xf32>) -> tensor<2x8x7x5xbf16>
  %1 = graph.relu %0 : (tensor<2x8x7x5xbf16>) -> tensor<2x8x7x5xbf16>
  return %1 : tensor<2x8x7x5xbf16>
}

// A factor for each row of pixels keeps its two dimensions.
// CHECK-LABEL: @by_row(
// CHECK: graph.matmul
// CHECK: graph.reshape {{.*}} -> tensor<2x8x7x5xf32>
// CHECK-NEXT: graph.mul {{.*}} -> tensor<2x8x7x5xf32>
func.func @by_row(%x: !x, %w: tensor<8x16x1x1xf32>, %s: tensor<7x1xf32>) -> !y {
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (!x, tensor<8x16x1x1xf32>) -> !y
  %1 = graph.mul %0, %s : (!y, tensor<7x1xf32>) -> !y
  return %1 : !y
}

// Padding, groups, several taps, few channels: no products.
// CHECK-LABEL: @others(
// CHECK-COUNT-4: graph.conv
func.func @others(%x: !x, %p: tensor<8x16x1x1xf32>, %g: tensor<8x8x1x1xf32>, %t: tensor<8x16x1x3xf32>, %c: tensor<8x3x1x1xf32>, %z: tensor<2x3x7x5xf32>) -> (tensor<2x8x9x5xf32>, !y, tensor<2x8x7x3xf32>, !y) {
  %0 = graph.conv %x, %p {strides = array<i64: 1, 1>, pads = array<i64: 1, 0, 1, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (!x, tensor<8x16x1x1xf32>) -> tensor<2x8x9x5xf32>
  %1 = graph.conv %x, %g {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 2 : i64} : (!x, tensor<8x8x1x1xf32>) -> !y
  %2 = graph.conv %x, %t {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (!x, tensor<8x16x1x3xf32>) -> tensor<2x8x7x3xf32>
  %3 = graph.conv %z, %c {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<2x3x7x5xf32>, tensor<8x3x1x1xf32>) -> !y
  return %0, %1, %2, %3 : tensor<2x8x9x5xf32>, !y, tensor<2x8x7x3xf32>, !y
}
