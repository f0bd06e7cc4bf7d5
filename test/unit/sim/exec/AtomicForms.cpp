//===- AtomicForms.cpp - Cases of atom and red ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 9.7.13.5 and 9.7.13.6: each operation and type in each state space
// with each order; scopes and cache hints in turns.
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/exec/FormCases.h"

using namespace tenon::sim::test;

namespace {

struct AtomicCase {
  const char *operation, *type;
  unsigned bytes;
  uint64_t before, operand, after;
  uint64_t other = 0; ///< the new value of cas
  const char *target = "sm_80";
};
constexpr AtomicCase kAtomics[] = {
    {"add", "u32", 4, 0xffffffff, 2, 1},
    {"add", "s32", 4, 0x7fffffff, 1, 0x80000000},
    {"add", "u64", 8, 0xffffffff, 2, 0x100000001},
    {"add", "f32", 4, 0x3f800000, 0x40000000, 0x40400000}, // 1 + 2
    {"add", "f64", 8, 0x3ff0000000000000, 0x4000000000000000,
     0x4008000000000000},
    {"add.noftz", "f16", 2, 0x3c00, 0x4000, 0x4200},
    {"add.noftz", "f16x2", 4, 0x3c000001, 0x40000001, 0x42000002},
    {"inc", "u32", 4, 5, 5, 0},
    {"inc", "u32", 4, 4, 5, 5},
    {"dec", "u32", 4, 0, 5, 5},
    {"dec", "u32", 4, 6, 5, 5},
    {"dec", "u32", 4, 3, 5, 2},
    {"min", "u32", 4, 0xffffffff, 2, 2},
    {"min", "s32", 4, 0xffffffff, 2, 0xffffffff},
    {"min", "u64", 8, 0xffffffffffffffff, 2, 2},
    {"min", "s64", 8, 0xffffffffffffffff, 2, 0xffffffffffffffff},
    {"max", "u32", 4, 0xffffffff, 2, 0xffffffff},
    {"max", "s32", 4, 0xffffffff, 2, 2},
    {"max", "u64", 8, 0xffffffffffffffff, 2, 0xffffffffffffffff},
    {"max", "s64", 8, 0xffffffffffffffff, 2, 2},
    {"and", "b32", 4, 0xff00, 0x0ff0, 0x0f00},
    {"and", "b64", 8, 0xff0000000000ff00, 0x0ff0000000000ff0,
     0x0f00000000000f00},
    {"or", "b32", 4, 0xff00, 0x0ff0, 0xfff0},
    {"or", "b64", 8, 0xff0000000000ff00, 0x0ff0000000000ff0,
     0xfff000000000fff0},
    {"xor", "b32", 4, 0xff00, 0x0ff0, 0xf0f0},
    {"xor", "b64", 8, 0xff0000000000ff00, 0x0ff0000000000ff0,
     0xf0f000000000f0f0},
    {"exch", "b32", 4, 5, 6, 6},
    {"exch", "b64", 8, 0x500000005, 0x600000006, 0x600000006},
    {"cas", "b16", 2, 5, 5, 9, 9},
    {"cas", "b16", 2, 5, 6, 5, 9},
    {"cas", "b32", 4, 5, 5, 9, 9},
    {"cas", "b32", 4, 5, 6, 5, 9},
    {"cas", "b64", 8, 0x500000005, 0x500000005, 0x900000009, 0x900000009},
    {"cas", "b64", 8, 0x500000005, 0x500000006, 0x500000005, 0x900000009},
    {"add.noftz", "bf16", 2, 0x3f80, 0x4000, 0x4040, 0, "sm_90"},
    {"add.noftz", "bf16x2", 4, 0x3f800001, 0x40000001, 0x40400002, 0, "sm_90"},
};

} // namespace

std::vector<FormCase> tenon::sim::test::atomicCases() {
  std::vector<FormCase> cases;
  static constexpr const char *kSpaces[] = {"global", "", "shared",
                                            "shared::cta", "generic shared"};
  static constexpr const char *kOrders[] = {"", "relaxed", "acquire", "release",
                                            "acq_rel"};
  static constexpr const char *kScopes[] = {"", ".cta", ".gpu", ".sys"};
  unsigned turn = 0;
  for (const AtomicCase &atomic : kAtomics)
    for (const char *spaceName : kSpaces)
      for (const char *order : kOrders)
        for (bool isRed : {false, true}) {
          std::string operation = atomic.operation, space = spaceName,
                      ordered = order;
          bool isCas = operation == "cas";
          if (isRed && (isCas || operation == "exch" ||
                        (!ordered.empty() && ordered != "relaxed" &&
                         ordered != "release")))
            continue;
          std::string memory = "[d31]", prepare;
          bool isShared = space.find("shared") != std::string::npos;
          if (isShared) {
            prepare = "mov.u64 d8, tile;\n";
            if (space[0] == 'g') {
              prepare += "cvta.shared.u64 d8, d8;\n";
              space = "";
            }
            memory = "[d8]";
          }
          std::string bits = std::to_string(8 * atomic.bytes);
          std::string type = atomic.type;
          std::string set = type == "f32"       ? "f"
                            : type == "f64"     ? "e"
                            : atomic.bytes == 8 ? "d"
                            : atomic.bytes == 4 ? "r"
                                                : "h";
          auto load = [&](const std::string &to, uint64_t value) {
            std::string wide = "mov.b64 d0, " + std::to_string(value) + ";\n";
            if (set == "d" || set == "e")
              return wide + "mov.b64 " + to + ", d0;\n";
            if (set == "h")
              return "mov.b16 " + to + ", " + std::to_string(value) + ";\n";
            return "mov.b32 r0, " + std::to_string(value) + ";\nmov.b32 " + to +
                   ", r0;\n";
          };
          std::string window = isShared && !space.empty() ? ".shared"
                               : isShared                 ? ""
                                                          : ".global";
          std::string text = prepare + "mov.b64 d1, " +
                             std::to_string(atomic.before) + ";\nst" + window +
                             ".b64 " + memory + ", d1;\n" +
                             load(set + "4", atomic.operand);
          if (isCas)
            text += load(set + "5", atomic.other);
          bool hasHint = turn % 3 == 0 && !isCas && !isShared;
          if (hasHint)
            text += "createpolicy.fractional.L2::evict_last.b64 d7;\n";
          std::string name =
              (isRed ? "red" : "atom") +
              (ordered.empty() ? "" : "." + ordered) +
              (ordered.empty() && turn % 2
                   ? ""
                   : kScopes[ordered.empty() ? turn % 4 : 1 + turn % 3]) +
              (space.empty() ? "" : "." + space) + "." + operation +
              (hasHint ? ".L2::cache_hint" : "") + "." + type;
          ++turn;
          text += name + " " + (isRed ? "" : set + "3, ") + memory + ", " +
                  set + "4" + (isCas ? ", " + set + "5" : "") +
                  (hasHint ? ", d7" : "") + ";\n";
          if (isShared)
            text += "ld" + window + ".b64 d2, " + memory +
                    ";\nst.global.b64 [d31], d2;\n";
          std::vector<uint32_t> expected = {uint32_t(atomic.after),
                                            uint32_t(atomic.after >> 32)};
          if (!isRed) {
            text += "st.global.b64 [d31+8], 0;\nst.global.b" + bits +
                    " [d31+8], " + set + "3;";
            expected.push_back(uint32_t(atomic.before));
            expected.push_back(uint32_t(atomic.before >> 32));
          }
          cases.push_back({name, text, expected, 1, atomic.target});
        }
  // Vectors, of sm_90: each element for itself.
  const std::string ones = "mov.b32 r0, 0x3f800000;\n"
                           "st.global.v4.b32 [d31], {r0, r0, r0, r0};\n"
                           "mov.f32 f4, 0f40000000;\nmov.f32 f5, 0f40400000;\n"
                           "mov.f32 f6, 0f40800000;\nmov.f32 f7, 0f00000000;\n";
  const std::vector<uint32_t> sums = {0x40400000, 0x40800000, 0x40a00000,
                                      0x3f800000};
  cases.push_back({"red.v4.f32",
                   ones + "red.global.add.v4.f32 [d31], {f4, f5, f6, f7};",
                   sums, 1, "sm_90"});
  cases.push_back({"red.v2.f32",
                   ones + "red.relaxed.gpu.global.add.v2.f32 [d31+8], {f4, "
                          "f5};",
                   {0x3f800000, 0x3f800000, 0x40400000, 0x40800000},
                   1,
                   "sm_90"});
  std::vector<uint32_t> both = sums;
  both.insert(both.end(), 4, 0x3f800000);
  cases.push_back({"atom.v4.f32",
                   ones + "atom.global.add.v4.f32 {f0, f1, f2, f3}, [d31], "
                          "{f4, f5, f6, f7};\n"
                          "st.global.v4.f32 [d31+16], {f0, f1, f2, f3};",
                   both, 1, "sm_90"});
  const std::string halves = "mov.b32 r0, 0x3c003c00;\n"
                             "st.global.v4.b32 [d31], {r0, r0, r0, r0};\n"
                             "mov.b32 r4, 0x40004200;\nmov.b32 r5, 0xc0003c00;"
                             "\nmov.b32 {h0, h1}, r4;\nmov.b32 {h2, h3}, r5;\n";
  cases.push_back({"red.v2.f16x2",
                   halves + "red.global.add.noftz.v2.f16x2 [d31], {r4, r5};",
                   {0x42004400, 0xbc004000, 0x3c003c00, 0x3c003c00},
                   1,
                   "sm_90"});
  cases.push_back({"red.v4.f16",
                   halves + "red.global.min.noftz.v4.f16 [d31], {h0, h1, h2, "
                            "h3};",
                   {0x3c003c00, 0xc0003c00, 0x3c003c00, 0x3c003c00},
                   1,
                   "sm_90"});
  cases.push_back({"atom.v2.f16",
                   halves + "atom.global.max.noftz.v2.f16 {h4, h5}, [d31], "
                            "{h0, h1};\nst.global.v2.b16 [d31+16], {h4, h5};\n"
                            "st.global.b16 [d31+18], h5;",
                   {0x40004200, 0x3c003c00, 0x3c003c00, 0x3c003c00, 0x3c003c00},
                   1,
                   "sm_90"});
  return cases;
}
