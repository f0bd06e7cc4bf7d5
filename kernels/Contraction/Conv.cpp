//===- Conv.cpp - Convolution in a channel-blocked layout -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Takes: conv and conv_transpose (kernel = stride, no padding) in 2-D with
// constant weights and a channel-blocked result, any pointwise epilogue.
// Input: channel-blocked, or row-major with few channels (the network's
// input); with a halo of at least the padding, so that no kernel has a border
// case. No im2col: k runs over (channel block, kernel row), each a contiguous
// run of kernel width x block elements of the padded input.
//
// A task is (image, chunk of output pixels, group, panel of output channels):
// the chunk of input stays in L2 while the panels pass by. Within a task,
// register blocks of up to 6 pixels (RegisterBlock.h), split evenly.
//
// Tests: test/conformance, test/e2e; formula: graph.conv's description.
//
//===----------------------------------------------------------------------===//

#include "kernels/Contraction/Halo.h"
#include "kernels/Contraction/RegisterBlock.h"
#include "kernels/Family.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::tenon {

using graph::DimExpr;

namespace {

/// Input bytes that a chunk of pixels should have: a third of L2.
constexpr int64_t kChunkBytes = 160 << 10;
constexpr int64_t kMaxChunkRows = 384;

struct ConvShape {
  Value input, filter, bias, result;
  int64_t kh, kw, strideH, strideW, dilationH, dilationW, padTop, padLeft;
  int64_t groups, inChannels, outChannels; // of one group
  bool transposed = false;
};

class ConvBuilder {
public:
  ConvBuilder(graph::KernelOp kernel, Operation *anchor, StringRef name,
              const KernelTarget &target, const ConvShape &shape)
      : kernel(kernel), anchor(anchor), shape(shape), lanes(target.lanes()),
        e(kernel, name, target.vectorBits) {}

  KernelCode build();

private:
  void emitTask(Value image, Value chunk, Value group, Value panel,
                int64_t vectors, bool masked);
  /// Binds the anchor's result to the accumulators and stores the epilogue.
  void emitRow(Value image, Value firstBlock, Value row, Value column,
               ArrayRef<Value> acc, int64_t vectors, Value mask);
  bool hasLinearPixels();
  int64_t blockOf(Type type) {
    graph::LayoutAttr layout = graph::layoutOf(type);
    return layout ? layout.getChannelBlock() : 0;
  }

  graph::KernelOp kernel;
  Operation *anchor;
  ConvShape shape;
  int64_t lanes;
  Emitter e;

  bool linear = false;
  int64_t inBlock = 1, panelVectors = 2, panels = 0, chunkRows = 0;
  DimExpr pixels, rowPixels; // of the output grid (transposed: of the input)
  Value gridWidth, weights, tapOffsetH, tapOffsetW;
  Value currentTap;
};

/// Whether pixels can be numbered through: 1x1, stride 1, and no argument of
/// the kernel has a halo, so that one index serves all addresses.
bool ConvBuilder::hasLinearPixels() {
  if (shape.transposed || shape.kh != 1 || shape.kw != 1 ||
      shape.strideH != 1 || shape.strideW != 1 || shape.padTop ||
      shape.padLeft)
    return false;
  auto bad = [&](Type type) {
    graph::LayoutAttr layout = graph::layoutOf(type);
    return layout &&
           llvm::any_of(layout.getHalo(), [](int64_t h) { return h != 0; });
  };
  for (Value v : kernel->getOperands())
    if (bad(v.getType()))
      return false;
  for (Value v : kernel->getResults())
    if (bad(v.getType()))
      return false;
  // The epilogue must be pointwise, with operands of the same grid.
  SmallVector<DimExpr> grid = graph::dimsOf(anchor->getResult(0));
  for (Operation &op : e.body().without_terminator()) {
    if (&op != anchor && !op.hasTrait<graph::Pointwise>() &&
        !isa<graph::ConstantOp, graph::RelayoutOp>(op))
      return false;
    for (Value operand : op.getOperands()) {
      SmallVector<DimExpr> dims = graph::dimsOf(operand);
      if (&op == anchor || dims.size() < 2)
        continue;
      DimExpr h = dims[dims.size() - 2], w = dims.back();
      bool whole = dims.size() == 4 && h == grid[2] && w == grid[3];
      if (!whole && !(h.isConstant(1) && w.isConstant(1)))
        return false;
    }
  }
  return true;
}

KernelCode ConvBuilder::build() {
  SmallVector<DimExpr> in = graph::dimsOf(shape.input);
  SmallVector<DimExpr> out = graph::dimsOf(shape.result);
  MLIRContext *context = kernel.getContext();
  inBlock = std::max<int64_t>(1, blockOf(shape.input.getType()));
  linear = hasLinearPixels();

  // Three vectors where the channels are three blocks: no half panel.
  int64_t blocks = llvm::divideCeil(shape.outChannels, lanes);
  panelVectors = blocks == 1 ? 1 : blocks % 2 == 0 ? 2 : blocks == 3 ? 3 : 2;
  panels = llvm::divideCeil(blocks, panelVectors);

  DimExpr gridH = shape.transposed ? in[2] : out[2];
  DimExpr gridW = shape.transposed ? in[3] : out[3];
  pixels = gridH * gridW;
  int64_t most = rowsFor(panelVectors, lanes);
  int64_t bytes = shape.inChannels * 4 * shape.strideH * shape.strideW;
  chunkRows = std::clamp<int64_t>(kChunkBytes / std::max<int64_t>(bytes, 1),
                                  4 * most, kMaxChunkRows);
  if (auto known = pixels.asConstant(); known && *known > 0)
    chunkRows = llvm::divideCeil(
        *known, llvm::divideCeil(*known, chunkRows)); // even chunks
  chunkRows = llvm::divideCeil(chunkRows, most) * most;
  DimExpr chunks = pixels.ceilDiv(chunkRows);
  int64_t taps = shape.transposed ? shape.kh * shape.kw : 1;

  gridWidth = e.dim(gridW);
  int64_t tail = blocks - (panels - 1) * panelVectors;
  bool masked = shape.outChannels % lanes != 0;
  bool uneven = tail != panelVectors || masked;

  SmallVector<Value> sizes = {e.dim(out[0]), e.dim(chunks),
                              e.constant(shape.groups * taps),
                              e.constant(panels)};
  e.forEachTask(sizes, [&](ArrayRef<Value> t) {
    auto full = [&] { emitTask(t[0], t[1], t[2], t[3], panelVectors, false); };
    auto last = [&] { emitTask(t[0], t[1], t[2], t[3], tail, masked); };
    if (!uneven)
      full();
    else if (panels == 1)
      last();
    else
      e.ifThen(e.equal(t[3], e.constant(panels - 1)), last, full);
  });

  KernelCode code;
  code.family = shape.transposed ? "conv-transpose" : "conv";
  code.schedule =
      llvm::formatv("direct rows={0} vectors={1} chunk={2}{3}", most,
                    panelVectors, chunkRows, linear ? " linear" : "");
  code.packed.push_back(PackRecipe{
      shape.transposed ? PackRecipe::TransposedConvPanels
                       : PackRecipe::ConvPanels,
      cast<BlockArgument>(shape.filter).getArgNumber(), panelVectors * lanes,
      inBlock, shape.groups, false});
  code.tasks = out[0] * chunks * (shape.groups * taps * panels);
  code.scratchBytes = DimExpr::constant(context, 0);
  int64_t work = 2 * shape.kh * shape.kw * shape.inChannels *
                 (shape.transposed ? 1 : 1);
  code.flops = out[0] * pixels * (work * shape.groups * shape.outChannels);
  code.grain = std::max<int64_t>(
      1, 400000 / (chunkRows * work * panelVectors * lanes + 1));
  code.module = e.finish();
  code.scalars.assign(e.scalars().begin(), e.scalars().end());
  return code;
}

void ConvBuilder::emitTask(Value image, Value chunk, Value groupOrTap,
                           Value panel, int64_t vectors, bool masked) {
  auto inType = cast<RankedTensorType>(shape.input.getType());
  auto outType = cast<RankedTensorType>(kernel->getResult(0).getType());
  Type f32 = e.b.getF32Type();
  Value zero = e.constant(0);
  Value group = shape.transposed ? zero : groupOrTap;

  // Panel of weights.
  int64_t inBlocks = llvm::divideCeil(shape.inChannels, inBlock);
  int64_t taps = shape.transposed ? 1 : shape.kh * shape.kw;
  int64_t width = panelVectors * lanes;
  int64_t panelSize = inBlocks * taps * inBlock * width;
  Value panelNumber = e.add(e.mul(groupOrTap, e.constant(panels)), panel);
  Value weightPointer =
      e.address(e.pointerOf(cast<BlockArgument>(shape.filter)),
                e.mul(panelNumber, e.constant(panelSize)), f32);

  // First output block and channel of this panel.
  int64_t groupBlocks = llvm::divideCeil(shape.outChannels, lanes);
  Value firstBlock = e.add(e.mul(group, e.constant(groupBlocks)),
                           e.mul(panel, e.constant(panelVectors)));

  // The halo of the planes that this task begins.
  e.ifThen(e.equal(chunk, zero), [&] {
    auto begin = [&] {
      for (int64_t v = 0; v < vectors; ++v)
        emitZeroHalo(e, outType, e.resultPointer(0), image,
                     e.add(firstBlock, e.constant(v)));
    };
    if (shape.transposed)
      e.ifThen(e.equal(groupOrTap, zero), begin);
    else
      begin();
  });

  // Where pixel (0, 0) of the kernel window lies for output pixel (0, 0).
  SmallVector<DimExpr> in = graph::dimsOf(inType);
  graph::LayoutAttr layout = graph::layoutOf(inType);
  int64_t haloTop = 0, haloLeft = 0, haloH = 0, haloW = 0;
  if (layout && layout.getHalo().size() == 4) {
    ArrayRef<int64_t> h = layout.getHalo();
    haloTop = h[0], haloLeft = h[1], haloH = h[0] + h[2], haloW = h[1] + h[3];
  }
  DimExpr physicalW = in[3] + haloW, physicalH = in[2] + haloH;
  Value rowStride = e.dim(physicalW * inBlock);
  Value planeStride = e.dim(physicalW * physicalH * inBlock);
  int64_t allBlocks =
      llvm::divideCeil(shape.inChannels * shape.groups, inBlock);
  Value origin = e.mul(e.mul(image, e.constant(allBlocks)), planeStride);
  origin = e.add(origin, e.mul(e.mul(group, e.constant(inBlocks)), planeStride));
  origin = e.add(origin, e.mul(rowStride, e.constant(haloTop - shape.padTop)));
  origin = e.add(origin, e.constant((haloLeft - shape.padLeft) * inBlock));
  Value inputPointer = e.address(
      e.pointerOf(cast<BlockArgument>(shape.input)), origin, f32);

  RegisterBlock block;
  MLIRContext *context = kernel.getContext();
  auto number = [&](int64_t v) { return DimExpr::constant(context, v); };
  block.loops.push_back({number(inBlocks), planeStride});
  bool oneByOne = shape.transposed || (shape.kh == 1 && shape.kw == 1);
  block.run = number(inBlock);
  if (!oneByOne) {
    if (shape.kh > 1)
      block.loops.push_back(
          {number(shape.kh), e.mul(rowStride, e.constant(shape.dilationH))});
    if (shape.dilationW == 1)
      block.run = number(shape.kw * inBlock);
    else if (shape.kw > 1)
      block.loops.push_back(
          {number(shape.kw), e.constant(shape.dilationW * inBlock)});
  }
  block.weights = weightPointer;
  block.weightStride = e.constant(width);
  block.lanes = lanes;
  block.vectors = vectors;

  if (shape.transposed) {
    currentTap = groupOrTap;
    tapOffsetH = e.div(groupOrTap, e.constant(shape.kw));
    tapOffsetW = e.rem(groupOrTap, e.constant(shape.kw));
  }

  // Bias, one vector for each block of the panel.
  Value mask;
  if (masked) {
    SmallVector<bool> on;
    for (int64_t l = 0; l < lanes; ++l)
      on.push_back(l < shape.outChannels % lanes);
    mask = arith::ConstantOp::create(
        e.b, e.loc,
        DenseElementsAttr::get(VectorType::get({lanes}, e.b.getI1Type()), on));
  }
  SmallVector<Value> bias;
  for (int64_t v = 0; v < vectors; ++v) {
    Value c = e.mul(e.add(firstBlock, e.constant(v)), e.constant(lanes));
    if (!shape.bias) {
      bias.push_back(e.floatConstant(VectorType::get({lanes}, f32), 0));
      continue;
    }
    e.laneMask = v + 1 == vectors ? mask : Value();
    bias.push_back(
        e.emit(shape.bias, {e.consecutive(c, lanes)}, lanes));
    e.laneMask = nullptr;
  }

  Value start = e.mul(chunk, e.constant(chunkRows));
  Value count = e.constant(chunkRows);
  auto known = pixels.asConstant();
  if (!known || *known % chunkRows != 0)
    count = known && *known <= chunkRows
                ? e.constant(*known)
                : e.min(count, e.sub(e.dim(pixels), start));
  Value pixelStride = e.constant(shape.strideW * inBlock);
  Value lineStride = e.mul(rowStride, e.constant(shape.strideH));
  if (shape.transposed) {
    pixelStride = e.constant(inBlock);
    lineStride = rowStride;
  }

  forEachRowBlock(e, count, rowsFor(vectors, lanes), [&](Value first,
                                                         int64_t rows) {
    Value pixel = e.add(start, first);
    SmallVector<Value> pointers, ys, xs;
    Value y = linear ? zero : e.div(pixel, gridWidth);
    Value x = linear ? pixel : e.rem(pixel, gridWidth);
    // A single column is numbered through its rows.
    bool column = linear && graph::dimOf(shape.result, 3).isConstant(1);
    for (int64_t r = 0; r < rows; ++r) {
      if (r > 0) {
        if (linear) {
          x = e.add(pixel, e.constant(r));
        } else { // the next pixel, on the next line at the line's end
          Value next = e.add(x, e.constant(1));
          Value wraps = e.equal(next, gridWidth);
          x = e.select(wraps, zero, next);
          y = e.select(wraps, e.add(y, e.constant(1)), y);
        }
      }
      ys.push_back(column ? x : y);
      xs.push_back(column ? zero : x);
      Value offset = e.add(e.mul(y, lineStride), e.mul(x, pixelStride));
      pointers.push_back(e.address(inputPointer, offset, f32));
    }
    SmallVector<Value> init;
    for (int64_t r = 0; r < rows; ++r)
      llvm::append_range(init, bias);
    SmallVector<Value> acc = emitRegisterBlock(e, block, pointers, init);
    for (int64_t r = 0; r < rows; ++r)
      emitRow(image, firstBlock, ys[r], xs[r],
              ArrayRef(acc).slice(r * vectors, vectors), vectors, mask);
  });
}

void ConvBuilder::emitRow(Value image, Value firstBlock, Value row,
                          Value column, ArrayRef<Value> acc, int64_t vectors,
                          Value mask) {
  if (shape.transposed) {
    row = e.add(e.mul(row, e.constant(shape.strideH)), tapOffsetH);
    column = e.add(e.mul(column, e.constant(shape.strideW)), tapOffsetW);
  }
  for (int64_t v = 0; v < vectors; ++v) {
    Value channel = e.mul(e.add(firstBlock, e.constant(v)), e.constant(lanes));
    SmallVector<Index> at = {e.uniform(image), e.consecutive(channel, lanes),
                             e.uniform(row), e.uniform(column)};
    e.laneMask = v + 1 == vectors ? mask : Value();
    e.bind(anchor->getResult(0),
           [&, v](ArrayRef<Index>, int64_t) { return acc[v]; });
    Value end = e.yield()->getOperand(0);
    Value result = e.emit(end, at, lanes);
    e.store(0, end, result, at, lanes);
    e.laneMask = nullptr;
  }
}

std::optional<ConvShape> shapeOf(graph::KernelOp kernel, Operation *anchor,
                                 int64_t lanes) {
  ConvShape s;
  auto fill = [&](auto op) {
    s.input = op.getInput();
    s.filter = op.getFilter();
    s.bias = op.getBias();
    s.result = op.getResult();
    s.groups = op.getGroups();
    s.strideH = op.getStrides().size() == 2 ? op.getStrides()[0] : 0;
    s.strideW = op.getStrides().size() == 2 ? op.getStrides()[1] : 0;
    if (op.getDilations().size() == 2) {
      s.dilationH = op.getDilations()[0];
      s.dilationW = op.getDilations()[1];
      s.padTop = op.getPads()[0];
      s.padLeft = op.getPads()[1];
    }
  };
  auto type = cast<RankedTensorType>(anchor->getResult(0).getType());
  if (type.getRank() != 4 || !type.getElementType().isF32())
    return std::nullopt;
  if (auto conv = dyn_cast<graph::ConvOp>(anchor)) {
    fill(conv);
  } else if (auto conv = dyn_cast<graph::ConvTransposeOp>(anchor)) {
    fill(conv);
    s.transposed = true;
  } else {
    return std::nullopt;
  }
  auto filter = cast<RankedTensorType>(s.filter.getType());
  if (!isConstantOperand(kernel, s.filter) || !filter.hasStaticShape() ||
      !isa<BlockArgument>(s.input))
    return std::nullopt;
  s.kh = filter.getDimSize(2);
  s.kw = filter.getDimSize(3);
  graph::LayoutAttr in = graph::layoutOf(s.input.getType());
  graph::LayoutAttr out = graph::layoutOf(kernel->getResult(0).getType());
  if (kernel->getNumResults() != 1 || !out || out.getChannelBlock() != lanes)
    return std::nullopt;
  if (s.transposed) {
    auto conv = cast<graph::ConvTransposeOp>(anchor);
    s.inChannels = filter.getDimSize(0);
    s.outChannels = filter.getDimSize(1);
    bool exact = s.groups == 1 && s.kh == s.strideH && s.kw == s.strideW &&
                 s.dilationH == 1 && s.dilationW == 1 &&
                 llvm::all_of(conv.getPads(), [](int64_t p) { return !p; }) &&
                 llvm::all_of(conv.getOutputPadding(),
                              [](int64_t p) { return !p; });
    if (!exact || !in || in.getChannelBlock() != lanes)
      return std::nullopt;
    return s;
  }
  s.inChannels = filter.getDimSize(1);
  s.outChannels = filter.getDimSize(0) / s.groups;
  if (s.groups > 1 && (s.inChannels % lanes || s.outChannels % lanes))
    return std::nullopt;
  // The halo must hold the padding.
  SmallVector<int64_t> halo(4, 0);
  if (in && !in.getHalo().empty())
    halo.assign(in.getHalo().begin(), in.getHalo().end());
  if (in && in.getChannelBlock() && in.getChannelBlock() != lanes)
    return std::nullopt;
  for (auto [pad, have] :
       llvm::zip(cast<graph::ConvOp>(anchor).getPads(), halo))
    if (pad > have)
      return std::nullopt;
  return s;
}

} // namespace

std::optional<KernelCode> buildConv(graph::KernelOp kernel, StringRef name,
                                    const KernelTarget &target) {
  Operation *anchor = anchorOf(kernel);
  if (!anchor)
    return std::nullopt;
  auto shape = shapeOf(kernel, anchor, target.lanes());
  if (!shape)
    return std::nullopt;
  return ConvBuilder(kernel, anchor, name, target, *shape).build();
}

} // namespace mlir::tenon
