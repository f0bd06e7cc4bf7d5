//===- GraphBinaryOps.td - Elementwise, of more tensors ----*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_GRAPH_GRAPHBINARYOPS_TD
#define TENON_DIALECTS_GRAPH_GRAPHBINARYOPS_TD

include "dialects/Graph/GraphPointwiseOps.td"

def Graph_AddOp : Graph_Binary<"add", "x + y", [Commutative]>;
def Graph_SubOp : Graph_Binary<"sub", "x - y">;
def Graph_MulOp : Graph_Binary<"mul", "x * y", [Commutative]>;
def Graph_DivOp : Graph_Binary<"div", "x / y; integers truncate"> {
  let description = [{
    Integer division by zero gives 0 and MIN / -1 gives MIN.

    Example: `%z = graph.div %x, %y : (tensor<4xi32>, tensor<i32>)
      -> tensor<4xi32>`
  }];
}
def Graph_ModOp : Graph_Binary<"mod", "remainder of x / y"> {
  let description = [{
    `fmod = false`: the sign follows y (Python); true: the sign follows x (C).
    Integer division by zero gives 0.

    Example: `%z = graph.mod %x, %y {fmod = true}
      : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>`
  }];
  let arguments = (ins Graph_Tensor:$lhs, Graph_Tensor:$rhs,
                       DefaultValuedAttr<BoolAttr, "false">:$fmod);
}
def Graph_PowOp : Graph_Pointwise<"pow", "inferPow", []> {
  let summary = "Elementwise x to the y, broadcasting; x's element type";
  let description = [{
    Example: `%z = graph.pow %x, %y : (tensor<4xf32>, tensor<i32>)
      -> tensor<4xf32>`
  }];
  let arguments = (ins Graph_Tensor:$lhs, Graph_Tensor:$rhs);
}
def Graph_MaxOp
    : Graph_Binary<"max", "larger of x and y; NaN if either is", [Commutative]>;
def Graph_MinOp
    : Graph_Binary<"min", "smaller of x and y; NaN if either is",
                   [Commutative]>;
def Graph_AndOp : Graph_Binary<"and", "bitwise x and y", [Commutative]>;
def Graph_OrOp : Graph_Binary<"or", "bitwise x or y", [Commutative]>;
def Graph_XorOp : Graph_Binary<"xor", "bitwise x xor y", [Commutative]>;
def Graph_ShiftLeftOp
    : Graph_Binary<"shift_left", "x << y (0 if y is too large)">;
def Graph_ShiftRightOp
    : Graph_Binary<"shift_right", "x >> y, arithmetic if signed (all sign if y is too large)">;
def Graph_PreluOp : Graph_Binary<"prelu", "x if x >= 0, else y x">;

def Graph_CompareOp : Graph_Pointwise<"compare", "inferCompare", []> {
  let summary = "Elementwise comparison, broadcasting; the result is i1";
  let description = [{
    NaN compares false, except with `ne`.

    Example:
    ```mlir
    graph.compare %a, %b {predicate = #graph.compare<lt>}
        : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
    ```
  }];
  let arguments = (ins Graph_Tensor:$lhs, Graph_Tensor:$rhs,
                       Graph_ComparePredicateAttr:$predicate);
}

def Graph_SelectOp : Graph_Pointwise<"select", "inferSelect", []> {
  let summary = "condition ? x : y, elementwise, all three broadcasting";
  let description = [{
    Example:
    ```mlir
    graph.select %c, %x, %y
        : (tensor<4xi1>, tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$condition, Graph_Tensor:$lhs,
                       Graph_Tensor:$rhs);
}

#endif // TENON_DIALECTS_GRAPH_GRAPHBINARYOPS_TD
