// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s | %tenon-opt | FileCheck %s
//
// Ops that move elements, as they are read and printed.

// CHECK-LABEL: @reshape
func.func @reshape(
    %x: tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>) {
  // CHECK: graph.reshape %{{.*}} {sizes = [#graph.expr<"N">, #graph.expr<"12">]}
  %0 = graph.reshape %x {sizes = [#graph.expr<"N">, #graph.expr<"12">]}
      : (tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>) -> tensor<?x12xf32, #graph.shape<[N, 12]>>
  return
}

// CHECK-LABEL: @transpose
func.func @transpose(
    %x: tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>) {
  // CHECK: graph.transpose %{{.*}} {perm = array<i64: 2, 0, 1>}
  %0 = graph.transpose %x {perm = array<i64: 2, 0, 1>}
      : (tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>) -> tensor<4x?x3xf32, #graph.shape<[4, N, 3]>>
  return
}

// CHECK-LABEL: @broadcast
func.func @broadcast(
    %x: tensor<3x1xf32>) {
  // CHECK: graph.broadcast %{{.*}} {sizes = [#graph.expr<"N">, #graph.expr<"3">, #graph.expr<"4">]}
  %0 = graph.broadcast %x {sizes = [#graph.expr<"N">, #graph.expr<"3">, #graph.expr<"4">]}
      : (tensor<3x1xf32>) -> tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>
  return
}

// CHECK-LABEL: @slice_backwards
func.func @slice_backwards(
    %x: tensor<8xf32>) {
  // CHECK: graph.slice %{{.*}} {offsets = [#graph.expr<"7">], sizes = [#graph.expr<"4">], strides = array<i64: -2>}
  %0 = graph.slice %x
      {offsets = [#graph.expr<"7">], sizes = [#graph.expr<"4">],
       strides = array<i64: -2>} : (tensor<8xf32>) -> tensor<4xf32>
  return
}

// CHECK-LABEL: @slice_symbolic
func.func @slice_symbolic(
    %x: tensor<?xf32, #graph.shape<[N]>>) {
  // CHECK: graph.slice %{{.*}} {offsets = [#graph.expr<"N - 1">]
  %0 = graph.slice %x
      {offsets = [#graph.expr<"N - 1">], sizes = [#graph.expr<"1">],
       strides = array<i64: 1>} : (tensor<?xf32, #graph.shape<[N]>>) -> tensor<1xf32>
  return
}

// CHECK-LABEL: @concat
func.func @concat(
    %x: tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>,
    %y: tensor<?x3x4xf32, #graph.shape<[M, 3, 4]>>) {
  // CHECK: graph.concat %{{.*}}, %{{.*}} {axis = 0 : i64} : ({{.*}}) -> tensor<?x3x4xf32, #graph.shape<["M + N", 3, 4]>>
  %0 = graph.concat %x, %y {axis = 0 : i64}
      : (tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>, tensor<?x3x4xf32, #graph.shape<[M, 3, 4]>>)
      -> tensor<?x3x4xf32, #graph.shape<["M + N", 3, 4]>>
  return
}

// CHECK-LABEL: @pad_value
func.func @pad_value(
    %x: tensor<8xf32>,
    %v: tensor<f32>) {
  // CHECK: graph.pad %{{.*}}, %{{.*}} {high = [#graph.expr<"-1">], low = [#graph.expr<"2">], mode = #graph.pad_mode<constant>}
  %0 = graph.pad %x, %v
      {low = [#graph.expr<"2">], high = [#graph.expr<"-1">],
       mode = #graph.pad_mode<constant>}
      : (tensor<8xf32>, tensor<f32>) -> tensor<9xf32>
  return
}

// CHECK-LABEL: @pad_reflect
func.func @pad_reflect(
    %x: tensor<8xf32>) {
  // CHECK: graph.pad %{{.*}} {high = [#graph.expr<"1">], low = [#graph.expr<"2">], mode = #graph.pad_mode<reflect>}
  %0 = graph.pad %x
      {low = [#graph.expr<"2">], high = [#graph.expr<"1">],
       mode = #graph.pad_mode<reflect>} : (tensor<8xf32>) -> tensor<11xf32>
  return
}

// CHECK-LABEL: @tile
func.func @tile(
    %x: tensor<8x2xf32>) {
  // CHECK: graph.tile %{{.*}} {repeats = [#graph.expr<"1">, #graph.expr<"3">]}
  %0 = graph.tile %x {repeats = [#graph.expr<"1">, #graph.expr<"3">]}
      : (tensor<8x2xf32>) -> tensor<8x6xf32>
  return
}

// CHECK-LABEL: @gather
func.func @gather(
    %x: tensor<8x2xf32>,
    %i: tensor<3x5xi64>) {
  // CHECK: graph.gather %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<8x2xf32>, tensor<3x5xi64>) -> tensor<8x3x5xf32>
  %0 = graph.gather %x, %i {axis = 1 : i64}
      : (tensor<8x2xf32>, tensor<3x5xi64>) -> tensor<8x3x5xf32>
  return
}

// CHECK-LABEL: @gather_elements
func.func @gather_elements(
    %x: tensor<8x2xf32>,
    %i: tensor<8x5xi32>) {
  // CHECK: graph.gather_elements %{{.*}}, %{{.*}} {axis = 1 : i64}
  %0 = graph.gather_elements %x, %i {axis = 1 : i64}
      : (tensor<8x2xf32>, tensor<8x5xi32>) -> tensor<8x5xf32>
  return
}

// CHECK-LABEL: @iota
func.func @iota(
    %a: tensor<f32>,
    %b: tensor<f32>) {
  // CHECK: graph.iota %{{.*}}, %{{.*}} {size = #graph.expr<"N">}
  %0 = graph.iota %a, %b {size = #graph.expr<"N">}
      : (tensor<f32>, tensor<f32>) -> tensor<?xf32, #graph.shape<[N]>>
  return
}

// CHECK-LABEL: @relayout
func.func @relayout(
    %x: tensor<1x16x4x4xf32>) {
  // CHECK: graph.relayout %{{.*}} : (tensor<1x16x4x4xf32>) -> tensor<1x16x4x4xf32, #graph.shape<[], #graph.layout<8>>>
  %0 = graph.relayout %x : (tensor<1x16x4x4xf32>)
      -> tensor<1x16x4x4xf32, #graph.shape<[], #graph.layout<8>>>
  return
}

// CHECK-LABEL: @resize
func.func @resize(
    %x: tensor<1x3x4x4xf32>) {
  // CHECK: graph.resize %{{.*}} {coordinates = #graph.coordinate_mode<half_pixel>, mode = #graph.resize_mode<linear>, nearest = #graph.nearest_mode<round_prefer_floor>, scales = array<f64: 1.000000e+00, 1.000000e+00, 2.000000e+00, 0.000000e+00>
  %0 = graph.resize %x
      {sizes = [#graph.expr<"1">, #graph.expr<"3">, #graph.expr<"8">, #graph.expr<"2*H">],
       scales = array<f64: 1.0, 1.0, 2.0, 0.0>,
       mode = #graph.resize_mode<linear>,
       coordinates = #graph.coordinate_mode<half_pixel>,
       nearest = #graph.nearest_mode<round_prefer_floor>}
      : (tensor<1x3x4x4xf32>)
      -> tensor<1x3x8x?xf32, #graph.shape<[1, 3, 8, "2*H"]>>
  return
}
