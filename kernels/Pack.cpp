//===- Pack.cpp - Weights in the order in which kernels read them ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Each recipe is a permutation with zeros where a panel or block is not full.
// Tests: test/unit/kernels/PackTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "kernels/Contraction/Window.h"
#include "kernels/Family.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::tenon {

static constexpr llvm::StringLiteral kNames[] = {"matmul-panels", "conv-panels",
                                                 "depthwise-panels"};

std::string PackRecipe::str() const {
  std::string text = kNames[kind].str() + " width=" + std::to_string(width) +
                     " block=" + std::to_string(block);
  if (groups != 1)
    text += " groups=" + std::to_string(groups);
  if (mixed != 1)
    text += " mixed=" + std::to_string(mixed);
  if (transposed)
    text += " transposed";
  auto list = [&](const char *key, ArrayRef<int64_t> values) {
    std::string numbers;
    for (int64_t value : values)
      numbers += (numbers.empty() ? "" : "x") + std::to_string(value);
    if (!numbers.empty())
      text += std::string(" ") + key + "=" + numbers;
  };
  list("strides", strides);
  list("dilations", dilations);
  return text;
}

/// "2x3" as {2, 3}; fails unless all are positive.
static bool parseList(StringRef text, SmallVector<int64_t> &values) {
  for (StringRef part : llvm::split(text, 'x'))
    if (part.getAsInteger(10, values.emplace_back()) || values.back() < 1)
      return false;
  return true;
}

std::optional<PackRecipe> PackRecipe::parse(StringRef text) {
  PackRecipe recipe{};
  auto [name, rest] = text.split(' ');
  const auto *kind = llvm::find(kNames, name);
  if (kind == std::end(kNames))
    return std::nullopt;
  recipe.kind = static_cast<Kind>(kind - std::begin(kNames));
  while (!rest.empty()) {
    StringRef word;
    std::tie(word, rest) = rest.split(' ');
    auto [key, value] = word.split('=');
    int64_t *field = llvm::StringSwitch<int64_t *>(key)
                         .Case("width", &recipe.width)
                         .Case("block", &recipe.block)
                         .Case("groups", &recipe.groups)
                         .Case("mixed", &recipe.mixed)
                         .Default(nullptr);
    auto *list = llvm::StringSwitch<SmallVector<int64_t> *>(key)
                     .Case("strides", &recipe.strides)
                     .Case("dilations", &recipe.dilations)
                     .Default(nullptr);
    if (word == "transposed")
      recipe.transposed = true;
    else if (list ? !parseList(value, *list)
                  : !field || value.getAsInteger(10, *field) || *field < 1)
      return std::nullopt;
  }
  if (recipe.width < 1)
    return std::nullopt;
  return recipe;
}

namespace {

/// Sizes of the filters of a convolution or a transposed one.
struct FilterSizes {
  int64_t groups, perOut, perIn, taps = 1; // channels of a group

  FilterSizes(const PackRecipe &recipe, ArrayRef<int64_t> shape)
      : groups(recipe.groups * recipe.mixed),
        perOut(recipe.transposed ? shape[1] : shape[0] / groups),
        perIn(recipe.transposed ? shape[0] / groups : shape[1]) {
    for (int64_t size : shape.drop_front(2))
      taps *= size;
  }
  PanelBlocks panels(const PackRecipe &recipe) const {
    return {recipe.width, recipe.block, perIn, perOut, perOut * recipe.mixed};
  }
};

} // namespace

int64_t packedElements(const PackRecipe &recipe, ArrayRef<int64_t> shape) {
  int64_t width = recipe.width;
  if (recipe.kind == PackRecipe::MatmulPanels)
    return llvm::divideCeil(shape[recipe.transposed ? 0 : 1], width) * width *
           shape[recipe.transposed ? 1 : 0];
  FilterSizes sizes(recipe, shape);
  if (recipe.kind == PackRecipe::DepthwisePanels)
    return llvm::divideCeil(sizes.perOut * sizes.groups, width) * width *
           sizes.taps * sizes.perIn;
  PanelBlocks panels = sizes.panels(recipe);
  return recipe.groups * llvm::divideCeil(panels.outputs, width) *
         panels.most() * sizes.taps * recipe.block * width;
}

static std::vector<float> packMatmul(const PackRecipe &recipe,
                                     ArrayRef<int64_t> shape,
                                     ArrayRef<float> values) {
  int64_t k = shape[recipe.transposed ? 1 : 0];
  int64_t n = shape[recipe.transposed ? 0 : 1], width = recipe.width;
  std::vector<float> out(packedElements(recipe, shape), 0.f);
  for (int64_t j = 0; j < n; ++j)
    for (int64_t i = 0; i < k; ++i)
      out[(j / width * k + i) * width + j % width] =
          recipe.transposed ? values[j * k + i] : values[i * n + j];
  return out;
}

namespace {

/// Filters by channels and tap.
class Filters : public FilterSizes {
public:
  Filters(const PackRecipe &recipe, ArrayRef<int64_t> shape,
          ArrayRef<float> values)
      : FilterSizes(recipe, shape), transposed(recipe.transposed),
        values(values) {
    phases.push_back({0});
    if (!transposed) {
      phases[0] = llvm::to_vector(llvm::seq<int64_t>(0, taps));
      return;
    }
    for (auto [kernel, stride, dilation] : llvm::zip_equal(
             shape.drop_front(2), recipe.strides, recipe.dilations)) {
      SmallVector<SmallVector<int64_t>> finer;
      TapPhases along = tapPhases(kernel, stride, dilation);
      for (const SmallVector<int64_t> &outer : phases)
        for (TapPhases::Phase phase : along.residues) {
          finer.emplace_back();
          for (int64_t tap : outer)
            for (int64_t t = phase.taps; t-- > 0;)
              finer.back().push_back(tap * kernel + phase.first +
                                     t * along.tapStep);
        }
      phases = std::move(finer);
    }
  }

  /// The weight of input channel `i` of the group of output channel `o`.
  float at(int64_t o, int64_t i, int64_t tap) const {
    if (transposed)
      return values[((o / perOut * perIn + i) * perOut + o % perOut) * taps +
                    tap];
    return values[(o * perIn + i) * taps + tap];
  }

  /// The taps of each phase, in the order of their inputs.
  SmallVector<SmallVector<int64_t>> phases;

private:
  bool transposed;
  ArrayRef<float> values;
};

} // namespace

static std::vector<float> packConv(const PackRecipe &recipe,
                                   ArrayRef<int64_t> shape,
                                   ArrayRef<float> values) {
  Filters filters(recipe, shape, values);
  int64_t width = recipe.width, block = recipe.block;
  int64_t m = filters.perOut * recipe.mixed;
  PanelBlocks panelBlocks = filters.panels(recipe);
  int64_t panels = llvm::divideCeil(m, width), most = panelBlocks.most();
  std::vector<float> out(packedElements(recipe, shape), 0.f);
  float *panel = out.data();
  for (int64_t g = 0; g < recipe.groups; ++g)
    for (ArrayRef<int64_t> taps : filters.phases)
      for (int64_t p = 0; p < panels; ++p) {
        int64_t first = panelBlocks.first(p) * block;
        for (int64_t o = p * width; o < std::min(m, (p + 1) * width); ++o)
          for (int64_t i = 0; i < filters.perIn; ++i)
            for (auto [t, tap] : llvm::enumerate(taps)) {
              // Counted from the first block that the panel reads.
              int64_t channel = o / filters.perOut * filters.perIn + i - first;
              int64_t at = channel / block * int64_t(taps.size()) + int64_t(t);
              at = at * block + channel % block;
              panel[at * width + o % width] = filters.at(g * m + o, i, tap);
            }
        panel += most * int64_t(taps.size()) * block * width;
      }
  return out;
}

static std::vector<float> packDepthwise(const PackRecipe &recipe,
                                        ArrayRef<int64_t> shape,
                                        ArrayRef<float> values) {
  Filters filters(recipe, shape, values);
  int64_t width = recipe.width, perIn = filters.perIn;
  int64_t m = filters.perOut * filters.groups;
  std::vector<float> out(packedElements(recipe, shape), 0.f);
  for (int64_t o = 0; o < m; ++o) {
    int64_t row = o / width * filters.taps * perIn;
    for (ArrayRef<int64_t> taps : filters.phases)
      for (int64_t tap : taps)
        for (int64_t i = 0; i < perIn; ++i)
          out[row++ * width + o % width] = filters.at(o, i, tap);
  }
  return out;
}

std::vector<float> pack(const PackRecipe &recipe, ArrayRef<int64_t> shape,
                        ArrayRef<float> values) {
  switch (recipe.kind) {
  case PackRecipe::MatmulPanels:
    return packMatmul(recipe, shape, values);
  case PackRecipe::ConvPanels:
    return packConv(recipe, shape, values);
  case PackRecipe::DepthwisePanels:
    return packDepthwise(recipe, shape, values);
  }
  return {};
}

} // namespace mlir::tenon
