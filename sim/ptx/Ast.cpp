//===- Ast.cpp - A parsed and checked PTX module --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/Ast.h"

#include <algorithm>
#include <unordered_map>

using namespace tenon::sim::ptx;

/// PTX ISA 10. `%envreg0` to 31 and `%pm0` to 7 are written out below.
static const std::vector<SpecialRegister> &specialRegisters() {
  static const std::vector<std::string> numbered = [] {
    std::vector<std::string> names;
    for (int i = 0; i < 32; ++i)
      names.push_back("envreg" + std::to_string(i));
    for (int i = 0; i < 8; ++i)
      names.push_back("pm" + std::to_string(i));
    for (int i = 0; i < 8; ++i)
      names.push_back("pm" + std::to_string(i) + "_64");
    return names;
  }();
  static const std::vector<SpecialRegister> table = [] {
    std::vector<SpecialRegister> rows;
    static constexpr std::string_view kVectors[] = {"tid.x",
                                                    "tid.y",
                                                    "tid.z",
                                                    "ntid.x",
                                                    "ntid.y",
                                                    "ntid.z",
                                                    "ctaid.x",
                                                    "ctaid.y",
                                                    "ctaid.z",
                                                    "nctaid.x",
                                                    "nctaid.y",
                                                    "nctaid.z",
                                                    "clusterid.x",
                                                    "clusterid.y",
                                                    "clusterid.z",
                                                    "nclusterid.x",
                                                    "nclusterid.y",
                                                    "nclusterid.z",
                                                    "cluster_ctaid.x",
                                                    "cluster_ctaid.y",
                                                    "cluster_ctaid.z",
                                                    "cluster_nctaid.x",
                                                    "cluster_nctaid.y",
                                                    "cluster_nctaid.z"};
    for (std::string_view name : kVectors)
      rows.push_back({name, Type::U32});
    static constexpr std::string_view kWords[] = {"laneid",
                                                  "warpid",
                                                  "nwarpid",
                                                  "smid",
                                                  "nsmid",
                                                  "lanemask_eq",
                                                  "lanemask_le",
                                                  "lanemask_lt",
                                                  "lanemask_ge",
                                                  "lanemask_gt",
                                                  "clock",
                                                  "clock_hi",
                                                  "globaltimer_lo",
                                                  "globaltimer_hi",
                                                  "total_smem_size",
                                                  "aggr_smem_size",
                                                  "dynamic_smem_size",
                                                  "cluster_ctarank",
                                                  "cluster_nctarank",
                                                  "reserved_smem_offset_begin",
                                                  "reserved_smem_offset_end",
                                                  "reserved_smem_offset_cap",
                                                  "reserved_smem_offset_0",
                                                  "reserved_smem_offset_1"};
    for (std::string_view name : kWords)
      rows.push_back({name, Type::U32});
    for (std::string_view name :
         {"clock64", "globaltimer", "gridid", "current_graph_exec"})
      rows.push_back({name, Type::U64});
    rows.push_back({"is_explicit_cluster", Type::Pred});
    for (const std::string &name : numbered)
      rows.push_back({name, name.starts_with("envreg") ? Type::B32
                            : name.ends_with("_64")    ? Type::U64
                                                       : Type::U32});
    return rows;
  }();
  return table;
}

uint32_t tenon::sim::ptx::findSpecialRegister(std::string_view name) {
  static const auto map = [] {
    std::unordered_map<std::string_view, uint32_t> result;
    for (const SpecialRegister &row : specialRegisters())
      result.emplace(row.name, uint32_t(result.size()));
    return result;
  }();
  auto found = map.find(name);
  return found == map.end() ? kNone : found->second;
}

const SpecialRegister &tenon::sim::ptx::specialRegister(uint32_t index) {
  return specialRegisters()[index];
}

uint64_t Variable::size() const {
  uint64_t bytes = uint64_t(bitsOf(type) + 7) / 8 * vector;
  for (uint64_t dimension : dimensions)
    bytes *= dimension;
  return bytes;
}

uint32_t Variable::effectiveAlignment() const {
  return alignment ? alignment
                   : std::max<uint32_t>(1, (bitsOf(type) + 7) / 8 * vector);
}

const RegisterGroup &Function::groupOf(uint32_t index) const {
  auto after = std::upper_bound(
      registerGroups.begin(), registerGroups.end(), index,
      [](uint32_t i, const RegisterGroup &group) { return i < group.first; });
  return *std::prev(after);
}

std::string Function::registerName(uint32_t index) const {
  const RegisterGroup &group = groupOf(index);
  return group.isRange ? group.name + std::to_string(index - group.first)
                       : group.name;
}
