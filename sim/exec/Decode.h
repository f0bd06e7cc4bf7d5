//===- Decode.h - From checked PTX to ops -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_DECODE_H
#define TENON_SIM_EXEC_DECODE_H

#include "sim/exec/Program.h"
#include <optional>

namespace tenon::sim::exec {

/// Where the variables of a module lie, by index.
struct Placement {
  enum class Kind : uint8_t {
    None,
    Fixed,         ///< `value` is the address in its state space
    DynamicShared, ///< behind the kernel's other shared memory
    Local,         ///< `value` is the offset in the frame
    CallParameter, ///< the same, of a .param of a function
    Register,      ///< a .reg parameter: `value` is its row
  };
  Kind kind = Kind::None;
  uint64_t value = 0;
};

struct DecodeError {
  ptx::Place place;
  std::string message;
};

/// Decodes every function of `program.module` into ops. `placements` has one
/// entry for each of the module's variables, those of functions are filled in.
std::optional<DecodeError> decode(Program &program,
                                  std::vector<Placement> &placements);

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_DECODE_H
