//===- Ast.h - A parsed and checked PTX module ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A `Module` owns everything, in flat lists that refer to each other by index:
//
//   Module ── files, variables, functions, aliases
//   Function ── registers (dense indices), statements in the order of the text
//   Statement ── an instruction, label, declaration or bracket of a scope, by
//                its index in the function's list of that kind
//   Instruction ── opcode and form (Instructions.h), modifiers, operands
//
// Names are resolved: an operand holds the register's index, the variable's,
// the function's, or the label's, and a label the index of the instruction
// that follows it. Scopes stay visible as statements, so that the module can
// be printed back (Printer.h).
//
// Comparison of modules ignores where things stand in the text.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_PTX_AST_H
#define TENON_SIM_PTX_AST_H

#include "sim/ptx/Modifiers.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace tenon::sim::ptx {

/// A place in the PTX text, both from 1; equal to every other.
struct Place {
  uint32_t line = 0, column = 0;
  bool operator==(const Place &) const { return true; }
};

inline constexpr uint32_t kNone = UINT32_MAX;

/// Special registers, PTX ISA 10. Components and numbers are part of the name.
struct SpecialRegister {
  std::string_view name; ///< without `%`, e.g. `tid.x`
  Type type;
};
/// kNone if there is none of that name.
uint32_t findSpecialRegister(std::string_view name);
const SpecialRegister &specialRegister(uint32_t index);

struct Operand {
  enum class Kind : uint8_t {
    None,
    Register,
    Immediate, ///< `value` holds the bits, `type` S64, U64, F32 or F64
    Address,   ///< `base` plus `value` bytes
    Variable,
    Function,
    Label,   ///< index of Function::labels
    Table,   ///< index of Function::tables: .branchtargets and the like
    Special, ///< index of special registers
    Sink,    ///< `_`
    Vector,  ///< {a, b}: `count` operands from Function::elements[index]
    Pair,    ///< `p|q`: two operands from Function::elements[index]
    List,    ///< (a, b): call arguments, as Vector
  };
  Kind kind = Kind::None;
  Kind base = Kind::None; ///< of an Address: Register, Variable or Immediate
  bool negated = false;   ///< `!p`
  Type type = Type::None; ///< of a register, special register or immediate
  uint8_t element = 0xff; ///< `.x` is 0, of a vector register
  uint16_t count = 0;
  uint32_t index = kNone;
  int64_t value = 0;
  Place place;

  bool operator==(const Operand &) const = default;
};

struct Instruction {
  static constexpr unsigned kMaxModifiers = 16, kMaxTypes = 4;

  uint16_t opcode = 0; ///< index of opcodes(), Instructions.h
  uint16_t form = 0;   ///< index of forms()
  uint8_t modifierCount = 0, typeCount = 0;
  /// As written, without types; in the order of the text.
  std::array<Mod, kMaxModifiers> modifiers{};
  std::array<Type, kMaxTypes> types{};
  /// One modifier a field (Modifiers.h), Mod::None where there is none.
  std::array<Mod, size_t(Field::Count)> fields{};
  /// Everything after the opcode, as written: for printing and messages.
  std::string suffix;

  uint32_t guard = kNone; ///< predicate register of `@p`
  bool guardNegated = false;
  std::vector<Operand> operands;

  uint32_t file = 0, sourceLine = 0; ///< of the last .loc; 0: none
  Place place;

  Mod get(Field field) const { return fields[size_t(field)]; }
  bool has(Mod mod) const {
    for (unsigned i = 0; i < modifierCount; ++i)
      if (modifiers[i] == mod)
        return true;
    return false;
  }
  bool operator==(const Instruction &) const = default;
};

/// One leaf of an initializer.
struct Initializer {
  /// Number: `value`; Symbol: address of `symbol` plus `value`;
  /// Generic: the same as a generic address.
  enum class Kind : uint8_t { Number, Symbol, Generic, Open, Close };
  Kind kind = Kind::Number;
  Type type = Type::S64; ///< of a number: S64, U64, F32 or F64
  std::string symbol;
  uint64_t value = 0;
  uint64_t mask = 0; ///< of the mask operator, `0xff(symbol)`; 0: none
  bool operator==(const Initializer &) const = default;
};

enum class Linkage : uint8_t { Internal, Extern, Visible, Weak, Common };

struct Variable {
  std::string name;
  /// Global, Const, Shared, Local, Param; None: a `.reg` parameter
  Mod space = Mod::None;
  Linkage linkage = Linkage::Internal;
  Type type = Type::None;
  uint8_t vector = 1;
  uint32_t alignment = 0; ///< bytes; 0: natural
  /// Sizes of an array; 0 is `[]`. Empty: no array.
  std::vector<uint64_t> dimensions;
  /// Flat; Open and Close are the braces of lists.
  std::vector<Initializer> initializer;
  uint32_t owner = kNone; ///< function that declares it, or none
  /// `.ptr` of a kernel parameter, PTX ISA 5.1.6.3
  bool isPointer = false;
  std::string attributes; ///< of `.attribute(...)`
  Mod pointerSpace = Mod::None;
  uint32_t pointerAlignment = 0;
  Place place;

  /// In bytes; 0 for an unsized array.
  uint64_t size() const;
  /// What `alignment` or the type demands.
  uint32_t effectiveAlignment() const;
  bool operator==(const Variable &) const = default;
};

/// A `.reg` declaration: `name` alone, or `name<count>`.
struct RegisterGroup {
  std::string name;
  Type type = Type::None;
  uint8_t vector = 1;
  bool isRange = false;
  uint32_t first = 0, count = 1; ///< dense indices
  Place place;
  bool operator==(const RegisterGroup &) const = default;
};

struct Label {
  std::string name;
  uint32_t instruction = 0; ///< of the one that follows
  Place place;
  bool operator==(const Label &) const = default;
};

struct Signature {
  std::vector<uint32_t> results, parameters; ///< of Module::variables
  bool noReturn = false;
  bool operator==(const Signature &) const = default;
};

/// .branchtargets, .calltargets or .callprototype, with its label.
struct Table {
  enum class Kind : uint8_t { Branch, Call, Prototype };
  Kind kind = Kind::Branch;
  std::string name;
  std::vector<uint32_t> targets; ///< labels or functions
  Signature prototype;
  Place place;
  bool operator==(const Table &) const = default;
};

struct Statement {
  enum class Kind : uint8_t {
    Instruction,
    Label,
    Registers,
    Variable, ///< index of Module::variables
    Table,
    Open,
    Close,
    Loc,   ///< index of Function::locs
    Pragma ///< index of Function::pragmas
  };
  Kind kind;
  uint32_t index = 0;
  bool operator==(const Statement &) const = default;
};

/// `.loc file line column`, PTX ISA 11.5.3.
struct SourceLoc {
  uint32_t file = 0, line = 0, column = 0;
  /// `, function_name label, inlined_at file line column`; empty: not inlined
  std::string inlinedFrom;
  bool operator==(const SourceLoc &) const = default;
};

/// A performance or ABI directive of a function, PTX ISA 11.4, as
/// `.maxntid 128, 1, 1`.
struct FunctionDirective {
  std::string name;
  std::vector<uint64_t> values;
  std::string text; ///< of .pragma
  bool operator==(const FunctionDirective &) const = default;
};

struct Function {
  std::string name;
  bool isEntry = false, isDefined = false;
  Linkage linkage = Linkage::Internal;
  Signature signature;
  std::vector<FunctionDirective> directives;

  std::vector<Statement> statements;
  std::vector<Instruction> instructions;
  std::vector<Operand> elements; ///< of vectors, pairs and lists
  std::vector<Label> labels;
  std::vector<Table> tables;
  std::vector<SourceLoc> locs;
  std::vector<std::string> pragmas;
  std::vector<RegisterGroup> registerGroups; ///< by rising `first`
  std::vector<Type> registers;               ///< type of each dense index
  Place place;

  /// The group that holds a dense index.
  const RegisterGroup &groupOf(uint32_t index) const;
  std::string registerName(uint32_t index) const;
  bool operator==(const Function &) const = default;
};

struct SourceFile {
  uint32_t number = 0;
  std::string name;
  uint64_t time = 0, size = 0;
  bool hasTime = false;
  bool operator==(const SourceFile &) const = default;
};

struct Alias {
  std::string name, target;
  Place place;
  bool operator==(const Alias &) const = default;
};

/// A `.section`: its text, token by token.
struct Section {
  std::string name, text;
  bool operator==(const Section &) const = default;
};

struct Module {
  unsigned versionMajor = 0, versionMinor = 0;
  std::string target; ///< e.g. `sm_90a`; options follow in `targetOptions`
  unsigned sm = 0;    ///< 80 of `sm_80`
  std::vector<std::string> targetOptions;
  unsigned addressSize = 32;
  std::vector<std::string> pragmas;
  std::vector<SourceFile> files;
  std::vector<Section> sections;
  std::vector<Variable> variables;
  std::vector<Function> functions;
  std::vector<Alias> aliases;
  /// Variables and functions of the module in the order of the text: index,
  /// and whether it is a function.
  struct Item {
    uint32_t index = 0;
    bool isFunction = false;
    bool operator==(const Item &) const = default;
  };
  std::vector<Item> items;

  bool operator==(const Module &) const = default;
};

} // namespace tenon::sim::ptx

#endif // TENON_SIM_PTX_AST_H
