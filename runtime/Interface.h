//===- Interface.h - An engine's inputs, outputs and rules -------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the user of an engine meets: bindings, the symbols in their dimensions,
// and the rules that the sizes obey. `resolve` turns the shapes of the inputs
// into numbers for all symbols and expressions, or into an error that names
// input, dimension and rule.
//
// Shown by test/unit/runtime/InterfaceTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_INTERFACE_H
#define TENON_RUNTIME_INTERFACE_H

#include "runtime/Expr.h"
#include <string>
#include <vector>

namespace tenon::runtime {

struct Symbol {
  std::string name;
  int64_t min = 0, max = INT64_MAX;
  int32_t input = -1; // -1: set while the program runs
  int32_t dim = 0;
};

struct Binding {
  const char *name = "";
  schema::BindingKind kind = schema::BindingKind::Input;
  int type = 0;
  std::vector<uint32_t> dims; // exprs
  std::vector<std::string> dimNames;
  std::vector<int64_t> fixedDims; // -1 where they depend on a symbol
  int32_t alias = -1;             // engine.bindings
  int32_t slot = 0;               // its number among its kind
  bool dynamic = false;           // a dimension is known only while running
};

struct Constraint {
  schema::ConstraintKind kind;
  uint32_t lhs, rhs;
  const char *text;
};

class Interface {
public:
  /// Checks and copies the engine's interface.
  Status decode(const schema::Engine &engine, const ExprTable &exprs);

  const std::vector<Symbol> &symbols() const { return symbolList; }
  const std::vector<Binding> &bindings() const { return bindingList; }
  const std::vector<Constraint> &constraints() const { return constraintList; }

  /// engine.bindings indices by kind.
  const std::vector<uint32_t> &ofKind(schema::BindingKind kind) const {
    return kinds[int(kind)];
  }
  const Binding &input(size_t i) const { return bindingList[kinds[0][i]]; }
  const Binding &output(size_t i) const { return bindingList[kinds[1][i]]; }
  const Binding &state(size_t i) const { return bindingList[kinds[2][i]]; }
  size_t inputCount() const { return kinds[0].size(); }
  size_t outputCount() const { return kinds[1].size(); }
  size_t stateCount() const { return kinds[2].size(); }

  /// Checks number, types and ranks: cheap, for every run.
  Status checkInputs(const TenonTensor *inputs, int32_t count) const;

  /// Sets the symbols that input dimensions bind, evaluates the expressions in
  /// `list` (ascending), and checks bounds, dimensions and constraints. The
  /// inputs have passed checkInputs.
  Status resolve(const TenonTensor *inputs, const ExprTable &exprs,
                 const std::vector<uint32_t> &list, Numbers &symbols,
                 Numbers &results) const;

  /// Dimensions of a binding; -1 where a number is undefined.
  void dims(const Binding &binding, const Numbers &results,
            int64_t *dims) const;
  /// Bytes of a binding; false if not all dimensions are known or legal.
  bool bytes(const Binding &binding, const Numbers &results,
             int64_t &bytes) const;

private:
  Status decodeBinding(const schema::Binding &source, uint32_t index,
                       const ExprTable &exprs);

  std::vector<Symbol> symbolList;
  std::vector<Binding> bindingList;
  std::vector<Constraint> constraintList;
  std::vector<uint32_t> kinds[3];
};

/// A FlatBuffers string that may be absent.
inline const char *textOf(const flatbuffers::String *text) {
  return text ? text->c_str() : "";
}

} // namespace tenon::runtime

#endif // TENON_RUNTIME_INTERFACE_H
