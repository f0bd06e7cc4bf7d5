//===- ThreadSchedule.cpp - Ways to give a kernel to threads --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Tests: test/unit/cudaKernels/ThreadScheduleTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/ThreadSchedule.h"
#include "llvm/ADT/STLExtras.h"

namespace mlir::tenon {

using llvm::StringRef;

namespace {

/// An item of a schedule's text: a word and a number.
struct Item {
  StringRef word, letter; // "threads 32", in grammars "threads T"
  int64_t ThreadSchedule::*number;
};
constexpr Item kThreads = {"threads", "T", &ThreadSchedule::threads},
               kVector = {"vector", "V", &ThreadSchedule::vector},
               // One of two words says whether `registers` holds.
    kWhere = {"", "", nullptr}, kParts = {"parts", "P", &ThreadSchedule::parts},
               kWarps = {"warps", "W", &ThreadSchedule::warps},
               kTile = {"tile", "N", &ThreadSchedule::tile},
               kChannels = {"channels", "C", &ThreadSchedule::channels},
               kSplit = {"split", "S", &ThreadSchedule::split};
constexpr StringRef kPlaces[] = {"memory", "registers"};

/// In the order of ThreadKind.
struct Form {
  StringRef name;
  std::vector<Item> items;
};
const Form &formOf(ThreadKind kind) {
  static const Form forms[] = {{"rows", {kThreads, kVector, kWhere, kParts}},
                               {"columns", {kVector, kWarps, kParts}},
                               {"argrows", {kThreads, kVector}},
                               {"pointwise", {kVector, kThreads}},
                               {"transpose", {kTile, kWarps}},
                               {"conv", {kChannels, kSplit}},
                               {"scalar", {kThreads}}};
  return forms[int(kind)];
}
constexpr ThreadKind kKinds[] = {ThreadKind::rows,      ThreadKind::columns,
                                 ThreadKind::argrows,   ThreadKind::pointwise,
                                 ThreadKind::transpose, ThreadKind::conv,
                                 ThreadKind::scalar};

} // namespace

StringRef nameOf(ThreadKind kind) { return formOf(kind).name; }

std::string ThreadSchedule::str() const {
  std::string text = "#tenon." + formOf(kind).name.str() + "<";
  for (auto [i, item] : llvm::enumerate(formOf(kind).items)) {
    text += i ? ", " : "";
    text += item.number
                ? (item.word + " ").str() + std::to_string(this->*item.number)
                : kPlaces[registers].str();
  }
  return text + ">";
}

std::optional<ThreadSchedule> ThreadSchedule::parse(StringRef written) {
  for (ThreadKind kind : kKinds) {
    ScheduleReader reader(written);
    if (!reader.word(formOf(kind).name) || !reader.word("<"))
      continue;
    ThreadSchedule schedule{kind};
    for (auto [i, item] : llvm::enumerate(formOf(kind).items)) {
      if (i && !reader.comma())
        return std::nullopt;
      size_t place = 0;
      if (item.number ? !reader.number(item.word, schedule.*item.number)
                      : !reader.oneOf(kPlaces, place))
        return std::nullopt;
      if (!item.number)
        schedule.registers = place == 1;
    }
    if (!reader.close())
      return std::nullopt;
    return schedule;
  }
  return std::nullopt;
}

std::vector<ScheduleGrammar> threadGrammars() {
  std::vector<ScheduleGrammar> all;
  for (ThreadKind kind : kKinds) {
    std::string text = formOf(kind).name.str() + "<";
    for (auto [i, item] : llvm::enumerate(formOf(kind).items)) {
      text += i ? ", " : "";
      text += item.number ? (item.word + " " + item.letter).str()
                          : (kPlaces[1] + "|" + kPlaces[0]).str();
    }
    all.push_back({formOf(kind).name.str(), text + ">"});
  }
  return all;
}

} // namespace mlir::tenon
