//===- Threads.cpp - What the threads of a block do together --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/Threads.h"

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

Value sharedSlot(Emitter &e, Value array, Type type, Value number) {
  return LLVM::GEPOp::create(e.b, e.loc, array.getType(), type, array,
                             ArrayRef<LLVM::GEPArg>{number});
}

Value GroupReducer::slots(Type type) {
  return sharedArray(e, name + "_slots" + llvm::Twine(used++), type,
                     threads / kWarpThreads);
}

Value GroupReducer::reduce(Value value,
                           function_ref<Value(Value, Value)> combine) {
  OpBuilder &b = e.b;
  auto i32 = [&](int32_t number) -> Value {
    return arith::ConstantOp::create(b, e.loc, b.getI32IntegerAttr(number));
  };
  // Butterfly: after the step of 2^k, each lane has the result of 2^(k+1).
  for (int32_t distance = kWarpThreads / 2; distance > 0; distance /= 2) {
    Value other = NVVM::ShflOp::create(b, e.loc, value.getType(), i32(-1),
                                       value, i32(distance), i32(31),
                                       NVVM::ShflKind::bfly, UnitAttr());
    value = combine(value, other);
  }
  if (threads == kWarpThreads)
    return value;
  // One value a warp through shared memory; each thread combines them all.
  Type type = value.getType();
  Value array = slots(type);
  Value thread = e.threadIndex(0);
  Value warp = e.div(thread, e.constant(kWarpThreads));
  Value lane = e.rem(thread, e.constant(kWarpThreads));
  auto slot = [&](Value number) { return sharedSlot(e, array, type, number); };
  e.ifThen(e.equal(lane, e.constant(0)),
           [&] { LLVM::StoreOp::create(b, e.loc, value, slot(warp)); });
  NVVM::Barrier0Op::create(b, e.loc);
  Value total;
  for (int64_t i = 0; i < threads / kWarpThreads; ++i) {
    Value one = LLVM::LoadOp::create(b, e.loc, type, slot(e.constant(i)));
    total = total ? combine(total, one) : one;
  }
  return total;
}

} // namespace mlir::tenon
