//===- SyncForms.cpp - Cases of synchronization and control ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 9.7.13, 9.7.12, and what lanes of a warp exchange.
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/exec/FormCases.h"

#include <functional>

using namespace tenon::sim::test;

namespace {

/// `count` words of out, by thread.
std::vector<uint32_t> eachThread(unsigned count,
                                 const std::function<uint32_t(uint32_t)> &of) {
  std::vector<uint32_t> words;
  for (unsigned i = 0; i < count; ++i)
    words.push_back(of(i));
  return words;
}

std::string at(const std::string &base, unsigned offset) {
  return "[" + base + "+" + std::to_string(offset) + "]";
}

// --- Barriers, 9.7.13.1 and 9.7.13.2 -----------------------------------------

void addBarriers(std::vector<FormCase> &cases) {
  const std::string own = "mov.u32 r1, tile;\nshl.b32 r2, r31, 2;\n"
                          "add.u32 r3, r1, r2;\nmul.lo.u32 r4, r31, 3;\n"
                          "st.shared.u32 [r3], r4;\n";
  struct Family {
    const char *name, *aligned;
  };
  static constexpr Family kFamilies[] = {
      {"bar", ""},         {"bar.cta", ""},
      {"barrier", ""},     {"barrier", ".aligned"},
      {"barrier.cta", ""}, {"barrier.cta", ".aligned"}};
  for (const Family &family : kFamilies) {
    std::string name = family.name, aligned = family.aligned;
    for (const char *count : {"", ", 64"}) {
      // What the other threads stored is there.
      cases.push_back({name + ".sync" + aligned + count,
                       own + name + ".sync" + aligned + " 1" + count +
                           ";\nsub.u32 r5, r1, r2;\n"
                           "add.u32 r5, r5, 252;\n"
                           "ld.shared.u32 r6, [r5];\n"
                           "st.global.u32 [d29], r6;",
                       eachThread(64, [](uint32_t i) { return (63 - i) * 3; }),
                       64});
      struct Reduction {
        const char *operation, *result, *condition;
        bool isNegated;
        uint32_t value;
      };
      static constexpr Reduction kReductions[] = {
          {".popc", "u32", "lt.u32 p0, r31, 20", false, 20},
          {".popc", "u32", "lt.u32 p0, r31, 20", true, 44},
          {".and", "pred", "lt.u32 p0, r31, 64", false, 1},
          {".and", "pred", "lt.u32 p0, r31, 63", false, 0},
          {".and", "pred", "eq.u32 p0, r31, 64", true, 1},
          {".or", "pred", "eq.u32 p0, r31, 37", false, 1},
          {".or", "pred", "eq.u32 p0, r31, 64", false, 0},
          {".or", "pred", "lt.u32 p0, r31, 63", true, 1},
      };
      for (const Reduction &red : kReductions) {
        bool isPredicate = red.result[0] == 'p';
        std::string text = name + ".red" + red.operation + aligned + "." +
                           red.result + (isPredicate ? " p1" : " r6") + ", 2" +
                           count + (red.isNegated ? ", !p0;" : ", p0;");
        cases.push_back(
            {text,
             std::string("setp.") + red.condition + ";\n" + text + "\n" +
                 (isPredicate ? "selp.u32 r6, 1, 0, p1;\n" : "") +
                 "st.global.u32 [d29], r6;",
             eachThread(64, [&](uint32_t) { return red.value; }), 64});
      }
    }
    // The first warp produces and does not wait, the second does.
    cases.push_back(
        {name + ".arrive" + aligned,
         "setp.ge.u32 p0, r31, 32;\n@p0 bra CONSUME;\n" + own + name +
             ".arrive" + aligned +
             " 3, 64;\nst.global.u32 [d29], 7;\n"
             "bra DONE;\nCONSUME:\n" +
             name + ".sync" + aligned +
             " 3, 64;\nmov.u32 r1, tile;\nshl.b32 r2, r31, 2;\n"
             "add.u32 r3, r1, r2;\nld.shared.u32 r6, [r3+-128];\n"
             "st.global.u32 [d29], r6;\nDONE:",
         eachThread(64, [](uint32_t i) { return i < 32 ? 7 : (i - 32) * 3; }),
         64});
  }
  cases.push_back({"bar.warp.sync",
                   own + "bar.warp.sync 0xffffffff;\nsub.u32 r5, r1, r2;\n"
                         "add.u32 r5, r5, 124;\n"
                         "ld.shared.u32 r6, [r5];\n"
                         "st.global.u32 [d29], r6;",
                   eachThread(32, [](uint32_t i) { return (31 - i) * 3; }),
                   32});
  cases.push_back(
      {"bar.warp.sync of halves",
       own + "setp.lt.u32 p0, r31, 16;\nselp.u32 r7, 0xffff, 0xffff0000, p0;\n"
             "@p0 bra LOW;\nbar.warp.sync r7;\nbra MEET;\nLOW:\n"
             "bar.warp.sync r7;\nMEET:\nxor.b32 r5, r2, 60;\n"
             "add.u32 r5, r5, r1;\nld.shared.u32 r6, [r5];\n"
             "st.global.u32 [d29], r6;",
       eachThread(32, [](uint32_t i) { return (i ^ 15) * 3; }), 32});
  for (const char *fence :
       {"membar.cta", "membar.gl", "membar.sys", "membar.proxy.alias",
        "fence.proxy.alias", "fence.cta", "fence.gpu", "fence.sys",
        "fence.sc.cta", "fence.sc.gpu", "fence.sc.sys", "fence.acq_rel.cta",
        "fence.acq_rel.gpu", "fence.acq_rel.sys"})
    // Lane 0 sends a value and then a flag; lane 32, in another warp, waits.
    cases.push_back({fence,
                     std::string("setp.eq.u32 p0, r31, 32;\n"
                                 "setp.eq.u32 p1, r31, 0;\n"
                                 "@p0 bra WAIT;\n@!p1 bra DONE;\n"
                                 "st.relaxed.sys.global.u32 [d31], 42;\n") +
                         fence +
                         ";\nst.relaxed.sys.global.u32 [d31+4], 1;\nbra DONE;\n"
                         "WAIT:\nld.relaxed.sys.global.u32 r0, [d31+4];\n"
                         "setp.ne.u32 p2, r0, 1;\n@p2 bra WAIT;\n" +
                         fence +
                         ";\nld.relaxed.sys.global.u32 r1, [d31];\n"
                         "st.global.u32 [d31+8], r1;\nDONE:",
                     {42, 1, 42},
                     64});
}

// --- Lanes of a warp ---------------------------------------------------------

void addWarp(std::vector<FormCase> &cases) {
  auto lanes = [](const std::function<uint32_t(uint32_t)> &of) {
    return eachThread(32, of);
  };
  const std::string show = "st.global.u32 [d29], r6;";
  for (bool isSync : {false, true}) {
    std::string sync = isSync ? ".sync" : "", mask = isSync ? ", -1" : "";
    const char *target = isSync ? "sm_80" : "sm_60";
    struct Vote {
      const char *mode, *condition;
      bool isNegated;
      uint32_t value;
    };
    static constexpr Vote kVotes[] = {
        {"all", "lt.u32 p0, r31, 32", false, 1},
        {"all", "lt.u32 p0, r31, 31", false, 0},
        {"any", "eq.u32 p0, r31, 9", false, 1},
        {"any", "lt.u32 p0, r31, 32", true, 0},
        {"uni", "eq.u32 p0, r31, 32", false, 1},
        {"uni", "eq.u32 p0, r31, 9", false, 0},
    };
    for (const Vote &vote : kVotes)
      cases.push_back(
          {"vote" + sync + "." + vote.mode,
           std::string("setp.") + vote.condition + ";\nvote" + sync + "." +
               vote.mode + ".pred p1, " + (vote.isNegated ? "!p0" : "p0") +
               mask + ";\nselp.u32 r6, 1, 0, p1;\n" + show,
           lanes([&](uint32_t) { return vote.value; }), 32, target});
    cases.push_back({"vote" + sync + ".ballot",
                     "and.b32 r0, r31, 1;\nsetp.eq.u32 p0, r0, 1;\nvote" +
                         sync + ".ballot.b32 r6, p0" + mask + ";\n" + show,
                     lanes([](uint32_t) { return 0xaaaaaaaa; }), 32, target});
    // 9.7.9.5: c has the width of segments in bits 8 to 12, the bound in 0
    // to 4; here whole warps and segments of 8.
    for (unsigned width : {32u, 8u})
      for (const char *mode : {"up", "down", "bfly", "idx"}) {
        std::string way = mode;
        uint32_t c = (32 - width) << 8 | (way == "up" ? 0 : 0x1f);
        auto source = [=](uint32_t lane) -> int {
          int base = int(lane & ~(width - 1));
          int from = way == "up"     ? int(lane) - 3
                     : way == "down" ? int(lane) + 3
                     : way == "bfly" ? int(lane ^ 3)
                                     : base + 3;
          return from < base || from >= base + int(width) ? -1 : from;
        };
        cases.push_back(
            {"shfl" + sync + "." + way,
             "add.u32 r0, r31, 100;\nshfl" + sync + "." + way +
                 ".b32 r1|p0, r0, 3, " + std::to_string(c) + mask +
                 ";\nselp.u32 r2, 1000, 0, p0;\nadd.u32 r6, r1, r2;\n" + show,
             lanes([&](uint32_t lane) {
               int from = source(lane);
               return from < 0 ? lane + 100 : uint32_t(from) + 1100;
             }),
             32, target});
      }
  }
  cases.push_back({"activemask",
                   "setp.ge.u32 p0, r31, 8;\nmov.u32 r6, 0;\n"
                   "@!p0 activemask.b32 r6;\n" +
                       show,
                   lanes([](uint32_t i) { return i < 8 ? 0xffu : 0; }), 32});
  for (const char *bits : {"32", "64"}) {
    std::string value = bits[0] == '3' ? "r0" : "d0";
    std::string make = "shr.u32 r0, r31, 3;\ncvt.u64.u32 d0, r0;\n"
                       "shl.b64 d0, d0, 32;\n";
    cases.push_back(
        {std::string("match.any.sync.b") + bits,
         make + "match.any.sync.b" + bits + " r6, " + value + ", -1;\n" + show,
         lanes([](uint32_t i) { return 0xffu << (i & ~7u); }), 32});
    cases.push_back({std::string("match.all.sync.b") + bits,
                     make + "match.all.sync.b" + bits + " r1|p0, " + value +
                         ", -1;\nmov.u32 r0, 5;\nmov.u64 d0, 5;\n"
                         "match.all.sync.b" +
                         bits + " r2|p1, " + value +
                         ", -1;\nselp.u32 r3, 16, 0, p0;\n"
                         "selp.u32 r4, 32, 0, p1;\nadd.u32 r3, r3, r4;\n"
                         "and.b32 r2, r2, 1;\nadd.u32 r3, r3, r2;\n"
                         "add.u32 r6, r3, r1;\n" +
                         show,
                     lanes([](uint32_t) { return 33u; }), 32});
  }
  struct Redux {
    const char *operation;
    uint32_t value;
  };
  // Of tid - 16 as signed or unsigned.
  static constexpr Redux kRedux[] = {{"add.s32", uint32_t(-16)},
                                     {"add.u32", uint32_t(-16)},
                                     {"min.s32", uint32_t(-16)},
                                     {"min.u32", 0},
                                     {"max.s32", 15},
                                     {"max.u32", uint32_t(-1)},
                                     {"and.b32", 0},
                                     {"or.b32", uint32_t(-1)},
                                     {"xor.b32", 0}};
  for (const Redux &redux : kRedux)
    cases.push_back({std::string("redux.sync.") + redux.operation,
                     std::string("sub.u32 r0, r31, 16;\nredux.sync.") +
                         redux.operation + " r6, r0, -1;\n" + show,
                     lanes([&](uint32_t) { return redux.value; }), 32});
  cases.push_back({"elect.sync",
                   "elect.sync r1|p0, -1;\nselp.u32 r2, 1, 0, p0;\n"
                   // One lane, and all know which.
                   "vote.sync.ballot.b32 r3, p0, -1;\npopc.b32 r4, r3;\n"
                   "shr.u32 r3, r3, r1;\nadd.u32 r6, r3, r4;\n" +
                       show,
                   lanes([](uint32_t) { return 2u; }), 32, "sm_90"});
}

// --- Matrices in shared memory, 9.7.14.5.15 to 17
// -----------------------------

void addMatrices(std::vector<FormCase> &cases) {
  // Element (row, column) of matrix m is the half 64 m + 8 row + column.
  auto pair = [](uint32_t first, uint32_t second) {
    return second << 16 | first;
  };
  std::string fill = "mov.u32 r9, tile;\nshl.b32 r8, r31, 4;\n"
                     "add.u32 r9, r9, r8;\n"; // a row for each lane
  for (unsigned i = 0; i < 4; ++i)
    fill += "mad.lo.u32 r0, r31, 8, " + std::to_string(2 * i) +
            ";\nadd.u32 r1, r0, 1;\nshl.b32 r1, r1, 16;\nor.b32 r0, r0, r1;\n"
            "st.shared.u32 " +
            at("r9", 4 * i) + ", r0;\n";
  fill += "bar.warp.sync -1;\n";
  for (unsigned count : {1u, 2u, 4u})
    for (bool trans : {false, true})
      for (const char *space : {".shared", ".shared::cta", ""}) {
        std::string name = "ldmatrix.sync.aligned.m8n8.x" +
                           std::to_string(count) + (trans ? ".trans" : "") +
                           space + ".b16";
        std::string group, stores;
        for (unsigned m = 0; m < count; ++m) {
          group += (m ? ", r" : "r") + std::to_string(m);
          stores += "st.global.u32 " + at("d29", 128 * m) + ", r" +
                    std::to_string(m) + ";\n";
        }
        std::string address = "[r9]";
        std::string generic;
        if (!*space) {
          generic = "cvt.u64.u32 d0, r9;\ncvta.shared.u64 d0, d0;\n";
          address = "[d0]";
        }
        cases.push_back(
            {name,
             fill + generic + name + " {" + group + "}, " + address + ";\n" +
                 stores,
             eachThread(32 * count,
                        [&](uint32_t i) {
                          uint32_t m = i / 32, t = i % 32;
                          uint32_t one = 64 * m + 2 * t;
                          if (!trans)
                            return pair(one, one + 1);
                          uint32_t row = 2 * (t % 4), column = t / 4;
                          return pair(64 * m + 8 * row + column,
                                      64 * m + 8 * (row + 1) + column);
                        }),
             32});
        // 9.7.14.5.16: the same way back.
        std::string store = "st" + name.substr(2), values, back;
        for (unsigned m = 0; m < count; ++m) {
          values += "mad.lo.u32 r10, r31, 2, " + std::to_string(64 * m) +
                    ";\nadd.u32 r11, r10, 1;\nshl.b32 r11, r11, 16;\n"
                    "or.b32 r" +
                    std::to_string(m) + ", r10, r11;\n";
          back += "ld.shared.u32 r12, " + at("r13", 128 * m) +
                  ";\nst.global.u32 " + at("d29", 128 * m) + ", r12;\n";
        }
        cases.push_back(
            {store,
             fill + generic + values + store + " " + address + ", {" + group +
                 "};\nbar.warp.sync -1;\nmov.u32 r13, tile;\n"
                 "mad.lo.u32 r13, r31, 4, r13;\n" +
                 back,
             eachThread(32 * count,
                        [&](uint32_t i) {
                          uint32_t m = i / 32, row = i % 32 / 4,
                                   column = 2 * (i % 4);
                          if (!trans)
                            return pair(64 * m + 8 * row + column,
                                        64 * m + 8 * row + column + 1);
                          return pair(64 * m + 8 * column + row,
                                      64 * m + 8 * (column + 1) + row);
                        }),
             32, "sm_90"});
      }
  cases.push_back({"movmatrix",
                   "mul.lo.u32 r0, r31, 2;\nadd.u32 r1, r0, 1;\n"
                   "shl.b32 r1, r1, 16;\nor.b32 r0, r0, r1;\n"
                   "movmatrix.sync.aligned.m8n8.trans.b16 r6, r0;\n"
                   "st.global.u32 [d29], r6;",
                   eachThread(32,
                              [&](uint32_t t) {
                                uint32_t row = 2 * (t % 4), column = t / 4;
                                return pair(8 * row + column,
                                            8 * (row + 1) + column);
                              }),
                   32});
}

// --- mbarrier, 9.7.13.15 -----------------------------------------------------

void addMbarriers(std::vector<FormCase> &cases) {
  for (const char *spaceName : {"shared", "shared::cta", ""})
    for (bool isExplicit : {false, true}) {
      std::string space = *spaceName ? "." + std::string(spaceName) : "";
      std::string b = *spaceName ? "[tile]" : "[d20]";
      std::string release = isExplicit ? ".release.cta" : "",
                  acquire = isExplicit ? ".acquire.cta" : "";
      std::string open = "mov.u64 d20, tile;\ncvta.shared.u64 d20, d20;\n";
      auto init = [&](unsigned count) {
        return "mbarrier.init" + space + ".b64 " + b + ", " +
               std::to_string(count) + ";\n";
      };
      // d<state> = the state before; r<state> = its pending count.
      auto arrive = [&](const std::string &what, unsigned state,
                        const std::string &count = "") {
        std::string n = std::to_string(state);
        return "mbarrier." + what + release + space + ".b64 d" + n + ", " + b +
               count + ";\nmbarrier.pending_count.b64 r" + n + ", d" + n +
               ";\nst.global.u32 " + at("d31", 4 * state) + ", r" + n + ";\n";
      };
      auto test = [&](const std::string &what, unsigned word) {
        return "mbarrier.test_wait" + what +
               ";\nselp.u32 r20, 1, 0, p0;\nst.global.u32 " +
               at("d31", 4 * word) + ", r20;\n";
      };
      std::string plain = acquire + space + ".b64 p0, " + b;
      std::string parity = ".parity" + acquire + space + ".b64 p0, " + b;
      std::string inval = "mbarrier.inval" + space + ".b64 " + b + ";";
      std::string title = space + release;
      // Phase 0 ends with the second arrival.
      cases.push_back({"mbarrier.arrive" + title,
                       open + init(2) + arrive("arrive", 0) +
                           test(plain + ", d0", 2) + test(parity + ", 0", 3) +
                           arrive("arrive", 1) + test(plain + ", d0", 4) +
                           test(parity + ", 0", 5) + test(parity + ", 1", 6) +
                           inval,
                       {2, 1, 0, 0, 1, 1, 0}});
      cases.push_back({"mbarrier.arrive.noComplete" + title,
                       open + init(4) + arrive("arrive.noComplete", 0, ", 2") +
                           arrive("arrive", 1) + arrive("arrive", 2) +
                           test(plain + ", d0", 3) + inval,
                       {4, 2, 1, 1}});
      // One thread less takes part in later phases.
      cases.push_back({"mbarrier.arrive_drop" + title,
                       open + init(3) + arrive("arrive_drop", 0) +
                           arrive("arrive", 1) + arrive("arrive", 2) +
                           arrive("arrive", 3) + test(plain + ", d3", 4) +
                           arrive("arrive", 5) + test(plain + ", d3", 6) +
                           inval,
                       {3, 2, 1, 2, 0, 1, 1}});
      cases.push_back({"mbarrier.arrive_drop.noComplete" + title,
                       open + init(4) +
                           arrive("arrive_drop.noComplete", 0, ", 2") +
                           arrive("arrive", 1) + arrive("arrive", 2) +
                           arrive("arrive", 3) + inval,
                       {4, 2, 1, 2}});
      if (isExplicit)
        continue;
      for (const char *noinc : {"", ".noinc"})
        cases.push_back(
            {std::string("cp.async.mbarrier.arrive") + noinc + title,
             open + init(*noinc ? 2 : 1) +
                 "cp.async.ca.shared.global [tile+16], [d30+8], 4;\n"
                 "cp.async.mbarrier.arrive" +
                 noinc + space + ".b64 " + b + ";\nmbarrier.arrive" + space +
                 ".b64 d0, " + b + ";\nAGAIN:\nmbarrier.test_wait" + plain +
                 ", d0;\n@!p0 bra AGAIN;\nld.shared.u32 r0, [tile+16];\n"
                 "st.global.u32 [d31], r0;\n" +
                 inval,
             {inputWord(8)}});
      for (const char *hint : {"", ", 100"})
        cases.push_back(
            {"mbarrier.try_wait" + title,
             open + init(1) + "mbarrier.arrive" + space + ".b64 d0, " + b +
                 ";\nmbarrier.try_wait" + space + ".b64 p0, " + b + ", d0" +
                 hint +
                 ";\nselp.u32 r0, 1, 0, p0;\nst.global.u32 [d31], r0;\n"
                 "mbarrier.try_wait.parity" +
                 space + ".b64 p0, " + b + ", 0" + hint +
                 ";\nselp.u32 r0, 1, 0, p0;\nst.global.u32 [d31+4], r0;\n" +
                 inval,
             {1, 1},
             1,
             "sm_90"});
    }
}

// --- Control, 9.7.12 and 9.7.19 ----------------------------------------------

void addControl(std::vector<FormCase> &cases) {
  cases.push_back({"bra, bra.uni",
                   "mov.u32 r0, 1;\nbra.uni NEXT;\nmov.u32 r0, 2;\nNEXT:\n"
                   "bra LAST;\nmov.u32 r0, 3;\nLAST:\n"
                   "st.global.u32 [d31], r0;",
                   {1}});
  for (const char *uni : {"", ".uni"})
    cases.push_back(
        {std::string("brx.idx") + uni,
         std::string("TARGETS: .branchtargets ZERO, ONE, TWO;\n") +
             (*uni ? "mov.u32 r0, 1;\n" : "rem.u32 r0, r31, 3;\n") + "brx.idx" +
             uni +
             " r0, TARGETS;\nZERO:\nmov.u32 r6, 10;\n"
             "bra MEET;\nONE:\nmov.u32 r6, 11;\nbra MEET;\nTWO:\n"
             "mov.u32 r6, 12;\nMEET:\nst.global.u32 [d29], r6;",
         eachThread(32, [&](uint32_t i) { return *uni ? 11 : 10 + i % 3; }),
         32});
  for (const char *uni : {"", ".uni"})
    cases.push_back({std::string("call") + uni,
                     std::string("{\n.param .b32 x;\n.param .b32 y;\n"
                                 "st.param.b32 [x], r31;\ncall") +
                         uni +
                         " (y), twice, (x);\nld.param.b32 r6, [y];\n}\n"
                         "st.global.u32 [d29], r6;",
                     eachThread(32, [](uint32_t i) { return 2 * i; }), 32});
  cases.push_back({"call of an address",
                   "mov.u64 d0, twice;\n"
                   "P: .callprototype (.param .b32 _) _ (.param .b32 _);\n"
                   "{\n.param .b32 x;\n.param .b32 y;\n"
                   "st.param.b32 [x], r31;\ncall (y), d0, (x), P;\n"
                   "ld.param.b32 r6, [y];\n}\nst.global.u32 [d29], r6;",
                   eachThread(32, [](uint32_t i) { return 2 * i; }), 32});
  cases.push_back(
      {"exit, ret.uni",
       "setp.lt.u32 p0, r31, 4;\n@p0 exit;\n"
       "st.global.u32 [d29], r31;\nret.uni;\n"
       "st.global.u32 [d29], 0;",
       eachThread(32, [](uint32_t i) { return i < 4 ? kOutBefore : i; }), 32});
  cases.push_back({"nanosleep, pmevent",
                   "mov.u32 r0, 20;\nnanosleep.u32 r0;\nnanosleep.u32 100;\n"
                   "pmevent 7;\npmevent.mask 0x55;\nst.global.u32 [d31], r0;",
                   {20}});
}

} // namespace

std::vector<FormCase> tenon::sim::test::syncCases() {
  std::vector<FormCase> cases;
  addBarriers(cases);
  addWarp(cases);
  addMatrices(cases);
  addMbarriers(cases);
  addControl(cases);
  return cases;
}
