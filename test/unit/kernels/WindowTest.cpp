//===- WindowTest.cpp - Phases of transposed convolutions -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "kernels/Contraction/Window.h"
#include "gtest/gtest.h"
#include <set>

using namespace mlir::tenon;

namespace {

// For every kernel, stride and dilation: each tap is in the phase of the
// outputs that it reaches, once, and the inputs of neighbouring taps are
// `inputStep` apart.
TEST(WindowTest, PhasesPartitionTheTaps) {
  for (int64_t kernel = 1; kernel <= 7; ++kernel)
    for (int64_t stride = 1; stride <= 6; ++stride)
      for (int64_t dilation = 1; dilation <= 4; ++dilation) {
        TapPhases phases = tapPhases(kernel, stride, dilation);
        ASSERT_EQ(int64_t(phases.residues.size()), stride);
        EXPECT_EQ(phases.tapStep * dilation, phases.inputStep * stride);
        std::set<int64_t> seen;
        for (int64_t r = 0; r < stride; ++r)
          for (int64_t t = 0; t < phases.residues[r].taps; ++t) {
            int64_t tap = phases.residues[r].first + t * phases.tapStep;
            EXPECT_EQ(tap * dilation % stride, r);
            EXPECT_LT(tap, kernel);
            seen.insert(tap);
          }
        EXPECT_EQ(int64_t(seen.size()), kernel);
      }
}

// The inputs that the outputs of a transposed convolution read, listed from
// its definition, lie within the halo, and one at each end touches it.
TEST(WindowTest, HaloOfATransposedConvolutionIsTight) {
  for (int64_t kernel = 1; kernel <= 5; ++kernel)
    for (int64_t stride = 1; stride <= 3; ++stride)
      for (int64_t low = 0; low <= 3; ++low)
        for (int64_t high = 0; high <= 3; ++high)
          for (int64_t extra = 0; extra < stride; ++extra) {
            const int64_t in = 9;
            int64_t out = (in - 1) * stride + extra + kernel - low - high;
            ConvWindow window;
            window.transposed = true;
            window.kernel = {kernel};
            window.strides = {stride};
            window.dilations = {1};
            window.low = {low};
            window.high = {high};
            window.outputPadding = {extra};
            int64_t first = 0, last = in - 1;
            for (int64_t o = 0; o < out; ++o)
              for (int64_t tap = 0; tap < kernel; ++tap)
                if ((o + low - tap) % stride == 0) {
                  first = std::min(first, (o + low - tap) / stride);
                  last = std::max(last, (o + low - tap) / stride);
                }
            llvm::SmallVector<int64_t> halo = window.halo();
            EXPECT_EQ(halo[0], -first);
            EXPECT_EQ(halo[1], last - (in - 1));
          }
}

TEST(WindowTest, PanelsAcrossGroupsReadTheBlocksOfAllOfThem) {
  for (int64_t perIn : {1, 3, 4, 20})
    for (int64_t perOut : {1, 2, 5, 12}) {
      PanelBlocks panels{8, 8, perIn, perOut, perOut * 6};
      int64_t most = 0;
      for (int64_t p = 0; p * 8 < panels.outputs; ++p) {
        int64_t last = std::min(p * 8 + 7, panels.outputs - 1);
        EXPECT_EQ(panels.first(p), p * 8 / perOut * perIn / 8);
        EXPECT_EQ(panels.end(p) - 1, (last / perOut * perIn + perIn - 1) / 8);
        most = std::max(most, panels.end(p) - panels.first(p));
      }
      EXPECT_EQ(panels.most(), most);
    }
}

} // namespace
