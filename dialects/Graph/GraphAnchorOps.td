//===- GraphAnchorOps.td - Contractions, reductions, norms -*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The ops that kernels are built around.
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_GRAPH_GRAPHANCHOROPS_TD
#define TENON_DIALECTS_GRAPH_GRAPHANCHOROPS_TD

include "dialects/Graph/GraphDialect.td"

class Graph_Anchor<string mnemonic, list<Trait> traits = []>
    : Graph_InferredOp<mnemonic, traits> {
  let results = (outs Graph_Tensor:$result);
}

def Graph_MatmulOp : Graph_Anchor<"matmul"> {
  let summary = "Batched matrix product";
  let description = [{
    result[b.., i, j] = sum(k) lhs[b.., i, k] * rhs[b.., k, j]; batch dimensions
    broadcast as in NumPy. Both have rank >= 2. `transpose_rhs`: rhs is
    [b.., j, k]. f16 and bf16 accumulate in f32.

    Example:
    ```mlir
    %y = graph.matmul %x, %w
        : (tensor<8x4x64xf32>, tensor<64x32xf32>) -> tensor<8x4x32xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$lhs, Graph_Tensor:$rhs,
                       DefaultValuedAttr<BoolAttr, "false">:$transpose_rhs);
}

def Graph_ConvOp : Graph_Anchor<"conv"> {
  let summary = "Convolution with zero padding";
  let description = [{
    input [N, C, spatial..], filter [M, C/groups, kernel..], bias [M]:
    result[n, m, o..] = bias[m] + sum(c, k..) filter[m, c, k..] *
      input[n, g C/groups + c, o * strides + k * dilations - pads_low],
    g = m / (M/groups). `pads`: all low sides, then all high sides. The bias may
    be f32 beside f16 or bf16: it is added to the sum before that is rounded.

    Example:
    ```mlir
    %y = graph.conv %x, %w, %b
        {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>,
         dilations = array<i64: 1, 1>, groups = 1 : i64}
        : (tensor<1x3x224x224xf32>, tensor<64x3x3x3xf32>, tensor<64xf32>)
        -> tensor<1x64x112x112xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$input, Graph_Tensor:$filter,
                       Optional<Graph_Tensor>:$bias,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
                       DenseI64ArrayAttr:$dilations, I64Attr:$groups);
  let assemblyFormat = [{
    $input `,` $filter (`,` $bias^)? attr-dict `:`
    functional-type(operands, results)
  }];
}

def Graph_ConvTransposeOp : Graph_Anchor<"conv_transpose"> {
  let summary = "Transposed convolution (gradient of conv by its input)";
  let description = [{
    input [N, C, spatial..], filter [C, M/groups, kernel..], bias [M];
    output size = (in - 1) stride + output_padding + (k - 1) dilation + 1
    - pads_low - pads_high. The bias may be f32, as for conv.

    Example:
    ```mlir
    %y = graph.conv_transpose %x, %w
        {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>,
         dilations = array<i64: 1, 1>, output_padding = array<i64: 0, 0>,
         groups = 1 : i64}
        : (tensor<1x8x16x16xf32>, tensor<8x4x2x2xf32>)
        -> tensor<1x4x32x32xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$input, Graph_Tensor:$filter,
                       Optional<Graph_Tensor>:$bias,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
                       DenseI64ArrayAttr:$dilations,
                       DenseI64ArrayAttr:$output_padding, I64Attr:$groups);
  let assemblyFormat = [{
    $input `,` $filter (`,` $bias^)? attr-dict `:`
    functional-type(operands, results)
  }];
}

def Graph_PoolOp : Graph_Anchor<"pool"> {
  let summary = "Maximum or average over windows of the spatial dimensions";
  let description = [{
    input [N, C, spatial..]. Padding never wins a maximum; `avg` divides by the
    number of elements inside the input, `avg_include_pad` also counts padding
    (but not what `ceil_mode` adds beyond it).

    Example:
    ```mlir
    %y = graph.pool %x
        {kind = #graph.pool_kind<max>, kernel = array<i64: 3, 3>,
         strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>,
         dilations = array<i64: 1, 1>}
        : (tensor<1x64x112x112xf32>) -> tensor<1x64x56x56xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$input, Graph_PoolKindAttr:$kind,
                       DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations,
                       DefaultValuedAttr<BoolAttr, "false">:$ceil_mode);
}

def Graph_ReduceOp : Graph_Anchor<"reduce"> {
  let summary = "Reduces over `axes` (sorted, >= 0)";
  let description = [{
    `keep`: reduced dimensions stay with size 1. f16 and bf16 accumulate in
    f32. An empty reduction gives the neutral element.

    Example:
    ```mlir
    %y = graph.reduce %x
        {kind = #graph.reduce_kind<mean>, axes = array<i64: 2, 3>, keep = true}
        : (tensor<1x8x7x7xf32>) -> tensor<1x8x1x1xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$input, Graph_ReduceKindAttr:$kind,
                       DenseI64ArrayAttr:$axes, BoolAttr:$keep);
  let hasFolder = 1;
}

def Graph_ArgReduceOp : Graph_Anchor<"arg_reduce"> {
  let summary = "Index (i64) of the largest or smallest element along `axis`";
  let description = [{
    `kind` is max or min; the first such index, or the last if `last`.

    Example:
    ```mlir
    %y = graph.arg_reduce %x
        {kind = #graph.reduce_kind<max>, axis = 1 : i64, keep = false}
        : (tensor<2x10xf32>) -> tensor<2xi64>
    ```
  }];
  let arguments = (ins Graph_Tensor:$input, Graph_ReduceKindAttr:$kind,
                       I64Attr:$axis, BoolAttr:$keep,
                       DefaultValuedAttr<BoolAttr, "false">:$last);
}

def Graph_SoftmaxOp : Graph_Anchor<"softmax"> {
  let summary = "exp(x - max) / sum(exp(x - max)) along `axis`";
  let description = [{
    `log`: its logarithm, x - max - log(sum).

    Example:
    ```mlir
    %y = graph.softmax %x {axis = 1 : i64}
        : (tensor<2x10xf32>) -> tensor<2x10xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$input, I64Attr:$axis,
                       DefaultValuedAttr<BoolAttr, "false">:$log);
}

def Graph_LayerNormOp : Graph_Anchor<"layer_norm", [AttrSizedOperandSegments]> {
  let summary = "Normalizes over the dimensions from `axis` on";
  let description = [{
    (x - mean) / sqrt(variance + epsilon) * scale + bias, mean and variance (of
    the population) over dimensions axis.. . `rms`: x / sqrt(mean(x^2) +
    epsilon) * scale, without mean and bias. scale and bias broadcast.

    Example:
    ```mlir
    %y = graph.layer_norm %x scale %s bias %b
        {axis = 1 : i64, epsilon = 1.0e-5 : f64}
        : (tensor<2x64xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<2x64xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$input, Optional<Graph_Tensor>:$scale,
                       Optional<Graph_Tensor>:$bias, I64Attr:$axis,
                       F64Attr:$epsilon,
                       DefaultValuedAttr<BoolAttr, "false">:$rms);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = [{
    $input (`scale` $scale^)? (`bias` $bias^)? attr-dict `:`
    functional-type(operands, results)
  }];
}

def Graph_AttentionOp : Graph_Anchor<"attention"> {
  let summary = "softmax(scale * query key^T + mask) value, for each head";
  let description = [{
    query [b.., s, d], key [b.., t, d], value [b.., t, e], mask broadcastable
    to [b.., s, t] and added to the scores; result [b.., s, e]. Softmax over t.

    Example:
    ```mlir
    %y = graph.attention %q, %k, %v {scale = 0.125 : f64}
        : (tensor<12x7x64xf32>, tensor<12x9x64xf32>, tensor<12x9x64xf32>)
        -> tensor<12x7x64xf32>
    ```
  }];
  let arguments = (ins Graph_Tensor:$query, Graph_Tensor:$key,
                       Graph_Tensor:$value, Optional<Graph_Tensor>:$mask,
                       F64Attr:$scale);
  let assemblyFormat = [{
    $query `,` $key `,` $value (`,` $mask^)? attr-dict `:`
    functional-type(operands, results)
  }];
}

#endif // TENON_DIALECTS_GRAPH_GRAPHANCHOROPS_TD
