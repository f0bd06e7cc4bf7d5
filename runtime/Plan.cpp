//===- Plan.cpp - What follows from the shapes of the inputs --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/Plan.h"

#include "runtime/Memory.h"
#include <algorithm>
#include <cinttypes>

using namespace tenon;
using namespace tenon::runtime;
using schema::ValueKind;

/// Sets sizes and places of all values from plan.exprs.
static Status place(const Interface &interface, const Program &program,
                    const Lifetimes &lifetimes, bool init, Plan &plan) {
  size_t count = program.values.size();
  plan.bytes.assign(count, -1);
  plan.place.assign(count, 0);
  std::vector<Interval> intervals;
  std::vector<uint32_t> owners;
  for (uint32_t v = 0; v < count; ++v) {
    const Value &value = program.values[v];
    int64_t size;
    // What is not known now is asked for when it is used, if ever.
    if (value.dynamic || !plan.exprs.get(value.size, size) || size < 0)
      continue;
    int64_t offset = 0, whole = size;
    if (value.kind == ValueKind::Alias) {
      whole = plan.bytes[size_t(value.base)];
      if (whole < 0)
        continue;
      if (!plan.exprs.get(size_t(value.offset), offset) || offset < 0 ||
          offset > whole || size > whole - offset)
        return fail(TENON_INVALID_ENGINE,
                    "values[%u] ('%s'): bytes %" PRId64 " + %" PRId64
                    " are past the end of value %d (%" PRId64
                    " bytes) for these sizes",
                    v, value.name, offset, size, value.base, whole);
    } else if (value.kind == ValueKind::Input ||
               value.kind == ValueKind::Output ||
               value.kind == ValueKind::State) {
      if (init)
        continue;
      const Binding &binding = interface.bindings()[size_t(value.index)];
      if (!interface.bytes(binding, plan.exprs, whole) || size > whole)
        return fail(TENON_INVALID_ENGINE,
                    "values[%u]: %" PRId64 " bytes, but '%s' has %" PRId64
                    " for these sizes",
                    v, size, binding.name, whole);
    } else if (value.kind == ValueKind::Temp && lifetimes.lives(v) && size) {
      intervals.push_back({size, lifetimes.first[v], lifetimes.last[v]});
      owners.push_back(v);
    }
    plan.bytes[v] = size;
    plan.place[v] = offset;
  }

  int64_t arena = packIntervals(intervals, program.cuda ? kCudaBufferAlignment
                                                        : kBufferAlignment);
  if (arena < 0)
    return fail(TENON_OUT_OF_MEMORY,
                "the activations for these sizes need more memory than there "
                "can be");
  for (size_t i = 0; i < intervals.size(); ++i)
    plan.place[owners[i]] = intervals[i].offset;
  plan.arenaBytes = uint64_t(arena);

  int64_t scratch = 0;
  for (const Choice &choice : program.choices) {
    int64_t bytes;
    // Kernels on CUDA have shared memory instead.
    if (choice.scratch >= 0 && !program.cuda &&
        plan.exprs.get(size_t(choice.scratch), bytes) &&
        bytes < (int64_t(1) << 40))
      scratch = std::max(scratch, bytes);
  }
  plan.scratchBytes = alignUp(uint64_t(scratch), 64);
  return {};
}

Status tenon::runtime::planShapes(const TenonTensor *inputs,
                                  const ExprTable &exprs,
                                  const Interface &interface,
                                  const Program &program,
                                  const Lifetimes &lifetimes, Plan &plan) {
  TENON_TRY(interface.resolve(inputs, exprs, program.usedExprs, plan.symbols,
                              plan.exprs));
  return place(interface, program, lifetimes, false, plan);
}

Status tenon::runtime::planInit(const ExprTable &exprs,
                                const Interface &interface,
                                const Program &program,
                                const Lifetimes &lifetimes, Plan &plan) {
  plan.symbols.resize(interface.symbols().size());
  plan.exprs.resize(exprs.size());
  for (uint32_t index : program.usedExprs)
    exprs.evaluate(index, plan.symbols, plan.exprs);
  return place(interface, program, lifetimes, true, plan);
}
