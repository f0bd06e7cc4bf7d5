//===- Emitter.cpp - Code for the ops of a kernel body --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The frame of a kernel function, arithmetic on sizes, loops. EmitMemory.cpp
// loads and stores, EmitMovement.cpp walks index maps, EmitPointwise.cpp does
// arithmetic on elements. Tests: test/conformance (each op) and every model.
//
//===----------------------------------------------------------------------===//

#include "kernels/Emit/Emitter.h"
#include "kernels/Math/Convert.h"
#include "runtime/include/tenon/kernel_abi.h"
#include "llvm/ADT/STLExtras.h"

namespace mlir::tenon {

using graph::DimExpr;

/// NVPTX: the address space of global memory.
static constexpr unsigned kGlobalSpace = 1;

Emitter::Emitter(graph::KernelOp kernel, StringRef name,
                 const KernelTarget &target, unsigned workspaces)
    : blockThreads(target.blockThreads), b(kernel.getContext()),
      loc(UnknownLoc::get(kernel.getContext())), kernel(kernel),
      target(target) {
  b.getContext()
      ->loadDialect<arith::ArithDialect, func::FuncDialect, scf::SCFDialect,
                    vector::VectorDialect, LLVM::LLVMDialect>();
  module = ModuleOp::create(loc);
  b.setInsertionPointToEnd(module->getBody());
  indexType = target.index32 ? b.getI32Type() : b.getI64Type();
  if (target.isCuda())
    startEntry(name, workspaces);
  else
    startCpuKernel(name);
  // Everything that holds for the whole call is put before this op.
  Operation *anchor =
      arith::ConstantOp::create(b, loc, b.getIntegerAttr(indexType, 0));
  constants[0] = anchor->getResult(0);
  entry = OpBuilder::InsertPoint(anchor->getBlock(), Block::iterator(anchor));
  scopes.emplace_back();
}

void Emitter::startEntry(StringRef name, unsigned workspaces) {
  b.getContext()->loadDialect<NVVM::NVVMDialect>();
  Type global = LLVM::LLVMPointerType::get(context(), kGlobalSpace);
  unsigned count =
      kernel->getNumOperands() + kernel->getNumResults() + workspaces;
  SmallVector<Type> types(count + 1, global);
  function =
      func::FuncOp::create(b, loc, name, b.getFunctionType(types, TypeRange()));
  Block *block = function.addEntryBlock();
  b.setInsertionPointToStart(block);
  for (unsigned i = 0; i < count; ++i)
    pointers.push_back(block->getArgument(i));
  errorRecord = block->getArgument(count);
  for (DimExpr scalar : target.scalars)
    addScalar(scalar);
}

/// The next parameter of an entry, for `expr`.
Value Emitter::addScalar(DimExpr expr) {
  unsigned number = function.getNumArguments();
  (void)function.insertArgument(number, b.getI64Type(), {}, loc);
  Value &slot = dimValues[expr.getAttr()];
  slot = toIndex(function.getArgument(number));
  scalarExprs.push_back(expr);
  return slot;
}

void Emitter::startCpuKernel(StringRef name) {
  Type pointer = LLVM::LLVMPointerType::get(context());
  Type i64 = b.getI64Type();
  function = func::FuncOp::create(
      b, loc, name,
      b.getFunctionType({pointer, pointer, i64, i64, pointer, pointer},
                        {b.getI32Type()}));
  Block *block = function.addEntryBlock();
  b.setInsertionPointToStart(block);
  buffersPointer = block->getArgument(0);
  scalarsPointer = block->getArgument(1);
  taskBegin = block->getArgument(2);
  taskEnd = block->getArgument(3);
  scratch = block->getArgument(4);
  errorRecord = block->getArgument(5);
  unsigned count = kernel->getNumOperands() + kernel->getNumResults();
  for (unsigned i = 0; i < count; ++i) {
    Value slot = LLVM::GEPOp::create(b, loc, pointer, pointer, buffersPointer,
                                     ArrayRef<LLVM::GEPArg>{int32_t(i)});
    pointers.push_back(LLVM::LoadOp::create(b, loc, pointer, slot));
  }
}

OwningOpRef<ModuleOp> Emitter::finish() {
  if (target.isCuda()) {
    func::ReturnOp::create(b, loc);
    return std::move(module);
  }
  Value ok =
      arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(TENON_KERNEL_OK));
  // A fault leaves its code in the record and the kernel runs on: what it
  // would have read out of range is clamped.
  if (status) {
    Value code = LLVM::LoadOp::create(b, loc, b.getI32Type(), errorRecord);
    func::ReturnOp::create(b, loc, code);
  } else {
    func::ReturnOp::create(b, loc, ok);
  }
  return std::move(module);
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

Value Emitter::dim(DimExpr expr) {
  if (auto value = expr.asConstant())
    return constant(*value);
  Value &slot = dimValues[expr.getAttr()];
  if (!slot) {
    OpBuilder::InsertionGuard guard(b);
    b.restoreInsertionPoint(entry);
    if (target.isCuda())
      return addScalar(expr);
    Type pointer = LLVM::LLVMPointerType::get(context());
    Value address = LLVM::GEPOp::create(
        b, loc, pointer, b.getI64Type(), scalarsPointer,
        ArrayRef<LLVM::GEPArg>{int32_t(scalarExprs.size())});
    slot = LLVM::LoadOp::create(b, loc, b.getI64Type(), address);
    scalarExprs.push_back(expr);
  }
  return slot;
}

int64_t Emitter::divisorOf(DimExpr size) const {
  int64_t divisor = size.knownDivisor();
  for (auto &[known, multiple] : assumed)
    if (auto rest = size.exactDiv(known))
      divisor = std::lcm(divisor, multiple * rest->knownDivisor());
  return divisor;
}

Value Emitter::pointerOf(BlockArgument argument) {
  return pointers[argument.getArgNumber()];
}
Value Emitter::resultPointer(unsigned i) {
  return pointers[kernel->getNumOperands() + i];
}
Value Emitter::workspacePointer(unsigned i) {
  return pointers[kernel->getNumOperands() + kernel->getNumResults() + i];
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Value Emitter::constant(int64_t value) {
  Value &slot = constants[value];
  if (!slot) {
    OpBuilder::InsertionGuard guard(b);
    b.restoreInsertionPoint(entry);
    slot =
        arith::ConstantOp::create(b, loc, b.getIntegerAttr(indexType, value));
  }
  return slot;
}

Value Emitter::wide(Value index) {
  if (indexType.isInteger(64))
    return index;
  return arith::ExtSIOp::create(b, loc, b.getI64Type(), index);
}

Value Emitter::toIndex(Value i64) {
  if (indexType.isInteger(64))
    return i64;
  return arith::TruncIOp::create(b, loc, indexType, i64);
}

Value Emitter::threadIndex(unsigned axis) {
  Value number;
  Type i32 = b.getI32Type();
  if (axis == 0)
    number = NVVM::ThreadIdXOp::create(b, loc, i32);
  else if (axis == 1)
    number = NVVM::ThreadIdYOp::create(b, loc, i32);
  else
    number = NVVM::ThreadIdZOp::create(b, loc, i32);
  return indexType == i32 ? number
                          : arith::ExtUIOp::create(b, loc, indexType, number);
}

Value Emitter::blockIndex(unsigned axis) {
  Value number;
  Type i32 = b.getI32Type();
  if (axis == 0)
    number = NVVM::BlockIdXOp::create(b, loc, i32);
  else if (axis == 1)
    number = NVVM::BlockIdYOp::create(b, loc, i32);
  else
    number = NVVM::BlockIdZOp::create(b, loc, i32);
  return indexType == i32 ? number
                          : arith::ExtUIOp::create(b, loc, indexType, number);
}

std::optional<int64_t> Emitter::constantOf(Value value) {
  if (auto op = value.getDefiningOp<arith::ConstantOp>())
    if (auto attr = dyn_cast<IntegerAttr>(op.getValue()))
      return attr.getInt();
  return std::nullopt;
}

Value Emitter::add(Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy)
    return constant(*cx + *cy);
  if (cx == 0)
    return y;
  if (cy == 0)
    return x;
  return arith::AddIOp::create(b, loc, x, y, arith::IntegerOverflowFlags::nsw);
}

Value Emitter::sub(Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy)
    return constant(*cx - *cy);
  if (cy == 0)
    return x;
  return arith::SubIOp::create(b, loc, x, y, arith::IntegerOverflowFlags::nsw);
}

Value Emitter::mul(Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy)
    return constant(*cx * *cy);
  if (cx == 0 || cy == 1)
    return x;
  if (cy == 0 || cx == 1)
    return y;
  return arith::MulIOp::create(b, loc, x, y, arith::IntegerOverflowFlags::nsw);
}

Value Emitter::div(Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy)
    return constant(*cx / *cy);
  if (cy == 1)
    return x;
  return arith::DivUIOp::create(b, loc, x, y);
}

Value Emitter::rem(Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy)
    return constant(*cx % *cy);
  if (cy == 1)
    return constant(0);
  return arith::RemUIOp::create(b, loc, x, y);
}

Value Emitter::min(Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy)
    return constant(std::min(*cx, *cy));
  return arith::MinSIOp::create(b, loc, x, y);
}

Value Emitter::max(Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy)
    return constant(std::max(*cx, *cy));
  return arith::MaxSIOp::create(b, loc, x, y);
}

Value Emitter::less(Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy)
    return arith::ConstantOp::create(b, loc, b.getBoolAttr(*cx < *cy));
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, y);
}
Value Emitter::equal(Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy)
    return arith::ConstantOp::create(b, loc, b.getBoolAttr(*cx == *cy));
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, y);
}
Value Emitter::select(Value condition, Value x, Value y) {
  if (x == y)
    return x;
  return arith::SelectOp::create(b, loc, condition, x, y);
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

void Emitter::loop(Value from, Value to, int64_t step,
                   function_ref<void(Value)> body) {
  loopWith(from, to, step, {}, [&](Value i, ValueRange) {
    body(i);
    return SmallVector<Value>();
  });
}

SmallVector<Value>
Emitter::loopWith(Value from, Value to, int64_t step, ValueRange init,
                  function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto first = constantOf(from), last = constantOf(to);
  if (first && last && *first >= *last)
    return SmallVector<Value>(init);
  if (first && last && *first + step >= *last) // one iteration
    return body(from, init);
  auto op = scf::ForOp::create(b, loc, from, to, constant(step), init);
  OpBuilder::InsertionGuard guard(b);
  Block *block = op.getBody();
  if (init.empty())
    b.setInsertionPoint(block->getTerminator());
  else
    b.setInsertionPointToEnd(block);
  scopes.emplace_back();
  SmallVector<Value> next = body(op.getInductionVar(), op.getRegionIterArgs());
  scopes.pop_back();
  if (!init.empty())
    scf::YieldOp::create(b, loc, next);
  return SmallVector<Value>(op.getResults());
}

void Emitter::ifThen(Value condition, function_ref<void()> then,
                     function_ref<void()> otherwise) {
  if (auto known = constantOf(condition)) {
    if (*known)
      then();
    else if (otherwise)
      otherwise();
    return;
  }
  auto op = scf::IfOp::create(b, loc, condition, bool(otherwise));
  OpBuilder::InsertionGuard guard(b);
  auto fill = [&](Block *block, function_ref<void()> body) {
    b.setInsertionPoint(block->getTerminator());
    scopes.emplace_back();
    body();
    scopes.pop_back();
  };
  fill(op.thenBlock(), then);
  if (otherwise)
    fill(op.elseBlock(), otherwise);
}

Value Emitter::ifElse(Value condition, Type type, function_ref<Value()> then,
                      function_ref<Value()> otherwise) {
  auto op = scf::IfOp::create(b, loc, TypeRange{type}, condition, true);
  OpBuilder::InsertionGuard guard(b);
  auto fill = [&](Block *block, function_ref<Value()> body) {
    b.setInsertionPointToEnd(block);
    scopes.emplace_back();
    Value value = body();
    scopes.pop_back();
    scf::YieldOp::create(b, loc, value);
  };
  fill(op.thenBlock(), then);
  fill(op.elseBlock(), otherwise);
  return op.getResult(0);
}

void Emitter::split(Value number, ArrayRef<int64_t> list,
                    ArrayRef<DimExpr> dims,
                    function_ref<void(int64_t, Value)> give) {
  for (size_t k = list.size(); k-- > 0;) {
    Value size = dim(dims[list[k]]);
    give(list[k], k ? rem(number, size) : number);
    number = k ? div(number, size) : number;
  }
}

void Emitter::forEachTask(ArrayRef<Value> sizes,
                          function_ref<void(ArrayRef<Value>)> body) {
  auto split = [&](Value task) {
    SmallVector<Value> indices(sizes.size());
    Value rest = task;
    for (size_t i = sizes.size(); i-- > 0;) {
      if (i == 0) {
        indices[i] = rest;
        break;
      }
      indices[i] = rem(rest, sizes[i]);
      rest = div(rest, sizes[i]);
    }
    body(indices);
  };
  if (!target.isCuda())
    return loop(taskBegin, taskEnd, 1, split);
  Value count = constant(1);
  for (Value size : sizes)
    count = mul(count, size);
  Value task = add(mul(blockIndex(0), constant(blockThreads)), threadIndex(0));
  ifThen(less(task, count), [&] { split(task); });
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

Value Emitter::recall(const MemoKey &key) {
  for (Scope &scope : llvm::reverse(scopes))
    for (auto &[known, value] : scope.memo)
      if (known == key)
        return value;
  return {};
}

bool Emitter::readsBound(Value value) const {
  SmallVector<Value> open = {value};
  llvm::SmallPtrSet<Operation *, 8> seen;
  while (!open.empty()) {
    Value v = open.pop_back_val();
    if (bound.count(v))
      return true;
    Operation *op = v.getDefiningOp();
    if (op && seen.insert(op).second)
      llvm::append_range(open, op->getOperands());
  }
  return false;
}

Value Emitter::emit(Value value, ArrayRef<Index> at, int64_t lanes) {
  if (auto it = bound.find(value); it != bound.end())
    return it->second(at, lanes);
  // All lanes at one place: compute once. Not so what the family has in lanes:
  // it may be one column, the other lanes masked.
  if (lanes > 1 && llvm::all_of(at, [](const Index &i) { return !i.step; }) &&
      !readsBound(value)) {
    Value mask = std::exchange(laneMask, nullptr);
    Value scalar = emit(value, at, 1);
    laneMask = mask;
    return splat(scalar, lanes);
  }
  MemoKey key{value, {}, lanes};
  for (const Index &index : at)
    key.at.push_back({index.base, index.step});
  if (Value known = recall(key))
    return known;
  Value result;
  if (auto argument = dyn_cast<BlockArgument>(value))
    result = emitLeaf(argument, at, lanes);
  else
    result = emitOp(value.getDefiningOp(), at, lanes);
  scopes.back().memo.push_back({key, result});
  return result;
}

SmallVector<Index> Emitter::broadcastIndex(Value operand, ArrayRef<Index> at) {
  SmallVector<DimExpr> dims = graph::dimsOf(operand);
  SmallVector<Index> result;
  size_t skip = at.size() - dims.size();
  for (auto [i, d] : llvm::enumerate(dims))
    result.push_back(d.isConstant(1) ? uniform(constant(0), 1 << 20)
                                     : at[skip + i]);
  return result;
}

Value Emitter::emitOp(Operation *op, ArrayRef<Index> at, int64_t lanes) {
  if (op->hasTrait<graph::Pointwise>()) {
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(emit(operand, broadcastIndex(operand, at), lanes));
    return emitPointwiseOp(*this, op, operands, lanes);
  }
  return emitMovement(op, at, lanes);
}

void Emitter::fault(Value condition, int32_t code, Value first, Value second) {
  status = errorRecord;
  ifThen(condition, [&] {
    auto put = [&](int64_t byte, Value value) {
      Value to = LLVM::GEPOp::create(b, loc, errorRecord.getType(),
                                     b.getI8Type(), errorRecord,
                                     ArrayRef<LLVM::GEPArg>{int32_t(byte)});
      LLVM::StoreOp::create(b, loc, value, to);
    };
    put(offsetof(TenonErrorRecord, values), first);
    put(offsetof(TenonErrorRecord, values) + 8, second);
    put(offsetof(TenonErrorRecord, code),
        arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(code)));
  });
}

} // namespace mlir::tenon
