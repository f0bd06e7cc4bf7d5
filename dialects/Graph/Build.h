//===- Build.h - Creating graph ops with inferred types -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// How importers and passes create graph ops: the result types are inferred
// (errors become diagnostics at the location, nothing aborts), and the op is
// folded at once where a folder can:
//
//   FailureOr<Value> sum = tryCreate<AddOp>(builder, loc, {a, b});
//   FailureOr<Value> y = tryCreate<ReduceOp>(builder, loc, x,
//       {{"kind", ReduceKindAttr::get(context, ReduceKind::sum)}, ...});
//
// Attributes with a default may be left away. Operands that are null are absent
// optional ones. Tests: test/unit/graph/BuildTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_GRAPH_BUILD_H
#define TENON_DIALECTS_GRAPH_BUILD_H

#include "dialects/Graph/GraphOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Diagnostics.h"

namespace mlir::tenon::graph {

namespace detail {
/// The value that `op` folds to, if it folds (then it is erased); else its
/// result.
Value foldOrKeep(OpBuilder &builder, Operation *op);
} // namespace detail

/// Creates an op of one result with inferred type, and folds it.
template <class OpTy>
FailureOr<Value> tryCreate(OpBuilder &builder, Location loc,
                           ArrayRef<Value> operands,
                           ArrayRef<NamedAttribute> attrs = {}) {
  using Properties = typename OpTy::Properties;
  MLIRContext *context = builder.getContext();
  NamedAttrList list(attrs);
  SmallVector<Value> present;
  SmallVector<int32_t> segments;
  for (Value operand : operands) {
    segments.push_back(operand ? 1 : 0);
    if (operand)
      present.push_back(operand);
  }
  if constexpr (OpTy::template hasTrait<OpTrait::AttrSizedOperandSegments>())
    list.set(OpTy::getOperandSegmentSizeAttr(),
             builder.getDenseI32ArrayAttr(segments));
  DictionaryAttr dictionary = list.getDictionary(context);
  Properties properties{};
  if constexpr (!std::is_same_v<Properties, EmptyProperties>)
    if (failed(OpTy::setPropertiesFromAttr(properties, dictionary,
                                           [&] { return emitError(loc); })))
      return failure();
  if constexpr (requires(OperationName name) {
                  OpTy::populateDefaultProperties(name, properties);
                })
    OpTy::populateDefaultProperties(
        OperationName(OpTy::getOperationName(), context), properties);
  SmallVector<Type> types;
  if (failed(OpTy::inferReturnTypes(context, loc, present, dictionary,
                                    &properties, {}, types)))
    return failure();
  OperationState state(loc, OpTy::getOperationName());
  state.addOperands(present);
  state.addTypes(types);
  state.addAttributes(list);
  return detail::foldOrKeep(builder, builder.create(state));
}

/// A constant of small integers or of sizes: `graph.constant` or `graph.dims`.
Value createSizes(OpBuilder &builder, Location loc, ArrayRef<DimExpr> sizes,
                  Type element, bool scalar = false);

/// Short forms of what passes create all the time. They require operands that
/// fit: a failure is a bug of the caller.
template <class OpTy>
Value create(OpBuilder &builder, Location loc, ArrayRef<Value> operands,
             ArrayRef<NamedAttribute> attrs = {}) {
  FailureOr<Value> value = tryCreate<OpTy>(builder, loc, operands, attrs);
  assert(succeeded(value) && "expected operands that fit");
  return *value;
}
Value createReshape(OpBuilder &builder, Location loc, Value input,
                    ArrayRef<DimExpr> sizes);
Value createTranspose(OpBuilder &builder, Location loc, Value input,
                      ArrayRef<int64_t> perm);
Value createCast(OpBuilder &builder, Location loc, Value input, Type element);

} // namespace mlir::tenon::graph

#endif // TENON_DIALECTS_GRAPH_BUILD_H
