//===- Liveness.cpp - How many registers a kernel would take --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   1. operands of each instruction: what it reads and what it writes
//   2. blocks of instructions, and which follow which
//   3. for each register, the blocks at whose end it is live: backward from
//      each block that reads it first, until a block that writes it
//   4. backward through each block, the sum of what is live
//
// A write under a guard leaves the old value in some threads, so it ends
// nothing.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Liveness.h"
#include "sim/ptx/Instructions.h"

#include <algorithm>

using namespace tenon::sim;
using namespace tenon::sim::ptx;

/// Entries of all lists of live registers together.
static constexpr size_t kMaxLiveEntries = 1u << 23;

namespace {

class Liveness {
public:
  explicit Liveness(const Function &function) : function(function) {}
  unsigned run();

private:
  void findWeights();
  void findBlocks();
  void addEdge(uint32_t from, uint32_t label);
  void findLiveOut();
  unsigned pressure(uint32_t block);

  /// Calls `read(register)` and `write(register)`.
  template <typename R, typename W>
  void operandsOf(const Instruction &instruction, R read, W write) const;
  template <typename F> void registersOf(const Operand &operand, F each) const;

  struct Block {
    uint32_t begin, end;
    std::vector<uint32_t> before;
  };
  const Function &function;
  std::vector<uint8_t> weights; ///< of each register, in 32-bit registers
  std::vector<Block> blocks;
  std::vector<uint32_t> blockAt; ///< of each instruction
  std::vector<std::vector<uint32_t>> liveOut;
  std::vector<uint32_t> stamps; ///< of registers: live in block n - 1
};

} // namespace

template <typename F>
void Liveness::registersOf(const Operand &operand, F each) const {
  switch (operand.kind) {
  case Operand::Kind::Register:
    return each(operand.index);
  case Operand::Kind::Address:
    if (operand.base == Operand::Kind::Register)
      each(operand.index);
    return;
  case Operand::Kind::Vector:
  case Operand::Kind::Pair:
  case Operand::Kind::List:
    // Elements do not nest further than the parser's depth.
    for (unsigned i = 0;
         i <
         (operand.kind == Operand::Kind::Pair ? 2u : unsigned(operand.count));
         ++i)
      registersOf(function.elements[operand.index + i], each);
    return;
  default:
    return;
  }
}

template <typename R, typename W>
void Liveness::operandsOf(const Instruction &instruction, R read,
                          W write) const {
  if (instruction.guard != kNone)
    read(instruction.guard);
  const Form &form = forms()[instruction.form];
  bool isCall = !form.operands.empty() &&
                form.operands[0].kind == OperandSpec::Kind::Call;
  bool calleeSeen = false;
  for (size_t i = 0; i < instruction.operands.size(); ++i) {
    const Operand &operand = instruction.operands[i];
    bool isWritten;
    if (isCall) {
      // (results), callee, (arguments), prototype
      isWritten = operand.kind == Operand::Kind::List && !calleeSeen;
      calleeSeen |= operand.kind != Operand::Kind::List;
    } else {
      isWritten = i < form.operands.size() && form.operands[i].destination;
    }
    if (isWritten)
      registersOf(operand, write);
    else
      registersOf(operand, read);
  }
}

/// Whether ptxas computes the result again wherever it is used.
static bool isFree(const Instruction &instruction) {
  std::string_view name = opcodes()[instruction.opcode].name;
  if (instruction.guard != kNone || instruction.operands.size() < 2)
    return false;
  const Operand &source = instruction.operands[1];
  if (name == "ld") {
    Mod space = instruction.get(Field::Space);
    return (space == Mod::Param || space == Mod::ParamEntry) &&
           source.kind == Operand::Kind::Address &&
           source.base == Operand::Kind::Variable;
  }
  return name == "mov" && (source.kind == Operand::Kind::Immediate ||
                           source.kind == Operand::Kind::Variable ||
                           source.kind == Operand::Kind::Special);
}

void Liveness::findWeights() {
  weights.assign(function.registers.size(), 0);
  for (size_t i = 0; i < weights.size(); ++i) {
    Type type = function.registers[i];
    const RegisterGroup &group = function.groupOf(uint32_t(i));
    unsigned words = kindOf(type) == TypeKind::Predicate
                         ? 0
                         : std::max(1u, bitsOf(type) / 32) * group.vector;
    weights[i] = uint8_t(std::min(words, 16u));
  }
  // Written once, by an instruction that costs nothing; or a copy of such one.
  std::vector<uint8_t> writes(weights.size()), free(weights.size());
  for (const Instruction &instruction : function.instructions) {
    bool costsNothing = isFree(instruction);
    std::string_view name = opcodes()[instruction.opcode].name;
    if (name == "cvta" && instruction.operands.size() == 2 &&
        instruction.operands[1].kind == Operand::Kind::Register)
      costsNothing = free[instruction.operands[1].index];
    operandsOf(
        instruction, [](uint32_t) {},
        [&](uint32_t index) {
          writes[index] = uint8_t(std::min(writes[index] + 1, 2));
          free[index] = costsNothing;
        });
  }
  for (size_t i = 0; i < weights.size(); ++i)
    if (free[i] && writes[i] == 1)
      weights[i] = 0;
}

void Liveness::addEdge(uint32_t from, uint32_t label) {
  uint32_t target = function.labels[label].instruction;
  if (target < function.instructions.size())
    blocks[blockAt[target]].before.push_back(from);
}

void Liveness::findBlocks() {
  size_t count = function.instructions.size();
  std::vector<bool> starts(count + 1);
  starts[0] = true;
  for (const Label &label : function.labels)
    if (label.instruction < count)
      starts[label.instruction] = true;
  auto isJump = [&](const Instruction &instruction) {
    std::string_view name = opcodes()[instruction.opcode].name;
    return name == "bra" || name == "brx.idx" || name == "ret" ||
           name == "exit";
  };
  for (size_t i = 0; i < count; ++i)
    if (isJump(function.instructions[i]))
      starts[i + 1] = true;
  blockAt.resize(count);
  for (uint32_t i = 0; i < count; ++i) {
    if (starts[i])
      blocks.push_back({i, i, {}});
    blockAt[i] = uint32_t(blocks.size() - 1);
    blocks.back().end = i + 1;
  }
  for (uint32_t b = 0; b < blocks.size(); ++b) {
    const Instruction &last = function.instructions[blocks[b].end - 1];
    if (isJump(last)) {
      for (const Operand &operand : last.operands) {
        if (operand.kind == Operand::Kind::Label)
          addEdge(b, operand.index);
        else if (operand.kind == Operand::Kind::Table)
          for (uint32_t target : function.tables[operand.index].targets)
            addEdge(b, target);
      }
      if (last.guard == kNone)
        continue;
    }
    if (b + 1 < blocks.size())
      blocks[b + 1].before.push_back(b);
  }
}

void Liveness::findLiveOut() {
  // Blocks that read a register before they write it, and those that write it.
  size_t count = weights.size();
  std::vector<std::vector<uint32_t>> readers(count), writers(count);
  std::vector<uint32_t> written(count, kNone), seen(count, kNone);
  for (uint32_t b = 0; b < blocks.size(); ++b) {
    for (uint32_t i = blocks[b].begin; i < blocks[b].end; ++i) {
      const Instruction &instruction = function.instructions[i];
      operandsOf(
          instruction,
          [&](uint32_t index) {
            if (weights[index] && written[index] != b && seen[index] != b) {
              seen[index] = b;
              readers[index].push_back(b);
            }
          },
          [](uint32_t) {});
      if (instruction.guard != kNone)
        continue;
      operandsOf(
          instruction, [](uint32_t) {},
          [&](uint32_t index) {
            if (weights[index] && written[index] != b) {
              written[index] = b;
              writers[index].push_back(b);
            }
          });
    }
  }
  liveOut.resize(blocks.size());
  std::vector<uint32_t> isOut(blocks.size(), kNone), isIn(blocks.size(), kNone),
      writes(blocks.size(), kNone);
  size_t entries = 0;
  for (uint32_t index = 0; index < count; ++index) {
    for (uint32_t b : writers[index])
      writes[b] = index;
    std::vector<uint32_t> work = readers[index];
    for (uint32_t b : work)
      isIn[b] = index;
    while (!work.empty()) {
      uint32_t b = work.back();
      work.pop_back();
      for (uint32_t before : blocks[b].before) {
        if (isOut[before] == index)
          continue;
        isOut[before] = index;
        if (++entries > kMaxLiveEntries)
          return;
        liveOut[before].push_back(index);
        if (writes[before] != index && isIn[before] != index) {
          isIn[before] = index;
          work.push_back(before);
        }
      }
    }
  }
}

unsigned Liveness::pressure(uint32_t b) {
  unsigned live = 0, most = 0;
  auto add = [&](uint32_t index) {
    if (stamps[index] != b + 1) {
      stamps[index] = b + 1;
      live += weights[index];
    }
  };
  for (uint32_t index : liveOut[b])
    add(index);
  most = live;
  for (uint32_t i = blocks[b].end; i-- > blocks[b].begin;) {
    const Instruction &instruction = function.instructions[i];
    // A result needs a place even if nothing reads it.
    operandsOf(instruction, [](uint32_t) {}, add);
    most = std::max(most, live);
    if (instruction.guard == kNone)
      operandsOf(
          instruction, [](uint32_t) {},
          [&](uint32_t index) {
            if (stamps[index] == b + 1) {
              stamps[index] = 0;
              live -= weights[index];
            }
          });
    operandsOf(instruction, add, [](uint32_t) {});
    most = std::max(most, live);
  }
  return most;
}

unsigned Liveness::run() {
  if (function.instructions.empty())
    return 0;
  findWeights();
  findBlocks();
  findLiveOut();
  stamps.assign(weights.size(), 0);
  unsigned most = 0;
  for (uint32_t b = 0; b < blocks.size(); ++b)
    most = std::max(most, pressure(b));
  return most;
}

unsigned tenon::sim::exec::maxLiveRegisters(const Function &function) {
  return Liveness(function).run();
}

/// Functions that `function` may call, itself among them; a pointer may lead to
/// any that is defined and not a kernel.
static std::vector<const Function *> reachable(const Module &module,
                                               const Function &function) {
  std::vector<const Function *> found = {&function};
  std::vector<bool> known(module.functions.size());
  auto reach = [&](uint32_t index) {
    if (known[index] || !module.functions[index].isDefined)
      return;
    known[index] = true;
    found.push_back(&module.functions[index]);
  };
  for (size_t at = 0; at < found.size(); ++at) {
    const Function &caller = *found[at];
    for (const Instruction &instruction : caller.instructions) {
      if (opcodes()[instruction.opcode].name != "call")
        continue;
      bool isDirect = false;
      for (const Operand &operand : instruction.operands)
        if (operand.kind == Operand::Kind::Function) {
          isDirect = true;
          reach(operand.index);
        }
      if (!isDirect)
        for (uint32_t i = 0; i < module.functions.size(); ++i)
          if (!module.functions[i].isEntry)
            reach(i);
    }
  }
  return found;
}

unsigned tenon::sim::exec::estimateRegisters(const Module &module,
                                             const Function &function) {
  // What ptxas adds to the live values of a kernel of any size; the least that
  // it reports for one that does something; the caller's share by the ABI.
  constexpr unsigned kReserve = 6, kLeast = 16, kLeastWithCalls = 24;
  std::vector<const Function *> functions = reachable(module, function);
  unsigned most = functions.size() > 1 ? kLeastWithCalls : kLeast;
  for (const Function *each : functions)
    most = std::max(most, maxLiveRegisters(*each) + kReserve);
  unsigned limit = 255;
  for (const FunctionDirective &directive : function.directives) {
    uint64_t product = 1;
    for (uint64_t value : directive.values)
      product *= std::clamp<uint64_t>(value, 1, 4096);
    if (directive.name == "maxnreg" && !directive.values.empty())
      limit = unsigned(std::min<uint64_t>(limit, directive.values[0]));
    else if (directive.name == "maxntid" || directive.name == "reqntid")
      // 65536 registers for the block, in steps of 8 a thread.
      limit = unsigned(std::min<uint64_t>(
          limit, std::max<uint64_t>(
                     65536 / std::max<uint64_t>(product, 1) / 8 * 8, kLeast)));
  }
  return std::min(most, limit);
}
