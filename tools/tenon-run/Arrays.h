//===- Arrays.h - NumPy's .npy and .npz files --------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads arrays in any byte and dimension order and gives them little-endian,
// last dimension fastest; writes the same. Archives may be stored or deflated.
// Sizes in a file are checked against what is there before memory is taken.
//
// Shown by test/unit/tools/ArraysTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TOOLS_TENON_RUN_ARRAYS_H
#define TENON_TOOLS_TENON_RUN_ARRAYS_H

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tenon::tools {

/// A text for the user; empty if nothing failed.
using Problem = std::string;

struct Array {
  std::string type; // NumPy's, without byte order: "f4", "i8", "b1", "u1"
  std::vector<int64_t> shape;
  std::vector<char> data;
};

Problem readFile(const std::string &path, std::vector<char> &bytes);

/// `name` is for messages.
Problem parseNpy(const std::string &name, const std::vector<char> &bytes,
                 Array &array);

Problem readNpz(const std::string &path, std::map<std::string, Array> &arrays);

/// Writes under a temporary name first, so that no half file is left.
Problem writeNpz(const std::string &path,
                 const std::vector<std::pair<std::string, Array>> &arrays);

/// "1x3x224x224".
std::string shapeText(const std::vector<int64_t> &shape);

} // namespace tenon::tools

#endif // TENON_TOOLS_TENON_RUN_ARRAYS_H
