// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s | %tenon-opt | FileCheck %s
//
// Contractions, windows, reductions and norms, as they are read and printed.

// CHECK-LABEL: @matmul_batch_broadcasts
func.func @matmul_batch_broadcasts(
    %a: tensor<?x1x?x64xf32, #graph.shape<[B, 1, S, 64]>>,
    %b: tensor<12x64x8xf32>) {
  // CHECK: graph.matmul %{{.*}}, %{{.*}} : ({{.*}}) -> tensor<?x12x?x8xf32, #graph.shape<[B, 12, S, 8]>>
  %0 = graph.matmul %a, %b
      : (tensor<?x1x?x64xf32, #graph.shape<[B, 1, S, 64]>>, tensor<12x64x8xf32>)
      -> tensor<?x12x?x8xf32, #graph.shape<[B, 12, S, 8]>>
  return
}

// CHECK-LABEL: @matmul_transposed
func.func @matmul_transposed(
    %a: tensor<2x64xf32>,
    %b: tensor<8x64xf32>) {
  // CHECK: graph.matmul %{{.*}}, %{{.*}} {transpose_rhs = true}
  %0 = graph.matmul %a, %b {transpose_rhs = true}
      : (tensor<2x64xf32>, tensor<8x64xf32>) -> tensor<2x8xf32>
  return
}

// CHECK-LABEL: @conv_bias
func.func @conv_bias(
    %a: tensor<2x4x9x9xf32>,
    %w: tensor<6x2x3x3xf32>,
    %b: tensor<6xf32>) {
  // CHECK: graph.conv %{{.*}}, %{{.*}}, %{{.*}} {dilations = array<i64: 1, 1>, groups = 2 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>}
  %0 = graph.conv %a, %w, %b
      {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>,
       dilations = array<i64: 1, 1>, groups = 2 : i64}
      : (tensor<2x4x9x9xf32>, tensor<6x2x3x3xf32>, tensor<6xf32>)
      -> tensor<2x6x5x5xf32>
  return
}

// CHECK-LABEL: @conv_1d_dilated
func.func @conv_1d_dilated(
    %a: tensor<2x4x9xf32>,
    %w: tensor<6x4x3xf32>) {
  // CHECK: graph.conv %{{.*}}, %{{.*}} {dilations = array<i64: 4>
  %0 = graph.conv %a, %w
      {strides = array<i64: 1>, pads = array<i64: 0, 0>,
       dilations = array<i64: 4>, groups = 1 : i64}
      : (tensor<2x4x9xf32>, tensor<6x4x3xf32>) -> tensor<2x6x1xf32>
  return
}

// CHECK-LABEL: @conv_transpose
func.func @conv_transpose(
    %a: tensor<2x4x5x5xf32>,
    %w: tensor<4x3x3x3xf32>,
    %b: tensor<6xf32>) {
  // CHECK: graph.conv_transpose %{{.*}}, %{{.*}}, %{{.*}} {
  %0 = graph.conv_transpose %a, %w, %b
      {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>,
       dilations = array<i64: 1, 1>, output_padding = array<i64: 1, 0>,
       groups = 2 : i64}
      : (tensor<2x4x5x5xf32>, tensor<4x3x3x3xf32>, tensor<6xf32>)
      -> tensor<2x6x10x9xf32>
  return
}

// CHECK-LABEL: @pool_max
func.func @pool_max(
    %a: tensor<2x4x8x8xf32>) {
  // CHECK: graph.pool %{{.*}} {dilations = array<i64: 1, 1>, kernel = array<i64: 3, 3>, kind = #graph.pool_kind<max>
  %0 = graph.pool %a
      {kind = #graph.pool_kind<max>, kernel = array<i64: 3, 3>,
       strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>,
       dilations = array<i64: 1, 1>}
      : (tensor<2x4x8x8xf32>) -> tensor<2x4x4x4xf32>
  return
}

// CHECK-LABEL: @pool_ceil_mode
func.func @pool_ceil_mode(
    %a: tensor<2x4x8x8xf32>) {
  // CHECK: graph.pool %{{.*}} {ceil_mode = true,
  %0 = graph.pool %a
      {kind = #graph.pool_kind<avg>, kernel = array<i64: 3, 2>,
       strides = array<i64: 2, 3>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>, ceil_mode = true}
      : (tensor<2x4x8x8xf32>) -> tensor<2x4x4x3xf32>
  return
}

// CHECK-LABEL: @pool_ceil_mode_drops_window_in_padding
func.func @pool_ceil_mode_drops_window_in_padding(
    %a: tensor<1x1x4xf32>) {
  // CHECK: graph.pool
  %0 = graph.pool %a
      {kind = #graph.pool_kind<avg_include_pad>, kernel = array<i64: 1>,
       strides = array<i64: 2>, pads = array<i64: 0, 1>,
       dilations = array<i64: 1>, ceil_mode = true}
      : (tensor<1x1x4xf32>) -> tensor<1x1x2xf32>
  return
}

// CHECK-LABEL: @reduce_keep
func.func @reduce_keep(
    %a: tensor<2x3x4xf32>) {
  // CHECK: graph.reduce %{{.*}} {axes = array<i64: 0, 2>, keep = true, kind = #graph.reduce_kind<log_sum_exp>}
  %0 = graph.reduce %a {kind = #graph.reduce_kind<log_sum_exp>, keep = true,
                        axes = array<i64: 0, 2>}
      : (tensor<2x3x4xf32>) -> tensor<1x3x1xf32>
  return
}

// CHECK-LABEL: @arg_reduce
func.func @arg_reduce(
    %a: tensor<2x3x4xf32>) {
  // CHECK: graph.arg_reduce %{{.*}} {axis = 1 : i64, keep = false, kind = #graph.reduce_kind<max>, last = true}
  %0 = graph.arg_reduce %a {kind = #graph.reduce_kind<max>, keep = false,
                            axis = 1 : i64, last = true}
      : (tensor<2x3x4xf32>) -> tensor<2x4xi64>
  return
}

// CHECK-LABEL: @softmax_log
func.func @softmax_log(
    %a: tensor<2x3xf32>) {
  // CHECK: graph.softmax %{{.*}} {axis = 1 : i64, log = true}
  %0 = graph.softmax %a {axis = 1 : i64, log = true}
      : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: @layer_norm_scale_bias
func.func @layer_norm_scale_bias(
    %a: tensor<2x3xf32>,
    %s: tensor<3xf32>) {
  // CHECK: graph.layer_norm %{{.*}} scale %{{.*}} bias %{{.*}} {axis = 1 : i64, epsilon = 1.000000e+00 : f64}
  %0 = graph.layer_norm %a scale %s bias %s
      {axis = 1 : i64, epsilon = 1.0 : f64}
      : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: @layer_norm_bias_only
func.func @layer_norm_bias_only(
    %a: tensor<2x3xf32>,
    %s: tensor<3xf32>) {
  // CHECK: graph.layer_norm %arg0 bias %arg1 {
  %0 = graph.layer_norm %a bias %s {axis = 1 : i64, epsilon = 1.0 : f64}
      : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: @layer_norm_rms
func.func @layer_norm_rms(
    %a: tensor<2x3xf32>,
    %s: tensor<3xf32>) {
  // CHECK: graph.layer_norm %{{.*}} scale %{{.*}} {{{.*}}rms = true}
  %0 = graph.layer_norm %a scale %s
      {axis = 1 : i64, epsilon = 1.0 : f64, rms = true}
      : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: @attention_mask
func.func @attention_mask(
    %q: tensor<2x4x8xf32>,
    %k: tensor<2x5x8xf32>,
    %v: tensor<2x5x6xf32>,
    %m: tensor<4x5xf32>) {
  // CHECK: graph.attention %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {scale = 5.000000e-01 : f64}
  %0 = graph.attention %q, %k, %v, %m {scale = 0.5 : f64}
      : (tensor<2x4x8xf32>, tensor<2x5x8xf32>, tensor<2x5x6xf32>,
         tensor<4x5xf32>) -> tensor<2x4x6xf32>
  return
}
