//===- GraphDialect.td - The graph dialect -----------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `graph` holds what a network computes: pure ops on ranked tensors, no loops,
// no target. It sits between the importers and the kernel families.
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_GRAPH_GRAPHDIALECT_TD
#define TENON_DIALECTS_GRAPH_GRAPHDIALECT_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/TensorEncoding.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Graph_Dialect : Dialect {
  let name = "graph";
  let cppNamespace = "::mlir::tenon::graph";
  let summary = "The network, as pure operations on tensors";
  let description = [{
    A `graph` program is one `func.func` per entry point. Every op is pure and
    works on ranked tensors. Binary ops broadcast as in NumPy. A dimension that
    is not known at compile time is `?` in the type and a symbolic expression
    in the type's encoding (`#graph.shape`); every op infers the expressions of
    its results from those of its operands. See README.md in this folder.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
    void registerActivationOps();
    void registerAnchorOps();
    void registerBinaryOps();
    void registerMovementOps();
    void registerStructureOps();
    void registerUnaryOps();
  }];
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

class Graph_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<Graph_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

def Graph_DimExprAttr : Graph_Attr<"DimExpr", "expr"> {
  let summary = "A size: an integer expression over the model's dimensions";
  let description = [{
    Kept in a normal form (see DimExpr.h), so that equal attributes mean equal
    sizes. Printed as a formula: `#graph.expr<"2*H + (W floordiv 4)">`.
  }];
  let parameters = (ins "::mlir::tenon::graph::DimKind":$kind,
                        "int64_t":$value, "::mlir::StringAttr":$symbol,
                        ArrayRefParameter<"::mlir::Attribute">:$operands);
  let hasCustomAssemblyFormat = 1;
}

def Graph_LayoutAttr : Graph_Attr<"Layout", "layout"> {
  let summary = "How a tensor lies in memory";
  let description = [{
    `channelBlock` = b > 0: dimension 1 is split into blocks of b that lie
    innermost: [N, C, spatial..] is stored as [N, ceil(C/b), spatial.., b]; the
    pad lanes of the last block hold zeros. 0: row-major.
    `halo` = physical zeros around the spatial dimensions (2 and up): all low
    sides, then all high sides ([top, left, bottom, right] in 2-D); empty: none.

    Example: `#graph.layout<8, [1, 1, 1, 1]>`
  }];
  let parameters = (ins "int64_t":$channelBlock,
                        OptionalArrayRefParameter<"int64_t">:$halo);
  let assemblyFormat = "`<` $channelBlock (`,` `[` $halo^ `]`)? `>`";
  let genVerifyDecl = 1;
}

def Graph_ShapeAttr : Graph_Attr<"Shape", "shape",
    [DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let summary = "Encoding of a tensor type: symbolic sizes and layout";
  let description = [{
    `dims` has one expression for each dimension if any is dynamic, and is
    empty if all are static. `layout` is null for row-major tensors.

    Numbers and names stand bare, other formulas in quotes.

    Example: `tensor<?x3x?xf32, #graph.shape<[N, 3, "2*H"]>>`
  }];
  let parameters = (ins
    ArrayRefParameter<"::mlir::tenon::graph::DimExprAttr">:$dims,
    "::mlir::tenon::graph::LayoutAttr":$layout);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Graph_DimVectorAttr : Graph_Attr<"DimVector", "dim_vector"> {
  let summary = "The elements of a small integer tensor, as expressions";
  let description = [{
    What `graph.dims` holds and what shape arithmetic folds to. `type` is a
    tensor of integers of static shape, most often of rank 0 or 1; one
    expression for each element, in row-major order. Elements of i1 are 0 or 1.

    Example: `#graph.dim_vector<[N, 3, "2*H"], tensor<3xi64>>`
  }];
  let parameters = (ins
    ArrayRefParameter<"::mlir::tenon::graph::DimExprAttr">:$dims,
    "::mlir::RankedTensorType":$type);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Graph_ConstraintAttr : Graph_Attr<"Constraint", "constraint"> {
  let summary = "A rule that the sizes of the inputs obey at run time";
  let description = [{
    `lhs == rhs`, with the text that an error shows. Collected on the function
    as `graph.constraints`.

    Example: `#graph.constraint<<"N">, <"M">, "batch sizes of a and b agree">`
  }];
  let parameters = (ins "::mlir::tenon::graph::DimExprAttr":$lhs,
                        "::mlir::tenon::graph::DimExprAttr":$rhs,
                        "::mlir::StringAttr":$text);
  let assemblyFormat = "`<` $lhs `,` $rhs `,` $text `>`";
}

//===----------------------------------------------------------------------===//
// Enums
//===----------------------------------------------------------------------===//

class Graph_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::mlir::tenon::graph";
  let genSpecializedAttr = 0;
}
class Graph_EnumAttr<EnumAttrInfo info, string attrMnemonic>
    : EnumAttr<Graph_Dialect, info, attrMnemonic> {
  let assemblyFormat = "`<` $value `>`";
}

def Graph_ComparePredicate : Graph_Enum<"ComparePredicate",
  "Ordered comparison (NaN compares false, except `ne`)", [
    I32EnumAttrCase<"eq", 0>, I32EnumAttrCase<"ne", 1>,
    I32EnumAttrCase<"lt", 2>, I32EnumAttrCase<"le", 3>,
    I32EnumAttrCase<"gt", 4>, I32EnumAttrCase<"ge", 5>]>;
def Graph_ComparePredicateAttr
  : Graph_EnumAttr<Graph_ComparePredicate, "compare">;

def Graph_ReduceKind : Graph_Enum<"ReduceKind", "What a reduction computes", [
    I32EnumAttrCase<"sum", 0>, I32EnumAttrCase<"mean", 1>,
    I32EnumAttrCase<"max", 2>, I32EnumAttrCase<"min", 3>,
    I32EnumAttrCase<"prod", 4>, I32EnumAttrCase<"sum_square", 5>,
    I32EnumAttrCase<"l1", 6>, I32EnumAttrCase<"l2", 7>,
    I32EnumAttrCase<"log_sum_exp", 8>, I32EnumAttrCase<"log_sum", 9>]>;
def Graph_ReduceKindAttr : Graph_EnumAttr<Graph_ReduceKind, "reduce_kind">;

def Graph_PoolKind : Graph_Enum<"PoolKind", "What a pooling window computes", [
    I32EnumAttrCase<"max", 0>,
    I32EnumAttrCase<"avg", 1>,
    I32EnumAttrCase<"avg_include_pad", 2>]>;
def Graph_PoolKindAttr : Graph_EnumAttr<Graph_PoolKind, "pool_kind">;

def Graph_PadMode : Graph_Enum<"PadMode", "What lies beyond the border", [
    I32EnumAttrCase<"constant", 0>, I32EnumAttrCase<"edge", 1>,
    I32EnumAttrCase<"reflect", 2>, I32EnumAttrCase<"wrap", 3>]>;
def Graph_PadModeAttr : Graph_EnumAttr<Graph_PadMode, "pad_mode">;

def Graph_ResizeMode : Graph_Enum<"ResizeMode", "Interpolation of a resize", [
    I32EnumAttrCase<"nearest", 0>, I32EnumAttrCase<"linear", 1>,
    I32EnumAttrCase<"cubic", 2>]>;
def Graph_ResizeModeAttr : Graph_EnumAttr<Graph_ResizeMode, "resize_mode">;

def Graph_CoordinateMode : Graph_Enum<"CoordinateMode",
  "How a resize maps an output to an input coordinate (as in ONNX)", [
    I32EnumAttrCase<"half_pixel", 0>, I32EnumAttrCase<"asymmetric", 1>,
    I32EnumAttrCase<"align_corners", 2>,
    I32EnumAttrCase<"pytorch_half_pixel", 3>,
    I32EnumAttrCase<"half_pixel_symmetric", 4>,
    I32EnumAttrCase<"tf_half_pixel_for_nn", 5>]>;
def Graph_CoordinateModeAttr
  : Graph_EnumAttr<Graph_CoordinateMode, "coordinate_mode">;

def Graph_NearestMode : Graph_Enum<"NearestMode",
  "How nearest resizing rounds a coordinate (as in ONNX)", [
    I32EnumAttrCase<"round_prefer_floor", 0>,
    I32EnumAttrCase<"round_prefer_ceil", 1>,
    I32EnumAttrCase<"floor", 2>, I32EnumAttrCase<"ceil", 3>]>;
def Graph_NearestModeAttr : Graph_EnumAttr<Graph_NearestMode, "nearest_mode">;

//===----------------------------------------------------------------------===//
// Op base classes
//===----------------------------------------------------------------------===//

def Graph_Tensor : AnyTypeOf<[AnyRankedTensor], "ranked tensor">;

class Graph_Op<string mnemonic, list<Trait> traits = []>
    : Op<Graph_Dialect, mnemonic, traits>;

/// An op that infers its results. Types agree if shapes and elements do:
/// layouts are decided later and do not change what an op means.
class Graph_InferredOp<string mnemonic, list<Trait> traits = []>
    : Graph_Op<mnemonic, !listconcat([Pure,
        DeclareOpInterfaceMethods<InferTypeOpInterface>], traits)> {
  let extraClassDeclaration = [{
    static bool isCompatibleReturnTypes(::mlir::TypeRange inferred,
                                        ::mlir::TypeRange actual) {
      return ::mlir::tenon::graph::detail::sameShapes(inferred, actual);
    }
  }];
  let assemblyFormat = [{
    operands attr-dict `:` functional-type(operands, results)
  }];
}

#endif // TENON_DIALECTS_GRAPH_GRAPHDIALECT_TD
