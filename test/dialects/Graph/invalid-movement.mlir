// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s -split-input-file \
// RUN:     -verify-diagnostics=only-expected
//
// One case for each error of the ops that move elements.

func.func @reshape_count(%a: tensor<2x6xf32>) {
  // expected-error @+1 {{'graph.reshape': expected as many elements as the input has, got 2x6 to 5}}
  %0 = graph.reshape %a {sizes = [#graph.expr<"5">]}
      : (tensor<2x6xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @reshape_negative(%a: tensor<2x6xf32>) {
  // expected-error @+1 {{'graph.reshape': expected a size >= 0 in dimension 0, got -1}}
  %0 = graph.reshape %a {sizes = [#graph.expr<"-1">]}
      : (tensor<2x6xf32>) -> tensor<12xf32>
  return
}

// -----

func.func @transpose_count(%a: tensor<2x6xf32>) {
  // expected-error @+1 {{'graph.transpose': expected 2 axes in perm (the input's rank), got 1}}
  %0 = graph.transpose %a {perm = array<i64: 0>}
      : (tensor<2x6xf32>) -> tensor<2x6xf32>
  return
}

// -----

func.func @transpose_range(%a: tensor<2x6xf32>) {
  // expected-error @+1 {{'graph.transpose': expected axes of perm in [0, 2), got 2}}
  %0 = graph.transpose %a {perm = array<i64: 0, 2>}
      : (tensor<2x6xf32>) -> tensor<2x6xf32>
  return
}

// -----

func.func @transpose_twice(%a: tensor<2x6xf32>) {
  // expected-error @+1 {{'graph.transpose': expected each axis once in perm, got 1 twice}}
  %0 = graph.transpose %a {perm = array<i64: 1, 1>}
      : (tensor<2x6xf32>) -> tensor<6x6xf32>
  return
}

// -----

func.func @broadcast_size(%a: tensor<2x6xf32>) {
  // expected-error @+1 {{'graph.broadcast': expected a shape that broadcasts to 2x5, got 2x6}}
  %0 = graph.broadcast %a {sizes = [#graph.expr<"2">, #graph.expr<"5">]}
      : (tensor<2x6xf32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @broadcast_shrinks(%a: tensor<2x6xf32>) {
  // expected-error @+1 {{'graph.broadcast': expected a shape that broadcasts to 2x1, got 2x6}}
  %0 = graph.broadcast %a {sizes = [#graph.expr<"2">, #graph.expr<"1">]}
      : (tensor<2x6xf32>) -> tensor<2x1xf32>
  return
}

// -----

func.func @broadcast_rank(%a: tensor<2x6xf32>) {
  // expected-error @+1 {{'graph.broadcast': expected a shape that broadcasts to 6, got 2x6}}
  %0 = graph.broadcast %a {sizes = [#graph.expr<"6">]}
      : (tensor<2x6xf32>) -> tensor<6xf32>
  return
}

// -----

func.func @slice_outside(%a: tensor<8xf32>) {
  // expected-error @+1 {{'graph.slice': expected elements 4 to 8 to lie inside dimension 0 of size 8}}
  %0 = graph.slice %a
      {offsets = [#graph.expr<"4">], sizes = [#graph.expr<"5">],
       strides = array<i64: 1>} : (tensor<8xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @slice_before_start(%a: tensor<8xf32>) {
  // expected-error @+1 {{'graph.slice': expected elements 3 to -1 to lie inside dimension 0 of size 8}}
  %0 = graph.slice %a
      {offsets = [#graph.expr<"3">], sizes = [#graph.expr<"3">],
       strides = array<i64: -2>} : (tensor<8xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @slice_stride(%a: tensor<8xf32>) {
  // expected-error @+1 {{'graph.slice': expected strides other than 0, got 0 in dimension 0}}
  %0 = graph.slice %a
      {offsets = [#graph.expr<"0">], sizes = [#graph.expr<"3">],
       strides = array<i64: 0>} : (tensor<8xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @slice_offsets(%a: tensor<8xf32>) {
  // expected-error @+1 {{'graph.slice': expected 1 offsets, got 2}}
  %0 = graph.slice %a
      {offsets = [#graph.expr<"0">, #graph.expr<"0">],
       sizes = [#graph.expr<"3">], strides = array<i64: 1>}
      : (tensor<8xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @slice_sizes(%a: tensor<8xf32>) {
  // expected-error @+1 {{'graph.slice': expected 1 sizes, got 0}}
  %0 = graph.slice %a
      {offsets = [#graph.expr<"0">], sizes = [], strides = array<i64: 1>}
      : (tensor<8xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @slice_strides(%a: tensor<8xf32>) {
  // expected-error @+1 {{'graph.slice': expected 1 strides, got 2}}
  %0 = graph.slice %a
      {offsets = [#graph.expr<"0">], sizes = [#graph.expr<"3">],
       strides = array<i64: 1, 1>} : (tensor<8xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @slice_negative_size(%a: tensor<8xf32>) {
  // expected-error @+1 {{'graph.slice': expected a size >= 0 in dimension 0, got -3}}
  %0 = graph.slice %a
      {offsets = [#graph.expr<"0">], sizes = [#graph.expr<"-3">],
       strides = array<i64: 1>} : (tensor<8xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @concat_none() {
  // expected-error @+1 {{'graph.concat': expected at least one input}}
  %0 = graph.concat {axis = 0 : i64} : () -> tensor<3xf32>
  return
}

// -----

func.func @concat_axis(%a: tensor<8xf32>) {
  // expected-error @+1 {{'graph.concat': expected axis in [0, 1), got 1}}
  %0 = graph.concat %a, %a {axis = 1 : i64}
      : (tensor<8xf32>, tensor<8xf32>) -> tensor<16xf32>
  return
}

// -----

func.func @concat_ranks(%a: tensor<8xf32>, %b: tensor<8x1xf32>) {
  // expected-error @+1 {{'graph.concat': expected inputs of one rank, got 1 and 2}}
  %0 = graph.concat %a, %b {axis = 0 : i64}
      : (tensor<8xf32>, tensor<8x1xf32>) -> tensor<16xf32>
  return
}

// -----

func.func @concat_sizes(%a: tensor<8x2xf32>, %b: tensor<8x3xf32>) {
  // expected-error @+1 {{'graph.concat': expected sizes in dimension 1 to agree, got 2 and 3}}
  %0 = graph.concat %a, %b {axis = 0 : i64}
      : (tensor<8x2xf32>, tensor<8x3xf32>) -> tensor<16x2xf32>
  return
}

// -----

func.func @concat_elements(%a: tensor<8xf32>, %b: tensor<8xi32>) {
  // expected-error @+1 {{'graph.concat': expected operands of one element type, got 'f32' and 'i32'}}
  %0 = graph.concat %a, %b {axis = 0 : i64}
      : (tensor<8xf32>, tensor<8xi32>) -> tensor<16xf32>
  return
}

// -----

func.func @pad_low(%a: tensor<8xf32>) {
  // expected-error @+1 {{'graph.pad': expected 1 low amounts, got 2}}
  %0 = graph.pad %a
      {low = [#graph.expr<"1">, #graph.expr<"1">], high = [#graph.expr<"1">],
       mode = #graph.pad_mode<edge>} : (tensor<8xf32>) -> tensor<10xf32>
  return
}

// -----

func.func @pad_high(%a: tensor<8xf32>) {
  // expected-error @+1 {{'graph.pad': expected 1 high amounts, got 0}}
  %0 = graph.pad %a {low = [#graph.expr<"1">], high = [],
                     mode = #graph.pad_mode<edge>}
      : (tensor<8xf32>) -> tensor<10xf32>
  return
}

// -----

func.func @pad_negative(%a: tensor<8xf32>) {
  // expected-error @+1 {{'graph.pad': expected a size >= 0 in dimension 0, got -2}}
  %0 = graph.pad %a {low = [#graph.expr<"-10">], high = [#graph.expr<"0">],
                     mode = #graph.pad_mode<constant>}
      : (tensor<8xf32>) -> tensor<0xf32>
  return
}

// -----

func.func @pad_value_rank(%a: tensor<8xf32>, %v: tensor<1xf32>) {
  // expected-error @+1 {{'graph.pad': expected a value of rank 0, got rank 1}}
  %0 = graph.pad %a, %v {low = [#graph.expr<"1">], high = [#graph.expr<"0">],
                         mode = #graph.pad_mode<constant>}
      : (tensor<8xf32>, tensor<1xf32>) -> tensor<9xf32>
  return
}

// -----

func.func @pad_value_element(%a: tensor<8xf32>, %v: tensor<i32>) {
  // expected-error @+1 {{'graph.pad': expected operands of one element type, got 'f32' and 'i32'}}
  %0 = graph.pad %a, %v {low = [#graph.expr<"1">], high = [#graph.expr<"0">],
                         mode = #graph.pad_mode<constant>}
      : (tensor<8xf32>, tensor<i32>) -> tensor<9xf32>
  return
}

// -----

func.func @tile_count(%a: tensor<8xf32>) {
  // expected-error @+1 {{'graph.tile': expected 1 repeats, got 2}}
  %0 = graph.tile %a {repeats = [#graph.expr<"1">, #graph.expr<"2">]}
      : (tensor<8xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @tile_negative(%a: tensor<8xf32>) {
  // expected-error @+1 {{'graph.tile': expected repeats >= 0 in dimension 0, got -2}}
  %0 = graph.tile %a {repeats = [#graph.expr<"-2">]}
      : (tensor<8xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @gather_axis(%a: tensor<8xf32>, %i: tensor<2xi64>) {
  // expected-error @+1 {{'graph.gather': expected axis in [0, 1), got 1}}
  %0 = graph.gather %a, %i {axis = 1 : i64}
      : (tensor<8xf32>, tensor<2xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @gather_indices(%a: tensor<8xf32>, %i: tensor<2xf32>) {
  // expected-error @+1 {{'graph.gather': expected integer indices, got 'f32'}}
  %0 = graph.gather %a, %i {axis = 0 : i64}
      : (tensor<8xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @gather_elements_rank(%a: tensor<8x2xf32>, %i: tensor<2xi64>) {
  // expected-error @+1 {{'graph.gather_elements': expected indices of the input's rank 2, got 1}}
  %0 = graph.gather_elements %a, %i {axis = 0 : i64}
      : (tensor<8x2xf32>, tensor<2xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @gather_elements_size(%a: tensor<8x2xf32>, %i: tensor<4x3xi64>) {
  // expected-error @+1 {{'graph.gather_elements': expected at most 2 indices in dimension 1, got 3}}
  %0 = graph.gather_elements %a, %i {axis = 0 : i64}
      : (tensor<8x2xf32>, tensor<4x3xi64>) -> tensor<4x3xf32>
  return
}

// -----

func.func @iota_rank(%a: tensor<1xf32>) {
  // expected-error @+1 {{'graph.iota': expected start and step of rank 0, got ranks 1 and 1}}
  %0 = graph.iota %a, %a {size = #graph.expr<"4">}
      : (tensor<1xf32>, tensor<1xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @iota_elements(%a: tensor<f32>, %b: tensor<i32>) {
  // expected-error @+1 {{'graph.iota': expected operands of one element type, got 'f32' and 'i32'}}
  %0 = graph.iota %a, %b {size = #graph.expr<"4">}
      : (tensor<f32>, tensor<i32>) -> tensor<4xf32>
  return
}

// -----

func.func @iota_size(%a: tensor<f32>) {
  // expected-error @+1 {{'graph.iota': expected a size >= 0 in dimension 0, got -4}}
  %0 = graph.iota %a, %a {size = #graph.expr<"-4">}
      : (tensor<f32>, tensor<f32>) -> tensor<4xf32>
  return
}

// -----

func.func @resize_sizes(%a: tensor<8x2xf32>) {
  // expected-error @+1 {{'graph.resize': expected 2 sizes, got 1}}
  %0 = graph.resize %a
      {sizes = [#graph.expr<"4">], scales = array<f64: 0.0, 0.0>,
       mode = #graph.resize_mode<linear>,
       coordinates = #graph.coordinate_mode<half_pixel>,
       nearest = #graph.nearest_mode<floor>}
      : (tensor<8x2xf32>) -> tensor<4x2xf32>
  return
}

// -----

func.func @resize_scales(%a: tensor<8x2xf32>) {
  // expected-error @+1 {{'graph.resize': expected 2 scales, got 1}}
  %0 = graph.resize %a
      {sizes = [#graph.expr<"4">, #graph.expr<"2">], scales = array<f64: 0.0>,
       mode = #graph.resize_mode<linear>,
       coordinates = #graph.coordinate_mode<half_pixel>,
       nearest = #graph.nearest_mode<floor>}
      : (tensor<8x2xf32>) -> tensor<4x2xf32>
  return
}

// -----

func.func @resize_empty(%a: tensor<0x2xf32>) {
  // expected-error @+1 {{'graph.resize': expected a dimension 0 that is not empty, to resize it to 4}}
  %0 = graph.resize %a
      {sizes = [#graph.expr<"4">, #graph.expr<"2">], scales = array<f64: 0.0, 0.0>,
       mode = #graph.resize_mode<linear>,
       coordinates = #graph.coordinate_mode<half_pixel>,
       nearest = #graph.nearest_mode<floor>}
      : (tensor<0x2xf32>) -> tensor<4x2xf32>
  return
}
