//===- Halo.cpp - Zeros around a tensor -----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "kernels/Contraction/Halo.h"
#include "kernels/Contraction/Window.h"

namespace mlir::tenon {

using graph::DimExpr;

void emitZeroHalo(Emitter &e, RankedTensorType type, Value pointer, Value image,
                  Value block) {
  if (!graph::layoutOf(type))
    return;
  SmallVector<int64_t> halo = haloOf(type);
  auto isZero = [](int64_t side) { return side == 0; };
  if (llvm::all_of(halo, isZero))
    return;
  unsigned rank = halo.size() / 2;
  int64_t width = std::max<int64_t>(1, graph::layoutOf(type).getChannelBlock());
  SmallVector<DimExpr> dims = graph::dimsOf(type);
  SmallVector<Value> strides = spatialStrides(e, type);
  Type element = type.getElementType();
  Type storage = e.storageType(element);
  int64_t lanes = e.nativeLanes();

  auto zeros = [&](Value from, Value count) {
    Value whole = e.mul(e.div(count, e.constant(lanes)), e.constant(lanes));
    auto fill = [&](Value begin, Value end, int64_t n) {
      e.loop(begin, end, n, [&](Value i) {
        Value zero = arith::ConstantOp::create(
            e.b, e.loc, e.b.getZeroAttr(Emitter::vectorOf(storage, n)));
        e.storeVector(zero, pointer, e.add(from, i), element);
      });
    };
    fill(e.constant(0), whole, lanes);
    fill(whole, count, 1);
  };
  // Both sides of dimension `d` at offset `at`, and those of the dimensions
  // inside it at each of its positions.
  std::function<void(unsigned, Value)> edges = [&](unsigned d, Value at) {
    Value size = e.dim(dims[2 + d]);
    Value inside = e.add(at, e.mul(strides[d], e.constant(halo[d])));
    if (halo[d])
      zeros(at, e.mul(strides[d], e.constant(halo[d])));
    bool more = false;
    for (unsigned inner = d + 1; inner < rank; ++inner)
      more |= halo[inner] || halo[rank + inner];
    if (more)
      e.loop(e.constant(0), size, 1, [&](Value i) {
        edges(d + 1, e.add(inside, e.mul(i, strides[d])));
      });
    if (halo[rank + d])
      zeros(e.add(inside, e.mul(size, strides[d])),
            e.mul(strides[d], e.constant(halo[rank + d])));
  };
  Value blocks = e.dim(dims[1].ceilDiv(width));
  edges(0, e.mul(e.add(e.mul(image, blocks), block), strides[rank]));
}

} // namespace mlir::tenon
