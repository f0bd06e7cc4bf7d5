//===- ParseInstruction.cpp - Instructions and their operands -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 9.1 and 6: guard, opcode, modifiers, operands. The longest opcode of
// the table that the dotted words spell is the instruction's: `cp.async` of
// `cp.async.ca.shared.global`.
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/Instructions.h"
#include "sim/ptx/Later.h"
#include "sim/ptx/ParserImpl.h"

using namespace tenon::sim::ptx;

/// The opcode is the longest of the table that the dotted words spell. A text
/// has few different ones: what was found is kept.
const ParserImpl::Head *ParserImpl::head(const Token &first) {
  words.clear();
  places.clear();
  while (peek().kind == Token::Kind::Dotted) {
    words.push_back(take());
    places.push_back(placeOf(words.back()));
  }
  const std::string_view last = words.empty() ? first.text : words.back().text;
  std::string_view key(first.text.data(),
                       size_t(last.data() + last.size() - first.text.data()));
  if (auto known = heads.find(key); known != heads.end())
    return &known->second;

  Place place = placeOf(first);
  std::string whole(first.text);
  for (const Token &word : words)
    whole.append(".").append(word.text);
  auto fail = [&](Place at, std::string message) {
    error(at, std::move(message));
    return nullptr;
  };
  if (whole.size() > 200)
    return fail(place, "instruction name is too long");
  Head result;
  int opcode = findOpcode(first.text);
  std::string name(first.text);
  for (size_t i = 0; i < words.size(); ++i) {
    name.append(".").append(words[i].text);
    if (int longer = findOpcode(name); longer >= 0) {
      opcode = longer;
      result.used = i + 1;
    }
  }
  if (opcode < 0)
    return fail(place, "unknown instruction '" + whole + "'");
  result.opcode = uint16_t(opcode);
  const Opcode &row = opcodes()[size_t(opcode)];
  if (row.refused) {
    const FormRow &form = *forms()[row.forms[0]].row;
    return fail(
        place,
        whole + ": '" + std::string(row.name) +
            "' is refused in this version, " + form.reason +
            (form.sm >= 90 ? " (sm_" + std::to_string(form.sm) + ")" : ""));
  }
  for (size_t i = result.used; i < words.size(); ++i) {
    ModifierWord word;
    if (auto type = findType(words[i].text))
      word.type = *type;
    else if (auto mod = findMod(words[i].text))
      word.mod = *mod;
    else if (auto later = comesLater(row.name, words[i].text); !later.empty())
      return fail(places[i], whole + ": ." + std::string(words[i].text) +
                                 " is refused in this version, " + later);
    else
      return fail(places[i], whole + ": unknown modifier '." +
                                 std::string(words[i].text) + "'");
    result.suffix.append(".").append(words[i].text);
    result.modifiers.push_back(word);
  }
  if (result.modifiers.size() > Instruction::kMaxModifiers)
    return fail(place, whole + ": too many modifiers");
  return &heads.emplace(key, std::move(result)).first->second;
}

bool ParserImpl::instruction() {
  Instruction result;
  pending.clear();
  if (accept('@')) {
    result.guardNegated = accept('!');
    Operand guard;
    Token name = peek();
    if (name.kind != Token::Kind::Identifier)
      return unexpected("a predicate register");
    take();
    if (!resolve(name, guard))
      return false;
    if (guard.kind != Operand::Kind::Register || guard.type != Type::Pred)
      return error(placeOf(name), "guard '" + std::string(name.text) +
                                      "' is no predicate register");
    result.guard = guard.index;
  }
  Token first = peek();
  if (first.kind != Token::Kind::Identifier)
    return unexpected("an instruction");
  take();
  result.place = placeOf(first);
  result.file = locFile;
  result.sourceLine = locLine;

  const Head *found = head(first);
  if (!found)
    return false;
  result.opcode = found->opcode;
  result.suffix = found->suffix;
  std::string_view opcodeName = opcodes()[result.opcode].name;
  modifiers = found->modifiers;
  for (size_t i = 0; i < modifiers.size(); ++i)
    modifiers[i].place = places[found->used + i];

  if (!operands(result, opcodeName == "call") || !expect(';'))
    return false;
  auto failure = checkInstruction(module, *current, modifiers, result);
  if (failure)
    error(failure->place, std::move(failure->message));
  auto index = uint32_t(current->instructions.size());
  size_t next = 0;
  for (uint32_t i = 0; i < result.operands.size(); ++i)
    if ((result.operands[i].kind == Operand::Kind::Label ||
         result.operands[i].kind == Operand::Kind::Table) &&
        result.operands[i].index == kNone && next < pending.size()) {
      scopes.back().fixups.push_back({index, i, kNone, kNone,
                                      std::move(pending[next].first),
                                      pending[next].second});
      ++next;
    }
  addStatement(Statement::Kind::Instruction, index);
  current->instructions.push_back(std::move(result));
  return true;
}

bool ParserImpl::operands(Instruction &instruction, bool isCall) {
  if (peek().is(';'))
    return true;
  std::string_view opcode = opcodes()[instruction.opcode].name;
  do {
    Operand result;
    Token token = peek();
    // Labels may stand further on; nothing else may.
    bool isName = token.kind == Token::Kind::Identifier;
    bool mayBeLabel =
        isName && (opcode == "bra" ||
                   (opcode == "brx.idx" && instruction.operands.size() == 1));
    bool mayBeTable = isName && isCall && !instruction.operands.empty() &&
                      !find(std::string(token.text));
    uint32_t member = 0;
    if (mayBeTable && findRegister(std::string(token.text), member))
      mayBeTable = false;
    if (isName && isCall) {
      const Symbol *symbol = find(std::string(token.text));
      mayBeTable |= symbol && symbol->kind == Operand::Kind::Table;
    }
    if (mayBeLabel || mayBeTable) {
      take();
      result.kind =
          opcode == "bra" ? Operand::Kind::Label : Operand::Kind::Table;
      result.place = placeOf(token);
      pending.emplace_back(std::string(token.text), result.place);
    } else if (!operand(result, isCall)) {
      return false;
    }
    instruction.operands.push_back(result);
    if (instruction.operands.size() > 16)
      return errorHere("too many operands");
  } while (accept(','));
  return true;
}

bool ParserImpl::operand(Operand &result, bool isCall, unsigned depth) {
  const Token &token = peek();
  result.place = placeOf(token);
  if (token.is('['))
    return address(result);
  if (token.is('{'))
    return group(result, '}', depth);
  if (token.is('(') && isCall)
    return group(result, ')', depth);
  if (token.is('!') && peek(1).kind == Token::Kind::Identifier) {
    take();
    if (!namedOperand(result))
      return false;
    result.negated = true;
    return true;
  }
  if (token.kind == Token::Kind::Identifier && token.text != "WARP_SZ") {
    if (!namedOperand(result))
      return false;
    if (!peek().is('|'))
      return true;
    // d|p: PTX ISA 9.7.6.2.
    take();
    Operand second;
    if (peek().kind != Token::Kind::Identifier)
      return unexpected("a predicate register");
    if (!namedOperand(second))
      return false;
    Operand pair;
    pair.kind = Operand::Kind::Pair;
    pair.place = result.place;
    pair.count = 2;
    pair.index = uint32_t(current->elements.size());
    current->elements.push_back(result);
    current->elements.push_back(second);
    result = pair;
    return true;
  }
  Constant value;
  if (!constant(value))
    return false;
  result.kind = Operand::Kind::Immediate;
  result.type = value.type;
  result.value = int64_t(value.bits);
  return true;
}

/// A register with its component, a special register, `_`, or a symbol with an
/// offset.
bool ParserImpl::namedOperand(Operand &result) {
  Token name = take();
  result.place = placeOf(name);
  if (name.text == "_") {
    result.kind = Operand::Kind::Sink;
    return true;
  }
  if (!resolve(name, result))
    return false;
  if (result.kind == Operand::Kind::Variable &&
      (peek().is('+') || peek().is('-')))
    return offset(result.value);
  return true;
}

/// PTX ISA 10 for what is no declared name and begins with `%`.
bool ParserImpl::resolve(const Token &name, Operand &result) {
  std::string text(name.text);
  result.place = placeOf(name);
  const Symbol *symbol = find(text);
  uint32_t index = kNone;
  if (symbol && symbol->kind == Operand::Kind::Register)
    index = current->registerGroups[symbol->index].first;
  if (index != kNone || (!symbol && findRegister(text, index))) {
    result.kind = Operand::Kind::Register;
    result.index = index;
    result.type = current->registers[index];
    const RegisterGroup &group = current->groupOf(index);
    if (group.vector > 1 && peek().kind == Token::Kind::Dotted) {
      // Components, PTX ISA 6.4.2: xyzw or rgba.
      static constexpr std::string_view kComponents = "xyzwrgba";
      Token component = take();
      size_t at = component.text.size() == 1
                      ? kComponents.find(component.text[0])
                      : std::string_view::npos;
      if (at == std::string_view::npos || at % 4 >= group.vector)
        return error(placeOf(component),
                     "register '" + text + "' has no component '." +
                         std::string(component.text.substr(0, 40)) + "'");
      result.element = uint8_t(at % 4);
    }
    return true;
  }
  if (symbol) {
    result.kind = symbol->kind;
    result.index = symbol->index;
    return true;
  }
  if (text[0] == '%') {
    std::string special = text.substr(1);
    if (peek().kind == Token::Kind::Dotted && peek().adjacent &&
        findSpecialRegister(special + "." + std::string(peek().text)) != kNone)
      special += "." + std::string(take().text);
    uint32_t found = findSpecialRegister(special);
    if (found != kNone) {
      result.kind = Operand::Kind::Special;
      result.index = found;
      result.type = specialRegister(found).type;
      return true;
    }
  }
  return error(placeOf(name), "'" + text.substr(0, 60) + "' is not declared");
}

/// +imm or -imm, also `+-imm`.
bool ParserImpl::offset(int64_t &value) {
  bool negative = take().is('-');
  Constant number;
  Place place = placeOf(peek());
  if (!constant(number))
    return false;
  if (number.type != Type::S64 && number.type != Type::U64)
    return error(place, "expected an integer offset");
  value = int64_t(negative ? 0 - number.bits : number.bits);
  return true;
}

/// [register+4], [variable+4], [16]: PTX ISA 6.4.1.
bool ParserImpl::address(Operand &result) {
  take();
  if (peek().kind == Token::Kind::Identifier) {
    Token name = take();
    Operand base;
    if (!resolve(name, base))
      return false;
    if (base.kind != Operand::Kind::Register &&
        base.kind != Operand::Kind::Variable)
      return error(base.place, "'" + std::string(name.text) +
                                   "' is no register or variable");
    result.base = base.kind;
    result.index = base.index;
    result.type = base.type;
    result.element = base.element;
    if ((peek().is('+') || peek().is('-')) && !offset(result.value))
      return false;
  } else {
    Constant number;
    if (!constant(number))
      return false;
    result.base = Operand::Kind::Immediate;
    result.value = int64_t(number.bits);
  }
  result.kind = Operand::Kind::Address;
  return expect(']');
}

/// {a, b} or (a, b).
bool ParserImpl::group(Operand &result, char close, unsigned depth) {
  if (depth)
    return errorHere("a list within a list");
  take();
  std::vector<Operand> elements;
  if (!peek().is(close))
    do {
      Operand element;
      if (!operand(element, false, depth + 1))
        return false;
      if (elements.size() == 4096)
        return errorHere("too many operands in a list");
      elements.push_back(element);
    } while (accept(','));
  result.kind = close == ')' ? Operand::Kind::List : Operand::Kind::Vector;
  result.count = uint16_t(elements.size());
  result.index = uint32_t(current->elements.size());
  current->elements.insert(current->elements.end(), elements.begin(),
                           elements.end());
  return expect(close);
}
