//===- EmitMemory.cpp - Where elements lie, and how they are moved --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The types in which elements are stored and computed, the offsets of positions
// in a tensor's layout, and loads and stores of scalars and vectors.
//
//===----------------------------------------------------------------------===//

#include "kernels/Emit/Emitter.h"
#include "kernels/Math/Convert.h"
#include "llvm/ADT/STLExtras.h"

namespace mlir::tenon {

using graph::DimExpr;

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

Type Emitter::computeType(Type element) {
  if (element.isF16() || element.isBF16())
    return b.getF32Type();
  if (auto integer = dyn_cast<IntegerType>(element))
    return b.getIntegerType(integer.getWidth());
  return element;
}

Type Emitter::storageType(Type element) {
  if (auto integer = dyn_cast<IntegerType>(element))
    return b.getIntegerType(std::max(8u, integer.getWidth()));
  return element;
}

Type Emitter::vectorOf(Type scalar, int64_t lanes) {
  return lanes == 1 ? scalar : VectorType::get({lanes}, scalar);
}

Value Emitter::splat(Value scalar, int64_t lanes) {
  if (lanes == 1 || isa<VectorType>(scalar.getType()))
    return scalar;
  return vector::BroadcastOp::create(b, loc, vectorOf(scalar.getType(), lanes),
                                     scalar);
}

Value Emitter::floatConstant(Type type, double value) {
  Type scalar = getElementTypeOrSelf(type);
  TypedAttr attr = b.getFloatAttr(scalar, value);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, Attribute(attr));
  return arith::ConstantOp::create(b, loc, attr);
}

Value Emitter::toCompute(Value stored, Type element) {
  Type type = stored.getType();
  int64_t lanes =
      isa<VectorType>(type) ? cast<VectorType>(type).getDimSize(0) : 1;
  if (element.isInteger(1)) {
    Value zero =
        splat(arith::ConstantOp::create(b, loc, b.getI8IntegerAttr(0)), lanes);
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, stored,
                                 zero);
  }
  if (element.isF16())
    return arith::ExtFOp::create(b, loc, vectorOf(b.getF32Type(), lanes),
                                 stored);
  if (element.isBF16())
    return floatCast(stored, b.getF32Type());
  return stored;
}

Value Emitter::toStorage(Value computed, Type element) {
  Type type = computed.getType();
  int64_t lanes =
      isa<VectorType>(type) ? cast<VectorType>(type).getDimSize(0) : 1;
  if (element.isInteger(1))
    return arith::ExtUIOp::create(b, loc, vectorOf(b.getI8Type(), lanes),
                                  computed);
  if (element.isF16())
    return arith::TruncFOp::create(b, loc, vectorOf(b.getF16Type(), lanes),
                                   computed);
  if (element.isBF16())
    return floatCast(computed, b.getBF16Type());
  return computed;
}

Value Emitter::floatCast(Value x, FloatType to) {
  Type from = getElementTypeOrSelf(x.getType());
  auto type = dyn_cast<VectorType>(x.getType());
  Type result = type ? Type(type.clone(to)) : Type(to);
  // One instruction (for two elements) from sm_80 on. These are LLVM's ops as
  // those of arith are lowered to integer arithmetic. A NaN loses its payload.
  if (target.isCuda() && from.isF32() && to.isBF16())
    return LLVM::FPTruncOp::create(b, loc, result, x);
  if (target.isCuda() && from.isBF16() && to.isF32())
    return LLVM::FPExtOp::create(b, loc, result, x);
  return emitFloatCast(b, loc, x, to);
}

Value Emitter::laneNumbers(int64_t lanes) {
  SmallVector<int64_t> numbers = llvm::to_vector(llvm::seq<int64_t>(0, lanes));
  auto type = VectorType::get({lanes}, indexType);
  SmallVector<Attribute> attrs;
  for (int64_t number : numbers)
    attrs.push_back(b.getIntegerAttr(indexType, number));
  return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, attrs));
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value Emitter::address(Value pointer, Value offset, Type element) {
  return LLVM::GEPOp::create(b, loc, pointer.getType(), storageType(element),
                             pointer, ArrayRef<LLVM::GEPArg>{offset},
                             LLVM::GEPNoWrapFlags::inbounds);
}

static unsigned bytesOf(Type storage) {
  return std::max(1u, storage.getIntOrFloatBitWidth() / 8);
}

/// Bytes that an access is aligned to. Buffers of a GPU are aligned to 16 bytes
/// at least, the most that one access moves; a CPU does not ask.
unsigned Emitter::alignmentOf(Type storage, int64_t lanes, int64_t multiple) {
  if (!target.isCuda() || lanes == 1)
    return bytesOf(storage);
  constexpr int64_t kMost = 16;
  int64_t bytes = bytesOf(storage);
  int64_t alignment = std::gcd(multiple * bytes, kMost);
  brokenVectors |= alignment < std::min(lanes * bytes, kMost);
  return alignment;
}

Value Emitter::loadVector(Value pointer, Value offset, Type element,
                          int64_t lanes, int64_t multiple) {
  Type storage = storageType(element);
  Value from = address(pointer, offset, element);
  unsigned alignment = alignmentOf(storage, lanes, multiple);
  Type type = vectorOf(storage, lanes);
  if (laneMask && lanes > 1) {
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    return LLVM::MaskedLoadOp::create(b, loc, type, from, laneMask, zero,
                                      alignment);
  }
  return LLVM::LoadOp::create(b, loc, type, from, alignment);
}

void Emitter::storeVector(Value vector, Value pointer, Value offset,
                          Type element, int64_t multiple) {
  Value to = address(pointer, offset, element);
  auto type = dyn_cast<VectorType>(vector.getType());
  unsigned alignment = alignmentOf(storageType(element),
                                   type ? type.getDimSize(0) : 1, multiple);
  if (laneMask && isa<VectorType>(vector.getType())) {
    LLVM::MaskedStoreOp::create(b, loc, vector, to, laneMask, alignment);
    return;
  }
  LLVM::StoreOp::create(b, loc, vector, to, alignment);
}

Value Emitter::loadAt(Value pointer, Index offset, Type element,
                      int64_t lanes) {
  if (lanes == 1 || offset.step == 1)
    return toCompute(
        loadVector(pointer, offset.base, element, lanes, offset.multiple),
        element);
  if (offset.step == 0)
    return splat(
        toCompute(loadVector(pointer, offset.base, element, 1), element),
        lanes);
  // Lanes apart: one scalar load each.
  brokenVectors = true;
  Type type = vectorOf(storageType(element), lanes);
  Value vector = LLVM::PoisonOp::create(b, loc, type);
  if (laneMask)
    vector = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  for (int64_t lane = 0; lane < lanes; ++lane) {
    Value at = add(offset.base, constant(lane * offset.step));
    auto load = [&] { return loadVector(pointer, at, element, 1); };
    Value scalar;
    if (laneMask) { // never read past the end
      Value on = vector::ExtractOp::create(b, loc, laneMask, lane);
      Value safe = select(on, at, offset.base);
      scalar = loadVector(pointer, safe, element, 1);
    } else {
      scalar = load();
    }
    vector = vector::InsertOp::create(b, loc, scalar, vector, lane);
  }
  return toCompute(vector, element);
}

std::optional<Index> Emitter::offsetOf(RankedTensorType type,
                                       ArrayRef<Index> at, int64_t lanes) {
  SmallVector<DimExpr> dims = graph::dimsOf(type);
  graph::LayoutAttr layout = graph::layoutOf(type);
  int64_t block = layout ? layout.getChannelBlock() : 0;
  ArrayRef<int64_t> halo = layout ? layout.getHalo() : ArrayRef<int64_t>();
  unsigned spatial = halo.size() / 2;

  // Physical sizes, outermost first: [N, C / block, spatial + halo.., block].
  SmallVector<DimExpr> sizes(dims);
  if (block)
    sizes[1] = dims[1].ceilDiv(block);
  for (unsigned i = 0; i < spatial; ++i)
    sizes[2 + i] = dims[2 + i] + (halo[i] + halo[spatial + i]);

  Index offset{constant(0), 0, 0};
  DimExpr stride = DimExpr::constant(context(), block ? block : 1);
  for (size_t i = dims.size(); i-- > 0;) {
    Index index = at[i];
    if (i >= 2 && i < 2 + spatial) {
      index.base = add(index.base, constant(halo[i - 2]));
      index.multiple = 1;
    }
    if (block && i == 1) {
      Value blockNumber, within;
      if (index.step == 0) {
        blockNumber = div(index.base, constant(block));
        within = index.multiple % block == 0 ? constant(0)
                                             : rem(index.base, constant(block));
      } else if (index.step == 1 && index.multiple % block == 0 &&
                 lanes <= block) {
        blockNumber = div(index.base, constant(block));
        within = constant(0);
        offset.step += 1;
      } else {
        return std::nullopt;
      }
      offset.multiple = 1;
      offset.base = add(offset.base, within);
      offset.base = add(offset.base, mul(blockNumber, dim(stride)));
    } else {
      if (index.step != 0) {
        auto known = stride.asConstant();
        if (!known)
          return std::nullopt;
        offset.step += index.step * *known;
      }
      auto fixed = constantOf(index.base);
      offset.multiple =
          std::gcd(offset.multiple,
                   (fixed ? *fixed : index.multiple) * divisorOf(stride));
      offset.base = add(offset.base, mul(index.base, dim(stride)));
    }
    stride = stride * sizes[i];
  }
  return offset;
}

Value Emitter::laneByLane(ArrayRef<Index> at, int64_t lanes, Type type,
                          function_ref<Value(ArrayRef<Index>)> one) {
  assert(lanes > 1);
  brokenVectors = true;
  Value mask = laneMask;
  Type vectorType = vectorOf(type, lanes);
  Value vector =
      mask ? arith::ConstantOp::create(b, loc, b.getZeroAttr(vectorType))
                 .getResult()
           : LLVM::PoisonOp::create(b, loc, vectorType).getResult();
  for (int64_t lane = 0; lane < lanes; ++lane) {
    SmallVector<Index> single;
    Value on = mask ? vector::ExtractOp::create(b, loc, mask, lane) : Value();
    for (const Index &index : at) {
      Value base = index.base;
      if (index.step != 0) {
        Value moved = add(base, constant(lane * index.step));
        base = on ? select(on, moved, base) : moved;
      }
      single.push_back(uniform(base, index.step == 0 ? index.multiple : 1));
    }
    laneMask = nullptr;
    Value scalar = one(single);
    laneMask = mask;
    vector = vector::InsertOp::create(b, loc, scalar, vector, lane);
  }
  return vector;
}

Value Emitter::emitLeaf(BlockArgument leaf, ArrayRef<Index> at, int64_t lanes) {
  auto type = cast<RankedTensorType>(leaf.getType());
  Type element = type.getElementType();
  if (auto offset = offsetOf(type, at, lanes))
    return loadAt(pointerOf(leaf), *offset, element, lanes);
  return laneByLane(
      at, lanes, computeType(element),
      [&](ArrayRef<Index> single) { return emitLeaf(leaf, single, 1); });
}

} // namespace mlir::tenon
