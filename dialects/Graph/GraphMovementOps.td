//===- GraphMovementOps.td - Ops that only move elements ---*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes are attributes: arrays of #graph.expr. Importers resolve shape
// arithmetic into them; nothing here takes a shape as a tensor.
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_GRAPH_GRAPHMOVEMENTOPS_TD
#define TENON_DIALECTS_GRAPH_GRAPHMOVEMENTOPS_TD

include "dialects/Graph/GraphDialect.td"

def Graph_DimExprArrayAttr
    : TypedArrayAttrBase<Graph_DimExprAttr, "array of #graph.expr">;

class Graph_Movement<string mnemonic, list<Trait> traits = []>
    : Graph_InferredOp<mnemonic, traits> {
  let results = (outs Graph_Tensor:$result);
  let hasFolder = 1;
}

def Graph_ReshapeOp : Graph_Movement<"reshape"> {
  let summary = "The same elements in row-major order, other sizes";
  let description = [{
    Constraint: the product of `sizes` is the number of elements of `input`.

    Example:
    ```mlir
    graph.reshape %x {sizes = [#graph.expr<"N">, #graph.expr<"12">]}
        : (tensor<?x3x4xf32, #graph.shape<[N, 3, 4]>>)
        -> tensor<?x12xf32, #graph.shape<[N, 12]>>
    ```
  }];
  let arguments = (ins Graph_Tensor:$input, Graph_DimExprArrayAttr:$sizes);
}
def Graph_TransposeOp : Graph_Movement<"transpose"> {
  let summary = "Permutes dimensions: size(result, i) = size(input, perm[i])";
  let description = [{
    Example:
    ```mlir
    %y = graph.transpose %x {perm = array<i64: 1, 0>}
        : (tensor<2x3xf32>) -> tensor<3x2xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$input, DenseI64ArrayAttr:$perm);
}
def Graph_BroadcastOp : Graph_Movement<"broadcast"> {
  let summary = "NumPy broadcast to `sizes`";
  let description = [{
    Example:
    ```mlir
    %y = graph.broadcast %x {sizes = [#graph.expr<"N">, #graph.expr<"3">]}
        : (tensor<3xf32>) -> tensor<?x3xf32, #graph.shape<[N, 3]>>
    ```
  }];
  let arguments = (ins Graph_Tensor:$input, Graph_DimExprArrayAttr:$sizes);
}
def Graph_SliceOp : Graph_Movement<"slice"> {
  let summary = "result[i] = input[offsets + i * strides], for each dimension";
  let description = [{
    One offset, size and stride for each dimension; strides may be negative,
    not zero.

    Example:
    ```mlir
    %y = graph.slice %x {offsets = [#graph.expr<"7">],
                          sizes = [#graph.expr<"4">], strides = array<i64: -2>}
        : (tensor<8xf32>) -> tensor<4xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$input, Graph_DimExprArrayAttr:$offsets,
                       Graph_DimExprArrayAttr:$sizes,
                       DenseI64ArrayAttr:$strides);
}
def Graph_ConcatOp : Graph_Movement<"concat"> {
  let summary = "Joins tensors along `axis` (0 <= axis < rank)";
  let description = [{
    Example:
    ```mlir
    %z = graph.concat %x, %y {axis = 0 : i64}
        : (tensor<2x3xf32>, tensor<4x3xf32>) -> tensor<6x3xf32>
    ```
  }];
  let arguments = (ins Variadic<Graph_Tensor>:$inputs, I64Attr:$axis);
}
def Graph_PadOp : Graph_Movement<"pad"> {
  let summary = "Adds `low` and `high` elements at the ends of each dimension";
  let description = [{
    `value` is a rank-0 tensor, read in constant mode (absent: zero). Negative
    amounts remove elements.

    Example:
    ```mlir
    %y = graph.pad %x, %v {low = [#graph.expr<"1">],
        high = [#graph.expr<"2">], mode = #graph.pad_mode<constant>}
        : (tensor<5xf32>, tensor<f32>) -> tensor<8xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$input, Optional<Graph_Tensor>:$value,
                       Graph_DimExprArrayAttr:$low,
                       Graph_DimExprArrayAttr:$high, Graph_PadModeAttr:$mode);
  let assemblyFormat = [{
    $input (`,` $value^)? attr-dict `:` functional-type(operands, results)
  }];
}
def Graph_TileOp : Graph_Movement<"tile"> {
  let summary = "Repeats the tensor repeats[d] times along each dimension d";
  let description = [{
    Example:
    ```mlir
    %y = graph.tile %x {repeats = [#graph.expr<"2">]}
        : (tensor<3xf32>) -> tensor<6xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$input, Graph_DimExprArrayAttr:$repeats);
}
def Graph_GatherOp : Graph_Movement<"gather"> {
  let summary = "Picks slices along `axis` by a tensor of indices";
  let description = [{
    result[a.., i.., b..] = input[a.., indices[i..], b..]. Negative indices
    count from the end; others out of range are a run-time fault.

    Example:
    ```mlir
    %y = graph.gather %x, %i {axis = 0 : i64}
        : (tensor<100x64xf32>, tensor<7xi64>) -> tensor<7x64xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$input, Graph_Tensor:$indices,
                       I64Attr:$axis);
}
def Graph_GatherElementsOp : Graph_Movement<"gather_elements"> {
  let summary = "result[i..] = input[i.. with indices[i..] at `axis`]";
  let description = [{
    Example:
    ```mlir
    %y = graph.gather_elements %x, %i {axis = 1 : i64}
        : (tensor<2x9xf32>, tensor<2x3xi64>) -> tensor<2x3xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$input, Graph_Tensor:$indices,
                       I64Attr:$axis);
}
def Graph_IotaOp : Graph_Movement<"iota"> {
  let summary = "start + i * step, for i below the size: a range of rank 1";
  let description = [{
    `start` and `step` are rank-0 tensors of the result's element type; `size`
    is the number of elements.

    Example:
    ```mlir
    %y = graph.iota %start, %step {size = #graph.expr<"N">}
        : (tensor<i64>, tensor<i64>) -> tensor<?xi64, #graph.shape<[N]>>
    ```
  }];
  let arguments = (ins Graph_Tensor:$start, Graph_Tensor:$step,
                       Graph_DimExprAttr:$size);
}
def Graph_RelayoutOp : Graph_Movement<"relayout"> {
  let summary = "The same tensor in another layout";
  let description = [{
    An identity; the layout in the result's type says how the copy lies in
    memory. Put in by the layout pass where two layouts meet.

    Example:
    ```mlir
    %y = graph.relayout %x : (tensor<1x16x4x4xf32>)
        -> tensor<1x16x4x4xf32, #graph.shape<[], #graph.layout<8>>>
    ```
  }];
  let arguments = (ins Graph_Tensor:$input);
}
def Graph_ResizeOp : Graph_Movement<"resize"> {
  let summary = "Resamples to `sizes`";
  let description = [{
    `scales` holds, for each dimension, output size / input size as the model
    states it, or 0 where it is to be computed from the sizes.

    Example:
    ```mlir
    %y = graph.resize %x
        {sizes = [#graph.expr<"1">, #graph.expr<"3">, #graph.expr<"8">],
         scales = array<f64: 0.0, 0.0, 2.0>,
         mode = #graph.resize_mode<nearest>,
         coordinates = #graph.coordinate_mode<asymmetric>,
         nearest = #graph.nearest_mode<floor>}
        : (tensor<1x3x4xf32>) -> tensor<1x3x8xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$input, Graph_DimExprArrayAttr:$sizes,
                       DenseF64ArrayAttr:$scales, Graph_ResizeModeAttr:$mode,
                       Graph_CoordinateModeAttr:$coordinates,
                       Graph_NearestModeAttr:$nearest,
                       DefaultValuedAttr<F64Attr, "-0.75">:$cubic_coeff);
}

#endif // TENON_DIALECTS_GRAPH_GRAPHMOVEMENTOPS_TD
