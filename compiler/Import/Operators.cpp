//===- Operators.cpp - The tables of operator importers -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Finds the rows of an operator among the tables of all topics, and prints the
// table that the README shows. Tests: test/compiler/Import/unsupported.test.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Operators.h"
#include "compiler/Import/Import.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/raw_ostream.h"
#include <map>

namespace mlir::tenon {

using Table = ArrayRef<OperatorRow> (*)();

static constexpr Table kOnnxTables[] = {
    elementwiseOperators, activationOperators,    constantOperators,
    controlOperators,     convolutionOperators,   poolingOperators,
    matmulOperators,      normalizationOperators, reductionOperators,
    movementOperators,    indexingOperators,      resizeOperators,
    einsumOperators,
};

SmallVector<const OperatorRow *> findOperator(StringRef domain,
                                              StringRef name) {
  SmallVector<const OperatorRow *> rows;
  auto search = [&](ArrayRef<OperatorRow> table) {
    for (const OperatorRow &row : table)
      if (row.name == name)
        rows.push_back(&row);
  };
  if (domain.empty())
    for (Table table : kOnnxTables)
      search(table());
  else if (domain == "com.microsoft")
    search(contribOperators());
  return rows;
}

bool isOnnxOperator(StringRef name) {
  if (!findOperator("", name).empty())
    return true;
  // Those of opset 7 to 28 that no table holds.
  static constexpr StringLiteral kOthers[] = {"AffineGrid",
                                              "Attention",
                                              "Bernoulli",
                                              "BitCast",
                                              "BlackmanWindow",
                                              "CausalConvWithState",
                                              "CenterCropPad",
                                              "Col2Im",
                                              "Compress",
                                              "ConcatFromSequence",
                                              "ConvInteger",
                                              "DFT",
                                              "DeformConv",
                                              "DequantizeLinear",
                                              "Det",
                                              "DynamicQuantizeLinear",
                                              "GRU",
                                              "GridSample",
                                              "HammingWindow",
                                              "HannWindow",
                                              "If",
                                              "ImageDecoder",
                                              "LSTM",
                                              "LinearAttention",
                                              "Loop",
                                              "LpPool",
                                              "MatMulInteger",
                                              "MaxRoiPool",
                                              "MaxUnpool",
                                              "MelWeightMatrix",
                                              "Multinomial",
                                              "NegativeLogLikelihoodLoss",
                                              "NonMaxSuppression",
                                              "NonZero",
                                              "Optional",
                                              "OptionalGetElement",
                                              "OptionalHasElement",
                                              "QLinearConv",
                                              "QLinearMatMul",
                                              "QuantizeLinear",
                                              "RNN",
                                              "RandomNormal",
                                              "RandomNormalLike",
                                              "RandomUniform",
                                              "RandomUniformLike",
                                              "RegexFullMatch",
                                              "ReverseSequence",
                                              "RoiAlign",
                                              "RotaryEmbedding",
                                              "STFT",
                                              "Scan",
                                              "Scatter",
                                              "ScatterElements",
                                              "ScatterND",
                                              "SequenceAt",
                                              "SequenceConstruct",
                                              "SequenceEmpty",
                                              "SequenceErase",
                                              "SequenceInsert",
                                              "SequenceLength",
                                              "SequenceMap",
                                              "SoftmaxCrossEntropyLoss",
                                              "SplitToSequence",
                                              "StringConcat",
                                              "StringNormalizer",
                                              "StringSplit",
                                              "SwiGLU",
                                              "TensorScatter",
                                              "TfIdfVectorizer",
                                              "TopK",
                                              "Unique"};
  return llvm::is_contained(kOthers, name);
}

void printOperators(llvm::raw_ostream &os) {
  os << "| operator | opsets | domain |\n|---|---|---|\n";
  auto print = [&](ArrayRef<Table> tables, StringRef domain) {
    std::map<StringRef, std::pair<int64_t, int64_t>> ranges;
    for (Table table : tables)
      for (const OperatorRow &row : table()) {
        auto [it, isNew] =
            ranges.try_emplace(row.name, row.minOpset, row.maxOpset);
        it->second.first = std::min(it->second.first, row.minOpset);
        it->second.second = std::max(it->second.second, row.maxOpset);
      }
    for (auto &[name, range] : ranges)
      os << "| " << name << " | " << range.first << "-" << range.second << " | "
         << domain << " |\n";
  };
  print(kOnnxTables, "ai.onnx");
  print({contribOperators}, "com.microsoft");
}

} // namespace mlir::tenon
