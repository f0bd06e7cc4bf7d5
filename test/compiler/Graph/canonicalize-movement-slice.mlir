// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --graph-canonicalize-movement | FileCheck %s
//
// Slices move up to what they read.

!t = tensor<?x8xf32, #graph.shape<[N, 8]>>

// CHECK-LABEL: @gather_of_one(
func.func @gather_of_one(%x: !t) -> tensor<?xf32, #graph.shape<[N]>> {
  // CHECK: %[[S:.*]] = graph.slice %arg0 {offsets = [#graph.expr<"0">, #graph.expr<"7">], sizes = [#graph.expr<"N">, #graph.expr<"1">]
  // CHECK-NEXT: graph.reshape %[[S]]
  // CHECK-NEXT: return
  %i = graph.constant dense<-1> : tensor<i64> -> tensor<i64>
  %0 = graph.gather %x, %i {axis = 1 : i64} : (!t, tensor<i64>) -> tensor<?xf32, #graph.shape<[N]>>
  return %0 : tensor<?xf32, #graph.shape<[N]>>
}

// N may be 0: then index 0 is a fault at run time.
// CHECK-LABEL: @gather_may_fail(
func.func @gather_may_fail(%x: !t) -> tensor<8xf32> {
  // CHECK: graph.gather
  %i = graph.constant dense<0> : tensor<i64> -> tensor<i64>
  %0 = graph.gather %x, %i {axis = 0 : i64} : (!t, tensor<i64>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// CHECK-LABEL: @slice_of_slice(
func.func @slice_of_slice(%x: !t) -> tensor<?x2xf32, #graph.shape<[N, 2]>> {
  // CHECK-NEXT: graph.slice %arg0 {offsets = [#graph.expr<"0">, #graph.expr<"3">], {{.*}}strides = array<i64: 1, 4>
  // CHECK-NEXT: return
  %0 = graph.slice %x {offsets = [#graph.expr<"0">, #graph.expr<"1">], sizes = [#graph.expr<"N">, #graph.expr<"4">], strides = array<i64: 1, 2>} : (!t) -> tensor<?x4xf32, #graph.shape<[N, 4]>>
  %1 = graph.slice %0 {offsets = [#graph.expr<"0">, #graph.expr<"1">], sizes = [#graph.expr<"N">, #graph.expr<"2">], strides = array<i64: 1, 2>} : (tensor<?x4xf32, #graph.shape<[N, 4]>>) -> tensor<?x2xf32, #graph.shape<[N, 2]>>
  return %1 : tensor<?x2xf32, #graph.shape<[N, 2]>>
}

// CHECK-LABEL: @slice_is_concat_input(
func.func @slice_is_concat_input(%x: !t, %y: tensor<?x8xf32, #graph.shape<[M, 8]>>) -> tensor<?x8xf32, #graph.shape<[M, 8]>> {
  // CHECK-NEXT: return %arg1
  %0 = graph.concat %x, %y {axis = 0 : i64} : (!t, tensor<?x8xf32, #graph.shape<[M, 8]>>) -> tensor<?x8xf32, #graph.shape<["M + N", 8]>>
  %1 = graph.slice %0 {offsets = [#graph.expr<"N">, #graph.expr<"0">], sizes = [#graph.expr<"M">, #graph.expr<"8">], strides = array<i64: 1, 1>} : (tensor<?x8xf32, #graph.shape<["M + N", 8]>>) -> tensor<?x8xf32, #graph.shape<[M, 8]>>
  return %1 : tensor<?x8xf32, #graph.shape<[M, 8]>>
}

// CHECK-LABEL: @slice_reads_two_inputs(
func.func @slice_reads_two_inputs(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: graph.concat
  // CHECK-NEXT: graph.slice
  %0 = graph.concat %x, %y {axis = 0 : i64} : (tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>
  %1 = graph.slice %0 {offsets = [#graph.expr<"2">], sizes = [#graph.expr<"4">], strides = array<i64: 1>} : (tensor<8xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// Query and key of a vision transformer, as PyTorch and as PaddlePaddle take
// them apart: both end as a slice of the matmul's result.
// CHECK-LABEL: @query_and_key(
func.func @query_and_key(%m: tensor<1x?x24xf32, #graph.shape<[1, S, 24]>>)
    -> (tensor<1x2x?x4xf32, #graph.shape<[1, 2, S, 4]>>, tensor<1x2x?x4xf32, #graph.shape<[1, 2, S, 4]>>) {
  // CHECK: %[[Q:.*]] = graph.slice %arg0 {offsets = [{{.*}}"0">, {{.*}}"0">, {{.*}}"0">], sizes = [{{.*}}"1">, {{.*}}"S">, {{.*}}"8">]
  // CHECK-NEXT: %[[QR:.*]] = graph.reshape %[[Q]] {{.*}} -> tensor<1x?x2x4xf32
  // CHECK-NEXT: graph.transpose %[[QR]] {perm = array<i64: 0, 2, 1, 3>}
  // CHECK-NEXT: %[[K:.*]] = graph.slice %arg0 {offsets = [{{.*}}"0">, {{.*}}"0">, {{.*}}"8">], sizes = [{{.*}}"1">, {{.*}}"S">, {{.*}}"8">]
  // CHECK-NEXT: %[[KR:.*]] = graph.reshape %[[K]] {{.*}} -> tensor<1x?x2x4xf32
  // CHECK-NEXT: graph.transpose %[[KR]] {perm = array<i64: 0, 2, 1, 3>}
  // CHECK-NEXT: return
  %i = graph.constant dense<0> : tensor<i64> -> tensor<i64>
  %0 = graph.reshape %m {sizes = [#graph.expr<"1">, #graph.expr<"S">, #graph.expr<"3">, #graph.expr<"2">, #graph.expr<"4">]} : (tensor<1x?x24xf32, #graph.shape<[1, S, 24]>>) -> tensor<1x?x3x2x4xf32, #graph.shape<[1, S, 3, 2, 4]>>
  %1 = graph.transpose %0 {perm = array<i64: 2, 0, 3, 1, 4>} : (tensor<1x?x3x2x4xf32, #graph.shape<[1, S, 3, 2, 4]>>) -> tensor<3x1x2x?x4xf32, #graph.shape<[3, 1, 2, S, 4]>>
  %q = graph.gather %1, %i {axis = 0 : i64} : (tensor<3x1x2x?x4xf32, #graph.shape<[3, 1, 2, S, 4]>>, tensor<i64>) -> tensor<1x2x?x4xf32, #graph.shape<[1, 2, S, 4]>>
  %2 = graph.slice %1 {offsets = [#graph.expr<"1">, #graph.expr<"0">, #graph.expr<"0">, #graph.expr<"0">, #graph.expr<"0">], sizes = [#graph.expr<"1">, #graph.expr<"1">, #graph.expr<"2">, #graph.expr<"S">, #graph.expr<"4">], strides = array<i64: 1, 1, 1, 1, 1>} : (tensor<3x1x2x?x4xf32, #graph.shape<[3, 1, 2, S, 4]>>) -> tensor<1x1x2x?x4xf32, #graph.shape<[1, 1, 2, S, 4]>>
  %k = graph.reshape %2 {sizes = [#graph.expr<"1">, #graph.expr<"2">, #graph.expr<"S">, #graph.expr<"4">]} : (tensor<1x1x2x?x4xf32, #graph.shape<[1, 1, 2, S, 4]>>) -> tensor<1x2x?x4xf32, #graph.shape<[1, 2, S, 4]>>
  return %q, %k : tensor<1x2x?x4xf32, #graph.shape<[1, 2, S, 4]>>, tensor<1x2x?x4xf32, #graph.shape<[1, 2, S, 4]>>
}

// The inner part of a split dimension is no range of it.
// CHECK-LABEL: @inner_part(
func.func @inner_part(%x: tensor<2x12xf32>) -> tensor<2x3x1xf32> {
  // CHECK-NEXT: graph.reshape
  // CHECK-NEXT: graph.slice
  %0 = graph.reshape %x {sizes = [#graph.expr<"2">, #graph.expr<"3">, #graph.expr<"4">]} : (tensor<2x12xf32>) -> tensor<2x3x4xf32>
  %1 = graph.slice %0 {offsets = [#graph.expr<"0">, #graph.expr<"0">, #graph.expr<"1">], sizes = [#graph.expr<"2">, #graph.expr<"3">, #graph.expr<"1">], strides = array<i64: 1, 1, 1>} : (tensor<2x3x4xf32>) -> tensor<2x3x1xf32>
  return %1 : tensor<2x3x1xf32>
}

// CHECK-LABEL: @transpose_used_elsewhere(
func.func @transpose_used_elsewhere(%x: tensor<2x12xf32>) -> (tensor<1x2xf32>, tensor<12x2xf32>) {
  // CHECK-NEXT: graph.transpose
  // CHECK-NEXT: graph.slice
  %0 = graph.transpose %x {perm = array<i64: 1, 0>} : (tensor<2x12xf32>) -> tensor<12x2xf32>
  %1 = graph.slice %0 {offsets = [#graph.expr<"1">, #graph.expr<"0">], sizes = [#graph.expr<"1">, #graph.expr<"2">], strides = array<i64: 1, 1>} : (tensor<12x2xf32>) -> tensor<1x2xf32>
  return %1, %0 : tensor<1x2xf32>, tensor<12x2xf32>
}
