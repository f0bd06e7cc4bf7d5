//===- EngineTest.cpp - Warps, blocks and grids ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Control flow and forward progress, in every schedule. Expected values follow
// from the programs by hand.
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include <functional>

using namespace tenon::sim;
using namespace tenon::sim::test;

namespace {

class Engine : public testing::TestWithParam<ScheduleCase> {
protected:
  Machine machine;
  void SetUp() override {
    machine.options.schedule = GetParam().schedule;
    machine.options.seed = GetParam().seed;
    machine.options.threads = 2;
  }
};

std::vector<uint32_t> iota(size_t count) {
  std::vector<uint32_t> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = uint32_t(i);
  return values;
}

} // namespace

INSTANTIATE_TEST_SUITE_P(, Engine, testing::ValuesIn(kSchedules),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });

// out[i] = a[i] + b[i], with a last block that is not full.
TEST_P(Engine, AddsVectors) {
  ASSERT_TRUE(machine.load(R"(
.visible .entry add(.param .u64 pa, .param .u64 pb, .param .u64 pc, .param .u32 n)
{
  .reg .pred %p<2>;
  .reg .b32 %r<8>;
  .reg .b64 %rd<8>;
  ld.param.u64 %rd1, [pa];
  ld.param.u64 %rd2, [pb];
  ld.param.u64 %rd3, [pc];
  ld.param.u32 %r1, [n];
  mov.u32 %r2, %ctaid.x;
  mov.u32 %r3, %ntid.x;
  mov.u32 %r4, %tid.x;
  mad.lo.s32 %r5, %r2, %r3, %r4;
  setp.ge.u32 %p1, %r5, %r1;
  @%p1 bra done;
  mul.wide.u32 %rd4, %r5, 4;
  add.s64 %rd1, %rd1, %rd4;
  add.s64 %rd2, %rd2, %rd4;
  add.s64 %rd3, %rd3, %rd4;
  ld.global.u32 %r6, [%rd1];
  ld.global.u32 %r7, [%rd2];
  add.s32 %r6, %r6, %r7;
  st.global.u32 [%rd3], %r6;
done:
  ret;
})"));
  auto a = machine.array(iota(1000)), b = machine.array(iota(1000));
  auto c = machine.array<uint32_t>(1000);
  machine.run("add", {8}, {128}, {a.address, b.address, c.address, 1000});
  auto result = machine.read<uint32_t>(c);
  for (uint32_t i = 0; i < 1000; ++i)
    ASSERT_EQ(result[i], 2 * i) << i;
}

// Each lane loops tid times; lanes meet again behind the loop, where a vote
// sees all of them.
TEST_P(Engine, MeetsAfterDivergentLoop) {
  ASSERT_TRUE(machine.load(R"(
.visible .entry loop(.param .u64 out)
{
  .reg .pred %p<3>;
  .reg .b32 %r<8>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, %tid.x;
  mov.u32 %r2, 0;
  mov.u32 %r3, 0;
head:
  setp.ge.u32 %p1, %r2, %r1;
  @%p1 bra done;
  add.u32 %r3, %r3, %r2;
  add.u32 %r2, %r2, 1;
  bra head;
done:
  activemask.b32 %r4;
  mul.wide.u32 %rd2, %r1, 8;
  add.s64 %rd1, %rd1, %rd2;
  st.global.v2.u32 [%rd1], {%r3, %r4};
  ret;
})"));
  auto out = machine.array<uint32_t>(64);
  machine.run("loop", {1}, {32}, {out.address});
  auto result = machine.read<uint32_t>(out);
  for (uint32_t i = 0; i < 32; ++i) {
    EXPECT_EQ(result[2 * i], i * (i ? i - 1 : 0) / 2);
    EXPECT_EQ(result[2 * i + 1], ~0u);
  }
}

// Lanes of one warp take a lock in turns: `while (cas); ...; exch`, which needs
// progress of lanes that have left the loop.
TEST_P(Engine, LanesWaitForEachOther) {
  ASSERT_TRUE(machine.load(R"(
.visible .entry lock(.param .u64 out)
{
  .reg .pred %p<3>;
  .reg .b32 %r<8>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [out];
wait:
  atom.global.cas.b32 %r1, [%rd1], 0, 1;
  setp.ne.u32 %p1, %r1, 0;
  @%p1 bra wait;
  ld.volatile.global.u32 %r2, [%rd1+4];
  add.u32 %r2, %r2, 1;
  st.volatile.global.u32 [%rd1+4], %r2;
  membar.gl;
  atom.global.exch.b32 %r3, [%rd1], 0;
  ret;
})"));
  auto out = machine.array(std::vector<uint32_t>{0, 0});
  machine.run("lock", {3}, {64}, {out.address});
  auto result = machine.read<uint32_t>(out);
  EXPECT_EQ(result[0], 0u);
  EXPECT_EQ(result[1], 192u);
}

// bar.warp.sync in both branches: the same mask at different instructions.
TEST_P(Engine, LanesMeetAtDifferentPlaces) {
  ASSERT_TRUE(machine.load(R"(
.visible .entry k(.param .u64 out)
{
  .shared .align 4 .b8 buffer[128];
  .reg .pred %p<2>;
  .reg .b32 %r<8>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, %tid.x;
  mov.u32 %r2, buffer;
  shl.b32 %r3, %r1, 2;
  add.u32 %r4, %r2, %r3;
  xor.b32 %r5, %r3, 64;
  add.u32 %r5, %r5, %r2;
  setp.lt.u32 %p1, %r1, 16;
  @%p1 bra low;
  st.shared.u32 [%r4], %r1;
  bar.warp.sync 0xffffffff;
  ld.shared.u32 %r6, [%r5];
  bra done;
low:
  add.u32 %r7, %r1, 100;
  st.shared.u32 [%r4], %r7;
  bar.warp.sync 0xffffffff;
  ld.shared.u32 %r6, [%r5];
done:
  mul.wide.u32 %rd2, %r1, 4;
  add.s64 %rd1, %rd1, %rd2;
  st.global.u32 [%rd1], %r6;
  ret;
})"));
  auto out = machine.array<uint32_t>(32);
  machine.run("k", {1}, {32}, {out.address});
  auto result = machine.read<uint32_t>(out);
  for (uint32_t i = 0; i < 32; ++i)
    EXPECT_EQ(result[i], i < 16 ? i + 16 : i - 16 + 100);
}

// Exchanges at different places with the same mask: lanes of both branches meet
// (PTX ISA 9.7.9.6), and of two calls of one function.
TEST_P(Engine, LanesExchangeAtDifferentPlaces) {
  auto kernel = [](const std::string &low, const std::string &high) {
    return R"(
.func (.reg .b32 result) take(.reg .b32 value)
{
  shfl.sync.bfly.b32 result, value, 16, 31, 0xffffffff;
  ret;
}
.visible .entry k(.param .u64 out)
{
  .reg .pred %p<4>;
  .reg .b32 %r<9>;
  .reg .b64 %rd<6>;
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, %tid.x;
  add.u32 %r2, %r1, 100;
  and.b32 %r3, %r1, 1;
  cvt.u64.u32 %rd3, %r3;
  setp.eq.u32 %p2, %r3, 0;
  setp.lt.u32 %p1, %r1, 16;
  @%p1 bra low;
)" + high + R"(
  bra done;
low:
  nanosleep.u32 20;
)" + low + R"(
done:
  mul.wide.u32 %rd2, %r1, 4;
  add.s64 %rd1, %rd1, %rd2;
  st.global.u32 [%rd1], %r4;
  ret;
})";
  };
  struct {
    const char *low, *high;
    std::function<uint32_t(uint32_t)> expected;
  } cases[] = {
      {"shfl.sync.bfly.b32 %r4, %r1, 16, 31, -1;",
       "shfl.sync.bfly.b32 %r4, %r2, 16, 31, -1;",
       [](uint32_t i) { return i < 16 ? i + 16 + 100 : i - 16; }},
      {"call (%r4), take, (%r1);", "call (%r4), take, (%r2);",
       [](uint32_t i) { return i < 16 ? i + 16 + 100 : i - 16; }},
      {"vote.sync.ballot.b32 %r4, %p2, -1;",
       "vote.sync.ballot.b32 %r4, !%p2, -1;",
       [](uint32_t) { return 0xaaaa5555u; }},
      {"vote.sync.all.pred %p3, %p1, -1; selp.u32 %r4, 1, 2, %p3;",
       "vote.sync.all.pred %p3, %p2, -1; selp.u32 %r4, 1, 2, %p3;",
       [](uint32_t) { return 2u; }},
      {"redux.sync.add.s32 %r4, %r1, -1;", "redux.sync.add.s32 %r4, %r2, -1;",
       [](uint32_t) { return 31u * 16 + 16 * 100; }},
      {"match.any.sync.b64 %r4, %rd3, -1;", "match.any.sync.b64 %r4, %rd3, -1;",
       [](uint32_t i) { return i & 1 ? 0xaaaaaaaau : 0x55555555u; }},
      // Two groups of lanes, each with a mask of its own: even, odd.
      {"selp.b32 %r5, 0x55555555, 0xaaaaaaaa, %p2;"
       "redux.sync.max.u32 %r4, %r1, %r5;",
       "selp.b32 %r5, 0x55555555, 0xaaaaaaaa, %p2;"
       "redux.sync.max.u32 %r4, %r2, %r5;",
       [](uint32_t i) { return 130 + (i & 1); }},
  };
  for (const auto &each : cases) {
    SCOPED_TRACE(each.low);
    ASSERT_TRUE(machine.load(kernel(each.low, each.high)));
    auto out = machine.array<uint32_t>(32);
    machine.run("k", {1}, {32}, {out.address});
    auto result = machine.read<uint32_t>(out);
    for (uint32_t i = 0; i < 32; ++i)
      ASSERT_EQ(result[i], each.expected(i)) << i;
  }
  // Not the same qualifiers: they wait for ever.
  ASSERT_TRUE(machine.load(kernel("shfl.sync.bfly.b32 %r4, %r1, 16, 31, -1;",
                                  "shfl.sync.idx.b32 %r4, %r2, 16, 31, -1;")));
  auto out = machine.array<uint32_t>(32);
  auto outcome = machine.launch("k", {1}, {32}, {out.address});
  EXPECT_EQ(outcome.fault, exec::Fault::Timeout);
}

// A block waits for one with a higher number: both must be resident.
TEST_P(Engine, BlocksWaitForEachOther) {
  ASSERT_TRUE(machine.load(R"(
.visible .entry chain(.param .u64 flags, .param .u32 last)
{
  .reg .pred %p<3>;
  .reg .b32 %r<8>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [flags];
  ld.param.u32 %r1, [last];
  mov.u32 %r2, %ctaid.x;
  mul.wide.u32 %rd2, %r2, 4;
  add.s64 %rd1, %rd1, %rd2;
  setp.eq.u32 %p1, %r2, %r1;
  @%p1 bra go;
wait:
  ld.acquire.gpu.global.u32 %r3, [%rd1+4];
  setp.eq.u32 %p2, %r3, 0;
  @%p2 bra wait;
go:
  mov.u32 %r4, 1;
  st.release.gpu.global.u32 [%rd1], %r4;
  ret;
})"));
  auto flags = machine.array(std::vector<uint32_t>(9, 0));
  machine.run("chain", {8}, {1}, {flags.address, 7});
  auto result = machine.read<uint32_t>(flags);
  for (uint32_t i = 0; i < 8; ++i)
    EXPECT_EQ(result[i], 1u);
}

// A tree sum in shared memory.
TEST_P(Engine, ReducesInSharedMemory) {
  ASSERT_TRUE(machine.load(R"(
.visible .entry sum(.param .u64 in, .param .u64 out)
{
  .shared .align 4 .b8 buffer[1024];
  .reg .pred %p<3>;
  .reg .b32 %r<12>;
  .reg .b64 %rd<8>;
  ld.param.u64 %rd1, [in];
  ld.param.u64 %rd2, [out];
  mov.u32 %r1, %tid.x;
  mul.wide.u32 %rd3, %r1, 4;
  add.s64 %rd1, %rd1, %rd3;
  ld.global.u32 %r2, [%rd1];
  shl.b32 %r3, %r1, 2;
  mov.u32 %r4, buffer;
  add.u32 %r4, %r4, %r3;
  st.shared.u32 [%r4], %r2;
  mov.u32 %r5, 128;
step:
  bar.sync 0;
  setp.ge.u32 %p1, %r1, %r5;
  @%p1 bra skip;
  shl.b32 %r6, %r5, 2;
  add.u32 %r7, %r4, %r6;
  ld.shared.u32 %r8, [%r7];
  ld.shared.u32 %r9, [%r4];
  add.u32 %r9, %r9, %r8;
  st.shared.u32 [%r4], %r9;
skip:
  shr.u32 %r5, %r5, 1;
  setp.ne.u32 %p2, %r5, 0;
  @%p2 bra step;
  setp.ne.u32 %p1, %r1, 0;
  @%p1 bra done;
  st.global.u32 [%rd2], %r9;
done:
  ret;
})"));
  auto in = machine.array(iota(256)), out = machine.array<uint32_t>(1);
  machine.run("sum", {1}, {256}, {in.address, out.address});
  EXPECT_EQ(machine.read<uint32_t>(out)[0], 255u * 256 / 2);
}

// Recursion, with a different depth in each lane.
TEST_P(Engine, Recurses) {
  ASSERT_TRUE(machine.load(R"(
.func (.param .b32 result) fib(.param .b32 n)
{
  .reg .pred %p<2>;
  .reg .b32 %r<8>;
  ld.param.u32 %r1, [n];
  setp.lt.u32 %p1, %r1, 2;
  @%p1 bra base;
  add.u32 %r2, %r1, -1;
  {
    .param .b32 argument;
    .param .b32 value;
    st.param.b32 [argument], %r2;
    call (value), fib, (argument);
    ld.param.b32 %r3, [value];
  }
  add.u32 %r4, %r1, -2;
  {
    .param .b32 argument;
    .param .b32 value;
    st.param.b32 [argument], %r4;
    call (value), fib, (argument);
    ld.param.b32 %r5, [value];
  }
  add.u32 %r1, %r3, %r5;
base:
  st.param.b32 [result], %r1;
  ret;
}
.visible .entry k(.param .u64 out)
{
  .reg .b32 %r<4>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, %tid.x;
  and.b32 %r2, %r1, 7;
  {
    .param .b32 argument;
    .param .b32 value;
    st.param.b32 [argument], %r2;
    call (value), fib, (argument);
    ld.param.b32 %r3, [value];
  }
  mul.wide.u32 %rd2, %r1, 4;
  add.s64 %rd1, %rd1, %rd2;
  st.global.u32 [%rd1], %r3;
  ret;
})"));
  auto out = machine.array<uint32_t>(64);
  machine.run("k", {1}, {64}, {out.address});
  static constexpr uint32_t kFib[] = {0, 1, 1, 2, 3, 5, 8, 13};
  auto result = machine.read<uint32_t>(out);
  for (uint32_t i = 0; i < 64; ++i)
    EXPECT_EQ(result[i], kFib[i & 7]);
}

// Indirect calls through a table in constant memory, by lane.
TEST_P(Engine, CallsThroughTable) {
  ASSERT_TRUE(machine.load(R"(
.func (.reg .b32 r) twice(.reg .b32 x) { add.u32 r, x, x; ret; }
.func (.reg .b32 r) square(.reg .b32 x) { mul.lo.u32 r, x, x; ret; }
.const .align 8 .u64 table[2] = {twice, square};
.visible .entry k(.param .u64 out)
{
  .reg .b32 %r<6>;
  .reg .b64 %rd<6>;
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, %tid.x;
  and.b32 %r2, %r1, 1;
  mul.wide.u32 %rd2, %r2, 8;
  mov.u64 %rd3, table;
  add.s64 %rd3, %rd3, %rd2;
  ld.const.u64 %rd4, [%rd3];
  call (%r3), %rd4, (%r1), proto;
proto: .callprototype (.reg .b32 _) _ (.reg .b32 _);
  mul.wide.u32 %rd2, %r1, 4;
  add.s64 %rd1, %rd1, %rd2;
  st.global.u32 [%rd1], %r3;
  ret;
})"));
  auto out = machine.array<uint32_t>(32);
  machine.run("k", {1}, {32}, {out.address});
  auto result = machine.read<uint32_t>(out);
  for (uint32_t i = 0; i < 32; ++i)
    EXPECT_EQ(result[i], i & 1 ? i * i : 2 * i);
}

// brx.idx: each lane its own case.
TEST_P(Engine, BranchesByIndex) {
  ASSERT_TRUE(machine.load(R"(
.visible .entry k(.param .u64 out)
{
  .reg .b32 %r<6>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, %tid.x;
  and.b32 %r2, %r1, 3;
table: .branchtargets zero, one, two, three;
  brx.idx %r2, table;
zero:
  mov.u32 %r3, 100;
  bra done;
one:
  mov.u32 %r3, 200;
  bra done;
two:
  mov.u32 %r3, 300;
  bra done;
three:
  mov.u32 %r3, 400;
done:
  mul.wide.u32 %rd2, %r1, 4;
  add.s64 %rd1, %rd1, %rd2;
  st.global.u32 [%rd1], %r3;
  ret;
})"));
  auto out = machine.array<uint32_t>(32);
  machine.run("k", {1}, {32}, {out.address});
  auto result = machine.read<uint32_t>(out);
  for (uint32_t i = 0; i < 32; ++i)
    EXPECT_EQ(result[i], 100 * (i % 4 + 1));
}

// Four lanes a group, each with a membermask of its own, in one instruction.
TEST_P(Engine, ExchangesInGroupsOfTheirOwn) {
  ASSERT_TRUE(machine.load(R"(
.visible .entry k(.param .u64 out)
{
  .reg .pred %p<4>;
  .reg .b32 %r<12>;
  .reg .b64 %rd<3>;
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, %tid.x;
  and.b32 %r2, %r1, 28;
  shl.b32 %r3, 15, %r2;
  setp.eq.u32 %p1, %r1, 5;
  vote.sync.any.pred %p2, %p1, %r3;
  selp.b32 %r4, 1000, 0, %p2;
  redux.sync.add.u32 %r5, %r1, %r3;
  match.all.sync.b32 %r6|%p3, %r2, %r3;
  selp.b32 %r7, 500, 0, %p3;
  add.s32 %r4, %r4, %r5;
  add.s32 %r4, %r4, %r7;
  mul.wide.u32 %rd2, %r1, 4;
  add.s64 %rd1, %rd1, %rd2;
  st.global.u32 [%rd1], %r4;
  ret;
})"));
  auto out = machine.array<uint32_t>(32);
  machine.run("k", {1}, {32}, {out.address});
  auto result = machine.read<uint32_t>(out);
  for (uint32_t i = 0; i < 32; ++i) {
    uint32_t first = i & 28, sum = 4 * first + 6;
    EXPECT_EQ(result[i], (first == 4 ? 1000 : 0) + sum + 500) << i;
  }
}

// Lanes 0 to 3 come to the vote only after lanes 4 to 7 have left it: each
// waits for the lanes of its membermask and for no others.
TEST_P(Engine, WaitsForTheLanesOfTheMembermaskAlone) {
  ASSERT_TRUE(machine.load(R"(
.visible .entry k(.param .u64 out)
{
  .shared .align 4 .u32 flag;
  .reg .pred %p<6>;
  .reg .b32 %r<8>;
  .reg .b64 %rd<3>;
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, %tid.x;
  setp.eq.u32 %p1, %r1, 0;
  @%p1 st.shared.u32 [flag], 0;
  bar.sync 0;
  setp.lt.u32 %p2, %r1, 4;
  selp.b32 %r2, 15, 240, %p2;
  @!%p2 bra vote;
spin:
  ld.volatile.shared.u32 %r3, [flag];
  setp.eq.u32 %p3, %r3, 0;
  @%p3 bra spin;
vote:
  setp.ge.u32 %p4, %r1, 0;
  vote.sync.ballot.b32 %r4, %p4, %r2;
  setp.eq.u32 %p5, %r1, 4;
  @%p5 st.volatile.shared.u32 [flag], 1;
  mul.wide.u32 %rd2, %r1, 4;
  add.s64 %rd1, %rd1, %rd2;
  st.global.u32 [%rd1], %r4;
  ret;
})"));
  auto out = machine.array<uint32_t>(8);
  machine.options.checks &= ~CheckSharedRaces; // the flag is one, by intent
  machine.run("k", {1}, {8}, {out.address});
  auto result = machine.read<uint32_t>(out);
  for (uint32_t i = 0; i < 8; ++i)
    EXPECT_EQ(result[i], i < 4 ? 15u : 240u) << i;
}

// nvcc declares the functions of a table before it and defines them after.
TEST_P(Engine, CallsFunctionsDeclaredBeforeTheyAreDefined) {
  ASSERT_TRUE(machine.load(R"(
.func (.param .b32 r) twice(.param .b32 x);
.global .align 8 .u64 functions[1] = {twice};
.visible .entry k(.param .u64 out)
{
  .reg .b32 %r<3>;
  .reg .b64 %rd<3>;
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, %tid.x;
  ld.global.u64 %rd2, [functions];
  {
    .param .b32 in;
    .param .b32 result;
    st.param.b32 [in], %r1;
proto: .callprototype (.param .b32 _) _ (.param .b32 _);
    call (result), %rd2, (in), proto;
    ld.param.b32 %r2, [result];
  }
  mul.wide.u32 %rd2, %r1, 4;
  add.s64 %rd1, %rd1, %rd2;
  st.global.u32 [%rd1], %r2;
  ret;
}
.func (.param .b32 r) twice(.param .b32 x)
{
  .reg .b32 %r<2>;
  ld.param.b32 %r1, [x];
  add.s32 %r1, %r1, %r1;
  st.param.b32 [r], %r1;
  ret;
})"));
  auto out = machine.array<uint32_t>(32);
  machine.run("k", {1}, {32}, {out.address});
  auto result = machine.read<uint32_t>(out);
  for (uint32_t i = 0; i < 32; ++i)
    EXPECT_EQ(result[i], 2 * i) << i;
}

// A cooperative grid's barrier, as cooperative_groups finds it: zero at first,
// and the same for all blocks.
TEST_P(Engine, GivesCooperativeGridsABarrier) {
  ASSERT_TRUE(machine.load(R"(
.visible .entry k(.param .u64 out)
{
  .reg .b32 %r<5>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, %envreg1;
  mov.u32 %r2, %envreg2;
  mov.b64 %rd2, {%r2, %r1};
  atom.global.add.u32 %r3, [%rd2+4], 1;
  mul.wide.u32 %rd3, %r3, 4;
  add.s64 %rd1, %rd1, %rd3;
  st.global.u32 [%rd1], %r3;
  ret;
})"));
  auto out = machine.array<uint32_t>(5);
  for (unsigned round = 0; round < 2; ++round) {
    auto outcome = machine.launch("k", {5}, {1}, {out.address}, 0, true);
    EXPECT_EQ(outcome.fault, exec::Fault::None);
    EXPECT_TRUE(outcome.findings.empty());
    EXPECT_EQ(machine.read<uint32_t>(out),
              (std::vector<uint32_t>{0, 1, 2, 3, 4}));
  }
}

// Sums of floats depend on their order: with deterministic=1 it is always the
// same, however many host threads were asked for.
TEST(Deterministic, OrdersAtomicsByBlock) {
  std::vector<float> values(64 * 256);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = float(i % 977) * 1.37e-3f * (i % 3 ? 1.0f : 1e4f);
  auto sum = [&](unsigned threads) {
    Machine machine;
    machine.options.deterministic = true;
    machine.options.threads = threads;
    EXPECT_TRUE(machine.load(R"(
.visible .entry k(.param .u64 in, .param .u64 out)
{
  .reg .f32 %f<2>;
  .reg .b32 %r<6>;
  .reg .b64 %rd<5>;
  ld.param.u64 %rd1, [in];
  ld.param.u64 %rd2, [out];
  mov.u32 %r1, %ctaid.x;
  mov.u32 %r2, %ntid.x;
  mov.u32 %r3, %tid.x;
  mad.lo.s32 %r4, %r1, %r2, %r3;
  mul.wide.u32 %rd3, %r4, 4;
  add.s64 %rd1, %rd1, %rd3;
  ld.global.f32 %f1, [%rd1];
  red.global.add.f32 [%rd2], %f1;
  ret;
})"));
    auto in = machine.array(values), out = machine.array(std::vector<float>{0});
    machine.run("k", {64}, {256}, {in.address, out.address});
    return machine.read<float>(out)[0];
  };
  float expected = 0;
  for (float value : values)
    expected += value;
  for (unsigned threads : {1u, 2u, 5u})
    EXPECT_EQ(sum(threads), expected);
}
