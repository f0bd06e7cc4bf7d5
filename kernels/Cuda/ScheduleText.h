//===- ScheduleText.h - How schedules are written -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A schedule is a value with a text form, `#tenon.NAME<item, item, ..>`: what
// --explain prints, what --schedule takes and what an engine records. NAME is
// the family whose ways these are. Each struct of schedules prints itself and
// reads itself back with a ScheduleReader.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_CUDA_SCHEDULETEXT_H
#define TENON_KERNELS_CUDA_SCHEDULETEXT_H

#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <string>
#include <vector>

namespace mlir::tenon {

/// Reads a schedule from left to right. Spaces do not count, and who types it
/// may leave out `#tenon.`. Each function says whether what it asks for is
/// next, and then goes on behind it.
class ScheduleReader {
public:
  explicit ScheduleReader(llvm::StringRef written);

  bool word(llvm::StringRef text) { return rest.consume_front(text); }
  /// A number above 0.
  bool number(int64_t &value);
  /// The same behind a word: "threads 32".
  bool number(llvm::StringRef before, int64_t &value) {
    return word(before) && number(value);
  }
  /// The place in `words` of the one that is next, before a comma or the end.
  bool oneOf(llvm::ArrayRef<llvm::StringRef> words, size_t &place);
  bool comma() { return word(","); }
  /// The end of the text.
  bool close() { return rest == ">"; }

private:
  std::string dense;
  llvm::StringRef rest;
};

/// NAME of `#tenon.NAME<..>`, also without `#tenon.`; empty if it is no such
/// text.
std::string scheduleFamily(llvm::StringRef text);

/// The families whose schedules can be written, and how, for messages.
struct ScheduleGrammar {
  std::string family, text;
};
std::vector<ScheduleGrammar> scheduleGrammars();

/// Why `text` is no schedule of any family: what was expected in its place;
/// empty if it is one.
std::string expectedSchedule(llvm::StringRef text);

} // namespace mlir::tenon

#endif // TENON_KERNELS_CUDA_SCHEDULETEXT_H
