//===- Operators.h - The tables of operator importers ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A row says which operator, in which versions of its domain, a function
// imports. Each topic file holds a table; Operators.cpp joins them. An operator
// has several rows where its meaning or the place of its operands changed.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_IMPORT_OPERATORS_H
#define TENON_COMPILER_IMPORT_OPERATORS_H

#include "compiler/Import/Node.h"

namespace mlir::tenon {

/// The opsets of the default domain that the tables cover.
constexpr int64_t kMinOpset = 7, kMaxOpset = 28;

/// What operand 0 may hold.
enum class Elements { Any, Float, Number, Bool, Integer };

struct OperatorRow {
  StringRef name;
  int64_t minOpset;
  int64_t maxOpset;
  unsigned minInputs;
  unsigned maxInputs;
  Elements elements;
  LogicalResult (*import)(Node &node);
};
/// Any number of inputs.
constexpr unsigned kVariadic = ~0u;

ArrayRef<OperatorRow> elementwiseOperators();
ArrayRef<OperatorRow> activationOperators();
ArrayRef<OperatorRow> constantOperators();
ArrayRef<OperatorRow> controlOperators();
ArrayRef<OperatorRow> einsumOperators();
ArrayRef<OperatorRow> convolutionOperators();
ArrayRef<OperatorRow> poolingOperators();
ArrayRef<OperatorRow> matmulOperators();
ArrayRef<OperatorRow> normalizationOperators();
ArrayRef<OperatorRow> reductionOperators();
ArrayRef<OperatorRow> movementOperators();
ArrayRef<OperatorRow> indexingOperators();
ArrayRef<OperatorRow> resizeOperators();
/// Domain com.microsoft, version 1.
ArrayRef<OperatorRow> contribOperators();

/// All rows of an operator; empty if there are none.
SmallVector<const OperatorRow *> findOperator(StringRef domain, StringRef name);

/// Whether ONNX defines an operator of this name (imported here or not).
bool isOnnxOperator(StringRef name);

/// Float arithmetic on sizes (see ShapeArithmetic.cpp): called after a node was
/// imported, may replace its first result by sizes.
void trackSizes(Node &node);

} // namespace mlir::tenon

#endif // TENON_COMPILER_IMPORT_OPERATORS_H
