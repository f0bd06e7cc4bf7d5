//===- InterfaceTest.cpp - Bindings, symbols, constraints -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime/EngineBuilder.h"

#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::test;
using schema::BindingKind;
using schema::ConstraintKind;
using schema::ElementType;

static std::string loadMessage(EngineBuilder &b) {
  std::string message;
  tenon_engine_destroy(b.load(&message));
  return message;
}

/// a[n], b[n], c[2n] and a rule that n is a multiple of 4.
static EngineBuilder ruledEngine() {
  EngineBuilder b;
  uint32_t n = b.symbolExpr(b.symbol("n", 1, 1000, 0, 0));
  uint32_t twice = b.mul(b.constant(2), n);
  uint32_t x = b.input("a", {n});
  b.input("b", {n});
  b.input("c", {twice});
  uint32_t y = b.output("y", {n});
  b.launch("add_one", {x, y}, 1, {}, n);
  auto rule = std::make_unique<schema::ConstraintT>();
  rule->kind = ConstraintKind::Divisible;
  rule->lhs = n;
  rule->rhs = b.constant(4);
  rule->text = "dimension 0 of input 'a' (n) must be a multiple of 4";
  b.engine.constraints.push_back(std::move(rule));
  return b;
}

TEST(Interface, DimensionsAgreeAcrossInputs) {
  EngineBuilder b = ruledEngine();
  Session s(b);
  std::vector<float> data(64);
  std::vector<TenonTensor> out(1);
  auto run = [&](int64_t a, int64_t c, int64_t d) {
    return s.run({tensor(data, {a}), tensor(data, {c}), tensor(data, {d})},
                 out);
  };
  EXPECT_EQ("", run(8, 8, 16));
  EXPECT_EQ("input 'b': dimension 0 is 4, expected n (from dimension 0 of "
            "input 'a') = 8",
            run(8, 4, 16));
  EXPECT_EQ("input 'c': dimension 0 is 15, expected 2*n = 16", run(8, 8, 15));
  EXPECT_EQ("dimension 0 of input 'a' (n) must be a multiple of 4 (got 6, "
            "expected a multiple of 4)",
            run(6, 6, 12));
}

TEST(Interface, EachKindOfConstraint) {
  for (auto [kind, bad, text] :
       {std::tuple(ConstraintKind::Equal, 7,
                   "n must be = 8 (got 7, expected "
                   "= 8)"),
        std::tuple(ConstraintKind::LessEqual, 9,
                   "n must be at most 8 (got 9, expected at most 8)"),
        std::tuple(ConstraintKind::Divisible, 12,
                   "n must be a multiple of 8 (got 12, expected a multiple of "
                   "8)")}) {
    EngineBuilder b = ruledEngine();
    b.engine.constraints[0]->kind = kind;
    b.engine.constraints[0]->rhs = b.constant(8);
    b.engine.constraints[0]->text = "";
    Session s(b);
    std::vector<float> data(64);
    std::vector<TenonTensor> out(1);
    EXPECT_EQ(
        "",
        s.run({tensor(data, {8}), tensor(data, {8}), tensor(data, {16})}, out));
    EXPECT_EQ(text, s.run({tensor(data, {bad}), tensor(data, {bad}),
                           tensor(data, {2 * bad})},
                          out));
  }
}

TEST(Interface, HugeDimensionsDoNotOverflow) {
  EngineBuilder b;
  uint32_t n = b.symbolExpr(b.symbol("n", 0, INT64_MAX, 0, 0));
  uint32_t x = b.input("x", {n, b.constant(1000)});
  uint32_t y = b.output("y", {n});
  b.launch("add_one", {x, y}, 1, {}, n);
  Session s(b);
  std::vector<float> data(8);
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("input 'x': its size in bytes overflows",
            s.run({tensor(data, {int64_t(1) << 62, 1000})}, out));
}

TEST(Interface, DescribesBindings) {
  EngineBuilder b = ruledEngine();
  TenonEngine *engine = b.load();
  TenonBindingInfo info = {};
  info.struct_size = sizeof(info);
  ASSERT_EQ(TENON_OK, tenon_engine_binding(engine, TENON_INPUT, 2, &info));
  EXPECT_STREQ("c", info.name);
  EXPECT_EQ(TENON_FLOAT32, info.type);
  EXPECT_EQ(1, info.rank);
  EXPECT_EQ(-1, info.dims[0]);
  EXPECT_STREQ("2*n", info.dim_names[0]);
  EXPECT_EQ(-1, info.alias);
  EXPECT_EQ(1, tenon_engine_find(engine, TENON_INPUT, "b"));
  EXPECT_EQ(-1, tenon_engine_find(engine, TENON_INPUT, "y"));
  EXPECT_EQ(0, tenon_engine_find(engine, TENON_OUTPUT, "y"));
  EXPECT_EQ(TENON_INVALID_ARGUMENT,
            tenon_engine_binding(engine, TENON_INPUT, 3, &info));
  tenon_engine_destroy(engine);
}

TEST(Interface, MalformedBindingsAreRefused) {
  EngineBuilder b = ruledEngine();
  b.engine.bindings[1]->dims[0] = 999;
  EXPECT_EQ("bindings[1].dims[0]: expression 999 is past the end (12 "
            "expressions)",
            loadMessage(b));
  b = ruledEngine();
  b.engine.bindings[1]->type = ElementType::String;
  EXPECT_EQ("bindings[1].type: 8 is no type that a tensor can have",
            loadMessage(b));
  b = ruledEngine();
  b.engine.bindings[1]->kind = BindingKind(7);
  EXPECT_EQ("bindings[1].kind: unknown kind 7", loadMessage(b));
  b = ruledEngine();
  b.engine.bindings[1]->alias = 0;
  EXPECT_EQ("bindings[1].alias: an output may share the memory of an input or "
            "state, got 0",
            loadMessage(b));
  b = ruledEngine();
  b.engine.bindings[1]->dims.assign(17, 0);
  EXPECT_EQ("bindings[1]: rank 17, expected at most 16", loadMessage(b));
  b = ruledEngine();
  b.engine.symbols[0]->binding = 3;
  EXPECT_EQ("symbols[0].binding: 3 is no input", loadMessage(b));
  b = ruledEngine();
  b.engine.symbols[0]->dim = 1;
  EXPECT_EQ("symbols[0].dim: dimension 1 of input 'a' is not this symbol",
            loadMessage(b));
  b = ruledEngine();
  b.engine.symbols[0]->binding = -1;
  EXPECT_EQ("bindings[0]: only outputs may have sizes that are known at run "
            "time",
            loadMessage(b));
  b = ruledEngine();
  b.engine.constraints[0]->lhs = 999;
  EXPECT_EQ("constraints[0]: unknown kind or expression", loadMessage(b));
}
