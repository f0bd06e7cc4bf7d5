//===- Einsum.cpp - Sums of products --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Einsum of one or two operands as transpositions, sums and one matrix product.
// Labels of two operands fall into four groups:
//
//   batch     in both and in the result     left, right   in one and the result
//   inner     in both, not in the result    summed        in one alone
//
//   "bhid,bhjd->bhij"   batch b h, inner d, left i, right j
//     ⇒ graph.matmul [b, h, i, d] x [b, h, d, j]
//
// An ellipsis stands for dimensions that are counted from the right. Tests:
// test/compiler/Import/einsum.test.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/MatmulBuilder.h"
#include "compiler/Import/Operators.h"
#include "llvm/ADT/StringExtras.h"
#include <map>

using namespace mlir::tenon::graph;

namespace mlir::tenon {

namespace {

using Labels = std::string;

class Einsum {
public:
  explicit Einsum(Node &node) : node(node) {}

  LogicalResult import() {
    if (failed(parse()))
      return failure();
    Value result = terms.size() == 1 ? importOne() : importTwo();
    return node.finish(result);
  }

private:
  /// Labels of the dimensions behind an ellipsis: 1, 2, ... from the right.
  static char hidden(int64_t fromRight) { return char(1 + fromRight); }

  LogicalResult parse() {
    std::string text = node.stringAttr("equation", "").str();
    llvm::erase(text, ' ');
    StringRef equation(text);
    bool isExplicit = equation.contains("->");
    auto [inputs, output] = equation.split("->");
    SmallVector<StringRef> parts;
    inputs.split(parts, ',');
    if (parts.size() != node.numInputs())
      return node.fail("the equation '" + text + "' has " +
                       Twine(parts.size()) + " terms, got " +
                       Twine(node.numInputs()) + " inputs");
    if (parts.size() > 2)
      return node.unsupported("more than two operands are not in this version");
    int64_t widest = 0;
    for (auto [i, part] : llvm::enumerate(parts)) {
      Value operand = node.input(unsigned(i));
      if (!operand ||
          Node::elementOf(operand) != Node::elementOf(node.input(0)))
        return node.fail("expected operands of one element type");
      int64_t rank = Node::rankOf(operand), count = 0;
      auto labels = expand(part, rank, count);
      if (failed(labels))
        return failure();
      widest = std::max(widest, count);
      if (failed(noteSizes(*labels, operand)))
        return failure();
      terms.push_back(*labels);
    }
    if (!isExplicit) {
      // Everything that occurs once, in alphabetical order.
      for (int64_t i = widest; i > 0; --i)
        result += hidden(i - 1);
      for (char c = 'A'; c <= 'z'; ++c)
        if (llvm::count(llvm::join(terms, ""), c) == 1)
          result += c;
      return success();
    }
    int64_t rank = int64_t(llvm::count_if(output, llvm::isAlpha)) +
                   (output.contains("...") ? widest : 0);
    int64_t count = 0;
    auto labels = expand(output, rank, count);
    if (failed(labels))
      return failure();
    for (char label : *labels)
      if (!sizes.count(label))
        return node.fail("the equation's result has a label that no operand "
                         "has");
    result = *labels;
    return success();
  }

  /// One character for each dimension; `count` of them behind the ellipsis.
  FailureOr<Labels> expand(StringRef part, int64_t rank, int64_t &count) {
    auto fail = [&](const Twine &text) {
      (void)node.fail("in the equation's term '" + part + "': " + text);
      return failure();
    };
    auto [before, after] = part.split("...");
    int64_t named = int64_t(before.size() + after.size());
    count = rank - named;
    if (count < 0 || (count > 0 && !part.contains("...")) || count > 32)
      return fail("expected " + Twine(rank) + " labels");
    Labels labels = before.str();
    for (int64_t i = count; i > 0; --i)
      labels += hidden(i - 1);
    labels += after;
    for (size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] >= ' ' && !llvm::isAlpha(labels[i]))
        return fail("expected letters");
      if (labels.find(labels[i], i + 1) != Labels::npos)
        return fail("a label that occurs twice is not in this version");
    }
    return labels;
  }

  LogicalResult noteSizes(const Labels &labels, Value operand) {
    auto dims = node.dimsOf(operand);
    for (auto [label, size] : llvm::zip(labels, dims)) {
      auto [it, isNew] = sizes.try_emplace(label, size);
      if (isNew)
        continue;
      if (label < ' ') { // behind an ellipsis sizes broadcast
        auto wide = node.broadcast(it->second, size);
        if (failed(wide))
          return failure();
        it->second = (*wide)[0];
      } else if (failed(node.assumeEqual(it->second, size,
                                         "sizes of one label must agree"))) {
        return failure();
      }
    }
    return success();
  }

  static bool has(const Labels &labels, char label) {
    return labels.find(label) != Labels::npos;
  }

  /// Sums over the labels that `keep` lacks.
  Value sumOver(Value value, Labels &labels, const Labels &keep) {
    SmallVector<int64_t> axes;
    Labels left;
    for (auto [i, label] : llvm::enumerate(labels)) {
      if (has(keep, label))
        left += label;
      else
        axes.push_back(int64_t(i));
    }
    labels = left;
    return axes.empty() ? value
                        : node.reduce(value, ReduceKind::sum, axes, false);
  }

  Value reorder(Value value, const Labels &from, const Labels &to) {
    if (!value || from == to)
      return value;
    SmallVector<int64_t> perm;
    for (char label : to)
      perm.push_back(int64_t(from.find(label)));
    return node.transpose(value, perm);
  }

  DimExpr product(const Labels &labels) {
    DimExpr count = node.dim(1);
    for (char label : labels)
      count = count * sizes[label];
    return count;
  }

  Value importOne() {
    Labels labels = terms[0];
    Value value = sumOver(node.input(0), labels, result);
    return reorder(value, labels, result);
  }

  Value importTwo() {
    Labels a = terms[0], b = terms[1];
    Value lhs = sumOver(node.input(0), a, b + result);
    Value rhs = sumOver(node.input(1), b, a + result);
    Labels batch, inner, left, right;
    for (char label : a) {
      if (!has(b, label))
        left += label;
      else if (has(result, label))
        batch += label;
      else
        inner += label;
    }
    for (char label : b)
      if (!has(a, label))
        right += label;
    lhs = merge(reorder(lhs, a, batch + left + inner), batch.size(),
                product(left), product(inner));
    rhs = merge(reorder(rhs, b, batch + inner + right), batch.size(),
                product(inner), product(right));
    Value value = buildMatmul(node, lhs, rhs, /*transposeRhs=*/false);
    Labels order = batch + left + right;
    SmallVector<DimExpr> shape;
    for (char label : order)
      shape.push_back(sizes[label]);
    return reorder(node.reshape(value, shape), order, result);
  }

  /// [batch.., rows, columns]
  Value merge(Value value, size_t numBatch, DimExpr rows, DimExpr columns) {
    if (!value)
      return {};
    auto shape = node.dimsOf(value);
    shape.truncate(numBatch);
    shape.push_back(rows);
    shape.push_back(columns);
    return node.reshape(value, shape);
  }

  Node &node;
  SmallVector<Labels> terms;
  Labels result;
  std::map<char, DimExpr> sizes;
};

} // namespace

static LogicalResult einsum(Node &node) { return Einsum(node).import(); }

ArrayRef<OperatorRow> einsumOperators() {
  static const OperatorRow rows[] = {
      {"Einsum", 12, kMaxOpset, 1, kVariadic, Elements::Number, einsum},
  };
  return rows;
}

} // namespace mlir::tenon
