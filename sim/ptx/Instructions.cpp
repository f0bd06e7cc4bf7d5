//===- Instructions.cpp - The table of PTX instructions -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Decodes the rows of forms/ once. A row that does not decode is a fault of
// this library, not of its input: it stops the process at the first use, and
// so in every test.
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/Instructions.h"
#include "sim/ptx/forms/Forms.h"

#include <cstdio>
#include <cstdlib>
#include <unordered_map>

using namespace tenon::sim::ptx;

namespace {
struct Set {
  std::string_view name, alternatives;
  Field field = Field::Count;
};
} // namespace

/// The capital words of the table.
static constexpr Set kSets[] = {
    {"INT", ".u16|.u32|.u64|.s16|.s32|.s64"},
    {"INT8", ".u8|.s8|.u16|.u32|.u64|.s16|.s32|.s64"},
    {"INT32", ".u32|.s32"},
    {"INTCC", ".u32|.s32|.u64|.s64"},
    {"HALF", ".f16|.f16x2"},
    {"BHALF", ".bf16|.bf16x2"},
    {"SETT", ".b16|.b32|.b64|INT|.f32|.f64"},
    {"RND", ".rn|.rz|.rm|.rp"},
    {"RNDI", ".rni|.rzi|.rmi|.rpi"},
    {"CMP",
     ".eq|.ne|.lt|.le|.gt|.ge|.lo|.ls|.hi|.hs|.equ|.neu|.ltu|.leu|.gtu|.geu|"
     ".num|.nan",
     Field::Compare},
    {"BOOL", ".and|.or|.xor", Field::BoolOp},
    {"BOOLAO", ".and|.or", Field::BoolOp},
    {"TEST", ".finite|.infinite|.number|.notanumber|.normal|.subnormal"},
    {"SHFL", ".up|.down|.bfly|.idx"},
    {"PRMT", ".f4e|.b4e|.rc8|.ecl|.ecr|.rc16"},
    {"LDSPACE", ".const|.global|.local|.param|.param::entry|.param::func|"
                ".shared|.shared::cta|.shared::cluster"},
    {"STSPACE", ".global|.local|.param|.param::func|.shared|.shared::cta|"
                ".shared::cluster"},
    {"MEMSPACE", ".global|.shared|.shared::cta|.shared::cluster"},
    {"ATSPACE", ".global|.shared|.shared::cta|.shared::cluster"},
    {"MBSPACE", ".shared|.shared::cta"},
    {"SHARED", ".shared|.shared::cta"},
    {"WMSPACE", ".global|.shared|.shared::cta"},
    {"LDCACHE", ".ca|.cg|.cs|.lu|.cv"},
    {"STCACHE", ".wb|.cg|.cs|.wt"},
    {"NCCACHE", ".ca|.cg|.cs"},
    {"EVICT", ".L1::evict_normal|.L1::evict_unchanged|.L1::evict_first|"
              ".L1::evict_last|.L1::no_allocate"},
    {"EVICT2", ".L2::evict_normal|.L2::evict_unchanged|.L2::evict_first|"
               ".L2::evict_last"},
    {"PREFETCH", ".L2::64B|.L2::128B|.L2::256B"},
    {"VEC", ".v2|.v4"},
    {"VECH", ".v2|.v4|.v8"},
    {"LDTYPE", ".b8|.b16|.b32|.b64|.b128|INT8|.f32|.f64"},
    {"SCOPE", ".cta|.cluster|.gpu|.sys"},
    {"ORDER", ".relaxed|.acquire|.release|.acq_rel"},
    {"LAYOUTA", ".row|.col", Field::LayoutA},
    {"LAYOUTB", ".row|.col", Field::LayoutB},
    {"COLB", ".col", Field::LayoutB},
    {"WMMA16", ".m16n16k16|.m8n32k16|.m32n8k16"},
};

[[noreturn]] static void badRow(const FormRow &row, std::string_view what) {
  std::fprintf(stderr, "sim: instruction table: %s: cannot read '%.*s'\n",
               row.opcode, int(what.size()), what.data());
  std::abort();
}

static std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    size_t end = text.find(at);
    if (end != 0)
      parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos)
      break;
    text.remove_prefix(end + 1);
  }
  return parts;
}

static void addAlternatives(const FormRow &row, std::string_view text,
                            ModifierSlot &slot) {
  for (std::string_view word : split(text, '|')) {
    if (word[0] == '.') {
      if (auto mod = findMod(word.substr(1)))
        slot.mods.push_back(*mod);
      else if (auto type = findType(word.substr(1)))
        slot.types.push_back(*type);
      else
        badRow(row, word);
      continue;
    }
    const Set *found = nullptr;
    for (const Set &set : kSets)
      if (set.name == word)
        found = &set;
    if (!found)
      badRow(row, word);
    if (found->field != Field::Count)
      slot.field = found->field;
    addAlternatives(row, found->alternatives, slot);
  }
}

static OperandSpec readOperand(const FormRow &row, std::string_view word) {
  OperandSpec spec;
  std::string_view all = word;
  auto prefix = [&](std::string_view text) {
    bool found = word.starts_with(text);
    if (found)
      word.remove_prefix(text.size());
    return found;
  };
  auto suffix = [&](std::string_view text) {
    bool found = word.ends_with(text);
    if (found)
      word.remove_suffix(text.size());
    return found;
  };
  spec.destination = prefix(">");
  spec.optional = suffix("?");
  if (suffix("||"))
    spec.predicatePair = true;
  else if (suffix("|"))
    spec.secondPredicate = true;
  spec.sink = suffix("_");
  spec.relaxed = suffix("~");
  spec.negatable = prefix("!");
  spec.doubled = prefix("2");
  if (prefix("{N}"))
    spec.countFrom = OperandSpec::Count::Vector;
  else if (prefix("{X}"))
    spec.countFrom = OperandSpec::Count::Matrices;
  if (suffix("_"))
    spec.sink = true;

  if (word == "T" || word == "U" || word == "V" || word == "W") {
    spec.typeSlot = uint8_t(word[0] - 'T');
  } else if (word[0] == '.') {
    auto type = findType(word.substr(1));
    if (!type)
      badRow(row, all);
    spec.type = *type;
  } else if (word == "#") {
    spec.kind = OperandSpec::Kind::Constant;
  } else if (word == "[]") {
    spec.kind = OperandSpec::Kind::Address;
  } else if (word == "@") {
    spec.kind = OperandSpec::Kind::Label;
  } else if (word == "M" || word == "A" || word == "SRC") {
    // The letter stays, for the checker: see Check.cpp.
    spec.kind = OperandSpec::Kind::Anything;
    spec.fragment = word[0];
    spec.typeSlot = word == "M" ? 0 : 0xff;
  } else if (word == "CALL") {
    spec.kind = OperandSpec::Kind::Call;
  } else if (word == "TABLE") {
    spec.kind = OperandSpec::Kind::BranchTable;
  } else if (word.size() == 2 && word[0] == 'F') {
    spec.kind = OperandSpec::Kind::Fragment;
    spec.fragment = word[1];
  } else {
    badRow(row, all);
  }
  return spec;
}

static Form decode(const FormRow &row) {
  Form form;
  form.row = &row;
  std::string_view modifiers = row.modifiers;
  if (modifiers.starts_with('*')) {
    form.anyOrder = true;
    modifiers.remove_prefix(1);
  }
  for (std::string_view word : split(modifiers, ' ')) {
    ModifierSlot slot;
    if (word.ends_with('?')) {
      slot.optional = true;
      word.remove_suffix(1);
    }
    addAlternatives(row, word, slot);
    form.slots.push_back(std::move(slot));
  }
  if (row.operands)
    for (std::string_view word : split(row.operands, ' '))
      form.operands.push_back(readOperand(row, word));
  return form;
}

namespace {
struct TableOfForms {
  std::vector<Opcode> opcodes;
  std::vector<Form> forms;
  std::unordered_map<std::string_view, int> byName;

  TableOfForms() {
    for (auto rows :
         {integerForms(), floatForms(), logicForms(), memoryForms(),
          controlForms(), syncForms(), matrixForms(), refusedForms()})
      for (const FormRow &row : rows)
        add(row);
  }

  void add(const FormRow &row) {
    auto [entry, isNew] = byName.emplace(row.opcode, int(opcodes.size()));
    if (isNew)
      opcodes.push_back({row.opcode, {}, true});
    Opcode &opcode = opcodes[size_t(entry->second)];
    opcode.forms.push_back(uint16_t(forms.size()));
    forms.push_back(decode(row));
    forms.back().opcode = uint16_t(entry->second);
    opcode.refused &= forms.back().refused();
  }
};
} // namespace

static const TableOfForms &table() {
  static const TableOfForms theTable;
  return theTable;
}

const std::vector<Opcode> &tenon::sim::ptx::opcodes() {
  return table().opcodes;
}
const std::vector<Form> &tenon::sim::ptx::forms() { return table().forms; }
int tenon::sim::ptx::findOpcode(std::string_view name) {
  auto found = table().byName.find(name);
  return found == table().byName.end() ? -1 : found->second;
}
