//===- CheckOperands.cpp - Fits operands to a form ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/CheckOperands.h"
#include "sim/ptx/CheckCalls.h"
#include "sim/ptx/Fragments.h"

#include <algorithm>

using namespace tenon::sim::ptx;

bool tenon::sim::ptx::registerFits(Type have, Type want, bool relaxed) {
  if (have == Type::Pred || want == Type::Pred)
    return have == want;
  if (have == want)
    return true;
  unsigned haveBits = bitsOf(have), wantBits = bitsOf(want);
  if (relaxed ? haveBits < wantBits : haveBits != wantBits)
    return false;
  TypeKind haveKind = kindOf(have), wantKind = kindOf(want);
  if (haveKind == TypeKind::Bits || wantKind == TypeKind::Bits)
    return true;
  if (isInteger(have))
    return isInteger(want);
  return false;
}

static std::string dotted(Type type) {
  return "." + std::string(spelling(type));
}

std::string tenon::sim::ptx::describe(const Function &function,
                                      const Operand &operand) {
  switch (operand.kind) {
  case Operand::Kind::Register:
    return "register '" + function.registerName(operand.index) + "' of type " +
           dotted(operand.type);
  case Operand::Kind::Special:
    return "special register '%" +
           std::string(specialRegister(operand.index).name) + "'";
  case Operand::Kind::Immediate:
    return kindOf(operand.type) == TypeKind::Float ? "a floating-point constant"
                                                   : "an integer constant";
  case Operand::Kind::Address:
    return "an address";
  case Operand::Kind::Variable:
    return "the name of a variable";
  case Operand::Kind::Function:
    return "the name of a function";
  case Operand::Kind::Label:
  case Operand::Kind::Table:
    return "a label";
  case Operand::Kind::Sink:
    return "'_'";
  case Operand::Kind::Vector:
    return "a vector of " + std::to_string(operand.count);
  case Operand::Kind::Pair:
    return "a pair d|p";
  case Operand::Kind::List:
    return "a list in parentheses";
  case Operand::Kind::None:
    break;
  }
  return "nothing";
}

Type tenon::sim::ptx::operandType(const OperandSpec &spec,
                                  const Instruction &instruction) {
  Type type =
      spec.typeSlot == 0xff ? spec.type : instruction.types[spec.typeSlot];
  if (!spec.doubled)
    return type;
  switch (type) {
  case Type::U16:
    return Type::U32;
  case Type::S16:
    return Type::S32;
  case Type::U32:
    return Type::U64;
  default:
    return Type::S64;
  }
}

/// Only predicates are negated, wherever an operand stands.
bool OperandChecker::checkNegations() {
  auto isGood = [&](const Operand &operand) {
    return !operand.negated ||
           (operand.kind == Operand::Kind::Register &&
            operand.type == Type::Pred) ||
           fail(operand, "'!' is not allowed here");
  };
  for (const Operand &operand : instruction.operands) {
    if (!isGood(operand))
      return false;
    if (operand.kind == Operand::Kind::Vector ||
        operand.kind == Operand::Kind::Pair ||
        operand.kind == Operand::Kind::List)
      for (unsigned i = 0; i < operand.count; ++i)
        if (!isGood(function.elements[operand.index + i]))
          return false;
  }
  return true;
}

bool OperandChecker::check() {
  if (!checkNegations())
    return false;
  if (!form.operands.empty() &&
      form.operands[0].kind == OperandSpec::Kind::Call) {
    if (auto wrong = checkCall(module, function, instruction)) {
      error = std::move(*wrong);
      return false;
    }
    return true;
  }
  return checkAll(0, 0);
}

/// An optional operand that does not fit may be the next one.
bool OperandChecker::checkAll(size_t spec, size_t operand) {
  const auto &operands = instruction.operands;
  auto countError = [&] {
    size_t least = 0, most = form.operands.size();
    while (least < most && !form.operands[least].optional)
      ++least;
    error = {instruction.place,
             "expected " + std::to_string(least) +
                 (least == most ? "" : " to " + std::to_string(most)) +
                 (most == 1 ? " operand" : " operands") + ", got " +
                 std::to_string(operands.size())};
    return false;
  };
  bool needsHint = instruction.has(Mod::L2CacheHint);
  for (; spec < form.operands.size(); ++spec) {
    const OperandSpec &current = form.operands[spec];
    bool isHint = current.optional && current.type == Type::B64 &&
                  spec + 1 == form.operands.size();
    if (operand == operands.size()) {
      if (!current.optional)
        return countError();
      if (isHint && needsHint) {
        error = {instruction.place,
                 "expected a cache policy as last operand after "
                 ".L2::cache_hint"};
        return false;
      }
      continue;
    }
    if (isHint && !needsHint)
      return operand + 1 == operands.size()
                 ? fail(operands[operand],
                        "a cache policy needs .L2::cache_hint")
                 : countError();
    if (checkOne(current, operands[operand])) {
      fitted = std::max(fitted, ++operand);
    } else if (!current.optional || spec + 1 == form.operands.size()) {
      return false;
    }
  }
  return operand == operands.size() || countError();
}

bool OperandChecker::checkOne(const OperandSpec &spec, const Operand &operand) {
  Type type = operandType(spec, instruction);
  switch (spec.kind) {
  case OperandSpec::Kind::Constant:
    return (operand.kind == Operand::Kind::Immediate &&
            kindOf(operand.type) != TypeKind::Float) ||
           fail(operand, "expected an integer constant, got " +
                             describe(function, operand));
  case OperandSpec::Kind::Address:
    return checkAddress(operand);
  case OperandSpec::Kind::Label:
    return operand.kind == Operand::Kind::Label ||
           fail(operand,
                "expected a label, got " + describe(function, operand));
  case OperandSpec::Kind::BranchTable:
    return operand.kind == Operand::Kind::Table ||
           fail(operand, "expected the label of .branchtargets, got " +
                             describe(function, operand));
  case OperandSpec::Kind::Anything:
    return checkAnything(spec, operand);
  case OperandSpec::Kind::Fragment: {
    FragmentShape shape =
        fragmentOf(form.row->opcode, instruction, spec.fragment);
    return checkFragment(spec, shape.type, shape.count, operand);
  }
  case OperandSpec::Kind::Call:
    return true;
  case OperandSpec::Kind::Value:
    break;
  }
  switch (spec.countFrom) {
  case OperandSpec::Count::Vector: {
    Mod vector = instruction.get(Field::Vector);
    unsigned count = vector == Mod::V2   ? 2
                     : vector == Mod::V4 ? 4
                     : vector == Mod::V8 ? 8
                                         : 1;
    return checkGroup(spec, type, count, operand);
  }
  case OperandSpec::Count::Matrices: {
    Mod number = instruction.get(Field::Number);
    return checkGroup(spec, type,
                      number == Mod::X4   ? 4
                      : number == Mod::X2 ? 2
                                          : 1,
                      operand);
  }
  case OperandSpec::Count::Fixed:
    return checkGroup(spec, type, spec.count, operand);
  case OperandSpec::Count::One:
    break;
  }
  if (operand.kind == Operand::Kind::Pair &&
      (spec.predicatePair || spec.secondPredicate)) {
    OperandSpec first = spec, second = spec;
    first.sink = second.sink = true;
    const Operand *parts = &function.elements[operand.index];
    return checkScalar(first, type, parts[0]) &&
           checkScalar(second, Type::Pred, parts[1]);
  }
  return checkScalar(spec, type, operand);
}

/// PTX ISA 9.7.14: registers in braces, be it a single one.
bool OperandChecker::checkFragment(const OperandSpec &spec, Type type,
                                   unsigned count, const Operand &operand) {
  if (operand.kind != Operand::Kind::Vector &&
      !(operand.kind == Operand::Kind::Register &&
        function.groupOf(operand.index).vector > 1))
    return fail(operand, "expected a vector of " + std::to_string(count) +
                             ", got " + describe(function, operand));
  for (unsigned i = 0;
       operand.kind == Operand::Kind::Vector && i < operand.count; ++i) {
    const Operand &element = function.elements[operand.index + i];
    if (element.kind == Operand::Kind::Immediate)
      return fail(element, "expected a register of type " + dotted(type) +
                               ", got " + describe(function, element));
  }
  return checkGroup(spec, type, count, operand);
}

/// Several registers in braces, or a register declared as a vector.
bool OperandChecker::checkGroup(const OperandSpec &spec, Type type,
                                unsigned count, const Operand &operand) {
  if (operand.kind == Operand::Kind::Vector) {
    if (operand.count != count)
      return fail(operand, "expected a vector of " + std::to_string(count) +
                               ", got one of " + std::to_string(operand.count));
    OperandSpec element = spec;
    element.sink = spec.destination;
    for (unsigned i = 0; i < count; ++i)
      if (!checkScalar(element, type, function.elements[operand.index + i]))
        return false;
    return true;
  }
  if (count == 1)
    return checkScalar(spec, type, operand);
  if (operand.kind == Operand::Kind::Sink && spec.sink)
    return true;
  if (operand.kind == Operand::Kind::Register && operand.element == 0xff &&
      function.groupOf(operand.index).vector == count &&
      registerFits(operand.type, type, spec.relaxed))
    return true;
  return fail(operand, "expected a vector of " + std::to_string(count) +
                           ", got " + describe(function, operand));
}

bool OperandChecker::checkScalar(const OperandSpec &spec, Type type,
                                 const Operand &operand) {
  if (operand.negated && !(spec.negatable && type == Type::Pred))
    return fail(operand, "'!' is not allowed here");
  switch (operand.kind) {
  case Operand::Kind::Sink:
    if (spec.sink)
      return true;
    break;
  case Operand::Kind::Register:
    if (operand.element == 0xff && function.groupOf(operand.index).vector > 1)
      return fail(operand, "expected a scalar, got vector register '" +
                               function.registerName(operand.index) + "'");
    if (registerFits(operand.type, type, spec.relaxed))
      return true;
    break;
  case Operand::Kind::Special:
    // PTX ISA 10.
    if (form.row->opcode != std::string_view("mov") &&
        form.row->opcode != std::string_view("cvt"))
      return fail(operand, "only mov and cvt read special registers");
    if (!spec.destination && registerFits(operand.type, type, spec.relaxed))
      return true;
    break;
  case Operand::Kind::Immediate: {
    bool isFloat = kindOf(operand.type) == TypeKind::Float;
    // A predicate source may be a constant: vote.sync.ballot.b32 r, 1, -1.
    if (type == Type::Pred && spec.negatable && !isFloat)
      return true;
    if (spec.destination || type == Type::Pred)
      break;
    // PTX ISA 4.5: halves and packed types have no constants; bits take a
    // float of their size.
    TypeKind kind = kindOf(type);
    if (kind == TypeKind::Packed || type == Type::F16 || type == Type::F16x2)
      break;
    if (isFloat
            ? kind == TypeKind::Float || (kind == TypeKind::Bits &&
                                          bitsOf(type) == bitsOf(operand.type))
            : kind != TypeKind::Float)
      return true;
    break;
  }
  default:
    break;
  }
  return fail(operand, std::string("expected ") +
                           (spec.destination ? "a destination register of type "
                            : type == Type::Pred ? "a register of type "
                                                 : "an operand of type ") +
                           dotted(type) + ", got " +
                           describe(function, operand));
}

/// The space that a variable's own space is part of, as instructions name it.
static bool isSpaceOf(Mod named, Mod space) {
  switch (named) {
  case Mod::SharedCta:
  case Mod::SharedCluster:
    return space == Mod::Shared;
  case Mod::ParamEntry:
  case Mod::ParamFunc:
    return space == Mod::Param;
  default:
    return named == space;
  }
}

bool OperandChecker::checkAddress(const Operand &operand) {
  if (operand.kind != Operand::Kind::Address)
    return fail(operand, "expected an address in brackets, got " +
                             describe(function, operand));
  if (operand.base == Operand::Kind::Register &&
      (operand.type == Type::Pred || kindOf(operand.type) == TypeKind::Float ||
       kindOf(operand.type) == TypeKind::Packed || bitsOf(operand.type) < 32 ||
       bitsOf(operand.type) > 64))
    return fail(operand,
                "expected an address register of 32 or 64 bits, got '" +
                    function.registerName(operand.index) + "' of type " +
                    dotted(operand.type));
  if (operand.base == Operand::Kind::Variable) {
    unsigned named = 0;
    for (unsigned i = 0; i < instruction.modifierCount; ++i)
      named += fieldOf(instruction.modifiers[i]) == Field::Space;
    const Variable &variable = module.variables[operand.index];
    if (named == 1 && !isSpaceOf(instruction.get(Field::Space), variable.space))
      return fail(operand,
                  "variable '" + variable.name + "' is in ." +
                      std::string(spelling(variable.space)) + ", expected ." +
                      std::string(spelling(instruction.get(Field::Space))));
  }
  return true;
}

/// M: what mov takes. A: an address in a register, or a name. SRC: the fourth
/// operand of cp.async, a size or a predicate (PTX ISA 9.7.9.25.3.1).
bool OperandChecker::checkAnything(const OperandSpec &spec,
                                   const Operand &operand) {
  if (spec.fragment == 'S') {
    if (operand.kind == Operand::Kind::Register && operand.type == Type::Pred)
      return true;
    OperandSpec size = spec;
    return checkScalar(size, Type::U32, operand);
  }
  bool isName = operand.kind == Operand::Kind::Variable ||
                operand.kind == Operand::Kind::Function;
  if (spec.fragment == 'A') {
    if (operand.kind == Operand::Kind::Variable)
      return true;
    // cvta names the size, isspacep takes either.
    if (instruction.typeCount)
      return checkScalar(spec, instruction.types[0], operand);
    if (operand.kind == Operand::Kind::Register && bitsOf(operand.type) == 32)
      return checkScalar(spec, Type::U32, operand);
    return checkScalar(spec, Type::U64, operand);
  }
  Type type = instruction.types[0];
  if (operand.kind == Operand::Kind::Vector) {
    unsigned bits = 0;
    for (unsigned i = 0; i < operand.count; ++i) {
      const Operand &element = function.elements[operand.index + i];
      unsigned each = bitsOf(type) / operand.count;
      bool fits =
          element.kind == Operand::Kind::Sink ? spec.destination
          : element.kind == Operand::Kind::Register
              ? element.type != Type::Pred && bitsOf(element.type) == each
              : !spec.destination && element.kind == Operand::Kind::Immediate;
      if (!fits)
        return fail(element, "expected a register of " + std::to_string(each) +
                                 " bits, got " + describe(function, element));
      bits += each;
    }
    return (kindOf(type) == TypeKind::Bits && bits == bitsOf(type)) ||
           fail(operand, "expected an operand of type " + dotted(type) +
                             ", got " + describe(function, operand));
  }
  if (isName && !spec.destination)
    return ((bitsOf(type) == 32 || bitsOf(type) == 64) &&
            kindOf(type) != TypeKind::Float) ||
           fail(operand, "an address does not fit type " + dotted(type));
  if (type == Type::Pred && operand.kind == Operand::Kind::Immediate &&
      !spec.destination && kindOf(operand.type) != TypeKind::Float)
    return true;
  // Special registers were of 16 bits once, PTX ISA 10.1.
  if (operand.kind == Operand::Kind::Special && !spec.destination &&
      operand.type == Type::U32 && type == Type::U16)
    return true;
  OperandSpec scalar = spec;
  return checkScalar(scalar, type, operand);
}
