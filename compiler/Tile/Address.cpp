//===- Address.cpp - Arithmetic of lanes and addresses --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// See Address.h. Tests: test/compiler/Tile/lower-load.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Tile/Address.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::tenon::tile {

Value constantI32(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(value));
}
Value constantI64(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value));
}

Value threadNumber(OpBuilder &b, Location loc) {
  return NVVM::ThreadIdXOp::create(b, loc, b.getI32Type());
}

Value laneNumber(OpBuilder &b, Location loc) {
  return arith::AndIOp::create(b, loc, threadNumber(b, loc),
                               constantI32(b, loc, 31));
}

std::optional<Value> emitBits(OpBuilder &b, Location loc, Value index,
                              unsigned bits, function_ref<int64_t(int64_t)> f,
                              bool exclusive) {
  int64_t start = f(0);
  SmallVector<int64_t> basis;
  for (unsigned i = 0; i < bits; ++i)
    basis.push_back(exclusive ? f(int64_t(1) << i) ^ start
                              : f(int64_t(1) << i) - start);
  auto join = [&](int64_t x, int64_t y) { return exclusive ? x ^ y : x + y; };
  for (int64_t x = 0; x < int64_t(1) << bits; ++x) {
    int64_t sum = start;
    for (unsigned i = 0; i < bits; ++i)
      if (x >> i & 1)
        sum = join(sum, basis[i]);
    if (sum != f(x))
      return std::nullopt;
  }
  Value result;
  auto append = [&](Value part) {
    if (!result)
      result = part;
    else if (exclusive)
      result = arith::XOrIOp::create(b, loc, result, part);
    else
      result = arith::AddIOp::create(b, loc, result, part);
  };
  for (unsigned i = 0; i < bits;) {
    if (basis[i] == 0) {
      ++i;
      continue;
    }
    // Bits whose parts are powers of two apart go together: a product is the
    // exclusive or of its parts while these have no bit in common.
    unsigned end = i + 1;
    int64_t seen = basis[i];
    while (end < bits && basis[end] == basis[i] << (end - i) &&
           (!exclusive || (seen & basis[end]) == 0)) {
      seen |= basis[end];
      ++end;
    }
    Value part = index;
    if (i > 0)
      part =
          arith::ShRUIOp::create(b, loc, part, constantI32(b, loc, int64_t(i)));
    if (end < bits)
      part = arith::AndIOp::create(
          b, loc, part, constantI32(b, loc, (int64_t(1) << (end - i)) - 1));
    if (llvm::isPowerOf2_64(basis[i]))
      part = arith::ShLIOp::create(
          b, loc, part, constantI32(b, loc, llvm::Log2_64(basis[i])));
    else
      part = arith::MulIOp::create(b, loc, part, constantI32(b, loc, basis[i]));
    append(part);
    i = end;
  }
  if (start != 0 || !result)
    append(constantI32(b, loc, start));
  return result;
}

static Value moveBytes(OpBuilder &b, Location loc, Value pointer,
                       LLVM::GEPArg bytes) {
  return LLVM::GEPOp::create(b, loc, pointer.getType(), b.getI8Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{bytes},
                             LLVM::GEPNoWrapFlags::inbounds);
}

TileAddress::TileAddress(OpBuilder &b, Location loc, SharedType tile,
                         Value base, Value slot, Value index, unsigned bits)
    : b(b), loc(loc), tile(tile), layout(tile.getLayout()), stage(base),
      index(index), bits(bits), exclusive(layout.getSwizzle().bits > 0) {
  if (tile.getStages() == 1)
    return;
  Value number = arith::TruncIOp::create(b, loc, b.getI32Type(), slot);
  Value bytes = arith::MulIOp::create(
      b, loc, number, constantI32(b, loc, tile.getStageBytes()));
  stage = moveBytes(b, loc, base, bytes);
}

Value TileAddress::combine(Value x, Value y) {
  if (exclusive)
    return arith::XOrIOp::create(b, loc, x, y);
  return arith::AddIOp::create(b, loc, x, y);
}

LogicalResult TileAddress::move(unsigned dim, Value position,
                                int64_t multiple) {
  // Under exclusive or, what is moved must have no bit in common with where
  // it is moved to.
  if (exclusive && !llvm::isPowerOf2_64(multiple))
    return failure();
  int64_t size = dim == 0 ? tile.getRows() : tile.getColumns();
  auto bytesOf = [&](int64_t x) {
    int64_t at[2] = {0, 0};
    at[dim] = x;
    return layout(ArrayRef<int64_t>(at, 2)) * tile.getElementBytes();
  };
  for (int64_t x = 0; x < size; x += multiple)
    used |= bytesOf(x);
  Value number = arith::TruncIOp::create(b, loc, b.getI32Type(), position);
  std::optional<Value> part;
  if (!exclusive && layout.modes(dim).size() == 1) {
    int64_t stride = layout.modes(dim)[0].stride * tile.getElementBytes();
    part = arith::MulIOp::create(b, loc, number, constantI32(b, loc, stride));
  } else if (llvm::isPowerOf2_64(size)) {
    part = emitBits(b, loc, number, llvm::Log2_64(size), bytesOf, exclusive);
  }
  if (!part)
    return failure();
  moved = moved ? combine(moved, *part) : *part;
  return success();
}

FailureOr<Value>
TileAddress::at(function_ref<std::pair<int64_t, int64_t>(int64_t)> where) {
  SmallVector<int64_t> bytes;
  int64_t thread = 0;
  for (int64_t x = 0; x < int64_t(1) << bits; ++x) {
    auto [row, column] = where(x);
    bytes.push_back(layout(ArrayRef<int64_t>{row, column}) *
                    tile.getElementBytes());
    thread |= bytes.back();
  }
  auto whole = [&]() -> Value {
    auto part = emitBits(
        b, loc, index, bits, [&](int64_t x) { return bytes[x]; }, exclusive);
    if (!part)
      return {};
    return moved ? combine(*part, moved) : *part;
  };
  if (!common) {
    common = whole();
    if (!common)
      return failure();
    first = bytes;
    used |= thread;
    variants[0] = common;
    return moveBytes(b, loc, stage, common);
  }
  int64_t change = exclusive ? bytes[0] ^ first[0] : bytes[0] - first[0];
  bool constant =
      llvm::all_of(llvm::seq<size_t>(0, bytes.size()), [&](size_t i) {
        return (exclusive ? bytes[i] ^ first[i] : bytes[i] - first[i]) ==
               change;
      });
  if (!constant) {
    Value own = whole();
    if (!own)
      return failure();
    return moveBytes(b, loc, stage, own);
  }
  // What no other part touches can as well be added.
  int64_t under = exclusive ? change & used : 0;
  Value &variant = variants[under];
  if (!variant)
    variant = arith::XOrIOp::create(b, loc, common, constantI32(b, loc, under));
  Value pointer = moveBytes(b, loc, stage, variant);
  if (change != under)
    pointer = moveBytes(b, loc, pointer, int32_t(change - under));
  return pointer;
}

} // namespace mlir::tenon::tile
