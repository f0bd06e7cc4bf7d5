// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s -split-input-file \
// RUN:     -verify-diagnostics=only-expected
//
// One case for each error of the pointwise ops' inference.

func.func @binary_shapes(%x: tensor<4xf32>, %y: tensor<3xf32>) {
  // expected-error @+1 {{'graph.add': expected shapes that broadcast, got 4 and 3}}
  %0 = graph.add %x, %y : (tensor<4xf32>, tensor<3xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @binary_symbolic_shapes(
    %x: tensor<?xf32, #graph.shape<["N + 4"]>>, %y: tensor<3xf32>) {
  // expected-error @+1 {{'graph.add': expected shapes that broadcast, got (N + 4) and 3}}
  %0 = graph.add %x, %y
      : (tensor<?xf32, #graph.shape<["N + 4"]>>, tensor<3xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @binary_elements(%x: tensor<4xf32>, %y: tensor<4xf64>) {
  // expected-error @+1 {{'graph.mul': expected operands of one element type, got 'f32' and 'f64'}}
  %0 = graph.mul %x, %y : (tensor<4xf32>, tensor<4xf64>) -> tensor<4xf32>
  return
}

// -----

func.func @compare_elements(%x: tensor<4xf32>, %y: tensor<4xi32>) {
  // expected-error @+1 {{'graph.compare': expected operands of one element type, got 'f32' and 'i32'}}
  %0 = graph.compare %x, %y {predicate = #graph.compare<eq>}
      : (tensor<4xf32>, tensor<4xi32>) -> tensor<4xi1>
  return
}

// -----

func.func @select_condition(%c: tensor<4xi8>, %x: tensor<4xf32>) {
  // expected-error @+1 {{'graph.select': expected a condition of i1, got 'i8'}}
  %0 = graph.select %c, %x, %x
      : (tensor<4xi8>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @select_elements(%c: tensor<4xi1>, %x: tensor<4xf32>,
                           %y: tensor<4xi32>) {
  // expected-error @+1 {{'graph.select': expected operands of one element type, got 'f32' and 'i32'}}
  %0 = graph.select %c, %x, %y
      : (tensor<4xi1>, tensor<4xf32>, tensor<4xi32>) -> tensor<4xf32>
  return
}

// -----

func.func @cast_to_no_number(%x: tensor<4xf32>) {
  // expected-error @+1 {{'graph.cast': expected an integer or float type in 'to', got 'vector<4xf32>'}}
  %0 = graph.cast %x {to = vector<4xf32>} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @unary_result_type(%x: tensor<4xf32>) {
  // expected-error @+1 {{'graph.relu' op inferred type(s) 'tensor<4xf32>' are incompatible with return type(s) of operation 'tensor<5xf32>'}}
  %0 = graph.relu %x : (tensor<4xf32>) -> tensor<5xf32>
  return
}
