//===- Window.h - Which inputs a convolution reads ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Ordinary and transposed convolutions, over any number of dimensions, in one
// form. A transposed convolution of stride s falls into s phases a dimension:
// the outputs u (before they are cropped) with u mod s = r. Output u gets
// tap k of input i where u = i * s + k * dilation, so a phase is a convolution
// of stride 1 with every s-th tap, last tap first:
//
//     kernel 4, stride 2, 1-D:   u = 2q:      w[2] x[q - 1] + w[0] x[q]
//                                u = 2q + 1:  w[3] x[q - 1] + w[1] x[q]
//
// Each tap belongs to one phase: no product is computed that is not needed,
// and none with the zeros between the inputs. An ordinary convolution is its
// own only phase.
//
// Kernels walk a grid of positions for each phase. With a halo of `halo()`
// around the input there is no border case.
//
// Tests: test/unit/kernels/WindowTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_CONTRACTION_WINDOW_H
#define TENON_KERNELS_CONTRACTION_WINDOW_H

#include "kernels/Emit/Emitter.h"

namespace mlir::tenon {

/// The phases of one dimension of a transposed convolution.
struct TapPhases {
  struct Phase {
    int64_t first = 0; // its lowest tap
    int64_t taps = 0;  // how many; 0: its outputs are the bias alone
  };
  SmallVector<Phase> residues; // one for each u mod stride
  int64_t tapStep = 1;         // from one tap of a phase to the next
  int64_t inputStep = 1;       // between the inputs that they read
};
TapPhases tapPhases(int64_t kernel, int64_t stride, int64_t dilation);

/// One dimension of a convolution at one phase. Grid position p reads inputs
/// (counted from the start of the halo)
///     first + p * step + t * tapStep,  t < taps
/// and gives output  outFirst + p * outStep.
struct WindowAxis {
  Value count;            // grid positions
  Value taps, tapsBefore; // of this phase; of the phases before it
  Value first, outFirst;
  int64_t step = 1, tapStep = 1, outStep = 1;
  /// t is filter tap  filterFirst + t * filterStep.
  Value filterFirst;
  int64_t filterStep = 1;
};

/// The window of a graph.conv or graph.conv_transpose.
struct ConvWindow {
  /// None if `op` is neither, its filter has no static shape, or it crops its
  /// input (negative pads).
  static std::optional<ConvWindow> of(Operation *op);

  bool transposed = false;
  SmallVector<int64_t> kernel, strides, dilations, low, high, outputPadding;

  unsigned rank() const { return kernel.size(); }
  /// Taps of all phases.
  int64_t taps() const;
  /// Phases of dimension `d`, and of all together.
  int64_t phases(unsigned d) const { return transposed ? strides[d] : 1; }
  int64_t phases() const;
  /// Zeros that the input needs around it: all low sides, then all high ones.
  SmallVector<int64_t> halo() const;
  /// Whether the input's layout has them.
  bool fits(RankedTensorType input) const;
  /// Grid positions of the largest phase along `d`, where `out` are outputs.
  graph::DimExpr gridOf(unsigned d, graph::DimExpr out) const;
  /// Dimension `d` at `phase` (i64), where the result has `out` elements and
  /// the input a halo of `haloLow` in front.
  WindowAxis axis(Emitter &e, unsigned d, Value phase, graph::DimExpr out,
                  int64_t haloLow) const;
};

/// The axes of all spatial dimensions, and what follows from them.
struct WindowAxes {
  SmallVector<WindowAxis> axes;
  Value taps;       // of this phase
  Value tapsBefore; // of the phases before it, in their order in memory
};
/// `phase` numbers the phases of all dimensions, the last running fastest.
WindowAxes windowAxes(Emitter &e, const ConvWindow &window, Value phase,
                      ArrayRef<graph::DimExpr> out, ArrayRef<int64_t> halo);

/// Elements from one position to the next along each spatial dimension of a
/// tensor in its layout, then from one block of channels (or channel) to the
/// next.
SmallVector<Value> spatialStrides(Emitter &e, RankedTensorType type);
/// The sides of a tensor's halo, zeros if it has none.
SmallVector<int64_t> haloOf(RankedTensorType type);

/// Blocks of input channels that a panel of `width` output channels reads,
/// [first, end), where groups of `perIn` and `perOut` channels lie side by
/// side and a panel may cross from one into the next.
struct PanelBlocks {
  int64_t width, block, perIn, perOut, outputs;

  int64_t first(int64_t panel) const;
  int64_t end(int64_t panel) const;
  /// The largest number of blocks of any panel.
  int64_t most() const;
};

} // namespace mlir::tenon

#endif // TENON_KERNELS_CONTRACTION_WINDOW_H
