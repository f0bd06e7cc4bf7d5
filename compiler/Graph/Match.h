//===- Match.h - What patterns on the graph dialect ask -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Questions that several patterns ask (is this a scalar constant? are these
// two shapes one?) and the few ops that several build. Symbolic sizes are
// compared as expressions, so that a match on `?` is a proof, not a guess.
//
// Exporters write one product in many orders: `0.5 * x * (1 + e)`,
// `x * (1 + e) * 0.5`, `x * (1 + e) / 2`. `factorsOf` turns all of them into
// one number and a list of factors, so that a pattern is written once.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_GRAPH_MATCH_H
#define TENON_COMPILER_GRAPH_MATCH_H

#include "compiler/Support/Diagnostics.h"
#include "dialects/Graph/GraphOps.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::tenon::graph {

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

inline RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}
inline int64_t rankOf(Value value) { return tensorOf(value).getRank(); }
inline Type elementOf(Value value) { return tensorOf(value).getElementType(); }
inline bool isFloat(Value value) { return isa<FloatType>(elementOf(value)); }

/// Whether both have the same sizes for all inputs of the model.
bool sameSizes(Value a, Value b);

/// The sizes of `value` as a tensor of `rank`: 1s in front. Empty if the rank
/// is larger.
SmallVector<DimExpr> alignedDims(Value value, int64_t rank);

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

/// The number that all elements of `value` have, whatever its shape: a splat
/// constant, or reshapes, broadcasts, casts and simple arithmetic of some.
std::optional<double> splatOf(Value value);

/// Whether `value` is `expected` as an exporter writes it: with six digits, or
/// rounded to f16 or bf16.
bool isNumber(std::optional<double> value, double expected);

/// Whether no input of the model reaches `value`: what the folding pass will
/// turn into a constant. Looks at a few hundred ops at most.
bool isConstantExpression(Value value);

//===----------------------------------------------------------------------===//
// Trees of ops
//===----------------------------------------------------------------------===//

/// The two operands of a commutative op, `first` being one for which `accept`
/// holds; none if it holds for neither.
std::optional<std::pair<Value, Value>>
splitOperands(Operation *op, function_ref<bool(Value)> accept);

/// op(x, number) with the sizes of x. For `sub` and `div` the number is the
/// right operand, for commutative ops either.
struct WithNumber {
  Value operand;
  double number;
};
std::optional<WithNumber> splitNumber(Operation *op);

/// A product: scale * factors[0] * factors[1] * ...
struct Factors {
  double scale = 1;
  SmallVector<Value> values;

  /// Takes one factor equal to `value` out; false if there is none.
  bool take(Value value);
};

/// Reads a tree of `mul`, `div` by a number and `pow` by 2 or 3 whose inner
/// ops have no other user. A value that is none of these is its own factor.
Factors factorsOf(Value value);

/// Whether a convolution is a product of matrices, which
/// graph-expand-convolutions makes of it where that is faster: one tap, no
/// padding, one group, and channels enough for sums that are worth it.
bool isProduct(ConvOp op);

/// Whether `value` is `base` times itself.
bool isSquareOf(Value value, Value base);

/// The location of an op that replaces all ops between `inputs` and `root`:
/// their locations fused, so that no node of the model loses its name.
Location locationOfTree(Operation *root, ValueRange inputs);

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

/// `input` with other sizes; no op where they are the same, and none that a
/// folder removes. Safe inside a rewrite, unlike those of Build.h: an op that
/// folds is never seen by the driver.
Value buildReshape(OpBuilder &builder, Location loc, Value input,
                   ArrayRef<DimExpr> dims);
/// `input` permuted; no op if the permutation is the identity.
Value buildTranspose(OpBuilder &builder, Location loc, Value input,
                     ArrayRef<int64_t> perm);
/// A constant of `type` with all elements `number`.
Value createSplat(OpBuilder &builder, Location loc, RankedTensorType type,
                  double number);

bool isIdentityPermutation(ArrayRef<int64_t> perm);

} // namespace mlir::tenon::graph

#endif // TENON_COMPILER_GRAPH_MATCH_H
