//===- Parser.cpp - Modules, variables, names -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/Parser.h"
#include "sim/ptx/ParserImpl.h"

#include <algorithm>

using namespace tenon::sim::ptx;

std::variant<Module, Diagnostics>
tenon::sim::ptx::parse(std::string_view text) {
  return ParserImpl(text).run();
}

// --- Tokens -----------------------------------------------------------------

const Token &ParserImpl::peek(size_t offset) {
  while (aheadCount <= offset)
    ahead[aheadCount++] = lexer.next();
  return ahead[offset];
}

Token ParserImpl::take() {
  Token token = peek();
  if (token.kind != Token::Kind::End) {
    ahead[0] = ahead[1];
    --aheadCount;
    atStart = token.is(';') || token.is('{') || token.is('}') || token.is(':');
  }
  return token;
}

bool ParserImpl::accept(char c) {
  if (!peek().is(c))
    return false;
  take();
  return true;
}

bool ParserImpl::accept(std::string_view dottedWord) {
  if (!peek().isDotted(dottedWord))
    return false;
  take();
  return true;
}

bool ParserImpl::error(Place place, std::string message) {
  if (stopped)
    return false;
  errors.push_back({place.line, place.column, std::move(message)});
  stopped = errors.size() >= kMaxErrors;
  return false;
}

bool ParserImpl::errorHere(std::string message) {
  return error(placeOf(peek()), std::move(message));
}

bool ParserImpl::unexpected(const std::string &wanted) {
  const Token &token = peek();
  if (token.kind == Token::Kind::Invalid)
    return errorHere(std::string(token.text));
  static constexpr size_t kShown = 40;
  std::string got =
      token.kind == Token::Kind::End ? "the end of the text"
      : token.kind == Token::Kind::String
          ? "a string"
          : "'" + std::string(token.kind == Token::Kind::Dotted ? "." : "") +
                std::string(token.text.substr(0, kShown)) + "'";
  return errorHere("expected " + wanted + ", got " + got);
}

bool ParserImpl::expect(char c) {
  return accept(c) || unexpected(std::string("'") + c + "'");
}

bool ParserImpl::expectName(std::string &name) {
  if (peek().kind != Token::Kind::Identifier)
    return unexpected("a name");
  name = std::string(take().text);
  return true;
}

bool ParserImpl::expectInteger(uint64_t &value) {
  Place place = placeOf(peek());
  Constant number;
  if (!constant(number))
    return false;
  if (number.type != Type::S64 && number.type != Type::U64)
    return error(place, "expected an integer");
  value = number.bits;
  return true;
}

/// Past the next `;`, or up to a brace that is not a vector's.
void ParserImpl::skipStatement() {
  bool inVector = false;
  for (;;) {
    const Token &token = peek();
    bool opens = token.is('{'), closes = token.is('}');
    if (token.kind == Token::Kind::End || (closes && !inVector) ||
        (opens && (atStart || inVector || !current)))
      return;
    if (opens || closes)
      inVector = opens;
    bool ends = take().is(';');
    if (closes)
      atStart = false;
    if (ends)
      return;
  }
}

// --- Names ------------------------------------------------------------------

bool ParserImpl::declare(const std::string &name, Symbol symbol) {
  auto [entry, isNew] = scopes.back().names.emplace(name, symbol);
  return isNew ||
         error(symbol.place, "'" + name + (name.ends_with('<') ? "...>" : "") +
                                 "' is already declared in line " +
                                 std::to_string(entry->second.place.line));
}

const ParserImpl::Symbol *ParserImpl::find(const std::string &name) const {
  for (size_t i = scopes.size(); i-- > 0;) {
    auto found = scopes[i].names.find(name);
    if (found != scopes[i].names.end())
      return &found->second;
  }
  return nullptr;
}

/// `%r12` is in the range `%r<13>`, or in `%r1<3>`: each way to cut the digits
/// off is tried, in the innermost scope first. Ranges are declared under their
/// prefix and a `<`, which no name holds.
bool ParserImpl::findRegister(const std::string &name, uint32_t &index) const {
  size_t digits = name.size();
  while (digits > 1 && name[digits - 1] >= '0' && name[digits - 1] <= '9' &&
         name.size() - digits < 8)
    --digits;
  for (size_t i = scopes.size(); i-- > 1;) {
    for (size_t cut = digits; cut < name.size(); ++cut) {
      if (name[cut] == '0' && cut + 1 < name.size())
        continue;
      auto found = scopes[i].names.find(name.substr(0, cut) + "<");
      if (found == scopes[i].names.end())
        continue;
      const RegisterGroup &group = current->registerGroups[found->second.index];
      uint32_t number = uint32_t(std::stoul(name.substr(cut)));
      if (number < group.count) {
        index = group.first + number;
        return true;
      }
    }
  }
  return false;
}

/// Labels are visible in the scope that holds them and those inside it; what
/// this scope does not define, its parent may.
void ParserImpl::closeScope() {
  Scope scope = std::move(scopes.back());
  scopes.pop_back();
  bool isOutermost = scopes.size() == 1;
  for (Fixup &fixup : scope.fixups) {
    auto found = scope.names.find(fixup.name);
    if (found == scope.names.end() && !isOutermost) {
      scopes.back().fixups.push_back(std::move(fixup));
      continue;
    }
    if (found == scope.names.end()) {
      error(fixup.place, "'" + fixup.name + "' is not declared");
      continue;
    }
    const Symbol &symbol = found->second;
    if (symbol.kind != Operand::Kind::Label &&
        (symbol.kind != Operand::Kind::Table || fixup.table != kNone)) {
      error(fixup.place, "'" + fixup.name + "' is no label");
      continue;
    }
    if (fixup.table != kNone) {
      current->tables[fixup.table].targets[fixup.target] = symbol.index;
      continue;
    }
    Operand &operand =
        current->instructions[fixup.instruction].operands[fixup.operand];
    if (operand.kind != symbol.kind)
      error(fixup.place,
            "'" + fixup.name + "' is no " +
                (operand.kind == Operand::Kind::Label ? "label"
                                                      : "table of targets"));
    operand.index = symbol.index;
  }
}

// --- Module -----------------------------------------------------------------

std::variant<Module, Diagnostics> ParserImpl::run() {
  scopes.emplace_back();
  if (peek().kind == Token::Kind::End)
    errorHere("expected .version, got the end of the text");
  while (!stopped && peek().kind != Token::Kind::End)
    moduleStatement();
  if (errors.empty())
    bindDeclarations();
  if (!errors.empty())
    return std::move(errors);
  return std::move(module);
}

/// What may stand further on in the text: symbols of initializers, and the
/// definition of a function whose declaration an operand names.
void ParserImpl::bindDeclarations() {
  std::unordered_map<std::string_view, uint32_t> defined;
  for (uint32_t i = 0; i < module.functions.size(); ++i)
    if (module.functions[i].isDefined)
      defined.emplace(module.functions[i].name, i);
  auto bind = [&](uint32_t &index) {
    auto found = defined.find(module.functions[index].name);
    if (found != defined.end())
      index = found->second;
  };
  for (const Variable &variable : module.variables)
    for (const Initializer &leaf : variable.initializer)
      if (!leaf.symbol.empty() && !find(leaf.symbol))
        error(variable.place, "initializer of '" + variable.name + "': '" +
                                  leaf.symbol + "' is not declared");
  for (Function &function : module.functions) {
    for (Instruction &instruction : function.instructions)
      for (Operand &operand : instruction.operands)
        if (operand.kind == Operand::Kind::Function)
          bind(operand.index);
    for (Table &table : function.tables)
      if (table.kind == Table::Kind::Call)
        for (uint32_t &target : table.targets)
          bind(target);
  }
}

std::optional<Mod> ParserImpl::spaceOf(const Token &token) const {
  if (token.kind != Token::Kind::Dotted)
    return std::nullopt;
  auto mod = findMod(token.text);
  if (mod && (*mod == Mod::Global || *mod == Mod::Const || *mod == Mod::Local ||
              *mod == Mod::Shared || *mod == Mod::Param))
    return mod;
  return std::nullopt;
}

void ParserImpl::moduleStatement() {
  Linkage link = Linkage::Internal;
  bool good = true;
  if (accept("version")) {
    good = version();
  } else if (accept("target")) {
    good = target();
  } else if (accept("address_size")) {
    uint64_t size = 0;
    Place place = placeOf(peek());
    good = expectInteger(size);
    if (good && size != 32 && size != 64)
      error(place,
            ".address_size: expected 32 or 64, got " + std::to_string(size));
    module.addressSize = unsigned(size);
  } else if (accept("file")) {
    good = fileDirective();
  } else if (accept("section")) {
    good = section();
  } else if (accept("pragma")) {
    good = stringList(module.pragmas) && expect(';');
  } else if (accept("alias")) {
    good = alias();
  } else if (linkage(link)) {
    if (peek().isDotted("entry") || peek().isDotted("func"))
      good = function(link);
    else if (auto space = spaceOf(peek())) {
      take();
      good = variables(*space, link, kNone);
    } else
      good = unexpected("a directive, a variable or a function");
  }
  if (good)
    return;
  Token at = peek();
  skipStatement();
  if (peek().is('{')) {
    // The body of a function whose head is wrong is not looked at.
    unsigned depth = 0;
    do {
      Token token = take();
      depth += token.is('{');
      depth -= token.is('}');
    } while (depth && peek().kind != Token::Kind::End);
    return;
  }
  if (peek().is('}') ||
      (placeOf(peek()).line == at.line && peek().column == at.column))
    take();
}

/// PTX ISA 11.1.1. Any version is accepted. `9.0` lexes as a float.
bool ParserImpl::version() {
  Token token = peek();
  std::string text(token.text);
  size_t dot = text.find('.');
  if (token.kind != Token::Kind::Double || dot == std::string::npos ||
      dot + 1 == text.size() || text.size() > 8 ||
      text.find_first_not_of("0123456789.") != std::string::npos)
    return unexpected("a version such as 9.0");
  take();
  module.versionMajor = unsigned(std::stoul(text.substr(0, dot)));
  module.versionMinor = unsigned(std::stoul(text.substr(dot + 1)));
  return true;
}

/// PTX ISA 11.1.2.
bool ParserImpl::target() {
  do {
    Place place = placeOf(peek());
    std::string name;
    if (!expectName(name))
      return false;
    if (!name.starts_with("sm_") && !name.starts_with("compute_")) {
      module.targetOptions.push_back(name);
      continue;
    }
    size_t at = name.find('_') + 1, end = at;
    unsigned number = 0;
    while (end < name.size() && end < at + 4 && name[end] >= '0' &&
           name[end] <= '9')
      number = number * 10 + unsigned(name[end++] - '0');
    if (number == 0)
      return error(place, ".target: expected a target such as sm_80, got '" +
                              name + "'");
    module.target = name;
    module.sm = number;
  } while (accept(','));
  return true;
}

/// .file number "name" {, time, size}: PTX ISA 11.5.4.
bool ParserImpl::fileDirective() {
  uint64_t number = 0;
  if (!expectInteger(number))
    return false;
  if (peek().kind != Token::Kind::String)
    return unexpected("the name of a file in quotes");
  SourceFile file;
  file.number = uint32_t(number);
  file.name = std::string(take().text);
  if (accept(',')) {
    file.hasTime = true;
    if (!expectInteger(file.time) || !expect(',') || !expectInteger(file.size))
      return false;
  }
  module.files.push_back(std::move(file));
  return true;
}

/// .section name { ... }: PTX ISA 11.5.2; the text is kept as it is.
bool ParserImpl::section() {
  Section result;
  if (peek().kind != Token::Kind::Dotted &&
      peek().kind != Token::Kind::Identifier)
    return unexpected("the name of a section");
  bool isDotted = peek().kind == Token::Kind::Dotted;
  result.name = (isDotted ? "." : "") + std::string(take().text);
  Place place = placeOf(peek());
  if (!expect('{'))
    return false;
  uint32_t line = peek().line;
  while (!peek().is('}')) {
    Token token = take();
    if (token.kind == Token::Kind::End)
      return error(place, "section '" + result.name + "' is not closed");
    if (!result.text.empty())
      result.text += token.line != line ? '\n' : ' ';
    line = token.line;
    if (token.kind == Token::Kind::Dotted)
      result.text += '.';
    if (token.kind == Token::Kind::String)
      result.text += '"' + std::string(token.text) + '"';
    else
      result.text += token.text;
  }
  module.sections.push_back(std::move(result));
  return expect('}');
}

/// .alias name, target;  PTX ISA 11.6.5.
bool ParserImpl::alias() {
  Alias result;
  result.place = placeOf(peek());
  if (!expectName(result.name) || !expect(','))
    return false;
  Token name = peek();
  if (!expectName(result.target))
    return false;
  const Symbol *symbol = find(result.target);
  if (!symbol || symbol->kind != Operand::Kind::Function)
    error(placeOf(name), ".alias: '" + result.target + "' is no function");
  const Symbol *own = find(result.name);
  if (!own || own->kind != Operand::Kind::Function)
    error(result.place, ".alias: '" + result.name + "' is no function");
  module.aliases.push_back(std::move(result));
  return expect(';');
}

bool ParserImpl::stringList(std::vector<std::string> &strings) {
  do {
    if (peek().kind != Token::Kind::String)
      return unexpected("a string");
    strings.emplace_back(take().text);
  } while (accept(','));
  return true;
}

/// PTX ISA 11.6. True: whatever follows is to be parsed.
bool ParserImpl::linkage(Linkage &result) {
  if (accept("extern"))
    result = Linkage::Extern;
  else if (accept("visible"))
    result = Linkage::Visible;
  else if (accept("weak"))
    result = Linkage::Weak;
  else if (accept("common"))
    result = Linkage::Common;
  return true;
}

// --- Variables --------------------------------------------------------------

/// .align, .vN, type, .ptr and attributes: PTX ISA 5.4.
bool ParserImpl::variableType(Variable &variable) {
  for (;;) {
    Token token = peek();
    if (token.kind != Token::Kind::Dotted)
      return variable.type != Type::None || unexpected("a type");
    take();
    uint64_t value = 0;
    if (token.text == "align") {
      Place place = placeOf(peek());
      if (!expectInteger(value))
        return false;
      if (value == 0 || (value & (value - 1)) || value > 1u << 20)
        return error(place, ".align: expected a power of two, got " +
                                std::to_string(value));
      (variable.isPointer ? variable.pointerAlignment : variable.alignment) =
          uint32_t(value);
    } else if (token.text == "attribute") {
      if (!expect('('))
        return false;
      while (!peek().is(')')) {
        Token word = take();
        if (word.kind == Token::Kind::End)
          return unexpected("')'");
        variable.attributes += (word.kind == Token::Kind::Dotted ? "." : "") +
                               std::string(word.text);
      }
      take();
    } else if (token.text == "ptr") {
      variable.isPointer = true;
    } else if (token.text == "v2" || token.text == "v4" || token.text == "v8") {
      variable.vector = uint8_t(token.text[1] - '0');
    } else if (auto type = findType(token.text)) {
      variable.type = *type;
    } else if (variable.isPointer && spaceOf(token)) {
      variable.pointerSpace = *spaceOf(token);
    } else {
      return error(placeOf(token), "unknown type '." +
                                       std::string(token.text.substr(0, 40)) +
                                       "'");
    }
  }
}

/// name, dimensions: PTX ISA 5.4.3.
bool ParserImpl::declarator(Variable &variable) {
  variable.place = placeOf(peek());
  if (!expectName(variable.name))
    return false;
  uint64_t bytes = variable.size();
  while (accept('[')) {
    uint64_t size = 0;
    Place place = placeOf(peek());
    if (!peek().is(']') && !expectInteger(size))
      return false;
    static constexpr uint64_t kMaxBytes = uint64_t(1) << 40;
    if (size > kMaxBytes || (size && bytes > kMaxBytes / size))
      return error(place, "array '" + variable.name + "' is too large");
    bytes *= size ? size : 1;
    variable.dimensions.push_back(size);
    if (variable.dimensions.size() > kMaxDepth)
      return error(place,
                   "array '" + variable.name + "' has too many dimensions");
    if (!expect(']'))
      return false;
  }
  return true;
}

uint32_t ParserImpl::addVariable(Variable variable) {
  module.variables.push_back(std::move(variable));
  return uint32_t(module.variables.size() - 1);
}

bool ParserImpl::variables(Mod space, Linkage linkage, uint32_t owner) {
  Variable shared;
  shared.space = space;
  shared.linkage = linkage;
  shared.owner = owner;
  if (!variableType(shared))
    return false;
  do {
    Variable variable = shared;
    if (!declarator(variable))
      return false;
    uint32_t repeat = 1;
    if (accept('<')) {
      // `.param .b32 p<4>`: p0 to p3.
      uint64_t count = 0;
      Place place = placeOf(peek());
      if (peek().kind != Token::Kind::Integer)
        return unexpected("a number");
      count = take().bits;
      if (count == 0 || count > 4096)
        return error(place, "expected 1 to 4096 variables");
      repeat = uint32_t(count);
      if (!expect('>'))
        return false;
    } else if (accept('=')) {
      if (space != Mod::Global && space != Mod::Const)
        return errorHere("only .global and .const variables have initializers");
      if (!initializer(variable))
        return false;
    }
    if (repeat > kMaxVariables -
                     std::min<size_t>(kMaxVariables, module.variables.size()))
      return error(variable.place,
                   "more than " + std::to_string(kMaxVariables) + " variables");
    std::string base = variable.name;
    for (uint32_t i = 0; i < repeat; ++i) {
      if (repeat > 1)
        variable.name = base + std::to_string(i);
      auto index = uint32_t(module.variables.size());
      const Symbol *earlier = owner == kNone ? find(variable.name) : nullptr;
      // A variable may be declared .extern before it is defined.
      bool redeclares =
          earlier && earlier->kind == Operand::Kind::Variable &&
          (linkage == Linkage::Extern ||
           module.variables[earlier->index].linkage == Linkage::Extern);
      if (redeclares && linkage != Linkage::Extern)
        scopes.back().names[variable.name].index = index;
      if (!redeclares)
        declare(variable.name,
                {Operand::Kind::Variable, index, variable.place});
      addVariable(variable);
      if (owner == kNone)
        module.items.push_back({index, false});
      else
        addStatement(Statement::Kind::Variable, index);
    }
  } while (accept(','));
  return expect(';');
}
