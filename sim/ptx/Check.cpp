//===- Check.cpp - Fits instructions to the table's forms -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every form of the opcode is tried. If the modifiers of none fit, the error
// is that of the form which came furthest; if some fit and their operands do
// not, that of the one whose operands came furthest.
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/Check.h"
#include "sim/ptx/Fragments.h"
#include "sim/ptx/Instructions.h"

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

static std::string describe(const Function &function, const Operand &operand) {
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

namespace {
/// Alternatives that would have been accepted where no form came further.
struct Furthest {
  size_t word = 0;
  std::vector<std::string> expected;

  void note(size_t at, const ModifierSlot *slot) {
    if (at < word)
      return;
    if (at > word) {
      word = at;
      expected.clear();
    }
    if (!slot)
      return;
    auto add = [&](std::string_view text) {
      std::string name = "." + std::string(text);
      if (std::find(expected.begin(), expected.end(), name) == expected.end())
        expected.push_back(name);
    };
    for (Mod mod : slot->mods)
      add(spelling(mod));
    for (Type type : slot->types)
      add(spelling(type));
  }

  std::string list() const {
    static constexpr size_t kShown = 16;
    std::string text;
    for (size_t i = 0; i < expected.size() && i < kShown; ++i) {
      if (i)
        text += i + 1 == expected.size() ? " or " : ", ";
      text += expected[i];
    }
    return expected.size() > kShown ? text + " ..." : text;
  }
};

bool accepts(const ModifierSlot &slot, const ModifierWord &word) {
  return word.mod != Mod::None
             ? std::find(slot.mods.begin(), slot.mods.end(), word.mod) !=
                   slot.mods.end()
             : std::find(slot.types.begin(), slot.types.end(), word.type) !=
                   slot.types.end();
}

/// Assigns a slot to each word, in order.
bool matchInOrder(const Form &form, std::span<const ModifierWord> words,
                  size_t slot, size_t word, std::vector<uint8_t> &slotOf,
                  Furthest &furthest) {
  if (slot == form.slots.size()) {
    if (word < words.size())
      furthest.note(word, nullptr);
    return word == words.size();
  }
  const ModifierSlot &current = form.slots[slot];
  if (word < words.size() && accepts(current, words[word])) {
    slotOf[word] = uint8_t(slot);
    if (matchInOrder(form, words, slot + 1, word + 1, slotOf, furthest))
      return true;
  } else {
    furthest.note(word, &current);
  }
  return current.optional &&
         matchInOrder(form, words, slot + 1, word, slotOf, furthest);
}

bool matchInAnyOrder(const Form &form, std::span<const ModifierWord> words,
                     std::vector<uint8_t> &slotOf, Furthest &furthest) {
  uint32_t used = 0;
  for (size_t word = 0; word < words.size(); ++word) {
    size_t slot = 0;
    while (slot < form.slots.size() &&
           ((used >> slot & 1) || !accepts(form.slots[slot], words[word])))
      ++slot;
    if (slot == form.slots.size()) {
      for (size_t i = 0; i < form.slots.size(); ++i)
        if (!(used >> i & 1))
          furthest.note(word, &form.slots[i]);
      return false;
    }
    used |= 1u << slot;
    slotOf[word] = uint8_t(slot);
  }
  for (size_t i = 0; i < form.slots.size(); ++i)
    if (!(used >> i & 1) && !form.slots[i].optional) {
      furthest.note(words.size(), &form.slots[i]);
      return false;
    }
  return true;
}

class OperandChecker {
public:
  OperandChecker(const Module &module, const Function &function,
                 const Form &form, const Instruction &instruction)
      : module(module), function(function), form(form),
        instruction(instruction) {}

  /// False with `error` and how many operands fit.
  bool check();
  CheckError error;
  size_t fitted = 0;

private:
  bool checkAll(size_t spec, size_t operand);
  bool checkOne(const OperandSpec &spec, const Operand &operand);
  bool checkScalar(const OperandSpec &spec, Type type, const Operand &operand);
  bool checkGroup(const OperandSpec &spec, Type type, unsigned count,
                  const Operand &operand);
  bool checkAddress(const Operand &operand);
  bool checkAnything(const OperandSpec &spec, const Operand &operand);
  bool checkCall();
  bool checkSignature(const Signature &signature, const std::string &callee,
                      const Operand *results, const Operand *arguments);
  Type typeOf(const OperandSpec &spec) const;
  bool fail(const Operand &operand, std::string message) {
    error = {operand.place, std::move(message)};
    return false;
  }

  const Module &module;
  const Function &function;
  const Form &form;
  const Instruction &instruction;
};
} // namespace

Type OperandChecker::typeOf(const OperandSpec &spec) const {
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

bool OperandChecker::check() {
  if (!form.operands.empty() &&
      form.operands[0].kind == OperandSpec::Kind::Call)
    return checkCall();
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
  Type type = typeOf(spec);
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
    return checkGroup(spec, shape.type, shape.count, operand);
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
    TypeKind kind = kindOf(type);
    if (kind == TypeKind::Packed ||
        (isFloat ? !isInteger(type) : kind != TypeKind::Float))
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
    if (operand.kind == Operand::Kind::Register && bitsOf(operand.type) == 32)
      return checkScalar(spec, Type::B32, operand);
    return checkScalar(spec, Type::B64, operand);
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

/// call (results), callee, (arguments), table: PTX ISA 9.7.12.5.
bool OperandChecker::checkCall() {
  const Operand *results = nullptr, *arguments = nullptr, *callee = nullptr,
                *table = nullptr;
  for (const Operand &operand : instruction.operands) {
    if (operand.kind == Operand::Kind::List) {
      (callee ? arguments : results) = &operand;
    } else if (!callee) {
      callee = &operand;
    } else {
      table = &operand;
    }
  }
  if (!callee)
    return fail(instruction.operands.empty() ? Operand()
                                             : instruction.operands[0],
                "expected a function to call");
  if (callee->kind == Operand::Kind::Function)
    return checkSignature(module.functions[callee->index].signature,
                          module.functions[callee->index].name, results,
                          arguments);
  if (callee->kind != Operand::Kind::Register ||
      !(registerFits(callee->type, Type::B64, false) ||
        registerFits(callee->type, Type::B32, false)))
    return fail(*callee, "expected a function or a register with its address, "
                         "got " +
                             describe(function, *callee));
  if (!table)
    return fail(*callee, "expected .calltargets or .callprototype of an "
                         "indirect call as last operand");
  return true;
}

bool OperandChecker::checkSignature(const Signature &signature,
                                    const std::string &callee,
                                    const Operand *results,
                                    const Operand *arguments) {
  auto compare = [&](const char *what, const Operand *list,
                     const std::vector<uint32_t> &expected) {
    size_t got = list ? list->count : 0;
    if (got == expected.size())
      return true;
    return fail(list ? *list : instruction.operands.back(),
                "'" + callee + "' has " + std::to_string(expected.size()) +
                    " " + what + (expected.size() == 1 ? "" : "s") + ", got " +
                    std::to_string(got));
  };
  return compare("result", results, signature.results) &&
         compare("parameter", arguments, signature.parameters);
}

static void setFields(const Form &form, std::span<const ModifierWord> words,
                      const std::vector<uint8_t> &slotOf,
                      Instruction &instruction) {
  instruction.modifierCount = instruction.typeCount = 0;
  instruction.modifiers.fill(Mod::None);
  instruction.types.fill(Type::None);
  instruction.fields.fill(Mod::None);
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i].type != Type::None) {
      if (instruction.typeCount < Instruction::kMaxTypes)
        instruction.types[instruction.typeCount++] = words[i].type;
      continue;
    }
    Mod mod = words[i].mod;
    instruction.modifiers[instruction.modifierCount++] = mod;
    Field field = form.slots[slotOf[i]].field;
    if (field == Field::Count)
      field = fieldOf(mod);
    if (field != Field::Flag && instruction.get(field) == Mod::None)
      instruction.fields[size_t(field)] = mod;
  }
}

/// The error of a modifier that only other types take, as .lo of mad.lo.f32:
/// no form has both it and the type, and some form has the type.
static std::optional<CheckError>
wrongForType(const Opcode &opcode, const std::string &name,
             std::span<const ModifierWord> words) {
  const ModifierWord *type = nullptr;
  for (const ModifierWord &word : words)
    if (!type && word.type != Type::None)
      type = &word;
  if (!type)
    return std::nullopt;
  auto takes = [](const Form &form, const ModifierWord &word) {
    return std::any_of(
        form.slots.begin(), form.slots.end(),
        [&](const ModifierSlot &slot) { return accepts(slot, word); });
  };
  for (const ModifierWord &word : words) {
    if (word.mod == Mod::None)
      continue;
    bool both = false, typeAlone = false, integers = true, floats = true,
         any = false;
    for (uint16_t index : opcode.forms) {
      const Form &form = forms()[index];
      bool hasWord = takes(form, word), hasType = takes(form, *type);
      both |= hasWord && hasType;
      typeAlone |= hasType;
      for (const ModifierSlot &slot : form.slots)
        for (Type each : slot.types) {
          if (!hasWord)
            continue;
          any = true;
          integers &= isInteger(each);
          floats &= kindOf(each) == TypeKind::Float ||
                    kindOf(each) == TypeKind::Packed;
        }
    }
    if (both || !typeAlone || !any)
      continue;
    std::string modifier = "." + std::string(spelling(word.mod));
    return CheckError{word.place, name + "modifier " + modifier + " is for " +
                                      (integers ? "integer"
                                       : floats ? "floating-point"
                                                : "other") +
                                      " types, expected " + dotted(type->type) +
                                      " without " + modifier};
  }
  return std::nullopt;
}

std::optional<CheckError> tenon::sim::ptx::checkInstruction(
    const Module &module, const Function &function,
    std::span<const ModifierWord> words, Instruction &instruction) {
  const Opcode &opcode = opcodes()[instruction.opcode];
  std::string name = std::string(opcode.name) + instruction.suffix + ": ";
  Furthest furthest;
  std::optional<CheckError> operandError;
  size_t fitted = 0;
  const Form *tooNew = nullptr;
  std::vector<uint8_t> slotOf(words.size());
  for (uint16_t index : opcode.forms) {
    const Form &form = forms()[index];
    if (form.refused())
      continue;
    if (!(form.anyOrder ? matchInAnyOrder(form, words, slotOf, furthest)
                        : matchInOrder(form, words, 0, 0, slotOf, furthest)))
      continue;
    setFields(form, words, slotOf, instruction);
    instruction.form = index;
    OperandChecker checker(module, function, form, instruction);
    if (checker.check()) {
      if (!module.sm || module.sm >= form.row->sm)
        return std::nullopt;
      if (!tooNew || tooNew->row->sm > form.row->sm)
        tooNew = &form;
      continue;
    }
    if (!operandError || checker.fitted > fitted) {
      operandError = checker.error;
      fitted = checker.fitted;
    }
  }
  if (tooNew)
    return CheckError{instruction.place,
                      name + "needs sm_" + std::to_string(tooNew->row->sm) +
                          ", the module is for " + module.target};
  if (operandError) {
    operandError->message = name + operandError->message;
    if (!operandError->place.line)
      operandError->place = instruction.place;
    return operandError;
  }
  if (auto wrong = wrongForType(opcode, name, words))
    return wrong;
  if (furthest.word >= words.size())
    return CheckError{instruction.place, name + "expected modifier " +
                                             furthest.list() + " after it"};
  const ModifierWord &word = words[furthest.word];
  std::string got =
      "." + std::string(word.mod != Mod::None ? spelling(word.mod)
                                              : spelling(word.type));
  return CheckError{word.place,
                    name + "modifier " + got + " does not fit here, expected " +
                        (furthest.expected.empty() ? "none" : furthest.list())};
}
