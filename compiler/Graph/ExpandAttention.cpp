//===- ExpandAttention.cpp - Attention as matmuls and softmax -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// For targets without a kernel that keeps the scores on chip. The factor goes
// to the scores and the mask is added to them, both in the epilogue of the
// first product.
//
//   graph.attention %q, %k, %v, %m       ==>  %s = graph.matmul %q, %k^T
//     {scale = 0.125}                         %t = graph.mul %s, 0.125
//                                             %u = graph.add %t, %m
//                                             %p = graph.softmax %u
//                                             graph.matmul %p, %v
//
// Tests: test/compiler/Graph/expand-attention.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Graph/Passes.h"
#include "dialects/Graph/Build.h"
#include "dialects/Graph/GraphOps.h"

namespace mlir::tenon::graph {

#define GEN_PASS_DEF_EXPANDATTENTIONPASS
#include "compiler/Graph/Passes.h.inc"

namespace {

void expand(AttentionOp op) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  Value scores =
      create<MatmulOp>(b, loc, {op.getQuery(), op.getKey()},
                       b.getNamedAttr("transpose_rhs", b.getBoolAttr(true)));
  auto type = cast<RankedTensorType>(scores.getType());
  double scale = op.getScale().convertToDouble();
  if (scale != 1) {
    auto scalar = RankedTensorType::get({}, type.getElementType());
    auto number = DenseElementsAttr::get(
        scalar, cast<Attribute>(b.getFloatAttr(type.getElementType(), scale)));
    Value factor = ConstantOp::create(b, loc, scalar, number, StringAttr());
    scores = create<MulOp>(b, loc, {scores, factor});
  }
  if (op.getMask())
    scores = create<AddOp>(b, loc, {scores, op.getMask()});
  Value weights = create<SoftmaxOp>(
      b, loc, {scores},
      b.getNamedAttr("axis", b.getI64IntegerAttr(type.getRank() - 1)));
  Value result = create<MatmulOp>(b, loc, {weights, op.getValue()});
  op.getResult().replaceAllUsesWith(result);
  op.erase();
}

struct ExpandAttention : impl::ExpandAttentionPassBase<ExpandAttention> {
  void runOnOperation() override {
    SmallVector<AttentionOp> ops;
    getOperation()->walk([&](AttentionOp op) { ops.push_back(op); });
    for (AttentionOp op : ops)
      expand(op);
  }
};

} // namespace
} // namespace mlir::tenon::graph
