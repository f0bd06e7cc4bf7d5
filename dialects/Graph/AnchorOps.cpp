//===- AnchorOps.cpp - Shapes of contractions, reductions, norms ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Inference of the ops that kernels are built around; those over windows are
// in WindowOps.cpp. Tests: test/dialects/Graph/ops-anchor.mlir,
// invalid-anchor.mlir.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/InferReporter.h"
#include "mlir/IR/Builders.h"

#define GET_OP_CLASSES
#include "dialects/Graph/GraphAnchorOps.cpp.inc"

namespace mlir::tenon::graph {

void GraphDialect::registerAnchorOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Graph/GraphAnchorOps.cpp.inc"
      >();
}

using detail::elementOf;
using detail::InferReporter;
using detail::isSet;
using detail::rankOf;

/// The batch dimensions (all but the last two) of two tensors, broadcast.
static FailureOr<SmallVector<DimExpr>> inferBatch(const InferReporter &report,
                                                  Type element,
                                                  ArrayRef<DimExpr> a,
                                                  ArrayRef<DimExpr> b) {
  auto batch =
      broadcastShapes(element.getContext(), a.drop_back(2), b.drop_back(2));
  if (batch)
    return *batch;
  (void)report.fail("expected batch sizes that broadcast, got ",
                    shapeString(a.drop_back(2)), " and ",
                    shapeString(b.drop_back(2)));
  return failure();
}

LogicalResult MatmulOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor op(operands, attributes, properties, regions);
  InferReporter report(location, getOperationName());
  SmallVector<DimExpr> lhs = dimsOf(op.getLhs()), rhs = dimsOf(op.getRhs());
  if (lhs.size() < 2 || rhs.size() < 2)
    return report.fail("expected operands of rank >= 2, got ranks ", lhs.size(),
                       " and ", rhs.size());
  if (failed(report.expectSameElement(op.getLhs(), op.getRhs())))
    return failure();
  bool transposed = isSet(op.getTransposeRhsAttr());
  DimExpr columns = transposed ? rhs[rhs.size() - 2] : rhs.back();
  DimExpr inner = transposed ? rhs.back() : rhs[rhs.size() - 2];
  if (failed(report.expectEqualSizes(lhs.back(), inner, "inner sizes")))
    return failure();
  auto sizes = inferBatch(report, elementOf(op.getLhs()), lhs, rhs);
  if (failed(sizes))
    return failure();
  sizes->push_back(lhs[lhs.size() - 2]);
  sizes->push_back(columns);
  types.push_back(tensorType(*sizes, elementOf(op.getLhs())));
  return success();
}

/// Sizes after a reduction over `axes`, which must be sorted and in range.
static FailureOr<SmallVector<DimExpr>> inferReduced(const InferReporter &report,
                                                    Value input,
                                                    ArrayRef<int64_t> axes,
                                                    bool keep) {
  SmallVector<DimExpr> from = dimsOf(input), sizes;
  for (auto [i, axis] : llvm::enumerate(axes)) {
    if (failed(report.expectAxis(axis, from.size(), "axes")))
      return failure();
    if (i > 0 && axes[i - 1] >= axis) {
      (void)report.fail("expected axes in increasing order, got ", axes[i - 1],
                        " before ", axis);
      return failure();
    }
  }
  for (int64_t axis = 0, rank = from.size(); axis < rank; ++axis) {
    if (!llvm::is_contained(axes, axis))
      sizes.push_back(from[axis]);
    else if (keep)
      sizes.push_back(DimExpr::constant(input.getContext(), 1));
  }
  return sizes;
}

LogicalResult ReduceOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor op(operands, attributes, properties, regions);
  InferReporter report(location, getOperationName());
  if (failed(report.expectAttr(op.getKindAttr(), "kind")) ||
      failed(report.expectAttr(op.getAxesAttr(), "axes")) ||
      failed(report.expectAttr(op.getKeepAttr(), "keep")))
    return failure();
  auto sizes = inferReduced(report, op.getInput(), op.getAxes(), op.getKeep());
  if (failed(sizes))
    return failure();
  types.push_back(tensorType(*sizes, elementOf(op.getInput())));
  return success();
}

LogicalResult ArgReduceOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor op(operands, attributes, properties, regions);
  InferReporter report(location, getOperationName());
  if (failed(report.expectAttr(op.getKindAttr(), "kind")) ||
      failed(report.expectAttr(op.getAxisAttr(), "axis")) ||
      failed(report.expectAttr(op.getKeepAttr(), "keep")) ||
      failed(report.expectAxis(op.getAxis(), rankOf(op.getInput()))))
    return failure();
  if (op.getKind() != ReduceKind::max && op.getKind() != ReduceKind::min)
    return report.fail("expected kind max or min, got ",
                       stringifyReduceKind(op.getKind()));
  int64_t axis = op.getAxis();
  if (dimOf(op.getInput(), axis).isConstant(0))
    return report.fail("expected a dimension ", axis,
                       " that is not empty: it has no largest element");
  auto sizes = inferReduced(report, op.getInput(), axis, op.getKeep());
  if (failed(sizes))
    return failure();
  types.push_back(tensorType(*sizes, IntegerType::get(context, 64)));
  return success();
}

LogicalResult SoftmaxOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor op(operands, attributes, properties, regions);
  InferReporter report(location, getOperationName());
  if (failed(report.expectAttr(op.getAxisAttr(), "axis")) ||
      failed(report.expectAxis(op.getAxis(), rankOf(op.getInput()))))
    return failure();
  types.push_back(op.getInput().getType());
  return success();
}

LogicalResult LayerNormOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor op(operands, attributes, properties, regions);
  InferReporter report(location, getOperationName());
  Value input = op.getInput();
  if (failed(report.expectAttr(op.getAxisAttr(), "axis")) ||
      failed(report.expectAxis(op.getAxis(), rankOf(input))))
    return failure();
  SmallVector<DimExpr> sizes = dimsOf(input);
  for (Value factor : {op.getScale(), op.getBias()}) {
    if (!factor)
      continue;
    if (failed(report.expectSameElement(input, factor)))
      return failure();
    SmallVector<DimExpr> other = dimsOf(factor);
    auto both = broadcastShapes(context, sizes, other);
    bool fits = both && both->size() == sizes.size();
    for (size_t i = 0; fits && i < other.size(); ++i)
      fits = !(sizes[sizes.size() - other.size() + i].isConstant(1) &&
               other[i].lowerBound() > 1);
    if (!fits)
      return report.fail("expected scale and bias that broadcast to ",
                         shapeString(sizes), ", got ", shapeString(other));
  }
  if (isSet(op.getRmsAttr()) && op.getBias())
    return report.fail("expected no bias with rms");
  types.push_back(input.getType());
  return success();
}

LogicalResult AttentionOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor op(operands, attributes, properties, regions);
  InferReporter report(location, getOperationName());
  SmallVector<DimExpr> query = dimsOf(op.getQuery());
  SmallVector<DimExpr> key = dimsOf(op.getKey());
  SmallVector<DimExpr> value = dimsOf(op.getValue());
  if (query.size() < 2 || key.size() < 2 || value.size() < 2)
    return report.fail("expected query, key and value of rank >= 2, got ranks ",
                       query.size(), ", ", key.size(), " and ", value.size());
  if (failed(report.expectSameElement(op.getQuery(), op.getKey())) ||
      failed(report.expectSameElement(op.getQuery(), op.getValue())) ||
      failed(report.expectEqualSizes(query.back(), key.back(),
                                     "last sizes of query and key")))
    return failure();
  auto length = report.expectEqualSizes(
      key[key.size() - 2], value[value.size() - 2], "lengths of key and value");
  if (failed(length))
    return failure();
  Type element = elementOf(op.getQuery());
  auto scores = inferBatch(report, element, query, key);
  if (failed(scores))
    return failure();
  scores->push_back(query[query.size() - 2]);
  scores->push_back(*length);
  if (Value mask = op.getMask()) {
    if (failed(report.expectSameElement(op.getQuery(), mask)))
      return failure();
    auto masked = broadcastShapes(context, *scores, dimsOf(mask));
    if (!masked || masked->size() != scores->size())
      return report.fail("expected a mask that broadcasts to ",
                         shapeString(*scores), ", got ",
                         shapeString(dimsOf(mask)));
  }
  auto sizes = inferBatch(report, element, *scores, value);
  if (failed(sizes))
    return failure();
  sizes->push_back(query[query.size() - 2]);
  sizes->push_back(value.back());
  types.push_back(tensorType(*sizes, element));
  return success();
}

} // namespace mlir::tenon::graph
