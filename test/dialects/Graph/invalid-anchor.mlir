// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s -split-input-file \
// RUN:     -verify-diagnostics=only-expected
//
// One case for each error of contractions, reductions and norms.

func.func @matmul_rank(%a: tensor<4xf32>, %b: tensor<4x8xf32>) {
  // expected-error @+1 {{'graph.matmul': expected operands of rank >= 2, got ranks 1 and 2}}
  %0 = graph.matmul %a, %b : (tensor<4xf32>, tensor<4x8xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @matmul_inner(%a: tensor<2x64xf32>, %b: tensor<32x8xf32>) {
  // expected-error @+1 {{'graph.matmul': expected inner sizes to agree, got 64 and 32}}
  %0 = graph.matmul %a, %b
      : (tensor<2x64xf32>, tensor<32x8xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @matmul_inner_transposed(%a: tensor<2x64xf32>, %b: tensor<64x8xf32>) {
  // expected-error @+1 {{'graph.matmul': expected inner sizes to agree, got 64 and 8}}
  %0 = graph.matmul %a, %b {transpose_rhs = true}
      : (tensor<2x64xf32>, tensor<64x8xf32>) -> tensor<2x64xf32>
  return
}

// -----

func.func @matmul_elements(%a: tensor<2x4xf32>, %b: tensor<4x8xf16>) {
  // expected-error @+1 {{'graph.matmul': expected operands of one element type, got 'f32' and 'f16'}}
  %0 = graph.matmul %a, %b
      : (tensor<2x4xf32>, tensor<4x8xf16>) -> tensor<2x8xf32>
  return
}

// -----

func.func @matmul_batch(%a: tensor<3x2x4xf32>, %b: tensor<5x4x8xf32>) {
  // expected-error @+1 {{'graph.matmul': expected batch sizes that broadcast, got 3 and 5}}
  %0 = graph.matmul %a, %b
      : (tensor<3x2x4xf32>, tensor<5x4x8xf32>) -> tensor<3x2x8xf32>
  return
}

// -----

func.func @reduce_axis(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{'graph.reduce': expected axes in [0, 2), got 2}}
  %0 = graph.reduce %a {kind = #graph.reduce_kind<sum>, keep = false,
                        axes = array<i64: 2>}
      : (tensor<2x4xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @reduce_order(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{'graph.reduce': expected axes in increasing order, got 1 before 0}}
  %0 = graph.reduce %a {kind = #graph.reduce_kind<sum>, keep = false,
                        axes = array<i64: 1, 0>}
      : (tensor<2x4xf32>) -> tensor<f32>
  return
}

// -----

func.func @arg_reduce_kind(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{'graph.arg_reduce': expected kind max or min, got sum}}
  %0 = graph.arg_reduce %a {kind = #graph.reduce_kind<sum>, keep = false,
                            axis = 1 : i64}
      : (tensor<2x4xf32>) -> tensor<2xi64>
  return
}

// -----

func.func @arg_reduce_empty(%a: tensor<2x0xf32>) {
  // expected-error @+1 {{'graph.arg_reduce': expected a dimension 1 that is not empty: it has no largest element}}
  %0 = graph.arg_reduce %a {kind = #graph.reduce_kind<max>, keep = false,
                            axis = 1 : i64}
      : (tensor<2x0xf32>) -> tensor<2xi64>
  return
}

// -----

func.func @arg_reduce_axis(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{'graph.arg_reduce': expected axis in [0, 2), got -1}}
  %0 = graph.arg_reduce %a {kind = #graph.reduce_kind<max>, keep = false,
                            axis = -1 : i64}
      : (tensor<2x4xf32>) -> tensor<2xi64>
  return
}

// -----

func.func @softmax_axis(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{'graph.softmax': expected axis in [0, 2), got 5}}
  %0 = graph.softmax %a {axis = 5 : i64}
      : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @layer_norm_axis(%a: tensor<2x4xf32>) {
  // expected-error @+1 {{'graph.layer_norm': expected axis in [0, 2), got 2}}
  %0 = graph.layer_norm %a {axis = 2 : i64, epsilon = 1.0e-5 : f64}
      : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @layer_norm_scale(%a: tensor<2x4xf32>, %s: tensor<3xf32>) {
  // expected-error @+1 {{'graph.layer_norm': expected scale and bias that broadcast to 2x4, got 3}}
  %0 = graph.layer_norm %a scale %s {axis = 1 : i64, epsilon = 1.0e-5 : f64}
      : (tensor<2x4xf32>, tensor<3xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @layer_norm_scale_grows(%a: tensor<2x1xf32>, %s: tensor<3xf32>) {
  // expected-error @+1 {{'graph.layer_norm': expected scale and bias that broadcast to 2x1, got 3}}
  %0 = graph.layer_norm %a scale %s {axis = 1 : i64, epsilon = 1.0e-5 : f64}
      : (tensor<2x1xf32>, tensor<3xf32>) -> tensor<2x1xf32>
  return
}

// -----

func.func @layer_norm_elements(%a: tensor<2x4xf32>, %s: tensor<4xf16>) {
  // expected-error @+1 {{'graph.layer_norm': expected operands of one element type, got 'f32' and 'f16'}}
  %0 = graph.layer_norm %a scale %s {axis = 1 : i64, epsilon = 1.0e-5 : f64}
      : (tensor<2x4xf32>, tensor<4xf16>) -> tensor<2x4xf32>
  return
}

// -----

func.func @layer_norm_rms_bias(%a: tensor<2x4xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{'graph.layer_norm': expected no bias with rms}}
  %0 = graph.layer_norm %a bias %b
      {axis = 1 : i64, epsilon = 1.0e-5 : f64, rms = true}
      : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @attention_rank(%q: tensor<8xf32>) {
  // expected-error @+1 {{'graph.attention': expected query, key and value of rank >= 2, got ranks 1, 1 and 1}}
  %0 = graph.attention %q, %q, %q {scale = 1.0 : f64}
      : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @attention_last_size(%q: tensor<4x8xf32>, %k: tensor<4x6xf32>) {
  // expected-error @+1 {{'graph.attention': expected last sizes of query and key to agree, got 8 and 6}}
  %0 = graph.attention %q, %k, %k {scale = 1.0 : f64}
      : (tensor<4x8xf32>, tensor<4x6xf32>, tensor<4x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

func.func @attention_length(%q: tensor<4x8xf32>, %v: tensor<5x8xf32>) {
  // expected-error @+1 {{'graph.attention': expected lengths of key and value to agree, got 4 and 5}}
  %0 = graph.attention %q, %q, %v {scale = 1.0 : f64}
      : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<5x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @attention_mask(%q: tensor<4x8xf32>, %m: tensor<3x4xf32>) {
  // expected-error @+1 {{'graph.attention': expected a mask that broadcasts to 4x4, got 3x4}}
  %0 = graph.attention %q, %q, %q, %m {scale = 1.0 : f64}
      : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<3x4xf32>)
      -> tensor<4x8xf32>
  return
}

// -----

func.func @attention_elements(%q: tensor<4x8xf32>, %m: tensor<4x4xi1>) {
  // expected-error @+1 {{'graph.attention': expected operands of one element type, got 'f32' and 'i1'}}
  %0 = graph.attention %q, %q, %q, %m {scale = 1.0 : f64}
      : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x4xi1>)
      -> tensor<4x8xf32>
  return
}
