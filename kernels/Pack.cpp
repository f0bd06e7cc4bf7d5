//===- Pack.cpp - Weights in the order in which kernels read them ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Each recipe is a permutation with zeros where a panel or block is not full.
// Tests: test/unit/kernels/PackTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "kernels/Family.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::tenon {

static constexpr llvm::StringLiteral kNames[] = {"matmul-panels", "conv-panels",
                                                 "transposed-conv-panels",
                                                 "depthwise-panels"};

std::string PackRecipe::str() const {
  std::string text = kNames[kind].str() + " width=" + std::to_string(width) +
                     " block=" + std::to_string(block);
  if (groups != 1)
    text += " groups=" + std::to_string(groups);
  if (transposed)
    text += " transposed";
  return text;
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
    auto [key, number] = word.split('=');
    int64_t *field = llvm::StringSwitch<int64_t *>(key)
                         .Case("width", &recipe.width)
                         .Case("block", &recipe.block)
                         .Case("groups", &recipe.groups)
                         .Default(nullptr);
    if (word == "transposed")
      recipe.transposed = true;
    else if (!field || number.getAsInteger(10, *field) || *field < 1)
      return std::nullopt;
  }
  if (recipe.width < 1)
    return std::nullopt;
  return recipe;
}

int64_t packedElements(const PackRecipe &recipe, ArrayRef<int64_t> shape) {
  int64_t width = recipe.width, block = recipe.block, taps = 1;
  for (int64_t size : shape.drop_front(2))
    taps *= size;
  auto roundUp = [](int64_t n, int64_t to) {
    return llvm::divideCeil(n, to) * to;
  };
  switch (recipe.kind) {
  case PackRecipe::MatmulPanels:
    return roundUp(shape[recipe.transposed ? 0 : 1], width) *
           shape[recipe.transposed ? 1 : 0];
  case PackRecipe::ConvPanels:
    return recipe.groups * roundUp(shape[0] / recipe.groups, width) *
           roundUp(shape[1], block) * taps;
  case PackRecipe::TransposedConvPanels:
    return roundUp(shape[1], width) * roundUp(shape[0], block) * taps;
  case PackRecipe::DepthwisePanels:
    return roundUp(shape[0], width) * taps;
  }
  return 0;
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

/// Filters [M, C, taps] of each group, as [group][panel][blocks][taps][block]
/// [width]; panels and blocks do not cross groups.
static std::vector<float> packConv(const PackRecipe &recipe,
                                   ArrayRef<int64_t> shape,
                                   ArrayRef<float> values) {
  int64_t width = recipe.width, block = recipe.block;
  int64_t m = shape[0] / recipe.groups, c = shape[1], taps = 1;
  for (int64_t size : shape.drop_front(2))
    taps *= size;
  int64_t panels = llvm::divideCeil(m, width);
  int64_t blocks = llvm::divideCeil(c, block);
  std::vector<float> out(packedElements(recipe, shape), 0.f);
  for (int64_t g = 0; g < recipe.groups; ++g)
    for (int64_t o = 0; o < m; ++o)
      for (int64_t i = 0; i < c; ++i)
        for (int64_t t = 0; t < taps; ++t) {
          int64_t at = g * panels + o / width;
          at = at * blocks + i / block;
          at = (at * taps + t) * block + i % block;
          out[at * width + o % width] =
              values[((g * m + o) * c + i) * taps + t];
        }
  return out;
}

static std::vector<float> packTransposedConv(const PackRecipe &recipe,
                                             ArrayRef<int64_t> shape,
                                             ArrayRef<float> values) {
  int64_t width = recipe.width, block = recipe.block;
  int64_t c = shape[0], m = shape[1], taps = shape[2] * shape[3];
  int64_t panels = llvm::divideCeil(m, width);
  int64_t blocks = llvm::divideCeil(c, block);
  std::vector<float> out(packedElements(recipe, shape), 0.f);
  for (int64_t i = 0; i < c; ++i)
    for (int64_t o = 0; o < m; ++o)
      for (int64_t t = 0; t < taps; ++t) {
        int64_t at = (t * panels + o / width) * blocks + i / block;
        at = at * block + i % block;
        out[at * width + o % width] = values[(i * m + o) * taps + t];
      }
  return out;
}

static std::vector<float> packDepthwise(const PackRecipe &recipe,
                                        ArrayRef<int64_t> shape,
                                        ArrayRef<float> values) {
  int64_t width = recipe.width, c = shape[0], taps = 1;
  for (int64_t size : shape.drop_front(2))
    taps *= size;
  std::vector<float> out(packedElements(recipe, shape), 0.f);
  for (int64_t i = 0; i < c; ++i)
    for (int64_t t = 0; t < taps; ++t)
      out[(i / width * taps + t) * width + i % width] = values[i * taps + t];
  return out;
}

std::vector<float> pack(const PackRecipe &recipe, ArrayRef<int64_t> shape,
                        ArrayRef<float> values) {
  switch (recipe.kind) {
  case PackRecipe::MatmulPanels:
    return packMatmul(recipe, shape, values);
  case PackRecipe::ConvPanels:
    return packConv(recipe, shape, values);
  case PackRecipe::TransposedConvPanels:
    return packTransposedConv(recipe, shape, values);
  case PackRecipe::DepthwisePanels:
    return packDepthwise(recipe, shape, values);
  }
  return {};
}

} // namespace mlir::tenon
