//===- GraphActivationOps.td - Activations and roundings ---*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// More elementwise functions of one tensor: those that networks use whole, and
// those that round or test.
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_GRAPH_GRAPHACTIVATIONOPS_TD
#define TENON_DIALECTS_GRAPH_GRAPHACTIVATIONOPS_TD

include "dialects/Graph/GraphPointwiseOps.td"

def Graph_ReluOp : Graph_Unary<"relu", "max(x, 0); NaN stays NaN">;
def Graph_SigmoidOp : Graph_Unary<"sigmoid", "1 / (1 + exp(-x))">;
def Graph_SoftplusOp : Graph_Unary<"softplus", "log(1 + exp(x))">;
def Graph_FloorOp : Graph_Unary<"floor", "largest integer <= x">;
def Graph_CeilOp : Graph_Unary<"ceil", "smallest integer >= x">;
def Graph_RoundOp : Graph_Unary<"round", "nearest integer, halves to even">;
def Graph_NotOp : Graph_Unary<"not", "bitwise complement; logical for i1">;
def Graph_IsNaNOp : Graph_Test<"is_nan", "whether x is not a number">;
def Graph_IsInfOp : Graph_Test<"is_inf", "whether x is infinite"> {
  let description = [{
    `positive` and `negative` say which infinities count.

    Example:
    `%y = graph.is_inf %x {negative = false} : (tensor<4xf32>) -> tensor<4xi1>`
  }];
  let arguments = (ins Graph_Tensor:$input,
                       DefaultValuedAttr<BoolAttr, "true">:$positive,
                       DefaultValuedAttr<BoolAttr, "true">:$negative);
}

def Graph_GeluOp
    : Graph_Unary<"gelu", "x * Phi(x), Gaussian error linear unit"> {
  let description = [{
    `approximate_tanh = false`: 0.5 x (1 + erf(x / sqrt 2)); true:
    0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).

    Example: `%y = graph.gelu %x : (tensor<4xf32>) -> tensor<4xf32>`
  }];
  let arguments = (ins Graph_Tensor:$input,
                       DefaultValuedAttr<BoolAttr, "false">:$approximate_tanh);
}
def Graph_ClampOp : Graph_Unary<"clamp", "min(max(x, low), high)"> {
  let description = [{
    NaN stays NaN. Integers: the bounds are whole numbers.

    Example:
    ```mlir
    %y = graph.clamp %x {low = 0.0 : f64, high = 6.0 : f64}
        : (tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$input, F64Attr:$low, F64Attr:$high);
}
def Graph_LeakyReluOp : Graph_Unary<"leaky_relu", "x if x >= 0, else alpha x"> {
  let description = [{
    Example:
    ```mlir
    %y = graph.leaky_relu %x {alpha = 0.01 : f64}
        : (tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$input, F64Attr:$alpha);
}
def Graph_EluOp : Graph_Unary<"elu", "x if x >= 0, else alpha (exp(x) - 1)"> {
  let description = [{
    Example:
    ```mlir
    %y = graph.elu %x {alpha = 1.0 : f64}
        : (tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$input, F64Attr:$alpha);
}
def Graph_HardSigmoidOp
    : Graph_Unary<"hard_sigmoid", "min(max(alpha x + beta, 0), 1)"> {
  let description = [{
    Example:
    ```mlir
    %y = graph.hard_sigmoid %x {alpha = 0.2 : f64, beta = 0.5 : f64}
        : (tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$input, F64Attr:$alpha, F64Attr:$beta);
}
def Graph_HardSwishOp
    : Graph_Unary<"hard_swish", "x min(max(alpha x + beta, 0), 1)"> {
  let description = [{
    Example:
    ```mlir
    %y = graph.hard_swish %x {alpha = 0.1666667 : f64, beta = 0.5 : f64}
        : (tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$input, F64Attr:$alpha, F64Attr:$beta);
}
def Graph_SiluOp : Graph_Unary<"silu", "x / (1 + exp(-x))">;

def Graph_CastOp : Graph_InferredOp<"cast", [PointwiseTrait]> {
  let summary = "Converts each element to another type";
  let description = [{
    float to integer truncates towards zero and saturates (NaN gives 0); to i1:
    x != 0. `to` is the result's element type. With `keep_digits` a kernel may
    go on with what it has in registers instead: the rounding to a narrower
    float type is then that of the value's storage, not part of the model.

    Example: `graph.cast %x {to = f32} : (tensor<4xf16>) -> tensor<4xf32>`
  }];
  let arguments = (ins Graph_Tensor:$input, TypeAttr:$to,
                       UnitAttr:$keep_digits);
  let results = (outs Graph_Tensor:$result);
  let hasFolder = 1;
}

#endif // TENON_DIALECTS_GRAPH_GRAPHACTIVATIONOPS_TD
