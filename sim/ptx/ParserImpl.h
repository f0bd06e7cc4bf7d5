//===- ParserImpl.h - The recursive-descent parser --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Parser.cpp parses modules, ParseFunction.cpp functions and their statements,
// ParseInstruction.cpp instructions and operands, ParseConstant.cpp constant
// expressions and initializers.
//
// After an error the parser skips to the end of the statement and goes on; it
// stops after kMaxErrors.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_PTX_PARSERIMPL_H
#define TENON_SIM_PTX_PARSERIMPL_H

#include "sim/ptx/Check.h"
#include "sim/ptx/Lexer.h"
#include "sim/ptx/Parser.h"

#include <array>
#include <unordered_map>

namespace tenon::sim::ptx {

class ParserImpl {
public:
  explicit ParserImpl(std::string_view text) : lexer(text) {}
  std::variant<Module, Diagnostics> run();

private:
  // --- Tokens ---------------------------------------------------------------
  const Token &peek(size_t offset = 0);
  Token take();
  bool accept(char c);
  bool accept(std::string_view dottedWord);
  /// Each reports an error and returns false if something else stands there.
  bool expect(char c);
  bool expectName(std::string &name);
  bool expectInteger(uint64_t &value);
  bool error(Place place, std::string message);
  bool errorHere(std::string message);
  bool unexpected(const std::string &wanted);
  void skipStatement();
  static Place placeOf(const Token &token) {
    return {token.line, token.column};
  }

  // --- Names ----------------------------------------------------------------
  struct Symbol {
    Operand::Kind kind = Operand::Kind::None;
    uint32_t index = kNone; ///< of a Register: its group
    Place place;
  };
  struct Fixup {
    uint32_t instruction, operand; ///< or, of a table's target:
    uint32_t table, target;
    std::string name;
    Place place;
  };
  struct Scope {
    std::unordered_map<std::string, Symbol> names;
    std::vector<Fixup> fixups;
    Place place;
  };
  bool declare(const std::string &name, Symbol symbol);
  const Symbol *find(const std::string &name) const;
  /// A member of a register range, by the name of its whole; `index` is dense.
  bool findRegister(const std::string &name, uint32_t &index) const;
  void closeScope();

  // --- Parser.cpp -----------------------------------------------------------
  void moduleStatement();
  bool version();
  bool target();
  bool fileDirective();
  bool section();
  bool alias();
  bool stringList(std::vector<std::string> &strings);
  bool linkage(Linkage &result);
  /// After the state space: attributes, type, names, up to `;`.
  bool variables(Mod space, Linkage linkage, uint32_t owner);
  bool variableType(Variable &variable);
  bool declarator(Variable &variable);
  uint32_t addVariable(Variable variable);
  std::optional<Mod> spaceOf(const Token &token) const;
  void bindDeclarations();

  // --- ParseConstant.cpp ----------------------------------------------------
  struct Constant {
    Type type = Type::S64; ///< S64, U64, F32 or F64
    uint64_t bits = 0;
  };
  bool constant(Constant &result, unsigned depth = 0);
  bool binary(Constant &left, unsigned precedence, unsigned depth);
  bool unary(Constant &result, unsigned depth);
  bool apply(const Token &op, Constant &left, const Constant &right);
  bool initializer(Variable &variable, unsigned depth = 0);
  bool initializerLeaf(Initializer &leaf);

  // --- ParseFunction.cpp ----------------------------------------------------
  bool function(Linkage linkage);
  bool parameters(std::vector<uint32_t> &list, bool declareNames);
  bool directives(Function &function);
  void body();
  void statement();
  bool registers();
  bool loc();
  bool pragma();
  bool branchTargets(std::string name, Place place);
  bool callTable(std::string name, Place place);
  bool addRegisters(RegisterGroup group);
  void addStatement(Statement::Kind kind, size_t index);

  // --- ParseInstruction.cpp -------------------------------------------------
  /// An opcode with its modifiers, but for where they stand.
  struct Head {
    uint16_t opcode = 0;
    size_t used = 0; ///< words of the opcode
    std::vector<ModifierWord> modifiers;
    std::string suffix;
  };
  /// Of the instruction whose first word has been taken; null after an error.
  const Head *head(const Token &first);
  bool instruction();
  bool operands(Instruction &instruction, bool isCall);
  bool operand(Operand &result, bool isCall, unsigned depth = 0);
  bool namedOperand(Operand &result);
  bool address(Operand &result);
  bool offset(int64_t &value);
  bool group(Operand &result, char close, unsigned depth);
  bool resolve(const Token &name, Operand &result);

  Lexer lexer;
  /// Tokens read and not yet taken, oldest first.
  std::array<Token, 2> ahead;
  size_t aheadCount = 0;
  Diagnostics errors;
  bool stopped = false;
  bool atStart = true; ///< the last token ended a statement

  Module module;
  std::vector<Scope> scopes;
  Function *current = nullptr;
  uint32_t currentIndex = kNone;
  uint32_t locFile = 0, locLine = 0;
  uint32_t registerCount = 0; ///< of all functions
  /// Names of the operands of the instruction being parsed that may be labels
  /// further on; their operands have kind Label and index kNone.
  std::vector<std::pair<std::string, Place>> pending;
  // Of the instruction being parsed, kept for their memory.
  std::vector<Token> words;
  std::vector<Place> places; ///< of `words`
  std::vector<ModifierWord> modifiers;
  std::unordered_map<std::string_view, Head> heads;
};

} // namespace tenon::sim::ptx

#endif // TENON_SIM_PTX_PARSERIMPL_H
