//===- GlobalRacesTest.cpp - Races in global memory -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The check global-races: faulty kernels and correct twins, in every schedule.
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

using namespace tenon::sim;
using namespace tenon::sim::test;

namespace {

class GlobalRaces : public testing::TestWithParam<ScheduleCase> {
protected:
  Machine machine;
  void SetUp() override {
    machine.options.schedule = GetParam().schedule;
    machine.options.seed = GetParam().seed;
    machine.options.threads = 2;
    machine.options.checks |= CheckGlobalRaces;
  }

  /// k(data, count): %rd1 data, %rd2 count, %r1 thread, %r2 block, %rd3 the
  /// block's and thread's word of data, four bytes each, 64 threads a block.
  void load(const std::string &body) {
    ASSERT_TRUE(machine.load(R"(
.visible .entry k(.param .u64 data, .param .u64 count)
{
  .reg .pred %p<6>;
  .reg .b32 %r<16>;
  .reg .b64 %rd<10>;
  ld.param.u64 %rd1, [data];
  ld.param.u64 %rd2, [count];
  mov.u32 %r1, %tid.x;
  mov.u32 %r2, %ctaid.x;
  mad.lo.u32 %r3, %r2, 64, %r1;
  mul.wide.u32 %rd4, %r3, 4;
  add.u64 %rd3, %rd1, %rd4;
)" + body + "\n  ret;\n}\n"));
  }
  exec::LaunchOutcome launch(unsigned blocks) {
    auto data = machine.array(std::vector<uint32_t>(1024, 0)),
         count = machine.array(std::vector<uint32_t>(4, 0));
    return machine.launch("k", {blocks}, {64}, {data.address, count.address});
  }
  void expectRace(unsigned blocks, const std::string &text) {
    auto outcome = launch(blocks);
    EXPECT_EQ(outcome.fault, exec::Fault::None);
    ASSERT_FALSE(outcome.findings.empty());
    for (const exec::Finding &finding : outcome.findings) {
      EXPECT_EQ(finding.check, CheckGlobalRaces);
      EXPECT_NE(finding.text().find("global-memory race: "), std::string::npos);
    }
    EXPECT_NE(outcome.findings[0].text().find(text), std::string::npos)
        << outcome.findings[0].text();
  }
  void expectNothing(unsigned blocks) {
    auto outcome = launch(blocks);
    EXPECT_EQ(outcome.fault, exec::Fault::None);
    for (const exec::Finding &finding : outcome.findings)
      ADD_FAILURE() << finding.text();
  }
};

} // namespace

INSTANTIATE_TEST_SUITE_P(, GlobalRaces, testing::ValuesIn(kSchedules),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });

TEST_P(GlobalRaces, BlocksWriteOnePlace) {
  load("st.global.u32 [%rd1], %r2;");
  expectRace(4, "overwrites what another block wrote");
  // Each its own; or all the same value; or atomics.
  load("st.global.u32 [%rd3], %r2;");
  expectNothing(4);
  load("mov.u32 %r4, 7; st.global.u32 [%rd1], %r4;");
  expectNothing(4);
  load("red.global.add.u32 [%rd1], %r2;");
  expectNothing(4);
}

// Histograms whose increment is no atomic.
TEST_P(GlobalRaces, Increment) {
  load("and.b32 %r4, %r1, 3; mul.wide.u32 %rd4, %r4, 4;"
       "add.u64 %rd4, %rd1, %rd4; ld.global.u32 %r5, [%rd4];"
       "add.u32 %r5, %r5, 1; st.global.u32 [%rd4], %r5;");
  expectRace(4, "race");
}

TEST_P(GlobalRaces, WarpsOfABlock) {
  auto body = [](const char *between) {
    return std::string("st.global.u32 [%rd3], %r1;\n") + between +
           "xor.b32 %r4, %r1, 32; mad.lo.u32 %r4, %r2, 64, %r4;"
           "mul.wide.u32 %rd4, %r4, 4; add.u64 %rd4, %rd1, %rd4;"
           "ld.global.u32 %r5, [%rd4]; st.global.u32 [%rd3+4096], %r5;";
  };
  machine.options.checks &= ~uint32_t(CheckBounds);
  auto run = [&](const char *between, bool races) {
    load(body(between));
    auto data = machine.array(std::vector<uint32_t>(4096, 0)),
         count = machine.array(std::vector<uint32_t>(4, 0));
    auto outcome =
        machine.launch("k", {2}, {64}, {data.address, count.address});
    EXPECT_EQ(!outcome.findings.empty(), races);
    for (const exec::Finding &finding : outcome.findings)
      EXPECT_NE(finding.text().find(" warp "), std::string::npos);
  };
  run("", true);
  run("bar.sync 0;\n", false);
  // Lanes of one warp are in step.
  run("bar.warp.sync -1;\n", true);
}

// The block that arrives last reads what all have written (CUDA's sample
// threadFenceReduction): without a fence its count says nothing of the data.
TEST_P(GlobalRaces, LastBlock) {
  const char *add = "atom.global.add.u32 %r4, [%rd2], 1;";
  auto load = [&](const std::string &beforeBarrier, const std::string &count) {
    SCOPED_TRACE(beforeBarrier + " / " + count);
    GlobalRaces::load(R"(
  .shared .align 4 .b32 last;
  st.global.u32 [%rd3], %r1;
)" + beforeBarrier + R"(
  bar.sync 0;
  setp.ne.u32 %p1, %r1, 0;
  @%p1 bra joined;
)" + count + R"(
  st.shared.u32 [last], %r4;
joined:
  bar.sync 0;
  ld.shared.u32 %r4, [last];
  mov.u32 %r5, %nctaid.x;
  sub.u32 %r5, %r5, 1;
  setp.ne.u32 %p2, %r4, %r5;
  @%p2 bra done;
  mov.u32 %r6, 0;
again:
  mad.lo.u32 %r8, %r6, 64, %r1;
  mul.wide.u32 %rd5, %r8, 4;
  add.u64 %rd5, %rd1, %rd5;
  ld.global.u32 %r9, [%rd5];
  add.u32 %r6, %r6, 1;
  setp.le.u32 %p3, %r6, %r5;
  @%p3 bra again;
done:
)");
  };
  load("", add);
  expectRace(5, "reads what another block wrote");
  load("membar.cta;", add); // not far enough
  expectRace(5, "reads what another block wrote");
  // Thread 0's warp alone: the other's words are not covered.
  load("setp.lt.u32 %p4, %r1, 32; @%p4 membar.gl;", add);
  expectRace(5, "reads what another block wrote");
  // All fence and meet; or thread 0 does for the block, after the barrier.
  load("membar.gl;", add);
  expectNothing(5);
  load("", std::string("membar.gl; ") + add);
  expectNothing(5);
  load("",
       "fence.acq_rel.gpu; atom.relaxed.gpu.global.add.u32 %r4, [%rd2], 1;");
  expectNothing(5);
  load("", "atom.acq_rel.gpu.global.add.u32 %r4, [%rd2], 1;");
  expectNothing(5);
}

// Each block waits for the one before and goes on from its value: what that one
// knew is known too.
TEST_P(GlobalRaces, ChainOfBlocks) {
  auto body = [](const char *store) {
    return std::string(R"(
  setp.ne.u32 %p1, %r1, 0;
  @%p1 bra done;
  mul.wide.u32 %rd4, %r2, 4;
  add.u64 %rd5, %rd2, %rd4; // flags
  setp.eq.u32 %p2, %r2, 0;
  @%p2 bra go;
wait:
  ld.acquire.gpu.global.u32 %r4, [%rd5+-4];
  setp.eq.u32 %p3, %r4, 0;
  @%p3 bra wait;
go:
  ld.global.u32 %r6, [%rd1];
  add.u32 %r6, %r6, 1;
  st.global.u32 [%rd1], %r6;
  mov.u32 %r7, 1;
)") + store +
           "\ndone:\n";
  };
  load(body("st.release.gpu.global.u32 [%rd5], %r7;"));
  expectNothing(4);
  load(body("st.relaxed.gpu.global.u32 [%rd5], %r7;"));
  expectRace(4, "another block wrote");
}
