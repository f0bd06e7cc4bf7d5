//===- Conv.cpp - Convolution in a channel-blocked layout -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Takes: conv and conv_transpose over two or three dimensions with a channel-
// blocked result, any pointwise epilogue. Input: channel-blocked, or row-major
// with few channels (the network's input); with a halo of at least the padding,
// so that no kernel has a border case. No im2col: k runs over (channel block,
// kernel row), each a contiguous run of kernel width x block elements of the
// padded input. A transposed convolution is one of stride 1 for each of its
// phases (Window.h).
//
// Groups whose channels are whole blocks are convolved on their own. Others
// are mixed: a panel reads the blocks of all groups that it has channels of,
// with zero weights where input and output are not of one group.
//
// Constant filters are packed at compile time; of one that is computed at run
// time, each task packs the panel that it needs into its scratch memory.
//
// A task is (image, chunk of grid positions, group and phase, panel of output
// channels): the chunk of input stays in L2 while the panels pass by. Within a
// task, register blocks of up to 6 positions (RegisterBlock.h), split evenly.
//
// Tests: test/e2e/convolutions.py; formula: graph.conv's description.
//
//===----------------------------------------------------------------------===//

#include "kernels/Contraction/Halo.h"
#include "kernels/Contraction/RegisterBlock.h"
#include "kernels/Contraction/Window.h"
#include "kernels/Emit/Domain.h"
#include "kernels/Family.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::tenon {

using graph::DimExpr;

namespace {

/// Input bytes that a chunk of pixels should have: a third of L2.
constexpr int64_t kChunkBytes = 160 << 10;
constexpr int64_t kMaxChunkRows = 384;
/// How much more products a wide panel may have for what it saves in loads.
constexpr double kWidePanel = 1.3;
/// Rows beside one vector of weights: with 6, the chains of additions would
/// be too few to hide their latency.
constexpr int64_t kSingleVectorRows = 12;

struct ConvShape {
  Value input, filter, bias, result;
  ConvWindow window;
  bool constantFilter = true;
  int64_t groups = 1;            // that panels do not cross
  int64_t mixed = 1;             // groups inside each of these
  int64_t perIn = 0, perOut = 0; // channels of each of the latter
  int64_t inChannels() const { return perIn * mixed; }
  int64_t outChannels() const { return perOut * mixed; }
};

class ConvBuilder {
public:
  ConvBuilder(graph::KernelOp kernel, Operation *anchor, StringRef name,
              const KernelTarget &target, const ConvShape &shape)
      : kernel(kernel), anchor(anchor), shape(shape), lanes(target.lanes()),
        e(kernel, name, target), out(graph::dimsOf(shape.result)) {}

  KernelCode build();

private:
  void choosePanels();
  int64_t rowsOf(int64_t vectors) {
    return vectors == 1 ? std::max(kSingleVectorRows, rowsFor(1, lanes))
                        : rowsFor(vectors, lanes);
  }
  void emitTask(Value image, Value chunk, Value groupAndPhase, Value panel,
                int64_t vectors, bool masked);
  /// Binds the anchor's result to the accumulators and stores the epilogue.
  void emitRow(Value image, Value firstBlock, ArrayRef<Value> position,
               ArrayRef<Value> acc, int64_t vectors, Value mask);
  bool hasLinearPixels();
  /// Packs a panel of the filter, in the order of PackRecipe::ConvPanels, into
  /// the scratch memory.
  void packPanel(const WindowAxes &axes, Value group, Value panel,
                 Value firstIn, Value inBlocks);
  PanelBlocks panelBlocks(int64_t vectors) {
    return {vectors * lanes, inBlock, shape.perIn, shape.perOut,
            shape.outChannels()};
  }

  graph::KernelOp kernel;
  Operation *anchor;
  ConvShape shape;
  int64_t lanes;
  Emitter e;
  SmallVector<DimExpr> out;

  bool linear = false;
  int64_t inBlock = 1, panelVectors = 2, panels = 0, chunkRows = 0;
  DimExpr pixels; // positions of the largest phase's grid
};

/// Whether pixels can be numbered through: 1x1, stride 1, and no argument of
/// the kernel has a halo, so that one index serves all addresses.
bool ConvBuilder::hasLinearPixels() {
  const ConvWindow &window = shape.window;
  auto allAre = [](ArrayRef<int64_t> values, int64_t value) {
    return llvm::all_of(values, [&](int64_t v) { return v == value; });
  };
  if (window.transposed || !allAre(window.kernel, 1) ||
      !allAre(window.strides, 1) || !allAre(window.halo(), 0))
    return false;
  auto bad = [&](Value v) {
    return !allAre(haloOf(cast<RankedTensorType>(v.getType())), 0);
  };
  if (llvm::any_of(kernel->getOperands(), bad) ||
      llvm::any_of(kernel->getResults(), bad))
    return false;
  // The epilogue must be pointwise, with operands of the same grid.
  ArrayRef<DimExpr> grid = ArrayRef(out).drop_front(2);
  for (Operation &op : e.body().without_terminator()) {
    if (&op != anchor && !op.hasTrait<graph::Pointwise>() &&
        !isa<graph::ConstantOp, graph::RelayoutOp>(op))
      return false;
    for (Value operand : op.getOperands()) {
      SmallVector<DimExpr> dims = graph::dimsOf(operand);
      if (&op == anchor || dims.size() < 2)
        continue;
      ArrayRef<DimExpr> own =
          ArrayRef(dims).take_back(std::min(dims.size(), grid.size()));
      bool whole = dims.size() == out.size() && own == grid;
      if (!whole &&
          !llvm::all_of(own, [](DimExpr d) { return d.isConstant(1); }))
        return false;
    }
  }
  return true;
}

void ConvBuilder::choosePanels() {
  // Three vectors where the channels are three blocks: no half panel.
  int64_t blocks = llvm::divideCeil(shape.outChannels(), lanes);
  panelVectors = blocks == 1 ? 1 : blocks % 2 == 0 ? 2 : blocks == 3 ? 3 : 2;
  if (shape.mixed > 1) {
    // Wide panels cross more groups.
    auto cost = [&](int64_t vectors) {
      PanelBlocks own = panelBlocks(vectors);
      int64_t sum = 0;
      for (int64_t p = 0; p * own.width < own.outputs; ++p)
        sum += (own.end(p) - own.first(p)) * vectors;
      return sum;
    };
    if (cost(1) * kWidePanel < cost(panelVectors))
      panelVectors = 1;
  }
  panels = llvm::divideCeil(blocks, panelVectors);
}

KernelCode ConvBuilder::build() {
  MLIRContext *context = kernel.getContext();
  const ConvWindow &window = shape.window;
  auto inType = cast<RankedTensorType>(shape.input.getType());
  if (graph::LayoutAttr layout = graph::layoutOf(inType))
    inBlock = std::max<int64_t>(1, layout.getChannelBlock());
  linear = hasLinearPixels();
  choosePanels();

  pixels = DimExpr::constant(context, 1);
  int64_t bytes = panelBlocks(panelVectors).most() * inBlock * 4;
  for (unsigned d = 0; d < window.rank(); ++d) {
    pixels = pixels * window.gridOf(d, out[2 + d]);
    bytes *= window.transposed ? 1 : window.strides[d];
  }
  int64_t most = rowsOf(panelVectors);
  chunkRows = std::clamp<int64_t>(kChunkBytes / std::max<int64_t>(bytes, 1),
                                  4 * most, kMaxChunkRows);
  if (auto known = pixels.asConstant(); known && *known > 0)
    chunkRows = llvm::divideCeil(
        *known, llvm::divideCeil(*known, chunkRows)); // even chunks
  chunkRows = llvm::divideCeil(chunkRows, most) * most;
  DimExpr chunks = pixels.ceilDiv(chunkRows);

  int64_t blocks = llvm::divideCeil(shape.outChannels(), lanes);
  int64_t tail = blocks - (panels - 1) * panelVectors;
  bool masked = shape.outChannels() % lanes != 0;
  bool uneven = tail != panelVectors || masked;
  int64_t parts = shape.groups * window.phases();
  SmallVector<Value> sizes = {e.dim(out[0]), e.dim(chunks), e.constant(parts),
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
  code.family = window.transposed ? "conv-transpose" : "conv";
  code.schedule =
      llvm::formatv("direct rows={0} vectors={1} chunk={2}{3}", most,
                    panelVectors, chunkRows, linear ? " linear" : "");
  int64_t panelSize = panelBlocks(panelVectors).most() * inBlock *
                      panelVectors * lanes; // of one tap
  code.scratchBytes = DimExpr::constant(
      context, shape.constantFilter ? 0 : panelSize * window.taps() * 4);
  if (shape.constantFilter) {
    PackRecipe recipe{PackRecipe::ConvPanels,
                      cast<BlockArgument>(shape.filter).getArgNumber(),
                      panelVectors * lanes,
                      inBlock,
                      shape.groups,
                      window.transposed,
                      shape.mixed};
    if (window.transposed) {
      recipe.strides = window.strides;
      recipe.dilations = window.dilations;
    }
    code.packed.push_back(recipe);
  }
  code.tasks = out[0] * chunks * (parts * panels);
  int64_t work = 2 * window.taps() * shape.perIn; // a channel, all phases
  SmallVector<DimExpr> counted =
      window.transposed ? graph::dimsOf(inType) : out;
  code.flops = out[0] * productOf(context, ArrayRef(counted).drop_front(2)) *
               (work * shape.groups * shape.outChannels());
  code.grain = std::max<int64_t>(
      1, 400000 /
             (chunkRows * (work / window.phases()) * panelVectors * lanes + 1));
  code.module = e.finish();
  code.scalars.assign(e.scalars().begin(), e.scalars().end());
  return code;
}

void ConvBuilder::packPanel(const WindowAxes &axes, Value group, Value panel,
                            Value firstIn, Value inBlocks) {
  unsigned rank = shape.window.rank();
  int64_t width = panelVectors * lanes;
  Type f32 = e.b.getF32Type();
  Value perIn = e.constant(shape.perIn), perOut = e.constant(shape.perOut);
  auto whole = [&](Value i, int64_t count) { // counted from group 0
    return e.add(e.mul(group, e.constant(count)), i);
  };
  // One row of the panel: input `channel` at a tap, all of its outputs.
  auto packRow = [&](Value row, Value channel, ArrayRef<Value> tap) {
    Value i = e.min(channel, e.constant(shape.inChannels() - 1));
    for (int64_t lane = 0; lane < width; ++lane) {
      Value output = e.add(e.mul(panel, e.constant(width)), e.constant(lane));
      Value o = e.min(output, e.constant(shape.outChannels() - 1));
      SmallVector<Index> at;
      if (shape.window.transposed)
        at = {e.uniform(whole(i, shape.inChannels())),
              e.uniform(e.rem(o, perOut))};
      else
        at = {e.uniform(whole(o, shape.outChannels())),
              e.uniform(e.rem(i, perIn))};
      for (Value t : tap)
        at.push_back(e.uniform(t));
      auto both = [&](Value a, Value b) -> Value {
        return arith::AndIOp::create(e.b, e.loc, a, b);
      };
      Value exists = both(e.equal(i, channel), e.equal(o, output));
      if (shape.mixed > 1)
        exists = both(exists, e.equal(e.div(i, perIn), e.div(o, perOut)));
      Value weight = e.select(exists, e.emit(shape.filter, at, 1),
                              e.floatConstant(f32, 0));
      e.storeVector(weight, e.scratch,
                    e.add(e.mul(row, e.constant(width)), e.constant(lane)),
                    f32);
    }
  };
  std::function<void(unsigned, Value, Value, SmallVector<Value>)> nest =
      [&](unsigned d, Value block, Value t, SmallVector<Value> tap) {
        if (d == rank) {
          Value first = e.mul(e.add(firstIn, block), e.constant(inBlock));
          Value row =
              e.mul(e.add(e.mul(block, axes.taps), t), e.constant(inBlock));
          e.loop(e.constant(0), e.constant(inBlock), 1, [&](Value i) {
            packRow(e.add(row, i), e.add(first, i), tap);
          });
          return;
        }
        const WindowAxis &axis = axes.axes[d];
        e.loop(e.constant(0), axis.taps, 1, [&](Value own) {
          SmallVector<Value> next(tap);
          next.push_back(
              e.add(axis.filterFirst, e.mul(own, e.constant(axis.filterStep))));
          nest(d + 1, block, e.add(e.mul(t, axis.taps), own), next);
        });
      };
  e.loop(e.constant(0), inBlocks, 1,
         [&](Value block) { nest(0, block, e.constant(0), {}); });
}

void ConvBuilder::emitTask(Value image, Value chunk, Value groupAndPhase,
                           Value panel, int64_t vectors, bool masked) {
  auto inType = cast<RankedTensorType>(shape.input.getType());
  auto outType = cast<RankedTensorType>(kernel->getResult(0).getType());
  const ConvWindow &window = shape.window;
  unsigned rank = window.rank();
  Type f32 = e.b.getF32Type();
  Value zero = e.constant(0);
  Value phases = e.constant(window.phases());
  Value group = e.div(groupAndPhase, phases);
  Value phase = e.rem(groupAndPhase, phases);
  SmallVector<int64_t> halo = haloOf(inType);
  WindowAxes axes =
      windowAxes(e, window, phase, ArrayRef(out).drop_front(2), halo);

  // Blocks of input channels that the panel reads, counted in its group.
  int64_t width = panelVectors * lanes;
  PanelBlocks own = panelBlocks(panelVectors);
  Value firstIn = zero, inBlocks = e.constant(own.most());
  if (shape.mixed > 1) {
    Value perIn = e.constant(shape.perIn), perOut = e.constant(shape.perOut);
    Value begin = e.mul(panel, e.constant(width));
    Value last =
        e.sub(e.min(e.add(begin, e.constant(width)), e.constant(own.outputs)),
              e.constant(1));
    firstIn = e.div(e.mul(e.div(begin, perOut), perIn), e.constant(inBlock));
    Value end = e.mul(e.add(e.div(last, perOut), e.constant(1)), perIn);
    end = e.div(e.add(end, e.constant(inBlock - 1)), e.constant(inBlock));
    inBlocks = e.sub(end, firstIn);
  }

  // The panel's weights: [group][phase][panel].
  Value taps = e.add(e.mul(group, e.constant(window.taps())), axes.tapsBefore);
  Value weights =
      e.add(e.mul(taps, e.constant(panels)), e.mul(panel, axes.taps));
  Value weightPointer = e.scratch;
  if (shape.constantFilter)
    weightPointer = e.address(
        e.pointerOf(cast<BlockArgument>(shape.filter)),
        e.mul(weights, e.constant(own.most() * inBlock * width)), f32);
  else
    packPanel(axes, group, panel, firstIn, inBlocks);

  // First output block and channel of this panel.
  int64_t groupBlocks = llvm::divideCeil(shape.outChannels(), lanes);
  Value firstBlock = e.add(e.mul(group, e.constant(groupBlocks)),
                           e.mul(panel, e.constant(panelVectors)));

  // The halo of the planes that this task begins.
  e.ifThen(e.equal(chunk, zero), [&] {
    e.ifThen(e.equal(phase, zero), [&] {
      for (int64_t v = 0; v < vectors; ++v)
        emitZeroHalo(e, outType, e.resultPointer(0), image,
                     e.add(firstBlock, e.constant(v)));
    });
  });

  // Where grid position 0 reads its first tap.
  SmallVector<Value> strides = spatialStrides(e, inType);
  Value planeStride = strides[rank];
  int64_t groupIn = llvm::divideCeil(shape.inChannels(), inBlock);
  Value plane = e.add(e.mul(image, e.constant(groupIn * shape.groups)),
                      e.add(e.mul(group, e.constant(groupIn)), firstIn));
  Value origin = e.mul(plane, planeStride);
  for (unsigned d = 0; d < rank; ++d)
    origin = e.add(origin, e.mul(axes.axes[d].first, strides[d]));
  Value inputPointer =
      e.address(e.pointerOf(cast<BlockArgument>(shape.input)), origin, f32);

  RegisterBlock block;
  block.loops.push_back({inBlocks, planeStride});
  int64_t run = inBlock;
  for (unsigned d = 0; d < rank; ++d) {
    const WindowAxis &axis = axes.axes[d];
    auto known = Emitter::constantOf(axis.taps);
    if (d + 1 == rank && known && *known > 0 && axis.tapStep == 1)
      run *= *known; // one after the other in memory
    else if (known != 1)
      block.loops.push_back(
          {axis.taps, e.mul(strides[d], e.constant(axis.tapStep))});
  }
  block.run = DimExpr::constant(kernel.getContext(), run);
  block.weights = weightPointer;
  block.weightStride = e.constant(width);
  block.lanes = lanes;
  block.vectors = vectors;

  // Bias, one vector for each block of the panel.
  Value mask;
  if (masked)
    mask = tailMask(e, e.constant(shape.outChannels() % lanes), lanes);
  SmallVector<Value> bias;
  for (int64_t v = 0; v < vectors; ++v) {
    Value c = e.mul(e.add(firstBlock, e.constant(v)), e.constant(lanes));
    if (!shape.bias) {
      bias.push_back(e.floatConstant(VectorType::get({lanes}, f32), 0));
      continue;
    }
    e.laneMask = v + 1 == vectors ? mask : Value();
    bias.push_back(e.emit(shape.bias, {e.consecutive(c, lanes)}, lanes));
    e.laneMask = nullptr;
  }

  // The part of this phase's grid that lies in the chunk.
  Value positions = e.dim(pixels);
  if (window.transposed) {
    positions = e.constant(1);
    for (const WindowAxis &axis : axes.axes)
      positions = e.mul(positions, axis.count);
  }
  Value start = e.mul(chunk, e.constant(chunkRows));
  Value count = e.constant(chunkRows);
  auto known = Emitter::constantOf(positions);
  if (!known || *known % chunkRows != 0)
    count = known && *known <= chunkRows
                ? e.constant(*known)
                : e.min(count, e.sub(positions, start));
  if (!known && window.transposed) // a smaller phase may have ended
    count = e.max(count, zero);

  // The dimension that is numbered through: where operands broadcast, an index
  // along a size of 1 is dropped.
  unsigned through = linear ? mergedAxis(out, 2) - 2 : rank - 1;
  forEachRowBlock(e, count, rowsOf(vectors), [&](Value first, int64_t rows) {
    SmallVector<Value> position(rank, zero), pointers;
    SmallVector<SmallVector<Value>> all;
    Value rest = e.add(start, first);
    for (unsigned d = rank; d-- > 0 && !linear;) {
      position[d] = d == 0 ? rest : e.rem(rest, axes.axes[d].count);
      rest = e.div(rest, axes.axes[d].count);
    }
    for (int64_t r = 0; r < rows; ++r) {
      if (linear) {
        position[through] = e.add(rest, e.constant(r));
      } else if (r > 0) { // the next position, on the next line at a line's end
        position[rank - 1] = e.add(position[rank - 1], e.constant(1));
        for (unsigned d = rank; d-- > 1;) {
          Value wraps = e.equal(position[d], axes.axes[d].count);
          position[d] = e.select(wraps, zero, position[d]);
          position[d - 1] = e.select(
              wraps, e.add(position[d - 1], e.constant(1)), position[d - 1]);
        }
      }
      all.push_back(position);
      Value offset = zero;
      for (unsigned d = 0; d < rank; ++d) {
        Value stride = strides[linear ? rank - 1 : d];
        offset =
            e.add(offset, e.mul(position[d],
                                e.mul(stride, e.constant(axes.axes[d].step))));
      }
      pointers.push_back(e.address(inputPointer, offset, f32));
    }
    SmallVector<Value> init;
    for (int64_t r = 0; r < rows; ++r)
      llvm::append_range(init, bias);
    SmallVector<Value> acc = emitRegisterBlock(e, block, pointers, init);
    for (int64_t r = 0; r < rows; ++r) {
      for (unsigned d = 0; d < rank; ++d)
        all[r][d] = e.add(e.mul(all[r][d], e.constant(axes.axes[d].outStep)),
                          axes.axes[d].outFirst);
      emitRow(image, firstBlock, all[r],
              ArrayRef(acc).slice(r * vectors, vectors), vectors, mask);
    }
  });
}

void ConvBuilder::emitRow(Value image, Value firstBlock,
                          ArrayRef<Value> position, ArrayRef<Value> acc,
                          int64_t vectors, Value mask) {
  for (int64_t v = 0; v < vectors; ++v) {
    Value channel = e.mul(e.add(firstBlock, e.constant(v)), e.constant(lanes));
    SmallVector<Index> at = {e.uniform(image), e.consecutive(channel, lanes)};
    for (Value p : position)
      at.push_back(e.uniform(p));
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
  auto window = ConvWindow::of(anchor);
  if (!window || window->rank() < 2 || window->rank() > 3 ||
      kernel->getNumResults() != 1)
    return std::nullopt;
  ConvShape s;
  s.window = *window;
  auto fill = [&](auto op) {
    s.input = op.getInput();
    s.filter = op.getFilter();
    s.bias = op.getBias();
    s.result = op.getResult();
    s.groups = op.getGroups();
  };
  if (window->transposed)
    fill(cast<graph::ConvTransposeOp>(anchor));
  else
    fill(cast<graph::ConvOp>(anchor));
  auto type = cast<RankedTensorType>(s.result.getType());
  if (!type.getElementType().isF32() || !isa<BlockArgument>(s.input) ||
      !isa<BlockArgument>(s.filter))
    return std::nullopt;
  s.constantFilter = isConstantOperand(kernel, s.filter);

  auto filter = cast<RankedTensorType>(s.filter.getType());
  s.perOut = window->transposed ? filter.getDimSize(1)
                                : filter.getDimSize(0) / s.groups;
  s.perIn = window->transposed ? filter.getDimSize(0) / s.groups
                               : filter.getDimSize(1);
  if (s.perIn == 0 || s.perOut == 0)
    return std::nullopt;
  graph::LayoutAttr in = graph::layoutOf(s.input.getType());
  graph::LayoutAttr out = graph::layoutOf(kernel->getResult(0).getType());
  if (!out || out.getChannelBlock() != lanes ||
      !window->fits(cast<RankedTensorType>(s.input.getType())))
    return std::nullopt;
  bool blocked = in && in.getChannelBlock();
  if (blocked ? in.getChannelBlock() != lanes
              : s.groups > 1 || window->transposed)
    return std::nullopt;
  if (s.groups > 1 && (s.perIn % lanes || s.perOut % lanes))
    std::swap(s.groups, s.mixed);
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
