//===- DimExpr.h - Sizes as integer expressions ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A size that is not known at compile time is an expression over the model's
// dimensions. `DimExpr` builds such expressions in a normal form, so that two
// equal sizes are one attribute:
//
//   - a sum of products: constant + c1 * a1 * a2 + ..., terms sorted, with
//     atoms a_i that are symbols, quotients, minima, maxima and selections;
//   - `a mod b` is a - b * (a floordiv b): one kind of atom less, and
//     (H floordiv 2) * 2 + H mod 2 folds to H by itself;
//   - quotients pull out what divides exactly and merge with inner ones:
//     (4*H + 2) floordiv 4 = H, (x floordiv 2) floordiv 3 = x floordiv 6.
//
// Symbols are sizes: whole numbers >= 0. Tests: test/unit/graph.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_GRAPH_DIMEXPR_H
#define TENON_DIALECTS_GRAPH_DIMEXPR_H

#include "mlir/IR/Attributes.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/TensorEncoding.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>
#include <string>

namespace mlir::tenon::graph {

/// What the topmost operation of an expression is.
enum class DimKind : int32_t {
  Constant, // value
  Symbol,   // symbol
  Sum,      // value + operands...
  Product,  // value * operands...
  FloorDiv, // operands[0] floordiv operands[1]
  Min,      // min(operands...)
  Max,      // max(operands...)
  Select    // operands[0] > 0 ? operands[1] : operands[2]
};

} // namespace mlir::tenon::graph

#include "dialects/Graph/GraphEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Graph/GraphAttrs.h.inc"

namespace mlir::tenon::graph {

/// An expression with operators: a handle around an interned attribute.
class DimExpr {
public:
  DimExpr() = default;
  DimExpr(DimExprAttr attr) : attr(attr) {}

  static DimExpr constant(MLIRContext *context, int64_t value);
  static DimExpr symbol(MLIRContext *context, StringRef name);

  DimExprAttr getAttr() const { return attr; }
  operator DimExprAttr() const { return attr; }
  MLIRContext *getContext() const { return attr.getContext(); }
  explicit operator bool() const { return bool(attr); }

  bool operator==(DimExpr other) const { return attr == other.attr; }
  bool operator!=(DimExpr other) const { return attr != other.attr; }

  DimExpr operator+(DimExpr other) const;
  DimExpr operator-(DimExpr other) const;
  DimExpr operator*(DimExpr other) const;
  DimExpr operator+(int64_t other) const;
  DimExpr operator-(int64_t other) const;
  DimExpr operator*(int64_t other) const;
  DimExpr operator-() const { return *this * -1; }

  /// Division that rounds down. The divisor must not be zero; a constant one
  /// must be positive.
  DimExpr floorDiv(DimExpr divisor) const;
  DimExpr floorDiv(int64_t divisor) const;
  DimExpr ceilDiv(int64_t divisor) const;
  DimExpr mod(int64_t divisor) const;
  DimExpr mod(DimExpr divisor) const;
  static DimExpr min(DimExpr a, DimExpr b);
  static DimExpr max(DimExpr a, DimExpr b);
  /// condition > 0 ? a : b
  static DimExpr select(DimExpr condition, DimExpr a, DimExpr b);

  /// The quotient if the division leaves no remainder for any symbol values.
  std::optional<DimExpr> exactDiv(DimExpr divisor) const;

  std::optional<int64_t> asConstant() const;
  bool isConstant() const { return asConstant().has_value(); }
  bool isConstant(int64_t value) const { return asConstant() == value; }
  bool isSymbol() const;

  /// Bounds that hold for all symbol values >= 0 (saturated to ±2^62).
  int64_t lowerBound() const;
  int64_t upperBound() const;
  /// A constant that divides the value for all symbol values (>= 1).
  int64_t knownDivisor() const;

  /// Rebuilds the expression with each symbol replaced.
  DimExpr substitute(llvm::function_ref<DimExpr(StringAttr)> replace) const;
  /// Calls `visit` for each symbol, in order of first appearance.
  void walkSymbols(llvm::function_ref<void(StringAttr)> visit) const;
  /// The value for given symbol values; none on overflow or division by zero.
  std::optional<int64_t>
  evaluate(llvm::function_ref<int64_t(StringAttr)> valueOf) const;

  /// The formula, e.g. `2*H + (W floordiv 4)`.
  std::string str() const;
  /// Parses a formula as `str` prints it (also `a + b` of ONNX dim_params).
  static std::optional<DimExpr> parse(MLIRContext *context, StringRef text);

private:
  DimExprAttr attr;
};

/// A total order that does not depend on addresses: -1, 0, 1.
int compareDims(DimExprAttr a, DimExprAttr b);

/// An expression in the text of an attribute or op: numbers and identifiers
/// stand bare, other formulas in double quotes.
ParseResult parseDim(AsmParser &parser, DimExprAttr &dim);
void printDim(AsmPrinter &printer, DimExprAttr dim);
/// The same for `[dim, dim, ...]`.
ParseResult parseDimList(AsmParser &parser, SmallVectorImpl<DimExprAttr> &dims);
void printDimList(AsmPrinter &printer, ArrayRef<DimExprAttr> dims);

/// Product of all: the number of elements.
DimExpr productOf(MLIRContext *context, ArrayRef<DimExpr> dims);

} // namespace mlir::tenon::graph

#endif // TENON_DIALECTS_GRAPH_DIMEXPR_H
