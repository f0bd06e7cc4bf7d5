//===- AtomicsTest.cpp - Operations of atom and red -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

using namespace tenon::sim;
using namespace tenon::sim::test;

namespace {
/// `red.<operation>` on a value in global or shared memory: what is there
/// afterwards.
uint32_t afterAtomic(const std::string &operation, uint32_t before,
                     uint32_t operand, bool shared) {
  Machine machine("h100"); // whose target has all of them
  std::string space = shared ? "shared" : "global";
  EXPECT_TRUE(machine.load(R"(
.visible .entry k(.param .u64 data, .param .u32 operand)
{
  .shared .align 4 .b8 buffer[4];
  .reg .b32 %r<5>;
  .reg .b64 %rd<2>;
  ld.param.u64 %rd1, [data];
  ld.param.u32 %r1, [operand];
  mov.u32 %r2, buffer;
  ld.global.u32 %r3, [%rd1];
  st.shared.u32 [%r2], %r3;
  red.)" + space + "." + operation +
                               " [" + (shared ? "%r2" : "%rd1") + "], %r1;\n" +
                               (shared ? "  ld.shared.u32 %r3, [%r2];\n"
                                         "  st.global.u32 [%rd1], %r3;\n"
                                       : "") +
                               "  ret;\n}\n",
                           "sm_90"));
  auto data = machine.array(std::vector<uint32_t>{before});
  machine.run("k", {1}, {1}, {data.address, operand});
  return machine.read<uint32_t>(data)[0];
}
} // namespace

// PTX ISA 9.7.13.6, each operation by hand.
TEST(Atomics, Operations) {
  struct Case {
    const char *operation;
    uint32_t before, operand, after;
  };
  static constexpr Case kCases[] = {
      {"add.u32", 0xffffffff, 2, 1},
      {"add.s32", 0x7fffffff, 1, 0x80000000},
      {"inc.u32", 4, 5, 5},
      {"inc.u32", 5, 5, 0},
      {"dec.u32", 0, 5, 5},
      {"dec.u32", 6, 5, 5},
      {"dec.u32", 3, 5, 2},
      {"min.u32", 0xffffffff, 2, 2},
      {"min.s32", 0xffffffff, 2, 0xffffffff},
      {"max.u32", 0xffffffff, 2, 0xffffffff},
      {"max.s32", 0xffffffff, 2, 2},
      {"and.b32", 0xff00, 0x0ff0, 0x0f00},
      {"or.b32", 0xff00, 0x0ff0, 0xfff0},
      {"xor.b32", 0xff00, 0x0ff0, 0xf0f0},
      {"add.f32", 0x3f800000, 0x3f800000, 0x40000000},
      {"add.f32", 0x7f800000, 0xff800000, 0x7fffffff},
      // 1 + 1, 65504 + 16 (rounds to infinity)
      {"add.noftz.f16x2", 0x7bff3c00, 0x4c003c00, 0x7c004000},
      {"add.noftz.bf16x2", 0x3f803f80, 0x3f80bf80, 0x40000000},
  };
  for (const Case &c : kCases)
    for (bool shared : {false, true})
      EXPECT_EQ(afterAtomic(c.operation, c.before, c.operand, shared), c.after)
          << c.operation << (shared ? " shared" : " global");
}

// add.f32 flushes subnormals on global memory alone.
TEST(Atomics, FlushesSubnormalsOnGlobalMemory) {
  EXPECT_EQ(afterAtomic("add.f32", 0x00000001, 0x00000001, true), 2u);
  EXPECT_EQ(afterAtomic("add.f32", 0x00000001, 0x00000001, false), 0u);
  EXPECT_EQ(afterAtomic("add.f32", 0x80000001, 0x80000000, false), 0x80000000);
  // The smallest normal number less one and a half of it.
  EXPECT_EQ(afterAtomic("add.f32", 0x00800000, 0x80c00000, true), 0x80400000);
  EXPECT_EQ(afterAtomic("add.f32", 0x00800000, 0x80c00000, false), 0x80000000);
}
