//===- Recorder.h - A CUDA runtime that writes down ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Libraries such as CUB and CUTLASS choose kernels, grids and parameter blocks
// on the host. A program linked with Recorder.cpp in place of the CUDA runtime
// runs that host code without a GPU: device buffers have made-up addresses,
// and every launch and memset becomes a step of a JSON document that
// cases/recorded.py replays through the driver API.
//
//   program SIZES > steps.json
//
// SIZES has a line for each kernel of the PTX: its name, its parameters' sizes.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TEST_SIM_RECORDER_H
#define TENON_TEST_SIM_RECORDER_H

#include <cstddef>
#include <functional>

namespace recorder {

/// Reads SIZES; must come first. `smVersion` is 10 * major + minor.
void open(int argc, char **argv, int smVersion);

/// Runs `body` and records its steps under `name`.
void program(const char *name, const std::function<void()> &body);

/// A device buffer of the current program, 256-byte aligned. Never
/// dereferenced on the host. Names must differ within a program.
void *bytes(const char *name, size_t size);
template <typename T> T *buffer(const char *name, size_t count) {
  return static_cast<T *>(bytes(name, count * sizeof(T)));
}

/// Prints the document; returns main's exit code.
int close();

} // namespace recorder

#endif // TENON_TEST_SIM_RECORDER_H
