//===- Memory.cpp - Loads, stores, copies, PTX ISA 9.7.9 and 9.7.17 -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/forms/Forms.h"

using namespace tenon::sim::ptx;

// clang-format off
static constexpr FormRow kRows[] = {
    {"ld", ".weak? LDSPACE? LDCACHE? EVICT? .L2::cache_hint? PREFETCH? VEC? LDTYPE", ">{N}T~ [] .b64?", "9.7.9.8"},
    {"ld", ".volatile MEMSPACE? PREFETCH? VEC? LDTYPE", ">{N}T~ []", "9.7.9.8"},
    {"ld", "*.relaxed|.acquire SCOPE MEMSPACE? EVICT? .L2::cache_hint? PREFETCH? VEC? LDTYPE", ">{N}T~ [] .b64?", "9.7.9.8", 70},
    {"ld", ".mmio .relaxed .sys .global? LDTYPE", ">{N}T~ []", "9.7.9.8", 70},
    {"ld", ".global NCCACHE? .nc EVICT? .L2::cache_hint? PREFETCH? VEC? LDTYPE", ">{N}T~ [] .b64?", "9.7.9.9", 32},
    {"ldu", ".global? .v2|.v4? LDTYPE", ">{N}T~ []", "9.7.9.10"},
    {"st", ".weak? STSPACE? STCACHE? EVICT? .L2::cache_hint? VEC? LDTYPE", "[] {N}T~ .b64?", "9.7.9.11"},
    {"st", ".volatile MEMSPACE? VEC? LDTYPE", "[] {N}T~", "9.7.9.11"},
    {"st", "*.relaxed|.release SCOPE MEMSPACE? EVICT? .L2::cache_hint? VEC? LDTYPE", "[] {N}T~ .b64?", "9.7.9.11", 70},
    {"st", ".mmio .relaxed .sys .global? LDTYPE", "[] {N}T~", "9.7.9.11", 70},
    {"prefetch", ".global|.local? .L1|.L2", "[]", "9.7.9.15", 20},
    {"prefetch", ".global .L2::evict_last|.L2::evict_normal", "[]", "9.7.9.15", 80},
    {"prefetchu", ".L1", "[]", "9.7.9.15", 20},
    {"applypriority", ".global? .L2::evict_normal", "[] #", "9.7.9.16", 80},
    {"discard", ".global? .L2", "[] #", "9.7.9.17", 80},
    {"createpolicy.fractional", "EVICT2 .L2::evict_first|.L2::evict_unchanged? .b64", ">T .f32?", "9.7.9.18", 80},
    {"createpolicy.range", ".global? EVICT2 .L2::evict_first|.L2::evict_unchanged? .b64", ">T [] .b32 .b32", "9.7.9.18", 80},
    {"createpolicy.cvt", ".L2 .b64", ">T .b64", "9.7.9.18", 80},
    {"cp.async", ".ca|.cg .shared|.shared::cta .global .L2::cache_hint? PREFETCH?", "[] [] # SRC? .b64?", "9.7.9.25.3.1", 80},
    {"cp.async.commit_group", "", "", "9.7.9.25.3.2", 80},
    {"cp.async.wait_group", "", "#", "9.7.9.25.3.3", 80},
    {"cp.async.wait_all", "", "", "9.7.9.25.3.3", 80},
    {"stacksave", ".u32|.u64", ">T", "9.7.17.1", 52},
    {"stackrestore", ".u32|.u64", "T", "9.7.17.2", 52},
    {"alloca", ".u32|.u64", ">T T #?", "9.7.17.3", 52},
};
// clang-format on

std::span<const FormRow> tenon::sim::ptx::memoryForms() { return kRows; }
