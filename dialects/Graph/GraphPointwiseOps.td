//===- GraphPointwiseOps.td - Base of elementwise ops ------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_GRAPH_GRAPHPOINTWISEOPS_TD
#define TENON_DIALECTS_GRAPH_GRAPHPOINTWISEOPS_TD

include "dialects/Graph/GraphDialect.td"

/// Marks ops whose result element depends on the operands' elements at the
/// same (broadcast) index alone: what every kernel can fuse.
def PointwiseTrait : NativeOpTrait<"Pointwise"> {
  let cppNamespace = "::mlir::tenon::graph";
}

class Graph_Pointwise<string mnemonic, string infer, list<Trait> traits>
    : Graph_InferredOp<mnemonic, !listconcat([PointwiseTrait], traits)> {
  let extraClassDefinition = [{
    LogicalResult $cppClass::inferReturnTypes(MLIRContext *context,
        std::optional<Location> location, ValueRange operands,
        DictionaryAttr, OpaqueProperties, RegionRange,
        SmallVectorImpl<Type> &types) {
      return ::mlir::tenon::graph::detail::}] # infer # [{(
          context, location, getOperationName(), operands, types);
    }
    ::mlir::OpFoldResult $cppClass::fold(FoldAdaptor adaptor) {
      return ::mlir::tenon::graph::detail::foldPointwise(
          getOperation(), adaptor.getOperands());
    }
  }];
  let results = (outs Graph_Tensor:$result);
  let hasFolder = 1;
}

/// result[i] = f(input[i]); the element type stays.
class Graph_Unary<string mnemonic, string formula, list<Trait> traits = []>
    : Graph_Pointwise<mnemonic, "inferSameType", traits> {
  let summary = "Elementwise " # formula;
  let description = "Example: `%y = graph." # mnemonic #
                    " %x : (tensor<4xf32>) -> tensor<4xf32>`";
  let arguments = (ins Graph_Tensor:$input);
}

/// result[i] = f(input[i]); the result is i1.
class Graph_Test<string mnemonic, string formula>
    : Graph_Pointwise<mnemonic, "inferTest", []> {
  let summary = "Elementwise " # formula;
  let description = "Example: `%y = graph." # mnemonic #
                    " %x : (tensor<4xf32>) -> tensor<4xi1>`";
  let arguments = (ins Graph_Tensor:$input);
}

/// result[i] = f(lhs[i], rhs[i]) with NumPy broadcasting; equal element types.
class Graph_Binary<string mnemonic, string formula, list<Trait> traits = []>
    : Graph_Pointwise<mnemonic, "inferBinary", traits> {
  let summary = "Elementwise " # formula # ", broadcasting";
  let description = "Example: `%z = graph." # mnemonic #
      " %x, %y : (tensor<3x1xf32>, tensor<4xf32>) -> tensor<3x4xf32>`";
  let arguments = (ins Graph_Tensor:$lhs, Graph_Tensor:$rhs);
}

#endif // TENON_DIALECTS_GRAPH_GRAPHPOINTWISEOPS_TD
