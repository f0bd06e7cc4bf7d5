//===- MemoryForms.cpp - Cases of loads, stores and addresses -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 9.7.9 and 9.7.17. Registers wider than the type: 9.4.1 (a load
// extends by the sign for .s, with zeros for .u and .b; a store takes the low
// bits). Cache operators and eviction priorities change no value (9.7.9.1,
// 9.7.9.2).
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/exec/FormCases.h"

using namespace tenon::sim::test;

namespace {

struct TypeCase {
  const char *name;
  unsigned bytes;
  bool isSigned;
};
constexpr TypeCase kTypes[] = {
    {"b8", 1, false},  {"u8", 1, false},  {"s8", 1, true},   {"b16", 2, false},
    {"u16", 2, false}, {"s16", 2, true},  {"b32", 4, false}, {"u32", 4, false},
    {"s32", 4, true},  {"b64", 8, false}, {"u64", 8, false}, {"s64", 8, true},
    {"f32", 4, false}, {"f64", 8, false},
};

/// A state space: how it is filled with the bytes of `in`, and named.
struct SpaceCase {
  const char *name, *base;
  std::string fill;
  bool canStore;
};

std::string copyTo(const std::string &space, const std::string &base) {
  std::string text;
  for (unsigned at = 0; at < 64; at += 16)
    text += "ld.global.v2.b64 {d0, d1}, [d30+" + std::to_string(at) + "];\nst" +
            space + ".v2.b64 [" + base + "+" + std::to_string(at) +
            "], {d0, d1};\n";
  return text;
}

std::vector<SpaceCase> spaces() {
  std::string shared = copyTo(".shared", "tile"),
              local = copyTo(".local", "stack");
  return {
      {".global", "d30", "", true},
      {"", "d30", "", true},
      {".const", "table", "", false},
      {".param", "block", "", false},
      {".shared", "tile", shared, true},
      {".shared::cta", "tile", shared, true},
      {".local", "stack", local, true},
      // Generic addresses, 9.7.9.20.
      {"", "d28", shared + "mov.u64 d27, tile;\ncvta.shared.u64 d28, d27;\n",
       true},
      {"", "d28", local + "mov.u64 d27, stack;\ncvta.local.u64 d28, d27;\n",
       true},
      {"", "d28", "mov.u64 d27, table;\ncvta.const.u64 d28, d27;\n", false},
      {"", "d28", "mov.u64 d27, block;\ncvta.param.u64 d28, d27;\n", false},
  };
}

std::vector<uint32_t> wordsOf(uint64_t value) {
  return {uint32_t(value), uint32_t(value >> 32)};
}

uint64_t extended(const TypeCase &type, unsigned offset) {
  uint64_t value = inputAt(offset, type.bytes);
  unsigned shift = 64 - 8 * type.bytes;
  return type.isSigned ? uint64_t(int64_t(value << shift) >> shift) : value;
}

std::string at(const std::string &base, unsigned offset) {
  return "[" + base + "+" + std::to_string(offset) + "]";
}

// --- Loads -------------------------------------------------------------------

void addLoads(std::vector<FormCase> &cases) {
  for (const SpaceCase &space : spaces())
    for (const TypeCase &type : kTypes) {
      std::string name = std::string("ld") + space.name + "." + type.name;
      bool isFloat = type.name[0] == 'f';
      std::string from = at(space.base, 8);
      if (isFloat) {
        std::string one = type.bytes == 4 ? "f0" : "e0";
        cases.push_back({name,
                         space.fill + name + " " + one + ", " + from +
                             ";\nst.global." + type.name + " [d31], " + one +
                             ";",
                         type.bytes == 4 ? std::vector{inputWord(8)}
                                         : wordsOf(inputAt(8, 8))});
      } else {
        cases.push_back(
            {name + " into 64 bits",
             space.fill + name + " d0, " + from + ";\nst.global.b64 [d31], d0;",
             wordsOf(extended(type, 8))});
        if (type.bytes < 8)
          cases.push_back({name + " into 32 bits",
                           space.fill + name + " r0, " + from +
                               ";\nst.global.b32 [d31], r0;",
                           {uint32_t(extended(type, 8))}});
        if (type.bytes < 4)
          cases.push_back({name + " into 16 bits",
                           space.fill + name + " h0, " + from +
                               ";\nst.global.b16 [d31], h0;",
                           {(kOutBefore & 0xffff0000) |
                            (uint32_t(extended(type, 8)) & 0xffff)}});
      }
      for (unsigned count : {2u, 4u}) {
        if (count * type.bytes > 16)
          continue;
        std::string group, stores;
        std::vector<uint32_t> expected;
        for (unsigned i = 0; i < count; ++i) {
          std::string one = (isFloat           ? type.bytes == 4 ? "f" : "e"
                             : type.bytes == 8 ? "d"
                                               : "r") +
                            std::to_string(i);
          unsigned step = type.bytes == 8 ? 8 : 4;
          group += (i ? ", " : "") + one;
          stores += "st.global.b" + std::to_string(8 * step) + " " +
                    at("d31", i * step) + ", " + one + ";\n";
          uint64_t value = extended(type, 16 + i * type.bytes);
          expected.push_back(uint32_t(value));
          if (step == 8)
            expected.push_back(uint32_t(value >> 32));
        }
        std::string vector = std::string("ld") + space.name + ".v" +
                             std::to_string(count) + "." + type.name;
        cases.push_back({vector,
                         space.fill + vector + " {" + group + "}, " +
                             at(space.base, 16) + ";\n" + stores,
                         expected});
      }
    }
  // Words that change no value of a load from global memory.
  for (const char *words : {"ld.weak.global",
                            "ld.global.ca",
                            "ld.global.cg",
                            "ld.global.cs",
                            "ld.global.lu",
                            "ld.global.cv",
                            "ld.global.L1::evict_normal",
                            "ld.global.L1::evict_unchanged",
                            "ld.global.L1::evict_first",
                            "ld.global.L1::evict_last",
                            "ld.global.L1::no_allocate",
                            "ld.global.L2::64B",
                            "ld.global.L2::128B",
                            "ld.global.L2::256B",
                            "ld.global.L1::evict_last.L2::256B",
                            "ld.global.nc",
                            "ld.global.ca.nc",
                            "ld.global.cg.nc",
                            "ld.global.cs.nc",
                            "ld.global.nc.L1::no_allocate.L2::128B",
                            "ld.volatile.global",
                            "ld.volatile",
                            "ld.relaxed.cta.global",
                            "ld.relaxed.gpu.global",
                            "ld.relaxed.sys.global",
                            "ld.acquire.cta.global",
                            "ld.acquire.gpu.global",
                            "ld.acquire.sys.global",
                            "ld.relaxed.gpu",
                            "ld.acquire.sys",
                            "ld.relaxed.gpu.global.L1::evict_first",
                            "ld.mmio.relaxed.sys.global",
                            "ld.mmio.relaxed.sys",
                            "ldu.global",
                            "ldu"}) {
    std::string text = words;
    cases.push_back({text,
                     text + ".s32 r0, [d30+12];\nst.global.u32 [d31], r0;",
                     {inputWord(12)}});
    bool isMmio = text.find("mmio") != std::string::npos;
    cases.push_back({text + ".u8",
                     text + ".u8 d0, [d30+13];\nst.global.u64 [d31], d0;",
                     {uint32_t(inputAt(13, 1)), 0}});
    if (!isMmio)
      cases.push_back(
          {text + ".v4",
           text + ".v4.u32 {r0, r1, r2, r3}, [d30+16];\n"
                  "st.global.v4.u32 [d31], {r3, r2, r1, r0};",
           {inputWord(28), inputWord(24), inputWord(20), inputWord(16)}});
  }
  for (const char *words :
       {"ld.global.L2::cache_hint", "ld.global.L1::evict_first.L2::cache_hint",
        "ld.global.nc.L2::cache_hint", "ld.relaxed.gpu.global.L2::cache_hint"})
    cases.push_back({words,
                     std::string("createpolicy.fractional.L2::evict_last.b64 "
                                 "d0, 1.0;\n") +
                         words +
                         ".b32 r0, [d30+12], d0;\nst.global.u32 [d31], r0;",
                     {inputWord(12)}});
  // Shared memory with an order.
  for (const char *words :
       {"ld.volatile.shared", "ld.relaxed.cta.shared", "ld.acquire.gpu.shared",
        "ld.relaxed.cta.shared::cta"})
    cases.push_back({words,
                     copyTo(".shared", "tile") + words +
                         ".u16 r0, [tile+6];\nst.global.u32 [d31], r0;",
                     {uint32_t(inputAt(6, 2))}});
  // Registers as bases, with offsets of either sign.
  cases.push_back({"negative offset",
                   "add.u64 d0, d30, 32;\nld.global.u32 r0, [d0+-4];\n"
                   "st.global.u32 [d31], r0;",
                   {inputWord(28)}});
  cases.push_back({"parameter by address",
                   "mov.b64 d0, block;\nadd.u64 d0, d0, 40;\n"
                   "ld.param.u32 r0, [d0+-8];\nst.global.u32 [d31], r0;",
                   {inputWord(32)}});
  cases.push_back({"32-bit shared address",
                   copyTo(".shared", "tile") +
                       "mov.u32 r1, tile;\nld.shared.u32 r0, [r1+8];\n"
                       "st.global.u32 [d31], r0;",
                   {inputWord(8)}});
}

// --- Stores ------------------------------------------------------------------

/// What is in `out` after the low bytes of 0x9988776655443322 lie at `offset`.
std::vector<uint32_t> stored(unsigned bytes, unsigned offset) {
  uint64_t value = 0x9988776655443322;
  std::vector<uint32_t> words = {kOutBefore, kOutBefore, kOutBefore};
  for (unsigned i = 0; i < bytes; ++i) {
    unsigned place = offset + i, shift = 8 * (place % 4);
    uint32_t byte = uint32_t(value >> (8 * i)) & 0xff;
    words[place / 4] = (words[place / 4] & ~(0xffu << shift)) | byte << shift;
  }
  return words;
}

void addStores(std::vector<FormCase> &cases) {
  const std::string value = "mov.b64 d1, 0x9988776655443322;\n"
                            "mov.b32 r1, 0x55443322;\nmov.b16 h1, 0x3322;\n"
                            "mov.b32 f1, r1;\nmov.b64 e1, d1;\n";
  for (const TypeCase &type : kTypes) {
    std::string name = std::string("st.global.") + type.name;
    bool isFloat = type.name[0] == 'f';
    unsigned offset = type.bytes;
    for (const char *from : {"d1", "r1", "h1"}) {
      unsigned bytes = from[0] == 'd' ? 8 : from[0] == 'r' ? 4 : 2;
      if (bytes < type.bytes || (isFloat && bytes != type.bytes))
        continue;
      std::string source = !isFloat ? from : type.bytes == 4 ? "f1" : "e1";
      if (offset + type.bytes > 12)
        offset = 0;
      cases.push_back(
          {name + " of " + source,
           value + name + " " + at("d31", offset) + ", " + source + ";",
           stored(type.bytes, offset)});
    }
  }
  for (const char *words : {"st.weak.global",
                            "st.global.wb",
                            "st.global.cg",
                            "st.global.cs",
                            "st.global.wt",
                            "st.global.L1::evict_normal",
                            "st.global.L1::evict_unchanged",
                            "st.global.L1::evict_first",
                            "st.global.L1::evict_last",
                            "st.global.L1::no_allocate",
                            "st.volatile.global",
                            "st.volatile",
                            "st",
                            "st.relaxed.cta.global",
                            "st.relaxed.gpu.global",
                            "st.relaxed.sys.global",
                            "st.release.cta.global",
                            "st.release.gpu.global",
                            "st.release.sys.global",
                            "st.relaxed.gpu",
                            "st.release.sys",
                            "st.mmio.relaxed.sys.global",
                            "st.mmio.relaxed.sys"}) {
    std::string text = words;
    cases.push_back({text, value + text + ".u16 [d31+2], r1;", stored(2, 2)});
    if (text.find("mmio") == std::string::npos)
      cases.push_back({text + ".v2",
                       value + text + ".v2.u32 [d31+8], {r1, 7};",
                       {kOutBefore, kOutBefore, 0x55443322, 7}});
  }
  for (const char *words :
       {"st.global.L2::cache_hint", "st.global.L1::evict_last.L2::cache_hint",
        "st.release.gpu.global.L2::cache_hint"})
    cases.push_back({words,
                     value +
                         "createpolicy.fractional.L2::evict_first.b64 d2;\n" +
                         words + ".b32 [d31], r1, d2;",
                     {0x55443322}});
  // Vectors of each type, and other spaces, through which the value goes.
  for (const SpaceCase &space : spaces()) {
    // `in` is left as it is; what is filled is shared and local memory of
    // which the generic address is taken.
    std::string base = space.base;
    if (!space.canStore || base == "d30")
      continue;
    std::string make = base == "d28" ? space.fill : "";
    for (const TypeCase &type : kTypes)
      for (unsigned count : {1u, 2u, 4u}) {
        if (count * type.bytes > 16)
          continue;
        bool isFloat = type.name[0] == 'f';
        std::string prefix = isFloat           ? type.bytes == 4 ? "f" : "e"
                             : type.bytes == 8 ? "d"
                                               : "r";
        std::string group, loads, back;
        for (unsigned i = 0; i < count; ++i) {
          std::string one = prefix + std::to_string(i);
          group += (i ? ", " : "") + one;
          loads += std::string("ld.global.") + type.name + " " + one + ", " +
                   at("d30", 32 + i * type.bytes) + ";\n";
          back += std::string("ld") + space.name + ".b" +
                  std::to_string(8 * type.bytes) + " d9, " +
                  at(space.base, 16 + i * type.bytes) + ";\nst.global.b" +
                  std::to_string(8 * type.bytes) + " " +
                  at("d31", i * type.bytes) + ", d9;\n";
        }
        std::string name = std::string("st") + space.name +
                           (count > 1 ? ".v" + std::to_string(count) : "") +
                           "." + type.name;
        std::vector<uint32_t> expected(4, kOutBefore);
        for (unsigned i = 0; i < count * type.bytes; ++i) {
          unsigned shift = 8 * (i % 4);
          expected[i / 4] = (expected[i / 4] & ~(0xffu << shift)) |
                            uint32_t(inputAt(32 + i, 1)) << shift;
        }
        cases.push_back({name,
                         make + loads + name + " " + at(space.base, 16) + ", " +
                             (count > 1 ? "{" + group + "}" : group) + ";\n" +
                             back,
                         expected});
      }
  }
}

// --- Addresses and the rest --------------------------------------------------

/// Tests a predicate p0: 1 or 0.
std::string isTrue() { return "selp.u32 r0, 1, 0, p0;\n"; }

void addAddresses(std::vector<FormCase> &cases) {
  // 9.7.9.19: of a generic address of each space, which the space is. Constant
  // and parameter memory lie in global memory or in windows of their own.
  struct Generic {
    const char *space, *make;
  };
  static constexpr Generic kGenerics[] = {
      {"global", "mov.u64 d0, d30;\n"},
      {"shared", "mov.u64 d1, tile;\ncvta.shared.u64 d0, d1;\n"},
      {"local", "mov.u64 d1, stack;\ncvta.local.u64 d0, d1;\n"},
      {"const", "mov.u64 d1, table;\ncvta.const.u64 d0, d1;\n"},
      {"param", "mov.u64 d1, block;\ncvta.param.u64 d0, d1;\n"},
  };
  for (const Generic &of : kGenerics) {
    std::string space = of.space;
    cases.push_back({"isspacep." + space,
                     of.make + ("isspacep." + space) + " p0, d0;\n" + isTrue() +
                         "st.global.u32 [d31], r0;",
                     {1}});
    for (const Generic &other : kGenerics)
      if (other.space != of.space && space != "const" &&
          other.space != std::string("global"))
        cases.push_back({"isspacep of " + space,
                         of.make + ("isspacep." + std::string(other.space)) +
                             " p0, d0;\n" + isTrue() +
                             "st.global.u32 [d31], r0;",
                         {0}});
    // 9.7.9.20: there and back.
    cases.push_back({"cvta.to." + space,
                     of.make + ("cvta.to." + space) + ".u64 d2, d0;\ncvta." +
                         space +
                         ".u64 d3, d2;\nxor.b64 d3, d3, d0;\n"
                         "st.global.u64 [d31], d3;",
                     {0, 0}});
  }
  cases.push_back({"isspacep.shared::cta, param::entry",
                   "mov.u64 d1, tile;\ncvta.shared::cta.u64 d0, d1;\n"
                   "isspacep.shared::cta p0, d0;\n" +
                       isTrue() +
                       "st.global.u32 [d31], r0;\nmov.u64 d1, block;\n"
                       "cvta.param::entry.u64 d0, d1;\n"
                       "isspacep.param::entry p0, d0;\n" +
                       isTrue() + "st.global.u32 [d31+4], r0;",
                   {1, 1}});
}

void addHints(std::vector<FormCase> &cases) {
  for (const char *text :
       {"prefetch.global.L1 [d30];", "prefetch.global.L2 [d30];",
        "prefetch.L1 [d30];", "prefetch.L2 [d30];",
        "prefetch.local.L1 [stack];", "prefetch.local.L2 [stack];",
        "prefetch.global.L2::evict_last [d30];",
        "prefetch.global.L2::evict_normal [d30];", "prefetchu.L1 [d30];",
        "applypriority.global.L2::evict_normal [d30], 128;",
        "applypriority.L2::evict_normal [d30], 128;"})
    // Nothing of memory changes.
    cases.push_back({text,
                     std::string(text) + "\nld.global.u32 r0, [d30];\n"
                                         "st.global.u32 [d31], r0;",
                     {inputWord(0)}});
  // 9.7.9.17: what was there is lost, and may be written again.
  for (const char *text :
       {"discard.global.L2 [d0], 128;", "discard.L2 [d0], 128;"})
    cases.push_back({text,
                     std::string("add.u64 d0, d31, 128;\n") + text +
                         "\nmov.u32 r0, 5;\nmov.u64 d1, 0;\n"
                         "LOOP:\nadd.u64 d2, d0, d1;\n"
                         "st.global.u32 [d2], 0xdeadbeef;\n"
                         "add.u64 d1, d1, 4;\nsetp.lt.u64 p0, d1, 128;\n"
                         "@p0 bra LOOP;\nst.global.u32 [d31], r0;",
                     {5}});
  // 9.7.9.18: a policy is opaque; a load takes it.
  for (const char *text :
       {"createpolicy.fractional.L2::evict_last.b64 d0, 1.0;",
        "createpolicy.fractional.L2::evict_normal.b64 d0, 0.5;",
        "createpolicy.fractional.L2::evict_first.b64 d0;",
        "createpolicy.fractional.L2::evict_unchanged.b64 d0, 1.0;",
        "createpolicy.fractional.L2::evict_last.L2::evict_unchanged.b64 d0, "
        "0.25;",
        "createpolicy.range.global.L2::evict_last.L2::evict_unchanged.b64 d0, "
        "[d30], 64, 128;",
        "createpolicy.range.L2::evict_first.b64 d0, [d30], 64, 128;",
        "mov.u64 d1, 0;\ncreatepolicy.cvt.L2.b64 d0, d1;"})
    cases.push_back({text,
                     std::string(text) +
                         "\nld.global.L2::cache_hint.u32 r0, [d30+4], d0;\n"
                         "st.global.u32 [d31], r0;",
                     {inputWord(4)}});
}

void addStack(std::vector<FormCase> &cases) {
  for (const char *call : {"alloca.u64 d0, 64;", "alloca.u64 d0, 64, 16;"})
    cases.push_back(
        {call,
         std::string("stacksave.u64 d9;\n") + call +
             "\nld.global.u32 r0, [d30];\nst.local.u32 [d0+60], r0;\n"
             "ld.local.u32 r1, [d0+60];\nst.global.u32 [d31], r1;\n"
             // 9.7.17.3: aligned to the immediate, or to 8.
             "and.b64 d1, d0, 7;\nst.global.u64 [d31+8], d1;\n"
             "stackrestore.u64 d9;\nstacksave.u64 d8;\nxor.b64 d8, d8, d9;\n"
             "st.global.u64 [d31+16], d8;",
         {inputWord(0), kOutBefore, 0, 0, 0, 0}});
}

// 9.7.9.25.3: copies of 4, 8 and 16 bytes; with fewer source bytes, or
// ignored ones, the rest is zeros.
void addCopies(std::vector<FormCase> &cases) {
  static constexpr const char *kWaits[] = {
      "cp.async.commit_group;\ncp.async.wait_group 0;", "cp.async.wait_all;",
      "cp.async.commit_group;\ncp.async.wait_all;"};
  const std::string show = "ld.shared.v4.u32 {r0, r1, r2, r3}, [tile+16];\n"
                           "st.global.v4.u32 [d31], {r0, r1, r2, r3};";
  const std::string fill = "mov.u32 r9, 0x11111111;\n"
                           "st.shared.v4.u32 [tile+16], {r9, r9, r9, r9};\n";
  auto add = [&](const std::string &copy, unsigned bytes, unsigned source) {
    std::vector<uint32_t> expected;
    for (unsigned i = 0; i < 16; i += 4) {
      uint32_t word = 0x11111111;
      if (i < bytes) {
        word = 0;
        for (unsigned k = 0; k < 4; ++k)
          if (i + k < source)
            word |= uint32_t(inputAt(48 + i + k, 1)) << (8 * k);
      }
      expected.push_back(word);
    }
    for (const char *wait : kWaits)
      cases.push_back(
          {copy, fill + copy + "\n" + wait + "\n" + show, expected});
  };
  for (unsigned bytes : {4u, 8u, 16u}) {
    std::string size = std::to_string(bytes);
    for (const char *space : {"shared", "shared::cta"})
      add("cp.async.ca." + std::string(space) +
              ".global [tile+16], [d30+48], " + size + ";",
          bytes, bytes);
    for (unsigned source = 0; source <= bytes; source += bytes == 4 ? 1 : 3)
      add("mov.u32 r1, " + std::to_string(source) +
              ";\ncp.async.ca.shared.global [tile+16], [d30+48], " + size +
              ", r1;",
          bytes, source);
    for (unsigned ignore : {0u, 1u})
      add("setp.eq.u32 p1, " + std::to_string(ignore) +
              ", 1;\ncp.async.ca.shared.global [tile+16], [d30+48], " + size +
              ", p1;",
          bytes, ignore ? 0 : bytes);
  }
  add("cp.async.cg.shared.global [tile+16], [d30+48], 16;", 16, 16);
  add("cp.async.cg.shared.global [tile+16], [d30+48], 16, 5;", 16, 5);
  add("cp.async.cg.shared.global.L2::128B [tile+16], [d30+48], 16;", 16, 16);
  add("createpolicy.fractional.L2::evict_last.b64 d0;\n"
      "cp.async.ca.shared.global.L2::cache_hint [tile+16], [d30+48], 8, d0;",
      8, 8);
  // 9.7.9.25.3.3: all but the last n groups are complete.
  cases.push_back(
      {"cp.async.wait_group 1",
       "cp.async.ca.shared.global [tile], [d30], 4;\ncp.async.commit_group;\n"
       "cp.async.ca.shared.global [tile+4], [d30+4], 4;\n"
       "cp.async.commit_group;\ncp.async.wait_group 1;\n"
       "ld.shared.u32 r0, [tile];\nst.global.u32 [d31], r0;\n"
       "cp.async.wait_group 0;\nld.shared.u32 r0, [tile+4];\n"
       "st.global.u32 [d31+4], r0;",
       {inputWord(0), inputWord(4)}});
}

} // namespace

std::vector<FormCase> tenon::sim::test::memoryCases() {
  std::vector<FormCase> cases;
  addLoads(cases);
  addStores(cases);
  addAddresses(cases);
  addHints(cases);
  addStack(cases);
  addCopies(cases);
  return cases;
}
