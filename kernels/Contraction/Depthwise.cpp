//===- Depthwise.cpp - One filter a channel -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Takes: 2-D convolutions with as many groups as channels (multiplier 1),
// constant weights, channel-blocked input (with a halo of at least the
// padding) and result, any pointwise epilogue. A task is (image, channel
// block, rows of output): a vector is a channel block, six pixels of a row are
// accumulated at once, each weight vector is loaded once for them.
//
//===----------------------------------------------------------------------===//

#include "kernels/Contraction/Halo.h"
#include "kernels/Contraction/RegisterBlock.h"
#include "kernels/Family.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::tenon {

using graph::DimExpr;

namespace {

constexpr int64_t kPixels = 6;
/// Rows of output in a task: enough work to hand over, few enough to share.
constexpr int64_t kTaskRows = 16;

class DepthwiseBuilder {
public:
  DepthwiseBuilder(graph::KernelOp kernel, graph::ConvOp conv, StringRef name,
                   const KernelTarget &target)
      : kernel(kernel), conv(conv), lanes(target.lanes()),
        e(kernel, name, target.vectorBits) {}

  KernelCode build() {
    SmallVector<DimExpr> out = graph::dimsOf(conv.getResult());
    auto filter = cast<RankedTensorType>(conv.getFilter().getType());
    kh = filter.getDimSize(2);
    kw = filter.getDimSize(3);
    int64_t channels = filter.getDimSize(0);
    int64_t blocks = llvm::divideCeil(channels, lanes);
    DimExpr rowTasks = out[2].ceilDiv(kTaskRows);
    SmallVector<Value> sizes = {e.dim(out[0]), e.constant(blocks),
                                e.dim(rowTasks)};
    bool partial = channels % lanes != 0;
    e.forEachTask(sizes, [&](ArrayRef<Value> t) {
      auto whole = [&] { emitTask(t[0], t[1], t[2], Value()); };
      if (!partial)
        return whole();
      SmallVector<bool> on;
      for (int64_t l = 0; l < lanes; ++l)
        on.push_back(l < channels % lanes);
      Value mask = arith::ConstantOp::create(
          e.b, e.loc,
          DenseElementsAttr::get(VectorType::get({lanes}, e.b.getI1Type()),
                                 on));
      e.ifThen(
          e.equal(t[1], e.constant(blocks - 1)),
          [&] { emitTask(t[0], t[1], t[2], mask); }, whole);
    });
    KernelCode code;
    code.family = "depthwise";
    code.schedule = llvm::formatv("pixels={0} rows={1}", kPixels, kTaskRows);
    code.packed.push_back(PackRecipe{
        PackRecipe::DepthwisePanels,
        cast<BlockArgument>(conv.getFilter()).getArgNumber(), lanes});
    code.tasks = out[0] * rowTasks * blocks;
    code.scratchBytes = DimExpr::constant(kernel.getContext(), 0);
    code.flops = out[0] * out[2] * out[3] * (2 * kh * kw * channels);
    code.module = e.finish();
    code.scalars.assign(e.scalars().begin(), e.scalars().end());
    return code;
  }

private:
  void emitTask(Value image, Value block, Value rowTask, Value mask) {
    auto inType = cast<RankedTensorType>(conv.getInput().getType());
    auto outType = cast<RankedTensorType>(kernel->getResult(0).getType());
    SmallVector<DimExpr> in = graph::dimsOf(inType);
    SmallVector<DimExpr> out = graph::dimsOf(conv.getResult());
    Type f32 = e.b.getF32Type();
    Value zero = e.constant(0);
    e.ifThen(e.equal(rowTask, zero), [&] {
      emitZeroHalo(e, outType, e.resultPointer(0), image, block);
    });

    SmallVector<int64_t> halo(4, 0);
    if (!graph::layoutOf(inType).getHalo().empty())
      halo.assign(graph::layoutOf(inType).getHalo().begin(),
                  graph::layoutOf(inType).getHalo().end());
    DimExpr row = (in[3] + (halo[1] + halo[3])) * lanes;
    DimExpr plane = row * (in[2] + (halo[0] + halo[2]));
    Value blocks = e.dim(in[1].ceilDiv(lanes));
    Value start = e.mul(e.add(e.mul(image, blocks), block), e.dim(plane));
    start = e.add(start, e.mul(e.dim(row),
                               e.constant(halo[0] - conv.getPads()[0])));
    start = e.add(start, e.constant((halo[1] - conv.getPads()[1]) * lanes));
    Value input = e.address(
        e.pointerOf(cast<BlockArgument>(conv.getInput())), start, f32);
    Value weights = e.address(
        e.pointerOf(cast<BlockArgument>(conv.getFilter())),
        e.mul(block, e.constant(kh * kw * lanes)), f32);

    Value channel = e.mul(block, e.constant(lanes));
    Value bias = e.floatConstant(VectorType::get({lanes}, f32), 0);
    if (conv.getBias()) {
      e.laneMask = mask;
      bias = e.emit(conv.getBias(), {e.consecutive(channel, lanes)}, lanes);
      e.laneMask = nullptr;
    }
    Value first = e.mul(rowTask, e.constant(kTaskRows));
    Value last = e.min(e.add(first, e.constant(kTaskRows)), e.dim(out[2]));
    int64_t strideH = conv.getStrides()[0], strideW = conv.getStrides()[1];
    e.loop(first, last, 1, [&](Value y) {
      Value line = e.address(
          input, e.mul(e.mul(y, e.constant(strideH)), e.dim(row)), f32);
      forEachRowBlock(e, e.dim(out[3]), kPixels, [&](Value x, int64_t pixels) {
        Value at = e.address(line, e.mul(x, e.constant(strideW * lanes)), f32);
        SmallVector<Value> acc(pixels, bias);
        for (int64_t ky = 0; ky < kh; ++ky) {
          Value tapRow = e.mul(e.dim(row),
                               e.constant(ky * conv.getDilations()[0]));
          for (int64_t kx = 0; kx < kw; ++kx) {
            Value w = e.loadVector(
                weights, e.constant((ky * kw + kx) * lanes), f32, lanes);
            for (int64_t p = 0; p < pixels; ++p) {
              int64_t column = p * strideW + kx * conv.getDilations()[1];
              Value v = e.loadVector(
                  at, e.add(tapRow, e.constant(column * lanes)), f32, lanes);
              acc[p] = vector::FMAOp::create(e.b, e.loc, v, w, acc[p]);
            }
          }
        }
        for (int64_t p = 0; p < pixels; ++p) {
          SmallVector<Index> position = {
              e.uniform(image), e.consecutive(channel, lanes), e.uniform(y),
              e.uniform(e.add(x, e.constant(p)))};
          e.laneMask = mask;
          e.bind(conv.getResult(),
                 [&, p](ArrayRef<Index>, int64_t) { return acc[p]; });
          Value end = e.yield()->getOperand(0);
          e.store(0, end, e.emit(end, position, lanes), position, lanes);
          e.laneMask = nullptr;
        }
      });
    });
  }

  graph::KernelOp kernel;
  graph::ConvOp conv;
  int64_t lanes, kh = 0, kw = 0;
  Emitter e;
};

} // namespace

std::optional<KernelCode> buildDepthwise(graph::KernelOp kernel,
                                         StringRef name,
                                         const KernelTarget &target) {
  auto conv = dyn_cast_or_null<graph::ConvOp>(anchorOf(kernel));
  if (!conv || kernel->getNumResults() != 1)
    return std::nullopt;
  auto filter = cast<RankedTensorType>(conv.getFilter().getType());
  auto type = cast<RankedTensorType>(conv.getType());
  if (type.getRank() != 4 || !type.getElementType().isF32() ||
      !filter.hasStaticShape() || filter.getDimSize(1) != 1 ||
      int64_t(conv.getGroups()) != filter.getDimSize(0) ||
      conv.getGroups() == 1 ||
      !isConstantOperand(kernel, conv.getFilter()) ||
      !isa<BlockArgument>(conv.getInput()))
    return std::nullopt;
  auto blocked = [&](Type t) {
    graph::LayoutAttr layout = graph::layoutOf(t);
    return layout && layout.getChannelBlock() == target.lanes();
  };
  if (!blocked(conv.getInput().getType()) ||
      !blocked(kernel->getResult(0).getType()))
    return std::nullopt;
  ArrayRef<int64_t> halo =
      graph::layoutOf(conv.getInput().getType()).getHalo();
  for (auto [i, pad] : llvm::enumerate(conv.getPads()))
    if (pad > (halo.empty() ? 0 : halo[i]))
      return std::nullopt;
  return DepthwiseBuilder(kernel, conv, name, target).build();
}

} // namespace mlir::tenon
