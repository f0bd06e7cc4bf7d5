//===- HostExprs.h - Size expressions for the runtime ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_TARGET_ENGINEFILE_HOSTEXPRS_H
#define TENON_COMPILER_TARGET_ENGINEFILE_HOSTEXPRS_H

#include "dialects/Graph/DimExpr.h"
#include "runtime/schema/engine_generated.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::tenon {

/// Writes size expressions into an engine's list as postfix programs, each
/// once, and gives their indices.
class HostExprs {
public:
  explicit HostExprs(::tenon::schema::EngineT &engine);

  uint32_t get(graph::DimExpr expr);
  uint32_t get(MLIRContext *context, int64_t value) {
    return get(graph::DimExpr::constant(context, value));
  }

private:
  void append(graph::DimExprAttr expr, ::tenon::schema::ExprT &program);

  ::tenon::schema::EngineT &engine;
  llvm::StringMap<unsigned> symbols;
  DenseMap<Attribute, uint32_t> known;
};

} // namespace mlir::tenon

#endif // TENON_COMPILER_TARGET_ENGINEFILE_HOSTEXPRS_H
