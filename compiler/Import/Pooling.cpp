//===- Pooling.cpp - Pooling over windows and over everything -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//   y = MaxPool <kernel_shape=[3,3]> (x)   ⇒   graph.pool {kind = max, ...}
//   y = GlobalAveragePool(x)               ⇒   graph.reduce {kind = mean, ...}
//
// Opset boundaries: MaxPool has dilations and ceil_mode from 10, AveragePool
// ceil_mode from 10 and dilations from 19; older files do not carry them, so
// reading them always is right. Tests: test/compiler/Import/pooling.onnxtxt.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Operators.h"
#include "compiler/Import/Window.h"
#include <cmath>
#include <limits>

using namespace mlir::tenon::graph;

namespace mlir::tenon {

/// What a maximum passes over.
static Value lowest(Node &node, Type element) {
  if (isa<FloatType>(element))
    return node.scalar(-std::numeric_limits<double>::infinity(), element);
  bool isUnsigned = cast<IntegerType>(element).isUnsigned();
  return node.scalar(
      isUnsigned ? 0 : -std::exp2(element.getIntOrFloatBitWidth() - 1),
      element);
}

static LogicalResult pool(Node &node, PoolKind kind) {
  Value input = node.input(0);
  int64_t rank = Node::rankOf(input);
  if (rank < 3)
    return node.fail("expected an input of rank 3 or more, got rank " +
                     Twine(rank));
  auto sizes = node.dimsOf(input);
  ArrayRef<DimExpr> spatial = ArrayRef<DimExpr>(sizes).drop_front(2);
  if (!node.hasAttr("kernel_shape"))
    return node.fail("expected the attribute 'kernel_shape'");
  auto kernel = readSizes(node, "kernel_shape", spatial.size(), 1, 1);
  if (failed(kernel))
    return failure();
  auto window = readWindow(node, *kernel, spatial);
  if (failed(window))
    return failure();
  if (!window->symbolicPads.empty() && kind == PoolKind::avg)
    return node.fail("auto_pad with a size that is unknown when the model is "
                     "compiled is not in this version for averages that leave "
                     "the padding out: fix the size with --shapes");
  if (!window->symbolicPads.empty())
    input = padInput(
        node, *window, input,
        kind == PoolKind::max ? lowest(node, Node::elementOf(input)) : Value());
  bool isCeil = node.intAttr("ceil_mode", 0) != 0;
  // Without padding both averages are the same.
  if (kind == PoolKind::avg_include_pad &&
      llvm::all_of(window->pads, [](int64_t pad) { return pad == 0; }))
    kind = PoolKind::avg;
  return node.finish(node.create<PoolOp>(
      input,
      {node.named("kind", PoolKindAttr::get(node.getContext(), kind)),
       node.named("kernel", window->kernel),
       node.named("strides", window->strides), node.named("pads", window->pads),
       node.named("dilations", window->dilations),
       node.named("ceil_mode", node.builder.getBoolAttr(isCeil))}));
}

static LogicalResult maxPool(Node &node) { return pool(node, PoolKind::max); }

static LogicalResult averagePool(Node &node) {
  return pool(node, node.intAttr("count_include_pad", 0)
                        ? PoolKind::avg_include_pad
                        : PoolKind::avg);
}

template <ReduceKind kind> static LogicalResult globalPool(Node &node) {
  Value input = node.input(0);
  SmallVector<int64_t> axes;
  for (int64_t axis = 2; axis < Node::rankOf(input); ++axis)
    axes.push_back(axis);
  if (axes.empty())
    return node.fail("expected an input of rank 3 or more, got rank " +
                     Twine(Node::rankOf(input)));
  return node.finish(node.reduce(input, kind, axes, /*keep=*/true));
}

static LogicalResult globalLpPool(Node &node) {
  int64_t p = node.intAttr("p", 2);
  if (p == 1)
    return globalPool<ReduceKind::l1>(node);
  if (p == 2)
    return globalPool<ReduceKind::l2>(node);
  return node.unsupported("p of 1 or 2 only are in this version, got " +
                          Twine(p));
}

ArrayRef<OperatorRow> poolingOperators() {
  constexpr auto Float = Elements::Float, Number = Elements::Number;
  static const OperatorRow rows[] = {
      {"AveragePool", 7, kMaxOpset, 1, 1, Float, averagePool},
      {"GlobalAveragePool", 7, kMaxOpset, 1, 1, Float,
       globalPool<ReduceKind::mean>},
      {"GlobalLpPool", 7, kMaxOpset, 1, 1, Float, globalLpPool},
      {"GlobalMaxPool", 7, kMaxOpset, 1, 1, Float, globalPool<ReduceKind::max>},
      {"MaxPool", 7, kMaxOpset, 1, 1, Number, maxPool},
  };
  return rows;
}

} // namespace mlir::tenon
