//===- ProgramOps.cpp - The values and instructions of a program ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Tests: test/dialects/Engine/{ops,invalid}.mlir.
//
//===----------------------------------------------------------------------===//

#include "dialects/Engine/EngineOps.h"
#include "mlir/IR/Builders.h"

#define GET_OP_CLASSES
#include "dialects/Engine/EngineValueOps.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/Engine/EngineInstructionOps.cpp.inc"

namespace mlir::tenon::engine {

void EngineDialect::registerValueOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Engine/EngineValueOps.cpp.inc"
      >();
}

void EngineDialect::registerInstructionOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Engine/EngineInstructionOps.cpp.inc"
      >();
}

Value baseOf(Value buffer) {
  while (auto alias = buffer.getDefiningOp<AliasOp>())
    buffer = alias.getBase();
  return buffer;
}

/// Inputs belong to the caller and constants to the file: neither is written,
/// but for derived constants in engine.init.
static LogicalResult verifyWritten(Operation *op, Value buffer) {
  Operation *base = baseOf(buffer).getDefiningOp();
  if (isa_and_nonnull<InputOp>(base))
    return op->emitOpError("writes an input");
  if (auto constant = dyn_cast_or_null<ConstantOp>(base))
    if (constant.getValue() || !op->getParentOfType<InitOp>())
      return op->emitOpError("writes a constant");
  return success();
}

LogicalResult LaunchOp::verify() {
  if (getChoices().empty())
    return emitOpError("expected at least one kernel");
  auto last = cast<ChoiceAttr>(getChoices()[getChoices().size() - 1]);
  if (last.getGuard())
    return emitOpError("expected the last choice to have no guard: one must "
                       "always run");
  for (Value buffer : getOuts())
    if (failed(verifyWritten(*this, buffer)))
      return failure();
  return success();
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &tables) {
  for (Attribute attr : getChoices()) {
    FlatSymbolRefAttr kernel = cast<ChoiceAttr>(attr).getKernel();
    if (!tables.lookupNearestSymbolFrom<KernelOp>(*this, kernel))
      return emitOpError() << "expected an engine.kernel " << kernel
                           << " in the program";
  }
  return success();
}

LogicalResult CopyOp::verify() { return verifyWritten(*this, getTarget()); }

LogicalResult FillOp::verify() { return verifyWritten(*this, getTarget()); }

} // namespace mlir::tenon::engine
