//===- ScheduleText.cpp - How schedules are written -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Tests: test/unit/cudaKernels/ThreadScheduleTest.cpp, MatmulScheduleTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/ScheduleText.h"
#include "kernels/Cuda/MatmulSchedule.h"
#include "kernels/Cuda/ThreadSchedule.h"
#include "llvm/ADT/STLExtras.h"

namespace mlir::tenon {

using llvm::StringRef;

ScheduleReader::ScheduleReader(StringRef written) : dense(written) {
  llvm::erase_if(dense, [](char c) { return c == ' '; });
  rest = dense;
  rest.consume_front("#tenon.");
}

bool ScheduleReader::number(int64_t &value) {
  return !rest.consumeInteger(10, value) && value > 0;
}

bool ScheduleReader::oneOf(llvm::ArrayRef<StringRef> words, size_t &place) {
  StringRef next = rest.take_until([](char c) { return c == ',' || c == '>'; });
  const StringRef *found = llvm::find(words, next);
  if (found == words.end())
    return false;
  place = size_t(found - words.begin());
  rest = rest.drop_front(next.size());
  return true;
}

std::string scheduleFamily(StringRef text) {
  std::string dense = text.str();
  llvm::erase_if(dense, [](char c) { return c == ' '; });
  StringRef rest = dense;
  rest.consume_front("#tenon.");
  auto [name, items] = rest.split('<');
  return name.size() == rest.size() ? "" : name.str();
}

std::vector<ScheduleGrammar> scheduleGrammars() {
  std::vector<ScheduleGrammar> all = {
      {"matmul", MatmulSchedule::kTilesGrammar.str()},
      {"gemv", MatmulSchedule::kVectorsGrammar.str()}};
  for (const ScheduleGrammar &one : threadGrammars())
    all.push_back(one);
  return all;
}

std::string expectedSchedule(StringRef text) {
  if (MatmulSchedule::parse(text) || ThreadSchedule::parse(text))
    return "";
  std::string family = scheduleFamily(text), every;
  for (const ScheduleGrammar &one : scheduleGrammars()) {
    if (one.family == family)
      return one.text;
    every += (every.empty() ? "" : " or ") + one.text;
  }
  return every;
}

} // namespace mlir::tenon
