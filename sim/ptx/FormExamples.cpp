//===- FormExamples.cpp - Instructions made from the table ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/FormExamples.h"
#include "sim/ptx/Check.h"
#include "sim/ptx/Fragments.h"

#include <algorithm>
#include <random>
#include <set>

using namespace tenon::sim::ptx;

const char *const tenon::sim::ptx::kFrameEnd = "ret;\n}\n";

// Registers of untyped bits fit every type but predicates and floats of the
// same size, for which there are others.
std::string tenon::sim::ptx::frameBegin(const std::string &target) {
  return ".version 9.0\n.target " + target +
         "\n.address_size 64\n"
         ".shared .align 16 .b8 tile[1024];\n"
         ".global .align 16 .b8 data[1024];\n"
         ".const .align 16 .b8 table[64];\n"
         ".func (.param .b32 y) callee(.param .b32 x);\n"
         ".visible .entry kernel(.param .align 16 .b8 argument[64]) {\n"
         ".reg .pred p<8>; .reg .b16 h<20>; .reg .b32 r<160>; "
         ".reg .b64 d<40>; .reg .b128 q<8>; .reg .f32 f<160>; "
         ".reg .f64 e<40>; .reg .u32 u<2>; .reg .s32 s<2>; .reg .u64 x<2>; "
         ".reg .s64 y<2>; .reg .u16 hu<2>; .reg .f16 hf<2>; .local .align 16 "
         ".b8 stack[64]; "
         ".param .align 16 .b8 slot[64];\nL:\n"
         "targets: .branchtargets L;\n";
}

namespace {
struct Word {
  Mod mod = Mod::None;
  Type type = Type::None;
  uint8_t slot = 0;
};
using Words = std::vector<Word>;

/// Numbers the registers of one instruction.
struct Names {
  unsigned pred = 0, other = 0;
};
} // namespace

static std::string registerOf(Type type, Names &names) {
  if (type == Type::Pred)
    return "p" + std::to_string(names.pred++ % 8);
  std::string number = std::to_string(names.other++);
  switch (bitsOf(type)) {
  case 128:
    return "q" + std::to_string(names.other % 8);
  case 64:
    return (type == Type::F64 ? "e" : "d") + number;
  case 32:
    return (type == Type::F32 ? "f" : "r") + number;
  default:
    return "h" + std::to_string(names.other % 20);
  }
}

static std::string groupOf(Type type, unsigned count, bool always,
                           Names &names) {
  if (count == 1 && !always)
    return registerOf(type, names);
  std::string text = "{";
  for (unsigned i = 0; i < count; ++i)
    text += (i ? ", " : "") + registerOf(type, names);
  return text + "}";
}

/// The instruction's fields as the checker sets them, for fragmentOf.
static Instruction fieldsOf(const Form &form, const Words &words) {
  Instruction result;
  for (const Word &word : words) {
    if (word.type != Type::None) {
      if (result.typeCount < Instruction::kMaxTypes)
        result.types[result.typeCount++] = word.type;
      continue;
    }
    result.modifiers[result.modifierCount++] = word.mod;
    Field field = word.slot < form.slots.size() ? form.slots[word.slot].field
                                                : Field::Count;
    if (field == Field::Count)
      field = fieldOf(word.mod);
    if (field != Field::Flag && result.get(field) == Mod::None)
      result.fields[size_t(field)] = word.mod;
  }
  return result;
}

static std::string addressFor(std::string_view opcode, bool isFirst,
                              const Instruction &instruction) {
  if (opcode == "cp.async" && !isFirst)
    return "[d39]";
  switch (instruction.get(Field::Space)) {
  case Mod::Param:
  case Mod::ParamEntry:
    return opcode == "st" ? "[slot]" : "[argument]";
  case Mod::ParamFunc:
    return "[slot]";
  case Mod::Const:
    return "[table+16]";
  case Mod::Shared:
  case Mod::SharedCta:
    return "[tile+16]";
  case Mod::Local:
    return "[stack+16]";
  default:
    return "[d39]";
  }
}

/// Operands of one kind of source, a count and so on; `least` without the
/// optional ones.
static std::string operandOf(const Form &form, const OperandSpec &spec,
                             const Instruction &fields, Names &names) {
  Type type = operandType(spec, fields);
  switch (spec.kind) {
  case OperandSpec::Kind::Constant:
    return form.row->opcode == std::string_view("cp.async") ? "16"
           : form.row->opcode == std::string_view("discard") ||
                   form.row->opcode == std::string_view("applypriority")
               ? "128"
               : "0";
  case OperandSpec::Kind::Address:
    return addressFor(form.row->opcode, &spec == &form.operands[0], fields);
  case OperandSpec::Kind::Label:
    return "L";
  case OperandSpec::Kind::BranchTable:
    return "targets";
  case OperandSpec::Kind::Call:
    return "(r0), callee, (r1)";
  case OperandSpec::Kind::Fragment: {
    FragmentShape shape = fragmentOf(form.row->opcode, fields, spec.fragment);
    return groupOf(shape.type, shape.count, true, names);
  }
  case OperandSpec::Kind::Anything:
    if (spec.fragment == 'M')
      return registerOf(fields.types[0], names);
    return registerOf(spec.fragment != 'A' ? Type::B32
                      : fields.typeCount   ? fields.types[0]
                                           : Type::B64,
                      names);
  case OperandSpec::Kind::Value:
    break;
  }
  Mod vector = fields.get(Field::Vector), number = fields.get(Field::Number);
  switch (spec.countFrom) {
  case OperandSpec::Count::Vector:
    return groupOf(type,
                   vector == Mod::V2   ? 2
                   : vector == Mod::V4 ? 4
                   : vector == Mod::V8 ? 8
                                       : 1,
                   false, names);
  case OperandSpec::Count::Matrices:
    return groupOf(type,
                   number == Mod::X4   ? 4
                   : number == Mod::X2 ? 2
                                       : 1,
                   true, names);
  case OperandSpec::Count::Fixed:
    return groupOf(type, spec.count, true, names);
  case OperandSpec::Count::One:
    break;
  }
  std::string text = registerOf(type, names);
  // These return a predicate always, others may.
  if (spec.secondPredicate && (form.row->opcode == std::string_view("elect") ||
                               form.row->opcode == std::string_view("lop3")))
    text += "|" + registerOf(Type::Pred, names);
  return text;
}

static std::string headOf(const Form &form, const Words &words) {
  std::string text(form.row->opcode);
  for (const Word &word : words)
    text += "." + std::string(word.mod != Mod::None ? spelling(word.mod)
                                                    : spelling(word.type));
  return text;
}

/// With the optional ones that `words` demand.
static std::vector<std::string> operandsOf(const Form &form,
                                           const Words &words) {
  Instruction fields = fieldsOf(form, words);
  bool hint = fields.has(Mod::L2CacheHint);
  Names names;
  std::vector<std::string> texts;
  for (const OperandSpec &spec : form.operands) {
    bool isHint = spec.optional && spec.type == Type::B64 &&
                  &spec == &form.operands.back();
    if (!spec.optional || (isHint && hint))
      texts.push_back(operandOf(form, spec, fields, names));
  }
  return texts;
}

static std::string join(std::string text,
                        const std::vector<std::string> &operands) {
  for (size_t i = 0; i < operands.size(); ++i)
    text += (i ? ", " : " ") + operands[i];
  return text + ";";
}

static std::string textOf(const Form &form, const Words &words) {
  return join(headOf(form, words), operandsOf(form, words));
}

static size_t alternatives(const ModifierSlot &slot) {
  return slot.mods.size() + slot.types.size();
}
static Word alternative(const Form &form, size_t slot, size_t index) {
  const ModifierSlot &of = form.slots[slot];
  Word word;
  word.slot = uint8_t(slot);
  if (index < of.mods.size())
    word.mod = of.mods[index];
  else
    word.type = of.types[index - of.mods.size()];
  return word;
}

/// Words by the choice for each slot: an alternative, or one past the last of
/// an optional slot for none.
static Words wordsOf(const Form &form, const std::vector<size_t> &choices) {
  Words words;
  for (size_t slot = 0; slot < form.slots.size(); ++slot)
    if (choices[slot] < alternatives(form.slots[slot]))
      words.push_back(alternative(form, slot, choices[slot]));
  return words;
}

/// No optional modifier, the first of the others.
static std::vector<size_t> plainChoices(const Form &form) {
  std::vector<size_t> choices;
  for (const ModifierSlot &slot : form.slots)
    choices.push_back(slot.optional ? alternatives(slot) : 0);
  return choices;
}

/// Plain, with every combination of types.
static std::vector<std::vector<size_t>> plainOfEachType(const Form &form) {
  std::vector<std::vector<size_t>> all{plainChoices(form)};
  for (size_t slot = 0; slot < form.slots.size(); ++slot) {
    if (form.slots[slot].types.empty() || form.slots[slot].optional)
      continue;
    std::vector<std::vector<size_t>> next;
    for (const auto &choices : all)
      for (size_t i = 0; i < alternatives(form.slots[slot]); ++i) {
        next.push_back(choices);
        next.back()[slot] = i;
      }
    all = std::move(next);
  }
  return all;
}

std::vector<std::string> tenon::sim::ptx::examplesOf(const Form &form) {
  static constexpr size_t kAll = 600, kSampled = 200;
  std::set<std::vector<size_t>> chosen;
  size_t product = 1;
  for (const ModifierSlot &slot : form.slots)
    product = std::min<size_t>(1u << 20,
                               product * (alternatives(slot) + slot.optional));
  if (product <= kAll) {
    for (size_t number = 0; number < product; ++number) {
      std::vector<size_t> choices;
      size_t rest = number;
      for (const ModifierSlot &slot : form.slots) {
        size_t count = alternatives(slot) + slot.optional;
        choices.push_back(rest % count);
        rest /= count;
      }
      chosen.insert(std::move(choices));
    }
  } else {
    for (const auto &plain : plainOfEachType(form))
      chosen.insert(plain);
    for (size_t slot = 0; slot < form.slots.size(); ++slot)
      for (size_t i = 0; i < alternatives(form.slots[slot]); ++i) {
        std::vector<size_t> choices = plainChoices(form);
        choices[slot] = i;
        chosen.insert(std::move(choices));
      }
    std::mt19937 random(unsigned(form.slots.size()));
    for (size_t n = 0; n < kSampled; ++n) {
      std::vector<size_t> choices;
      for (const ModifierSlot &slot : form.slots)
        choices.push_back(random() % (alternatives(slot) + slot.optional));
      chosen.insert(std::move(choices));
    }
  }
  std::vector<std::string> texts;
  for (const auto &choices : chosen)
    texts.push_back(textOf(form, wordsOf(form, choices)));
  return texts;
}

std::vector<std::string> tenon::sim::ptx::mutantsOf(const Form &form) {
  static constexpr Type kTypes[] = {
      Type::Pred,  Type::B8,     Type::B16,  Type::B32,  Type::B64, Type::B128,
      Type::U8,    Type::U16,    Type::U32,  Type::U64,  Type::S8,  Type::S16,
      Type::S32,   Type::S64,    Type::F16,  Type::F32,  Type::F64, Type::BF16,
      Type::F16x2, Type::BF16x2, Type::TF32, Type::U16x2};
  std::set<Mod> mods;
  for (uint16_t index : opcodes()[form.opcode].forms)
    for (const ModifierSlot &slot : forms()[index].slots)
      mods.insert(slot.mods.begin(), slot.mods.end());
  mods.insert({Mod::Sat, Mod::Ftz, Mod::Rn, Mod::Relu, Mod::Satfinite});

  std::set<std::string> texts;
  for (const auto &choices : plainOfEachType(form)) {
    Words words = wordsOf(form, choices);
    for (size_t i = 0; i < words.size(); ++i) {
      Words mutant = words;
      if (words[i].mod != Mod::None) {
        mutant.erase(mutant.begin() + ptrdiff_t(i));
        texts.insert(textOf(form, mutant));
        for (Mod other : mods)
          if (fieldOf(other) == fieldOf(words[i].mod) &&
              std::none_of(words.begin(), words.end(), [&](const Word &word) {
                return word.mod == other;
              })) {
            mutant = words;
            mutant[i].mod = other;
            texts.insert(textOf(form, mutant));
          }
        continue;
      }
      // Registers of fragments cannot be told for types that have none.
      bool hasFragments = std::any_of(
          form.operands.begin(), form.operands.end(), [](const auto &spec) {
            return spec.kind == OperandSpec::Kind::Fragment;
          });
      for (Type other : kTypes) {
        if (hasFragments && (other == Type::Pred || bitsOf(other) > 64))
          continue;
        mutant = words;
        mutant[i].type = other;
        texts.insert(textOf(form, mutant));
      }
    }
    size_t at = 0;
    while (at < words.size() && words[at].type == Type::None)
      ++at;
    for (Mod other : mods) {
      bool has = std::any_of(words.begin(), words.end(), [&](const Word &word) {
        return word.mod == other;
      });
      if (has || words.size() + 1 > Instruction::kMaxModifiers)
        continue;
      Words mutant = words;
      Word added;
      added.mod = other;
      added.slot = 0xff;
      mutant.insert(mutant.begin() + ptrdiff_t(at), added);
      texts.insert(textOf(form, mutant));
    }
  }
  return {texts.begin(), texts.end()};
}

std::vector<std::string> tenon::sim::ptx::operandMutantsOf(const Form &form) {
  static constexpr size_t kCombinations = 6;
  // Nothing that ptxas's grammar refuses: one such line hides the others.
  static constexpr const char *kOperands[] = {
      "1",   "-1",  "1.5",    "0f3F800000", "0d3FF0000000000000",
      "p7",  "h7",  "r7",     "d7",         "f7",
      "e7",  "u0",  "s0",     "x0",         "y0",
      "hu0", "hf0", "%tid.x", "%clock64",   "data"};
  std::set<std::string> texts;
  size_t combinations = 0;
  for (const auto &choices : plainOfEachType(form)) {
    if (combinations++ == kCombinations)
      break;
    Words words = wordsOf(form, choices);
    std::string head = headOf(form, words);
    std::vector<std::string> operands = operandsOf(form, words);
    for (size_t i = 0; i < operands.size(); ++i)
      for (const char *other : kOperands) {
        std::vector<std::string> mutant = operands;
        mutant[i] = other;
        texts.insert(join(head, mutant));
        // Within braces, too.
        if (operands[i][0] == '{' && other[0] != '{' && other[0] != '[') {
          size_t end = operands[i].find_first_of(",}");
          mutant[i] = "{" + std::string(other) + operands[i].substr(end);
          texts.insert(join(head, mutant));
        }
      }
  }
  return {texts.begin(), texts.end()};
}
