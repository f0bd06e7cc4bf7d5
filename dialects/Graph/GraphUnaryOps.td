//===- GraphUnaryOps.td - Elementwise, of one tensor -------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_GRAPH_GRAPHUNARYOPS_TD
#define TENON_DIALECTS_GRAPH_GRAPHUNARYOPS_TD

include "dialects/Graph/GraphPointwiseOps.td"

def Graph_AbsOp : Graph_Unary<"abs", "|x|">;
def Graph_NegOp : Graph_Unary<"neg", "-x">;
def Graph_SignOp : Graph_Unary<"sign", "-1, 0 or 1 with the sign of x">;
def Graph_ReciprocalOp : Graph_Unary<"reciprocal", "1 / x">;
def Graph_SqrtOp : Graph_Unary<"sqrt", "square root of x">;
def Graph_RsqrtOp
    : Graph_Unary<"rsqrt", "1 / sqrt(x), correctly rounded steps">;
def Graph_ExpOp : Graph_Unary<"exp", "e to the x">;
def Graph_LogOp : Graph_Unary<"log", "natural logarithm of x">;
def Graph_ErfOp : Graph_Unary<"erf", "Gauss error function of x">;
def Graph_SinOp : Graph_Unary<"sin", "sine of x (radians)">;
def Graph_CosOp : Graph_Unary<"cos", "cosine of x (radians)">;
def Graph_TanOp : Graph_Unary<"tan", "tangent of x (radians)">;
def Graph_AsinOp : Graph_Unary<"asin", "arc sine of x">;
def Graph_AcosOp : Graph_Unary<"acos", "arc cosine of x">;
def Graph_AtanOp : Graph_Unary<"atan", "arc tangent of x">;
def Graph_SinhOp : Graph_Unary<"sinh", "hyperbolic sine of x">;
def Graph_CoshOp : Graph_Unary<"cosh", "hyperbolic cosine of x">;
def Graph_TanhOp : Graph_Unary<"tanh", "hyperbolic tangent of x">;
def Graph_AsinhOp : Graph_Unary<"asinh", "inverse hyperbolic sine of x">;
def Graph_AcoshOp : Graph_Unary<"acosh", "inverse hyperbolic cosine of x">;
def Graph_AtanhOp : Graph_Unary<"atanh", "inverse hyperbolic tangent of x">;

#endif // TENON_DIALECTS_GRAPH_GRAPHUNARYOPS_TD
