//===- ProgramText.cpp - A program in words -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   engine.program @x86-64-v3 {
//     %0 = engine.input "x" : 16*batch bytes
//     %1 = engine.output "y" : 16*batch bytes
//     // 0: Add_0
//     engine.launch @add_one(%0, %1) writes(1) tasks(4*batch)
//   }
//
//===----------------------------------------------------------------------===//

#include "runtime/ElementType.h"
#include "tools/tenon-inspect/Inspected.h"

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::tools;
using schema::Operation;
using schema::ValueKind;

namespace {
class Printer {
public:
  explicit Printer(const Inspected &engine)
      : engine(engine), program(engine.program) {}

  std::string print() {
    text = "engine.program @" + engine.variantName(engine.variant) + " {\n";
    for (uint32_t v = 0; v < program.values.size(); ++v)
      value(v);
    if (program.initBlock >= 0) {
      text += "  engine.init {\n";
      block(uint32_t(program.initBlock), 2);
      text += "  }\n";
    }
    block(program.mainBlock, 1);
    return text + "}\n";
  }

private:
  std::string expr(int64_t index) const {
    return engine.exprs.text(uint32_t(index));
  }

  void value(uint32_t v) {
    const Value &value = program.values[v];
    text += "  %" + std::to_string(v) + " = ";
    switch (value.kind) {
    case ValueKind::Temp:
      text += "engine.temp";
      break;
    case ValueKind::Constant:
      text += "engine.constant #" + std::to_string(value.index);
      break;
    case ValueKind::Alias:
      text += "engine.alias %" + std::to_string(value.base) + " at " +
              expr(value.offset);
      break;
    default: {
      const Binding &binding = engine.interface.bindings()[size_t(value.index)];
      text += value.kind == ValueKind::Input    ? "engine.input"
              : value.kind == ValueKind::Output ? "engine.output"
                                                : "engine.state";
      text += " \"" + std::string(binding.name) + "\"";
      break;
    }
    }
    text += " : " + expr(value.size) + " bytes";
    if (*value.name && value.kind != ValueKind::Input &&
        value.kind != ValueKind::Output)
      text += "  // " + std::string(value.name);
    text += "\n";
  }

  void block(uint32_t index, int depth) {
    const Block &range = program.blocks[index];
    for (uint32_t i = range.first; i < range.first + range.count; ++i)
      instruction(i, depth);
  }

  std::string valueList(Range range) const {
    std::string list;
    for (uint32_t k = 0; k < range.count; ++k)
      list +=
          (k ? ", %" : "%") + std::to_string(program.buffers[range.first + k]);
    return list;
  }

  void launch(const Instruction &instruction, uint32_t index) {
    for (uint32_t c = 0; c < instruction.choices.count; ++c) {
      const Choice &choice = program.choices[instruction.choices.first + c];
      if (c)
        text += " else ";
      text += "@" + std::string(program.kernels[choice.kernel].symbol);
      if (choice.guard >= 0)
        text += " if(" + expr(choice.guard) + ")";
      text += " tasks(" + expr(choice.tasks) + ")";
      if (choice.grain >= 0)
        text += " grain(" + expr(choice.grain) + ")";
      if (choice.scratch >= 0)
        text += " scratch(" + expr(choice.scratch) + ")";
    }
    uint32_t first = program.source()
                         .instructions()
                         ->Get(index)
                         ->operation_as_Launch()
                         ->first_output();
    Range read = {instruction.buffers.first, first};
    Range written = {instruction.buffers.first + first,
                     instruction.buffers.count - first};
    text += " ins(" + valueList(read) + ") outs(" + valueList(written) + ")";
    if (instruction.scalars.count) {
      text += " scalars(";
      for (uint32_t k = 0; k < instruction.scalars.count; ++k)
        text += (k ? ", " : "") +
                expr(program.scalars[instruction.scalars.first + k]);
      text += ")";
    }
  }

  void instruction(uint32_t index, int depth) {
    const Instruction &instruction = program.instructions[index];
    std::string indent(size_t(depth) * 2, ' ');
    std::string nodes = program.nodeNames(index);
    text += indent + "// " + std::to_string(index) +
            (nodes.empty() ? "" : ": " + nodes) + "\n" + indent;
    auto symbol = [&] {
      return engine.interface.symbols()[instruction.symbol].name;
    };
    switch (instruction.kind) {
    case Operation::Launch:
      text += "engine.launch ";
      launch(instruction, index);
      break;
    case Operation::Copy:
      text += "engine.copy %" + std::to_string(instruction.source) + " to %" +
              std::to_string(instruction.target);
      if (instruction.expr >= 0)
        text += " bytes(" + expr(instruction.expr) + ")";
      break;
    case Operation::Fill:
      text += "engine.fill %" + std::to_string(instruction.target) + " with " +
              std::to_string(instruction.byte);
      break;
    case Operation::ReadBack:
      text += symbol() + " = engine.read_back %" +
              std::to_string(instruction.source) + "[" +
              (instruction.expr >= 0 ? expr(instruction.expr) : "0") +
              "] : " + elementName(instruction.type);
      break;
    case Operation::SetSymbol:
      text += symbol() + " = engine.set " + expr(instruction.expr);
      break;
    case Operation::If:
      text += "engine.if " + expr(instruction.expr) + " {\n";
      block(uint32_t(instruction.firstBlock), depth + 1);
      if (instruction.secondBlock >= 0) {
        text += indent + "} else {\n";
        block(uint32_t(instruction.secondBlock), depth + 1);
      }
      text += indent + "}";
      break;
    default:
      text += "engine.while {\n";
      if (instruction.firstBlock >= 0)
        block(uint32_t(instruction.firstBlock), depth + 1);
      text += indent + "} (" + expr(instruction.expr) + ") do {\n";
      block(uint32_t(instruction.secondBlock), depth + 1);
      text += indent + "}";
      break;
    }
    text += "\n";
  }

  const Inspected &engine;
  const Program &program;
  std::string text;
};
} // namespace

std::string tenon::tools::programText(const Inspected &engine) {
  return Printer(engine).print();
}
