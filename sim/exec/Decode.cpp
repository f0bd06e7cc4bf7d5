//===- Decode.cpp - From checked PTX to ops -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For each function:
//  1. registers get rows, local variables and parameters get their places;
//  2. each instruction becomes one op; special registers, addresses that only
//     the running block knows, and negated predicates are first read into a
//     temporary row by an op of their own;
//  3. labels become op indices, and ops get their rank (Order.h).
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Decode.h"
#include "sim/exec/Handlers.h"
#include "sim/exec/Order.h"
#include "sim/exec/Select.h"
#include "sim/ptx/Check.h"
#include "sim/ptx/Fragments.h"
#include "sim/ptx/Instructions.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <tuple>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Instruction;
using ptx::Mod;
using ptx::Operand;
using ptx::OperandSpec;
using ptx::Type;

uint32_t tenon::sim::exec::laneBytes(Type type) {
  unsigned bits = ptx::bitsOf(type);
  return type == Type::Pred ? 0 : bits <= 16 ? 2 : bits / 8;
}

/// Of a call: the return address and some registers; ptxas saves 16 to 40.
static constexpr uint32_t kSavedBytes = 24;

static uint64_t alignTo(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

std::string_view Program::line(uint32_t number) const {
  if (number == 0 || number > lines.size())
    return {};
  size_t begin = lines[number - 1];
  size_t end = number < lines.size() ? lines[number] : text.size();
  std::string_view result = std::string_view(text).substr(begin, end - begin);
  while (!result.empty() && std::isspace(uint8_t(result.back())))
    result.remove_suffix(1);
  while (!result.empty() && std::isspace(uint8_t(result.front())))
    result.remove_prefix(1);
  return result;
}

const Instruction *Program::instruction(uint32_t pc) const {
  const OpInfo &info = infos[pc];
  const ptx::Function &function = module.functions[info.function];
  // An op that the decoder added belongs to the next instruction.
  while (pc < infos.size() && infos[pc].instruction == ptx::kNone)
    ++pc;
  if (pc >= infos.size() || infos[pc].function != info.function)
    return nullptr;
  return &function.instructions[infos[pc].instruction];
}

Handler tenon::sim::exec::selectFamily(const Instruction &instruction,
                                       const RowWidths &widths, Op &op) {
  static const bool hasV4 =
      __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#define TENON_SIM_TRY(name)                                                    \
  if (Handler handler = hasV4 ? v4::name(instruction, widths, op)              \
                              : v3::name(instruction, widths, op))             \
    return handler;
  TENON_SIM_FAMILIES(TENON_SIM_TRY)
#undef TENON_SIM_TRY
  return nullptr;
}

namespace {

class Decoder {
public:
  Decoder(Program &program, std::vector<Placement> &placements)
      : program(program), module(program.module), placements(placements) {}

  std::optional<DecodeError> run();

private:
  Program &program;
  const ptx::Module &module;
  std::vector<Placement> &placements;
  std::optional<DecodeError> failure;

  /// Of the function at hand.
  const ptx::Function *function = nullptr;
  FunctionCode *code = nullptr;
  std::vector<Row> rows; ///< of each dense register index
  uint32_t temporaries = 0, mostTemporaries = 0;
  uint32_t temporaryBase = 0;

  /// By value, low and high half, and width.
  std::map<std::tuple<uint64_t, uint64_t, unsigned>, Row> constantRows;

  CallSlot place(uint32_t variable, uint32_t &local);
  void layOut();
  void body(uint32_t index);
  void instruction(const Instruction &source, uint32_t index);
  /// Gives how many of the op's list are destinations.
  unsigned operands(const Instruction &source, const ptx::Form &form, Op &op,
                    RowWidths &widths);
  void call(const Instruction &source, Op &op);
  void fail(const ptx::Place &place, std::string message) {
    if (!failure)
      failure = {place, std::move(message)};
  }

  Row constant(uint64_t low, unsigned width, uint64_t high = 0);
  Row predicateConstant(bool value) {
    return constant(value ? kAllLanes : 0, 0);
  }
  Row temporary();
  Row registerRow(const Operand &operand) const;
  Row source(const Operand &operand, Type type, unsigned &width);
  Row destination(const Operand &operand, Type type, unsigned &width);
  void address(const Operand &operand, Row &row, unsigned &width,
               int64_t &offset);
  void variableAddress(uint32_t variable, int64_t offset, Row &row,
                       unsigned &width);
  Op &add(uint32_t instruction) {
    program.ops.emplace_back();
    program.infos.push_back(
        {uint32_t(code - program.functions.data()), instruction, 0, false, 0});
    return program.ops.back();
  }
  void addList(Op &op, Row row) {
    if (op.listCount == 0)
      op.list = uint32_t(program.lists.size());
    program.lists.push_back(row);
    ++op.listCount;
  }
};

} // namespace

/// A row with one value in each lane. Width 0 is a predicate.
Row Decoder::constant(uint64_t low, unsigned width, uint64_t high) {
  if (width == 2)
    low &= 0xffff;
  else if (width == 4 || width == 0)
    low &= 0xffffffff;
  if (width != 16)
    high = 0;
  auto key = std::tuple(low, high, width);
  auto found = constantRows.find(key);
  if (found != constantRows.end())
    return found->second;
  uint32_t bytes = width ? width * kWarpSize : 64;
  size_t at = program.constants.size() * 8;
  program.constants.resize((at + alignTo(bytes, 64)) / 8);
  char *data = reinterpret_cast<char *>(program.constants.data()) + at;
  if (width == 0) {
    std::memcpy(data, &low, 4);
  } else if (width == 16) {
    for (unsigned lane = 0; lane < kWarpSize; ++lane) {
      std::memcpy(data + lane * 8, &low, 8);
      std::memcpy(data + 256 + lane * 8, &high, 8);
    }
  } else {
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      std::memcpy(data + lane * width, &low, width);
  }
  Row row = Row(at) | 1;
  constantRows.emplace(key, row);
  return row;
}

/// Temporaries live for one op.
Row Decoder::temporary() {
  Row row = temporaryBase + temporaries * 256;
  ++temporaries;
  mostTemporaries = std::max(mostTemporaries, temporaries);
  return row;
}

Row Decoder::registerRow(const Operand &operand) const {
  Row row = rows[operand.index];
  if (operand.element != 0xff)
    row += operand.element *
           std::max<uint32_t>(4, laneBytes(operand.type) * kWarpSize);
  return row;
}

/// Gives the parameter or result of a function its place.
CallSlot Decoder::place(uint32_t variable, uint32_t &local) {
  const ptx::Variable &declared = module.variables[variable];
  CallSlot slot;
  slot.bytes = uint32_t(declared.size());
  if (declared.space == Mod::None) {
    // A .reg parameter. It is also a register of the function, by its name.
    slot.width = uint8_t(laneBytes(declared.type));
    for (const ptx::RegisterGroup &group : function->registerGroups)
      if (group.name == declared.name && !group.isRange) {
        slot.row = rows[group.first];
        break;
      }
    placements[variable] = {Placement::Kind::Register, slot.row};
    return slot;
  }
  local = uint32_t(alignTo(local, std::max(8u, declared.effectiveAlignment())));
  slot.local = local;
  placements[variable] = {Placement::Kind::CallParameter, local};
  local += std::max(8u, slot.bytes);
  return slot;
}

/// Rows of the registers, places of local variables and parameters.
void Decoder::layOut() {
  uint32_t at = kFirstRow;
  rows.assign(function->registers.size(), kNoRow);
  for (const ptx::RegisterGroup &group : function->registerGroups)
    if (group.type == Type::Pred)
      for (uint32_t i = 0; i < group.count; ++i) {
        rows[group.first + i] = at;
        at += 4 * group.vector;
      }
  at = uint32_t(alignTo(at, 64));
  for (const ptx::RegisterGroup &group : function->registerGroups)
    if (group.type != Type::Pred)
      for (uint32_t i = 0; i < group.count; ++i) {
        rows[group.first + i] = at;
        at += laneBytes(group.type) * kWarpSize * group.vector;
      }
  at = uint32_t(alignTo(at, 64));
  temporaryBase = at;
  mostTemporaries = 0;

  uint32_t local = 0;
  if (!code->isEntry) {
    code->parameters.clear();
    for (uint32_t variable : function->signature.parameters)
      code->parameters.push_back(place(variable, local));
    for (uint32_t variable : function->signature.results)
      code->results.push_back(place(variable, local));
  }
  auto index = uint32_t(function - module.functions.data());
  for (uint32_t i = 0; i < module.variables.size(); ++i) {
    const ptx::Variable &variable = module.variables[i];
    if (variable.owner != index || placements[i].kind != Placement::Kind::None)
      continue;
    if (variable.space != Mod::Local && variable.space != Mod::Param)
      continue;
    local =
        uint32_t(alignTo(local, std::max(8u, variable.effectiveAlignment())));
    placements[i] = {variable.space == Mod::Local
                         ? Placement::Kind::Local
                         : Placement::Kind::CallParameter,
                     local};
    local += uint32_t(std::max<uint64_t>(variable.size(), 8));
    if (variable.space == Mod::Local)
      code->stackBytes += uint32_t(alignTo(variable.size(), 8));
  }
  code->localBytes = uint32_t(alignTo(local, 16));
  if (!code->isEntry)
    code->stackBytes += kSavedBytes;
}

/// The address of a variable, in its state space.
void Decoder::variableAddress(uint32_t variable, int64_t offset, Row &row,
                              unsigned &width) {
  const Placement &placement = placements[variable];
  switch (placement.kind) {
  case Placement::Kind::Fixed:
    row = constant(placement.value + uint64_t(offset), width);
    return;
  case Placement::Kind::DynamicShared:
  case Placement::Kind::Local:
  case Placement::Kind::CallParameter: {
    // Only the running frame or block knows.
    row = temporary();
    Op &op = add(ptx::kNone);
    op.d = row;
    op.imm = offset;
    if (placement.kind == Placement::Kind::DynamicShared) {
      op.run = dynamicSharedAddress(width);
    } else {
      op.run = localAddress(width);
      op.imm += int64_t(placement.value);
      if (placement.kind == Placement::Kind::CallParameter)
        op.imm += kCallParameter;
    }
    return;
  }
  case Placement::Kind::Register:
  case Placement::Kind::None:
    break;
  }
  fail(module.variables[variable].place, "the address of '" +
                                             module.variables[variable].name +
                                             "' cannot be taken");
}

/// A value to read; `width` is that of `type`, or of the register if it is
/// wider.
Row Decoder::source(const Operand &operand, Type type, unsigned &width) {
  width = laneBytes(type);
  switch (operand.kind) {
  case Operand::Kind::Register: {
    width = laneBytes(operand.type);
    Row row = registerRow(operand);
    if (!operand.negated)
      return row;
    Row result = temporary();
    Op &op = add(ptx::kNone);
    op.run = notPredicate();
    op.d = result;
    op.a = row;
    return result;
  }
  case Operand::Kind::Immediate: {
    if (type == Type::Pred)
      return predicateConstant((operand.value != 0) != operand.negated);
    uint64_t bits = uint64_t(operand.value);
    // PTX ISA 4.5: numbers take the type of the instruction.
    if (type == Type::F32 && operand.type == Type::F64)
      bits = std::bit_cast<uint32_t>(float(std::bit_cast<double>(bits)));
    else if (type == Type::F64 && operand.type == Type::F32)
      bits =
          std::bit_cast<uint64_t>(double(std::bit_cast<float>(uint32_t(bits))));
    bool negative = operand.type == Type::S64 && operand.value < 0;
    return constant(bits, width, negative ? ~uint64_t(0) : 0);
  }
  case Operand::Kind::Special: {
    width = std::max(width, laneBytes(operand.type));
    if (operand.type == Type::Pred)
      width = 0;
    Row result = temporary();
    Op &op = add(ptx::kNone);
    op.run = readSpecial(operand.index, width, op);
    op.d = result;
    return result;
  }
  case Operand::Kind::Variable: {
    Row row = kNoRow;
    variableAddress(operand.index, operand.value, row, width);
    return row;
  }
  case Operand::Kind::Function:
    return constant(kFunctionWindow + operand.index * kFunctionStride, width);
  case Operand::Kind::Sink:
    return constant(0, width);
  default:
    break;
  }
  fail(operand.place, "this operand cannot be read");
  return constant(0, width);
}

Row Decoder::destination(const Operand &operand, Type type, unsigned &width) {
  width = laneBytes(type);
  if (operand.kind == Operand::Kind::Register) {
    width = laneBytes(operand.type);
    return registerRow(operand);
  }
  if (operand.kind != Operand::Kind::Sink)
    fail(operand.place, "this operand cannot be written");
  if (type == Type::Pred)
    return kScratchPredicate;
  return kScratchRow;
}

/// [base+offset]: the row of the base and the offset.
void Decoder::address(const Operand &operand, Row &row, unsigned &width,
                      int64_t &offset) {
  offset = operand.value;
  switch (operand.base) {
  case Operand::Kind::Register:
    row = registerRow(operand);
    width = laneBytes(operand.type);
    return;
  case Operand::Kind::Variable:
    width = 8;
    variableAddress(operand.index, 0, row, width);
    return;
  default:
    width = 8;
    row = constant(0, 8);
    return;
  }
}

static bool readsAsList(const OperandSpec &spec) {
  return spec.kind == OperandSpec::Kind::Fragment ||
         spec.countFrom != OperandSpec::Count::One;
}

unsigned Decoder::operands(const Instruction &source, const ptx::Form &form,
                           Op &op, RowWidths &widths) {
  Row *sources[] = {&op.a, &op.b, &op.c, &op.f};
  uint8_t *sourceWidths[] = {&widths.a, &widths.b, &widths.c, &widths.f};
  unsigned next = 0;
  bool hasDestination = false;
  std::vector<Row> list;
  size_t listWrites = 0;

  auto put = [&](Row row, unsigned width) {
    if (next < 4) {
      *sources[next] = row;
      *sourceWidths[next] = uint8_t(width);
    }
    ++next;
  };
  std::string_view opcode = ptx::opcodes()[source.opcode].name;

  for (size_t i = 0; i < source.operands.size() && i < form.operands.size();
       ++i) {
    const Operand &operand = source.operands[i];
    const OperandSpec &spec = form.operands[i];
    unsigned width = 0;
    Type type = ptx::operandType(spec, source);
    if (spec.kind == OperandSpec::Kind::Fragment)
      type = ptx::fragmentOf(opcode, source, spec.fragment).type;
    if (spec.kind == OperandSpec::Kind::Anything && spec.fragment == 'A')
      type = Type::U64;
    if (spec.kind == OperandSpec::Kind::Anything && spec.fragment == 'S')
      type = operand.type == Type::Pred ? Type::Pred : Type::U32;

    switch (spec.kind) {
    case OperandSpec::Kind::Constant:
      op.imm = operand.value;
      continue;
    case OperandSpec::Kind::Label:
      op.imm = operand.index; // becomes an op in run()
      continue;
    case OperandSpec::Kind::BranchTable:
      op.imm = operand.index;
      continue;
    case OperandSpec::Kind::Address: {
      Row row = kNoRow;
      int64_t offset = 0;
      address(operand, row, width, offset);
      // A second address, of cp.async: its offset goes into the row.
      if (next == 0) {
        op.imm = offset;
      } else if (offset != 0) {
        Row sum = temporary();
        Op &extra = add(ptx::kNone);
        extra.run = addOffset(width);
        extra.d = sum;
        extra.a = row;
        extra.imm = offset;
        row = sum;
        width = 8;
      }
      put(row, width);
      continue;
    }
    default:
      break;
    }

    bool isMoveOfVector = spec.kind == OperandSpec::Kind::Anything &&
                          operand.kind == Operand::Kind::Vector;
    if (readsAsList(spec) || isMoveOfVector) {
      std::vector<Operand> elements;
      if (operand.kind == Operand::Kind::Vector) {
        elements.assign(function->elements.begin() + operand.index,
                        function->elements.begin() + operand.index +
                            operand.count);
      } else if (operand.kind == Operand::Kind::Register &&
                 operand.element == 0xff &&
                 function->groupOf(operand.index).vector > 1) {
        for (unsigned k = 0; k < function->groupOf(operand.index).vector; ++k) {
          elements.push_back(operand);
          elements.back().element = uint8_t(k);
        }
      } else {
        elements.push_back(operand);
      }
      if (isMoveOfVector)
        type = ptx::Type::B8; // each element has the type of its register
      for (const Operand &element : elements) {
        Type own = type;
        if (isMoveOfVector) {
          unsigned bits = ptx::bitsOf(source.types[0]) / operand.count;
          own = bits <= 16 ? Type::B16 : bits == 32 ? Type::B32 : Type::B64;
        }
        unsigned elementWidth = 0;
        list.push_back(spec.destination
                           ? destination(element, own, elementWidth)
                           : this->source(element, own, elementWidth));
        width = std::max(width, elementWidth);
      }
      if (spec.destination) {
        widths.d = uint8_t(width);
        hasDestination = true;
        listWrites = list.size();
      } else {
        put(kNoRow, width);
        if (next <= 4)
          *sources[next - 1] = list.back();
      }
      continue;
    }

    if (spec.destination) {
      const Operand *first = &operand, *second = nullptr;
      if (operand.kind == Operand::Kind::Pair) {
        first = &function->elements[operand.index];
        second = first + 1;
      }
      if (!hasDestination) {
        op.d = destination(*first, type, width);
        widths.d = uint8_t(width);
        hasDestination = true;
      }
      unsigned unused = 0;
      op.e = second ? destination(*second, Type::Pred, unused)
                    : Row(kScratchPredicate);
      continue;
    }
    Row row = this->source(operand, type, width);
    put(row, width);
  }
  for (Row row : list)
    addList(op, row);
  if (op.d == kNoRow && !hasDestination)
    op.d = kScratchRow;
  if (op.e == kNoRow)
    op.e = kScratchPredicate;
  return unsigned(listWrites);
}

/// PTX ISA 9.7.12.5.
void Decoder::call(const Instruction &source, Op &op) {
  CallSite site;
  const Operand *results = nullptr, *arguments = nullptr, *callee = nullptr;
  for (const Operand &operand : source.operands) {
    if (operand.kind == Operand::Kind::List)
      (callee ? arguments : results) = &operand;
    else if (!callee)
      callee = &operand;
  }
  auto slotOf = [&](const Operand &operand) {
    CallSlot slot;
    if (operand.kind == Operand::Kind::Variable &&
        placements[operand.index].kind == Placement::Kind::CallParameter) {
      slot.local = uint32_t(placements[operand.index].value);
      slot.bytes = uint32_t(module.variables[operand.index].size());
      return slot;
    }
    unsigned width = 0;
    Type type =
        operand.kind == Operand::Kind::Register ? operand.type : Type::B64;
    slot.row = this->source(operand, type, width);
    slot.width = uint8_t(width);
    slot.bytes = width;
    return slot;
  };
  for (auto [list, slots] : {std::pair(results, &site.results),
                             std::pair(arguments, &site.arguments)})
    for (unsigned i = 0; list && i < list->count; ++i)
      slots->push_back(slotOf(function->elements[list->index + i]));
  if (callee->kind == Operand::Kind::Function) {
    site.callee = callee->index;
  } else {
    unsigned width = 0;
    site.address = this->source(*callee, Type::U64, width);
    if (width != 8)
      fail(callee->place, "expected a 64-bit register with the function's "
                          "address");
  }
  op.imm = int64_t(program.calls.size());
  program.calls.push_back(std::move(site));
}

void Decoder::instruction(const Instruction &source, uint32_t index) {
  const ptx::Form &form = ptx::forms()[source.form];
  temporaries = 0;
  Op op;
  RowWidths widths;
  bool isCall = form.row->opcode == std::string_view("call");
  program.usesMbarriers |=
      form.row->opcode == std::string_view("cp.async.mbarrier.arrive");
  unsigned listWrites = 0;
  if (isCall)
    call(source, op);
  else
    listWrites = operands(source, form, op, widths);
  if (source.guard != ptx::kNone) {
    op.guard = rows[source.guard];
    op.guardFlip = source.guardNegated ? ~0u : 0;
  }
  op.run = selectControl(source, widths, op);
  if (!op.run)
    op.run = selectMemory(source, widths, op);
  if (!op.run)
    op.run = selectFamily(source, widths, op);
  if (op.run)
    op.run = exchangeHandler(source, op, op.run);
  if (!op.run) {
    fail(source.place, std::string(form.row->opcode) + source.suffix +
                           ": this form is not executed by this version");
    return;
  }
  add(index) = op;
  program.infos.back().listWrites = uint8_t(listWrites);
}

void Decoder::body(uint32_t index) {
  function = &module.functions[index];
  code = &program.functions[index];
  code->entry = uint32_t(program.ops.size());
  layOut();

  std::vector<uint32_t> firstOp(function->instructions.size() + 1, 0);
  for (uint32_t i = 0; i < function->instructions.size() && !failure; ++i) {
    firstOp[i] = uint32_t(program.ops.size());
    instruction(function->instructions[i], i);
  }
  if (failure)
    return;
  firstOp[function->instructions.size()] = uint32_t(program.ops.size());
  // Falling off the end returns.
  temporaries = 0;
  Op &last = add(ptx::kNone);
  last.run = returnHandler();
  code->end = uint32_t(program.ops.size());
  code->frameBytes = temporaryBase + mostTemporaries * 256;

  for (uint32_t pc = code->entry; pc < code->end; ++pc) {
    uint32_t at = program.infos[pc].instruction;
    if (at == ptx::kNone)
      continue;
    const Instruction &source = function->instructions[at];
    std::string_view opcode = ptx::opcodes()[source.opcode].name;
    auto target = [&](uint32_t label) {
      return firstOp[function->labels[label].instruction];
    };
    if (opcode == "bra") {
      program.ops[pc].imm = target(uint32_t(program.ops[pc].imm));
    } else if (opcode == "brx.idx") {
      std::vector<uint32_t> table;
      for (uint32_t label :
           function->tables[size_t(program.ops[pc].imm)].targets)
        table.push_back(target(label));
      program.ops[pc].imm = int64_t(program.branchTables.size());
      program.branchTables.push_back(std::move(table));
    }
  }
  rankOps(program, *code);
}

std::optional<DecodeError> Decoder::run() {
  program.functions.resize(module.functions.size());
  for (uint32_t i = 0; i < module.functions.size(); ++i) {
    FunctionCode &made = program.functions[i];
    made.name = module.functions[i].name;
    made.isEntry = module.functions[i].isEntry;
    made.isDefined = module.functions[i].isDefined;
    made.builtin = builtinOf(made.name);
    if (!made.isDefined)
      for (uint32_t variable : module.functions[i].signature.parameters) {
        CallSlot slot;
        slot.bytes = uint32_t(module.variables[variable].size());
        made.parameters.push_back(slot);
      }
  }
  for (uint32_t i = 0; i < module.functions.size() && !failure; ++i)
    if (module.functions[i].isDefined)
      body(i);
  return failure;
}

std::optional<DecodeError>
tenon::sim::exec::decode(Program &program, std::vector<Placement> &placements) {
  return Decoder(program, placements).run();
}
