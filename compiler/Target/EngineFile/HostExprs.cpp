//===- HostExprs.cpp - Size expressions for the runtime -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "compiler/Target/EngineFile/HostExprs.h"

namespace mlir::tenon {

using graph::DimExpr;
using graph::DimExprAttr;
using graph::DimKind;
namespace schema = ::tenon::schema;

HostExprs::HostExprs(schema::EngineT &engine) : engine(engine) {
  for (auto [i, symbol] : llvm::enumerate(engine.symbols))
    symbols[symbol->name] = i;
}

uint32_t HostExprs::get(DimExpr expr) {
  auto it = known.find(expr.getAttr());
  if (it != known.end())
    return it->second;
  auto program = std::make_unique<schema::ExprT>();
  append(expr, *program);
  uint32_t index = engine.exprs.size();
  engine.exprs.push_back(std::move(program));
  known[expr.getAttr()] = index;
  return index;
}

void HostExprs::append(DimExprAttr expr, schema::ExprT &program) {
  auto op = [&](schema::ExprCode code, int64_t value = 0) {
    program.ops.push_back(schema::ExprOp(value, code));
  };
  auto operand = [&](unsigned i) {
    append(cast<DimExprAttr>(expr.getOperands()[i]), program);
  };
  unsigned count = expr.getOperands().size();
  switch (expr.getKind()) {
  case DimKind::Constant:
    return op(schema::ExprCode::Const, expr.getValue());
  case DimKind::Symbol:
    return op(schema::ExprCode::Symbol,
              symbols.lookup(expr.getSymbol().getValue()));
  case DimKind::Sum:
    for (unsigned i = 0; i < count; ++i) {
      operand(i);
      if (i)
        op(schema::ExprCode::Add);
    }
    if (expr.getValue()) {
      op(schema::ExprCode::Const, expr.getValue());
      op(schema::ExprCode::Add);
    }
    return;
  case DimKind::Product: {
    // As a formula is written: the number first.
    bool first = expr.getValue() == 1;
    if (!first)
      op(schema::ExprCode::Const, expr.getValue());
    for (unsigned i = 0; i < count; ++i) {
      operand(i);
      if (!first)
        op(schema::ExprCode::Mul);
      first = false;
    }
    return;
  }
  case DimKind::FloorDiv:
    operand(0);
    operand(1);
    return op(schema::ExprCode::FloorDiv);
  case DimKind::Min:
    operand(0);
    operand(1);
    return op(schema::ExprCode::Min);
  case DimKind::Max:
    operand(0);
    operand(1);
    return op(schema::ExprCode::Max);
  case DimKind::Select: // operand > 0
    op(schema::ExprCode::Const, 0);
    operand(0);
    op(schema::ExprCode::Less);
    operand(1);
    operand(2);
    return op(schema::ExprCode::Select);
  }
}

} // namespace mlir::tenon
