// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-assign-layouts | FileCheck %s

// A network input has few channels: it stays row-major, with a halo.
// CHECK-LABEL: @resnet_block
// CHECK: %[[IN:.*]] = graph.relayout %arg0 {{.*}} -> tensor<1x3x8x8xf32, #graph.shape<[], #graph.layout<0, [1, 1, 1, 1]>>>
// CHECK: graph.conv %[[IN]]{{.*}} -> tensor<1x16x8x8xf32, #graph.shape<[], #graph.layout<8>>>
// What the next convolution pads has the halo.
// CHECK: %[[R:.*]] = graph.relu {{.*}} -> tensor<1x16x8x8xf32, #graph.shape<[], #graph.layout<8, [1, 1, 1, 1]>>>
// CHECK: graph.conv %[[R]]
// CHECK: %[[SUM:.*]] = graph.add
// CHECK: %[[OUT:.*]] = graph.relayout %[[SUM]] {{.*}} -> tensor<1x16x8x8xf32>
// CHECK: return %[[OUT]]
func.func @resnet_block(%x: tensor<1x3x8x8xf32>) -> tensor<1x16x8x8xf32> {
  %w = graph.constant dense<0.5> : tensor<16x3x3x3xf32> -> tensor<16x3x3x3xf32>
  %v = graph.constant dense<0.25> : tensor<16x16x3x3xf32> -> tensor<16x16x3x3xf32>
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x3x8x8xf32>, tensor<16x3x3x3xf32>) -> tensor<1x16x8x8xf32>
  %1 = graph.relu %0 : (tensor<1x16x8x8xf32>) -> tensor<1x16x8x8xf32>
  %2 = graph.conv %1, %v {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x16x8x8xf32>, tensor<16x16x3x3xf32>) -> tensor<1x16x8x8xf32>
  %3 = graph.add %2, %1 : (tensor<1x16x8x8xf32>, tensor<1x16x8x8xf32>) -> tensor<1x16x8x8xf32>
  return %3 : tensor<1x16x8x8xf32>
}

// No reorder between convolutions: pools, means and concatenations on block
// boundaries keep the blocks.
// CHECK-LABEL: @no_reorder_inside
// CHECK: graph.pool {{.*}} -> tensor<1x8x4x4xf32, #graph.shape<[], #graph.layout<8>>>
// CHECK-NEXT: graph.concat {{.*}} -> tensor<1x16x4x4xf32, #graph.shape<[], #graph.layout<8>>>
// CHECK-NEXT: graph.reduce {{.*}} -> tensor<1x16x1x1xf32, #graph.shape<[], #graph.layout<8>>>
// CHECK-NEXT: graph.relayout
// CHECK-NEXT: return
func.func @no_reorder_inside(%x: tensor<1x8x8x8xf32>) -> tensor<1x16x1x1xf32> {
  %w = graph.constant dense<0.5> : tensor<8x8x1x1xf32> -> tensor<8x8x1x1xf32>
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x8x8x8xf32>, tensor<8x8x1x1xf32>) -> tensor<1x8x8x8xf32>
  %1 = graph.pool %0 {kind = #graph.pool_kind<max>, kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, ceil_mode = false} : (tensor<1x8x8x8xf32>) -> tensor<1x8x4x4xf32>
  %2 = graph.concat %1, %1 {axis = 1 : i64} : (tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>) -> tensor<1x16x4x4xf32>
  %3 = graph.reduce %2 {kind = #graph.reduce_kind<mean>, axes = array<i64: 2, 3>, keep = true} : (tensor<1x16x4x4xf32>) -> tensor<1x16x1x1xf32>
  return %3 : tensor<1x16x1x1xf32>
}

// A filter that is computed at run time is read as it is.
// CHECK-LABEL: @filter_is_an_argument
// CHECK: %[[X:.*]] = graph.relayout %arg0
// CHECK: graph.conv %[[X]], %arg1 {{.*}} -> tensor<1x8x8x8xf32, #graph.shape<[], #graph.layout<8>>>
func.func @filter_is_an_argument(%x: tensor<1x8x8x8xf32>, %w: tensor<8x8x1x1xf32>) -> tensor<1x8x8x8xf32> {
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x8x8x8xf32>, tensor<8x8x1x1xf32>) -> tensor<1x8x8x8xf32>
  return %0 : tensor<1x8x8x8xf32>
}

// The phases of a transposed convolution read past its input: with kernel 4 and
// stride 2 by one element on each side, with an output padding only behind.
// CHECK-LABEL: @overlapping_transposed
// CHECK: graph.relu {{.*}} -> tensor<1x8x8x8xf32, #graph.shape<[], #graph.layout<8, [1, 0, 1, 1]>>>
// CHECK: graph.conv_transpose {{.*}} -> tensor<1x8x16x16xf32, #graph.shape<[], #graph.layout<8>>>
func.func @overlapping_transposed(%x: tensor<1x8x8x8xf32>) -> tensor<1x8x16x16xf32> {
  %w = graph.constant dense<0.5> : tensor<8x8x1x1xf32> -> tensor<8x8x1x1xf32>
  %v = graph.constant dense<0.5> : tensor<8x8x4x3xf32> -> tensor<8x8x4x3xf32>
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x8x8x8xf32>, tensor<8x8x1x1xf32>) -> tensor<1x8x8x8xf32>
  %1 = graph.relu %0 : (tensor<1x8x8x8xf32>) -> tensor<1x8x8x8xf32>
  %2 = graph.conv_transpose %1, %v {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, output_padding = array<i64: 0, 1>, groups = 1 : i64} : (tensor<1x8x8x8xf32>, tensor<8x8x4x3xf32>) -> tensor<1x8x16x16xf32>
  return %2 : tensor<1x8x16x16xf32>
}

// Three dimensions have a halo of six sides.
// CHECK-LABEL: @volume
// CHECK: graph.relayout %arg0 {{.*}} -> tensor<1x8x4x5x6xf32, #graph.shape<[], #graph.layout<8, [1, 1, 1, 1, 1, 1]>>>
// CHECK: graph.conv {{.*}} -> tensor<1x8x4x5x6xf32, #graph.shape<[], #graph.layout<8>>>
// CHECK: graph.pool {{.*}} -> tensor<1x8x2x2x3xf32, #graph.shape<[], #graph.layout<8>>>
func.func @volume(%x: tensor<1x8x4x5x6xf32>) -> tensor<1x8x2x2x3xf32> {
  %w = graph.constant dense<0.5> : tensor<8x8x3x3x3xf32> -> tensor<8x8x3x3x3xf32>
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1, 1>, pads = array<i64: 1, 1, 1, 1, 1, 1>, dilations = array<i64: 1, 1, 1>, groups = 1 : i64} : (tensor<1x8x4x5x6xf32>, tensor<8x8x3x3x3xf32>) -> tensor<1x8x4x5x6xf32>
  %1 = graph.pool %0 {kind = #graph.pool_kind<max>, kernel = array<i64: 2, 2, 2>, strides = array<i64: 2, 2, 2>, pads = array<i64: 0, 0, 0, 0, 0, 0>, dilations = array<i64: 1, 1, 1>, ceil_mode = false} : (tensor<1x8x4x5x6xf32>) -> tensor<1x8x2x2x3xf32>
  return %1 : tensor<1x8x2x2x3xf32>
}

// Filters of unknown size have no panels.
// CHECK-LABEL: @filter_size_is_unknown
// CHECK-NOT: relayout
// CHECK: graph.conv {{.*}} -> tensor<1x8x8x8xf32>
func.func @filter_size_is_unknown(%x: tensor<1x8x8x8xf32>, %w: tensor<8x?x1x1xf32, #graph.shape<[8, C, 1, 1]>>) -> tensor<1x8x8x8xf32> {
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x8x8x8xf32>, tensor<8x?x1x1xf32, #graph.shape<[8, C, 1, 1]>>) -> tensor<1x8x8x8xf32>
  return %0 : tensor<1x8x8x8xf32>
}
