//===- MmaTest.cpp - Matrix products of a warp ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each mma form runs as a kernel whose lanes load their registers from an array
// that the test fills by the fragments' maps, written here from the figures of
// PTX ISA 9.7.14 and not shared with the simulator. Values are small integers,
// so that every rounding model gives the plain matrix product.
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include <bit>
#include <cmath>
#include <functional>
#include <random>

using namespace tenon::sim;
using namespace tenon::sim::test;
using namespace tenon::sim::exec;

namespace {

struct Form {
  const char *name;
  const char *instruction; ///< up to the operands
  unsigned m, n, k;
  const char *a, *b, *c; ///< types
  unsigned na, nb, nc;   ///< registers
  const char *device = "a100";
  bool sparse = false;
  const char *selector = "";
};

unsigned bitsOf(const std::string &type) {
  return type == "f64"                                      ? 64
         : type == "f32" || type == "tf32" || type == "s32" ? 32
         : type == "f16" || type == "bf16"                  ? 16
         : type == "b1"                                     ? 1
         : type == "u4" || type == "s4"                     ? 4
                                                            : 8;
}

/// The bits of a small integer in a type.
uint64_t encode(const std::string &type, int value) {
  if (type == "f64")
    return std::bit_cast<uint64_t>(double(value));
  if (type == "f32" || type == "tf32")
    return std::bit_cast<uint32_t>(float(value));
  if (type == "f16")
    return std::bit_cast<uint16_t>(_Float16(value));
  if (type == "bf16")
    return std::bit_cast<uint32_t>(float(value)) >> 16;
  if (type == "e5m2")
    return std::bit_cast<uint16_t>(_Float16(value)) >> 8;
  if (type == "e4m3") { // 1, 2 and their negatives
    if (value == 0)
      return 0;
    return (value < 0 ? 0x80u : 0u) | (std::abs(value) == 2 ? 0x40u : 0x38u);
  }
  return uint64_t(value) & ((uint64_t(1) << bitsOf(type)) - 1);
}

int decode(const std::string &type, uint64_t bits) {
  if (type == "f64")
    return int(std::bit_cast<double>(bits));
  if (type == "f32")
    return int(std::bit_cast<float>(uint32_t(bits)));
  if (type == "f16")
    return int(float(std::bit_cast<_Float16>(uint16_t(bits))));
  return int32_t(bits);
}

/// PTX ISA 9.7.14.5.1 to .13: row and column of element i of a lane.
std::pair<unsigned, unsigned> placeA(const Form &f, unsigned lane, unsigned i) {
  unsigned g = lane >> 2, t = lane % 4, bits = bitsOf(f.a);
  unsigned e = bits >= 32 ? 1 : 32 / bits; // of a register
  unsigned r = i / e;
  if (f.m == 8)
    return {g, t * e + i % e + r * 4 * e};
  return {r % 2 ? g + 8 : g, t * e + i % e + (r >= 2 ? r / 2 * 4 * e : 0)};
}
std::pair<unsigned, unsigned> placeB(const Form &f, unsigned lane, unsigned i) {
  unsigned bits = bitsOf(f.b), e = bits >= 32 ? 1 : 32 / bits;
  return {(lane % 4) * e + i % e + i / e * 4 * e, lane >> 2};
}
std::pair<unsigned, unsigned> placeC(unsigned lane, unsigned i) {
  return {(lane >> 2) + (i >= 2 ? 8 : 0), (lane % 4) * 2 + (i & 1)};
}

class Mma : public testing::TestWithParam<Form> {};

using Matrix = std::vector<std::vector<int>>;
Matrix randomMatrix(std::mt19937 &random, unsigned rows, unsigned columns,
                    const std::string &type) {
  Matrix result(rows, std::vector<int>(columns));
  bool isSigned = type != "u8" && type != "u4" && type != "b1";
  int most = type == "b1" ? 1 : 2;
  for (auto &row : result)
    for (int &value : row)
      value = int(random() % unsigned(most + 1)) *
              (isSigned && random() % 2 ? -1 : 1);
  return result;
}

} // namespace

TEST_P(Mma, MultipliesMatrices) {
  const Form &f = GetParam();
  std::mt19937 random(7);
  unsigned storedK = f.sparse ? f.k / 2 : f.k;
  Matrix a = randomMatrix(random, f.m, storedK, f.a),
         b = randomMatrix(random, f.k, f.n, f.b),
         c = randomMatrix(random, f.m, f.n, "s32");

  // Sparse: which of each group's elements are stored.
  unsigned bitsA = bitsOf(f.a);
  unsigned perGroup = bitsA == 32 ? 1 : bitsA == 4 ? 4 : 2;
  Matrix dense(f.m, std::vector<int>(f.k, 0));
  std::vector<std::vector<unsigned>> nibbles(f.m);
  for (unsigned row = 0; row < f.m; ++row) {
    if (!f.sparse) {
      dense[row] = a[row];
      continue;
    }
    for (unsigned group = 0; group < storedK / perGroup; ++group) {
      static constexpr unsigned kPairs[6][2] = {{0, 1}, {0, 2}, {0, 3},
                                                {1, 2}, {1, 3}, {2, 3}};
      const unsigned *pair = kPairs[random() % 6];
      if (bitsA == 32) {
        bool second = random() % 2;
        nibbles[row].push_back(second ? 0xe : 0x4);
        dense[row][group * 2 + second] = a[row][group];
        continue;
      }
      nibbles[row].push_back(pair[0] | pair[1] << 2);
      for (unsigned i = 0; i < perGroup; ++i) {
        unsigned at = bitsA == 4 ? group * 8 + pair[i / 2] * 2 + i % 2
                                 : group * 4 + pair[i];
        dense[row][at] = a[row][group * perGroup + i];
      }
    }
  }

  // Registers: 8 bytes each, [register][lane], A then B then C then metadata.
  unsigned total = f.na + f.nb + f.nc + 1;
  std::vector<uint64_t> registers(total * 32, 0);
  auto fill = [&](unsigned first, unsigned count, const std::string &type,
                  auto value) {
    unsigned bits = bitsOf(type), e = bits >= 32 ? 1 : 32 / bits;
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned i = 0; i < count * e; ++i)
        registers[(first + i / e) * 32 + lane] |= encode(type, value(lane, i))
                                                  << (i % e * bits);
  };
  fill(0, f.na, f.a, [&](unsigned lane, unsigned i) {
    auto [row, column] = placeA(f, lane, i);
    return a.at(row).at(column);
  });
  fill(f.na, f.nb, f.b, [&](unsigned lane, unsigned i) {
    auto [row, column] = placeB(f, lane, i);
    return b.at(row).at(column);
  });
  fill(f.na + f.nb, f.nc, f.c, [&](unsigned lane, unsigned i) {
    auto [row, column] = placeC(lane, i);
    return c.at(row).at(column);
  });
  if (f.sparse) {
    unsigned selector = unsigned(std::stoul(f.selector));
    for (unsigned row = 0; row < f.m; ++row)
      for (unsigned i = 0; i < nibbles[row].size(); ++i) {
        // Figures of 9.7.14.6.2: a quad's threads hold its two rows, 16-bit
        // types as halves of a word, narrower ones as whole words.
        unsigned quad = row % 8 * 4, high = row / 8, thread, shift;
        if (bitsA >= 16) {
          unsigned threads = unsigned(nibbles[row].size()) / 4;
          thread = quad + selector * threads + i / 4;
          shift = high * 16 + i % 4 * 4;
        } else {
          unsigned threads = unsigned(nibbles[row].size()) / 8 * 2;
          thread = quad + (threads == 4 ? 0 : selector * 2) + i / 8 * 2 + high;
          shift = i % 8 * 4;
        }
        registers[(total - 1) * 32 + thread] |= uint64_t(nibbles[row][i])
                                                << shift;
      }
  }

  // The kernel.
  auto letter = [](const std::string &type, bool input) {
    return type == "f64" ? "fd" : type == "f32" && !input ? "f" : "r";
  };
  std::string body, braces[4];
  auto declare = [&](unsigned which, unsigned first, unsigned count,
                     const std::string &type, bool input) {
    for (unsigned i = 0; i < count; ++i) {
      std::string name = std::string("%") + letter(type, input) +
                         std::to_string(100 * which + i);
      braces[which] += (i ? ", " : "") + name;
      if (which == 3)
        continue;
      const char *suffix = type == "f64" ? "f64" : "b32";
      body += std::string("  ld.global.") + suffix + " " + name + ", [%rd1+" +
              std::to_string((first + i) * 256) + "];\n";
    }
  };
  declare(0, 0, f.na, f.a, true);
  declare(1, f.na, f.nb, f.b, true);
  declare(2, f.na + f.nb, f.nc, f.c, false);
  declare(3, 0, f.nc, f.c, false);
  if (f.sparse)
    body += "  ld.global.b32 %r999, [%rd1+" +
            std::to_string((total - 1) * 256) + "];\n";
  body += std::string("  ") + f.instruction + " {" + braces[3] + "}, {" +
          braces[0] + "}, {" + braces[1] + "}, {" + braces[2] + "}" +
          (f.sparse ? std::string(", %r999, ") + f.selector : "") + ";\n";
  for (unsigned i = 0; i < f.nc; ++i)
    body += std::string("  st.global.") + (bitsOf(f.c) == 64 ? "f64" : "b32") +
            " [%rd2+" + std::to_string(i * 256) + "], %" + letter(f.c, false) +
            std::to_string(300 + i) + ";\n";
  Machine machine(f.device);
  ASSERT_TRUE(machine.load(R"(
.visible .entry k(.param .u64 in, .param .u64 out)
{
  .reg .b32 %r<1000>;
  .reg .f32 %f<400>;
  .reg .f64 %fd<400>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [in];
  ld.param.u64 %rd2, [out];
  mov.u32 %r0, %tid.x;
  mul.wide.u32 %rd3, %r0, 8;
  add.s64 %rd1, %rd1, %rd3;
  add.s64 %rd2, %rd2, %rd3;
)" + body + "  ret;\n}\n",
                           "sm_" + std::to_string(machine.description.sm)));
  auto in = machine.array(registers);
  for (MmaModel model : {MmaModel::Device, MmaModel::Exact}) {
    machine.options.mma = model;
    auto out = machine.array(std::vector<uint64_t>(f.nc * 32, 0));
    machine.run("k", {1}, {32}, {in.address, out.address});
    auto result = machine.read<uint64_t>(out);
    unsigned bits = bitsOf(f.c), e = bits >= 32 ? 1 : 32 / bits;
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned i = 0; i < f.nc * e; ++i) {
        auto [row, column] = placeC(lane, i);
        int expected = c[row][column];
        for (unsigned k = 0; k < f.k; ++k)
          expected += std::string(f.a) == "b1" &&
                              std::string(f.instruction).find("xor") !=
                                  std::string::npos
                          ? dense[row][k] ^ b[k][column]
                          : dense[row][k] * b[k][column];
        uint64_t word = result[i / e * 32 + lane] >> (i % e * bits);
        ASSERT_EQ(decode(f.c, word), expected)
            << "row " << row << " column " << column;
      }
  }
}

static const Form kForms[] = {
    {"f16_k8_f32", "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32", 16, 8, 8,
     "f16", "f16", "f32", 2, 1, 4},
    {"f16_k8_f16", "mma.sync.aligned.m16n8k8.row.col.f16.f16.f16.f16", 16, 8, 8,
     "f16", "f16", "f16", 2, 1, 2},
    {"f16_k16_f32", "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", 16, 8,
     16, "f16", "f16", "f32", 4, 2, 4},
    {"f16_k16_f16", "mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16", 16, 8,
     16, "f16", "f16", "f16", 4, 2, 2},
    {"bf16_k8", "mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32", 16, 8, 8,
     "bf16", "bf16", "f32", 2, 1, 4},
    {"bf16_k16", "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32", 16, 8,
     16, "bf16", "bf16", "f32", 4, 2, 4},
    {"tf32_k4", "mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32", 16, 8, 4,
     "tf32", "tf32", "f32", 2, 1, 4},
    {"tf32_k8", "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32", 16, 8, 8,
     "tf32", "tf32", "f32", 4, 2, 4},
    {"f64_m8", "mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64", 8, 8, 4,
     "f64", "f64", "f64", 1, 1, 2},
    {"f64_k4", "mma.sync.aligned.m16n8k4.row.col.f64.f64.f64.f64", 16, 8, 4,
     "f64", "f64", "f64", 2, 1, 4, "h100"},
    {"f64_k8", "mma.sync.aligned.m16n8k8.row.col.f64.f64.f64.f64", 16, 8, 8,
     "f64", "f64", "f64", 4, 2, 4, "h100"},
    {"f64_k16", "mma.sync.aligned.m16n8k16.row.col.f64.f64.f64.f64", 16, 8, 16,
     "f64", "f64", "f64", 8, 4, 4, "h100"},
    {"s8_m8", "mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32", 8, 8, 16, "s8",
     "s8", "s32", 1, 1, 2},
    {"s8_k16", "mma.sync.aligned.m16n8k16.row.col.satfinite.s32.s8.u8.s32", 16,
     8, 16, "s8", "u8", "s32", 2, 1, 4},
    {"u8_k32", "mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32", 16, 8, 32,
     "u8", "s8", "s32", 4, 2, 4},
    {"s4_m8", "mma.sync.aligned.m8n8k32.row.col.s32.s4.s4.s32", 8, 8, 32, "s4",
     "s4", "s32", 1, 1, 2},
    {"u4_k32", "mma.sync.aligned.m16n8k32.row.col.s32.u4.s4.s32", 16, 8, 32,
     "u4", "s4", "s32", 2, 1, 4},
    {"s4_k64", "mma.sync.aligned.m16n8k64.row.col.satfinite.s32.s4.u4.s32", 16,
     8, 64, "s4", "u4", "s32", 4, 2, 4},
    {"b1_m8_xor", "mma.sync.aligned.m8n8k128.row.col.s32.b1.b1.s32.xor.popc", 8,
     8, 128, "b1", "b1", "s32", 1, 1, 2},
    {"b1_k128_and", "mma.sync.aligned.m16n8k128.row.col.s32.b1.b1.s32.and.popc",
     16, 8, 128, "b1", "b1", "s32", 2, 1, 4},
    {"b1_k256_xor", "mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.xor.popc",
     16, 8, 256, "b1", "b1", "s32", 4, 2, 4},
    {"e4m3_k32", "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32", 16, 8,
     32, "e4m3", "e4m3", "f32", 4, 2, 4, "l4"},
    {"e5m2_e4m3_k32", "mma.sync.aligned.m16n8k32.row.col.f32.e5m2.e4m3.f32", 16,
     8, 32, "e5m2", "e4m3", "f32", 4, 2, 4, "l4"},
    {"e4m3_k32_f16", "mma.sync.aligned.m16n8k32.row.col.f16.e4m3.e5m2.f16", 16,
     8, 32, "e4m3", "e5m2", "f16", 4, 2, 2, "l4"},
    {"e4m3_k16", "mma.sync.aligned.m16n8k16.row.col.f32.e4m3.e4m3.f32", 16, 8,
     16, "e4m3", "e4m3", "f32", 2, 1, 4, "l4"},
    {"sp_f16_k16_0", "mma.sp.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", 16,
     8, 16, "f16", "f16", "f32", 2, 2, 4, "a100", true, "0"},
    {"sp_f16_k16_3", "mma.sp.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", 16,
     8, 16, "f16", "f16", "f32", 2, 2, 4, "a100", true, "3"},
    {"sp_f16_k32_0",
     "mma.sp::ordered_metadata.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32",
     16, 8, 32, "f16", "f16", "f32", 4, 4, 4, "a100", true, "0"},
    {"sp_f16_k32_1", "mma.sp.sync.aligned.m16n8k32.row.col.f16.f16.f16.f16", 16,
     8, 32, "f16", "f16", "f16", 4, 4, 2, "a100", true, "1"},
    {"sp_bf16_k32_1", "mma.sp.sync.aligned.m16n8k32.row.col.f32.bf16.bf16.f32",
     16, 8, 32, "bf16", "bf16", "f32", 4, 4, 4, "a100", true, "1"},
    {"sp_tf32_k8_2", "mma.sp.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32",
     16, 8, 8, "tf32", "tf32", "f32", 2, 2, 4, "a100", true, "2"},
    {"sp_tf32_k16_1", "mma.sp.sync.aligned.m16n8k16.row.col.f32.tf32.tf32.f32",
     16, 8, 16, "tf32", "tf32", "f32", 4, 4, 4, "a100", true, "1"},
    {"sp_s8_k32_1", "mma.sp.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32", 16, 8,
     32, "s8", "s8", "s32", 2, 2, 4, "a100", true, "1"},
    {"sp_s8_k64_0", "mma.sp.sync.aligned.m16n8k64.row.col.s32.s8.u8.s32", 16, 8,
     64, "s8", "u8", "s32", 4, 4, 4, "a100", true, "0"},
    {"sp_s4_k64_1", "mma.sp.sync.aligned.m16n8k64.row.col.s32.s4.s4.s32", 16, 8,
     64, "s4", "s4", "s32", 2, 2, 4, "a100", true, "1"},
    {"sp_s4_k128_0", "mma.sp.sync.aligned.m16n8k128.row.col.s32.s4.s4.s32", 16,
     8, 128, "s4", "s4", "s32", 4, 4, 4, "a100", true, "0"},
    {"sp_e4m3_k64", "mma.sp.sync.aligned.m16n8k64.row.col.f32.e4m3.e5m2.f32",
     16, 8, 64, "e4m3", "e5m2", "f32", 4, 4, 4, "l4", true, "0"},
};
INSTANTIATE_TEST_SUITE_P(, Mma, testing::ValuesIn(kForms),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });
