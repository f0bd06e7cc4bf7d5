//===- Interface.cpp - An engine's inputs, outputs and rules --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/Interface.h"

#include "runtime/ElementType.h"
#include <cinttypes>

using namespace tenon;
using namespace tenon::runtime;
using schema::BindingKind;
using schema::ConstraintKind;

Status Interface::decodeBinding(const schema::Binding &source, uint32_t index,
                                const ExprTable &exprs) {
  Binding binding;
  binding.name = textOf(source.name());
  binding.kind = source.kind();
  binding.type = int(source.type());
  binding.alias = source.alias();
  if (int(binding.kind) > int(BindingKind::State))
    return fail(TENON_INVALID_ENGINE, "bindings[%u].kind: unknown kind %d",
                index, int(binding.kind));
  if (elementBits(binding.type) == 0)
    return fail(TENON_INVALID_ENGINE,
                "bindings[%u].type: %d is no type that a tensor can have",
                index, binding.type);
  uint32_t rank = source.dims() ? source.dims()->size() : 0;
  if (rank > TENON_MAX_RANK)
    return fail(TENON_INVALID_ENGINE,
                "bindings[%u]: rank %u, expected at most %d", index, rank,
                TENON_MAX_RANK);
  for (uint32_t d = 0; d < rank; ++d) {
    uint32_t expr = source.dims()->Get(d);
    if (expr >= exprs.size())
      return fail(TENON_INVALID_ENGINE,
                  "bindings[%u].dims[%u]: expression %u is past the end (%u "
                  "expressions)",
                  index, d, expr, exprs.size());
    binding.dynamic |= exprs.isDynamic(expr);
    binding.dims.push_back(expr);
    binding.dimNames.push_back(exprs.text(expr));
    int64_t fixed;
    binding.fixedDims.push_back(exprs.constantValue(expr, fixed) ? fixed : -1);
  }
  if (binding.dynamic && binding.kind != BindingKind::Output)
    return fail(TENON_INVALID_ENGINE,
                "bindings[%u]: only outputs may have sizes that are known at "
                "run time",
                index);
  binding.slot = int32_t(kinds[int(binding.kind)].size());
  kinds[int(binding.kind)].push_back(index);
  bindingList.push_back(std::move(binding));
  return {};
}

Status Interface::decode(const schema::Engine &engine, const ExprTable &exprs) {
  uint32_t bindings = engine.bindings() ? engine.bindings()->size() : 0;
  for (uint32_t i = 0; i < bindings; ++i)
    TENON_TRY(decodeBinding(*engine.bindings()->Get(i), i, exprs));
  for (uint32_t i = 0; i < bindings; ++i) {
    Binding &binding = bindingList[i];
    if (binding.alias < -1 || binding.alias >= int32_t(bindings) ||
        (binding.alias >= 0 &&
         (binding.kind != BindingKind::Output || binding.dynamic ||
          bindingList[binding.alias].kind == BindingKind::Output)))
      return fail(TENON_INVALID_ENGINE,
                  "bindings[%u].alias: an output may share the memory of an "
                  "input or state, got %d",
                  i, binding.alias);
  }

  uint32_t symbols = engine.symbols() ? engine.symbols()->size() : 0;
  for (uint32_t i = 0; i < symbols; ++i) {
    const schema::Symbol &source = *engine.symbols()->Get(i);
    Symbol symbol;
    symbol.name = textOf(source.name());
    symbol.min = source.min();
    symbol.max = source.max();
    if (source.binding() >= 0) {
      if (source.binding() >= int32_t(bindings) ||
          bindingList[source.binding()].kind != BindingKind::Input)
        return fail(TENON_INVALID_ENGINE, "symbols[%u].binding: %d is no input",
                    i, source.binding());
      const Binding &binding = bindingList[source.binding()];
      if (source.dim() < 0 || source.dim() >= int32_t(binding.dims.size()) ||
          !exprs.isSymbol(binding.dims[source.dim()], i))
        return fail(TENON_INVALID_ENGINE,
                    "symbols[%u].dim: dimension %d of input '%s' is not this "
                    "symbol",
                    i, source.dim(), binding.name);
      symbol.input = binding.slot;
      symbol.dim = source.dim();
    }
    symbolList.push_back(std::move(symbol));
  }

  uint32_t constraints =
      engine.constraints() ? engine.constraints()->size() : 0;
  for (uint32_t i = 0; i < constraints; ++i) {
    const schema::Constraint &source = *engine.constraints()->Get(i);
    if (source.lhs() >= exprs.size() || source.rhs() >= exprs.size() ||
        int(source.kind()) > int(ConstraintKind::Divisible))
      return fail(TENON_INVALID_ENGINE,
                  "constraints[%u]: unknown kind or expression", i);
    constraintList.push_back(
        {source.kind(), source.lhs(), source.rhs(), textOf(source.text())});
  }
  return {};
}

Status Interface::checkInputs(const TenonTensor *inputs, int32_t count) const {
  if (count != int32_t(inputCount())) {
    std::string names;
    for (size_t i = 0; i < inputCount(); ++i)
      names += (i ? ", '" : "'") + std::string(input(i).name) + "'";
    return fail(TENON_INVALID_INPUT, "expected %zu inputs (%s), got %d",
                inputCount(), names.c_str(), count);
  }
  if (count && !inputs)
    return fail(TENON_INVALID_ARGUMENT, "inputs: null");
  for (int32_t i = 0; i < count; ++i) {
    const Binding &binding = input(size_t(i));
    if (inputs[i].type != binding.type)
      return fail(TENON_INVALID_INPUT, "input '%s': expected type %s, got %s",
                  binding.name, elementName(binding.type),
                  elementName(inputs[i].type));
    if (inputs[i].rank != int32_t(binding.dims.size()))
      return fail(TENON_INVALID_INPUT, "input '%s': expected rank %zu, got %d",
                  binding.name, binding.dims.size(), inputs[i].rank);
  }
  return {};
}

/// "input 'x': dimension 0 (batch)"
static std::string dimensionName(const Binding &binding, size_t dim,
                                 const std::string &name) {
  std::string text = formatText("input '%s': dimension %zu", binding.name, dim);
  return name.empty() ? text : text + " (" + name + ")";
}

Status Interface::resolve(const TenonTensor *inputs, const ExprTable &exprs,
                          const std::vector<uint32_t> &list, Numbers &symbols,
                          Numbers &results) const {
  symbols.resize(symbolList.size());
  results.resize(exprs.size());
  for (size_t s = 0; s < symbolList.size(); ++s) {
    const Symbol &symbol = symbolList[s];
    if (symbol.input < 0)
      continue;
    int64_t size = inputs[symbol.input].dims[symbol.dim];
    const Binding &binding = input(size_t(symbol.input));
    if (size < symbol.min || size > symbol.max)
      return fail(
          TENON_INVALID_INPUT, "%s is %" PRId64 ", must be at %s %" PRId64,
          dimensionName(binding, size_t(symbol.dim), symbol.name).c_str(), size,
          size < symbol.min ? "least" : "most",
          size < symbol.min ? symbol.min : symbol.max);
    symbols.set(s, size);
  }
  for (uint32_t index : list)
    exprs.evaluate(index, symbols, results);

  for (size_t i = 0; i < inputCount(); ++i) {
    const Binding &binding = input(i);
    for (size_t d = 0; d < binding.dims.size(); ++d) {
      int64_t expected, actual = inputs[i].dims[d];
      bool known = results.get(binding.dims[d], expected);
      if (known && actual == expected && actual >= 0)
        continue;
      if (exprs.isConstant(binding.dims[d]))
        return fail(TENON_INVALID_INPUT, "%s is %" PRId64 ", expected %" PRId64,
                    dimensionName(binding, d, "").c_str(), actual, expected);
      std::string rule = binding.dimNames[d];
      for (size_t s = 0; s < symbolList.size(); ++s)
        if (exprs.isSymbol(binding.dims[d], uint32_t(s)) &&
            symbolList[s].input >= 0)
          rule += formatText(" (from dimension %d of input '%s')",
                             symbolList[s].dim,
                             input(size_t(symbolList[s].input)).name);
      return fail(TENON_INVALID_INPUT,
                  known ? "%s is %" PRId64 ", expected %s = %" PRId64
                        : "%s is %" PRId64 ", expected %s, which overflows",
                  dimensionName(binding, d, "").c_str(), actual, rule.c_str(),
                  expected);
    }
    int64_t size;
    if (!bytes(binding, results, size))
      return fail(TENON_INVALID_INPUT,
                  "input '%s': its size in bytes overflows", binding.name);
  }

  for (const Constraint &rule : constraintList) {
    int64_t lhs = 0, rhs = 0;
    bool known = results.get(rule.lhs, lhs);
    known &= results.get(rule.rhs, rhs);
    bool holds = known;
    if (known) {
      if (rule.kind == ConstraintKind::Equal)
        holds = lhs == rhs;
      else if (rule.kind == ConstraintKind::LessEqual)
        holds = lhs <= rhs;
      else
        holds = rhs != 0 && (rhs == -1 || lhs % rhs == 0);
    }
    if (holds)
      continue;
    static const char *const words[] = {"=", "at most", "a multiple of"};
    std::string values =
        known ? formatText("got %" PRId64 ", expected %s %" PRId64, lhs,
                           words[int(rule.kind)], rhs)
              : std::string("the sizes overflow");
    std::string text = rule.text;
    if (text.empty())
      text = exprs.text(rule.lhs) + " must be " + words[int(rule.kind)] + " " +
             exprs.text(rule.rhs);
    return fail(TENON_INVALID_INPUT, "%s (%s)", text.c_str(), values.c_str());
  }
  return {};
}

void Interface::dims(const Binding &binding, const Numbers &results,
                     int64_t *dims) const {
  for (size_t d = 0; d < binding.dims.size(); ++d)
    if (!results.get(binding.dims[d], dims[d]))
      dims[d] = -1;
}

bool Interface::bytes(const Binding &binding, const Numbers &results,
                      int64_t &bytes) const {
  int64_t sizes[TENON_MAX_RANK];
  dims(binding, results, sizes);
  return tensorBytes(binding.type, sizes, int(binding.dims.size()), bytes);
}
