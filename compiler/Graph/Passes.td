//===- Passes.td - Passes from graph to graph --------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In the order in which the compiler runs them. Each works on any op that
// holds graph ops: a function or a module.
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_GRAPH_PASSES_TD
#define TENON_COMPILER_GRAPH_PASSES_TD

include "mlir/Pass/PassBase.td"

class Graph_Pass<string flag> : Pass<flag> {
  let dependentDialects = ["::mlir::tenon::graph::GraphDialect"];
}

def WidenFloatsPass : Graph_Pass<"graph-widen-floats"> {
  let summary = "Compute f16 and bf16 in f32";
  let description = [{
    For targets that lack the narrow types. Arguments, results and constants
    keep their types, with a cast beside them; every op in between computes in
    f32. A cast to f16 that the model itself contains still rounds.

    ```mlir
    func.func @f(%x: tensor<4xf16>) -> tensor<4xf16> {
      %0 = graph.exp %x : (tensor<4xf16>) -> tensor<4xf16>
      return %0 : tensor<4xf16>

    ==>

    func.func @f(%x: tensor<4xf16>) -> tensor<4xf16> {
      %0 = graph.cast %x {to = f32} : (tensor<4xf16>) -> tensor<4xf32>
      %1 = graph.exp %0 : (tensor<4xf32>) -> tensor<4xf32>
      %2 = graph.cast %1 {to = f16} : (tensor<4xf32>) -> tensor<4xf16>
      return %2 : tensor<4xf16>
    ```
  }];
  let options = [
    Option<"widenF16", "f16", "bool", "true", "Widen f16">,
    Option<"widenBf16", "bf16", "bool", "true", "Widen bf16">];
}

def RecoverPatternsPass : Graph_Pass<"graph-recover-patterns"> {
  let summary = "Find the functions that exporters have spelt out";
  let description = [{
    Knows the forms of PyTorch, PaddlePaddle and TensorFlow: activations
    (RecoverActivations.cpp), GELU (RecoverGelu.cpp), layer and RMS
    normalization (RecoverLayerNorm.cpp), softmax (RecoverSoftmax.cpp) and
    attention (RecoverAttention.cpp).

    ```mlir
    %0 = graph.div %x, %sqrt2 : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
    %1 = graph.erf %0 : (tensor<4xf32>) -> tensor<4xf32>
    %2 = graph.add %1, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
    %3 = graph.mul %x, %2 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %4 = graph.mul %3, %half : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>

    ==>

    %4 = graph.gelu %x : (tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
}

def FoldAffinePass : Graph_Pass<"graph-fold-affine"> {
  let summary = "Fold scales and offsets into constant weights";
  let description = [{
    A constant factor or summand for each channel, beside a convolution or a
    matmul with constant weights, becomes arithmetic on the weights, which
    constant folding evaluates. This is how batch normalization vanishes.
    Applies where the convolution has no other user.

    ```mlir
    %0 = graph.conv %x, %w {...}
         : (tensor<1x3x8x8xf32>, tensor<4x3x1x1xf32>) -> tensor<1x4x8x8xf32>
    %1 = graph.mul %0, %s
         : (tensor<1x4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<1x4x8x8xf32>

    ==>

    %0 = graph.reshape %s {sizes = [4, 1, 1, 1]}
         : (tensor<4x1x1xf32>) -> tensor<4x1x1x1xf32>
    %1 = graph.mul %w, %0
         : (tensor<4x3x1x1xf32>, tensor<4x1x1x1xf32>) -> tensor<4x3x1x1xf32>
    %2 = graph.conv %x, %1 {...}
         : (tensor<1x3x8x8xf32>, tensor<4x3x1x1xf32>) -> tensor<1x4x8x8xf32>
    ```
  }];
}

def CanonicalizeMovementPass : Graph_Pass<"graph-canonicalize-movement"> {
  let summary = "Remove and shorten chains of ops that only move data";
  let description = [{
    Transposes and reshapes that undo each other vanish, also through pointwise
    ops between them (MoveTransposes.cpp, MoveReshapes.cpp); slices move up to
    the tensor that they read (MoveSlices.cpp); one-dimensional windows become
    two-dimensional ones, and zero padding goes into the convolution
    (MoveConvolutions.cpp).

    ```mlir
    %0 = graph.transpose %x {perm = array<i64: 0, 2, 3, 1>} : (...)
    %1 = graph.relu %0 : (...)
    %2 = graph.transpose %1 {perm = array<i64: 0, 3, 1, 2>} : (...)

    ==>

    %2 = graph.relu %x : (...)
    ```
  }];
}

def AssignLayoutsPass
    : Pass<"graph-assign-layouts", "::mlir::func::FuncOp"> {
  let summary = "Decide which tensors are channel-blocked";
  let description = [{
    Convolutions and what follows them work on blocks of channels, with a halo
    of zeros where the next convolution pads; `graph.relayout` marks the
    borders.

    ```mlir
    %0 = graph.conv %x, %w {pads = array<i64: 1, 1, 1, 1>, ...}
         : (tensor<1x16x8x8xf32>, tensor<16x16x3x3xf32>) -> tensor<1x16x8x8xf32>
    return %0 : tensor<1x16x8x8xf32>

    ==>

    %0 = graph.relayout %x : (tensor<1x16x8x8xf32>)
         -> tensor<1x16x8x8xf32, #graph.shape<[], <8, [1, 1, 1, 1]>>>
    %1 = graph.conv %0, %w {pads = array<i64: 1, 1, 1, 1>, ...}
         : (..., tensor<16x16x3x3xf32>)
         -> tensor<1x16x8x8xf32, #graph.shape<[], <8, []>>>
    %2 = graph.relayout %1 : (...) -> tensor<1x16x8x8xf32>
    return %2 : tensor<1x16x8x8xf32>
    ```
  }];
  let dependentDialects = ["::mlir::tenon::graph::GraphDialect"];
  let options = [Option<"channelBlock", "channel-block", "int64_t", "8",
                        "Channels in a block: f32 lanes of the target">];
}

def ExpandAttentionPass : Graph_Pass<"graph-expand-attention"> {
  let summary = "Attention as matmuls and softmax";
  let description = [{
    For targets without an attention kernel.

    ```mlir
    %y = graph.attention %q, %k, %v {scale = 0.125 : f64}
         : (tensor<2x7x64xf32>, tensor<2x9x64xf32>, tensor<2x9x64xf32>)
         -> tensor<2x7x64xf32>

    ==>

    %c = graph.constant dense<1.250000e-01> : tensor<f32>
    %0 = graph.matmul %q, %k {transpose_rhs = true} : (...) -> tensor<2x7x9xf32>
    %1 = graph.mul %0, %c : (...) -> tensor<2x7x9xf32>
    %2 = graph.softmax %1 {axis = 2 : i64} : (...) -> tensor<2x7x9xf32>
    %y = graph.matmul %2, %v : (...) -> tensor<2x7x64xf32>
    ```
  }];
}

def ExpandConvolutionsPass : Graph_Pass<"graph-expand-convolutions"> {
  let summary = "Convolutions with one tap as matmuls";
  let description = [{
    For targets whose products of matrices are faster than their convolutions.
    Pointwise ops behind a convolution are flattened, too.

    ```mlir
    %0 = graph.conv %x, %f, %b {strides = array<i64: 1, 1>, ...}
         : (tensor<2x64x7x7xf32>, tensor<32x64x1x1xf32>, tensor<32xf32>)
         -> tensor<2x32x7x7xf32>
    %y = graph.relu %0

    ==>

    %1 = graph.reshape %x -> tensor<2x64x49xf32>
    %2 = graph.matmul %f, %1 : (tensor<32x64xf32>, tensor<2x64x49xf32>) -> ...
    %3 = graph.add %2, %b : (tensor<2x32x49xf32>, tensor<32x1xf32>) -> ...
    %4 = graph.relu %3
    %y = graph.reshape %4 -> tensor<2x32x7x7xf32>
    ```
  }];
}

def LowerPrecisionPass
    : Pass<"graph-lower-precision", "::mlir::func::FuncOp"> {
  let summary = "Compute in f16, bf16 or TF32 where it is safe";
  let description = [{
    For targets whose kernels take narrow operands and accumulate in f32. What
    needs the range or the digits of f32 keeps it (Precision.h says what), and
    arguments and results keep their types. Constants are rounded here, but for
    small ones of pointwise ops and biases of convolutions in bf16, which would
    lose too much.

    ```mlir
    %0 = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
    %1 = graph.softmax %0 {axis = 1 : i64} : (tensor<4x2xf32>) -> tensor<4x2xf32>
    return %1 : tensor<4x2xf32>

    ==>

    %0 = graph.cast %x {to = f16} : (tensor<4x8xf32>) -> tensor<4x8xf16>
    %1 = graph.matmul %0, %w : (tensor<4x8xf16>, tensor<8x2xf16>) -> tensor<4x2xf16>
    %2 = graph.cast %1 {to = f32} : (tensor<4x2xf16>) -> tensor<4x2xf32>
    %3 = graph.softmax %2 {axis = 1 : i64} : (tensor<4x2xf32>) -> tensor<4x2xf32>
    return %3 : tensor<4x2xf32>
    ```
  }];
  let dependentDialects = ["::mlir::tenon::graph::GraphDialect"];
  let options = [
    Option<"type", "type", "std::string", "\"\"",
           "f16, bf16 or f32; empty: the type that the model was written in">,
    Option<"tf32", "tf32", "bool", "false",
           "Products that stay in f32 may use TF32">,
    ListOption<"nodes", "nodes", "std::string",
               "NODE_PATTERN:TYPE, the last that matches decides">];
}

def FuseKernelsPass : Pass<"graph-fuse-kernels", "::mlir::func::FuncOp"> {
  let summary = "Group ops into kernels";
  let description = [{
    Every op that computes ends up in a `graph.kernel`: an anchor with its
    epilogue and the views that it reads through, or a chain of pointwise and
    movement ops. Reshapes of row-major tensors stay outside: they are the same
    bytes.

    ```mlir
    %0 = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
    %1 = graph.relu %0 : (tensor<4x2xf32>) -> tensor<4x2xf32>

    ==>

    %1 = graph.kernel "matmul"(%x, %w) {graph.constants = array<i64: 1>, ...}
         : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32> {
    ^bb0(%a: tensor<4x8xf32>, %b: tensor<8x2xf32>):
      %2 = graph.matmul %a, %b {graph.anchor} : ...
      %3 = graph.relu %2 : ...
      graph.yield %3 : tensor<4x2xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::tenon::graph::GraphDialect"];
}

def MergeKernelsPass : Pass<"graph-merge-kernels", "::mlir::func::FuncOp"> {
  let summary = "Give pointwise kernels several results";
  let description = [{
    Two pointwise kernels over the same elements become one if one reads what the
    other writes, or both read the same tensor: one launch, each element read
    once. What only the kernel itself uses is not stored.

    ```mlir
    %0 = graph.kernel "pointwise"(%x) {
      %2 = graph.exp %a
      graph.yield %2
    }
    %1 = graph.kernel "pointwise"(%0, %y) {
      %3 = graph.add %a, %b
      graph.yield %3
    }
    use %0, %1

    ==>

    %0:2 = graph.kernel "pointwise"(%x, %y) {
      %2 = graph.exp %a
      %3 = graph.add %2, %b
      graph.yield %2, %3
    }
    ```
  }];
  let dependentDialects = ["::mlir::tenon::graph::GraphDialect"];
}

#endif // TENON_COMPILER_GRAPH_PASSES_TD
