//===- LowerTile.cpp - Tile ops to instructions of a thread ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// 1. Each tile.alloc gets its place in the block's dynamic shared memory, one
//    behind the other, at multiples of 128 bytes.
// 2. Types: !tile.shared -> !llvm.ptr<3>, !tile.fragment -> its registers.
// 3. The patterns of LowerMemory.cpp, LowerAccess.cpp and LowerFragments.cpp;
//    scf ops that carry fragments carry registers instead.
//
// Tests: test/compiler/Tile/lower-*.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Tile/Lower.h"
#include "compiler/Tile/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

#define DEBUG_TYPE "tile-lower"

namespace mlir::tenon::tile {

#define GEN_PASS_DEF_LOWERTILEPASS
#include "compiler/Tile/Passes.h.inc"

SmallVector<Value> inlineRegion(OpBuilder &b, Region &region,
                                ValueRange arguments) {
  Block &block = region.front();
  IRMapping map;
  map.map(block.getArguments(), arguments);
  for (Operation &op : block.without_terminator())
    b.clone(op, map);
  SmallVector<Value> results;
  for (Value value : block.getTerminator()->getOperands())
    results.push_back(map.lookupOrDefault(value));
  return results;
}

/// Gives allocations their offsets and the function the sum.
static void placeTiles(FunctionOpInterface function) {
  OpBuilder b(function.getContext());
  int64_t bytes = 0;
  bool any = false;
  function.walk([&](AllocOp op) {
    any = true;
    op->setAttr(kOffsetAttr, b.getI64IntegerAttr(bytes));
    bytes += op.getResult().getType().getBytes();
  });
  if (!any)
    return;
  function->setAttr(kSharedBytesAttr, b.getI64IntegerAttr(bytes));
  Operation *table =
      SymbolTable::getNearestSymbolTable(function->getParentOp());
  if (SymbolTable::lookupSymbolIn(table, kSharedSymbol))
    return;
  b.setInsertionPointToStart(&table->getRegion(0).front());
  LLVM::GlobalOp::create(
      b, function.getLoc(), LLVM::LLVMArrayType::get(b.getI8Type(), 0),
      /*isConstant=*/false, LLVM::Linkage::External, kSharedSymbol, Attribute(),
      /*alignment=*/128, /*addrSpace=*/3);
}

namespace {

struct LowerTilePass : public impl::LowerTilePassBase<LowerTilePass> {
  void runOnOperation() override {
    Operation *root = getOperation();
    if (auto function = dyn_cast<FunctionOpInterface>(root))
      placeTiles(function);
    else
      root->walk([](FunctionOpInterface function) { placeTiles(function); });

    TypeConverter types;
    types.addConversion([](Type type) { return type; });
    types.addConversion([](SharedType type) -> Type {
      return LLVM::LLVMPointerType::get(type.getContext(), 3);
    });
    types.addConversion(
        [](FragmentType type, SmallVectorImpl<Type> &registers) {
          registers.append(type.getRegisters(), type.getRegisterType());
          return success();
        });

    RewritePatternSet patterns(&getContext());
    populateMemoryPatterns(types, patterns);
    populateAccessPatterns(types, patterns);
    populateFragmentPatterns(types, patterns);
    ConversionTarget target(getContext());
    target.addIllegalDialect<TileDialect>();
    scf::populateSCFStructuralTypeConversionsAndLegality(types, patterns,
                                                         target);
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    if (failed(applyPartialConversion(root, target, std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

} // namespace mlir::tenon::tile
