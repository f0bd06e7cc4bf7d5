// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s -split-input-file \
// RUN:     -verify-diagnostics=only-expected
//
// One case for each check of constants and kernels.

func.func @constant_type() {
  // expected-error @+1 {{expected a value of the result's type 'tensor<3xf32>', got 'tensor<2xf32>'}}
  %0 = graph.constant dense<1.0> : tensor<2xf32> -> tensor<3xf32>
  return
}

// -----

func.func @constant_resource_size() {
  // expected-error @+1 {{expected 12 bytes in resource 'short', got 8}}
  %0 = graph.constant dense_resource<short> : tensor<3xf32> -> tensor<3xf32>
  return
}

{-#
  dialect_resources: {
    builtin: {
      short: "0x040000000000803F00000040"
    }
  }
#-}

// -----

func.func @constant_too_large() {
  // expected-error @+1 {{expected fewer than 2^64 bytes in resource 'few', got 8}}
  %0 = graph.constant dense_resource<few>
      : tensor<4294967296x4294967296xf32>
      -> tensor<4294967296x4294967296xf32>
  return
}

{-#
  dialect_resources: {
    builtin: {
      few: "0x040000000000803F00000040"
    }
  }
#-}

// -----

func.func @dims_type() {
  // expected-error @+1 {{expected a value of the result's type 'tensor<2xi32>', got 'tensor<2xi64>'}}
  %0 = graph.dims <[N, 3], tensor<2xi64>> -> tensor<2xi32>
  return
}

// -----

func.func @kernel_arguments(%x: tensor<4xf32>) {
  // expected-error @+1 {{expected one block argument for each of the 1 inputs, got 0}}
  %0 = graph.kernel "pointwise"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
    %1 = graph.constant dense<1.0> : tensor<4xf32> -> tensor<4xf32>
    graph.yield %1 : tensor<4xf32>
  }
  return
}

// -----

func.func @kernel_argument_type(%x: tensor<4xf32>) {
  // expected-error @+1 {{expected block argument 0 to have its input's type 'tensor<4xf32>', got 'tensor<5xf32>'}}
  %0 = graph.kernel "pointwise"(%x) : (tensor<4xf32>) -> tensor<5xf32> {
  ^bb0(%a: tensor<5xf32>):
    graph.yield %a : tensor<5xf32>
  }
  return
}

// -----

func.func @kernel_without_yield(%x: tensor<4xf32>) {
  // expected-error @+1 {{expected a body that ends in graph.yield}}
  "graph.kernel"(%x) <{family = "pointwise"}> ({
  ^bb0(%a: tensor<4xf32>):
    %0 = graph.relu %a : (tensor<4xf32>) -> tensor<4xf32>
  }) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @yield_types(%x: tensor<4xf32>) {
  %0 = graph.kernel "pointwise"(%x) : (tensor<4xf32>) -> tensor<5xf32> {
  ^bb0(%a: tensor<4xf32>):
    // expected-error @+1 {{expected values of the kernel's result types 'tensor<5xf32>', got 'tensor<4xf32>'}}
    graph.yield %a : tensor<4xf32>
  }
  return
}

// -----

func.func @kernel_uses_value_from_outside(%x: tensor<4xf32>) {
  // expected-note @+1 {{required by region isolation constraints}}
  %0 = graph.kernel "pointwise"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    // expected-error @+1 {{using value defined outside the region}}
    graph.yield %x : tensor<4xf32>
  }
  return
}
