//===- Modifiers.cpp - The dotted modifiers of PTX instructions -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/Modifiers.h"

#include <unordered_map>

using namespace tenon::sim::ptx;

namespace {
struct ModRow {
  std::string_view spelling;
  Field field;
};
constexpr ModRow kMods[] = {{"", Field::Flag},
#define X(name, text, field) {text, Field::field},
                            TENON_PTX_MODIFIERS(X)
#undef X
};

struct TypeRow {
  std::string_view spelling;
  uint8_t bits;
  TypeKind kind;
};
constexpr TypeRow kTypes[] = {{"", 0, TypeKind::None},
#define X(name, text, bits, kind) {text, bits, TypeKind::kind},
                              TENON_PTX_TYPES(X)
#undef X
};
} // namespace

std::string_view tenon::sim::ptx::spelling(Mod mod) {
  return kMods[size_t(mod)].spelling;
}
Field tenon::sim::ptx::fieldOf(Mod mod) { return kMods[size_t(mod)].field; }

std::string_view tenon::sim::ptx::spelling(Type type) {
  return kTypes[size_t(type)].spelling;
}
unsigned tenon::sim::ptx::bitsOf(Type type) {
  return kTypes[size_t(type)].bits;
}
TypeKind tenon::sim::ptx::kindOf(Type type) {
  return kTypes[size_t(type)].kind;
}

std::optional<Mod> tenon::sim::ptx::findMod(std::string_view spelling) {
  static const auto map = [] {
    std::unordered_map<std::string_view, Mod> result;
    for (size_t i = 1; i < std::size(kMods); ++i)
      result.emplace(kMods[i].spelling, Mod(i));
    return result;
  }();
  auto found = map.find(spelling);
  return found == map.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Type> tenon::sim::ptx::findType(std::string_view spelling) {
  static const auto map = [] {
    std::unordered_map<std::string_view, Type> result;
    for (size_t i = 1; i < std::size(kTypes); ++i)
      result.emplace(kTypes[i].spelling, Type(i));
    return result;
  }();
  auto found = map.find(spelling);
  return found == map.end() ? std::nullopt : std::optional(found->second);
}
