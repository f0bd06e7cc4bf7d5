// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s --canonicalize | FileCheck %s
//
// Shape → Gather → Concat chains: movement of sizes and small integers.

// CHECK-LABEL: @reshape_to_scalar(
func.func @reshape_to_scalar()
    -> tensor<i64> {
  // CHECK-NEXT: graph.dims <[N], tensor<i64>>
  %a = graph.dims <[N], tensor<1xi64>> -> tensor<1xi64>
  %r = graph.reshape %a {sizes = []} : (tensor<1xi64>) -> tensor<i64>
  return %r : tensor<i64>
}

// CHECK-LABEL: @reshape_to_vector(
func.func @reshape_to_vector()
    -> tensor<1xi64> {
  // CHECK-NEXT: graph.dims <[N], tensor<1xi64>>
  %a = graph.dims <[N], tensor<i64>> -> tensor<i64>
  %r = graph.reshape %a {sizes = [#graph.expr<"1">]} : (tensor<i64>) -> tensor<1xi64>
  return %r : tensor<1xi64>
}

// CHECK-LABEL: @slice_step(
func.func @slice_step()
    -> tensor<2xi64> {
  // CHECK-NEXT: graph.dims <[W, C], tensor<2xi64>>
  %a = graph.dims <[N, C, H, W], tensor<4xi64>> -> tensor<4xi64>
  %r = graph.slice %a {offsets = [#graph.expr<"3">], sizes = [#graph.expr<"2">],
      strides = array<i64: -2>} : (tensor<4xi64>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @concat(
func.func @concat()
    -> tensor<3xi64> {
  // CHECK-NEXT: graph.dims <[N, C, 7], tensor<3xi64>>
  %a = graph.dims <[N, C], tensor<2xi64>> -> tensor<2xi64>
  %b = graph.constant dense<7> : tensor<1xi64> -> tensor<1xi64>
  %r = graph.concat %a, %b {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
  return %r : tensor<3xi64>
}

// CHECK-LABEL: @concat_with_unknown_stays(
func.func @concat_with_unknown_stays(
    %x: tensor<1xi64>)
    -> tensor<3xi64> {
  // CHECK: graph.concat
  %a = graph.dims <[N, C], tensor<2xi64>> -> tensor<2xi64>
  %r = graph.concat %a, %x {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
  return %r : tensor<3xi64>
}

// CHECK-LABEL: @gather_from_end(
func.func @gather_from_end()
    -> tensor<i64> {
  // CHECK-NEXT: graph.dims <[C], tensor<i64>>
  %a = graph.dims <[N, C], tensor<2xi64>> -> tensor<2xi64>
  %i = graph.constant dense<-1> : tensor<i64> -> tensor<i64>
  %r = graph.gather %a, %i {axis = 0 : i64} : (tensor<2xi64>, tensor<i64>) -> tensor<i64>
  return %r : tensor<i64>
}

// CHECK-LABEL: @gather_several(
func.func @gather_several()
    -> tensor<2xi64> {
  // CHECK-NEXT: graph.dims <[C, C], tensor<2xi64>>
  %a = graph.dims <[N, C], tensor<2xi64>> -> tensor<2xi64>
  %i = graph.constant dense<[1, 1]> : tensor<2xi64> -> tensor<2xi64>
  %r = graph.gather %a, %i {axis = 0 : i64} : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @gather_columns(
func.func @gather_columns()
    -> tensor<2x1xi64> {
  // CHECK-NEXT: graph.constant dense<{{\[}}[2], [5]]> : tensor<2x1xi64>
  %a = graph.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi64> -> tensor<2x3xi64>
  %i = graph.constant dense<[1]> : tensor<1xi64> -> tensor<1xi64>
  %r = graph.gather %a, %i {axis = 1 : i64} : (tensor<2x3xi64>, tensor<1xi64>) -> tensor<2x1xi64>
  return %r : tensor<2x1xi64>
}

// CHECK-LABEL: @gather_out_of_range_stays(
func.func @gather_out_of_range_stays()
    -> tensor<i64> {
  // CHECK: graph.gather
  %a = graph.dims <[N, C], tensor<2xi64>> -> tensor<2xi64>
  %i = graph.constant dense<2> : tensor<i64> -> tensor<i64>
  %r = graph.gather %a, %i {axis = 0 : i64} : (tensor<2xi64>, tensor<i64>) -> tensor<i64>
  return %r : tensor<i64>
}

// CHECK-LABEL: @gather_elements(
func.func @gather_elements()
    -> tensor<2xi64> {
  // CHECK-NEXT: graph.dims <[C, N], tensor<2xi64>>
  %a = graph.dims <[N, C], tensor<2xi64>> -> tensor<2xi64>
  %i = graph.constant dense<[1, 0]> : tensor<2xi64> -> tensor<2xi64>
  %r = graph.gather_elements %a, %i {axis = 0 : i64} : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @broadcast_scalar(
func.func @broadcast_scalar()
    -> tensor<2xi64> {
  // CHECK-NEXT: graph.dims <[N, N], tensor<2xi64>>
  %a = graph.dims <[N], tensor<i64>> -> tensor<i64>
  %r = graph.broadcast %a {sizes = [#graph.expr<"2">]} : (tensor<i64>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @tile(
func.func @tile()
    -> tensor<4xi64> {
  // CHECK-NEXT: graph.dims <[N, 2, N, 2], tensor<4xi64>>
  %a = graph.dims <[N, 2], tensor<2xi64>> -> tensor<2xi64>
  %r = graph.tile %a {repeats = [#graph.expr<"2">]} : (tensor<2xi64>) -> tensor<4xi64>
  return %r : tensor<4xi64>
}

// CHECK-LABEL: @pad(
func.func @pad()
    -> tensor<4xi64> {
  // CHECK-NEXT: graph.dims <[1, 1, N, 2], tensor<4xi64>>
  %a = graph.dims <[N, 2], tensor<2xi64>> -> tensor<2xi64>
  %v = graph.constant dense<1> : tensor<i64> -> tensor<i64>
  %r = graph.pad %a, %v {low = [#graph.expr<"2">], high = [#graph.expr<"0">],
      mode = #graph.pad_mode<constant>} : (tensor<2xi64>, tensor<i64>) -> tensor<4xi64>
  return %r : tensor<4xi64>
}

// CHECK-LABEL: @transpose(
func.func @transpose()
    -> tensor<2x2xi64> {
  // CHECK-NEXT: graph.dims <[N, 2, 1, M], tensor<2x2xi64>>
  %a = graph.dims <[N, 1, 2, M], tensor<2x2xi64>> -> tensor<2x2xi64>
  %r = graph.transpose %a {perm = array<i64: 1, 0>} : (tensor<2x2xi64>) -> tensor<2x2xi64>
  return %r : tensor<2x2xi64>
}

// CHECK-LABEL: @iota(
func.func @iota()
    -> tensor<3xi64> {
  // CHECK-NEXT: graph.dims <[N, "N + 2", "N + 4"], tensor<3xi64>>
  %a = graph.dims <[N], tensor<i64>> -> tensor<i64>
  %s = graph.constant dense<2> : tensor<i64> -> tensor<i64>
  %r = graph.iota %a, %s {size = #graph.expr<"3">} : (tensor<i64>, tensor<i64>) -> tensor<3xi64>
  return %r : tensor<3xi64>
}

// CHECK-LABEL: @iota_of_floats_stays(
func.func @iota_of_floats_stays()
    -> tensor<3xf32> {
  // CHECK: graph.iota
  %a = graph.constant dense<0.0> : tensor<f32> -> tensor<f32>
  %r = graph.iota %a, %a {size = #graph.expr<"3">} : (tensor<f32>, tensor<f32>) -> tensor<3xf32>
  return %r : tensor<3xf32>
}

// CHECK-LABEL: @reduce_prod(
func.func @reduce_prod()
    -> tensor<i64> {
  // CHECK-NEXT: graph.dims <["2*C*N"], tensor<i64>>
  %a = graph.dims <[N, C, 2], tensor<3xi64>> -> tensor<3xi64>
  %r = graph.reduce %a {kind = #graph.reduce_kind<prod>, keep = false,
      axes = array<i64: 0>} : (tensor<3xi64>) -> tensor<i64>
  return %r : tensor<i64>
}

// CHECK-LABEL: @reduce_sum_keep(
func.func @reduce_sum_keep()
    -> tensor<1xi64> {
  // CHECK-NEXT: graph.dims <["C + N + 2"], tensor<1xi64>>
  %a = graph.dims <[N, C, 2], tensor<3xi64>> -> tensor<3xi64>
  %r = graph.reduce %a {kind = #graph.reduce_kind<sum>, keep = true,
      axes = array<i64: 0>} : (tensor<3xi64>) -> tensor<1xi64>
  return %r : tensor<1xi64>
}

// CHECK-LABEL: @reduce_max_of_columns(
func.func @reduce_max_of_columns()
    -> tensor<2xi64> {
  // CHECK-NEXT: graph.constant dense<[4, 5]> : tensor<2xi64>
  %a = graph.constant dense<[[1, 5], [4, 2]]> : tensor<2x2xi64> -> tensor<2x2xi64>
  %r = graph.reduce %a {kind = #graph.reduce_kind<max>, keep = false,
      axes = array<i64: 0>} : (tensor<2x2xi64>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @reduce_mean_of_sizes_stays(
func.func @reduce_mean_of_sizes_stays()
    -> tensor<i64> {
  // CHECK: graph.reduce
  %a = graph.dims <[N, C], tensor<2xi64>> -> tensor<2xi64>
  %r = graph.reduce %a {kind = #graph.reduce_kind<mean>, keep = false,
      axes = array<i64: 0>} : (tensor<2xi64>) -> tensor<i64>
  return %r : tensor<i64>
}

// CHECK-LABEL: @shape_gather_concat_reshape(
func.func @shape_gather_concat_reshape()
    -> tensor<3xi64> {
  // CHECK-NEXT: graph.dims <[N, "H*W", -1], tensor<3xi64>>
  %s = graph.dims <[N, C, H, W], tensor<4xi64>> -> tensor<4xi64>
  %i = graph.constant dense<0> : tensor<i64> -> tensor<i64>
  %one = graph.constant dense<[0]> : tensor<1xi64> -> tensor<1xi64>
  %m = graph.constant dense<[-1]> : tensor<1xi64> -> tensor<1xi64>
  %n = graph.gather %s, %i {axis = 0 : i64} : (tensor<4xi64>, tensor<i64>) -> tensor<i64>
  %nv = graph.reshape %n {sizes = [#graph.expr<"1">]} : (tensor<i64>) -> tensor<1xi64>
  %hw = graph.slice %s {offsets = [#graph.expr<"2">], sizes = [#graph.expr<"2">],
      strides = array<i64: 1>} : (tensor<4xi64>) -> tensor<2xi64>
  %p = graph.reduce %hw {kind = #graph.reduce_kind<prod>, keep = true,
      axes = array<i64: 0>} : (tensor<2xi64>) -> tensor<1xi64>
  %r = graph.concat %nv, %p, %m {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<3xi64>
  return %r : tensor<3xi64>
}
