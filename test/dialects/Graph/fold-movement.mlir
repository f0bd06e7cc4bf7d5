// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --canonicalize | FileCheck %s
//
// Ops that move nothing, and two of a kind that make one.

// CHECK-LABEL: @reshape_to_same(
func.func @reshape_to_same(
    %x: tensor<?x4xf32, #graph.shape<[N, 4]>>)
    -> tensor<?x4xf32, #graph.shape<[N, 4]>> {
  // CHECK-NEXT: return %arg0
  %r = graph.reshape %x {sizes = [#graph.expr<"N">, #graph.expr<"4">]} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  return %r : tensor<?x4xf32, #graph.shape<[N, 4]>>
}

// CHECK-LABEL: @reshape_of_reshape(
func.func @reshape_of_reshape(
    %x: tensor<?x4xf32, #graph.shape<[N, 4]>>)
    -> tensor<?x4xf32, #graph.shape<[N, 4]>> {
  // CHECK-NEXT: return %arg0
  %0 = graph.reshape %x {sizes = [#graph.expr<"4*N">]}
      : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?xf32, #graph.shape<["4*N"]>>
  %r = graph.reshape %0 {sizes = [#graph.expr<"N">, #graph.expr<"4">]}
      : (tensor<?xf32, #graph.shape<["4*N"]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  return %r : tensor<?x4xf32, #graph.shape<[N, 4]>>
}

// CHECK-LABEL: @reshape_of_reshape_to_third(
func.func @reshape_of_reshape_to_third(
    %x: tensor<2x6xf32>)
    -> tensor<3x4xf32> {
  // CHECK-NEXT: graph.reshape %arg0 {{.*}} : (tensor<2x6xf32>) -> tensor<3x4xf32>
  %0 = graph.reshape %x {sizes = [#graph.expr<"12">]} : (tensor<2x6xf32>) -> tensor<12xf32>
  %r = graph.reshape %0 {sizes = [#graph.expr<"3">, #graph.expr<"4">]} : (tensor<12xf32>) -> tensor<3x4xf32>
  return %r : tensor<3x4xf32>
}

// CHECK-LABEL: @transpose_identity(
func.func @transpose_identity(
    %x: tensor<2x6xf32>)
    -> tensor<2x6xf32> {
  // CHECK-NEXT: return %arg0
  %r = graph.transpose %x {perm = array<i64: 0, 1>} : (tensor<2x6xf32>) -> tensor<2x6xf32>
  return %r : tensor<2x6xf32>
}

// CHECK-LABEL: @transpose_of_transpose_is_nothing(
func.func @transpose_of_transpose_is_nothing(
    %x: tensor<2x3x4xf32>)
    -> tensor<2x3x4xf32> {
  // CHECK-NEXT: return %arg0
  %0 = graph.transpose %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %r = graph.transpose %0 {perm = array<i64: 1, 2, 0>} : (tensor<4x2x3xf32>) -> tensor<2x3x4xf32>
  return %r : tensor<2x3x4xf32>
}

// CHECK-LABEL: @transpose_of_transpose(
func.func @transpose_of_transpose(
    %x: tensor<2x3x4xf32>)
    -> tensor<3x4x2xf32> {
  // CHECK-NEXT: graph.transpose %arg0 {perm = array<i64: 1, 2, 0>} : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
  %0 = graph.transpose %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %r = graph.transpose %0 {perm = array<i64: 2, 0, 1>} : (tensor<4x2x3xf32>) -> tensor<3x4x2xf32>
  return %r : tensor<3x4x2xf32>
}

// CHECK-LABEL: @broadcast_to_same(
func.func @broadcast_to_same(
    %x: tensor<?x4xf32, #graph.shape<[N, 4]>>)
    -> tensor<?x4xf32, #graph.shape<[N, 4]>> {
  // CHECK-NEXT: return %arg0
  %r = graph.broadcast %x {sizes = [#graph.expr<"N">, #graph.expr<"4">]} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  return %r : tensor<?x4xf32, #graph.shape<[N, 4]>>
}

// CHECK-LABEL: @broadcast_of_broadcast(
func.func @broadcast_of_broadcast(
    %x: tensor<1xf32>)
    -> tensor<?x4xf32, #graph.shape<[N, 4]>> {
  // CHECK-NEXT: graph.broadcast %arg0
  %0 = graph.broadcast %x {sizes = [#graph.expr<"4">]} : (tensor<1xf32>) -> tensor<4xf32>
  %r = graph.broadcast %0 {sizes = [#graph.expr<"N">, #graph.expr<"4">]} : (tensor<4xf32>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  return %r : tensor<?x4xf32, #graph.shape<[N, 4]>>
}

// CHECK-LABEL: @slice_everything(
func.func @slice_everything(
    %x: tensor<?x4xf32, #graph.shape<[N, 4]>>)
    -> tensor<?x4xf32, #graph.shape<[N, 4]>> {
  // CHECK-NEXT: return %arg0
  %r = graph.slice %x
      {offsets = [#graph.expr<"0">, #graph.expr<"0">], sizes = [#graph.expr<"N">, #graph.expr<"4">],
       strides = array<i64: 1, 1>} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  return %r : tensor<?x4xf32, #graph.shape<[N, 4]>>
}

// CHECK-LABEL: @slice_backwards_stays(
func.func @slice_backwards_stays(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK: graph.slice
  %r = graph.slice %x {offsets = [#graph.expr<"3">], sizes = [#graph.expr<"4">],
      strides = array<i64: -1>} : (tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @concat_of_one(
func.func @concat_of_one(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK-NEXT: return %arg0
  %r = graph.concat %x {axis = 0 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @pad_nothing(
func.func @pad_nothing(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK-NEXT: return %arg0
  %r = graph.pad %x {low = [#graph.expr<"0">], high = [#graph.expr<"0">],
      mode = #graph.pad_mode<reflect>} : (tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @pad_and_remove_stays(
func.func @pad_and_remove_stays(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK: graph.pad
  %r = graph.pad %x {low = [#graph.expr<"1">], high = [#graph.expr<"-1">],
      mode = #graph.pad_mode<edge>} : (tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @tile_once(
func.func @tile_once(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK-NEXT: return %arg0
  %r = graph.tile %x {repeats = [#graph.expr<"1">]} : (tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @relayout_to_same(
func.func @relayout_to_same(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK-NEXT: return %arg0
  %r = graph.relayout %x : (tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @relayout_and_back(
func.func @relayout_and_back(
    %x: tensor<1x8xf32>)
    -> tensor<1x8xf32> {
  // CHECK-NEXT: return %arg0
  %0 = graph.relayout %x : (tensor<1x8xf32>)
      -> tensor<1x8xf32, #graph.shape<[], #graph.layout<8>>>
  %r = graph.relayout %0 : (tensor<1x8xf32, #graph.shape<[], #graph.layout<8>>>)
      -> tensor<1x8xf32>
  return %r : tensor<1x8xf32>
}

// CHECK-LABEL: @reduce_over_no_axes(
func.func @reduce_over_no_axes(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK-NEXT: return %arg0
  %r = graph.reduce %x {kind = #graph.reduce_kind<sum>, keep = false,
      axes = array<i64>} : (tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @reduce_l2_over_no_axes_stays(
func.func @reduce_l2_over_no_axes_stays(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK: graph.reduce
  %r = graph.reduce %x {kind = #graph.reduce_kind<l2>, keep = false,
      axes = array<i64>} : (tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @resize_to_same(
func.func @resize_to_same(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK-NEXT: return %arg0
  %r = graph.resize %x {sizes = [#graph.expr<"4">], scales = array<f64: 1.0>,
      mode = #graph.resize_mode<linear>,
      coordinates = #graph.coordinate_mode<half_pixel>,
      nearest = #graph.nearest_mode<floor>} : (tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @resize_scaled_to_same_stays(
func.func @resize_scaled_to_same_stays(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK: graph.resize
  %r = graph.resize %x {sizes = [#graph.expr<"4">], scales = array<f64: 1.1>,
      mode = #graph.resize_mode<linear>,
      coordinates = #graph.coordinate_mode<half_pixel>,
      nearest = #graph.nearest_mode<floor>} : (tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @resize_shifted_stays(
func.func @resize_shifted_stays(
    %x: tensor<4xf32>)
    -> tensor<4xf32> {
  // CHECK: graph.resize
  %r = graph.resize %x {sizes = [#graph.expr<"4">], scales = array<f64: 0.0>,
      mode = #graph.resize_mode<linear>,
      coordinates = #graph.coordinate_mode<tf_half_pixel_for_nn>,
      nearest = #graph.nearest_mode<floor>} : (tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}
