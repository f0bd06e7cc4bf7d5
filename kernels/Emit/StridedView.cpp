//===- StridedView.cpp - Values that are views of an argument -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "kernels/Emit/StridedView.h"

namespace mlir::tenon {

using graph::DimExpr;

/// Strides of `to` over memory in which `from` has `strides`: dimensions split
/// freely, and merge where the outer stride is the inner stride times size.
static std::optional<SmallVector<DimExpr>>
reshapeStrides(ArrayRef<DimExpr> from, ArrayRef<DimExpr> strides,
               ArrayRef<DimExpr> to) {
  MLIRContext *context = to.empty()
                             ? (from.empty() ? nullptr : from[0].getContext())
                             : to[0].getContext();
  SmallVector<DimExpr> result(to.size());
  for (size_t j = 0; j < to.size(); ++j)
    result[j] = DimExpr::constant(context, 0);
  SmallVector<unsigned> f, t;
  for (auto [i, d] : llvm::enumerate(from))
    if (!d.isConstant(1))
      f.push_back(i);
  for (auto [i, d] : llvm::enumerate(to))
    if (!d.isConstant(1))
      t.push_back(i);
  // From the inside out: `size` elements with `stride` are still to be given.
  size_t i = f.size(), j = t.size();
  while (j > 0) {
    if (i == 0)
      return std::nullopt;
    DimExpr size = from[f[--i]], stride = strides[f[i]];
    while (true) {
      DimExpr wanted = to[t[j - 1]];
      if (size == wanted) {
        result[t[--j]] = stride;
        break;
      }
      if (auto rest = size.exactDiv(wanted)) { // split
        result[t[--j]] = stride;
        stride = stride * wanted;
        size = *rest;
        if (j == 0)
          return std::nullopt;
        continue;
      }
      // merge with the next dimension outside
      if (i == 0 || strides[f[i - 1]] != stride * size)
        return std::nullopt;
      size = size * from[f[--i]];
    }
  }
  if (i != 0)
    return std::nullopt;
  return result;
}

std::optional<StridedView> viewOf(Value value,
                                  function_ref<bool(Value)> isBase) {
  MLIRContext *context = value.getContext();
  if (isBase ? isBase(value) : isa<BlockArgument>(value)) {
    if (graph::layoutOf(value.getType()))
      return std::nullopt;
    StridedView view{value, DimExpr::constant(context, 0), {}};
    SmallVector<DimExpr> dims = graph::dimsOf(value);
    DimExpr stride = DimExpr::constant(context, 1);
    view.strides.resize(dims.size());
    for (size_t i = dims.size(); i-- > 0;) {
      view.strides[i] = stride;
      stride = stride * dims[i];
    }
    return view;
  }
  Operation *op = value.getDefiningOp();
  if (!op || !isa<graph::TransposeOp, graph::SliceOp, graph::BroadcastOp,
                  graph::ReshapeOp, graph::RelayoutOp>(op))
    return std::nullopt;
  if (graph::layoutOf(value.getType()))
    return std::nullopt;
  auto view = viewOf(op->getOperand(0), isBase);
  if (!view)
    return std::nullopt;
  if (auto transpose = dyn_cast<graph::TransposeOp>(op)) {
    SmallVector<DimExpr> strides;
    for (int64_t p : transpose.getPerm())
      strides.push_back(view->strides[p]);
    view->strides = strides;
  } else if (auto slice = dyn_cast<graph::SliceOp>(op)) {
    for (auto [i, offset] :
         llvm::enumerate(graph::dimsOf(slice.getOffsets()))) {
      view->offset = view->offset + offset * view->strides[i];
      view->strides[i] = view->strides[i] * slice.getStrides()[i];
    }
  } else if (auto broadcast = dyn_cast<graph::BroadcastOp>(op)) {
    SmallVector<DimExpr> from = graph::dimsOf(broadcast.getInput());
    SmallVector<DimExpr> to = graph::dimsOf(broadcast.getResult());
    SmallVector<DimExpr> strides(to.size(), DimExpr::constant(context, 0));
    size_t skip = to.size() - from.size();
    for (size_t i = 0; i < from.size(); ++i)
      if (!from[i].isConstant(1))
        strides[skip + i] = view->strides[i];
    view->strides = strides;
  } else if (isa<graph::ReshapeOp>(op)) {
    auto strides = reshapeStrides(graph::dimsOf(op->getOperand(0)),
                                  view->strides, graph::dimsOf(value));
    if (!strides)
      return std::nullopt;
    view->strides = *strides;
  }
  return view;
}

} // namespace mlir::tenon
