//===- ChecksTest.cpp - Faulty kernels and their correct twins ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For each check a kernel that it must catch and a twin, as close as can be,
// that it must not, in every schedule.
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

using namespace tenon::sim;
using namespace tenon::sim::test;
using exec::Fault;

namespace {

class Checks : public testing::TestWithParam<ScheduleCase> {
protected:
  Machine machine;
  void SetUp() override {
    machine.options.schedule = GetParam().schedule;
    machine.options.seed = GetParam().seed;
    machine.options.threads = 2;
  }

  /// The finding of a check, whose text must hold `text`.
  void expectFinding(const exec::LaunchOutcome &outcome, uint32_t check,
                     const std::string &text, Fault fault = Fault::None) {
    EXPECT_EQ(outcome.fault, fault);
    bool found = false;
    for (const exec::Finding &finding : outcome.findings) {
      found |= finding.check == check &&
               finding.text().find(text) != std::string::npos;
      EXPECT_GT(finding.ptxLine, 0u);
      EXPECT_FALSE(finding.ptxText.empty());
    }
    EXPECT_TRUE(found) << "no finding with '" << text << "'; got "
                       << outcome.findings.size()
                       << (outcome.findings.empty()
                               ? std::string()
                               : ":\n" + outcome.findings[0].text());
  }
};

/// A kernel `k(out)` with registers and the thread's number in %r1, its address
/// in `out` in %rd1.
std::string kernel(const std::string &body, const std::string &before = "") {
  return before + R"(
.visible .entry k(.param .u64 out)
{
  .reg .pred %p<6>;
  .reg .b32 %r<16>;
  .reg .b64 %rd<10>;
  .reg .b16 %rs<6>;
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, %tid.x;
  mul.wide.u32 %rd2, %r1, 4;
  add.s64 %rd1, %rd1, %rd2;
)" + body +
         "\n  ret;\n}\n";
}

const std::vector<uint32_t> kZeros(256, 0);

} // namespace

INSTANTIATE_TEST_SUITE_P(, Checks, testing::ValuesIn(kSchedules),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });

// --- Bounds -----------------------------------------------------------------

TEST_P(Checks, OutOfBounds) {
  ASSERT_TRUE(machine.load(kernel("st.global.u32 [%rd1+4], %r1;")));
  auto small = machine.array(std::vector<uint32_t>(64, 0));
  auto outcome = machine.launch("k", {1}, {64}, {small.address});
  expectFinding(outcome, CheckBounds, "0 bytes behind the end of allocation",
                Fault::IllegalAddress);
  EXPECT_EQ(outcome.findings[0].thread.x, 63u);
  auto large = machine.array(std::vector<uint32_t>(65, 0));
  machine.run("k", {1}, {64}, {large.address});
}

// A check that is off says nothing, but what hardware refuses stays a fault.
TEST_P(Checks, SwitchedOff) {
  ASSERT_TRUE(machine.load(kernel("st.global.u32 [%rd1+4], %r1;")));
  auto small = machine.array(std::vector<uint32_t>(64, 0));
  machine.options.checks &= ~uint32_t(CheckBounds);
  auto outcome = machine.launch("k", {1}, {64}, {small.address});
  EXPECT_EQ(outcome.fault, Fault::IllegalAddress);
  EXPECT_TRUE(outcome.findings.empty());
}

TEST_P(Checks, UseAfterFree) {
  ASSERT_TRUE(machine.load(kernel("ld.global.u32 %r2, [%rd1];")));
  auto array = machine.array(kZeros);
  machine.run("k", {1}, {32}, {array.address});
  ASSERT_TRUE(machine.memory.release(array.address));
  auto outcome = machine.launch("k", {1}, {32}, {array.address});
  expectFinding(outcome, CheckBounds, "use of freed memory",
                Fault::IllegalAddress);
}

TEST_P(Checks, HostPointer) {
  ASSERT_TRUE(machine.load(kernel("st.global.u32 [%rd1], %r1;")));
  std::vector<uint32_t> host(64, 7);
  auto outcome = machine.launch("k", {1}, {32}, {uint64_t(host.data())});
  expectFinding(outcome, CheckBounds, "is it a host pointer?",
                Fault::IllegalAddress);
  EXPECT_EQ(host[0], 7u);
}

TEST_P(Checks, SharedOutOfBounds) {
  std::string text = R"(
  shl.b32 %r2, %r1, 2;
  mov.u32 %r3, buffer;
  add.u32 %r2, %r2, %r3;
  st.shared.u32 [%r2+OFFSET], %r1;)";
  auto with = [&](const char *offset) {
    std::string body = text;
    body.replace(body.find("OFFSET"), 6, offset);
    return kernel(body, ".shared .align 4 .b8 buffer[128];");
  };
  ASSERT_TRUE(machine.load(with("4")));
  auto array = machine.array(kZeros);
  expectFinding(machine.launch("k", {1}, {32}, {array.address}), CheckBounds,
                "the block has 128 bytes of shared memory",
                Fault::IllegalAddress);
  ASSERT_TRUE(machine.load(with("0")));
  machine.run("k", {1}, {32}, {array.address});
}

TEST_P(Checks, WritesConstant) {
  auto with = [&](const char *variable) {
    return kernel(std::string("mov.u64 %rd3, ") + variable +
                      ";\n  st.global.u32 [%rd3], %r1;",
                  ".const .u32 fixed[1] = {5};\n.global .u32 free[1];");
  };
  ASSERT_TRUE(machine.load(with("fixed")));
  auto array = machine.array(kZeros);
  expectFinding(machine.launch("k", {1}, {1}, {array.address}), CheckBounds,
                "writes constant memory", Fault::IllegalAddress);
  ASSERT_TRUE(machine.load(with("free")));
  machine.run("k", {1}, {1}, {array.address});
}

// --- Alignment --------------------------------------------------------------

TEST_P(Checks, Misaligned) {
  ASSERT_TRUE(machine.load(kernel("ld.global.v2.u32 {%r2, %r3}, [%rd1];")));
  auto array = machine.array(kZeros);
  auto outcome = machine.launch("k", {1}, {32}, {array.address});
  expectFinding(outcome, CheckAlignment, "the address is no multiple of 8",
                Fault::MisalignedAddress);
  EXPECT_EQ(outcome.findings[0].thread.x, 1u);
  machine.run("k", {1}, {1}, {array.address});
}

// --- Uninitialized memory ---------------------------------------------------

TEST_P(Checks, UninitializedGlobal) {
  ASSERT_TRUE(machine.load(
      kernel("ld.global.u32 %r2, [%rd1]; st.global.u32 [%rd1], %r2;")));
  auto unwritten = machine.array<uint32_t>(32), written = machine.array(kZeros);
  expectFinding(machine.launch("k", {1}, {32}, {unwritten.address}),
                CheckUninitialized, "reads global memory that was never");
  machine.run("k", {1}, {32}, {written.address});
}

TEST_P(Checks, UninitializedShared) {
  std::string declare = ".shared .align 4 .b8 buffer[128];";
  std::string body = R"(
  shl.b32 %r2, %r1, 2;
  mov.u32 %r3, buffer;
  add.u32 %r2, %r2, %r3;
  ld.shared.u32 %r4, [%r2];
  st.global.u32 [%rd1], %r4;)";
  ASSERT_TRUE(machine.load(kernel(body, declare)));
  auto array = machine.array(kZeros);
  expectFinding(machine.launch("k", {1}, {32}, {array.address}),
                CheckUninitialized, "reads shared memory that was never");
  body.insert(body.find("  ld.shared"), "  st.shared.u32 [%r2], %r1;\n");
  ASSERT_TRUE(machine.load(kernel(body, declare)));
  machine.run("k", {1}, {32}, {array.address});
}

TEST_P(Checks, UninitializedLocal) {
  std::string body = R"(
  .local .align 4 .b8 mine[16];
  mov.u64 %rd3, mine;
  ld.local.u32 %r2, [%rd3+4];
  st.global.u32 [%rd1], %r2;)";
  ASSERT_TRUE(machine.load(kernel(body)));
  auto array = machine.array(kZeros);
  expectFinding(machine.launch("k", {1}, {32}, {array.address}),
                CheckUninitialized, "reads local memory that was never");
  body.insert(body.find("  ld.local"), "  st.local.u32 [%rd3+4], %r1;\n");
  ASSERT_TRUE(machine.load(kernel(body)));
  machine.run("k", {1}, {32}, {array.address});
}

// --- Races in shared memory -------------------------------------------------

namespace {
/// Each thread writes its word, then reads that of the thread `distance` on.
std::string exchange(const char *between) {
  return kernel(std::string(R"(
  shl.b32 %r2, %r1, 2;
  mov.u32 %r3, buffer;
  add.u32 %r4, %r2, %r3;
  st.shared.u32 [%r4], %r1;
)") + between + R"(
  xor.b32 %r2, %r2, 128;
  add.u32 %r4, %r2, %r3;
  ld.shared.u32 %r5, [%r4];
  st.global.u32 [%rd1], %r5;)",
                ".shared .align 4 .b8 buffer[1024];");
}
} // namespace

TEST_P(Checks, RaceWithoutBarrier) {
  auto array = machine.array(kZeros);
  ASSERT_TRUE(machine.load(exchange("")));
  // Which of the two accesses comes second depends on the schedule; without
  // the write, the read may also be of memory never written.
  machine.options.checks &= ~uint32_t(CheckUninitialized);
  expectFinding(machine.launch("k", {1}, {256}, {array.address}),
                CheckSharedRaces, "shared-memory race");
  machine.options.checks = kDefaultChecks;
  ASSERT_TRUE(machine.load(exchange("bar.sync 0;")));
  machine.run("k", {1}, {256}, {array.address});
  auto result = machine.read<uint32_t>(array);
  for (uint32_t i = 0; i < 256; ++i)
    EXPECT_EQ(result[i], i ^ 32);
}

// Warps that write the same value to the same place do not disturb each other.
TEST_P(Checks, RaceOfEqualValues) {
  auto array = machine.array(kZeros);
  auto with = [&](const char *value) {
    return kernel(std::string(R"(
  and.b32 %r2, %r1, 31;
  shr.u32 %r6, %r1, 5;
  shl.b32 %r4, %r2, 2;
  mov.u32 %r3, buffer;
  add.u32 %r4, %r4, %r3;
  st.shared.u32 [%r4], )") +
                      value + R"(;
  bar.sync 0;
  ld.shared.u32 %r5, [%r4];)",
                  ".shared .align 4 .b8 buffer[128];");
  };
  ASSERT_TRUE(machine.load(with("%r6")));
  expectFinding(machine.launch("k", {1}, {128}, {array.address}),
                CheckSharedRaces, "overwrites what another warp wrote");
  ASSERT_TRUE(machine.load(with("%r2")));
  machine.run("k", {1}, {128}, {array.address});
}

// Warps 0 and 1 meet at barrier 1, warps 2 and 3 at barrier 2: enough for
// neighbours, not for all.
TEST_P(Checks, RaceAcrossNamedBarriers) {
  auto array = machine.array(kZeros);
  auto with = [&](const char *distance) {
    return kernel(std::string(R"(
  shl.b32 %r2, %r1, 2;
  mov.u32 %r3, buffer;
  add.u32 %r4, %r2, %r3;
  st.shared.u32 [%r4], %r1;
  shr.u32 %r6, %r1, 6;
  add.u32 %r6, %r6, 1;
  barrier.sync %r6, 64;
  xor.b32 %r2, %r2, )") +
                      distance +
                      R"(;
  add.u32 %r4, %r2, %r3;
  ld.shared.u32 %r5, [%r4];)",
                  ".shared .align 4 .b8 buffer[512];");
  };
  machine.options.checks &= ~uint32_t(CheckUninitialized);
  ASSERT_TRUE(machine.load(with("256")));
  expectFinding(machine.launch("k", {1}, {128}, {array.address}),
                CheckSharedRaces, "shared-memory race");
  ASSERT_TRUE(machine.load(with("128")));
  machine.run("k", {1}, {128}, {array.address});
}

// A loop whose second barrier is missing: the next round overwrites what others
// still read.
TEST_P(Checks, RaceWriteAfterRead) {
  auto array = machine.array(kZeros);
  auto with = [&](const char *second) {
    return kernel(std::string(R"(
  shl.b32 %r2, %r1, 2;
  mov.u32 %r3, buffer;
  add.u32 %r4, %r2, %r3;
  xor.b32 %r5, %r2, 128;
  add.u32 %r5, %r5, %r3;
  mov.u32 %r6, 0;
again:
  st.shared.u32 [%r4], %r6;
  bar.sync 0;
  ld.shared.u32 %r7, [%r5];
)") + second + R"(
  add.u32 %r6, %r6, 1;
  setp.lt.u32 %p1, %r6, 3;
  @%p1 bra again;)",
                  ".shared .align 4 .b8 buffer[512];");
  };
  ASSERT_TRUE(machine.load(with("")));
  expectFinding(machine.launch("k", {1}, {128}, {array.address}),
                CheckSharedRaces, "shared-memory race");
  ASSERT_TRUE(machine.load(with("bar.sync 0;")));
  machine.run("k", {1}, {128}, {array.address});
}

// A lock in shared memory orders what it protects; without it the same code
// races.
TEST_P(Checks, LockOrders) {
  auto array = machine.array(kZeros);
  auto with = [&](bool locked) {
    return kernel(std::string(R"(
  and.b32 %r8, %r1, 31;
  setp.ne.u32 %p1, %r8, 0;
  mov.u32 %r3, buffer;
  setp.ne.u32 %p2, %r1, 0;
  mov.u32 %r9, 0;
  @!%p2 st.shared.v2.u32 [%r3], {%r9, %r9};
  bar.sync 0;
  @%p1 bra done;
)") +
                      (locked ? "wait: atom.shared.cas.b32 %r4, [%r3], 0, 1;\n"
                                "  setp.ne.u32 %p2, %r4, 0;\n  @%p2 bra wait;\n"
                              : "") +
                      R"(
  ld.shared.u32 %r5, [%r3+4];
  add.u32 %r5, %r5, 1;
  st.shared.u32 [%r3+4], %r5;
)" + (locked ? "membar.cta;\n  atom.shared.exch.b32 %r6, [%r3], 0;\n" : "") +
                      "done:",
                  ".shared .align 8 .b8 buffer[8];");
  };
  ASSERT_TRUE(machine.load(with(false)));
  expectFinding(machine.launch("k", {1}, {128}, {array.address}),
                CheckSharedRaces, "shared-memory race");
  ASSERT_TRUE(machine.load(with(true)));
  machine.run("k", {1}, {128}, {array.address});
}

// --- Asynchronous copies ----------------------------------------------------

namespace {
/// Two groups of copies; reads the first after waiting until `pending` are.
std::string copies(const char *wait) {
  return kernel(std::string(R"(
  shl.b32 %r2, %r1, 2;
  mov.u32 %r3, buffer;
  add.u32 %r4, %r2, %r3;
  cp.async.ca.shared.global [%r4], [%rd1], 4;
  cp.async.commit_group;
  cp.async.ca.shared.global [%r4+128], [%rd1+128], 4;
  cp.async.commit_group;
)") + wait + R"(
  ld.shared.u32 %r5, [%r4];
  cp.async.wait_all;
  add.u32 %r5, %r5, 1000;
  st.global.u32 [%rd1], %r5;)",
                ".shared .align 4 .b8 buffer[256];");
}
} // namespace

TEST_P(Checks, CopyNotWaitedFor) {
  std::vector<uint32_t> values(64);
  for (uint32_t i = 0; i < 64; ++i)
    values[i] = i;
  for (const char *wait : {"", "cp.async.wait_group 2;"}) {
    auto array = machine.array(values);
    ASSERT_TRUE(machine.load(copies(wait)));
    expectFinding(machine.launch("k", {1}, {32}, {array.address}),
                  CheckAsyncCopies, "an asynchronous copy is under way");
  }
  for (const char *wait : {"cp.async.wait_group 1;", "cp.async.wait_all;"}) {
    auto array = machine.array(values);
    ASSERT_TRUE(machine.load(copies(wait)));
    machine.run("k", {1}, {32}, {array.address});
    EXPECT_EQ(machine.read<uint32_t>(array)[31], 1031u);
  }
}

// What a warp has waited for, others may read only behind a barrier.
TEST_P(Checks, CopyWithoutBarrier) {
  auto with = [&](const char *barrier) {
    return kernel(std::string(R"(
  shl.b32 %r2, %r1, 2;
  mov.u32 %r3, buffer;
  add.u32 %r4, %r2, %r3;
  cp.async.ca.shared.global [%r4], [%rd1], 4;
  cp.async.wait_all;
)") + barrier + R"(
  xor.b32 %r2, %r2, 128;
  add.u32 %r4, %r2, %r3;
  ld.shared.u32 %r5, [%r4];)",
                  ".shared .align 4 .b8 buffer[256];");
  };
  auto array = machine.array(kZeros);
  ASSERT_TRUE(machine.load(with("")));
  auto outcome = machine.launch("k", {1}, {64}, {array.address});
  EXPECT_FALSE(outcome.findings.empty());
  ASSERT_TRUE(machine.load(with("bar.sync 0;")));
  machine.run("k", {1}, {64}, {array.address});
}

// --- Barriers ---------------------------------------------------------------

TEST_P(Checks, DivergentBarrier) {
  auto array = machine.array(kZeros);
  ASSERT_TRUE(machine.load(kernel(R"(
  setp.lt.u32 %p1, %r1, 16;
  @%p1 bra low;
  bar.sync 0;
  bra done;
low:
  bar.sync 0;
done:)")));
  expectFinding(machine.launch("k", {1}, {64}, {array.address}), CheckBarriers,
                "barrier divergence", Fault::Timeout);
  ASSERT_TRUE(machine.load(kernel(R"(
  setp.lt.u32 %p1, %r1, 16;
  @%p1 bra low;
  bra done;
low:
done:
  bar.sync 0;)")));
  machine.run("k", {1}, {64}, {array.address});
}

TEST_P(Checks, BarrierNeverComplete) {
  auto array = machine.array(kZeros);
  ASSERT_TRUE(machine.load(kernel(R"(
  setp.lt.u32 %p1, %r1, 32;
  @%p1 bra done;
  barrier.sync 1, 64;
done:)")));
  expectFinding(machine.launch("k", {1}, {64}, {array.address}), CheckBarriers,
                "deadlock", Fault::Timeout);
  ASSERT_TRUE(machine.load(kernel(R"(
  setp.lt.u32 %p1, %r1, 32;
  @%p1 bra low;
  barrier.sync 1, 64;
  bra done;
low:
  barrier.arrive 1, 64;
done:)")));
  machine.run("k", {1}, {64}, {array.address});
}

// A loop that waits for a flag which nobody sets.
TEST_P(Checks, Watchdog) {
  auto with = [&](const char *flag) {
    return kernel(std::string("  mov.u32 %r3, ") + flag + R"(;
  st.global.u32 [%rd1], %r3;
wait:
  ld.volatile.global.u32 %r2, [%rd1];
  setp.eq.u32 %p1, %r2, 0;
  @%p1 bra wait;)");
  };
  machine.options.watchdog = 100000;
  auto array = machine.array(kZeros);
  ASSERT_TRUE(machine.load(with("0")));
  expectFinding(machine.launch("k", {1}, {32}, {array.address}), CheckBarriers,
                "timeout", Fault::Timeout);
  ASSERT_TRUE(machine.load(with("1")));
  machine.run("k", {1}, {32}, {array.address});
}

TEST_P(Checks, BarrierCounts) {
  auto array = machine.array(kZeros);
  auto with = [&](const char *second) {
    return kernel(std::string(R"(
  setp.ge.u32 %p1, %r1, 64;
  @%p1 bra done;
  setp.lt.u32 %p1, %r1, 32;
  @%p1 bra low;
  barrier.sync 1, 64;
  bra done;
low:
  barrier.sync 1, )") +
                  second + ";\ndone:");
  };
  ASSERT_TRUE(machine.load(with("96")));
  auto outcome = machine.launch("k", {1}, {96}, {array.address});
  bool found = false;
  for (const exec::Finding &finding : outcome.findings)
    found |= finding.what.find("different thread counts") != std::string::npos;
  EXPECT_TRUE(found);
  ASSERT_TRUE(machine.load(with("64")));
  machine.run("k", {1}, {96}, {array.address});
}

TEST_P(Checks, MbarrierMisuse) {
  auto array = machine.array(kZeros);
  auto with = [&](const char *init, const char *arrivals) {
    return kernel(std::string(R"(
  mov.u32 %r3, object;
  setp.ne.u32 %p1, %r1, 0;
  mov.u64 %rd5, 0;
  @!%p1 st.shared.u64 [%r3], %rd5;
)") + init + R"(
  bar.sync 0;
)" + arrivals + R"(
wait:
  mbarrier.test_wait.shared.b64 %p2, [%r3], %rd4;
  @!%p2 bra wait;)",
                  ".shared .align 8 .b8 object[8];");
  };
  const char *init = "  @!%p1 mbarrier.init.shared.b64 [%r3], 64;";
  const char *once = "  mbarrier.arrive.shared.b64 %rd4, [%r3];";
  ASSERT_TRUE(machine.load(with("", once)));
  expectFinding(machine.launch("k", {1}, {64}, {array.address}), CheckBarriers,
                "there is no initialized mbarrier here",
                Fault::IllegalInstruction);
  ASSERT_TRUE(machine.load(
      with(init, "  mbarrier.arrive.noComplete.shared.b64 %rd4, [%r3], 65;")));
  expectFinding(machine.launch("k", {1}, {64}, {array.address}), CheckBarriers,
                "more arrivals than the phase expects");
  ASSERT_TRUE(machine.load(with(init, once)));
  machine.run("k", {1}, {64}, {array.address});
}

// --- Limits -----------------------------------------------------------------

TEST_P(Checks, Limits) {
  auto array = machine.array(std::vector<uint32_t>(1024, 0));
  ASSERT_TRUE(machine.load(kernel("st.global.u32 [%rd1], %r1;",
                                  ".extern .shared .align 16 .b8 dynamic[];")));
  auto outcome = machine.launch("k", {1}, {1025}, {array.address});
  EXPECT_EQ(outcome.fault, Fault::OutOfResources);
  outcome = machine.launch("k", {1}, {32}, {array.address}, 164 * 1024);
  EXPECT_EQ(outcome.fault, Fault::OutOfResources);
  ASSERT_EQ(outcome.findings.size(), 1u);
  EXPECT_NE(outcome.findings[0].what.find("bytes of shared memory exceed"),
            std::string::npos);
  machine.run("k", {1}, {1024}, {array.address}, 163 * 1024);
}

TEST_P(Checks, StackOverflow) {
  auto array = machine.array(kZeros);
  auto with = [&](const char *depth) {
    return kernel(std::string("mov.u32 %r2, ") + depth +
                      ";\n  call down, (%r2);",
                  R"(
.func down(.reg .b32 n)
{
  .reg .pred %q;
  .reg .b32 %m;
  .local .align 8 .b8 room[128];
  setp.eq.u32 %q, n, 0;
  @%q bra done;
  add.u32 %m, n, -1;
  call down, (%m);
done:
  ret;
})");
  };
  ASSERT_TRUE(machine.load(with("1000")));
  auto outcome = machine.launch("k", {1}, {32}, {array.address});
  EXPECT_EQ(outcome.fault, Fault::HardwareStackError);
  ASSERT_EQ(outcome.findings.size(), 1u);
  EXPECT_NE(outcome.findings[0].note.find("CU_LIMIT_STACK_SIZE"),
            std::string::npos);
  ASSERT_TRUE(machine.load(with("5")));
  machine.run("k", {1}, {32}, {array.address});
}
