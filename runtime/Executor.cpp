//===- Executor.cpp - Running a program -----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/Executor.h"

#include "runtime/ElementType.h"
#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstring>

using namespace tenon;
using namespace tenon::runtime;
using schema::Operation;
using schema::ValueKind;

// More than any tensor has elements; keeps the pool's counter from overflow.
static constexpr int64_t kMostTasks = int64_t(1) << 48;

Executor::Executor(const Engine &engine, Outputs *outputs, char *empty)
    : engine(engine), program(engine.program()), empty(empty),
      outputs(outputs) {
  pointers.assign(program.values.size(), nullptr);
  bytes.assign(program.values.size(), 0);
  buffers.assign(program.mostBuffers, nullptr);
  scalars.assign(program.mostScalars, 0);
}

void Executor::begin(const Plan &plan, char *arena) {
  symbols = plan.symbols;
  exprs = plan.exprs;
  bytes = plan.bytes;
  for (uint32_t v = 0; v < program.values.size(); ++v) {
    const Value &value = program.values[v];
    pointers[v] = nullptr;
    if (plan.bytes[v] < 0)
      continue;
    if (value.kind == ValueKind::Temp && !value.dynamic)
      pointers[v] = plan.bytes[v] ? arena + plan.place[v] : empty;
    else if (value.kind == ValueKind::Constant)
      pointers[v] = engine.constants()[size_t(value.index)];
  }
}

void Executor::settle(const Plan &plan) {
  for (uint32_t v = 0; v < program.values.size(); ++v) {
    const Value &value = program.values[v];
    if (value.kind == ValueKind::Alias && plan.bytes[v] >= 0 &&
        !value.dynamic && pointers[value.base])
      pointers[v] = pointers[value.base] + plan.place[v];
  }
}

Status Executor::failAt(TenonStatus code, uint32_t index,
                        const std::string &what) const {
  std::string where = "instruction " + std::to_string(index);
  const Instruction &instruction = program.instructions[index];
  std::string nodes = program.nodeNames(index);
  std::string details;
  if (instruction.kind == Operation::Launch) {
    const Choice &choice = program.choices[instruction.choices.first];
    details =
        "kernel '" + std::string(program.kernels[choice.kernel].name) + "'";
  }
  if (!nodes.empty())
    details += (details.empty() ? "nodes " : ", nodes ") + nodes;
  if (!details.empty())
    where += " (" + details + ")";
  return Status(code, where + ": " + what);
}

Status Executor::number(uint32_t expr, uint32_t index, const char *what,
                        int64_t &number) const {
  if (exprs.get(expr, number))
    return {};
  return failAt(TENON_INVALID_INPUT, index,
                std::string(what) + " " + engine.exprs().text(expr) +
                    " is not defined for these sizes (overflow, or division "
                    "by zero)");
}

Status Executor::runBlock(uint32_t block) {
  const Block &range = program.blocks[block];
  for (uint32_t i = range.first; i < range.first + range.count; ++i) {
    if (stop.load(std::memory_order_relaxed))
      return Status(TENON_CANCELLED, "the run was cancelled");
    if (!profile) {
      TENON_TRY(runInstruction(i));
      continue;
    }
    InstructionProfile &row = (*profile)[i];
    TENON_TRY(measure(i, row));
    ++row.calls;
    const Instruction &instruction = program.instructions[i];
    int64_t count;
    if (instruction.flops >= 0 && exprs.get(size_t(instruction.flops), count))
      row.flops += double(count);
    if (instruction.bytes >= 0 && exprs.get(size_t(instruction.bytes), count))
      row.bytes += double(count);
  }
  return endOfLine();
}

Status Executor::measure(uint32_t index, InstructionProfile &row) {
  auto start = std::chrono::steady_clock::now();
  TENON_TRY(runInstruction(index));
  std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  row.seconds += time.count();
  return {};
}

Status Executor::runInstruction(uint32_t index) {
  const Instruction &instruction = program.instructions[index];
  switch (instruction.kind) {
  case Operation::Launch:
    return launch(instruction, index);
  case Operation::Copy:
    return copy(instruction, index);
  case Operation::Fill: {
    char *target;
    TENON_TRY(pointer(instruction.target, index, target));
    return fillBytes(index, target, instruction.byte,
                     bytes[instruction.target]);
  }
  case Operation::ReadBack:
    return readBack(instruction, index);
  case Operation::SetSymbol: {
    int64_t value;
    TENON_TRY(number(uint32_t(instruction.expr), index, "number", value));
    return setSymbol(instruction.symbol, value, index);
  }
  case Operation::If: {
    int64_t condition;
    TENON_TRY(endOfLine());
    TENON_TRY(
        number(uint32_t(instruction.expr), index, "condition", condition));
    int32_t block =
        condition ? instruction.firstBlock : instruction.secondBlock;
    return block >= 0 ? runBlock(uint32_t(block)) : Status();
  }
  case Operation::While:
    TENON_TRY(endOfLine());
    while (true) {
      if (stop.load(std::memory_order_relaxed))
        return Status(TENON_CANCELLED, "the run was cancelled");
      if (instruction.firstBlock >= 0)
        TENON_TRY(runBlock(uint32_t(instruction.firstBlock)));
      int64_t condition;
      TENON_TRY(
          number(uint32_t(instruction.expr), index, "condition", condition));
      if (!condition)
        return {};
      TENON_TRY(runBlock(uint32_t(instruction.secondBlock)));
    }
  default:
    return failAt(TENON_INTERNAL, index, "unknown operation");
  }
}

Status Executor::launch(const Instruction &instruction, uint32_t index) {
  const Choice *choice = &program.choices[instruction.choices.first];
  const Choice *end = choice + instruction.choices.count;
  for (; choice != end; ++choice) {
    int64_t guard = 1;
    if (choice->guard >= 0)
      TENON_TRY(number(uint32_t(choice->guard), index, "guard", guard));
    if (guard > 0)
      break;
  }
  if (choice == end)
    return failAt(TENON_INVALID_ENGINE, index,
                  "none of its kernels takes these sizes");
  int64_t tasks;
  TENON_TRY(number(choice->tasks, index, "number of tasks", tasks));
  if (tasks <= 0)
    return {};
  if (tasks > kMostTasks)
    return failAt(TENON_INVALID_INPUT, index, "too many tasks");
  for (uint32_t k = 0; k < instruction.buffers.count; ++k) {
    uint32_t value = program.buffers[instruction.buffers.first + k];
    char *data;
    TENON_TRY(pointer(value, index, data));
    buffers[k] = data;
  }
  for (uint32_t k = 0; k < instruction.scalars.count; ++k)
    TENON_TRY(number(program.scalars[instruction.scalars.first + k], index,
                     "scalar", scalars[k]));
  if (profile)
    (*profile)[index].choice = uint32_t(choice - program.choices.data());
  return launchKernel(instruction, index, *choice, tasks);
}

Status Executor::kernelFault(uint32_t index, uint32_t kernel,
                             const TenonErrorRecord &record) const {
  std::string what;
  if (record.code == TENON_KERNEL_INDEX_OUT_OF_RANGE)
    what = formatText("index %" PRId64 " is out of range, expected below "
                      "%" PRId64,
                      record.values[0], record.values[1]);
  else if (record.code == TENON_KERNEL_DIVISION_BY_ZERO)
    what = "integer division by zero";
  else
    what = formatText("the kernel failed with code %d", record.code);
  std::string nodes = program.nodeNames(index);
  return Status(TENON_KERNEL_ERROR,
                "instruction " + std::to_string(index) + " (kernel '" +
                    program.kernels[kernel].name + "'" +
                    (nodes.empty() ? "" : ", nodes " + nodes) + "): " + what);
}

Status Executor::copy(const Instruction &instruction, uint32_t index) {
  char *source, *target;
  TENON_TRY(pointer(instruction.source, index, source));
  TENON_TRY(pointer(instruction.target, index, target));
  int64_t size = bytes[instruction.source];
  if (instruction.expr >= 0)
    TENON_TRY(number(uint32_t(instruction.expr), index, "size", size));
  if (size < 0 || size > bytes[instruction.source] ||
      size > bytes[instruction.target])
    return failAt(TENON_INVALID_ENGINE, index,
                  formatText("copy of %" PRId64 " bytes from %" PRId64
                             " bytes to %" PRId64,
                             size, bytes[instruction.source],
                             bytes[instruction.target]));
  return copyBytes(index, target, source, size);
}

template <typename T> static int64_t loadAs(const char *data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return int64_t(value);
}

Status Executor::readBack(const Instruction &instruction, uint32_t index) {
  char *data;
  TENON_TRY(pointer(instruction.source, index, data));
  int64_t element = 0, width = elementBits(instruction.type) / 8;
  if (instruction.expr >= 0)
    TENON_TRY(number(uint32_t(instruction.expr), index, "index", element));
  int64_t elements = bytes[instruction.source] / width;
  if (element < 0 || element >= elements)
    return failAt(
        TENON_INVALID_ENGINE, index,
        formatText("reads element %" PRId64 " of %" PRId64, element, elements));
  char item[8];
  TENON_TRY(fetch(index, data + element * width, width, item));
  data = item;
  int64_t value = 0;
  switch (instruction.type) {
  case TENON_BOOL:
    value = *data != 0;
    break;
  case TENON_INT8:
    value = loadAs<int8_t>(data);
    break;
  case TENON_UINT8:
    value = loadAs<uint8_t>(data);
    break;
  case TENON_INT16:
    value = loadAs<int16_t>(data);
    break;
  case TENON_UINT16:
    value = loadAs<uint16_t>(data);
    break;
  case TENON_INT32:
    value = loadAs<int32_t>(data);
    break;
  case TENON_UINT32:
    value = loadAs<uint32_t>(data);
    break;
  default:
    value = loadAs<int64_t>(data);
    break;
  }
  return setSymbol(instruction.symbol, value, index);
}

Status Executor::setSymbol(uint32_t symbol, int64_t value, uint32_t index) {
  const Symbol &info = engine.interface().symbols()[symbol];
  if (value < info.min || value > info.max)
    return failAt(TENON_KERNEL_ERROR, index,
                  formatText("'%s' is %" PRId64 ", must be from %" PRId64
                             " to %" PRId64,
                             info.name.c_str(), value, info.min, info.max));
  if (symbols.defined[symbol] && symbols.value[symbol] == value)
    return {};
  symbols.set(symbol, value);
  const SymbolUses &uses = program.symbolUses[symbol];
  for (uint32_t expr : uses.exprs)
    engine.exprs().evaluate(expr, symbols, exprs);
  for (uint32_t v : uses.values)
    pointers[v] = nullptr;
  return {};
}

/// Gives a value without a pointer its memory, now that it is used.
Status Executor::resolve(uint32_t v, uint32_t index) {
  const Value &value = program.values[v];
  auto name = [&] {
    std::string text = "size of value " + std::to_string(v);
    return *value.name ? text + " ('" + value.name + "')" : text;
  };
  int64_t size;
  if (!exprs.get(value.size, size))
    return number(value.size, index, name().c_str(), size);
  if (size < 0)
    return failAt(TENON_INVALID_INPUT, index,
                  name() + " is negative: " + std::to_string(size));

  if (value.kind == ValueKind::Alias) {
    char *base;
    int64_t offset;
    TENON_TRY(pointer(uint32_t(value.base), index, base));
    TENON_TRY(number(uint32_t(value.offset), index, "offset", offset));
    int64_t whole = bytes[size_t(value.base)];
    if (offset < 0 || offset > whole || size > whole - offset)
      return failAt(TENON_INVALID_ENGINE, index,
                    formatText("value %u: bytes %" PRId64 " + %" PRId64
                               " are past the end of value %d (%" PRId64
                               " bytes)",
                               v, offset, size, value.base, whole));
    pointers[v] = base + offset;
    bytes[v] = size;
    return {};
  }

  if (value.kind == ValueKind::Output && outputs) {
    const Binding &binding = engine.interface().bindings()[size_t(value.index)];
    int64_t whole;
    if (!engine.interface().bytes(binding, exprs, whole) || size > whole)
      return failAt(TENON_INVALID_INPUT, index,
                    formatText("output '%s': its dimensions are not all known "
                               "or not legal",
                               binding.name));
    TENON_TRY(outputs->allocate(uint32_t(value.index), whole, pointers[v]));
    bytes[v] = size;
    return {};
  }

  if (value.kind == ValueKind::Temp && value.dynamic) {
    if (size == 0)
      pointers[v] = empty;
    else
      TENON_TRY(growOwn(index, v, uint64_t(size), pointers[v]));
    bytes[v] = size;
    return {};
  }
  return failAt(TENON_INTERNAL, index, name() + ": no memory was assigned");
}
