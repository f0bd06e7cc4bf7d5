//===- Schema.h - Checks JSON against a schema ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The part of JSON Schema 2020-12 that docs/simcuda-report.schema.json uses;
// any other keyword is an error.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TEST_UNIT_SIM_REPORT_SCHEMA_H
#define TENON_TEST_UNIT_SIM_REPORT_SCHEMA_H

#include <nlohmann/json.hpp>
#include <string>

namespace tenon::test {

/// The first breach, with its path; empty: none.
std::string breachOf(const nlohmann::json &schema, const nlohmann::json &value);

} // namespace tenon::test

#endif // TENON_TEST_UNIT_SIM_REPORT_SCHEMA_H
