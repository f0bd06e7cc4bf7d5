// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %tenon-opt %s | %tenon-opt | FileCheck %s
//
// Attributes are printed as they are read, and formulas in normal form.

// CHECK-LABEL: @shape_static_has_no_encoding(
// CHECK-SAME: tensor<2x3xf32>)
func.func @shape_static_has_no_encoding(%a: tensor<2x3xf32>) { return }

// CHECK-LABEL: @shape_symbols(
// CHECK-SAME: tensor<?x3x?xf32, #graph.shape<[N, 3, "2*H"]>>
func.func @shape_symbols(%a: tensor<?x3x?xf32, #graph.shape<[N, 3, "H + H"]>>) {
  return
}

// CHECK-LABEL: @shape_name_in_quotes(
// CHECK-SAME: tensor<?xf32, #graph.shape<["'batch size'"]>>
func.func @shape_name_in_quotes(
    %a: tensor<?xf32, #graph.shape<["'batch size'"]>>) {
  return
}

// CHECK-LABEL: @shape_layout_of_static(
// CHECK-SAME: tensor<1x16x4x4xf32, #graph.shape<[], #graph.layout<8>>>
func.func @shape_layout_of_static(
    %a: tensor<1x16x4x4xf32, #graph.shape<[], #graph.layout<8>>>) {
  return
}

// CHECK-LABEL: @shape_layout_of_dynamic(
// CHECK-SAME: #graph.shape<[N, 16, 4, 4], #graph.layout<8, [1, 1, 0, 0]>>
func.func @shape_layout_of_dynamic(
    %a: tensor<?x16x4x4xf32,
        #graph.shape<[N, 16, 4, 4], #graph.layout<8, [1, 1, 0, 0]>>>) {
  return
}

// CHECK-LABEL: @expr_normal_form
// CHECK-SAME: a = #graph.expr<"(H floordiv 6)">
// CHECK-SAME: b = #graph.expr<"H">
// CHECK-SAME: c = #graph.expr<"H + 1">
// CHECK-SAME: d = #graph.expr<"min(H, W) + 3">
// CHECK-SAME: e = #graph.expr<"select(H - 3, W, 7)">
// CHECK-SAME: f = #graph.expr<"-1">
func.func @expr_normal_form() attributes {
    a = #graph.expr<"((H floordiv 2) floordiv 3)">,
    b = #graph.expr<"((4*H + 2) floordiv 4)">,
    c = #graph.expr<"(2*H + 2) floordiv 2">,
    d = #graph.expr<"min(W, H) + 3">,
    e = #graph.expr<"select(H - 3, W, 7)">,
    f = #graph.expr<"-1">} {
  return
}

// CHECK-LABEL: @dim_vector_and_constraint
// CHECK-SAME: d = #graph.dim_vector<[N, 3, "2*H"], tensor<3xi64>>
// CHECK-SAME: e = #graph.dim_vector<[N], tensor<i32>>
// CHECK-SAME: r = #graph.constraint<<"N">, <"M">, "batch sizes of a and b agree">
func.func @dim_vector_and_constraint() attributes {
    d = #graph.dim_vector<[N, 3, "2*H"], tensor<3xi64>>,
    e = #graph.dim_vector<[N], tensor<i32>>,
    r = #graph.constraint<<"N">, <"M">, "batch sizes of a and b agree">} {
  return
}
