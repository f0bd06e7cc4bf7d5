//===- CheckCalls.cpp - Arguments against signatures ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/CheckCalls.h"
#include "sim/ptx/CheckOperands.h"

using namespace tenon::sim::ptx;

namespace {
/// call (results), callee, (arguments), table;
struct Parts {
  const Operand *results = nullptr, *callee = nullptr, *arguments = nullptr,
                *table = nullptr;
};
} // namespace

static Parts partsOf(const Instruction &call) {
  Parts parts;
  for (const Operand &operand : call.operands) {
    if (operand.kind == Operand::Kind::List)
      (parts.callee ? parts.arguments : parts.results) = &operand;
    else if (!parts.callee)
      parts.callee = &operand;
    else
      parts.table = &operand;
  }
  return parts;
}

static std::string bytes(uint64_t size, uint32_t alignment) {
  return std::to_string(size) + (size == 1 ? " byte" : " bytes") +
         " aligned to " + std::to_string(alignment);
}

/// What is wrong with an operand for a parameter or result, or nothing.
static std::string mismatch(const Module &module, const Function &function,
                            const Variable &formal, const Operand &actual,
                            bool isResult) {
  // `.param .b8 rest[]` takes what there is.
  if (formal.size() == 0 || actual.kind == Operand::Kind::Sink)
    return {};
  std::string expected = "expected " +
                         bytes(formal.size(), formal.effectiveAlignment()) +
                         ", got ";
  switch (actual.kind) {
  case Operand::Kind::Variable: {
    const Variable &variable = module.variables[actual.index];
    if (variable.space != Mod::Param)
      return "expected a register or .param variable, got '" + variable.name +
             "'";
    if (variable.size() == formal.size() &&
        variable.effectiveAlignment() == formal.effectiveAlignment())
      return {};
    return expected + "'" + variable.name + "' with " +
           bytes(variable.size(), variable.effectiveAlignment());
  }
  case Operand::Kind::Register:
    if (actual.type != Type::Pred && bitsOf(actual.type) == formal.size() * 8 &&
        formal.effectiveAlignment() == formal.size())
      return {};
    return expected + describe(function, actual);
  case Operand::Kind::Immediate:
    if (!isResult && formal.dimensions.empty())
      return {};
    break;
  default:
    break;
  }
  return expected + describe(function, actual);
}

static std::optional<CheckError>
checkSignature(const Module &module, const Function &function,
               const Instruction &call, const Parts &parts,
               const Signature &signature, const std::string &callee) {
  auto compare = [&](const char *what, const Operand *list,
                     const std::vector<uint32_t> &formals,
                     bool isResult) -> std::optional<CheckError> {
    size_t got = list ? list->count : 0;
    if (got != formals.size())
      return CheckError{list ? list->place : call.operands.back().place,
                        "'" + callee + "' has " +
                            std::to_string(formals.size()) + " " + what +
                            (formals.size() == 1 ? "" : "s") + ", got " +
                            std::to_string(got)};
    for (size_t i = 0; i < got; ++i) {
      const Operand &actual = function.elements[list->index + i];
      std::string wrong = mismatch(
          module, function, module.variables[formals[i]], actual, isResult);
      if (!wrong.empty())
        return CheckError{actual.place, std::string(what) + " " +
                                            std::to_string(i + 1) + " of '" +
                                            callee + "': " + wrong};
    }
    return std::nullopt;
  };
  if (auto wrong = compare("result", parts.results, signature.results, true))
    return wrong;
  return compare("parameter", parts.arguments, signature.parameters, false);
}

std::optional<CheckError> tenon::sim::ptx::checkCall(const Module &module,
                                                     const Function &function,
                                                     const Instruction &call) {
  Parts parts = partsOf(call);
  if (!parts.callee)
    return CheckError{call.operands.empty() ? Place() : call.operands[0].place,
                      "expected a function to call"};
  const Operand &callee = *parts.callee;
  if (callee.kind == Operand::Kind::Function)
    return checkSignature(module, function, call, parts,
                          module.functions[callee.index].signature,
                          module.functions[callee.index].name);
  if (callee.kind != Operand::Kind::Register ||
      !(registerFits(callee.type, Type::B64, false) ||
        registerFits(callee.type, Type::B32, false)))
    return CheckError{callee.place,
                      "expected a function or a register with its address, "
                      "got " +
                          describe(function, callee)};
  if (!parts.table)
    return CheckError{callee.place,
                      "expected .calltargets or .callprototype of an indirect "
                      "call as last operand"};
  return std::nullopt;
}

std::optional<CheckError> tenon::sim::ptx::checkIndirectCall(
    const Module &module, const Function &function, const Instruction &call) {
  Parts parts = partsOf(call);
  if (!parts.table || parts.table->kind != Operand::Kind::Table ||
      parts.table->index >= function.tables.size())
    return std::nullopt;
  const Table &table = function.tables[parts.table->index];
  if (table.kind == Table::Kind::Branch)
    return CheckError{parts.table->place,
                      "expected .calltargets or .callprototype, '" +
                          table.name + "' is .branchtargets"};
  if (table.kind == Table::Kind::Prototype)
    return checkSignature(module, function, call, parts, table.prototype,
                          table.name);
  for (uint32_t target : table.targets)
    if (auto wrong = checkSignature(module, function, call, parts,
                                    module.functions[target].signature,
                                    module.functions[target].name))
      return wrong;
  return std::nullopt;
}
