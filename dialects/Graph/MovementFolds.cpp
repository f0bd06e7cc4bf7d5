//===- MovementFolds.cpp - Folders of ops that move elements --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Each folds when nothing moves (the result is the input), when two of a kind
// make one (transpose of transpose, reshape of reshape, broadcast of
// broadcast), and on small integers, where a Shape → Gather → Concat chain ends
// as one vector of sizes. Tests: test/dialects/Graph/fold-movement.mlir,
// fold-shapes.mlir.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/SmallTensor.h"
#include "mlir/IR/Builders.h"

namespace mlir::tenon::graph {

using detail::buildSmall;
using detail::SmallTensor;

static RankedTensorType tensorTypeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static bool allConstant(ArrayAttr dims, int64_t value) {
  return llvm::all_of(dims, [&](Attribute attr) {
    return DimExpr(cast<DimExprAttr>(attr)).isConstant(value);
  });
}

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  if (getInput().getType() == getType())
    return getInput();
  if (auto small = SmallTensor::read(getInput(), adaptor.getInput()))
    if (!tensorTypeOf(getResult()).getEncoding())
      return dimElementsAttr(small->elements, tensorTypeOf(getResult()));
  if (auto inner = getInput().getDefiningOp<ReshapeOp>()) {
    getInputMutable().assign(inner.getInput());
    return getResult();
  }
  return {};
}

OpFoldResult TransposeOp::fold(FoldAdaptor adaptor) {
  ArrayRef<int64_t> perm = getPerm();
  bool isIdentity = llvm::all_of(llvm::enumerate(perm), [](auto entry) {
    return int64_t(entry.index()) == entry.value();
  });
  if (isIdentity && getInput().getType() == getType())
    return getInput();
  if (auto inner = getInput().getDefiningOp<TransposeOp>()) {
    SmallVector<int64_t> composed;
    for (int64_t axis : perm)
      composed.push_back(inner.getPerm()[axis]);
    setPerm(composed);
    getInputMutable().assign(inner.getInput());
    return getResult();
  }
  auto small = SmallTensor::read(getInput(), adaptor.getInput());
  if (!small)
    return {};
  return buildSmall(tensorTypeOf(getResult()),
                    [&](ArrayRef<int64_t> index) -> std::optional<DimExpr> {
                      SmallVector<int64_t> from(index.size());
                      for (auto [axis, source] : llvm::enumerate(perm))
                        from[source] = index[axis];
                      return small->atBroadcast(from);
                    });
}

OpFoldResult BroadcastOp::fold(FoldAdaptor adaptor) {
  if (getInput().getType() == getType())
    return getInput();
  if (auto inner = getInput().getDefiningOp<BroadcastOp>()) {
    getInputMutable().assign(inner.getInput());
    return getResult();
  }
  auto small = SmallTensor::read(getInput(), adaptor.getInput());
  if (!small)
    return {};
  return buildSmall(tensorTypeOf(getResult()),
                    [&](ArrayRef<int64_t> index) -> std::optional<DimExpr> {
                      return small->atBroadcast(index);
                    });
}

OpFoldResult SliceOp::fold(FoldAdaptor adaptor) {
  if (getInput().getType() == getType() &&
      dimsOf(getSizes()) == dimsOf(getInput()) &&
      allConstant(getOffsets(), 0) &&
      llvm::all_of(getStrides(), [](int64_t s) { return s == 1; }))
    return getInput();
  auto small = SmallTensor::read(getInput(), adaptor.getInput());
  if (!small)
    return {};
  SmallVector<DimExpr> offsets = dimsOf(getOffsets());
  return buildSmall(
      tensorTypeOf(getResult()),
      [&](ArrayRef<int64_t> index) -> std::optional<DimExpr> {
        SmallVector<int64_t> from;
        for (auto [axis, at] : llvm::enumerate(index)) {
          auto offset = offsets[axis].asConstant();
          int64_t source = offset.value_or(0) + at * getStrides()[axis];
          if (!offset || source < 0 || source >= small->shape[axis])
            return std::nullopt;
          from.push_back(source);
        }
        return small->atBroadcast(from);
      });
}

OpFoldResult ConcatOp::fold(FoldAdaptor adaptor) {
  if (getInputs().size() == 1 && getInputs()[0].getType() == getType())
    return getInputs()[0];
  SmallVector<SmallTensor> parts;
  for (auto [value, attr] : llvm::zip(getInputs(), adaptor.getInputs())) {
    auto part = SmallTensor::read(value, attr);
    if (!part)
      return {};
    parts.push_back(std::move(*part));
  }
  int64_t axis = getAxis();
  return buildSmall(tensorTypeOf(getResult()),
                    [&](ArrayRef<int64_t> index) -> std::optional<DimExpr> {
                      SmallVector<int64_t> at(index);
                      for (const SmallTensor &part : parts) {
                        if (at[axis] < part.shape[axis])
                          return part.atBroadcast(at);
                        at[axis] -= part.shape[axis];
                      }
                      return std::nullopt;
                    });
}

OpFoldResult PadOp::fold(FoldAdaptor adaptor) {
  if (getInput().getType() == getType() && allConstant(getLow(), 0) &&
      allConstant(getHigh(), 0))
    return getInput();
  auto small = SmallTensor::read(getInput(), adaptor.getInput());
  if (!small || getMode() != PadMode::constant)
    return {};
  DimExpr value = DimExpr::constant(getContext(), 0);
  if (getValue()) {
    auto given = SmallTensor::read(getValue(), adaptor.getValue());
    if (!given)
      return {};
    value = given->elements.front();
  }
  SmallVector<DimExpr> low = dimsOf(getLow());
  return buildSmall(tensorTypeOf(getResult()),
                    [&](ArrayRef<int64_t> index) -> std::optional<DimExpr> {
                      SmallVector<int64_t> from(index);
                      bool inside = true;
                      for (auto [axis, at] : llvm::enumerate(from)) {
                        auto amount = low[axis].asConstant();
                        if (!amount)
                          return std::nullopt;
                        at -= *amount;
                        inside &= at >= 0 && at < small->shape[axis];
                      }
                      return inside ? small->atBroadcast(from) : value;
                    });
}

OpFoldResult TileOp::fold(FoldAdaptor adaptor) {
  if (getInput().getType() == getType() && allConstant(getRepeats(), 1))
    return getInput();
  auto small = SmallTensor::read(getInput(), adaptor.getInput());
  if (!small)
    return {};
  return buildSmall(tensorTypeOf(getResult()),
                    [&](ArrayRef<int64_t> index) -> std::optional<DimExpr> {
                      SmallVector<int64_t> from(index);
                      for (auto [axis, at] : llvm::enumerate(from))
                        at %= small->shape[axis];
                      return small->atBroadcast(from);
                    });
}

/// A constant index into a dimension of `size`, negative ones from the end.
static std::optional<int64_t> indexInto(DimExpr index, int64_t size) {
  auto at = index.asConstant();
  if (!at)
    return std::nullopt;
  if (*at < 0)
    *at += size;
  if (*at < 0 || *at >= size)
    return std::nullopt;
  return at;
}

OpFoldResult GatherOp::fold(FoldAdaptor adaptor) {
  auto small = SmallTensor::read(getInput(), adaptor.getInput());
  auto indices = SmallTensor::read(getIndices(), adaptor.getIndices());
  if (!small || !indices)
    return {};
  int64_t axis = getAxis(), picks = indices->shape.size();
  return buildSmall(tensorTypeOf(getResult()),
                    [&](ArrayRef<int64_t> index) -> std::optional<DimExpr> {
                      auto at = indexInto(
                          indices->atBroadcast(index.slice(axis, picks)),
                          small->shape[axis]);
                      if (!at)
                        return std::nullopt;
                      SmallVector<int64_t> from(index.take_front(axis));
                      from.push_back(*at);
                      llvm::append_range(from, index.drop_front(axis + picks));
                      return small->atBroadcast(from);
                    });
}

OpFoldResult GatherElementsOp::fold(FoldAdaptor adaptor) {
  auto small = SmallTensor::read(getInput(), adaptor.getInput());
  auto indices = SmallTensor::read(getIndices(), adaptor.getIndices());
  if (!small || !indices)
    return {};
  int64_t axis = getAxis();
  return buildSmall(tensorTypeOf(getResult()),
                    [&](ArrayRef<int64_t> index) -> std::optional<DimExpr> {
                      auto at = indexInto(indices->atBroadcast(index),
                                          small->shape[axis]);
                      if (!at)
                        return std::nullopt;
                      SmallVector<int64_t> from(index);
                      from[axis] = *at;
                      return small->atBroadcast(from);
                    });
}

OpFoldResult IotaOp::fold(FoldAdaptor adaptor) {
  auto start = SmallTensor::read(getStart(), adaptor.getStart());
  auto step = SmallTensor::read(getStep(), adaptor.getStep());
  if (!start || !step)
    return {};
  return buildSmall(tensorTypeOf(getResult()),
                    [&](ArrayRef<int64_t> index) -> std::optional<DimExpr> {
                      return start->elements[0] + step->elements[0] * index[0];
                    });
}

OpFoldResult RelayoutOp::fold(FoldAdaptor) {
  if (getInput().getType() == getType())
    return getInput();
  if (auto inner = getInput().getDefiningOp<RelayoutOp>()) {
    getInputMutable().assign(inner.getInput());
    return getResult();
  }
  return {};
}

OpFoldResult ResizeOp::fold(FoldAdaptor) {
  // With a scale of 1, each output coordinate is an input coordinate, except
  // that tf_half_pixel_for_nn adds a half.
  bool unscaled = llvm::all_of(
      getScales(), [](double scale) { return scale == 0.0 || scale == 1.0; });
  if (unscaled && getInput().getType() == getType() &&
      dimsOf(getSizes()) == dimsOf(getInput()) &&
      getCoordinates() != CoordinateMode::tf_half_pixel_for_nn)
    return getInput();
  return {};
}

OpFoldResult ReduceOp::fold(FoldAdaptor adaptor) {
  ReduceKind kind = getKind();
  bool keepsOneElement = kind == ReduceKind::sum || kind == ReduceKind::mean ||
                         kind == ReduceKind::max || kind == ReduceKind::min ||
                         kind == ReduceKind::prod;
  if (!keepsOneElement)
    return {};
  if (getAxes().empty() && getInput().getType() == getType())
    return getInput();
  auto small = SmallTensor::read(getInput(), adaptor.getInput());
  if (!small || kind == ReduceKind::mean || small->elements.empty())
    return {};
  SmallVector<DimExpr> results(tensorTypeOf(getResult()).getNumElements());
  for (auto [position, element] : llvm::enumerate(small->elements)) {
    // Where this element goes: its index without the reduced dimensions.
    int64_t rest = position, at = 0, step = 1;
    for (int64_t axis = small->shape.size() - 1; axis >= 0; --axis) {
      int64_t size = small->shape[axis];
      if (!llvm::is_contained(getAxes(), axis)) {
        at += rest % size * step;
        step *= size;
      }
      rest /= size;
    }
    DimExpr &result = results[at];
    if (!result)
      result = element;
    else if (kind == ReduceKind::sum)
      result = result + element;
    else if (kind == ReduceKind::prod)
      result = result * element;
    else if (kind == ReduceKind::max)
      result = DimExpr::max(result, element);
    else
      result = DimExpr::min(result, element);
  }
  return dimElementsAttr(results, tensorTypeOf(getResult()));
}

} // namespace mlir::tenon::graph
