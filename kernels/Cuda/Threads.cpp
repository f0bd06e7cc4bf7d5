//===- Threads.cpp - What the threads of a block do together --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/Threads.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::tenon {

/// NVPTX: the address space of shared memory.
static constexpr unsigned kSharedSpace = 3;

Value sharedArray(Emitter &e, const llvm::Twine &name, Type type,
                  int64_t count) {
  OpBuilder outside(e.context());
  outside.setInsertionPointToStart(e.getModule().getBody());
  auto array = LLVM::LLVMArrayType::get(type, count);
  auto global = LLVM::GlobalOp::create(
      outside, e.loc, array, /*isConstant=*/false, LLVM::Linkage::Internal,
      name.str(), Attribute(), /*alignment=*/16, kSharedSpace);
  // Shared memory holds nothing at first.
  outside.createBlock(&global.getInitializerRegion());
  Value nothing = LLVM::PoisonOp::create(outside, e.loc, array);
  LLVM::ReturnOp::create(outside, e.loc, nothing);
  return LLVM::AddressOfOp::create(e.b, e.loc, global);
}

Value sharedAt(Emitter &e, Value array, Type type, Value number) {
  return LLVM::GEPOp::create(e.b, e.loc, array.getType(), type, array,
                             ArrayRef<LLVM::GEPArg>{number});
}

Value emitRowExp(Emitter &e, Value x) {
  constexpr double kLog2E = 0x1.71547652b82fep0;
  auto name = e.b.getStringAttr("llvm.nvvm.ex2.approx.ftz");
  Value scaled = arith::MulFOp::create(e.b, e.loc, x,
                                       e.floatConstant(x.getType(), kLog2E));
  auto power = [&](Value one) {
    return LLVM::CallIntrinsicOp::create(e.b, e.loc, one.getType(), name, one)
        .getResult(0);
  };
  auto vector = dyn_cast<VectorType>(x.getType());
  if (!vector)
    return power(scaled);
  Value result = LLVM::PoisonOp::create(e.b, e.loc, vector);
  for (int64_t k = 0; k < vector.getDimSize(0); ++k) {
    Value one = vector::ExtractOp::create(e.b, e.loc, scaled, k);
    result = vector::InsertOp::create(e.b, e.loc, power(one), result, k);
  }
  return result;
}

Value GroupReducer::slots(Type type) {
  return sharedArray(e, name + "_slots" + llvm::Twine(used++), type,
                     threads / kWarpThreads);
}

Value GroupReducer::exchange(Value value, int32_t distance,
                             NVVM::ShflKind kind) {
  OpBuilder &b = e.b;
  Type type = value.getType();
  unsigned bits = type.getIntOrFloatBitWidth();
  Type i32 = b.getI32Type();
  auto constant = [&](int32_t number) -> Value {
    return arith::ConstantOp::create(b, e.loc, b.getI32IntegerAttr(number));
  };
  auto move = [&](Value word) -> Value {
    return NVVM::ShflOp::create(b, e.loc, word.getType(), constant(-1), word,
                                constant(distance), constant(31),
                                NVVM::ShflKind::bfly, UnitAttr());
  };
  if (bits == 32)
    return move(value);
  // A shuffle moves 32 bits: narrow integers are widened, wide values split.
  if (bits < 32) {
    Value wide = arith::ExtUIOp::create(b, e.loc, i32, value);
    return arith::TruncIOp::create(b, e.loc, type, move(wide));
  }
  Type halves = VectorType::get({2}, i32);
  Value both = LLVM::BitcastOp::create(b, e.loc, halves, value);
  for (int64_t k = 0; k < 2; ++k) {
    Value half = vector::ExtractOp::create(b, e.loc, both, k);
    both = vector::InsertOp::create(b, e.loc, move(half), both, k);
  }
  return LLVM::BitcastOp::create(b, e.loc, type, both);
}

Value GroupReducer::reduce(Value value,
                           function_ref<Value(Value, Value)> combine) {
  return reduce(ValueRange(value), [&](ValueRange a, ValueRange b) {
    return SmallVector<Value>{combine(a[0], b[0])};
  })[0];
}

SmallVector<Value> GroupReducer::reduce(
    ValueRange given,
    function_ref<SmallVector<Value>(ValueRange, ValueRange)> combine) {
  OpBuilder &b = e.b;
  SmallVector<Value> values(given);
  // Butterfly: after the step of 2^k, each lane has the result of 2^(k+1).
  for (int32_t distance = std::min(threads, kWarpThreads) / 2; distance > 0;
       distance /= 2) {
    SmallVector<Value> others;
    for (Value value : values)
      others.push_back(exchange(value, distance));
    values = combine(values, others);
  }
  if (threads <= kWarpThreads)
    return values;
  // One result a warp through shared memory; each warp combines them all.
  Value thread = e.threadIndex(0);
  Value warp = e.div(thread, e.constant(kWarpThreads));
  Value lane = e.rem(thread, e.constant(kWarpThreads));
  SmallVector<Value> arrays;
  for (Value value : values)
    arrays.push_back(slots(value.getType()));
  e.ifThen(e.equal(lane, e.constant(0)), [&] {
    for (auto [value, array] : llvm::zip(values, arrays))
      LLVM::StoreOp::create(b, e.loc, value,
                            sharedAt(e, array, value.getType(), warp));
  });
  NVVM::Barrier0Op::create(b, e.loc);
  // A lane loads one of them, which takes a single pass of shared memory, and
  // lanes exchange what they have. The first lane's result counts: `combine`
  // may give others in other lanes.
  int64_t warps = threads / kWarpThreads;
  assert(llvm::isPowerOf2_64(warps) && "lanes meet in pairs");
  Value own = e.rem(lane, e.constant(warps));
  SmallVector<Value> total;
  for (auto [value, array] : llvm::zip(values, arrays)) {
    Type type = value.getType();
    total.push_back(
        LLVM::LoadOp::create(b, e.loc, type, sharedAt(e, array, type, own)));
  }
  for (int32_t distance = int32_t(warps) / 2; distance > 0; distance /= 2) {
    SmallVector<Value> others;
    for (Value one : total)
      others.push_back(exchange(one, distance));
    total = combine(total, others);
  }
  for (Value &one : total)
    one = exchange(one, 0, NVVM::ShflKind::idx);
  return total;
}

KernelCode finishTasks(Emitter &e, KernelCode code) {
  code.launchOverTasks(e.blockThreads);
  return finishThreads(e, std::move(code));
}

KernelCode finishThreads(Emitter &e, KernelCode code) {
  if (!code.scratchBytes)
    code.scratchBytes = graph::DimExpr::constant(e.context(), 0);
  code.mayFault = e.mayFault();
  code.module = e.finish();
  for (auto global : code.module->getOps<LLVM::GlobalOp>())
    if (global.getAddrSpace() == kSharedSpace) {
      auto array = cast<LLVM::LLVMArrayType>(global.getType());
      int64_t bits = array.getElementType().getIntOrFloatBitWidth();
      code.staticShared += int64_t(llvm::alignTo(
          array.getNumElements() * std::max<int64_t>(bits / 8, 1), 16));
    }
  code.scalars.assign(e.scalars().begin(), e.scalars().end());
  return code;
}

} // namespace mlir::tenon
