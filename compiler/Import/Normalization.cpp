//===- Normalization.cpp - Normalizations ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Batch normalization is affine, with factors that constant folding computes:
//
//   y = BatchNormalization(x, scale, bias, mean, variance)
//     ⇒ %f = scale / sqrt(variance + epsilon)
//       %y = x * f[C,1,1] + (bias - mean * f)[C,1,1]
//
// All others are graph.layer_norm over the right dimensions:
//
//   InstanceNormalization      from dimension 2 on
//   GroupNormalization         x as [N, groups, rest], from 2 on
//   LayerNormalization, RMSNormalization, SimplifiedLayerNormalization: as is
//
// Opset boundaries: BatchNormalization 9 (spatial), 14 (training_mode),
// GroupNormalization 21 (scale for each channel, before: for each group).
// Tests: test/compiler/Import/normalization.onnxtxt.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/LayerNormBuilder.h"
#include "compiler/Import/Operators.h"
#include "compiler/Import/Window.h"

using namespace mlir::tenon::graph;

namespace mlir::tenon {

Value buildLayerNorm(Node &node, Value input, Value scale, Value bias,
                     int64_t axis, double epsilon, bool rms) {
  if (!input)
    return {};
  for (Value operand : {scale, bias}) {
    // They broadcast to the input and do not widen it.
    if (operand &&
        failed(node.broadcast(node.dimsOf(input), node.dimsOf(operand))))
      return {};
  }
  return node.createWithOptional<LayerNormOp>(
      {input, scale, bias},
      {node.named("axis", node.builder.getI64IntegerAttr(axis)),
       node.named("epsilon", node.builder.getF64FloatAttr(epsilon)),
       node.named("rms", node.builder.getBoolAttr(rms))});
}

/// Sizes of a vector of one value a channel.
static LogicalResult checkChannels(Node &node, unsigned operand, DimExpr count,
                                   StringRef what) {
  Value vector = node.input(operand);
  if (Node::rankOf(vector) != 1)
    return node.fail("expected " + what + " of rank 1, got rank " +
                     Twine(Node::rankOf(vector)));
  return node.assumeEqual(node.dimsOf(vector)[0], count,
                          "expected one " + what + " for each channel");
}

static LogicalResult batchNorm(Node &node) {
  Value x = node.input(0);
  int64_t rank = Node::rankOf(x);
  if (node.opset >= 14 && node.intAttr("training_mode", 0))
    return node.unsupported("training mode is not in this version: export the "
                            "model for inference");
  if (node.opset < 9 && node.intAttr("spatial", 1) == 0)
    return node.unsupported("spatial=0 is not in this version");
  for (unsigned i = 1; i < unsigned(node.proto.output_size()); ++i)
    if (node.opset >= 14 && node.hasOutput(i))
      return node.unsupported("more than one output is for training");
  if (rank < 2)
    return node.fail("expected an input of rank 2 or more, got rank " +
                     Twine(rank));
  static constexpr StringLiteral kNames[] = {"", "scale", "bias", "mean",
                                             "variance"};
  for (unsigned i = 1; i < 5; ++i)
    if (failed(checkChannels(node, i, node.dimsOf(x)[1], kNames[i])))
      return failure();

  // The factors in f32 at least: f16 does not hold epsilon well.
  Type type = Node::elementOf(x);
  Type wide = type.isF64() ? type : Type(node.builder.getF32Type());
  Value scale = node.cast(node.input(1), wide);
  Value bias = node.cast(node.input(2), wide);
  Value mean = node.cast(node.input(3), wide);
  Value variance = node.cast(node.input(4), wide);
  Value deviation =
      node.create<SqrtOp>(node.add(variance, node.floatAttr("epsilon", 1e-5)));
  Value factor = node.div(scale, deviation);
  Value shift = node.sub(bias, node.mul(mean, factor));
  auto perChannel = [&](Value vector) {
    return node.alongAxis(node.cast(vector, type), 0, rank - 1);
  };
  return node.finish(
      node.add(node.mul(x, perChannel(factor)), perChannel(shift)));
}

/// The mean and 1 / deviation that LayerNormalization may give as well.
static LogicalResult layerStatistics(Node &node, int64_t axis) {
  Value x = node.input(0);
  SmallVector<int64_t> axes;
  for (int64_t i = axis; i < Node::rankOf(x); ++i)
    axes.push_back(i);
  Value mean = node.reduce(x, ReduceKind::mean, axes, /*keep=*/true);
  Value centered = node.sub(x, mean);
  Value squares = node.mul(centered, centered);
  if (!squares)
    return failure();
  Value variance = node.reduce(squares, ReduceKind::mean, axes, /*keep=*/true);
  Value inverse =
      node.create<RsqrtOp>(node.add(variance, node.floatAttr("epsilon", 1e-5)));
  return failure(failed(node.setOutput(1, mean)) ||
                 failed(node.setOutput(2, inverse)));
}

static LogicalResult layerNorm(Node &node, bool rms) {
  Value x = node.input(0);
  auto axis = node.normalizeAxis(node.intAttr("axis", -1), Node::rankOf(x));
  if (failed(axis))
    return failure();
  if ((node.hasOutput(1) || node.hasOutput(2)) && !rms &&
      failed(layerStatistics(node, *axis)))
    return failure();
  Type type = Node::elementOf(x);
  return node.finish(
      buildLayerNorm(node, x, node.cast(node.input(1), type),
                     rms ? Value() : node.cast(node.input(2), type), *axis,
                     node.floatAttr("epsilon", 1e-5), rms));
}
static LogicalResult layerNormalization(Node &node) {
  return layerNorm(node, /*rms=*/false);
}
static LogicalResult rmsNormalization(Node &node) {
  return layerNorm(node, /*rms=*/true);
}

static LogicalResult instanceNorm(Node &node) {
  Value x = node.input(0);
  int64_t rank = Node::rankOf(x);
  if (rank < 3)
    return node.fail("expected an input of rank 3 or more, got rank " +
                     Twine(rank));
  DimExpr channels = node.dimsOf(x)[1];
  if (failed(checkChannels(node, 1, channels, "scale")) ||
      failed(checkChannels(node, 2, channels, "bias")))
    return failure();
  return node.finish(
      buildLayerNorm(node, x, node.alongAxis(node.input(1), 0, rank - 1),
                     node.alongAxis(node.input(2), 0, rank - 1), 2,
                     node.floatAttr("epsilon", 1e-5), /*rms=*/false));
}

static LogicalResult groupNorm(Node &node) {
  Value x = node.input(0), scale = node.input(1), bias = node.input(2);
  int64_t rank = Node::rankOf(x);
  int64_t groups = node.intAttr("num_groups", 0);
  if (rank < 3 || groups < 1)
    return node.fail("expected an input of rank 3 or more and num_groups of at "
                     "least 1");
  auto sizes = node.dimsOf(x);
  auto inGroup = sizes[1].exactDiv(node.dim(groups));
  if (!inGroup)
    return node.fail("expected channels that num_groups = " + Twine(groups) +
                     " divides, got " + sizes[1].str());
  if (node.opset < 21) {
    // One factor for each group: repeat it for each channel of the group.
    auto repeat = [&](Value vector) {
      vector = node.alongAxis(vector, 0, 2);
      vector = vector ? node.broadcastTo(vector, {node.dim(groups), *inGroup})
                      : vector;
      return node.reshape(vector, sizes[1]);
    };
    if (failed(checkChannels(node, 1, node.dim(groups), "scale")) ||
        failed(checkChannels(node, 2, node.dim(groups), "bias")))
      return failure();
    scale = repeat(scale);
    bias = repeat(bias);
  } else if (failed(checkChannels(node, 1, sizes[1], "scale")) ||
             failed(checkChannels(node, 2, sizes[1], "bias"))) {
    return failure();
  }
  DimExpr rest = *inGroup * productOf(node.getContext(),
                                      ArrayRef<DimExpr>(sizes).drop_front(2));
  Value grouped = node.reshape(x, {sizes[0], node.dim(groups), rest});
  Value normal = buildLayerNorm(node, grouped, {}, {}, 2,
                                node.floatAttr("epsilon", 1e-5), false);
  normal = node.reshape(normal, sizes);
  normal = node.mul(normal, node.alongAxis(scale, 0, rank - 1));
  return node.finish(node.add(normal, node.alongAxis(bias, 0, rank - 1)));
}

/// x / norm(x) along one axis; zeros stay zeros
static LogicalResult lpNorm(Node &node) {
  Value x = node.input(0);
  auto axis = node.normalizeAxis(node.intAttr("axis", -1), Node::rankOf(x));
  if (failed(axis))
    return failure();
  int64_t p = node.intAttr("p", 2);
  if (p != 1 && p != 2)
    return node.fail("expected p of 1 or 2, got " + Twine(p));
  Value norm = node.reduce(x, p == 1 ? ReduceKind::l1 : ReduceKind::l2, *axis,
                           /*keep=*/true);
  if (!norm)
    return failure();
  Type type = Node::elementOf(x);
  Value isZero = node.compare(norm, node.scalar(0, type), ComparePredicate::eq);
  norm = node.select(isZero, node.scalar(1, type), norm);
  return node.finish(node.div(x, norm));
}

/// (x - mean) / (sqrt(mean((x - mean)^2)) + 1e-9)
static LogicalResult meanVarianceNorm(Node &node) {
  Value x = node.input(0);
  SmallVector<int64_t> axes{0, 2, 3};
  if (auto given = node.intsAttr("axes"))
    axes = *given;
  for (int64_t &axis : axes) {
    auto normal = node.normalizeAxis(axis, Node::rankOf(x));
    if (failed(normal))
      return failure();
    axis = *normal;
  }
  llvm::sort(axes);
  axes.erase(llvm::unique(axes), axes.end());
  Value centered = node.sub(x, node.reduce(x, ReduceKind::mean, axes, true));
  Value variance = node.mul(centered, centered);
  if (variance)
    variance = node.reduce(variance, ReduceKind::mean, axes, true);
  Value deviation = node.add(node.create<SqrtOp>(variance), 1e-9);
  return node.finish(node.div(centered, deviation));
}

/// x / (bias + alpha / size * sum of squares over `size` channels) ^ beta: the
/// sum is an average over windows of [N, 1, C, rest].
static LogicalResult localResponseNorm(Node &node) {
  Value x = node.input(0);
  int64_t size = node.intAttr("size", 0);
  auto sizes = node.dimsOf(x);
  if (sizes.size() < 3 || size < 1)
    return node.fail("expected an input of rank 3 or more and size of at least "
                     "1");
  DimExpr rest =
      productOf(node.getContext(), ArrayRef<DimExpr>(sizes).drop_front(2));
  Value squares =
      node.reshape(node.mul(x, x), {sizes[0], node.dim(1), sizes[1], rest});
  int64_t low = (size - 1) / 2;
  Value average = node.create<PoolOp>(
      squares,
      {node.named("kind", PoolKindAttr::get(node.getContext(),
                                            PoolKind::avg_include_pad)),
       node.named("kernel", ArrayRef<int64_t>{size, 1}),
       node.named("strides", ArrayRef<int64_t>{1, 1}),
       node.named("pads", ArrayRef<int64_t>{low, 0, size - 1 - low, 0}),
       node.named("dilations", ArrayRef<int64_t>{1, 1}),
       node.named("ceil_mode", node.builder.getBoolAttr(false))});
  average = node.reshape(average, sizes);
  Value base = node.add(node.mul(average, node.floatAttr("alpha", 1e-4)),
                        node.floatAttr("bias", 1.0));
  if (!base)
    return failure();
  Value power = node.binary<PowOp>(
      base, node.scalar(node.floatAttr("beta", 0.75), Node::elementOf(x)));
  return node.finish(node.div(x, power));
}

ArrayRef<OperatorRow> normalizationOperators() {
  constexpr auto Float = Elements::Float;
  static const OperatorRow rows[] = {
      {"BatchNormalization", 7, kMaxOpset, 5, 5, Float, batchNorm},
      {"GroupNormalization", 18, kMaxOpset, 3, 3, Float, groupNorm},
      {"InstanceNormalization", 7, kMaxOpset, 3, 3, Float, instanceNorm},
      {"LRN", 7, kMaxOpset, 1, 1, Float, localResponseNorm},
      {"LayerNormalization", 17, kMaxOpset, 2, 3, Float, layerNormalization},
      {"LpNormalization", 7, kMaxOpset, 1, 1, Float, lpNorm},
      {"MeanVarianceNormalization", 9, kMaxOpset, 1, 1, Float,
       meanVarianceNorm},
      {"RMSNormalization", 23, kMaxOpset, 2, 2, Float, rmsNormalization},
  };
  return rows;
}

} // namespace mlir::tenon
