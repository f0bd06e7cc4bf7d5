//===- ProgramText.cpp - A program in words -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Prints an engine in the compiler's `engine` dialect (dialects/Engine), which
// tenon-opt reads: kernels without their code, constants without their data.
//
//   module attributes {engine.model = "mlp"} {
//     engine.symbol "batch" from "x"[0]
//     engine.binding input "x" : f32[batch, 4]
//     engine.program @"x86-64-v3" target(cpu, "x86-64-v3") {
//       engine.kernel @k0_pointwise family("pointwise") schedule("")
//       %0 = engine.input "x" bytes("16*batch") : f32[batch, 4]
//       %1 = engine.output "y" bytes("16*batch") : f32[batch, 4]
//       engine.launch @k0_pointwise tasks(batch) grain(1) scratch(0) ins(%0)
//           outs(%1) scalars [] flops(0) bytes("32*batch") nodes ["Relu_0"]
//
// On CUDA a kernel has an entry, `entry <block = [128, 1, 1], shared = 0,
// may_fault = false>`, and a choice a grid, after its scratch.
//
// Tests: test/tools/tenon-inspect/program.test, test/unit/tools.
//
//===----------------------------------------------------------------------===//

#include "tools/tenon-inspect/Inspected.h"
#include <cctype>

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::tools;
using schema::ElementType;
using schema::Operation;
using schema::ValueKind;
template <typename T> using List = flatbuffers::Vector<flatbuffers::Offset<T>>;

namespace {

/// A string as MLIR writes it.
std::string stringLiteral(const std::string &text) {
  static const char *hex = "0123456789ABCDEF";
  std::string out = "\"";
  for (unsigned char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '"' || !std::isprint(c))
      out += {'\\', hex[c >> 4], hex[c & 15]};
    else
      out += char(c);
  }
  return out + "\"";
}

bool isIdentifier(const std::string &text) {
  if (text.empty() || !(std::isalpha((unsigned char)text[0]) || text[0] == '_'))
    return false;
  for (unsigned char c : text)
    if (!std::isalnum(c) && c != '_' && c != '.' && c != '$')
      return false;
  return true;
}

std::string symbol(const std::string &name) {
  return "@" + (isIdentifier(name) ? name : stringLiteral(name));
}

std::string stringList(
    const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>> *list) {
  std::string text = "[";
  for (uint32_t i = 0; list && i < list->size(); ++i)
    text += (i ? ", " : "") + stringLiteral(list->Get(i)->str());
  return text + "]";
}

/// MLIR's name of an element type.
const char *typeName(ElementType type) {
  switch (type) {
  case ElementType::Float16:
    return "f16";
  case ElementType::BFloat16:
    return "bf16";
  case ElementType::Float32:
    return "f32";
  case ElementType::Float64:
    return "f64";
  case ElementType::Bool:
    return "i1";
  case ElementType::Int8:
    return "i8";
  case ElementType::Int16:
    return "i16";
  case ElementType::Int32:
    return "i32";
  case ElementType::Int64:
    return "i64";
  case ElementType::UInt8:
    return "ui8";
  case ElementType::UInt16:
    return "ui16";
  case ElementType::UInt32:
    return "ui32";
  case ElementType::UInt64:
    return "ui64";
  case ElementType::Int2:
    return "i2";
  case ElementType::UInt2:
    return "ui2";
  case ElementType::Int4:
    return "i4";
  case ElementType::UInt4:
    return "ui4";
  case ElementType::Float8E4M3FN:
    return "f8E4M3FN";
  case ElementType::Float8E4M3FNUZ:
    return "f8E4M3FNUZ";
  case ElementType::Float8E5M2:
    return "f8E5M2";
  case ElementType::Float8E5M2FNUZ:
    return "f8E5M2FNUZ";
  case ElementType::Float8E8M0:
    return "f8E8M0FNU";
  case ElementType::Float4E2M1:
    return "f4E2M1FN";
  default:
    return "none"; // strings, complex numbers, no type
  }
}

class Printer {
public:
  explicit Printer(const Inspected &inspected)
      : inspected(inspected), engine(inspected.file.engine()),
        variant(*engine.variants()->Get(inspected.variant)) {}

  std::string print() {
    text = "module attributes {engine.model = " +
           stringLiteral(textOf(engine.model())) + "} {\n";
    interface();
    const schema::Target *target = variant.target();
    bool cuda = target && target->kind() == schema::TargetKind::Cuda;
    std::string name = inspected.variantName(inspected.variant);
    text +=
        "  engine.program " + symbol(name) + " target(" +
        (cuda ? "cuda, " + stringLiteral(name)
              : "cpu, " + stringLiteral(target ? textOf(target->isa()) : ""));
    if (target && target->features() && target->features()->size())
      text += ", " + stringList(target->features());
    text += ")";
    if (target && *textOf(target->compiled_for()))
      text += " compiled_for " + stringLiteral(textOf(target->compiled_for()));
    text += " {\n";
    for (uint32_t i = 0; i < sizeOf(variant.kernels()); ++i) {
      const schema::Kernel *kernel = variant.kernels()->Get(i);
      text += "    engine.kernel " + symbol(textOf(kernel->symbol())) +
              " family(" + stringLiteral(textOf(kernel->family())) +
              ") schedule(" + stringLiteral(textOf(kernel->schedule())) + ")";
      if (const schema::CudaKernel *entry = cuda ? kernel->cuda() : nullptr)
        text +=
            formatText(" entry <block = [%u, %u, %u], shared = %u, "
                       "may_fault = %s>",
                       entry->block_x(), entry->block_y(), entry->block_z(),
                       entry->shared(), entry->may_fault() ? "true" : "false");
      text += "\n";
    }
    for (uint32_t i = 0; i < sizeOf(variant.values()); ++i)
      value(i, *variant.values()->Get(i));
    if (variant.init_block() >= 0) {
      text += "    engine.init {\n";
      block(uint32_t(variant.init_block()), 3);
      text += "    }\n";
    }
    block(variant.main_block(), 2);
    return text + "  }\n}\n";
  }

private:
  template <typename T>
  static uint32_t sizeOf(const flatbuffers::Vector<T> *list) {
    return list ? list->size() : 0;
  }

  std::string formula(int64_t index) const {
    constexpr size_t kLongest = 20000;
    return inspected.exprs.text(uint32_t(index), kLongest);
  }

  /// Numbers and identifiers stand bare, other formulas in quotes.
  std::string expr(int64_t index) const {
    if (index < 0)
      return "0";
    std::string text = formula(index);
    size_t digits = text[0] == '-' ? 1 : 0;
    bool number = text.size() > digits;
    for (size_t i = digits; i < text.size(); ++i)
      number &= std::isdigit((unsigned char)text[i]) != 0;
    return number || isIdentifier(text) ? text : stringLiteral(text);
  }

  template <typename Dims>
  std::string tensor(ElementType type, const Dims *dims) const {
    std::string text = std::string(typeName(type)) + "[";
    for (uint32_t i = 0; dims && i < dims->size(); ++i)
      text += (i ? ", " : "") + expr(dims->Get(i));
    return text + "]";
  }

  void interface() {
    const auto *bindings = engine.bindings();
    auto nameOf = [&](int32_t index) {
      return stringLiteral(textOf(bindings->Get(uint32_t(index))->name()));
    };
    for (uint32_t i = 0; i < sizeOf(engine.symbols()); ++i) {
      const schema::Symbol *symbol = engine.symbols()->Get(i);
      text += "  engine.symbol " + stringLiteral(textOf(symbol->name()));
      if (symbol->binding() >= 0)
        text += " from " + nameOf(symbol->binding()) + "[" +
                std::to_string(symbol->dim()) + "]";
      if (symbol->min() != 0)
        text += " min " + std::to_string(symbol->min());
      if (symbol->max() != std::numeric_limits<int64_t>::max())
        text += " max " + std::to_string(symbol->max());
      text += "\n";
    }
    static const char *kinds[] = {"input", "output", "state"};
    for (uint32_t i = 0; i < sizeOf(bindings); ++i) {
      const schema::Binding *binding = bindings->Get(i);
      text += std::string("  engine.binding ") + kinds[int(binding->kind())] +
              " " + nameOf(int32_t(i));
      if (binding->alias() >= 0)
        text += " alias " + nameOf(binding->alias());
      text += " : " + tensor(binding->type(), binding->dims()) + "\n";
    }
    static const char *rules[] = {"equal", "at_most", "multiple_of"};
    for (uint32_t i = 0; i < sizeOf(engine.constraints()); ++i) {
      const schema::Constraint *rule = engine.constraints()->Get(i);
      text += "  engine.constraint " + expr(rule->lhs()) + " " +
              rules[int(rule->kind())] + " " + expr(rule->rhs()) + ", " +
              stringLiteral(textOf(rule->text())) + "\n";
    }
  }

  void value(uint32_t index, const schema::Value &value) {
    text += "    %" + std::to_string(index) + " = engine.";
    auto bound = [&](const char *kind) {
      text += std::string(kind) + " " +
              stringLiteral(textOf(
                  engine.bindings()->Get(uint32_t(value.index()))->name()));
    };
    switch (value.kind()) {
    case ValueKind::Temp:
      text += "temp";
      break;
    case ValueKind::Constant: {
      const schema::Constant *constant =
          variant.constants()->Get(uint32_t(value.index()));
      text += "constant " + stringList(constant->initializers());
      if (constant->kind() == schema::ConstantKind::Packed)
        text += " pack(" + stringLiteral(textOf(constant->recipe())) + ")";
      break;
    }
    case ValueKind::Alias:
      text += "alias %" + std::to_string(value.base()) + " at " +
              expr(value.offset());
      break;
    case ValueKind::Input:
      bound("input");
      break;
    case ValueKind::Output:
      bound("output");
      break;
    default:
      bound("state");
      break;
    }
    text += " bytes(" + expr(value.size()) +
            ") : " + tensor(value.type(), value.dims()) + "\n";
  }

  std::string valueList(uint32_t first, uint32_t end,
                        const flatbuffers::Vector<uint32_t> *values) const {
    std::string list;
    for (uint32_t i = first; i < end; ++i)
      list += (i > first ? ", %" : "%") + std::to_string(values->Get(i));
    return list;
  }

  void launch(const schema::Launch &launch) {
    for (uint32_t i = 0; i < sizeOf(launch.choices()); ++i) {
      const schema::LaunchChoice *choice = launch.choices()->Get(i);
      text +=
          (i ? " else " : "") +
          symbol(textOf(variant.kernels()->Get(choice->kernel())->symbol()));
      if (choice->guard() >= 0)
        text += " if(" + expr(choice->guard()) + ")";
      text += " tasks(" + expr(choice->tasks()) + ") grain(" +
              (choice->grain() < 0 ? "1" : expr(choice->grain())) +
              ") scratch(" + expr(choice->scratch()) + ")";
      if (sizeOf(choice->grid()) == 3)
        text += " grid(" + expr(choice->grid()->Get(0)) + ", " +
                expr(choice->grid()->Get(1)) + ", " +
                expr(choice->grid()->Get(2)) + ")";
    }
    uint32_t count = launch.buffers() ? launch.buffers()->size() : 0;
    text += " ins(" + valueList(0, launch.first_output(), launch.buffers()) +
            ") outs(" +
            valueList(launch.first_output(), count, launch.buffers()) +
            ") scalars [";
    for (uint32_t i = 0; launch.scalars() && i < launch.scalars()->size(); ++i)
      text += (i ? ", " : "") + expr(launch.scalars()->Get(i));
    text += "] flops(" + expr(launch.flops()) + ") bytes(" +
            expr(launch.bytes()) + ")";
  }

  void block(uint32_t index, int depth) {
    const schema::Block *range = variant.blocks()->Get(index);
    for (uint32_t i = 0; i < range->count(); ++i)
      instruction(*variant.instructions()->Get(range->first() + i), depth);
  }

  void instruction(const schema::Instruction &instruction, int depth) {
    std::string indent(size_t(depth) * 2, ' ');
    std::string nodes = " nodes " + stringList(instruction.nodes());
    auto value = [](uint32_t index) { return "%" + std::to_string(index); };
    auto symbolName = [&](uint32_t index) {
      return stringLiteral(textOf(engine.symbols()->Get(index)->name()));
    };
    text += indent + "engine.";
    switch (instruction.operation_type()) {
    case Operation::Launch:
      text += "launch ";
      launch(*instruction.operation_as_Launch());
      text += nodes;
      break;
    case Operation::Copy: {
      const auto *copy = instruction.operation_as_Copy();
      int32_t size = copy->size() >= 0
                         ? copy->size()
                         : variant.values()->Get(copy->source())->size();
      text += "copy " + value(copy->source()) + " to " + value(copy->target()) +
              " bytes(" + expr(size) + ")" + nodes;
      break;
    }
    case Operation::Fill: {
      const auto *fill = instruction.operation_as_Fill();
      text += "fill " + value(fill->target()) + " with " +
              std::to_string(fill->byte()) + nodes;
      break;
    }
    case Operation::ReadBack: {
      const auto *read = instruction.operation_as_ReadBack();
      text += "read_back " + symbolName(read->symbol()) + " = " +
              value(read->value()) + "[" + expr(read->index()) +
              "] : " + typeName(read->type()) + nodes;
      break;
    }
    case Operation::SetSymbol: {
      const auto *set = instruction.operation_as_SetSymbol();
      text += "set " + symbolName(set->symbol()) + " = " + expr(set->expr()) +
              nodes;
      break;
    }
    case Operation::If: {
      const auto *branch = instruction.operation_as_If();
      text += "if " + expr(branch->condition()) + nodes + " {\n";
      block(branch->then_block(), depth + 1);
      if (branch->else_block() >= 0) {
        text += indent + "} else {\n";
        block(uint32_t(branch->else_block()), depth + 1);
      }
      text += indent + "}";
      break;
    }
    default: {
      const auto *loop = instruction.operation_as_While();
      text += "while " + expr(loop->condition()) + nodes + " before {\n";
      if (loop->condition_block() >= 0)
        block(uint32_t(loop->condition_block()), depth + 1);
      text += indent + "} do {\n";
      block(loop->body_block(), depth + 1);
      text += indent + "}";
      break;
    }
    }
    text += "\n";
  }

  const Inspected &inspected;
  const schema::Engine &engine;
  const schema::Variant &variant;
  std::string text;
};

} // namespace

std::string tenon::tools::programText(const Inspected &engine) {
  return Printer(engine).print();
}
