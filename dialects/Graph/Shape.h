//===- Shape.h - Symbolic shapes of tensor types --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Reads and builds tensor types whose sizes are expressions:
//
//   dimsOf(tensor<?x3xf32, #graph.shape<[N, 3]>>)  =  {N, 3}
//   tensorType({N, 3}, f32)  =  that type again
//
// A type whose sizes are all constant has no expressions in its encoding, so
// that equal shapes are equal types.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_GRAPH_SHAPE_H
#define TENON_DIALECTS_GRAPH_SHAPE_H

#include "dialects/Graph/DimExpr.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Location.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/IR/TypeRange.h"

namespace mlir::tenon::graph {

/// The sizes of a ranked tensor. A `?` without an expression (only in text
/// written by hand) becomes a symbol named `?`.
SmallVector<DimExpr> dimsOf(Type type);
inline SmallVector<DimExpr> dimsOf(Value value) {
  return dimsOf(value.getType());
}
DimExpr dimOf(Value value, int64_t axis);

/// The layout of a tensor type; null if row-major.
LayoutAttr layoutOf(Type type);

RankedTensorType tensorType(ArrayRef<DimExpr> dims, Type element,
                            LayoutAttr layout = {});
RankedTensorType tensorType(MLIRContext *context, ArrayRef<int64_t> sizes,
                            Type element);
RankedTensorType withLayout(RankedTensorType type, LayoutAttr layout);
RankedTensorType withElement(RankedTensorType type, Type element);

/// Arrays of #graph.expr as ops carry them.
ArrayAttr dimArray(MLIRContext *context, ArrayRef<DimExpr> dims);
SmallVector<DimExpr> dimsOf(ArrayAttr array);

/// The elements of a small integer constant or of a `dim_vector`; none if the
/// attribute is neither or has more than 64 elements.
std::optional<SmallVector<DimExpr>> dimElements(Attribute attr);
/// The attribute with these elements: dense if all are constants.
Attribute dimElementsAttr(ArrayRef<DimExpr> elements, RankedTensorType type);

/// The size of a broadcast of two sizes: the one that is not 1. Two different
/// expressions are taken to be equal (the simpler one is the result) and
/// `assumeEqual`, if given, hears of it; two different constants fail.
std::optional<DimExpr>
broadcastDims(DimExpr a, DimExpr b,
              llvm::function_ref<void(DimExpr, DimExpr)> assumeEqual = nullptr);
/// NumPy broadcast of two shapes.
std::optional<SmallVector<DimExpr>> broadcastShapes(
    MLIRContext *context, ArrayRef<DimExpr> a, ArrayRef<DimExpr> b,
    llvm::function_ref<void(DimExpr, DimExpr)> assumeEqual = nullptr);

/// "4x?x3" for messages, with expressions in place of the marks.
std::string shapeString(ArrayRef<DimExpr> dims);

namespace detail {
/// Whether the types agree in shape and element type; encodings do not count.
bool sameShapes(TypeRange a, TypeRange b);

LogicalResult inferSameType(MLIRContext *context,
                            std::optional<Location> location, StringRef op,
                            ValueRange operands, SmallVectorImpl<Type> &types);
LogicalResult inferTest(MLIRContext *context, std::optional<Location> location,
                        StringRef op, ValueRange operands,
                        SmallVectorImpl<Type> &types);
LogicalResult inferBinary(MLIRContext *context,
                          std::optional<Location> location, StringRef op,
                          ValueRange operands, SmallVectorImpl<Type> &types);
LogicalResult inferPow(MLIRContext *context, std::optional<Location> location,
                       StringRef op, ValueRange operands,
                       SmallVectorImpl<Type> &types);
LogicalResult inferCompare(MLIRContext *context,
                           std::optional<Location> location, StringRef op,
                           ValueRange operands, SmallVectorImpl<Type> &types);
LogicalResult inferSelect(MLIRContext *context,
                          std::optional<Location> location, StringRef op,
                          ValueRange operands, SmallVectorImpl<Type> &types);

/// The folder of all pointwise ops (PointwiseFolds.cpp).
OpFoldResult foldPointwise(Operation *op, ArrayRef<Attribute> operands);
} // namespace detail
} // namespace mlir::tenon::graph

#endif // TENON_DIALECTS_GRAPH_SHAPE_H
