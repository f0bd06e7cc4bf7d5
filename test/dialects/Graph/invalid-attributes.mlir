// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s -split-input-file -verify-diagnostics
//
// One case for each check of an attribute.

// expected-error @+1 {{expected a formula like "2*H + 1", got "2*"}}
func.func @expr_incomplete() attributes {a = #graph.expr<"2*">} { return }

// -----

// expected-error @+1 {{expected a formula like "2*H + 1", got "H floordiv 0"}}
func.func @expr_division_by_zero() attributes {a = #graph.expr<"H floordiv 0">} {
  return
}

// -----

// expected-error @+1 {{expected sizes or a layout, got neither: leave the encoding away}}
func.func @shape_empty(%a: tensor<4xf32, #graph.shape<[]>>) { return }

// -----

// expected-error @+1 {{expected a size that is not constant: sizes of a static tensor stand in its type alone}}
func.func @shape_all_constant(%a: tensor<4xf32, #graph.shape<[4]>>) { return }

// -----

// expected-error @+1 {{expected 2 sizes in #graph.shape (the tensor's rank), got 1}}
func.func @shape_rank(%a: tensor<?x4xf32, #graph.shape<[N]>>) { return }

// -----

// expected-error @+1 {{expected dimension 1 to be the same in the type and in #graph.shape, got 4 and 5}}
func.func @shape_other_size(%a: tensor<?x4xf32, #graph.shape<[N, 5]>>) { return }

// -----

// expected-error @+1 {{expected dimension 1 to be the same in the type and in #graph.shape, got 4 and M}}
func.func @shape_symbol_for_static(%a: tensor<?x4xf32, #graph.shape<[N, M]>>) {
  return
}

// -----

// expected-error @+2 {{expected sizes in #graph.shape for a tensor with dynamic dimensions, got none}}
func.func @shape_layout_without_sizes(
    %a: tensor<?x4xf32, #graph.shape<[], #graph.layout<8>>>) {
  return
}

// -----

// expected-error @+1 {{expected rank >= 2 for a channel-blocked layout, got rank 1}}
func.func @layout_rank_1(%a: tensor<4xf32, #graph.shape<[], #graph.layout<8>>>) {
  return
}

// -----

// expected-error @+1 {{expected a channel block >= 0, got -8}}
func.func @layout_negative_block() attributes {a = #graph.layout<-8>} { return }

// -----

// expected-error @+1 {{expected low and high sides of the halo, got 3 numbers}}
func.func @layout_odd_halo() attributes {a = #graph.layout<8, [1, 1, 1]>} {
  return
}

// -----

// expected-error @+1 {{expected sides of the halo to be >= 0}}
func.func @layout_negative_halo() attributes {a = #graph.layout<8, [1, -1]>} {
  return
}

// -----

// expected-error @+2 {{expected 3 sizes, got 2}}
func.func @dim_vector_count() attributes {
    a = #graph.dim_vector<[N, 3], tensor<3xi64>>} {
  return
}

// -----

// expected-error @+2 {{expected an integer tensor of static shape, got 'tensor<2xf32>'}}
func.func @dim_vector_of_floats() attributes {
    a = #graph.dim_vector<[N, 3], tensor<2xf32>>} {
  return
}
