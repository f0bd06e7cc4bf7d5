//===- GraphStructureOps.td - Constants, kernels, yields ---*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_GRAPH_GRAPHSTRUCTUREOPS_TD
#define TENON_DIALECTS_GRAPH_GRAPHSTRUCTUREOPS_TD

include "dialects/Graph/GraphDialect.td"

def Graph_ConstantOp : Graph_Op<"constant", [Pure, ConstantLike]> {
  let summary = "A tensor known at compile time";
  let description = [{
    Large values are `dense_resource`; `name` is the initializer it came from.

    Example: `%0 = graph.constant dense<1.0> : tensor<4xf32>`
  }];
  let arguments = (ins ElementsAttr:$value, OptionalAttr<StrAttr>:$name);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$value (`name` $name^)? attr-dict `->` type($result)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Graph_DimsOp : Graph_Op<"dims", [Pure, ConstantLike]> {
  let summary = "A small integer tensor whose elements are sizes";
  let description = [{
    Example: `%0 = graph.dims <[N, 3], tensor<2xi64>> -> tensor<2xi64>`
  }];
  let arguments = (ins Graph_DimVectorAttr:$value);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$value attr-dict `->` type($result)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Graph_KernelOp : Graph_Op<"kernel", [Pure, IsolatedFromAbove,
    SingleBlock]> {
  let summary = "One kernel to be: an anchor with all that is fused into it";
  let description = [{
    The body computes the results from the operands, which are its block
    arguments; it ends in `graph.yield`. The op with the attribute
    `graph.anchor` is what the kernel is built around. `family` says which
    kernel family builds it, `schedule` how.

    Example:
    ```mlir
    %y = graph.kernel "matmul"(%x, %w)
        : (tensor<4x64xf32>, tensor<64x8xf32>) -> tensor<4x8xf32> {
    ^bb0(%a: tensor<4x64xf32>, %b: tensor<64x8xf32>):
      %0 = graph.matmul %a, %b {graph.anchor}
          : (tensor<4x64xf32>, tensor<64x8xf32>) -> tensor<4x8xf32>
      %1 = graph.relu %0 : (tensor<4x8xf32>) -> tensor<4x8xf32>
      graph.yield %1 : tensor<4x8xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<Graph_Tensor>:$inputs, StrAttr:$family,
                       OptionalAttr<DictionaryAttr>:$schedule);
  let results = (outs Variadic<Graph_Tensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $family `(` $inputs `)` attr-dict `:` functional-type(operands, results)
    $body
  }];
  let hasVerifier = 1;
}

def Graph_YieldOp : Graph_Op<"yield", [Pure, Terminator,
    HasParent<"KernelOp">]> {
  let summary = "Ends a kernel body with its results";
  let description = [{
    Example:
    ```mlir
    graph.yield %1 : tensor<4x8xf32>
    ```
  }];
  let arguments = (ins Variadic<Graph_Tensor>:$values);
  let assemblyFormat = "$values attr-dict `:` type($values)";
  let hasVerifier = 1;
}

#endif // TENON_DIALECTS_GRAPH_GRAPHSTRUCTUREOPS_TD
