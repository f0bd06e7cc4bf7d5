//===- InferReporter.h - Errors of shape inference ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// What the inference functions of the graph dialect share: messages that name
// the op, and checks that several ops make. Private to this folder.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_GRAPH_INFERREPORTER_H
#define TENON_DIALECTS_GRAPH_INFERREPORTER_H

#include "dialects/Graph/GraphOps.h"

namespace mlir::tenon::graph::detail {

inline RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}
inline Type elementOf(Value value) { return tensorOf(value).getElementType(); }
inline int64_t rankOf(Value value) { return tensorOf(value).getRank(); }

/// A flag that is false by default; builders may leave it away.
inline bool isSet(BoolAttr flag) { return flag && flag.getValue(); }

/// Reports for one op: `fail("expected x, got ", y)` emits
/// "'graph.op': expected x, got y" and is a failure.
class InferReporter {
public:
  InferReporter(std::optional<Location> location, StringRef op)
      : location(location), op(op) {}

  template <typename... Args> LogicalResult fail(Args &&...args) const {
    return emitOptionalError(location, "'", op,
                             "': ", std::forward<Args>(args)...);
  }

  LogicalResult expectAttr(Attribute attr, StringRef name) const {
    if (attr)
      return success();
    return fail("expected attribute '", name, "'");
  }
  LogicalResult expectAxis(int64_t axis, int64_t rank,
                           StringRef name = "axis") const {
    if (axis >= 0 && axis < rank)
      return success();
    return fail("expected ", name, " in [0, ", rank, "), got ", axis);
  }
  LogicalResult expectCount(size_t count, int64_t expected,
                            StringRef name) const {
    if (int64_t(count) == expected)
      return success();
    return fail("expected ", expected, " ", name, ", got ", count);
  }
  LogicalResult expectSameElement(Value a, Value b) const {
    if (elementOf(a) == elementOf(b))
      return success();
    return fail("expected operands of one element type, got ", elementOf(a),
                " and ", elementOf(b));
  }
  /// Two sizes that must be one: the simpler of them, or an error.
  FailureOr<DimExpr> expectEqualSizes(DimExpr a, DimExpr b,
                                      const Twine &what) const {
    DimExpr difference = a - b;
    if (difference.lowerBound() > 0 || difference.upperBound() < 0) {
      (void)fail("expected ", what.str(), " to agree, got ", a.str(), " and ",
                 b.str());
      return failure();
    }
    return compareDims(a, b) <= 0 ? a : b;
  }

private:
  std::optional<Location> location;
  StringRef op;
};

} // namespace mlir::tenon::graph::detail

#endif // TENON_DIALECTS_GRAPH_INFERREPORTER_H
