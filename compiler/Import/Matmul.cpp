//===- Matmul.cpp - Matrix products ---------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//   y = Gemm <alpha=0.5, transB=1> (a, b, c)
//     ⇒ %0 = graph.matmul %a, %b {transpose_rhs = true}
//       %1 = graph.mul %0, 0.5
//       %y = graph.add %1, %c
//
// A vector operand of MatMul becomes a matrix with one row or column, which is
// dropped from the result. Tests: test/compiler/Import/matmul.onnxtxt.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/MatmulBuilder.h"
#include "compiler/Import/Operators.h"

using namespace mlir::tenon::graph;

namespace mlir::tenon {

Value buildMatmul(Node &node, Value lhs, Value rhs, bool transposeRhs) {
  if (!lhs || !rhs)
    return {};
  auto left = node.dimsOf(lhs), right = node.dimsOf(rhs);
  if (left.size() < 2 || right.size() < 2) {
    (void)node.fail("expected operands of rank 2 or more");
    return {};
  }
  if (Node::elementOf(lhs) != Node::elementOf(rhs)) {
    node.error() << "expected operands of one element type, got "
                 << Node::elementOf(lhs) << " and " << Node::elementOf(rhs);
    return {};
  }
  DimExpr inner = right[right.size() - (transposeRhs ? 1 : 2)];
  if (failed(node.assumeEqual(left.back(), inner,
                              "inner sizes of a matrix product must agree")) ||
      failed(node.broadcast(ArrayRef<DimExpr>(left).drop_back(2),
                            ArrayRef<DimExpr>(right).drop_back(2))))
    return {};
  return node.create<MatmulOp>(
      {lhs, rhs},
      node.named("transpose_rhs", node.builder.getBoolAttr(transposeRhs)));
}

Value transposeLast(Node &node, Value value) {
  if (!value)
    return {};
  SmallVector<int64_t> perm;
  for (int64_t i = 0; i < Node::rankOf(value); ++i)
    perm.push_back(i);
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return node.transpose(value, perm);
}

static LogicalResult matmul(Node &node) {
  Value lhs = node.input(0), rhs = node.input(1);
  if (Node::rankOf(lhs) == 0 || Node::rankOf(rhs) == 0)
    return node.fail("expected operands of rank 1 or more");
  bool isRow = Node::rankOf(lhs) == 1, isColumn = Node::rankOf(rhs) == 1;
  if (isRow)
    lhs = node.reshape(lhs, {node.dim(1), node.dimsOf(lhs)[0]});
  if (isColumn)
    rhs = node.reshape(rhs, {node.dimsOf(rhs)[0], node.dim(1)});
  Value result = buildMatmul(node, lhs, rhs, /*transposeRhs=*/false);
  if (!result || !(isRow || isColumn))
    return node.finish(result);
  auto sizes = node.dimsOf(result);
  if (isColumn)
    sizes.pop_back();
  if (isRow)
    sizes.erase(sizes.end() - (isColumn ? 1 : 2));
  return node.finish(node.reshape(result, sizes));
}

static LogicalResult gemm(Node &node) {
  Value lhs = node.input(0), rhs = node.input(1), bias = node.input(2);
  if (Node::rankOf(lhs) != 2 || Node::rankOf(rhs) != 2)
    return node.fail("expected operands of rank 2, got rank " +
                     Twine(Node::rankOf(lhs)) + " and " +
                     Twine(Node::rankOf(rhs)));
  if (node.intAttr("transA", 0))
    lhs = transposeLast(node, lhs);
  Value result = buildMatmul(node, lhs, rhs, node.intAttr("transB", 0) != 0);
  double alpha = node.floatAttr("alpha", 1.0);
  double beta = node.floatAttr("beta", 1.0);
  if (alpha != 1)
    result = node.mul(result, alpha);
  if (!bias || beta == 0)
    return node.finish(result);
  if (beta != 1)
    bias = node.mul(bias, beta);
  return node.finish(node.add(result, bias));
}

ArrayRef<OperatorRow> matmulOperators() {
  static const OperatorRow rows[] = {
      {"Gemm", 7, 10, 3, 3, Elements::Number, gemm},
      {"Gemm", 11, kMaxOpset, 2, 3, Elements::Number, gemm},
      {"MatMul", 7, kMaxOpset, 2, 2, Elements::Number, matmul},
  };
  return rows;
}

} // namespace mlir::tenon
