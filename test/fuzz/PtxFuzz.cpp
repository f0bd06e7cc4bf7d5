//===- PtxFuzz.cpp - The PTX parser on any bytes --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// No text may crash or hang the parser or lead it out of bounds. A text that
// parses must print, and what is printed parse to the same module.
//
// libFuzzer calls LLVMFuzzerTestOneInput with mutated texts (README.md); in
// ptx-replay, Replay.cpp calls it with the files of ptx/ and of
// test/unit/sim/data.
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/Parser.h"
#include "sim/ptx/Printer.h"

#include <cstdio>
#include <cstdlib>

using namespace tenon::sim::ptx;

[[noreturn]] static void fail(const char *what, const std::string &text) {
  std::fprintf(stderr, "%s\n%s\n", what, text.c_str());
  std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto result = parse({reinterpret_cast<const char *>(data), size});
  if (auto *errors = std::get_if<Diagnostics>(&result)) {
    if (errors->empty() || errors->size() > kMaxErrors)
      fail("expected 1 to kMaxErrors errors", "");
    for (const Diagnostic &error : *errors)
      if (!error.line || !error.column || error.message.empty())
        fail("an error without place or message", error.text());
    return 0;
  }
  const Module &module = std::get<Module>(result);
  std::string text = toText(module);
  auto again = parse(text);
  if (auto *errors = std::get_if<Diagnostics>(&again))
    fail("what was printed does not parse",
         errors->front().text() + "\n" + text);
  if (!(std::get<Module>(again) == module))
    fail("what was printed is another module", text);
  return 0;
}
