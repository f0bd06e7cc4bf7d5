//===- FormsMain.cpp - sim-ptx-forms --------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   sim-ptx-forms TARGET [mutants|operands]
//                                    instructions of every form, ones with
//                                    other modifiers, or with other operands;
//                                    each line has the parser's error, a tab,
//                                    the instruction
//   sim-ptx-forms frame TARGET       the frame to put the instructions into,
//                                    which end with the line `...`
//   sim-ptx-forms dictionary         the words of PTX for libFuzzer
//   sim-ptx-forms check FILE...      the errors of PTX files
//
// The tool of comparePtxas.py.
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/FormExamples.h"
#include "sim/ptx/Parser.h"

#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

using namespace tenon;
using namespace tenon::sim::ptx;

static int checkFiles(int count, char **names) {
  int bad = 0;
  for (int i = 0; i < count; ++i) {
    std::ifstream file(names[i], std::ios::binary);
    std::stringstream buffer;
    buffer << file.rdbuf();
    std::string text = buffer.str();
    auto start = std::chrono::steady_clock::now();
    auto result = parse(text);
    std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - start;
    std::fprintf(stderr, "%s: %.1f MB/s\n", names[i],
                 double(text.size()) / 1e6 / seconds.count());
    if (auto *errors = std::get_if<Diagnostics>(&result)) {
      ++bad;
      for (const Diagnostic &error : *errors)
        std::printf("%s: %s\n", names[i], error.text().c_str());
    }
  }
  return bad != 0;
}

static void printDictionary() {
  std::set<std::string> words;
  for (const Opcode &opcode : opcodes())
    words.insert(std::string(opcode.name));
  for (const Form &form : forms())
    for (const ModifierSlot &slot : form.slots) {
      for (Mod mod : slot.mods)
        words.insert("." + std::string(spelling(mod)));
      for (Type type : slot.types)
        words.insert("." + std::string(spelling(type)));
    }
  for (const char *word :
       {".version",       ".target", ".address_size",  ".entry",
        ".func",          ".reg",    ".visible",       ".extern",
        ".weak",          ".align",  ".branchtargets", ".calltargets",
        ".callprototype", ".loc",    ".file",          ".section",
        ".pragma",        ".alias",  ".maxntid",       ".noreturn",
        ".attribute",     ".ptr",    "generic",        "WARP_SZ",
        "%tid.x",         "sm_80",   "0f3F800000"})
    words.insert(word);
  for (const std::string &word : words)
    std::printf("\"%s\"\n", word.c_str());
}

int main(int argc, char **argv) {
  if (argc >= 3 && !std::strcmp(argv[1], "check"))
    return checkFiles(argc - 2, argv + 2);
  if (argc == 2 && !std::strcmp(argv[1], "dictionary")) {
    printDictionary();
    return 0;
  }
  if (argc == 3 && !std::strcmp(argv[1], "frame")) {
    std::printf("%s...\n%s", frameBegin(argv[2]).c_str(), kFrameEnd);
    return 0;
  }
  if (argc < 2) {
    std::fputs(
        "usage: sim-ptx-forms TARGET [mutants|operands] | frame TARGET | "
        "dictionary | "
        "check FILE...\n",
        stderr);
    return 2;
  }
  auto make = argc < 3                            ? examplesOf
              : !std::strcmp(argv[2], "operands") ? operandMutantsOf
                                                  : mutantsOf;
  std::string begin = frameBegin(argv[1]);
  std::set<std::string> seen;
  for (const Form &form : forms()) {
    if (form.refused())
      continue;
    for (const std::string &text : make(form)) {
      if (!seen.insert(text).second)
        continue;
      auto result = parse(begin + text + "\n" + kFrameEnd);
      const auto *errors = std::get_if<Diagnostics>(&result);
      std::printf("%s\t%s\n", errors ? (*errors)[0].message.c_str() : "",
                  text.c_str());
    }
  }
  return 0;
}
