//===- Check.cpp - Fits instructions to the table's forms -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every form of the opcode is tried, first with its modifiers in the order of
// the ISA, then in any order, as ptxas takes them and nvcc and CUTLASS write
// some; only types have theirs. If the modifiers of none fit, the error
// is that of the form which came furthest; if some fit and their operands do
// not, that of the one whose operands came furthest.
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/Check.h"
#include "sim/ptx/CheckOperands.h"
#include "sim/ptx/CheckRules.h"
#include "sim/ptx/Instructions.h"
#include "sim/ptx/Later.h"

#include <algorithm>

using namespace tenon::sim::ptx;

static std::string dotted(Type type) {
  return "." + std::string(spelling(type));
}

namespace {
/// Alternatives that would have been accepted where no form came further.
struct Furthest {
  size_t word = 0;
  std::vector<const ModifierSlot *> slots;

  void note(size_t at, const ModifierSlot *slot) {
    if (at < word)
      return;
    if (at > word) {
      word = at;
      slots.clear();
    }
    if (slot)
      slots.push_back(slot);
  }

  std::string list() const {
    std::vector<std::string> expected;
    auto add = [&](std::string_view text) {
      std::string name = "." + std::string(text);
      if (std::find(expected.begin(), expected.end(), name) == expected.end())
        expected.push_back(name);
    };
    for (const ModifierSlot *slot : slots) {
      for (Mod mod : slot->mods)
        add(spelling(mod));
      for (Type type : slot->types)
        add(spelling(type));
    }
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

bool takesLayout(const ModifierSlot &slot) {
  return !slot.mods.empty() && fieldOf(slot.mods[0]) == Field::LayoutA;
}

/// Types keep their order, and so do the layouts of A and B, whatever stands
/// between them.
bool matchInAnyOrder(const Form &form, std::span<const ModifierWord> words,
                     std::vector<uint8_t> &slotOf, Furthest &furthest) {
  uint32_t used = 0;
  size_t typesFrom = 0, layoutsFrom = 0;
  for (size_t word = 0; word < words.size(); ++word) {
    bool isType = words[word].type != Type::None;
    bool isLayout = !isType && fieldOf(words[word].mod) == Field::LayoutA;
    size_t slot = isType ? typesFrom : isLayout ? layoutsFrom : 0;
    // The next slot of types, or of layouts, is theirs or nobody's.
    while (slot < form.slots.size() &&
           ((used >> slot & 1) ||
            (isType     ? form.slots[slot].types.empty()
             : isLayout ? !takesLayout(form.slots[slot])
                        : !accepts(form.slots[slot], words[word]))))
      ++slot;
    if (slot == form.slots.size() || !accepts(form.slots[slot], words[word])) {
      for (size_t i = 0; i < form.slots.size(); ++i)
        if (!(used >> i & 1))
          furthest.note(word, &form.slots[i]);
      return false;
    }
    used |= 1u << slot;
    slotOf[word] = uint8_t(slot);
    if (isType)
      typesFrom = slot + 1;
    if (isLayout)
      layoutsFrom = slot + 1;
  }
  for (size_t i = 0; i < form.slots.size(); ++i)
    if (!(used >> i & 1) && !form.slots[i].optional) {
      furthest.note(words.size(), &form.slots[i]);
      return false;
    }
  return true;
}
} // namespace

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
  Furthest furthest, ignored;
  std::optional<CheckError> operandError;
  size_t fitted = 0;
  unsigned tooNew = 0; // the first target that has it
  std::string broken;
  std::vector<uint8_t> slotOf(words.size());
  for (bool ordered : {true, false}) {
    // What fits in the ISA's order is not looked at otherwise.
    if (tooNew || operandError || !broken.empty())
      break;
    for (uint16_t index : opcode.forms) {
      const Form &form = forms()[index];
      if (form.refused())
        continue;
      if (!(form.anyOrder || !ordered
                ? matchInAnyOrder(form, words, slotOf,
                                  ordered ? furthest : ignored)
                : matchInOrder(form, words, 0, 0, slotOf, furthest)))
        continue;
      setFields(form, words, slotOf, instruction);
      instruction.form = index;
      OperandChecker checker(module, function, form, instruction);
      if (checker.check()) {
        std::string rule = brokenRule(module, form, instruction);
        if (!rule.empty()) {
          if (broken.empty())
            broken = std::move(rule);
          continue;
        }
        unsigned first = firstTarget(form, instruction);
        if (!module.sm || module.sm >= first)
          return std::nullopt;
        tooNew = tooNew ? std::min(tooNew, first) : first;
        continue;
      }
      if (!operandError || checker.fitted > fitted) {
        operandError = checker.error;
        fitted = checker.fitted;
      }
    }
  }
  std::string name = std::string(opcode.name) + instruction.suffix + ": ";
  if (tooNew)
    return CheckError{instruction.place,
                      name + "needs sm_" + std::to_string(tooNew) +
                          ", the module is for " + module.target};
  if (!broken.empty())
    return CheckError{instruction.place, name + broken};
  if (operandError) {
    operandError->message = name + operandError->message;
    if (!operandError->place.line)
      operandError->place = instruction.place;
    return operandError;
  }
  for (const ModifierWord &word : words) {
    std::string_view text =
        word.mod != Mod::None ? spelling(word.mod) : spelling(word.type);
    std::string later = comesLater(opcode.name, text);
    if (!later.empty())
      return CheckError{word.place, name + "." + std::string(text) +
                                        " is refused in this version, " +
                                        later};
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
                        (furthest.slots.empty() ? "none" : furthest.list())};
}
