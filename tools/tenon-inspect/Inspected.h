//===- Inspected.h - An engine to look at ------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Opens and verifies an engine and decodes one variant, without loading its
// code: variants for other machines can be looked at, too.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TOOLS_TENON_INSPECT_INSPECTED_H
#define TENON_TOOLS_TENON_INSPECT_INSPECTED_H

#include "runtime/EngineFile.h"
#include "runtime/Plan.h"
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace tenon::tools {

using Json = nlohmann::ordered_json;

struct Inspected {
  runtime::EngineFile file;
  runtime::ExprTable exprs;
  runtime::Interface interface;
  runtime::Program program;
  runtime::Lifetimes lifetimes;
  uint32_t variant = 0;

  /// `target` chooses the variant; empty: the one that would run here, or the
  /// first.
  runtime::Status open(const std::string &path, const std::string &target);

  /// A plan for `shapes` ("NAME:1x3x224x224"); inputs of fixed shape need
  /// none. `missing` is set instead if a dimension is not given.
  runtime::Status plan(const std::vector<std::string> &shapes,
                       runtime::Plan &plan, std::string &missing) const;

  std::string variantName(uint32_t index) const;
};

/// Each returns JSON; `toText` prints it for people.
Json describeHeader(const Inspected &engine, const std::string &path);
Json describeBindings(const Inspected &engine);
Json describeVariants(const Inspected &engine);
Json describeKernels(const Inspected &engine);
Json describeConstants(const Inspected &engine);
Json describeMemory(const Inspected &engine, const runtime::Plan &plan);

std::string toText(const Json &report);

/// One of the entries of describeKernels: a line a field, a line a node.
std::string kernelText(const Json &kernel);

/// The PTX of the kernel with that name or symbol.
runtime::Status ptxOf(const Inspected &engine, const std::string &kernel,
                      std::string &ptx);

/// The engine in the compiler's engine dialect, without code and data: text
/// that tenon-opt reads.
std::string programText(const Inspected &engine);

} // namespace tenon::tools

#endif // TENON_TOOLS_TENON_INSPECT_INSPECTED_H
