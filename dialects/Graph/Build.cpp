//===- Build.cpp - Creating graph ops with inferred types -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// See Build.h. Tests: test/unit/graph/BuildTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Build.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::tenon::graph {

Value detail::foldOrKeep(OpBuilder &builder, Operation *op) {
  // A fold in place (transpose of transpose) may open the way to another.
  for (int step = 0; step < 8; ++step) {
    SmallVector<Value> results;
    if (failed(builder.tryFold(op, results)))
      break;
    if (results.empty())
      continue;
    if (results[0] == op->getResult(0))
      continue;
    // A rewriter has heard of the op: it must hear of its end too.
    if (auto *listener =
            dyn_cast_if_present<RewriterBase::Listener>(builder.getListener()))
      listener->notifyOperationErased(op);
    op->erase();
    return results[0];
  }
  return op->getResult(0);
}

Value createSizes(OpBuilder &builder, Location loc, ArrayRef<DimExpr> sizes,
                  Type element, bool scalar) {
  SmallVector<int64_t, 1> shape;
  if (!scalar)
    shape.push_back(sizes.size());
  auto type = RankedTensorType::get(shape, element);
  Attribute attr = dimElementsAttr(sizes, type);
  if (auto dims = dyn_cast<DimVectorAttr>(attr))
    return DimsOp::create(builder, loc, type, dims);
  return ConstantOp::create(builder, loc, type, cast<ElementsAttr>(attr),
                            StringAttr());
}

Value createReshape(OpBuilder &builder, Location loc, Value input,
                    ArrayRef<DimExpr> sizes) {
  return *tryCreate<ReshapeOp>(
      builder, loc, input,
      builder.getNamedAttr("sizes", dimArray(builder.getContext(), sizes)));
}

Value createTranspose(OpBuilder &builder, Location loc, Value input,
                      ArrayRef<int64_t> perm) {
  return *tryCreate<TransposeOp>(
      builder, loc, input,
      builder.getNamedAttr("perm", builder.getDenseI64ArrayAttr(perm)));
}

Value createCast(OpBuilder &builder, Location loc, Value input, Type element) {
  return *tryCreate<CastOp>(builder, loc, input,
                            builder.getNamedAttr("to", TypeAttr::get(element)));
}

} // namespace mlir::tenon::graph
