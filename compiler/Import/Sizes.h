//===- Sizes.h - What a model implies about its sizes ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// While nodes are imported, two sizes of different form are often bound to be
// equal: operands of an addition, operands of a concat, elements before and
// after a reshape. Each such rule is kept for run time and used at once:
//
//   x[N] + y[M]                    M is N everywhere, also in y's type
//   ids[S] + table[min(512, S)]    min(512, S) is S; rule: S is at most 512
//   up(x)[2*(H fd 2)] + x[H]       H fd 2 stays; rule: 2*(H fd 2) == H
//
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_IMPORT_SIZES_H
#define TENON_COMPILER_IMPORT_SIZES_H

#include "dialects/Graph/GraphOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <string>
#include <vector>

namespace mlir::tenon {

class Sizes {
public:
  /// A symbol and the size of an input that gives its value.
  struct Symbol {
    std::string name;
    std::string inputName;
    unsigned input;
    unsigned dim;
    /// Not named in the model.
    bool isMadeUp;
  };

  explicit Sizes(MLIRContext *context) : context(context) {}

  graph::DimExpr addSymbol(Symbol symbol);

  /// Two sizes are equal because of `rule` ("node 'add' (Add): ..."). False if
  /// they cannot be.
  bool assumeEqual(graph::DimExpr a, graph::DimExpr b, const Twine &rule);

  /// Divides both by the factors that both contain: N * S == N * T is S == T
  /// (if N is zero, nothing is computed).
  static void cancel(graph::DimExpr &a, graph::DimExpr &b);

  /// The size with everything applied that is known by now.
  graph::DimExpr simplify(graph::DimExpr size) const;

  /// Applies what is known to all types and attributes of the function and
  /// writes `graph.symbols` and `graph.constraints`.
  void finish(func::FuncOp func);

private:
  struct Rule {
    graph::DimExpr lhs, rhs;
    std::string text;
  };
  struct Replacement {
    graph::DimExpr from, to;
  };

  size_t rankOf(StringAttr symbol) const;
  graph::DimExpr replaceOnce(graph::DimExpr size,
                             const Replacement &what) const;
  graph::DimExpr eliminateSymbols(graph::DimExpr size) const;
  Replacement orient(graph::DimExpr a, graph::DimExpr b) const;
  std::string describe(const Rule &rule) const;
  ArrayAttr symbolAttrs(func::FuncOp func) const;
  ArrayAttr constraintAttrs() const;

  MLIRContext *context;
  std::vector<Symbol> symbols;
  std::vector<Rule> rules;
  std::vector<Replacement> replacements;
};

} // namespace mlir::tenon

#endif // TENON_COMPILER_IMPORT_SIZES_H
