//===- InterfaceOps.cpp - Bindings, programs, kernels ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Tests: test/dialects/Engine/invalid.mlir.
//
//===----------------------------------------------------------------------===//

#include "dialects/Engine/EngineOps.h"
#include "mlir/IR/Builders.h"

#define GET_OP_CLASSES
#include "dialects/Engine/EngineInterfaceOps.cpp.inc"

namespace mlir::tenon::engine {

void EngineDialect::registerInterfaceOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Engine/EngineInterfaceOps.cpp.inc"
      >();
}

/// The declaration of a binding, if the engine has one of this kind.
static BindingOp lookupBinding(Operation *engine, StringRef name,
                               BindingKind kind) {
  for (BindingOp binding : cast<ModuleOp>(engine).getOps<BindingOp>())
    if (binding.getName() == name && binding.getKind() == kind)
      return binding;
  return {};
}

LogicalResult SymbolOp::verify() {
  if (getInput().has_value() != getDim().has_value())
    return emitOpError("expected an input and a dimension, or neither");
  if (getInput()) {
    BindingOp input =
        lookupBinding((*this)->getParentOp(), *getInput(), BindingKind::input);
    if (!input || *getDim() >= input.getTensor().getDims().size())
      return emitOpError() << "expected an input \"" << *getInput()
                           << "\" with a dimension " << *getDim();
  }
  int64_t min = getMin().value_or(0);
  if (getMax() && int64_t(*getMax()) < min)
    return emitOpError() << "expected max >= " << min << ", got "
                         << int64_t(*getMax());
  return success();
}

LogicalResult BindingOp::verify() {
  Operation *engine = (*this)->getParentOp();
  if (lookupBinding(engine, getName(), getKind()) != *this)
    return emitOpError() << "expected one " << stringifyBindingKind(getKind())
                         << " \"" << getName() << "\"";
  if (getAlias() && !lookupBinding(engine, *getAlias(), BindingKind::input) &&
      !lookupBinding(engine, *getAlias(), BindingKind::state))
    return emitOpError() << "expected an input or state \"" << *getAlias()
                         << "\" to share memory with";
  return success();
}

LogicalResult ProgramOp::verifyRegions() {
  Operation *engine = (*this)->getParentOp();
  for (Operation &op : getBody().front()) {
    auto check = [&](StringRef name, BindingKind kind) -> LogicalResult {
      if (lookupBinding(engine, name, kind))
        return success();
      return op.emitOpError()
             << "expected an engine.binding " << stringifyBindingKind(kind)
             << " \"" << name << "\" in the module";
    };
    LogicalResult bound = success();
    if (auto input = dyn_cast<InputOp>(op))
      bound = check(input.getBinding(), BindingKind::input);
    else if (auto output = dyn_cast<OutputOp>(op))
      bound = check(output.getBinding(), BindingKind::output);
    else if (auto state = dyn_cast<StateOp>(op))
      bound = check(state.getBinding(), BindingKind::state);
    if (failed(bound))
      return failure();
    if (!isa<EngineDialect>(op.getDialect()))
      return op.emitOpError("expected only ops of the engine dialect in an "
                            "engine.program");
  }
  return success();
}

ModuleOp KernelOp::getCode() {
  if (getBody().empty())
    return {};
  auto modules = getBody().front().getOps<ModuleOp>();
  return modules.empty() ? ModuleOp() : *modules.begin();
}

LogicalResult KernelOp::verifyRegions() {
  if (getBody().empty())
    return success();
  if (!getBody().hasOneBlock() || !llvm::hasSingleElement(getBody().front()) ||
      !getCode())
    return emitOpError("expected an empty body, or one builtin.module in it");
  if (!SymbolTable::lookupSymbolIn(getCode(), getSymNameAttr()))
    return emitOpError() << "expected a function '" << getSymName()
                         << "' in the body's module";
  return success();
}

} // namespace mlir::tenon::engine
