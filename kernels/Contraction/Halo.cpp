//===- Halo.cpp - Zeros around a tensor -----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "kernels/Contraction/Halo.h"

namespace mlir::tenon {

using graph::DimExpr;

void emitZeroHalo(Emitter &e, RankedTensorType type, Value pointer,
                  Value image, Value block) {
  graph::LayoutAttr layout = graph::layoutOf(type);
  if (!layout || layout.getHalo().size() != 4 ||
      llvm::all_of(layout.getHalo(), [](int64_t h) { return h == 0; }))
    return;
  ArrayRef<int64_t> halo = layout.getHalo();
  int64_t width = std::max<int64_t>(1, layout.getChannelBlock());
  SmallVector<DimExpr> dims = graph::dimsOf(type);
  DimExpr blocks = layout.getChannelBlock() ? dims[1].ceilDiv(width) : dims[1];
  DimExpr row = (dims[3] + (halo[1] + halo[3])) * width;
  DimExpr plane = row * (dims[2] + (halo[0] + halo[2]));
  Value start = e.mul(e.add(e.mul(image, e.dim(blocks)), block), e.dim(plane));
  Type element = type.getElementType();
  int64_t lanes = e.nativeLanes();

  auto zeros = [&](Value from, Value count) {
    Type storage = e.storageType(element);
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
  Value rowSize = e.dim(row);
  if (halo[0])
    zeros(start, e.mul(rowSize, e.constant(halo[0])));
  if (halo[1] || halo[3]) {
    // Left edge of the first row, then the gaps, then the last right edge.
    Value first = e.add(start, e.mul(rowSize, e.constant(halo[0])));
    Value height = e.dim(dims[2]);
    e.loop(e.constant(0), height, 1, [&](Value y) {
      Value line = e.add(first, e.mul(y, rowSize));
      if (halo[1])
        zeros(line, e.constant(halo[1] * width));
      if (halo[3])
        zeros(e.add(line, e.dim((dims[3] + halo[1]) * width)),
              e.constant(halo[3] * width));
    });
  }
  if (halo[2]) {
    Value last =
        e.add(start, e.mul(rowSize, e.dim(dims[2] + halo[0])));
    zeros(last, e.mul(rowSize, e.constant(halo[2])));
  }
}

} // namespace mlir::tenon
