//===- ToolRunner.h - Running a program in a folder of its own ---*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TEST_UNIT_TOOLS_TOOLRUNNER_H
#define TENON_TEST_UNIT_TOOLS_TOOLRUNNER_H

#include "test/unit/runtime/EngineBuilder.h"
#include "tools/tenon-run/Arrays.h"
#include <string>

namespace tenon::test {

struct Ran {
  int code = -1;
  std::string out, err;
};

/// A folder that goes away with the object.
class WorkFolder {
public:
  WorkFolder();
  ~WorkFolder();
  WorkFolder(const WorkFolder &) = delete;
  WorkFolder &operator=(const WorkFolder &) = delete;

  std::string path(const std::string &name) const {
    return folder + "/" + name;
  }
  void write(const std::string &name, const std::string &bytes) const;
  void write(const std::string &name, EngineBuilder &engine) const;
  std::string read(const std::string &name) const;
  bool exists(const std::string &name) const;

  /// Runs `command`, a shell line, in the folder.
  Ran run(const std::string &command) const;

private:
  std::string folder;
};

/// An array of floats.
tools::Array floatArray(const std::vector<int64_t> &shape,
                        const std::vector<float> &values);

inline bool contains(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

} // namespace tenon::test

#endif // TENON_TEST_UNIT_TOOLS_TOOLRUNNER_H
