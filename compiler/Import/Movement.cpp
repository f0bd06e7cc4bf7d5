//===- Movement.cpp - Operators that rearrange elements -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Reshape and its relatives, transpositions, joining, splitting, repeating.
//
//   y = Reshape(x[N, 3, 4], [0, -1])  ⇒  graph.reshape %x {sizes = [N, 12]}
//
// A size of -1 is the quotient of element counts; if the division is not exact
// for every value of the symbols, that it is becomes a constraint.
//
// Opset boundaries: Squeeze and Unsqueeze take axes as an operand from 13,
// Reshape has allowzero from 14, Split takes sizes as an operand from 13 and
// may be uneven from 18. Tests: test/compiler/Import/movement.onnxtxt.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Operators.h"
#include "compiler/Import/TensorData.h"

using namespace mlir::tenon::graph;

namespace mlir::tenon {

//===----------------------------------------------------------------------===//
// Reshapes
//===----------------------------------------------------------------------===//

/// The size that -1 stands for: total / known.
static FailureOr<DimExpr> inferSize(Node &node, DimExpr total, DimExpr known) {
  if (known.isConstant(0)) {
    (void)node.fail("the size -1 is not defined beside a size of 0");
    return failure();
  }
  Sizes::cancel(total, known);
  if (auto exact = total.exactDiv(known))
    return *exact;
  if (total.isConstant() && known.isConstant()) {
    (void)node.fail("the size -1 is not a whole number: " + total.str() +
                    " / " + known.str());
    return failure();
  }
  DimExpr quotient = total.floorDiv(known);
  if (failed(node.assumeEqual(quotient * known, total,
                              "a size of -1 must be a whole number")))
    return failure();
  return quotient;
}

static LogicalResult reshape(Node &node) {
  Value x = node.input(0);
  auto target = node.shapeOperand(1, "the shape");
  if (failed(target))
    return failure();
  auto sizes = node.dimsOf(x);
  bool allowZero = node.opset >= 14 && node.intAttr("allowzero", 0);
  std::optional<size_t> inferred;
  DimExpr known = node.dim(1);
  for (auto [i, size] : llvm::enumerate(*target)) {
    if (size.isConstant(-1)) {
      if (inferred)
        return node.fail("more than one size is -1");
      inferred = i;
      continue;
    }
    if (size.isConstant(0) && !allowZero) {
      if (i >= sizes.size())
        return node.fail("the size 0 at " + Twine(i) +
                         " copies a size that the input does not have");
      size = sizes[i];
    }
    if (size.upperBound() < 0)
      return node.fail("expected sizes of at least -1, got " + size.str());
    known = known * size;
  }
  if (inferred) {
    auto size = inferSize(node, productOf(node.getContext(), sizes), known);
    if (failed(size))
      return failure();
    (*target)[*inferred] = *size;
  }
  return node.finish(node.reshape(x, *target));
}

static LogicalResult flatten(Node &node) {
  Value x = node.input(0);
  auto sizes = node.dimsOf(x);
  int64_t rank = int64_t(sizes.size()), axis = node.intAttr("axis", 1);
  if (axis < -rank || axis > rank)
    return node.fail("axis " + Twine(axis) + " is outside of [" + Twine(-rank) +
                     ", " + Twine(rank) + "]");
  if (axis < 0)
    axis += rank;
  ArrayRef<DimExpr> all(sizes);
  return node.finish(node.reshape(
      x, {productOf(node.getContext(), all.take_front(size_t(axis))),
          productOf(node.getContext(), all.drop_front(size_t(axis)))}));
}

static LogicalResult squeeze(Node &node) {
  Value x = node.input(0);
  auto sizes = node.dimsOf(x);
  auto axes = node.axes(Node::rankOf(x), /*inputFrom=*/13);
  if (failed(axes))
    return failure();
  SmallVector<DimExpr> kept;
  for (auto [i, size] : llvm::enumerate(sizes)) {
    bool isDropped =
        *axes ? llvm::is_contained(**axes, int64_t(i)) : size.isConstant(1);
    if (!isDropped)
      kept.push_back(size);
    else if (failed(node.assumeEqual(size, node.dim(1),
                                     "a size that is dropped must be 1")))
      return failure();
  }
  return node.finish(node.reshape(x, kept));
}

static LogicalResult unsqueeze(Node &node) {
  Value x = node.input(0);
  auto sizes = node.dimsOf(x);
  // The axes count in the result, whose rank depends on how many there are.
  SmallVector<int64_t> given;
  if (node.opset < 13) {
    given = node.intsAttr("axes").value_or(SmallVector<int64_t>());
  } else {
    auto values = node.intsOperand(1, "axes");
    if (failed(values))
      return failure();
    given = *values;
  }
  int64_t rank = int64_t(sizes.size() + given.size());
  SmallVector<DimExpr> result;
  result.resize(size_t(rank));
  for (int64_t axis : given) {
    auto normal = node.normalizeAxis(axis, rank);
    if (failed(normal))
      return failure();
    if (result[size_t(*normal)])
      return node.fail("an axis occurs twice in 'axes'");
    result[size_t(*normal)] = node.dim(1);
  }
  size_t next = 0;
  for (DimExpr &size : result)
    if (!size)
      size = sizes[next++];
  return node.finish(node.reshape(x, result));
}

//===----------------------------------------------------------------------===//
// Transpositions
//===----------------------------------------------------------------------===//

static LogicalResult transpose(Node &node) {
  Value x = node.input(0);
  int64_t rank = Node::rankOf(x);
  SmallVector<int64_t> perm;
  if (auto given = node.intsAttr("perm"))
    perm = *given;
  else
    for (int64_t i = rank; i > 0; --i)
      perm.push_back(i - 1);
  SmallVector<int64_t> sorted(perm);
  llvm::sort(sorted);
  for (auto [i, axis] : llvm::enumerate(sorted))
    if (int64_t(sorted.size()) != rank || axis != int64_t(i))
      return node.fail("expected 'perm' to hold each of 0 to " +
                       Twine(rank - 1) + " once");
  if (int64_t(sorted.size()) != rank)
    return node.fail("expected " + Twine(rank) + " elements in 'perm'");
  return node.finish(node.transpose(x, perm));
}

/// [N, C, H, W] to [N, C/b^2, H b, W b]
static LogicalResult depthToSpace(Node &node) {
  Value x = node.input(0);
  auto sizes = node.dimsOf(x);
  int64_t block = node.intAttr("blocksize", 0);
  StringRef mode = node.stringAttr("mode", "DCR");
  if (sizes.size() != 4 || block < 1 || block > (1 << 15))
    return node.fail("expected an input of rank 4 and a positive blocksize");
  if (mode != "DCR" && mode != "CRD")
    return node.fail("expected mode DCR or CRD, got '" + mode + "'");
  auto depth = sizes[1].exactDiv(node.dim(block * block));
  if (!depth)
    return node.fail("expected channels that blocksize^2 = " +
                     Twine(block * block) + " divides, got " + sizes[1].str());
  DimExpr b = node.dim(block), n = sizes[0], h = sizes[2], w = sizes[3];
  Value y = mode == "DCR" ? node.reshape(x, {n, b, b, *depth, h, w})
                          : node.reshape(x, {n, *depth, b, b, h, w});
  y = mode == "DCR" ? node.transpose(y, {0, 3, 4, 1, 5, 2})
                    : node.transpose(y, {0, 1, 4, 2, 5, 3});
  return node.finish(node.reshape(y, {n, *depth, h * block, w * block}));
}

/// [N, C, H, W] to [N, C b^2, H/b, W/b]; mode CRD exists from opset 28.
static LogicalResult spaceToDepth(Node &node) {
  Value x = node.input(0);
  auto sizes = node.dimsOf(x);
  int64_t block = node.intAttr("blocksize", 0);
  if (sizes.size() != 4 || block < 1 || block > (1 << 15))
    return node.fail("expected an input of rank 4 and a positive blocksize");
  StringRef mode = node.stringAttr("mode", "DCR");
  if (mode != "DCR" && mode != "CRD")
    return node.fail("expected mode DCR or CRD, got '" + mode + "'");
  auto h = inferSize(node, sizes[2], node.dim(block));
  auto w = inferSize(node, sizes[3], node.dim(block));
  if (failed(h) || failed(w))
    return failure();
  DimExpr b = node.dim(block), n = sizes[0], c = sizes[1];
  Value y = node.reshape(x, {n, c, *h, b, *w, b});
  y = mode == "DCR" ? node.transpose(y, {0, 3, 5, 1, 2, 4})
                    : node.transpose(y, {0, 1, 3, 5, 2, 4});
  return node.finish(node.reshape(y, {n, c * (block * block), *h, *w}));
}

//===----------------------------------------------------------------------===//
// Joining, splitting, repeating
//===----------------------------------------------------------------------===//

static LogicalResult concat(Node &node) {
  Value first = node.input(0);
  int64_t rank = Node::rankOf(first);
  if (!node.hasAttr("axis"))
    return node.fail("expected the attribute 'axis'");
  auto axis = node.normalizeAxis(node.intAttr("axis", 0), rank);
  if (failed(axis))
    return failure();
  auto sizes = node.dimsOf(first);
  for (Value operand : node.operands) {
    if (!operand)
      return node.fail("expected no empty inputs");
    if (Node::rankOf(operand) != rank)
      return node.fail("expected inputs of rank " + Twine(rank) +
                       ", got rank " + Twine(Node::rankOf(operand)));
    if (Node::elementOf(operand) != Node::elementOf(first))
      return node.error() << "expected inputs of one element type, got "
                          << Node::elementOf(first) << " and "
                          << Node::elementOf(operand);
    auto other = node.dimsOf(operand);
    for (int64_t d = 0; d < rank; ++d)
      if (d != *axis && failed(node.assumeEqual(
                            sizes[size_t(d)], other[size_t(d)],
                            "inputs must agree in dimension " + Twine(d))))
        return failure();
  }
  return node.finish(node.create<ConcatOp>(
      node.operands,
      node.named("axis", node.builder.getI64IntegerAttr(*axis))));
}

/// The size of each part along the axis.
static FailureOr<SmallVector<DimExpr>> splitSizes(Node &node, DimExpr size) {
  int64_t count = node.proto.output_size();
  std::optional<SmallVector<DimExpr>> parts;
  if (node.opset < 13) {
    if (auto given = node.intsAttr("split"))
      parts = node.dims(*given);
  } else if (node.input(1)) {
    auto given = node.shapeOperand(1, "the sizes of the parts");
    if (failed(given))
      return failure();
    parts = *given;
  }
  if (parts) {
    DimExpr sum = node.dim(0);
    for (DimExpr part : *parts) {
      if (part.upperBound() < 0) {
        (void)node.fail("expected sizes of at least 0, got " + part.str());
        return failure();
      }
      sum = sum + part;
    }
    if (int64_t(parts->size()) != count) {
      (void)node.fail("expected " + Twine(count) + " sizes, got " +
                      Twine(parts->size()));
      return failure();
    }
    if (failed(node.assumeEqual(
            sum, size, "the sizes of the parts must add up to the input's")))
      return failure();
    return *parts;
  }
  if (auto exact = size.exactDiv(node.dim(count)))
    return SmallVector<DimExpr>(size_t(count), *exact);
  if (node.opset >= 18) {
    // All but the last are ceil(size / count) long.
    DimExpr part = size.ceilDiv(count);
    SmallVector<DimExpr> uneven(size_t(count - 1), part);
    DimExpr last = size - part * (count - 1);
    if (last.upperBound() < 0) {
      (void)node.fail("cannot split " + size.str() + " elements into " +
                      Twine(count) + " parts");
      return failure();
    }
    uneven.push_back(DimExpr::max(last, node.dim(0)));
    return uneven;
  }
  DimExpr part = size.floorDiv(count);
  if (failed(node.assumeEqual(part * count, size,
                              "the parts of a split must be equal")))
    return failure();
  return SmallVector<DimExpr>(size_t(count), part);
}

static LogicalResult split(Node &node) {
  Value x = node.input(0);
  auto axis = node.normalizeAxis(node.intAttr("axis", 0), Node::rankOf(x));
  if (failed(axis))
    return failure();
  if (node.proto.output_size() == 0)
    return node.fail("expected outputs");
  auto sizes = node.dimsOf(x);
  auto parts = splitSizes(node, sizes[size_t(*axis)]);
  if (failed(parts))
    return failure();
  SmallVector<DimExpr> offsets(sizes.size(), node.dim(0));
  SmallVector<int64_t> strides(sizes.size(), 1);
  for (auto [i, part] : llvm::enumerate(*parts)) {
    sizes[size_t(*axis)] = part;
    if (node.hasOutput(unsigned(i)) &&
        failed(node.setOutput(unsigned(i),
                              node.slice(x, offsets, sizes, strides))))
      return failure();
    offsets[size_t(*axis)] = offsets[size_t(*axis)] + part;
  }
  return success();
}

static LogicalResult expand(Node &node) {
  Value x = node.input(0);
  auto target = node.shapeOperand(1, "the shape");
  if (failed(target))
    return failure();
  for (DimExpr size : *target)
    if (size.upperBound() < 0)
      return node.fail("expected sizes of at least 0, got " + size.str());
  auto sizes = node.broadcast(node.dimsOf(x), *target);
  if (failed(sizes))
    return failure();
  return node.finish(node.broadcastTo(x, *sizes));
}

static LogicalResult tile(Node &node) {
  Value x = node.input(0);
  auto repeats = node.shapeOperand(1, "the repeats");
  if (failed(repeats))
    return failure();
  auto sizes = node.dimsOf(x);
  if (repeats->size() != sizes.size())
    return node.fail("expected " + Twine(sizes.size()) + " repeats, got " +
                     Twine(repeats->size()));
  for (auto [size, repeat] : llvm::zip(sizes, *repeats)) {
    auto a = size.asConstant(), b = repeat.asConstant();
    if (repeat.upperBound() < 0)
      return node.fail("expected repeats of at least 0, got " + repeat.str());
    if (a && b && *b > 0 && *a > kMaxElements / *b)
      return node.fail("its output has more than 2^40 elements");
  }
  return node.finish(node.create<TileOp>(x, node.named("repeats", *repeats)));
}

static LogicalResult identity(Node &node) { return node.finish(node.input(0)); }

/// Inference: the input. The mask is all true.
static LogicalResult dropout(Node &node) {
  if (Value training = node.input(2)) {
    auto isTraining = node.constantInts(training);
    auto ratio = node.input(1) ? node.constantFloat(node.input(1)) : 0.5;
    bool isHarmless = ratio && *ratio == 0;
    if (!isHarmless && (!isTraining || *isTraining != ArrayRef<int64_t>{0}))
      return node.unsupported("training mode is not in this version: export "
                              "the model for inference");
  }
  if (node.hasOutput(1) && node.opset >= 10) {
    Value yes = node.scalar(1, node.builder.getI1Type());
    if (failed(node.setOutput(
            1, node.broadcastTo(yes, node.dimsOf(node.input(0))))))
      return failure();
  }
  return identity(node);
}

ArrayRef<OperatorRow> movementOperators() {
  constexpr auto Any = Elements::Any;
  static const OperatorRow rows[] = {
      {"Concat", 7, kMaxOpset, 1, kVariadic, Any, concat},
      {"DepthToSpace", 7, kMaxOpset, 1, 1, Any, depthToSpace},
      {"Dropout", 7, 11, 1, 1, Elements::Float, dropout},
      {"Dropout", 12, kMaxOpset, 1, 3, Elements::Float, dropout},
      {"Expand", 8, kMaxOpset, 2, 2, Any, expand},
      {"Flatten", 7, kMaxOpset, 1, 1, Any, flatten},
      {"Identity", 7, kMaxOpset, 1, 1, Any, identity},
      {"Reshape", 7, kMaxOpset, 2, 2, Any, reshape},
      {"SpaceToDepth", 7, kMaxOpset, 1, 1, Any, spaceToDepth},
      {"Split", 7, 12, 1, 1, Any, split},
      {"Split", 13, kMaxOpset, 1, 2, Any, split},
      {"Squeeze", 7, 12, 1, 1, Any, squeeze},
      {"Squeeze", 13, kMaxOpset, 1, 2, Any, squeeze},
      {"Tile", 7, kMaxOpset, 2, 2, Any, tile},
      {"Transpose", 7, kMaxOpset, 1, 1, Any, transpose},
      {"Unsqueeze", 7, 12, 1, 1, Any, unsqueeze},
      {"Unsqueeze", 13, kMaxOpset, 2, 2, Any, unsqueeze},
  };
  return rows;
}

} // namespace mlir::tenon
