//===- Coverage.cpp - Which forms are executed ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Coverage.h"
#include "sim/exec/Launch.h"
#include "sim/ptx/FormExamples.h"
#include "sim/ptx/Parser.h"

#include <algorithm>

using namespace tenon::sim;

bool tenon::sim::exec::isExecuted(const ptx::Form &form) {
  if (form.refused())
    return false;
  auto device = std::get<DeviceDescription>(findDevice("h100"));
  DeviceMemory memory(uint64_t(1) << 30);
  // What sm_70 no longer has is for older targets.
  std::string target = "sm_" + std::to_string(std::max(form.row->sm, 60u));
  auto index = size_t(&form - ptx::forms().data());
  bool any = false;
  for (const std::string &example : ptx::examplesOf(form)) {
    std::string text =
        ptx::frameBegin(target) + example + "\n" + ptx::kFrameEnd;
    auto parsed = ptx::parse(text);
    auto *module = std::get_if<ptx::Module>(&parsed);
    if (!module || module->functions[1].instructions[0].form != index)
      continue; // not one of its own
    any = true;
    auto loaded = load(text, device, memory);
    auto *error = std::get_if<LoadError>(&loaded);
    // The frame's function is declared alone.
    if (error && error->kind != LoadError::Kind::Unresolved)
      return false;
  }
  return any;
}
