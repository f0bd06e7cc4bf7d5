//===- ParseFunction.cpp - Functions and their statements -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 11.2 and 11.3 (functions, control flow directives), 11.4 (performance
// directives), 5.4 (registers and variables), 11.5.3 (.loc).
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/CheckCalls.h"
#include "sim/ptx/Instructions.h"
#include "sim/ptx/ParserImpl.h"

using namespace tenon::sim::ptx;

void ParserImpl::addStatement(Statement::Kind kind, size_t index) {
  current->statements.push_back({kind, uint32_t(index)});
}

/// .entry name (params) directives body, or
/// .func (results) name (params) directives body-or-semicolon.
bool ParserImpl::function(Linkage linkage) {
  Function result;
  result.isEntry = take().text == "entry";
  result.linkage = linkage;
  // `.func .attribute(...)`, PTX ISA 11.4: kept as a directive.
  currentIndex = uint32_t(module.functions.size());
  module.functions.push_back(std::move(result));
  current = &module.functions.back();
  Scope scope;
  scope.place = placeOf(peek());
  scopes.push_back(std::move(scope));
  // Until the function has its name, it is not one.
  auto giveUp = [&] {
    scopes.resize(1);
    module.functions.pop_back();
    current = nullptr;
    return false;
  };
  if (!current->isEntry && accept('('))
    if (!parameters(current->signature.results, true))
      return giveUp();
  current->place = placeOf(peek());
  if (!expectName(current->name))
    return giveUp();
  if (accept('('))
    if (!parameters(current->signature.parameters, true))
      return giveUp();
  if (!directives(*current))
    return giveUp();

  // The name is declared in the module, not in the function.
  Scope inner = std::move(scopes.back());
  scopes.pop_back();
  const Symbol *earlier = find(current->name);
  bool defines = peek().is('{');
  bool isFirst = true;
  if (earlier && earlier->kind == Operand::Kind::Function &&
      !(defines && module.functions[earlier->index].isDefined)) {
    isFirst = false;
    const Signature &before = module.functions[earlier->index].signature;
    if (before.results.size() != current->signature.results.size() ||
        before.parameters.size() != current->signature.parameters.size())
      error(current->place, "function '" + current->name +
                                "' differs from its declaration in line " +
                                std::to_string(earlier->place.line));
    if (defines)
      scopes.back().names[current->name].index = currentIndex;
  }
  if (isFirst)
    declare(current->name,
            {Operand::Kind::Function, currentIndex, current->place});
  scopes.push_back(std::move(inner));
  module.items.push_back({currentIndex, true});

  bool good = true;
  if (defines) {
    current->isDefined = true;
    body();
    static const int call = findOpcode("call");
    for (const Instruction &instruction : current->instructions)
      if (instruction.opcode == call)
        if (auto wrong = checkIndirectCall(module, *current, instruction))
          error(wrong->place,
                "call" + instruction.suffix + ": " + std::move(wrong->message));
  } else {
    scopes.pop_back();
    good = accept(';') || peek().is('.') ||
           peek().kind == Token::Kind::Dotted ||
           peek().kind == Token::Kind::End || unexpected("';' or '{'");
  }
  current = nullptr;
  locFile = locLine = 0;
  return good;
}

/// After `(`: `.param` and `.reg` declarations up to `)`.
bool ParserImpl::parameters(std::vector<uint32_t> &list, bool declareNames) {
  if (accept(')'))
    return true;
  do {
    Variable variable;
    variable.owner = currentIndex;
    bool isRegister = peek().isDotted("reg");
    if (!isRegister && !peek().isDotted("param"))
      return unexpected("a .param or .reg");
    take();
    variable.space = isRegister ? Mod::None : Mod::Param;
    if (!variableType(variable) || !declarator(variable))
      return false;
    // A prototype's parameters are often all called `_`.
    if (declareNames && isRegister) {
      if (!addRegisters({variable.name, variable.type, variable.vector, false,
                         0, 1, variable.place}))
        return false;
    } else if (declareNames) {
      declare(variable.name,
              {Operand::Kind::Variable, uint32_t(module.variables.size()),
               variable.place});
    }
    list.push_back(addVariable(std::move(variable)));
  } while (accept(','));
  return expect(')');
}

bool ParserImpl::directives(Function &function) {
  // Those that take no number, and the numbers of those that do.
  struct Row {
    std::string_view name;
    unsigned least, most;
  };
  static constexpr Row kRows[] = {
      {"maxnreg", 1, 1},         {"maxntid", 1, 3},
      {"reqntid", 1, 3},         {"minnctapersm", 1, 1},
      {"maxnctapersm", 1, 1},    {"noreturn", 0, 0},
      {"explicitcluster", 0, 0}, {"reqnctapercluster", 1, 3},
      {"maxclusterrank", 1, 1},  {"blocksareclusters", 0, 0},
      {"abi_preserve", 1, 1},    {"abi_preserve_control", 1, 1},
      {"unified", 2, 2},
  };
  while (peek().kind == Token::Kind::Dotted) {
    Token token = peek();
    FunctionDirective directive;
    directive.name = std::string(token.text);
    if (token.text == "pragma") {
      take();
      std::vector<std::string> strings;
      if (!stringList(strings) || !expect(';'))
        return false;
      for (std::string &text : strings) {
        directive.text = std::move(text);
        function.directives.push_back(directive);
      }
      continue;
    }
    const Row *found = nullptr;
    for (const Row &row : kRows)
      if (row.name == token.text)
        found = &row;
    if (!found) {
      // After a declaration without `;`, the next directive of the module.
      static constexpr std::string_view kModule[] = {
          "visible", "extern",  "weak",   "common", "entry",  "func", "global",
          "const",   "section", "shared", "file",   "pragma", "alias"};
      for (std::string_view word : kModule)
        if (word == token.text)
          return true;
      return error(placeOf(token), "unknown function directive '." +
                                       directive.name.substr(0, 40) + "'");
    }
    take();
    if (found->most)
      do {
        uint64_t value = 0;
        if (!expectInteger(value))
          return false;
        directive.values.push_back(value);
      } while (directive.values.size() < 4 && accept(','));
    if (directive.values.size() < found->least ||
        directive.values.size() > found->most)
      return error(placeOf(token), "." + directive.name + ": expected " +
                                       std::to_string(found->least) + " to " +
                                       std::to_string(found->most) +
                                       " numbers, got " +
                                       std::to_string(directive.values.size()));
    function.signature.noReturn |= directive.name == "noreturn";
    function.directives.push_back(std::move(directive));
  }
  return true;
}

/// From `{` to its `}`; scopes inside are a stack, not recursion.
void ParserImpl::body() {
  take();
  unsigned depth = 1;
  while (!stopped) {
    const Token &token = peek();
    if (token.kind == Token::Kind::End) {
      error(current->place,
            "the body of '" + current->name + "' is not closed");
      break;
    }
    if (token.is('{')) {
      if (depth >= kMaxDepth) {
        errorHere("scopes are nested too deeply");
        stopped = true;
        break;
      }
      Scope scope;
      scope.place = placeOf(token);
      scopes.push_back(std::move(scope));
      addStatement(Statement::Kind::Open, 0);
      ++depth;
      take();
    } else if (token.is('}')) {
      take();
      closeScope();
      if (--depth == 0)
        return;
      addStatement(Statement::Kind::Close, 0);
    } else {
      statement();
    }
  }
  scopes.resize(1);
}

void ParserImpl::statement() {
  bool good = true;
  Token token = peek();
  if (token.kind == Token::Kind::Identifier && peek(1).is(':')) {
    take();
    take();
    std::string name(token.text);
    Place place = placeOf(token);
    if (peek().isDotted("branchtargets"))
      good = branchTargets(std::move(name), place);
    else if (peek().isDotted("calltargets") || peek().isDotted("callprototype"))
      good = callTable(std::move(name), place);
    else {
      declare(name,
              {Operand::Kind::Label, uint32_t(current->labels.size()), place});
      addStatement(Statement::Kind::Label, current->labels.size());
      current->labels.push_back(
          {std::move(name), uint32_t(current->instructions.size()), place});
    }
  } else if (token.kind == Token::Kind::Dotted) {
    if (token.text == "reg") {
      good = registers();
    } else if (token.text == "loc") {
      good = loc();
    } else if (token.text == "pragma") {
      good = pragma();
    } else if (auto space = spaceOf(token)) {
      take();
      good = variables(*space, Linkage::Internal, currentIndex);
    } else {
      good = error(placeOf(token), "unknown directive '." +
                                       std::string(token.text.substr(0, 40)) +
                                       "'");
    }
  } else if (token.kind == Token::Kind::Identifier || token.is('@')) {
    good = instruction();
  } else {
    good = unexpected("an instruction");
    take();
  }
  if (!good)
    skipStatement();
}

bool ParserImpl::addRegisters(RegisterGroup group) {
  if (group.type == Type::None || bitsOf(group.type) < 8)
    if (group.type != Type::Pred)
      return error(group.place, "register '" + group.name +
                                    "' cannot have type ." +
                                    std::string(spelling(group.type)));
  if (group.count > kMaxRegisters - current->registers.size())
    return error(group.place,
                 "more than " + std::to_string(kMaxRegisters) + " registers");
  if (group.count > kMaxAllRegisters - registerCount)
    return error(group.place, "more than " + std::to_string(kMaxAllRegisters) +
                                  " registers in the module");
  registerCount += group.count;
  group.first = uint32_t(current->registers.size());
  Symbol symbol{Operand::Kind::Register,
                uint32_t(current->registerGroups.size()), group.place};
  if (!declare(group.isRange ? group.name + "<" : group.name, symbol))
    return true; // reported; the registers of the first declaration serve
  current->registers.insert(current->registers.end(), group.count, group.type);
  current->registerGroups.push_back(std::move(group));
  return true;
}

/// .reg .v2 .f32 a, b<4>;
bool ParserImpl::registers() {
  take();
  Variable type;
  if (!variableType(type))
    return false;
  do {
    RegisterGroup group;
    group.place = placeOf(peek());
    group.type = type.type;
    group.vector = type.vector;
    if (!expectName(group.name))
      return false;
    if (accept('<')) {
      if (peek().kind != Token::Kind::Integer)
        return unexpected("a number of registers");
      uint64_t count = take().bits;
      if (count > kMaxRegisters)
        return error(group.place, "more than " + std::to_string(kMaxRegisters) +
                                      " registers");
      group.isRange = true;
      group.count = uint32_t(count);
      if (!expect('>'))
        return false;
    }
    size_t before = current->registerGroups.size();
    if (!addRegisters(std::move(group)))
      return false;
    if (current->registerGroups.size() > before)
      addStatement(Statement::Kind::Registers, before);
  } while (accept(','));
  return expect(';');
}

/// .loc file line column {, function_name label {+ n}, inlined_at f l c}
bool ParserImpl::loc() {
  take();
  SourceLoc result;
  uint64_t file = 0, line = 0, column = 0;
  if (!expectInteger(file) || !expectInteger(line) || !expectInteger(column))
    return false;
  result.file = locFile = uint32_t(file);
  result.line = locLine = uint32_t(line);
  result.column = uint32_t(column);
  while (accept(',')) {
    std::string word;
    if (!expectName(word))
      return false;
    result.inlinedFrom += ", " + word;
    while (peek().kind == Token::Kind::Identifier ||
           peek().kind == Token::Kind::Integer || peek().is('+')) {
      // An instruction may follow on the next line: a word ends it, but for
      // the label after function_name.
      if (peek().kind == Token::Kind::Identifier &&
          !result.inlinedFrom.ends_with("function_name"))
        break;
      result.inlinedFrom += " " + std::string(take().text);
    }
  }
  addStatement(Statement::Kind::Loc, current->locs.size());
  current->locs.push_back(std::move(result));
  return true;
}

bool ParserImpl::pragma() {
  take();
  size_t before = current->pragmas.size();
  if (!stringList(current->pragmas))
    return false;
  for (size_t i = before; i < current->pragmas.size(); ++i)
    addStatement(Statement::Kind::Pragma, i);
  return expect(';');
}

/// name: .branchtargets L1, L2;  PTX ISA 11.3.1.
bool ParserImpl::branchTargets(std::string name, Place place) {
  take();
  auto index = uint32_t(current->tables.size());
  declare(name, {Operand::Kind::Table, index, place});
  Table table;
  table.kind = Table::Kind::Branch;
  table.name = std::move(name);
  table.place = place;
  current->tables.push_back(std::move(table));
  addStatement(Statement::Kind::Table, index);
  do {
    Token label = peek();
    std::string target;
    if (!expectName(target))
      return false;
    auto &targets = current->tables[index].targets;
    scopes.back().fixups.push_back({kNone, kNone, index,
                                    uint32_t(targets.size()), target,
                                    placeOf(label)});
    targets.push_back(kNone);
  } while (accept(','));
  return expect(';');
}

/// name: .calltargets f, g;  or  name: .callprototype (results) _ (params);
/// PTX ISA 11.3.2 and 11.3.3.
bool ParserImpl::callTable(std::string name, Place place) {
  bool isPrototype = take().text == "callprototype";
  auto index = uint32_t(current->tables.size());
  declare(name, {Operand::Kind::Table, index, place});
  Table table;
  table.kind = isPrototype ? Table::Kind::Prototype : Table::Kind::Call;
  table.name = std::move(name);
  table.place = place;
  addStatement(Statement::Kind::Table, index);
  current->tables.push_back(table);
  if (isPrototype) {
    std::string sink;
    if (accept('(') && !parameters(table.prototype.results, false))
      return false;
    if (!expectName(sink))
      return false;
    if (accept('(') && !parameters(table.prototype.parameters, false))
      return false;
    while (peek().kind == Token::Kind::Dotted) {
      Token word = take();
      table.prototype.noReturn |= word.text == "noreturn";
      if (peek().kind == Token::Kind::Integer)
        take();
    }
  } else {
    do {
      Token word = peek();
      std::string target;
      if (!expectName(target))
        return false;
      const Symbol *symbol = find(target);
      if (!symbol || symbol->kind != Operand::Kind::Function)
        return error(placeOf(word), "'" + target + "' is no function");
      table.targets.push_back(symbol->index);
    } while (accept(','));
  }
  current->tables[index] = std::move(table);
  return expect(';');
}
