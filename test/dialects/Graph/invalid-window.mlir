// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s -split-input-file \
// RUN:     -verify-diagnostics=only-expected
//
// One case for each error of convolutions and pooling.

func.func @conv_ranks(%i: tensor<2x4x8x8xf32>, %w: tensor<6x4x3xf32>) {
  // expected-error @+1 {{'graph.conv': expected input and filter of one rank >= 3, got 4 and 3}}
  %0 = graph.conv %i, %w
      {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>, groups = 1 : i64}
      : (tensor<2x4x8x8xf32>, tensor<6x4x3xf32>)
      -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @conv_rank_2(%i: tensor<2x4xf32>, %w: tensor<6x4xf32>) {
  // expected-error @+1 {{'graph.conv': expected input and filter of one rank >= 3, got 2 and 2}}
  %0 = graph.conv %i, %w
      {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>, groups = 1 : i64}
      : (tensor<2x4xf32>, tensor<6x4xf32>)
      -> tensor<2x6xf32>
  return
}

// -----

func.func @conv_elements(%i: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf16>) {
  // expected-error @+1 {{'graph.conv': expected operands of one element type, got 'f32' and 'f16'}}
  %0 = graph.conv %i, %w
      {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>, groups = 1 : i64}
      : (tensor<2x4x8x8xf32>, tensor<6x4x3x3xf16>)
      -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @conv_channels(%i: tensor<2x4x8x8xf32>, %w: tensor<6x3x3x3xf32>) {
  // expected-error @+1 {{'graph.conv': expected input channels and groups times the filter's channels to agree, got 4 and 3}}
  %0 = graph.conv %i, %w
      {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>, groups = 1 : i64}
      : (tensor<2x4x8x8xf32>, tensor<6x3x3x3xf32>)
      -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @conv_grouped_channels(
    %i: tensor<2x4x8x8xf32>,
    %w: tensor<6x4x3x3xf32>) {
  // expected-error @+1 {{'graph.conv': expected input channels and groups times the filter's channels to agree, got 4 and 8}}
  %0 = graph.conv %i, %w
      {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>, groups = 2 : i64}
      : (tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @conv_groups_zero(%i: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+1 {{'graph.conv': expected groups >= 1, got 0}}
  %0 = graph.conv %i, %w
      {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>, groups = 0 : i64}
      : (tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @conv_groups_divide(
    %i: tensor<2x4x8x8xf32>,
    %w: tensor<5x2x3x3xf32>) {
  // expected-error @+1 {{'graph.conv': expected output channels that 2 groups divide, got 5}}
  %0 = graph.conv %i, %w
      {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>, groups = 2 : i64}
      : (tensor<2x4x8x8xf32>, tensor<5x2x3x3xf32>)
      -> tensor<2x5x6x6xf32>
  return
}

// -----

func.func @conv_bias_size(
    %i: tensor<2x4x8x8xf32>,
    %w: tensor<6x4x3x3xf32>,
    %b: tensor<4xf32>) {
  // expected-error @+1 {{'graph.conv': expected output channels and the size of the bias to agree, got 6 and 4}}
  %0 = graph.conv %i, %w, %b
      {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>, groups = 1 : i64}
      : (tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>, tensor<4xf32>)
      -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @conv_bias_rank(
    %i: tensor<2x4x8x8xf32>,
    %w: tensor<6x4x3x3xf32>,
    %b: tensor<6x1xf32>) {
  // expected-error @+1 {{'graph.conv': expected a bias of rank 1, got rank 2}}
  %0 = graph.conv %i, %w, %b
      {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>, groups = 1 : i64}
      : (tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>, tensor<6x1xf32>)
      -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @conv_bias_elements(
    %i: tensor<2x4x8x8xf32>,
    %w: tensor<6x4x3x3xf32>,
    %b: tensor<6xf16>) {
  // expected-error @+1 {{'graph.conv': expected operands of one element type, got 'f32' and 'f16'}}
  %0 = graph.conv %i, %w, %b
      {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>, groups = 1 : i64}
      : (tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>, tensor<6xf16>)
      -> tensor<2x6x6x6xf32>
  return
}

// -----

// Only f32 is wider than what a convolution multiplies.
func.func @conv_bias_narrow_elements(
    %i: tensor<2x4x8x8xbf16>,
    %w: tensor<6x4x3x3xbf16>,
    %b: tensor<6xf16>) {
  // expected-error @+1 {{'graph.conv': expected operands of one element type, got 'bf16' and 'f16'}}
  %0 = graph.conv %i, %w, %b
      {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>, groups = 1 : i64}
      : (tensor<2x4x8x8xbf16>, tensor<6x4x3x3xbf16>, tensor<6xf16>)
      -> tensor<2x6x6x6xbf16>
  return
}

// -----

func.func @conv_strides_count(
    %i: tensor<2x4x8x8xf32>,
    %w: tensor<6x4x3x3xf32>) {
  // expected-error @+1 {{'graph.conv': expected 2 strides, got 1}}
  %0 = graph.conv %i, %w
      {strides = array<i64: 1>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>, groups = 1 : i64}
      : (tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @conv_strides_zero(%i: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+1 {{'graph.conv': expected strides >= 1, got 0}}
  %0 = graph.conv %i, %w
      {strides = array<i64: 0, 1>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>, groups = 1 : i64}
      : (tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @conv_dilations_count(
    %i: tensor<2x4x8x8xf32>,
    %w: tensor<6x4x3x3xf32>) {
  // expected-error @+1 {{'graph.conv': expected 2 dilations, got 3}}
  %0 = graph.conv %i, %w
      {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1, 1>, groups = 1 : i64}
      : (tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @conv_dilations_negative(
    %i: tensor<2x4x8x8xf32>,
    %w: tensor<6x4x3x3xf32>) {
  // expected-error @+1 {{'graph.conv': expected dilations >= 1, got -1}}
  %0 = graph.conv %i, %w
      {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, -1>, groups = 1 : i64}
      : (tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @conv_pads_count(%i: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+1 {{'graph.conv': expected 4 pads (low sides, then high sides), got 2}}
  %0 = graph.conv %i, %w
      {strides = array<i64: 1, 1>, pads = array<i64: 1, 1>,
       dilations = array<i64: 1, 1>, groups = 1 : i64}
      : (tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @conv_kernel_too_large(
    %i: tensor<2x4x8x8xf32>,
    %w: tensor<6x4x3x3xf32>) {
  // expected-error @+1 {{'graph.conv': expected the window (9) to fit into the padded size (8) of dimension 3}}
  %0 = graph.conv %i, %w
      {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 4>, groups = 1 : i64}
      : (tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>)
      -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @conv_kernel_empty(%i: tensor<2x4x8x8xf32>, %w: tensor<6x4x0x3xf32>) {
  // expected-error @+1 {{'graph.conv': expected a constant kernel size >= 1 in dimension 2 of the filter, got 0}}
  %0 = graph.conv %i, %w
      {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>, groups = 1 : i64}
      : (tensor<2x4x8x8xf32>, tensor<6x4x0x3xf32>)
      -> tensor<2x6x6x6xf32>
  return
}

// -----

func.func @conv_transpose_ranks(
    %i: tensor<2x4x8x8xf32>,
    %w: tensor<4x6x3xf32>) {
  // expected-error @+1 {{'graph.conv_transpose': expected input and filter of one rank >= 3, got 4 and 3}}
  %0 = graph.conv_transpose %i, %w
      {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>, groups = 1 : i64,
       output_padding = array<i64: 0, 0>}
      : (tensor<2x4x8x8xf32>, tensor<4x6x3xf32>)
      -> tensor<2x6x10x10xf32>
  return
}

// -----

func.func @conv_transpose_channels(
    %i: tensor<2x4x8x8xf32>,
    %w: tensor<5x6x3x3xf32>) {
  // expected-error @+1 {{'graph.conv_transpose': expected input channels and the filter's first size to agree, got 4 and 5}}
  %0 = graph.conv_transpose %i, %w
      {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>, groups = 1 : i64,
       output_padding = array<i64: 0, 0>}
      : (tensor<2x4x8x8xf32>, tensor<5x6x3x3xf32>)
      -> tensor<2x6x10x10xf32>
  return
}

// -----

func.func @conv_transpose_groups(
    %i: tensor<2x4x8x8xf32>,
    %w: tensor<4x6x3x3xf32>) {
  // expected-error @+1 {{'graph.conv_transpose': expected input channels that 3 groups divide, got 4}}
  %0 = graph.conv_transpose %i, %w
      {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>, groups = 3 : i64,
       output_padding = array<i64: 0, 0>}
      : (tensor<2x4x8x8xf32>, tensor<4x6x3x3xf32>)
      -> tensor<2x6x10x10xf32>
  return
}

// -----

func.func @conv_transpose_groups_zero(
    %i: tensor<2x4x8x8xf32>,
    %w: tensor<4x6x3x3xf32>) {
  // expected-error @+1 {{'graph.conv_transpose': expected groups >= 1, got -2}}
  %0 = graph.conv_transpose %i, %w
      {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>, groups = -2 : i64,
       output_padding = array<i64: 0, 0>}
      : (tensor<2x4x8x8xf32>, tensor<4x6x3x3xf32>)
      -> tensor<2x6x10x10xf32>
  return
}

// -----

func.func @conv_transpose_bias(
    %i: tensor<2x4x8x8xf32>,
    %w: tensor<4x6x3x3xf32>,
    %b: tensor<6xf32>) {
  // expected-error @+1 {{'graph.conv_transpose': expected output channels and the size of the bias to agree, got 12 and 6}}
  %0 = graph.conv_transpose %i, %w, %b
      {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>, groups = 2 : i64,
       output_padding = array<i64: 0, 0>}
      : (tensor<2x4x8x8xf32>, tensor<4x6x3x3xf32>, tensor<6xf32>)
      -> tensor<2x6x10x10xf32>
  return
}

// -----

func.func @conv_transpose_output_padding(
    %i: tensor<2x4x8x8xf32>,
    %w: tensor<4x6x3x3xf32>) {
  // expected-error @+1 {{'graph.conv_transpose': expected 2 output paddings, got 1}}
  %0 = graph.conv_transpose %i, %w
      {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>, groups = 1 : i64,
       output_padding = array<i64: 0>}
      : (tensor<2x4x8x8xf32>, tensor<4x6x3x3xf32>)
      -> tensor<2x6x10x10xf32>
  return
}

// -----

func.func @conv_transpose_negative_size(
    %i: tensor<2x4x8x8xf32>,
    %w: tensor<4x6x3x3xf32>) {
  // expected-error @+1 {{'graph.conv_transpose': expected a size >= 0 in dimension 2, got -2}}
  %0 = graph.conv_transpose %i, %w
      {strides = array<i64: 1, 1>, pads = array<i64: 6, 0, 6, 0>,
       dilations = array<i64: 1, 1>, groups = 1 : i64,
       output_padding = array<i64: 0, 0>}
      : (tensor<2x4x8x8xf32>, tensor<4x6x3x3xf32>)
      -> tensor<2x6x10x10xf32>
  return
}

// -----

func.func @pool_rank(%i: tensor<2x4xf32>) {
  // expected-error @+1 {{'graph.pool': expected an input of rank >= 3, got rank 2}}
  %0 = graph.pool %i
      {kind = #graph.pool_kind<max>, kernel = array<i64: 2, 2>,
       strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>}
      : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @pool_kernel_count(%i: tensor<2x4x8x8xf32>) {
  // expected-error @+1 {{'graph.pool': expected 2 kernel sizes, got 1}}
  %0 = graph.pool %i
      {kind = #graph.pool_kind<max>, kernel = array<i64: 2>,
       strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>}
      : (tensor<2x4x8x8xf32>) -> tensor<2x4x4x4xf32>
  return
}

// -----

func.func @pool_kernel_zero(%i: tensor<2x4x8x8xf32>) {
  // expected-error @+1 {{'graph.pool': expected kernel sizes >= 1, got 0}}
  %0 = graph.pool %i
      {kind = #graph.pool_kind<max>, kernel = array<i64: 0, 2>,
       strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>}
      : (tensor<2x4x8x8xf32>) -> tensor<2x4x4x4xf32>
  return
}

// -----

func.func @pool_window_too_large(%i: tensor<2x4x8x8xf32>) {
  // expected-error @+1 {{'graph.pool': expected the window (9) to fit into the padded size (8) of dimension 2}}
  %0 = graph.pool %i
      {kind = #graph.pool_kind<max>, kernel = array<i64: 9, 2>,
       strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>}
      : (tensor<2x4x8x8xf32>) -> tensor<2x4x4x4xf32>
  return
}
