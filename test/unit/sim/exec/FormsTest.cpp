//===- FormsTest.cpp - Instruction forms, one by one ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs the programs of MemoryForms, AtomicForms and SyncForms.cpp and looks
// whether they use every form of the table that reaches beyond registers.
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/forms/Forms.h"
#include "sim/exec/Coverage.h"
#include "sim/ptx/Parser.h"
#include "test/unit/sim/Machine.h"
#include "test/unit/sim/exec/FormCases.h"

#include <numeric>
#include <set>

using namespace tenon::sim;
using namespace tenon::sim::test;

static std::string bodyOf(const FormCase &each) {
  std::string bytes;
  for (unsigned i = 0; i < 256; ++i)
    bytes += (i ? ", " : "") + std::to_string((0x80 + i) & 0xff);
  return ".const .align 16 .b8 table[256] = {" + bytes + R"(};
.func (.param .b32 y) twice(.param .b32 x)
{
  .reg .b32 r;
  ld.param.b32 r, [x];
  add.u32 r, r, r;
  st.param.b32 [y], r;
  ret;
}
.visible .entry k(.param .u64 in, .param .u64 out,
                  .param .align 16 .b8 block[256])
{
  .shared .align 16 .b8 tile[1024];
  .local .align 16 .b8 stack[256];
  .reg .pred p<8>;
  .reg .b16 h<16>;
  .reg .b32 r<32>;
  .reg .b64 d<32>;
  .reg .f32 f<16>;
  .reg .f64 e<16>;
  ld.param.u64 d30, [in];
  ld.param.u64 d31, [out];
  mov.u32 r31, %tid.x;
  mul.wide.u32 d29, r31, 4;
  add.u64 d29, d29, d31;
)" + each.body +
         "\n  ret;\n}\n";
}

static void runCase(const FormCase &each, const ScheduleCase &schedule) {
  SCOPED_TRACE(each.name + ", " + schedule.name + ":\n" + each.body);
  bool isHopper = std::string(each.target) == "sm_90";
  Machine machine(isHopper                              ? "h100"
                  : std::string(each.target) == "sm_89" ? "l4"
                                                        : "a100");
  machine.options.schedule = schedule.schedule;
  machine.options.seed = schedule.seed;
  ASSERT_TRUE(machine.load(bodyOf(each), each.target));
  std::vector<uint8_t> input(256);
  std::iota(input.begin(), input.end(), uint8_t(0x80));
  auto in = machine.array(input);
  auto out = machine.array(std::vector<uint32_t>(256, kOutBefore));
  exec::LaunchRequest request;
  request.module = machine.module;
  request.kernel = machine.module->kernel("k");
  request.grid = {1};
  request.block = {each.threads};
  request.parameters.resize(request.kernel->parameterBytes);
  const auto &parameters = request.kernel->parameters;
  auto set = [&](size_t i, const void *value, size_t bytes) {
    std::memcpy(request.parameters.data() + parameters[i].offset, value, bytes);
  };
  set(0, &in.address, 8);
  set(1, &out.address, 8);
  set(2, input.data(), input.size());
  auto outcome = exec::launch(machine.description, machine.memory, request,
                              machine.limits, machine.options);
  EXPECT_EQ(outcome.fault, exec::Fault::None);
  for (const exec::Finding &finding : outcome.findings)
    ADD_FAILURE() << finding.text();
  auto found = machine.read<uint32_t>(out);
  for (size_t i = 0; i < found.size(); ++i)
    ASSERT_EQ(found[i],
              i < each.expected.size() ? each.expected[i] : kOutBefore)
        << "word " << i;
}

namespace {
class ExecForms : public testing::TestWithParam<ScheduleCase> {};
} // namespace
INSTANTIATE_TEST_SUITE_P(, ExecForms, testing::ValuesIn(kSchedules),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });

TEST_P(ExecForms, Memory) {
  for (const FormCase &each : memoryCases())
    runCase(each, GetParam());
}
TEST_P(ExecForms, Atomics) {
  for (const FormCase &each : atomicCases())
    runCase(each, GetParam());
}
TEST_P(ExecForms, Synchronization) {
  for (const FormCase &each : syncCases())
    runCase(each, GetParam());
}

// Nothing of an architecture that this version has is left out.
TEST(ExecFormsTable, ExecutesEveryFormUpToSm89) {
  size_t count = 0;
  for (const ptx::Form &form : ptx::forms()) {
    if (form.refused() || form.row->sm > 89)
      continue;
    ++count;
    EXPECT_TRUE(exec::isExecuted(form))
        << form.row->opcode << " " << form.row->modifiers;
  }
  EXPECT_GT(count, 250u);
}

// Forms that a program which runs to its end cannot have.
static bool isLeftOut(std::string_view opcode) {
  return opcode == "trap" || opcode == "brkpt"; // ExecFormsTable.TrapIsAFault
}

TEST(ExecFormsTable, NamesEveryFormUpToSm89) {
  std::set<size_t> used;
  auto add = [&](const std::vector<FormCase> &cases) {
    for (const FormCase &each : cases) {
      auto parsed =
          ptx::parse(std::string(".version 8.4\n.target ") + each.target +
                     "\n.address_size 64\n" + bodyOf(each));
      const auto *module = std::get_if<ptx::Module>(&parsed);
      ASSERT_TRUE(module) << each.name;
      for (const ptx::Function &function : module->functions)
        for (const ptx::Instruction &instruction : function.instructions)
          used.insert(instruction.form);
    }
  };
  add(memoryCases());
  add(atomicCases());
  add(syncCases());
  auto isIn = [](const ptx::FormRow *row, std::span<const ptx::FormRow> rows) {
    return row >= rows.data() && row < rows.data() + rows.size();
  };
  static const std::set<std::string_view> kOthers = {"shfl", "isspacep", "cvta",
                                                     "ldmatrix", "movmatrix"};
  size_t count = 0;
  for (size_t i = 0; i < ptx::forms().size(); ++i) {
    const ptx::Form &form = ptx::forms()[i];
    if (form.refused() || form.row->sm > 89 || isLeftOut(form.row->opcode) ||
        !(isIn(form.row, ptx::memoryForms()) ||
          isIn(form.row, ptx::syncForms()) ||
          isIn(form.row, ptx::controlForms()) ||
          kOthers.contains(form.row->opcode)))
      continue;
    ++count;
    EXPECT_TRUE(used.contains(i))
        << form.row->opcode << " " << form.row->modifiers << ", "
        << form.row->operands << ": in no case";
  }
  EXPECT_GT(count, 90u);
}

// PTX ISA 9.7.19.4 and 9.7.19.1: an interrupt to the host, or a stop for a
// debugger, which is not there; what was stored before is there.
TEST(ExecFormsTable, TrapIsAFault) {
  for (const char *instruction : {"trap", "brkpt"}) {
    Machine machine;
    auto out = machine.array(std::vector<uint32_t>{0});
    ASSERT_TRUE(machine.load(std::string(R"(
.visible .entry k(.param .u64 out)
{
  .reg .b64 d<1>;
  ld.param.u64 d0, [out];
  st.global.u32 [d0], 1;
  )") + instruction + ";\n  ret;\n}\n"));
    EXPECT_EQ(machine.launch("k", {1}, {1}, {out.address}).fault,
              exec::Fault::Trap);
    EXPECT_EQ(machine.read<uint32_t>(out)[0], 1u);
  }
}

// PTX ISA 10: what the launch says, of a block and grid in three dimensions.
TEST_P(ExecForms, SpecialRegisters) {
  struct Register {
    const char *name;
    uint32_t (*value)(uint32_t thread, uint32_t block);
  };
  // Blocks of 5 x 3 x 3 threads in a grid of 2 x 3 x 2.
  static constexpr Register kRegisters[] = {
      {"tid.x", [](uint32_t t, uint32_t) { return t % 5; }},
      {"tid.y", [](uint32_t t, uint32_t) { return t / 5 % 3; }},
      {"tid.z", [](uint32_t t, uint32_t) { return t / 15; }},
      {"ntid.x", [](uint32_t, uint32_t) { return 5u; }},
      {"ntid.y", [](uint32_t, uint32_t) { return 3u; }},
      {"ntid.z", [](uint32_t, uint32_t) { return 3u; }},
      {"ctaid.x", [](uint32_t, uint32_t b) { return b % 2; }},
      {"ctaid.y", [](uint32_t, uint32_t b) { return b / 2 % 3; }},
      {"ctaid.z", [](uint32_t, uint32_t b) { return b / 6; }},
      {"nctaid.x", [](uint32_t, uint32_t) { return 2u; }},
      {"nctaid.y", [](uint32_t, uint32_t) { return 3u; }},
      {"nctaid.z", [](uint32_t, uint32_t) { return 2u; }},
      {"laneid", [](uint32_t t, uint32_t) { return t % 32; }},
      {"lanemask_eq", [](uint32_t t, uint32_t) { return 1u << t % 32; }},
      {"lanemask_lt", [](uint32_t t, uint32_t) { return (1u << t % 32) - 1; }},
      {"lanemask_le", [](uint32_t t, uint32_t) { return (2u << t % 32) - 1; }},
      {"lanemask_gt",
       [](uint32_t t, uint32_t) { return ~((2u << t % 32) - 1); }},
      {"lanemask_ge",
       [](uint32_t t, uint32_t) { return ~((1u << t % 32) - 1); }},
      {"warpid", [](uint32_t t, uint32_t) { return t / 32; }},
      {"nwarpid", [](uint32_t, uint32_t) { return 2u; }},
      {"nsmid", [](uint32_t, uint32_t) { return 108u; }}, // of an A100
      {"total_smem_size", [](uint32_t, uint32_t) { return 512u; }},
      {"dynamic_smem_size", [](uint32_t, uint32_t) { return 512u; }},
  };
  Machine machine;
  machine.options.schedule = GetParam().schedule;
  machine.options.seed = GetParam().seed;
  const unsigned count = std::size(kRegisters), threads = 45, blocks = 12;
  std::string body = R"(
.visible .entry k(.param .u64 out)
{
  .reg .b32 r<8>;
  .reg .b64 d<4>;
  ld.param.u64 d0, [out];
  mov.u32 r0, %ctaid.z;
  mov.u32 r1, %ctaid.y;
  mad.lo.u32 r0, r0, 3, r1;
  mov.u32 r1, %ctaid.x;
  mad.lo.u32 r0, r0, 2, r1;
  mov.u32 r1, %tid.z;
  mov.u32 r2, %tid.y;
  mad.lo.u32 r1, r1, 3, r2;
  mov.u32 r2, %tid.x;
  mad.lo.u32 r1, r1, 5, r2;
  mad.lo.u32 r0, r0, 45, r1;
  mad.wide.u32 d1, r0, )" +
                     std::to_string(4 * count) + ", d0;\n";
  for (unsigned i = 0; i < count; ++i)
    body += std::string("mov.u32 r2, %") + kRegisters[i].name +
            ";\nst.global.u32 [d1+" + std::to_string(4 * i) + "], r2;\n";
  ASSERT_TRUE(machine.load(body + "ret;\n}\n"));
  auto out = machine.array<uint32_t>(count * threads * blocks);
  machine.run("k", {2, 3, 2}, {5, 3, 3}, {out.address}, 512);
  auto found = machine.read<uint32_t>(out);
  for (unsigned b = 0; b < blocks; ++b)
    for (unsigned t = 0; t < threads; ++t)
      for (unsigned i = 0; i < count; ++i)
        ASSERT_EQ(found[(b * threads + t) * count + i],
                  kRegisters[i].value(t, b))
            << kRegisters[i].name << ", thread " << t << ", block " << b;
}
