//===- Contrib.cpp - Operators of the domain com.microsoft ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// What onnxruntime's graph optimizer writes into the models that it saves, as
// far as the graph dialect has it. Tests: test/compiler/Import/contrib.onnxtxt.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/LayerNormBuilder.h"
#include "compiler/Import/MatmulBuilder.h"
#include "compiler/Import/Operators.h"

using namespace mlir::tenon::graph;

namespace mlir::tenon {

static Value buildGelu(Node &node, Value x, bool approximate) {
  return node.create<GeluOp>(
      x, node.named("approximate_tanh", node.builder.getBoolAttr(approximate)));
}

static LogicalResult gelu(Node &node) {
  return node.finish(buildGelu(node, node.input(0), false));
}

static LogicalResult biasGelu(Node &node) {
  return node.finish(
      buildGelu(node, node.add(node.input(0), node.input(1)), false));
}

static LogicalResult fastGelu(Node &node) {
  Value x = node.input(0);
  if (node.input(1))
    x = node.add(x, node.input(1));
  return node.finish(buildGelu(node, x, true));
}

/// x sigmoid(alpha x)
static LogicalResult quickGelu(Node &node) {
  Value x = node.input(0);
  Value scaled = node.mul(x, node.floatAttr("alpha", 1.702));
  return node.finish(node.mul(x, node.create<SigmoidOp>(scaled)));
}

static LogicalResult fusedMatmul(Node &node) {
  if (node.intAttr("transBatchA", 0) || node.intAttr("transBatchB", 0))
    return node.unsupported("transBatchA and transBatchB are not in this "
                            "version");
  Value lhs = node.input(0), rhs = node.input(1);
  if (Node::rankOf(lhs) < 2 || Node::rankOf(rhs) < 2)
    return node.fail("expected operands of rank 2 or more");
  if (node.intAttr("transA", 0))
    lhs = transposeLast(node, lhs);
  Value result = buildMatmul(node, lhs, rhs, node.intAttr("transB", 0) != 0);
  double alpha = node.floatAttr("alpha", 1.0);
  return node.finish(alpha == 1 ? result : node.mul(result, alpha));
}

/// Layer normalization of input + skip (+ bias); the sum is the last output.
template <bool rms> static LogicalResult skipLayerNorm(Node &node) {
  Value sum = node.add(node.input(0), node.input(1));
  unsigned biasAt = rms ? 3 : 4;
  if (node.input(biasAt))
    sum = node.add(sum, node.input(biasAt));
  if (!sum)
    return failure();
  for (unsigned i : {1u, 2u})
    if (node.hasOutput(i))
      return node.unsupported("mean and deviation as outputs are not in this "
                              "version");
  if (node.hasOutput(3) && failed(node.setOutput(3, sum)))
    return failure();
  return node.finish(buildLayerNorm(
      node, sum, node.input(2), rms ? Value() : node.input(3),
      Node::rankOf(sum) - 1, node.floatAttr("epsilon", 1e-12), rms));
}

ArrayRef<OperatorRow> contribOperators() {
  constexpr auto Float = Elements::Float;
  static const OperatorRow rows[] = {
      {"BiasGelu", 1, 1, 2, 2, Float, biasGelu},
      {"FastGelu", 1, 1, 1, 2, Float, fastGelu},
      {"FusedMatMul", 1, 1, 2, 2, Float, fusedMatmul},
      {"Gelu", 1, 1, 1, 1, Float, gelu},
      {"QuickGelu", 1, 1, 1, 1, Float, quickGelu},
      {"SkipLayerNormalization", 1, 1, 3, 5, Float, skipLayerNorm<false>},
      {"SkipSimplifiedLayerNormalization", 1, 1, 3, 4, Float,
       skipLayerNorm<true>},
  };
  return rows;
}

} // namespace mlir::tenon
