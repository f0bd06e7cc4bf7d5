//===- Bench.cpp - How long a matrix instruction takes --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   sim-mma-bench [part of a name]
//
// prints nanoseconds for each form, the least of several rounds, on registers
// of ordinary values. Forms come as PTX, through the parser.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/mma/Mma.h"
#include "sim/ptx/Parser.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <string>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Type;

namespace {

struct Form {
  const char *name;   ///< without .sync.aligned and layouts
  const char *prefix; ///< wmma.mma, mma or mma.sp
  const char *suffix;
  const char *counts; ///< registers of D, A, B, C
  unsigned sm;
};

constexpr Form kForms[] = {
    {"m16n8k16 f32.f16", "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32",
     "", "4424", 80},
    {"m16n8k16 f32.f16 sm_90",
     "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", "", "4424", 90},
    {"m16n8k16 f16.f16", "mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16",
     "", "2422", 80},
    {"m16n8k16 f32.bf16", "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32",
     "", "4424", 80},
    {"m16n8k8 f32.tf32", "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32",
     "", "4424", 80},
    {"m16n8k32 f32.e4m3", "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32",
     "", "4424", 89},
    {"m16n8k32 f32.e4m3 sm_90",
     "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32", "", "4424", 90},
    {"m16n8k32 s32.s8", "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32", "",
     "4424", 80},
    {"m16n8k64 s32.s4", "mma.sync.aligned.m16n8k64.row.col.s32.s4.s4.s32", "",
     "4424", 80},
    {"m16n8k256 s32.b1", "mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32",
     ".and.popc", "4424", 80},
    {"m8n8k4 f64", "mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64", "",
     "2112", 80},
    {"m8n8k4 f32.f16", "mma.sync.aligned.m8n8k4.row.col.f32.f16.f16.f32", "",
     "8228", 80},
    {"sp m16n8k32 f32.f16",
     "mma.sp.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32", "", "4444", 80},
    {"sp m16n8k64 s32.s8", "mma.sp.sync.aligned.m16n8k64.row.col.s32.s8.s8.s32",
     "", "4444", 80},
    {"wmma m16n16k16 f32.f16",
     "wmma.mma.sync.aligned.row.col.m16n16k16.f32.f32", "", "8888", 80},
};

std::string operands(const Form &form) {
  bool isDouble = std::string(form.prefix).find("f64") != std::string::npos,
       isFloat = std::string(form.prefix).find(".f32") != std::string::npos;
  std::string text;
  for (unsigned which = 0; which < 4; ++which) {
    text += which ? ", {" : " {";
    bool isInput = which == 1 || which == 2;
    for (int i = 0; i < form.counts[which] - '0'; ++i)
      text += (i ? ", " : "") +
              std::string(isDouble              ? "%fd"
                          : isFloat && !isInput ? "%f"
                                                : "%r") +
              std::to_string(i);
    text += "}";
  }
  if (std::string(form.prefix).starts_with("mma.sp"))
    text += ", %r0, 0";
  return text + ";\n";
}

} // namespace

int main(int argc, char **argv) {
  std::mt19937 random(1);
  struct Registers {
    alignas(128) char d[8][256], a[8][256], b[8][256], c[8][256];
    alignas(128) uint32_t metadata[32];
  };
  auto registers = std::make_unique<Registers>();
  auto scratch = std::make_unique<MmaScratch>();
  for (const Form &form : kForms) {
    if (argc > 1 && std::string(form.name).find(argv[1]) == std::string::npos)
      continue;
    std::string text = ".version 8.4\n.target sm_" + std::to_string(form.sm) +
                       "\n.address_size 64\n.entry k()\n{\n.reg .b32 %r<9>;\n"
                       ".reg .f32 %f<9>;\n.reg .f64 %fd<9>;\n" +
                       form.prefix + form.suffix + operands(form) + "ret;\n}\n";
    auto parsed = ptx::parse(text);
    if (auto *errors = std::get_if<ptx::Diagnostics>(&parsed)) {
      std::fprintf(stderr, "%s: %s\n", form.name,
                   errors->front().text().c_str());
      return 1;
    }
    MmaDescription desc =
        describeMma(std::get<ptx::Module>(parsed).functions[0].instructions[0]);
    AddModel model = addModel(form.sm, desc.a, desc.d);
    // Exponents near 0 for every type of floats, anything for integers.
    auto fill = [&](char (&to)[8][256], Type type) {
      for (auto &row : to)
        for (unsigned i = 0; i < 256; ++i) {
          auto byte = uint8_t(random());
          bool isTop = type == Type::F64                         ? i % 8 == 7
                       : type == Type::F32 || type == Type::TF32 ? i % 4 == 3
                       : type == Type::F16 || type == Type::BF16
                           ? i % 2
                           : type == Type::E4M3 || type == Type::E5M2;
          if (isTop)
            byte = uint8_t((byte & 0x83) | 0x38);
          row[i] = char(byte);
        }
    };
    fill(registers->a, desc.a);
    fill(registers->b, desc.b);
    fill(registers->c, desc.c);
    for (uint32_t &word : registers->metadata)
      word = 0x4e94d8c4;
    SparseColumns columns;
    MmaRows rows;
    for (unsigned i = 0; i < 8; ++i) {
      rows.d[i] = registers->d[i];
      rows.a[i] = registers->a[i];
      rows.b[i] = registers->b[i];
      rows.c[i] = registers->c[i];
    }
    rows.columns = &columns;
    double best = 1e9;
    for (unsigned round = 0; round < 20; ++round) {
      constexpr unsigned kTimes = 1000;
      auto begin = std::chrono::steady_clock::now();
      for (unsigned i = 0; i < kTimes; ++i) {
        if (desc.sparse)
          readMetadata(desc, registers->metadata, 0, columns);
        multiply(desc, rows, model, *scratch);
      }
      std::chrono::duration<double, std::nano> time =
          std::chrono::steady_clock::now() - begin;
      best = std::min(best, time.count() / kTimes);
    }
    std::printf("%-26s %7.0f ns\n", form.name, best);
  }
}
