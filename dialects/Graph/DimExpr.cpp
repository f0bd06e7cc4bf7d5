//===- DimExpr.cpp - Sizes as integer expressions -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Arithmetic works on polynomials: a map from monomial (sorted atoms) to
// coefficient. `toPolynomial` opens an attribute, `fromPolynomial` closes it
// again in normal form. Text is DimExprText.cpp's. Tests:
// test/unit/graph/DimExprTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/DimExpr.h"
#include "dialects/Graph/GraphOps.h"
#include "llvm/Support/MathExtras.h"
#include <map>
#include <numeric>

namespace mlir::tenon::graph {

namespace {

constexpr int64_t kInfinity = int64_t(1) << 62;

DimExprAttr dim(Attribute attr) { return cast<DimExprAttr>(attr); }

using Monomial = SmallVector<Attribute, 4>;

int compareLists(ArrayRef<Attribute> a, ArrayRef<Attribute> b) {
  for (auto [x, y] : llvm::zip(a, b))
    if (int order = compareDims(dim(x), dim(y)))
      return order;
  return a.size() < b.size() ? -1 : a.size() > b.size();
}

/// Higher degree first, then by atoms: the constant term comes last.
struct MonomialLess {
  bool operator()(const Monomial &a, const Monomial &b) const {
    if (a.size() != b.size())
      return a.size() > b.size();
    return compareLists(a, b) < 0;
  }
};

using Polynomial = std::map<Monomial, int64_t, MonomialLess>;

DimExprAttr make(MLIRContext *context, DimKind kind, int64_t value,
                 ArrayRef<Attribute> operands, StringAttr symbol = {}) {
  if (!symbol)
    symbol = StringAttr::get(context, "");
  return DimExprAttr::get(context, kind, value, symbol, operands);
}

/// Coefficients wrap around at 64 bits, as the integers of a model do: values
/// near the limits ("to the end") come from users.
int64_t wrappingAdd(int64_t a, int64_t b) {
  return int64_t(uint64_t(a) + uint64_t(b));
}
int64_t wrappingMultiply(int64_t a, int64_t b) {
  return int64_t(uint64_t(a) * uint64_t(b));
}

void addTerm(Polynomial &poly, const Monomial &monomial, int64_t value) {
  int64_t &slot = poly[monomial];
  slot = wrappingAdd(slot, value);
  if (slot == 0)
    poly.erase(monomial);
}

Polynomial toPolynomial(DimExprAttr attr) {
  Polynomial poly;
  auto addProduct = [&](DimExprAttr term) {
    if (term.getKind() == DimKind::Product)
      addTerm(poly, Monomial(term.getOperands()), term.getValue());
    else
      addTerm(poly, Monomial{term}, 1);
  };
  switch (attr.getKind()) {
  case DimKind::Constant:
    if (attr.getValue())
      poly[{}] = attr.getValue();
    break;
  case DimKind::Sum:
    if (attr.getValue())
      poly[{}] = attr.getValue();
    for (Attribute term : attr.getOperands())
      addProduct(dim(term));
    break;
  default:
    addProduct(attr);
  }
  return poly;
}

DimExprAttr fromPolynomial(MLIRContext *context, const Polynomial &poly) {
  int64_t constant = 0;
  SmallVector<Attribute> terms;
  for (auto &[monomial, value] : poly) {
    if (monomial.empty())
      constant = value;
    else if (monomial.size() == 1 && value == 1)
      terms.push_back(monomial.front());
    else
      terms.push_back(make(context, DimKind::Product, value, monomial));
  }
  if (terms.empty())
    return make(context, DimKind::Constant, constant, {});
  if (terms.size() == 1 && constant == 0)
    return dim(terms.front());
  return make(context, DimKind::Sum, constant, terms);
}

Polynomial multiply(const Polynomial &a, const Polynomial &b) {
  Polynomial result;
  for (auto &[ma, va] : a)
    for (auto &[mb, vb] : b) {
      Monomial monomial(ma);
      monomial.append(mb.begin(), mb.end());
      llvm::sort(monomial, [](Attribute x, Attribute y) {
        return compareDims(dim(x), dim(y)) < 0;
      });
      addTerm(result, monomial, wrappingMultiply(va, vb));
    }
  return result;
}

/// a / b as monomials, if every atom of b occurs in a.
std::optional<Monomial> divideMonomials(const Monomial &a, const Monomial &b) {
  Monomial rest(a);
  for (Attribute atom : b) {
    auto *it = llvm::find(rest, atom);
    if (it == rest.end())
      return std::nullopt;
    rest.erase(it);
  }
  return rest;
}

/// Long division by leading terms; empty unless the remainder is zero.
std::optional<Polynomial> divideExactly(Polynomial a, const Polynomial &b) {
  Polynomial quotient;
  if (b.empty())
    return std::nullopt;
  auto &[leadMonomial, leadValue] = *b.begin();
  for (int step = 0; step < 64 && !a.empty(); ++step) {
    auto &[monomial, value] = *a.begin();
    auto factor = divideMonomials(monomial, leadMonomial);
    // The most negative number has no quotient by -1.
    if (!factor || (leadValue != -1 && value % leadValue != 0))
      return std::nullopt;
    int64_t ratio =
        leadValue == -1 ? wrappingMultiply(value, -1) : value / leadValue;
    Polynomial term;
    term[*factor] = ratio;
    addTerm(quotient, *factor, ratio);
    for (auto &[m, v] : multiply(term, b))
      addTerm(a, m, wrappingMultiply(v, -1));
  }
  if (!a.empty())
    return std::nullopt;
  return quotient;
}

int64_t clampInfinity(__int128 value) {
  if (value > kInfinity)
    return kInfinity;
  if (value < -kInfinity)
    return -kInfinity;
  return int64_t(value);
}

int64_t floorDivide(int64_t a, int64_t b) {
  int64_t q = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? q - 1 : q;
}

struct Range {
  int64_t low, high;
};

Range multiplyRanges(Range a, Range b) {
  auto product = [](int64_t x, int64_t y) {
    return clampInfinity(__int128(x) * y);
  };
  int64_t all[] = {product(a.low, b.low), product(a.low, b.high),
                   product(a.high, b.low), product(a.high, b.high)};
  return {*std::min_element(all, all + 4), *std::max_element(all, all + 4)};
}

Range rangeOf(DimExprAttr e) {
  auto operand = [&](unsigned i) { return rangeOf(dim(e.getOperands()[i])); };
  switch (e.getKind()) {
  case DimKind::Constant:
    return {e.getValue(), e.getValue()};
  case DimKind::Symbol:
    return {0, kInfinity};
  case DimKind::Sum: {
    Range sum{e.getValue(), e.getValue()};
    for (unsigned i = 0; i < e.getOperands().size(); ++i) {
      Range r = operand(i);
      sum = {clampInfinity(__int128(sum.low) + r.low),
             clampInfinity(__int128(sum.high) + r.high)};
    }
    return sum;
  }
  case DimKind::Product: {
    Range product{e.getValue(), e.getValue()};
    for (unsigned i = 0; i < e.getOperands().size(); ++i)
      product = multiplyRanges(product, operand(i));
    return product;
  }
  case DimKind::FloorDiv: {
    Range a = operand(0), b = operand(1);
    if (b.low < 1)
      b.low = 1;
    return {std::min(floorDivide(a.low, b.low), floorDivide(a.low, b.high)),
            std::max(floorDivide(a.high, b.low), floorDivide(a.high, b.high))};
  }
  case DimKind::Min: {
    Range a = operand(0), b = operand(1);
    return {std::min(a.low, b.low), std::min(a.high, b.high)};
  }
  case DimKind::Max: {
    Range a = operand(0), b = operand(1);
    return {std::max(a.low, b.low), std::max(a.high, b.high)};
  }
  case DimKind::Select: {
    Range a = operand(1), b = operand(2);
    return {std::min(a.low, b.low), std::max(a.high, b.high)};
  }
  }
  return {-kInfinity, kInfinity};
}

} // namespace

int compareDims(DimExprAttr a, DimExprAttr b) {
  if (a == b)
    return 0;
  if (a.getKind() != b.getKind())
    return a.getKind() < b.getKind() ? -1 : 1;
  if (int order = a.getSymbol().getValue().compare(b.getSymbol().getValue()))
    return order;
  if (int order = compareLists(a.getOperands(), b.getOperands()))
    return order;
  return a.getValue() < b.getValue() ? -1 : 1;
}

DimExpr DimExpr::constant(MLIRContext *context, int64_t value) {
  return make(context, DimKind::Constant, value, {});
}

DimExpr DimExpr::symbol(MLIRContext *context, StringRef name) {
  return make(context, DimKind::Symbol, 0, {}, StringAttr::get(context, name));
}

DimExpr DimExpr::operator+(DimExpr other) const {
  Polynomial sum = toPolynomial(attr);
  for (auto &[monomial, value] : toPolynomial(other))
    addTerm(sum, monomial, value);
  return fromPolynomial(getContext(), sum);
}

DimExpr DimExpr::operator-(DimExpr other) const { return *this + other * -1; }

DimExpr DimExpr::operator*(DimExpr other) const {
  return fromPolynomial(getContext(),
                        multiply(toPolynomial(attr), toPolynomial(other)));
}

DimExpr DimExpr::operator+(int64_t other) const {
  return *this + constant(getContext(), other);
}
DimExpr DimExpr::operator-(int64_t other) const {
  return *this + wrappingMultiply(other, -1);
}
DimExpr DimExpr::operator*(int64_t other) const {
  return *this * constant(getContext(), other);
}

std::optional<DimExpr> DimExpr::exactDiv(DimExpr divisor) const {
  auto quotient = divideExactly(toPolynomial(attr), toPolynomial(divisor));
  if (!quotient)
    return std::nullopt;
  return DimExpr(fromPolynomial(getContext(), *quotient));
}

DimExpr DimExpr::floorDiv(int64_t divisor) const {
  return floorDiv(constant(getContext(), divisor));
}

DimExpr DimExpr::floorDiv(DimExpr divisor) const {
  MLIRContext *context = getContext();
  if (auto exact = exactDiv(divisor))
    return *exact;
  auto c = divisor.asConstant();
  if (!c || *c <= 0)
    return make(context, DimKind::FloorDiv, 0, {attr, divisor.attr});

  // Terms that the divisor divides leave the quotient.
  Polynomial outside, inside;
  for (auto &[monomial, value] : toPolynomial(attr)) {
    if (monomial.empty()) {
      int64_t q = floorDivide(value, *c);
      addTerm(outside, {}, q);
      addTerm(inside, {}, value - q * *c);
    } else if (value % *c == 0) {
      addTerm(outside, monomial, value / *c);
    } else {
      addTerm(inside, monomial, value);
    }
  }
  if (inside.empty() || (inside.size() == 1 && inside.count({})))
    return fromPolynomial(context, outside);

  // (x floordiv d + k) floordiv c = (x + k d) floordiv (c d)
  int64_t k = inside.count({}) ? inside[{}] : 0;
  if (inside.size() == (k ? 2u : 1u)) {
    auto &[monomial, value] = *inside.begin();
    if (monomial.size() == 1 && value == 1) {
      DimExprAttr atom = dim(monomial.front());
      if (atom.getKind() == DimKind::FloorDiv)
        if (auto d = DimExpr(dim(atom.getOperands()[1])).asConstant())
          return DimExpr(fromPolynomial(context, outside)) +
                 (DimExpr(dim(atom.getOperands()[0])) + k * *d)
                     .floorDiv(*c * *d);
    }
  }
  DimExprAttr quotient = make(context, DimKind::FloorDiv, 0,
                              {fromPolynomial(context, inside), divisor.attr});
  addTerm(outside, Monomial{quotient}, 1);
  return fromPolynomial(context, outside);
}

DimExpr DimExpr::ceilDiv(int64_t divisor) const {
  return (*this + (divisor - 1)).floorDiv(divisor);
}

DimExpr DimExpr::mod(int64_t divisor) const {
  return *this - floorDiv(divisor) * divisor;
}

DimExpr DimExpr::mod(DimExpr divisor) const {
  return *this - floorDiv(divisor) * divisor;
}

DimExpr DimExpr::min(DimExpr a, DimExpr b) {
  if (a == b)
    return a;
  DimExpr difference = a - b;
  if (difference.upperBound() <= 0)
    return a;
  if (difference.lowerBound() >= 0)
    return b;
  if (a.upperBound() <= b.lowerBound())
    return a;
  if (b.upperBound() <= a.lowerBound())
    return b;
  // A symbol is a size, never near the "to the end" values of real files.
  constexpr int64_t kEnd = int64_t(1) << 30;
  if (auto c = b.asConstant(); c && *c >= kEnd)
    return a;
  if (auto c = a.asConstant(); c && *c >= kEnd)
    return b;
  if (compareDims(b, a) < 0)
    std::swap(a, b);
  return make(a.getContext(), DimKind::Min, 0, {a.attr, b.attr});
}

DimExpr DimExpr::max(DimExpr a, DimExpr b) {
  if (a == b)
    return a;
  DimExpr difference = a - b;
  if (difference.lowerBound() >= 0)
    return a;
  if (difference.upperBound() <= 0)
    return b;
  if (compareDims(b, a) < 0)
    std::swap(a, b);
  return make(a.getContext(), DimKind::Max, 0, {a.attr, b.attr});
}

DimExpr DimExpr::select(DimExpr condition, DimExpr a, DimExpr b) {
  if (a == b || condition.lowerBound() > 0)
    return a;
  if (condition.upperBound() <= 0)
    return b;
  // A condition that is itself 1 or 0.
  DimExprAttr inner = condition.attr;
  if (inner.getKind() == DimKind::Select) {
    auto part = [&](unsigned i) {
      return DimExpr(cast<DimExprAttr>(inner.getOperands()[i]));
    };
    if (part(1).isConstant(1) && part(2).isConstant(0))
      return select(part(0), a, b);
  }
  return make(a.getContext(), DimKind::Select, 0,
              {condition.attr, a.attr, b.attr});
}

std::optional<int64_t> DimExpr::asConstant() const {
  if (attr && attr.getKind() == DimKind::Constant)
    return attr.getValue();
  return std::nullopt;
}

bool DimExpr::isSymbol() const { return attr.getKind() == DimKind::Symbol; }
int64_t DimExpr::lowerBound() const { return rangeOf(attr).low; }
int64_t DimExpr::upperBound() const { return rangeOf(attr).high; }

int64_t DimExpr::knownDivisor() const {
  int64_t divisor = 0;
  for (auto &[monomial, value] : toPolynomial(attr))
    divisor = std::gcd(divisor, value);
  return divisor == 0 ? 1 : divisor;
}

DimExpr
DimExpr::substitute(llvm::function_ref<DimExpr(StringAttr)> replace) const {
  MLIRContext *context = getContext();
  SmallVector<DimExpr> operands;
  for (Attribute operand : attr.getOperands())
    operands.push_back(DimExpr(dim(operand)).substitute(replace));
  switch (attr.getKind()) {
  case DimKind::Constant:
    return *this;
  case DimKind::Symbol: {
    DimExpr replacement = replace(attr.getSymbol());
    return replacement ? replacement : *this;
  }
  case DimKind::Sum: {
    DimExpr sum = constant(context, attr.getValue());
    for (DimExpr operand : operands)
      sum = sum + operand;
    return sum;
  }
  case DimKind::Product: {
    DimExpr product = constant(context, attr.getValue());
    for (DimExpr operand : operands)
      product = product * operand;
    return product;
  }
  case DimKind::FloorDiv:
    if (operands[1].isConstant(0))
      return *this;
    return operands[0].floorDiv(operands[1]);
  case DimKind::Min:
    return min(operands[0], operands[1]);
  case DimKind::Max:
    return max(operands[0], operands[1]);
  case DimKind::Select:
    return select(operands[0], operands[1], operands[2]);
  }
  return *this;
}

void DimExpr::walkSymbols(llvm::function_ref<void(StringAttr)> visit) const {
  if (attr.getKind() == DimKind::Symbol)
    visit(attr.getSymbol());
  for (Attribute operand : attr.getOperands())
    DimExpr(dim(operand)).walkSymbols(visit);
}

std::optional<int64_t>
DimExpr::evaluate(llvm::function_ref<int64_t(StringAttr)> valueOf) const {
  // Only the branch that is taken needs a value.
  if (attr.getKind() == DimKind::Select) {
    auto condition = DimExpr(dim(attr.getOperands()[0])).evaluate(valueOf);
    if (!condition)
      return std::nullopt;
    return DimExpr(dim(attr.getOperands()[*condition > 0 ? 1 : 2]))
        .evaluate(valueOf);
  }
  SmallVector<int64_t> values;
  for (Attribute operand : attr.getOperands()) {
    auto value = DimExpr(dim(operand)).evaluate(valueOf);
    if (!value)
      return std::nullopt;
    values.push_back(*value);
  }
  int64_t result = attr.getValue();
  switch (attr.getKind()) {
  case DimKind::Constant:
    return result;
  case DimKind::Symbol:
    return valueOf(attr.getSymbol());
  case DimKind::Sum:
    for (int64_t value : values)
      if (llvm::AddOverflow(result, value, result))
        return std::nullopt;
    return result;
  case DimKind::Product:
    for (int64_t value : values)
      if (llvm::MulOverflow(result, value, result))
        return std::nullopt;
    return result;
  case DimKind::FloorDiv:
    if (values[1] <= 0)
      return std::nullopt;
    return floorDivide(values[0], values[1]);
  case DimKind::Min:
    return std::min(values[0], values[1]);
  case DimKind::Max:
    return std::max(values[0], values[1]);
  case DimKind::Select:
    break;
  }
  return std::nullopt;
}

DimExpr productOf(MLIRContext *context, ArrayRef<DimExpr> dims) {
  DimExpr product = DimExpr::constant(context, 1);
  for (DimExpr d : dims)
    product = product * d;
  return product;
}

} // namespace mlir::tenon::graph
