//===- Printer.cpp - A module back to PTX text ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/Printer.h"
#include "sim/ptx/Instructions.h"

#include <cinttypes>
#include <cstdio>

using namespace tenon::sim::ptx;

static std::string hex(const char *prefix, uint64_t bits, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%s%0*" PRIX64, prefix, digits, bits);
  return text;
}

static std::string number(Type type, uint64_t bits) {
  switch (type) {
  case Type::F32:
    return hex("0f", bits, 8);
  case Type::F64:
    return hex("0d", bits, 16);
  case Type::U64:
    return std::to_string(bits) + "U";
  default:
    // Without its sign, the least number does not fit.
    return int64_t(bits) == INT64_MIN ? "(.s64)" + hex("0x", bits, 16)
                                      : std::to_string(int64_t(bits));
  }
}

static std::string dotted(Mod mod) { return "." + std::string(spelling(mod)); }
static std::string dotted(Type type) {
  return "." + std::string(spelling(type));
}

namespace {
class Printer {
public:
  explicit Printer(const Module &module) : module(module) {}
  void print();
  std::string instruction(const Function &function,
                          const Instruction &instruction);
  std::string text;

private:
  void function(const Function &function);
  void statement(const Function &function, const Statement &statement,
                 std::string &indent);
  std::string table(const Function &function, const Table &table);
  std::string declaration(const Variable &variable);
  std::string initializer(const Variable &variable);
  std::string parameters(const std::vector<uint32_t> &list);
  std::string operand(const Function &function, const Operand &operand);
  std::string baseOf(const Function &function, Operand::Kind kind,
                     const Operand &operand);

  const Module &module;
};
} // namespace

static const char *linkageText(Linkage linkage) {
  switch (linkage) {
  case Linkage::Internal:
    return "";
  case Linkage::Extern:
    return ".extern ";
  case Linkage::Visible:
    return ".visible ";
  case Linkage::Weak:
    return ".weak ";
  case Linkage::Common:
    return ".common ";
  }
  return "";
}

void Printer::print() {
  text += ".version " + std::to_string(module.versionMajor) + "." +
          std::to_string(module.versionMinor) + "\n";
  if (!module.target.empty() || !module.targetOptions.empty()) {
    text += ".target " + module.target;
    for (const std::string &option : module.targetOptions)
      text += (text.ends_with(' ') ? "" : ", ") + option;
    text += "\n";
  }
  text += ".address_size " + std::to_string(module.addressSize) + "\n\n";
  for (const std::string &pragma : module.pragmas)
    text += ".pragma \"" + pragma + "\";\n";
  for (const SourceFile &file : module.files) {
    text += ".file " + std::to_string(file.number) + " \"" + file.name + "\"";
    if (file.hasTime)
      text +=
          ", " + std::to_string(file.time) + ", " + std::to_string(file.size);
    text += "\n";
  }
  for (const Module::Item &item : module.items) {
    if (item.isFunction) {
      function(module.functions[item.index]);
    } else {
      const Variable &variable = module.variables[item.index];
      text += linkageText(variable.linkage) + declaration(variable) +
              initializer(variable) + ";\n";
    }
  }
  for (const Alias &alias : module.aliases)
    text += ".alias " + alias.name + ", " + alias.target + ";\n";
  for (const Section &section : module.sections)
    text += ".section " + section.name + " {\n" + section.text + "\n}\n";
}

std::string Printer::declaration(const Variable &variable) {
  std::string result =
      variable.space == Mod::None ? ".reg" : dotted(variable.space);
  if (!variable.attributes.empty())
    result += " .attribute(" + variable.attributes + ")";
  if (variable.alignment)
    result += " .align " + std::to_string(variable.alignment);
  if (variable.vector > 1)
    result += " .v" + std::to_string(variable.vector);
  result += " " + dotted(variable.type);
  if (variable.isPointer) {
    result += " .ptr";
    if (variable.pointerSpace != Mod::None)
      result += " " + dotted(variable.pointerSpace);
    if (variable.pointerAlignment)
      result += " .align " + std::to_string(variable.pointerAlignment);
  }
  result += " " + variable.name;
  for (uint64_t dimension : variable.dimensions)
    result += dimension ? "[" + std::to_string(dimension) + "]" : "[]";
  return result;
}

std::string Printer::initializer(const Variable &variable) {
  std::string result;
  bool first = true;
  for (const Initializer &leaf : variable.initializer) {
    if (leaf.kind == Initializer::Kind::Close) {
      result += "}";
      first = false;
      continue;
    }
    result += result.empty() ? " = " : first ? "" : ", ";
    first = leaf.kind == Initializer::Kind::Open;
    if (first) {
      result += "{";
    } else if (leaf.kind == Initializer::Kind::Number) {
      result += number(leaf.type, leaf.value);
    } else {
      std::string symbol = leaf.kind == Initializer::Kind::Generic
                               ? "generic(" + leaf.symbol + ")"
                               : leaf.symbol;
      if (leaf.value)
        symbol += "+" + number(Type::S64, leaf.value);
      result +=
          leaf.mask ? hex("0x", leaf.mask, 1) + "(" + symbol + ")" : symbol;
    }
  }
  return result;
}

std::string Printer::parameters(const std::vector<uint32_t> &list) {
  std::string result = "(";
  for (uint32_t index : list)
    result +=
        (result.size() > 1 ? ", " : "") + declaration(module.variables[index]);
  return result + ")";
}

void Printer::function(const Function &function) {
  text += linkageText(function.linkage);
  text += function.isEntry ? ".entry " : ".func ";
  if (!function.signature.results.empty())
    text += parameters(function.signature.results) + " ";
  text += function.name + parameters(function.signature.parameters);
  for (const FunctionDirective &directive : function.directives) {
    text += "\n." + directive.name;
    if (directive.name == "pragma")
      text += " \"" + directive.text + "\";";
    for (size_t i = 0; i < directive.values.size(); ++i)
      text += (i ? ", " : " ") + std::to_string(directive.values[i]);
  }
  if (!function.isDefined) {
    text += ";\n";
    return;
  }
  text += "\n{\n";
  std::string indent = "  ";
  for (const Statement &each : function.statements)
    statement(function, each, indent);
  text += "}\n";
}

void Printer::statement(const Function &function, const Statement &statement,
                        std::string &indent) {
  switch (statement.kind) {
  case Statement::Kind::Instruction:
    text += indent +
            instruction(function, function.instructions[statement.index]) +
            "\n";
    break;
  case Statement::Kind::Label:
    text += function.labels[statement.index].name + ":\n";
    break;
  case Statement::Kind::Registers: {
    const RegisterGroup &group = function.registerGroups[statement.index];
    text += indent + ".reg ";
    if (group.vector > 1)
      text += ".v" + std::to_string(group.vector) + " ";
    text += dotted(group.type) + " " + group.name;
    if (group.isRange)
      text += "<" + std::to_string(group.count) + ">";
    text += ";\n";
    break;
  }
  case Statement::Kind::Variable: {
    const Variable &variable = module.variables[statement.index];
    text += indent + declaration(variable) + initializer(variable) + ";\n";
    break;
  }
  case Statement::Kind::Table:
    text += table(function, function.tables[statement.index]);
    break;
  case Statement::Kind::Open:
    text += indent + "{\n";
    indent += "  ";
    break;
  case Statement::Kind::Close:
    indent.resize(indent.size() - 2);
    text += indent + "}\n";
    break;
  case Statement::Kind::Loc: {
    const SourceLoc &loc = function.locs[statement.index];
    text += indent + ".loc " + std::to_string(loc.file) + " " +
            std::to_string(loc.line) + " " + std::to_string(loc.column) +
            loc.inlinedFrom + "\n";
    break;
  }
  case Statement::Kind::Pragma:
    text += indent + ".pragma \"" + function.pragmas[statement.index] + "\";\n";
    break;
  }
}

std::string Printer::table(const Function &function, const Table &table) {
  std::string result = table.name + ": ";
  if (table.kind == Table::Kind::Prototype) {
    result += ".callprototype ";
    if (!table.prototype.results.empty())
      result += parameters(table.prototype.results) + " ";
    result += "_ " + parameters(table.prototype.parameters);
    return result + (table.prototype.noReturn ? " .noreturn;\n" : ";\n");
  }
  bool isBranch = table.kind == Table::Kind::Branch;
  result += isBranch ? ".branchtargets " : ".calltargets ";
  for (size_t i = 0; i < table.targets.size(); ++i)
    result +=
        (i ? ", " : "") + (isBranch ? function.labels[table.targets[i]].name
                                    : module.functions[table.targets[i]].name);
  return result + ";\n";
}

std::string Printer::baseOf(const Function &function, Operand::Kind kind,
                            const Operand &operand) {
  if (kind == Operand::Kind::Variable)
    return module.variables[operand.index].name;
  std::string name = function.registerName(operand.index);
  if (operand.element < 4)
    name += std::string(".") + "xyzw"[operand.element];
  return name;
}

std::string Printer::operand(const Function &function, const Operand &operand) {
  std::string offset = operand.value && operand.kind != Operand::Kind::Immediate
                           ? "+" + number(Type::S64, uint64_t(operand.value))
                           : "";
  switch (operand.kind) {
  case Operand::Kind::Register:
    return (operand.negated ? "!" : "") +
           baseOf(function, operand.kind, operand);
  case Operand::Kind::Variable:
    return baseOf(function, operand.kind, operand) + offset;
  case Operand::Kind::Immediate:
    return number(operand.type, uint64_t(operand.value));
  case Operand::Kind::Address:
    if (operand.base == Operand::Kind::Immediate)
      return "[" + number(Type::S64, uint64_t(operand.value)) + "]";
    return "[" + baseOf(function, operand.base, operand) + offset + "]";
  case Operand::Kind::Function:
    return module.functions[operand.index].name;
  case Operand::Kind::Label:
    return function.labels[operand.index].name;
  case Operand::Kind::Table:
    return function.tables[operand.index].name;
  case Operand::Kind::Special:
    return (operand.negated ? "!%" : "%") +
           std::string(specialRegister(operand.index).name);
  case Operand::Kind::Sink:
    return "_";
  case Operand::Kind::None:
    return "";
  case Operand::Kind::Vector:
  case Operand::Kind::Pair:
  case Operand::Kind::List:
    break;
  }
  bool isPair = operand.kind == Operand::Kind::Pair;
  bool isList = operand.kind == Operand::Kind::List;
  std::string result = isPair ? "" : isList ? "(" : "{";
  for (unsigned i = 0; i < operand.count; ++i)
    result += (i == 0   ? ""
               : isPair ? "|"
                        : ", ") +
              this->operand(function, function.elements[operand.index + i]);
  return result + (isPair ? "" : isList ? ")" : "}");
}

std::string Printer::instruction(const Function &function,
                                 const Instruction &instruction) {
  std::string result;
  if (instruction.guard != kNone)
    result += (instruction.guardNegated ? "@!" : "@") +
              function.registerName(instruction.guard) + " ";
  result += opcodes()[instruction.opcode].name;
  result += instruction.suffix;
  for (size_t i = 0; i < instruction.operands.size(); ++i)
    result += (i ? ", " : " ") + operand(function, instruction.operands[i]);
  return result + ";";
}

std::string tenon::sim::ptx::toText(const Module &module) {
  Printer printer(module);
  printer.print();
  return std::move(printer.text);
}

std::string tenon::sim::ptx::toText(const Module &module,
                                    const Function &function,
                                    const Instruction &instruction) {
  return Printer(module).instruction(function, instruction);
}
