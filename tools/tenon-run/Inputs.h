//===- Inputs.h - Where inputs come from -------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Turns --inputs, --shapes and --random-inputs into one tensor for each input
// of the engine, and outputs back into arrays. NumPy lacks some of ONNX's
// types; they travel as
//   bfloat16, float8*   f4 (rounded to nearest even, saturating), or their
//                       bits as u2, V2 / u1, V1;  written as f4
//   int4, uint4, int2…  one element a byte: i1, u1
//
// Shown by test/unit/tools/InputsTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TOOLS_TENON_RUN_INPUTS_H
#define TENON_TOOLS_TENON_RUN_INPUTS_H

#include "runtime/include/tenon/tenon.hpp"
#include "tools/tenon-run/Arrays.h"

namespace tenon::tools {

/// What the command line says about inputs.
struct InputFlags {
  std::vector<std::string> files;  // FILE.npz, NAME:FILE.npy, NAME:FILE.bin
  std::vector<std::string> shapes; // NAME:1x3x224x224
  bool random = false;
  uint64_t seed = 0;
};

struct BoundTensor {
  std::string name;
  Tensor tensor;
  std::vector<char> data;
};

/// Fills `inputs` in the engine's order; `notes` gets remarks for the user.
Problem makeInputs(const Engine &engine, const InputFlags &flags,
                   std::vector<BoundTensor> &inputs,
                   std::vector<std::string> &notes);

/// A tensor as NumPy can hold it.
Array toArray(const Tensor &tensor);

/// The elements as f64, for comparisons; false for types that are no numbers.
bool toDoubles(const Array &array, std::vector<double> &numbers);

} // namespace tenon::tools

#endif // TENON_TOOLS_TENON_RUN_INPUTS_H
