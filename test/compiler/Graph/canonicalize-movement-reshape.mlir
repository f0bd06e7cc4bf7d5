// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-canonicalize-movement | FileCheck %s
//
// What becomes a reshape, and broadcasts and casts that are idle.

!t = tensor<?x8xf32, #graph.shape<[N, 8]>>

// CHECK-LABEL: @transpose_of_ones(
func.func @transpose_of_ones(%x: tensor<?x1x8x1xf32, #graph.shape<[N, 1, 8, 1]>>) -> tensor<?x8x1x1xf32, #graph.shape<[N, 8, 1, 1]>> {
  // CHECK-NEXT: graph.reshape %arg0
  // CHECK-NEXT: return
  %0 = graph.transpose %x {perm = array<i64: 0, 2, 3, 1>} : (tensor<?x1x8x1xf32, #graph.shape<[N, 1, 8, 1]>>) -> tensor<?x8x1x1xf32, #graph.shape<[N, 8, 1, 1]>>
  return %0 : tensor<?x8x1x1xf32, #graph.shape<[N, 8, 1, 1]>>
}

// CHECK-LABEL: @squeeze_of_unsqueeze(
func.func @squeeze_of_unsqueeze(%x: !t) -> !t {
  // CHECK-NEXT: return %arg0
  %0 = graph.reshape %x {sizes = [#graph.expr<"N">, #graph.expr<"1">, #graph.expr<"8">]} : (!t) -> tensor<?x1x8xf32, #graph.shape<[N, 1, 8]>>
  %1 = graph.reshape %0 {sizes = [#graph.expr<"N">, #graph.expr<"8">]} : (tensor<?x1x8xf32, #graph.shape<[N, 1, 8]>>) -> !t
  return %1 : !t
}

// The 1 goes first, so that the transpose has one dimension less.
// CHECK-LABEL: @drop_ones_first(
func.func @drop_ones_first(%x: tensor<2x7x1x3x4xf32>) -> tensor<2x3x7x4xf32> {
  // CHECK-NEXT: %[[R:.*]] = graph.reshape %arg0 {{.*}} -> tensor<2x7x3x4xf32>
  // CHECK-NEXT: graph.transpose %[[R]] {perm = array<i64: 0, 2, 1, 3>}
  // CHECK-NEXT: return
  %0 = graph.transpose %x {perm = array<i64: 2, 0, 3, 1, 4>} : (tensor<2x7x1x3x4xf32>) -> tensor<1x2x3x7x4xf32>
  %1 = graph.reshape %0 {sizes = [#graph.expr<"2">, #graph.expr<"3">, #graph.expr<"7">, #graph.expr<"4">]} : (tensor<1x2x3x7x4xf32>) -> tensor<2x3x7x4xf32>
  return %1 : tensor<2x3x7x4xf32>
}

// CHECK-LABEL: @reshape_joins(
func.func @reshape_joins(%x: tensor<2x7x3x4xf32>) -> tensor<2x7x12xf32> {
  // CHECK-NEXT: graph.transpose
  // CHECK-NEXT: graph.reshape
  %0 = graph.transpose %x {perm = array<i64: 0, 1, 3, 2>} : (tensor<2x7x3x4xf32>) -> tensor<2x7x4x3xf32>
  %1 = graph.reshape %0 {sizes = [#graph.expr<"2">, #graph.expr<"7">, #graph.expr<"12">]} : (tensor<2x7x4x3xf32>) -> tensor<2x7x12xf32>
  return %1 : tensor<2x7x12xf32>
}

// CHECK-LABEL: @keep_reduced(
func.func @keep_reduced(%x: !t) -> tensor<?x1xf32, #graph.shape<[N, 1]>> {
  // CHECK-NEXT: graph.reduce %arg0 {axes = array<i64: 1>, keep = true
  // CHECK-NEXT: return
  %0 = graph.reduce %x {kind = #graph.reduce_kind<mean>, axes = array<i64: 1>, keep = false} : (!t) -> tensor<?xf32, #graph.shape<[N]>>
  %1 = graph.reshape %0 {sizes = [#graph.expr<"N">, #graph.expr<"1">]} : (tensor<?xf32, #graph.shape<[N]>>) -> tensor<?x1xf32, #graph.shape<[N, 1]>>
  return %1 : tensor<?x1xf32, #graph.shape<[N, 1]>>
}

// CHECK-LABEL: @idle_broadcast(
func.func @idle_broadcast(%x: !t, %y: tensor<8xf32>) -> !t {
  // CHECK-NEXT: graph.add %arg0, %arg1
  // CHECK-NEXT: return
  %0 = graph.broadcast %y {sizes = [#graph.expr<"N">, #graph.expr<"8">]} : (tensor<8xf32>) -> !t
  %1 = graph.add %x, %0 : (!t, !t) -> !t
  return %1 : !t
}

// The broadcast gives the result its size.
// CHECK-LABEL: @needed_broadcast(
func.func @needed_broadcast(%x: tensor<8xf32>, %y: tensor<8xf32>) -> !t {
  // CHECK-NEXT: graph.broadcast
  // CHECK-NEXT: graph.add
  %0 = graph.broadcast %y {sizes = [#graph.expr<"N">, #graph.expr<"8">]} : (tensor<8xf32>) -> !t
  %1 = graph.add %x, %0 : (tensor<8xf32>, !t) -> !t
  return %1 : !t
}

// CHECK-LABEL: @cast_there_and_back(
func.func @cast_there_and_back(%x: tensor<4xf16>) -> tensor<4xf16> {
  // CHECK-NEXT: return %arg0
  %0 = graph.cast %x {to = f32} : (tensor<4xf16>) -> tensor<4xf32>
  %1 = graph.cast %0 {to = f16} : (tensor<4xf32>) -> tensor<4xf16>
  return %1 : tensor<4xf16>
}

// CHECK-LABEL: @cast_through_wider(
func.func @cast_through_wider(%x: tensor<4xi32>) -> tensor<4xf32> {
  // CHECK-NEXT: graph.cast %arg0 {to = f32}
  // CHECK-NEXT: return
  %0 = graph.cast %x {to = i64} : (tensor<4xi32>) -> tensor<4xi64>
  %1 = graph.cast %0 {to = f32} : (tensor<4xi64>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// Rounding to f16 is what the model asked for.
// CHECK-LABEL: @cast_rounds(
func.func @cast_rounds(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: graph.cast
  // CHECK-NEXT: graph.cast
  %0 = graph.cast %x {to = f16} : (tensor<4xf32>) -> tensor<4xf16>
  %1 = graph.cast %0 {to = f32} : (tensor<4xf16>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
