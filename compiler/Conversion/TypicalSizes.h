//===- TypicalSizes.h - What open sizes are taken for ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Costs are numbers, so a size that is open needs a value when schedules are
// chosen and when a report is made. It is what the user says is typical
// (--opt-shapes), else 1 for the first dimension of an input of several, which
// mostly is a batch, else 512. The code that is built is right for every size.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_CONVERSION_TYPICALSIZES_H
#define TENON_COMPILER_CONVERSION_TYPICALSIZES_H

#include "dialects/Graph/GraphOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::tenon {

/// On a function: a dictionary of symbols and the sizes that the user gave.
inline constexpr llvm::StringLiteral kTypicalSizesAttr = "graph.typical_sizes";

/// Records the typical shapes of inputs, by name, on `main`; -1 leaves a size
/// open. Reports an error for an unknown input, another rank, a size that is
/// fixed to another number, and two numbers for one symbol.
LogicalResult
setTypicalShapes(func::FuncOp main,
                 const std::map<std::string, std::vector<int64_t>> &shapes);

class TypicalSizes {
public:
  TypicalSizes() = default;
  explicit TypicalSizes(func::FuncOp main);

  int64_t operator()(StringRef symbol) const;
  /// The value of an expression at these sizes; at least 0.
  int64_t operator()(graph::DimExpr size) const;

  /// A symbol of the model's inputs, its value, and whether the user gave it.
  struct Row {
    std::string symbol;
    int64_t value;
    bool isGiven;
  };
  ArrayRef<Row> rows() const { return all; }

private:
  SmallVector<Row, 0> all; // in the order of inputs
};

} // namespace mlir::tenon

#endif // TENON_COMPILER_CONVERSION_TYPICALSIZES_H
