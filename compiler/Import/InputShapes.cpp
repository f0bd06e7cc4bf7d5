//===- InputShapes.cpp - Sizes of a model's inputs ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A declared size is one of
//
//   a number          3
//   a name            N: one symbol wherever it occurs
//   a formula         past + seq: of symbols, if each also occurs as a name
//   nothing           "?", "", "unk__7", -1, absent: a symbol of its own, named
//                     after the input: "x.2"
//
// Numbers of --shapes take the place of any of them. Where they fix a name, it
// is fixed in all inputs. Tests: test/compiler/Import/input-shapes.test.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/InputShapes.h"
#include "compiler/Import/TensorData.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include <map>

using namespace mlir::tenon::graph;

namespace mlir::tenon {

namespace {

struct Declared {
  enum Kind { Number, Name, Formula, Nothing } kind = Nothing;
  int64_t number = 0;
  std::string text;
  /// From --shapes: a number, or -1 for "dynamic"; none if not given.
  std::optional<int64_t> given;
};

bool isAnonymous(StringRef text) {
  if (text.consume_front("unk__"))
    return !text.empty() && llvm::all_of(text, llvm::isDigit);
  return text.empty() || text == "?" || text == "-1" || text == "None";
}

class InputShapes {
public:
  InputShapes(MLIRContext *context,
              ArrayRef<const ::onnx::ValueInfoProto *> inputs,
              const ImportOptions &options, Sizes &sizes,
              llvm::function_ref<void(const Twine &)> error)
      : context(context), inputs(inputs), options(options), sizes(sizes),
        error(error) {}

  SmallVector<SmallVector<DimExpr>> run() {
    checkGivenNames();
    for (const auto *input : inputs)
      declared.push_back(read(*input));
    collectNames();
    SmallVector<SmallVector<DimExpr>> result;
    for (unsigned i = 0; i < inputs.size(); ++i) {
      result.emplace_back();
      for (unsigned d = 0; d < declared[i].size(); ++d)
        result.back().push_back(resolve(i, d));
    }
    return result;
  }

private:
  void checkGivenNames() {
    for (const auto &entry : options.shapes) {
      bool isKnown = llvm::any_of(inputs, [&](const auto *input) {
        return input->name() == entry.getKey();
      });
      if (isKnown)
        continue;
      std::string names;
      for (const auto *input : inputs)
        names += (names.empty() ? "'" : ", '") + input->name() + "'";
      error("--shapes names '" + entry.getKey() +
            "', which is not an input of the model: expected one of " + names);
    }
  }

  SmallVector<Declared> read(const ::onnx::ValueInfoProto &input) {
    const auto &type = input.type().tensor_type();
    auto given = options.shapes.find(input.name());
    bool isGiven = given != options.shapes.end();
    SmallVector<Declared> dims;
    if (!type.has_shape()) {
      if (!isGiven)
        error("input '" + Twine(input.name()) +
              "' has no declared rank: give its sizes with --shapes=" +
              input.name() + ":...");
      else
        dims.resize(given->second.size());
    }
    for (const auto &dim : type.shape().dim())
      dims.push_back(read(dim));
    if (isGiven) {
      if (given->second.size() != dims.size()) {
        error("--shapes gives input '" + Twine(input.name()) + "' " +
              Twine(given->second.size()) + " sizes, expected " +
              Twine(dims.size()));
        return {};
      }
      for (auto [dim, size] : llvm::zip(dims, given->second))
        dim.given = size;
    }
    int64_t product = 1;
    for (const Declared &dim : dims) {
      int64_t size =
          dim.given.value_or(dim.kind == Declared::Number ? dim.number : -1);
      if (size > kMaxElements / product) {
        error("input '" + Twine(input.name()) +
              "' has more than 2^40 elements");
        return {};
      }
      if (size > 0)
        product *= size;
    }
    return dims;
  }

  Declared read(const ::onnx::TensorShapeProto::Dimension &dim) {
    Declared result;
    if (dim.has_dim_value() && dim.dim_value() >= 0) {
      result.kind = Declared::Number;
      result.number = dim.dim_value();
    } else if (dim.has_dim_param() &&
               !isAnonymous(StringRef(dim.dim_param()).trim())) {
      result.text = StringRef(dim.dim_param()).trim().str();
      auto formula = DimExpr::parse(context, result.text);
      bool isFormula =
          formula && !formula->isSymbol() && !formula->isConstant();
      result.kind = isFormula ? Declared::Formula : Declared::Name;
    }
    return result;
  }

  /// Finds which names are sizes by themselves, and which --shapes fixes.
  void collectNames() {
    for (unsigned i = 0; i < inputs.size(); ++i)
      for (const Declared &dim : declared[i]) {
        if (dim.kind != Declared::Name)
          continue;
        names.insert(dim.text);
        if (!dim.given || *dim.given < 0)
          continue;
        auto [it, isNew] = fixed.try_emplace(dim.text, *dim.given);
        if (!isNew && it->second != *dim.given)
          error("--shapes gives the dimension '" + dim.text + "' two sizes: " +
                Twine(it->second) + " and " + Twine(*dim.given));
      }
  }

  DimExpr constant(int64_t value) { return DimExpr::constant(context, value); }

  DimExpr named(StringRef name, unsigned input, unsigned d) {
    auto it = fixed.find(name.str());
    if (it != fixed.end())
      return constant(it->second);
    if (symbols.insert(name).second)
      return sizes.addSymbol({name.str(), inputs[input]->name(), input, d,
                              /*isMadeUp=*/false});
    return DimExpr::symbol(context, name);
  }

  DimExpr madeUp(unsigned input, unsigned d) {
    std::string base = inputs[input]->name();
    for (char &c : base)
      if (!llvm::isAlnum(c) && c != '_' && c != '.')
        c = '_';
    if (base.empty() || llvm::isDigit(base.front()) || base.front() == '.')
      base = "_" + base;
    base += "." + std::to_string(d);
    while (names.count(base) || symbols.count(base))
      base += "_";
    symbols.insert(base);
    return sizes.addSymbol(
        {base, inputs[input]->name(), input, d, /*isMadeUp=*/true});
  }

  /// The formula over known names; none if a name of it is not known.
  std::optional<DimExpr> formula(const Declared &dim) {
    DimExpr parsed = *DimExpr::parse(context, dim.text);
    bool isKnown = true;
    parsed.walkSymbols(
        [&](StringAttr name) { isKnown &= names.count(name.getValue()) > 0; });
    if (!isKnown)
      return std::nullopt;
    return parsed.substitute([&](StringAttr name) -> DimExpr {
      auto it = fixed.find(name.str());
      return it == fixed.end() ? DimExpr() : constant(it->second);
    });
  }

  DimExpr resolve(unsigned input, unsigned d) {
    const Declared &dim = declared[input][d];
    std::string where =
        "input '" + inputs[input]->name() + "' dimension " + std::to_string(d);
    if (dim.kind == Declared::Formula)
      if (auto size = formula(dim)) {
        if (!dim.given || *dim.given < 0)
          return *size;
        if (!sizes.assumeEqual(*size, constant(*dim.given),
                               where + ": declared as '" + dim.text + "'"))
          error("--shapes gives " + where + " the size " + Twine(*dim.given) +
                ", expected " + dim.text + " = " + size->str());
        return constant(*dim.given);
      }
    if (dim.given && *dim.given >= 0)
      return constant(*dim.given);
    if (dim.kind == Declared::Number && !dim.given)
      return constant(dim.number);
    // A formula of unknown names is one name as a whole; a quote would end it
    // in print.
    if ((dim.kind == Declared::Name || dim.kind == Declared::Formula) &&
        !StringRef(dim.text).contains('\''))
      return named(dim.text, input, d);
    return madeUp(input, d);
  }

  MLIRContext *context;
  ArrayRef<const ::onnx::ValueInfoProto *> inputs;
  const ImportOptions &options;
  Sizes &sizes;
  llvm::function_ref<void(const Twine &)> error;
  std::vector<SmallVector<Declared>> declared;
  llvm::StringSet<> names, symbols;
  std::map<std::string, int64_t> fixed;
};

} // namespace

SmallVector<SmallVector<DimExpr>>
declareInputShapes(MLIRContext *context,
                   ArrayRef<const ::onnx::ValueInfoProto *> inputs,
                   const ImportOptions &options, Sizes &sizes,
                   llvm::function_ref<void(const Twine &)> error) {
  return InputShapes(context, inputs, options, sizes, error).run();
}

} // namespace mlir::tenon
