//===- Sizes.cpp - What a model implies about its sizes -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// An equation is turned into a replacement `from -> to`, in this order:
//
//   1. a constant replaces the other side;
//   2. a symbol that the other side does not contain is replaced by it (of two
//      symbols the later one goes), so that every type infers consistently;
//   3. a quotient, minimum, maximum or selection is replaced by the other side
//      if it is not part of it;
//   4. otherwise the larger expression is replaced where it occurs whole.
//
// Rules whose two sides become the same by replacing symbols need no check of
// their own: the argument types state them. The others become constraints.
// Tests: test/compiler/Import/sizes.onnxtxt, test/unit/import/SizesTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Sizes.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/raw_ostream.h"
#include <numeric>

using namespace mlir::tenon::graph;

namespace mlir::tenon {

static DimExprAttr dim(Attribute attr) { return cast<DimExprAttr>(attr); }

static size_t sizeOfExpr(DimExpr e) {
  size_t size = 1;
  for (Attribute operand : e.getAttr().getOperands())
    size += sizeOfExpr(dim(operand));
  return size;
}

static bool contains(DimExpr whole, DimExpr part) {
  if (whole == part)
    return true;
  return llvm::any_of(whole.getAttr().getOperands(), [&](Attribute operand) {
    return contains(dim(operand), part);
  });
}

/// Not a sum or product: what polynomials are made of.
static bool isAtom(DimExpr e) {
  DimKind kind = e.getAttr().getKind();
  return kind != DimKind::Constant && kind != DimKind::Sum &&
         kind != DimKind::Product;
}

DimExpr Sizes::addSymbol(Symbol symbol) {
  symbols.push_back(std::move(symbol));
  return DimExpr::symbol(context, symbols.back().name);
}

size_t Sizes::rankOf(StringAttr name) const {
  for (auto [i, symbol] : llvm::enumerate(symbols))
    if (symbol.name == name.getValue())
      return symbol.isMadeUp ? symbols.size() + i : i;
  return 2 * symbols.size();
}

DimExpr Sizes::replaceOnce(DimExpr e, const Replacement &what) const {
  if (e == what.from)
    return what.to;
  DimExprAttr attr = e.getAttr();
  SmallVector<DimExpr> operands;
  bool isChanged = false;
  for (Attribute operand : attr.getOperands()) {
    DimExpr old(dim(operand));
    operands.push_back(replaceOnce(old, what));
    isChanged |= operands.back() != old;
  }
  if (!isChanged)
    return e;
  DimExpr result = DimExpr::constant(context, attr.getValue());
  switch (attr.getKind()) {
  case DimKind::Constant:
  case DimKind::Symbol:
    return e;
  case DimKind::Sum:
    for (DimExpr operand : operands)
      result = result + operand;
    return result;
  case DimKind::Product:
    for (DimExpr operand : operands)
      result = result * operand;
    return result;
  case DimKind::FloorDiv:
    if (operands[1].lowerBound() < 1 && operands[1].isConstant())
      return e;
    return operands[0].floorDiv(operands[1]);
  case DimKind::Min:
    return DimExpr::min(operands[0], operands[1]);
  case DimKind::Max:
    return DimExpr::max(operands[0], operands[1]);
  case DimKind::Select:
    return DimExpr::select(operands[0], operands[1], operands[2]);
  }
  return e;
}

DimExpr Sizes::simplify(DimExpr size) const {
  // Replacements are few and each makes an expression smaller or removes a
  // symbol; the bound is against cycles among rules of kind 4.
  for (int round = 0; round < 8; ++round) {
    DimExpr before = size;
    for (const Replacement &what : replacements)
      size = replaceOnce(size, what);
    if (size == before)
      break;
  }
  return size;
}

DimExpr Sizes::eliminateSymbols(DimExpr size) const {
  for (int round = 0; round < 8; ++round) {
    DimExpr before = size;
    for (const Replacement &what : replacements)
      if (what.from.isSymbol())
        size = replaceOnce(size, what);
    if (size == before)
      break;
  }
  return size;
}

Sizes::Replacement Sizes::orient(DimExpr a, DimExpr b) const {
  if (a.isConstant())
    return {b, a};
  if (b.isConstant())
    return {a, b};
  bool aIsFree = isAtom(a) && !contains(b, a);
  bool bIsFree = isAtom(b) && !contains(a, b);
  if (a.isSymbol() && b.isSymbol())
    return rankOf(a.getAttr().getSymbol()) < rankOf(b.getAttr().getSymbol())
               ? Replacement{b, a}
               : Replacement{a, b};
  if (a.isSymbol() && aIsFree)
    return {a, b};
  if (b.isSymbol() && bIsFree)
    return {b, a};
  if (aIsFree != bIsFree)
    return aIsFree ? Replacement{a, b} : Replacement{b, a};
  size_t sizeA = sizeOfExpr(a), sizeB = sizeOfExpr(b);
  bool aIsSimpler = sizeA != sizeB ? sizeA < sizeB : compareDims(a, b) < 0;
  return aIsSimpler ? Replacement{b, a} : Replacement{a, b};
}

void Sizes::cancel(DimExpr &a, DimExpr &b) {
  SmallVector<DimExpr> atoms;
  auto collect = [&](auto &self, DimExpr e) -> void {
    if (isAtom(e) && !llvm::is_contained(atoms, e))
      atoms.push_back(e);
    if (!isAtom(e))
      for (Attribute operand : e.getAttr().getOperands())
        self(self, DimExpr(dim(operand)));
  };
  collect(collect, a);
  for (DimExpr atom : atoms)
    while (auto x = a.exactDiv(atom)) {
      auto y = b.exactDiv(atom);
      if (!y || a.isConstant(0) || b.isConstant(0))
        break;
      a = *x;
      b = *y;
    }
  int64_t common = std::gcd(a.knownDivisor(), b.knownDivisor());
  if (common > 1 && !a.isConstant(0) && !b.isConstant(0)) {
    a = a.floorDiv(common);
    b = b.floorDiv(common);
  }
}

bool Sizes::assumeEqual(DimExpr a, DimExpr b, const Twine &rule) {
  a = simplify(a);
  b = simplify(b);
  if (a == b)
    return true;
  auto neverEqual = [&] {
    DimExpr difference = a - b;
    return difference.lowerBound() > 0 || difference.upperBound() < 0;
  };
  if (neverEqual())
    return false;
  cancel(a, b);
  // 64 N == 32 N would make 2 of 1.
  if (neverEqual())
    return false;
  rules.push_back({a, b, rule.str()});
  replacements.push_back(orient(a, b));
  return true;
}

std::string Sizes::describe(const Rule &rule) const {
  // "S == min(S, 512), where S is dimension 1 of input 'ids' (node ...)"
  std::string text;
  llvm::raw_string_ostream os(text);
  os << rule.lhs.str() << " == " << rule.rhs.str();
  SmallVector<StringAttr> seen;
  auto visit = [&](StringAttr name) {
    if (llvm::is_contained(seen, name))
      return;
    for (const Symbol &symbol : symbols)
      if (symbol.name == name.getValue())
        os << (seen.empty() ? ", where " : ", ") << symbol.name
           << " is dimension " << symbol.dim << " of input '"
           << symbol.inputName << "'";
    seen.push_back(name);
  };
  rule.lhs.walkSymbols(visit);
  rule.rhs.walkSymbols(visit);
  os << " (" << rule.text << ")";
  return text;
}

ArrayAttr Sizes::symbolAttrs(func::FuncOp func) const {
  Builder builder(context);
  SmallVector<Attribute> entries;
  for (const Symbol &symbol : symbols) {
    DimExpr self = DimExpr::symbol(context, symbol.name);
    if (simplify(self) != self)
      continue;
    entries.push_back(builder.getDictionaryAttr({
        builder.getNamedAttr("name", builder.getStringAttr(symbol.name)),
        builder.getNamedAttr("input", builder.getI64IntegerAttr(symbol.input)),
        builder.getNamedAttr("dim", builder.getI64IntegerAttr(symbol.dim)),
    }));
  }
  return builder.getArrayAttr(entries);
}

ArrayAttr Sizes::constraintAttrs() const {
  SmallVector<Attribute> entries;
  for (const Rule &rule : rules) {
    DimExpr lhs = eliminateSymbols(rule.lhs);
    DimExpr rhs = eliminateSymbols(rule.rhs);
    if (lhs == rhs)
      continue;
    Rule shown{lhs, rhs, rule.text};
    entries.push_back(
        ConstraintAttr::get(context, lhs.getAttr(), rhs.getAttr(),
                            StringAttr::get(context, describe(shown))));
  }
  return ArrayAttr::get(context, entries);
}

void Sizes::finish(func::FuncOp func) {
  if (!replacements.empty()) {
    AttrTypeReplacer replacer;
    replacer.addReplacement(
        [&](DimExprAttr attr)
            -> std::optional<std::pair<Attribute, WalkResult>> {
          return std::make_pair(Attribute(simplify(DimExpr(attr)).getAttr()),
                                WalkResult::skip());
        });
    replacer.addReplacement([&](RankedTensorType type)
                                -> std::optional<std::pair<Type, WalkResult>> {
      SmallVector<DimExpr> dims;
      for (DimExpr size : dimsOf(type))
        dims.push_back(simplify(size));
      return std::make_pair(
          Type(tensorType(dims, type.getElementType(), layoutOf(type))),
          WalkResult::skip());
    });
    // Elements attributes check their bytes against their type: leave them.
    replacer.addReplacement(
        [](ElementsAttr attr)
            -> std::optional<std::pair<Attribute, WalkResult>> {
          return std::make_pair(Attribute(attr), WalkResult::skip());
        });
    replacer.recursivelyReplaceElementsIn(func, /*replaceAttrs=*/true,
                                          /*replaceLocs=*/false,
                                          /*replaceTypes=*/true);
  }
  func->setAttr("graph.symbols", symbolAttrs(func));
  func->setAttr("graph.constraints", constraintAttrs());
}

} // namespace mlir::tenon
