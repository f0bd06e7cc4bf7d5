//===- TypicalSizes.cpp - What open sizes are taken for -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Tests: test/compiler/Driver/report.test, opt-shapes.test.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/TypicalSizes.h"
#include "kernels/Target.h"

namespace mlir::tenon {

using graph::DimExpr;

static constexpr int64_t kTypicalBatch = 1;

static StringRef nameOfInput(func::FuncOp main, unsigned i) {
  auto name = main.getArgAttrOfType<StringAttr>(i, "graph.name");
  return name ? name.getValue() : StringRef();
}

LogicalResult
setTypicalShapes(func::FuncOp main,
                 const std::map<std::string, std::vector<int64_t>> &shapes) {
  if (shapes.empty())
    return success();
  MLIRContext *context = main.getContext();
  bool fine = true;
  auto fail = [&](StringRef input) {
    fine = false;
    return emitError(UnknownLoc::get(context))
           << "--opt-shapes: input '" << input << "': ";
  };
  std::map<std::string, int64_t> sizes;
  for (const auto &[input, shape] : shapes) {
    unsigned i = 0;
    std::string known;
    for (; i < main.getNumArguments(); ++i) {
      if (nameOfInput(main, i) == input)
        break;
      known += (i ? ", '" : "'") + nameOfInput(main, i).str() + "'";
    }
    if (i == main.getNumArguments()) {
      fail(input) << "no such input; the model has " << known;
      continue;
    }
    SmallVector<DimExpr> dims = graph::dimsOf(main.getArgument(i));
    if (dims.size() != shape.size()) {
      fail(input) << "expected " << dims.size() << " sizes, got "
                  << shape.size();
      continue;
    }
    for (auto [d, dim, size] : llvm::enumerate(dims, shape)) {
      if (size < 0)
        continue;
      if (auto constant = dim.asConstant()) {
        if (*constant != size)
          fail(input) << "dimension " << d << " is " << *constant << ", not "
                      << size << "; --shapes changes it";
      } else if (dim.isSymbol()) {
        auto [it, isNew] = sizes.try_emplace(dim.str(), size);
        if (it->second != size)
          fail(input) << "dimension " << d << " (" << dim.str() << ") is "
                      << size << " here and " << it->second
                      << " in another place";
      }
    }
  }
  SmallVector<NamedAttribute> attributes;
  Builder b(context);
  for (const auto &[symbol, size] : sizes)
    attributes.push_back(b.getNamedAttr(symbol, b.getI64IntegerAttr(size)));
  main->setAttr(kTypicalSizesAttr, b.getDictionaryAttr(attributes));
  return success(fine);
}

TypicalSizes::TypicalSizes(func::FuncOp main) {
  auto given = main->getAttrOfType<DictionaryAttr>(kTypicalSizesAttr);
  for (BlockArgument argument : main.getArguments()) {
    SmallVector<DimExpr> dims = graph::dimsOf(argument);
    for (auto [d, dim] : llvm::enumerate(dims))
      dim.walkSymbols([&, d = d](StringAttr symbol) {
        if (llvm::any_of(all, [&](const Row &row) {
              return row.symbol == symbol.getValue();
            }))
          return;
        auto number = given ? given.getAs<IntegerAttr>(symbol) : IntegerAttr();
        int64_t value = number                      ? number.getInt()
                        : d == 0 && dims.size() > 1 ? kTypicalBatch
                                                    : kTypicalSize;
        all.push_back({symbol.str(), value, bool(number)});
      });
  }
}

int64_t TypicalSizes::operator()(StringRef symbol) const {
  for (const Row &row : all)
    if (row.symbol == symbol)
      return row.value;
  return kTypicalSize;
}

int64_t TypicalSizes::operator()(DimExpr size) const {
  auto value = size.evaluate(
      [&](StringAttr symbol) { return (*this)(symbol.getValue()); });
  return std::max<int64_t>(value.value_or(kTypicalSize), 0);
}

} // namespace mlir::tenon
