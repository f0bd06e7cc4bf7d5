//===- Sync.cpp - Synchronization and communication, PTX ISA 9.7.13 -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/forms/Forms.h"

using namespace tenon::sim::ptx;

// clang-format off
static constexpr FormRow kRows[] = {
    {"bar.sync", "", ".b32 .b32?", "9.7.13.1"},
    {"bar.arrive", "", ".b32 .b32", "9.7.13.1", 20},
    {"bar.red", ".popc .u32", ">T .b32 !.pred", "9.7.13.1", 20},
    {"bar.red", ".popc .u32", ">T .b32 .b32 !.pred", "9.7.13.1", 20},
    {"bar.red", ".and|.or .pred", ">T .b32 !.pred", "9.7.13.1", 20},
    {"bar.red", ".and|.or .pred", ">T .b32 .b32 !.pred", "9.7.13.1", 20},
    {"bar.cta.sync", "", ".b32 .b32?", "9.7.13.1"},
    {"bar.cta.arrive", "", ".b32 .b32", "9.7.13.1", 20},
    {"bar.cta.red", ".popc .u32", ">T .b32 !.pred", "9.7.13.1", 20},
    {"bar.cta.red", ".popc .u32", ">T .b32 .b32 !.pred", "9.7.13.1", 20},
    {"bar.cta.red", ".and|.or .pred", ">T .b32 !.pred", "9.7.13.1", 20},
    {"bar.cta.red", ".and|.or .pred", ">T .b32 .b32 !.pred", "9.7.13.1", 20},
    {"barrier.sync", ".aligned?", ".b32 .b32?", "9.7.13.1", 30},
    {"barrier.arrive", ".aligned?", ".b32 .b32", "9.7.13.1", 30},
    {"barrier.red", ".popc .aligned? .u32", ">T .b32 !.pred", "9.7.13.1", 30},
    {"barrier.red", ".popc .aligned? .u32", ">T .b32 .b32 !.pred", "9.7.13.1", 30},
    {"barrier.red", ".and|.or .aligned? .pred", ">T .b32 !.pred", "9.7.13.1", 30},
    {"barrier.red", ".and|.or .aligned? .pred", ">T .b32 .b32 !.pred", "9.7.13.1", 30},
    {"barrier.cta.sync", ".aligned?", ".b32 .b32?", "9.7.13.1", 30},
    {"barrier.cta.arrive", ".aligned?", ".b32 .b32", "9.7.13.1", 30},
    {"barrier.cta.red", ".popc .aligned? .u32", ">T .b32 !.pred", "9.7.13.1", 30},
    {"barrier.cta.red", ".popc .aligned? .u32", ">T .b32 .b32 !.pred", "9.7.13.1", 30},
    {"barrier.cta.red", ".and|.or .aligned? .pred", ">T .b32 !.pred", "9.7.13.1", 30},
    {"barrier.cta.red", ".and|.or .aligned? .pred", ">T .b32 .b32 !.pred", "9.7.13.1", 30},
    {"bar.warp.sync", "", ".b32", "9.7.13.2", 30},
    {"membar", ".cta|.gl|.sys", "", "9.7.13.4"},
    {"membar.proxy.alias", "", "", "9.7.13.4", 70},
    {"fence", ".sc|.acq_rel? SCOPE", "", "9.7.13.4", 70},
    {"fence.proxy.alias", "", "", "9.7.13.4", 70},

    {"atom", "*ORDER? SCOPE? ATSPACE? .add .L2::cache_hint? .u32|.s32|.u64|.f32|.f64", ">T_ [] T .b64?", "9.7.13.5"},
    {"atom", "*ORDER? SCOPE? ATSPACE? .add .noftz .L2::cache_hint? HALF|BHALF", ">T_ [] T .b64?", "9.7.13.5", 70},
    {"atom", "*ORDER? SCOPE? ATSPACE? .inc|.dec .L2::cache_hint? .u32", ">T_ [] T .b64?", "9.7.13.5"},
    {"atom", "*ORDER? SCOPE? ATSPACE? .min|.max .L2::cache_hint? .u32|.s32|.u64|.s64", ">T_ [] T .b64?", "9.7.13.5"},
    {"atom", "*ORDER? SCOPE? ATSPACE? .and|.or|.xor .L2::cache_hint? .b32|.b64", ">T_ [] T .b64?", "9.7.13.5"},
    {"atom", "*ORDER? SCOPE? ATSPACE? .exch .L2::cache_hint? .b32|.b64|.b128", ">T_ [] T .b64?", "9.7.13.5"},
    {"atom", "*ORDER? SCOPE? ATSPACE? .cas .L2::cache_hint? .b16|.b32|.b64|.b128", ">T_ [] T T .b64?", "9.7.13.5"},
    {"atom", "*ORDER? SCOPE? .global? .add .L2::cache_hint? .v2|.v4 .f32", ">{N}T_ [] {N}T .b64?", "9.7.13.5", 90},
    {"atom", "*ORDER? SCOPE? .global? .add|.min|.max .noftz .L2::cache_hint? VEC HALF|BHALF", ">{N}T_ [] {N}T .b64?", "9.7.13.5", 90},
    {"red", "*.relaxed|.release? SCOPE? ATSPACE? .add .L2::cache_hint? .u32|.s32|.u64|.f32|.f64", "[] T .b64?", "9.7.13.6"},
    {"red", "*.relaxed|.release? SCOPE? ATSPACE? .add .noftz .L2::cache_hint? HALF|BHALF", "[] T .b64?", "9.7.13.6", 70},
    {"red", "*.relaxed|.release? SCOPE? ATSPACE? .inc|.dec .L2::cache_hint? .u32", "[] T .b64?", "9.7.13.6"},
    {"red", "*.relaxed|.release? SCOPE? ATSPACE? .min|.max .L2::cache_hint? .u32|.s32|.u64|.s64", "[] T .b64?", "9.7.13.6"},
    {"red", "*.relaxed|.release? SCOPE? ATSPACE? .and|.or|.xor .L2::cache_hint? .b32|.b64", "[] T .b64?", "9.7.13.6"},
    {"red", "*.relaxed|.release? SCOPE? .global? .add .L2::cache_hint? .v2|.v4 .f32", "[] {N}T .b64?", "9.7.13.6", 90},
    {"red", "*.relaxed|.release? SCOPE? .global? .add|.min|.max .noftz .L2::cache_hint? VEC HALF|BHALF", "[] {N}T .b64?", "9.7.13.6", 90},

    {"vote", ".all|.any|.uni .pred", ">T !.pred", "9.7.13.8", 12},
    {"vote", ".ballot .b32", ">T !.pred", "9.7.13.8", 20},
    {"vote", "*.sync .all|.any|.uni .pred", ">T !.pred .b32", "9.7.13.9", 30},
    {"vote", "*.sync .ballot .b32", ">T !.pred .b32", "9.7.13.9", 30},
    {"match", ".any .sync .b32|.b64", ">.b32 T .b32", "9.7.13.10", 70},
    {"match", ".all .sync .b32|.b64", ">.b32_| T .b32", "9.7.13.10", 70},
    {"activemask", ".b32", ">T", "9.7.13.11", 30},
    {"redux", ".sync .add|.min|.max INT32", ">T T .b32", "9.7.13.12", 80},
    {"redux", ".sync .and|.or|.xor .b32", ">T T .b32", "9.7.13.12", 80},
    {"redux", ".sync .min|.max .abs? .NaN? .f32", ">T T .b32", "9.7.13.12", 100},
    {"griddepcontrol.launch_dependents", "", "", "9.7.13.13", 90},
    {"griddepcontrol.wait", "", "", "9.7.13.13", 90},
    {"elect", ".sync", ">.b32_| .b32", "9.7.13.14", 90},

    {"mbarrier.init", "MBSPACE? .b64", "[] .u32", "9.7.13.15.9", 80},
    {"mbarrier.inval", "MBSPACE? .b64", "[]", "9.7.13.15.10", 80},
    {"mbarrier.arrive", "MBSPACE? .b64", ">.b64_ [] .u32?", "9.7.13.15.13", 80},
    {"mbarrier.arrive", ".release|.relaxed SCOPE MBSPACE? .b64", ">.b64_ [] .u32?", "9.7.13.15.13", 80},
    {"mbarrier.arrive.noComplete", "MBSPACE? .b64", ">.b64_ [] .u32", "9.7.13.15.13", 80},
    {"mbarrier.arrive.noComplete", ".release .cta MBSPACE? .b64", ">.b64_ [] .u32", "9.7.13.15.13", 80},
    {"mbarrier.arrive_drop", "MBSPACE? .b64", ">.b64_ [] .u32?", "9.7.13.15.14", 80},
    {"mbarrier.arrive_drop", ".release|.relaxed SCOPE MBSPACE? .b64", ">.b64_ [] .u32?", "9.7.13.15.14", 80},
    {"mbarrier.arrive_drop.noComplete", "MBSPACE? .b64", ">.b64_ [] .u32", "9.7.13.15.14", 80},
    {"mbarrier.arrive_drop.noComplete", ".release .cta MBSPACE? .b64", ">.b64_ [] .u32", "9.7.13.15.14", 80},
    {"cp.async.mbarrier.arrive", ".noinc? MBSPACE? .b64", "[]", "9.7.13.15.15", 80},
    {"mbarrier.test_wait", "MBSPACE? .b64", ">.pred [] .b64", "9.7.13.15.16", 80},
    {"mbarrier.test_wait", ".acquire|.relaxed SCOPE MBSPACE? .b64", ">.pred [] .b64", "9.7.13.15.16", 80},
    {"mbarrier.test_wait", ".parity MBSPACE? .b64", ">.pred [] .u32", "9.7.13.15.16", 80},
    {"mbarrier.test_wait", ".parity .acquire|.relaxed SCOPE MBSPACE? .b64", ">.pred [] .u32", "9.7.13.15.16", 80},
    {"mbarrier.try_wait", "MBSPACE? .b64", ">.pred [] .b64 .u32?", "9.7.13.15.16", 90},
    {"mbarrier.try_wait", ".acquire|.relaxed SCOPE MBSPACE? .b64", ">.pred [] .b64 .u32?", "9.7.13.15.16", 90},
    {"mbarrier.try_wait", ".parity MBSPACE? .b64", ">.pred [] .u32 .u32?", "9.7.13.15.16", 90},
    {"mbarrier.try_wait", ".parity .acquire|.relaxed SCOPE MBSPACE? .b64", ">.pred [] .u32 .u32?", "9.7.13.15.16", 90},
    {"mbarrier.pending_count", ".b64", ">.b32 T", "9.7.13.15.17", 80},
};
// clang-format on

std::span<const FormRow> tenon::sim::ptx::syncForms() { return kRows; }
