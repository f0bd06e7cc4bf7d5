//===- Program.cpp - A variant's program, checked and decoded -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/Program.h"

#include "runtime/ElementType.h"
#include "runtime/include/tenon/kernel_abi.h"
#include <algorithm>
#include <cinttypes>

using namespace tenon;
using namespace tenon::runtime;
using schema::Operation;
using schema::ValueKind;

static constexpr int kDeepestNesting = 64;
// CUDA C++ Programming Guide, "Technical Specifications per Compute
// Capability": the same for all that Tenon compiles for.
static constexpr uint64_t kMostThreadsOfBlock = 1024;
static constexpr uint32_t kMostBlockZ = 64;

class Program::Decoder {
public:
  Decoder(Program &program, const schema::Engine &engine, uint32_t variant,
          const ExprTable &exprs, const Interface &interface)
      : program(program), source(*engine.variants()->Get(variant)),
        blobs(engine.blobs() ? engine.blobs()->size() : 0), exprs(exprs),
        interface(interface), used(exprs.size(), 0),
        prefix("variants[" + std::to_string(variant) + "]") {}

  Status run();

private:
  Status bad(const std::string &path, const std::string &what) {
    return fail(TENON_INVALID_ENGINE, "%s.%s: %s", prefix.c_str(), path.c_str(),
                what.c_str());
  }
  static std::string at(const char *list, uint32_t i) {
    return std::string(list) + "[" + std::to_string(i) + "]";
  }
  /// `index` must be below `count`; `what` is the plural of the things.
  Status checkIndex(int64_t index, size_t count, const char *what,
                    const std::string &path) {
    if (index >= 0 && uint64_t(index) < count)
      return {};
    return bad(path, formatText("%" PRId64 " is past the end (%zu %s)", index,
                                count, what));
  }
  Status useExpr(int64_t index, const std::string &path) {
    TENON_TRY(checkIndex(index, exprs.size(), "expressions", path));
    exprs.markUsed(uint32_t(index), used);
    return {};
  }
  Status useOptionalExpr(int64_t index, const std::string &path) {
    return index == -1 ? Status() : useExpr(index, path);
  }
  Status useValue(int64_t index, const std::string &path) {
    return checkIndex(index, program.values.size(), "values", path);
  }
  Status useRunTimeSymbol(int64_t index, const std::string &path) {
    TENON_TRY(checkIndex(index, interface.symbols().size(), "symbols", path));
    if (interface.symbols()[size_t(index)].input >= 0)
      return bad(path, "symbol '" + interface.symbols()[size_t(index)].name +
                           "' is bound by an input");
    return {};
  }

  Status decodeValues();
  Status decodeKernels();
  Status decodeCudaKernel(const schema::CudaKernel *in, Kernel &out,
                          const std::string &path);
  Status decodeInstruction(uint32_t index);
  Status decodeLaunch(const schema::Launch &launch, Instruction &out,
                      const std::string &path);
  Status decodeBlocks();
  Status checkBlock(uint32_t block, int depth, bool init);
  Status checkAccess(const Instruction &instruction, uint32_t index, bool init);
  Status checkWritten(uint32_t value, bool init, const std::string &path);
  void findSymbolUses();

  Program &program;
  const schema::Variant &source;
  size_t blobs;
  const ExprTable &exprs;
  const Interface &interface;
  std::vector<uint8_t> used;
  std::vector<uint8_t> blockSeen, instructionSeen;
  std::vector<uint32_t> firstWritten; // by launch instruction
  std::string prefix;
};

Status Program::Decoder::decodeValues() {
  uint32_t count = source.values() ? source.values()->size() : 0;
  uint32_t constants = source.constants() ? source.constants()->size() : 0;
  for (uint32_t i = 0; i < count; ++i) {
    const schema::Value &in = *source.values()->Get(i);
    std::string path = at("values", i);
    Value value = {};
    value.kind = in.kind();
    value.index = in.index();
    value.base = -1;
    value.offset = -1;
    value.root = i;
    value.name = textOf(in.name());
    TENON_TRY(useExpr(in.size(), path + ".size"));
    value.size = uint32_t(in.size());
    value.dynamic = exprs.isDynamic(value.size);
    schema::BindingKind kind = schema::BindingKind::Input;
    switch (in.kind()) {
    case ValueKind::Temp:
      break;
    case ValueKind::Constant:
      TENON_TRY(
          checkIndex(in.index(), constants, "constants", path + ".index"));
      if (!exprs.isConstant(value.size))
        return bad(path, "the size of a constant depends on a symbol");
      break;
    case ValueKind::State:
      kind = schema::BindingKind::State;
      [[fallthrough]];
    case ValueKind::Output:
      if (in.kind() == ValueKind::Output)
        kind = schema::BindingKind::Output;
      [[fallthrough]];
    case ValueKind::Input:
      TENON_TRY(checkIndex(in.index(), interface.bindings().size(), "bindings",
                           path + ".index"));
      if (interface.bindings()[size_t(in.index())].kind != kind)
        return bad(path + ".index", "the binding is of another kind");
      value.dynamic |= interface.bindings()[size_t(in.index())].dynamic;
      break;
    case ValueKind::Alias: {
      TENON_TRY(checkIndex(in.base(), i, "earlier values", path + ".base"));
      TENON_TRY(useExpr(in.offset(), path + ".offset"));
      const Value &base = program.values[size_t(in.base())];
      value.base = in.base();
      value.offset = in.offset();
      value.root = base.root;
      value.dynamic |= base.dynamic || exprs.isDynamic(uint32_t(in.offset()));
      break;
    }
    default:
      return bad(path + ".kind", "unknown kind");
    }
    program.values.push_back(value);
  }
  return {};
}

Status Program::Decoder::decodeKernels() {
  uint32_t count = source.kernels() ? source.kernels()->size() : 0;
  for (uint32_t i = 0; i < count; ++i) {
    const schema::Kernel &in = *source.kernels()->Get(i);
    if (!in.symbol() || in.symbol()->size() == 0)
      return bad(at("kernels", i) + ".symbol", "empty");
    Kernel kernel;
    kernel.symbol = textOf(in.symbol());
    kernel.name = textOf(in.name());
    kernel.family = textOf(in.family());
    kernel.schedule = textOf(in.schedule());
    if (program.cuda)
      TENON_TRY(
          decodeCudaKernel(in.cuda(), kernel, at("kernels", i) + ".cuda"));
    program.kernels.push_back(std::move(kernel));
  }
  return {};
}

Status Program::Decoder::decodeCudaKernel(const schema::CudaKernel *in,
                                          Kernel &out,
                                          const std::string &path) {
  if (!in)
    return bad(path, "a kernel of a CUDA variant needs it");
  uint32_t images = in->images() ? in->images()->size() : 0;
  if (images == 0)
    return bad(path + ".images", "empty");
  for (uint32_t k = 0; k < images; ++k) {
    const schema::CudaImage &image = *in->images()->Get(k);
    std::string where = path + "." + at("images", k);
    if (image.kind() != schema::CudaImageKind::Ptx &&
        image.kind() != schema::CudaImageKind::Cubin)
      return bad(where + ".kind",
                 "unknown kind " + std::to_string(int(image.kind())));
    if (image.compute_capability() <= 0)
      return bad(
          where + ".compute_capability",
          formatText("%d, expected 80, 89, ...", image.compute_capability()));
    TENON_TRY(checkIndex(image.blob(), blobs, "blobs", where + ".blob"));
    out.images.push_back({image.kind(), image.compute_capability(),
                          image.blob(), textOf(image.tool())});
  }
  uint32_t block[] = {in->block_x(), in->block_y(), in->block_z()};
  uint64_t threads = 1;
  for (int d = 0; d < 3; ++d) {
    out.block[d] = block[d];
    // Each below 2^11 after the first check, so that the product is exact.
    threads = block[d] > kMostThreadsOfBlock ? 0 : threads * block[d];
  }
  if (threads == 0 || threads > kMostThreadsOfBlock || block[2] > kMostBlockZ)
    return bad(path, formatText("a block of %u x %u x %u threads, expected 1 "
                                "to 1024 of them, at most 64 along z",
                                block[0], block[1], block[2]));
  out.sharedBytes = in->shared();
  out.registers = in->registers();
  out.mayFault = in->may_fault();
  return {};
}

Status Program::Decoder::decodeLaunch(const schema::Launch &launch,
                                      Instruction &out,
                                      const std::string &path) {
  uint32_t choices = launch.choices() ? launch.choices()->size() : 0;
  if (choices == 0)
    return bad(path, "a launch needs a kernel");
  out.choices = {uint32_t(program.choices.size()), choices};
  for (uint32_t k = 0; k < choices; ++k) {
    const schema::LaunchChoice &in = *launch.choices()->Get(k);
    std::string where = path + "." + at("choices", k);
    TENON_TRY(checkIndex(in.kernel(), program.kernels.size(), "kernels",
                         where + ".kernel"));
    TENON_TRY(useOptionalExpr(in.guard(), where + ".guard"));
    TENON_TRY(useExpr(in.tasks(), where + ".tasks"));
    TENON_TRY(useOptionalExpr(in.grain(), where + ".grain"));
    TENON_TRY(useOptionalExpr(in.scratch(), where + ".scratch"));
    Choice choice = {in.kernel(), in.guard(),   in.tasks(),
                     in.grain(),  in.scratch(), {-1, -1, -1}};
    if (program.cuda) {
      uint32_t dims = in.grid() ? in.grid()->size() : 0;
      if (dims != 3)
        return bad(where + ".grid",
                   formatText("%u expressions, expected 3", dims));
      for (uint32_t d = 0; d < 3; ++d) {
        TENON_TRY(useExpr(in.grid()->Get(d), where + "." + at("grid", d)));
        choice.grid[d] = int32_t(in.grid()->Get(d));
      }
    }
    program.choices.push_back(choice);
  }
  uint32_t buffers = launch.buffers() ? launch.buffers()->size() : 0;
  out.buffers = {uint32_t(program.buffers.size()), buffers};
  for (uint32_t k = 0; k < buffers; ++k) {
    TENON_TRY(
        useValue(launch.buffers()->Get(k), path + "." + at("buffers", k)));
    program.buffers.push_back(launch.buffers()->Get(k));
  }
  uint32_t scalars = launch.scalars() ? launch.scalars()->size() : 0;
  out.scalars = {uint32_t(program.scalars.size()), scalars};
  for (uint32_t k = 0; k < scalars; ++k) {
    TENON_TRY(useExpr(launch.scalars()->Get(k), path + "." + at("scalars", k)));
    program.scalars.push_back(launch.scalars()->Get(k));
  }
  TENON_TRY(useOptionalExpr(launch.flops(), path + ".flops"));
  TENON_TRY(useOptionalExpr(launch.bytes(), path + ".bytes"));
  out.flops = launch.flops();
  out.bytes = launch.bytes();
  program.mostBuffers = std::max(program.mostBuffers, buffers);
  program.mostScalars = std::max(program.mostScalars, scalars);
  return {};
}

Status Program::Decoder::decodeInstruction(uint32_t index) {
  const schema::Instruction &in = *source.instructions()->Get(index);
  std::string path = at("instructions", index);
  if (!in.operation())
    return bad(path,
               "unknown operation " + std::to_string(int(in.operation_type())));
  Instruction out = {};
  out.kind = in.operation_type();
  uint32_t written = 0;
  switch (out.kind) {
  case Operation::Launch: {
    const auto &launch = *in.operation_as_Launch();
    TENON_TRY(decodeLaunch(launch, out, path));
    written = launch.first_output();
    if (written > out.buffers.count)
      return bad(path + ".first_output",
                 formatText("%u is past the end (%u buffers)", written,
                            out.buffers.count));
    break;
  }
  case Operation::Copy: {
    const auto &copy = *in.operation_as_Copy();
    TENON_TRY(useValue(copy.source(), path + ".source"));
    TENON_TRY(useValue(copy.target(), path + ".target"));
    TENON_TRY(useOptionalExpr(copy.size(), path + ".size"));
    out.source = copy.source();
    out.target = copy.target();
    out.expr = copy.size();
    break;
  }
  case Operation::Fill:
    TENON_TRY(useValue(in.operation_as_Fill()->target(), path + ".target"));
    out.target = in.operation_as_Fill()->target();
    out.byte = in.operation_as_Fill()->byte();
    break;
  case Operation::ReadBack: {
    const auto &read = *in.operation_as_ReadBack();
    TENON_TRY(useValue(read.value(), path + ".value"));
    TENON_TRY(useOptionalExpr(read.index(), path + ".index"));
    TENON_TRY(useRunTimeSymbol(read.symbol(), path + ".symbol"));
    out.source = read.value();
    out.expr = read.index();
    out.symbol = read.symbol();
    out.type = int(read.type());
    switch (out.type) {
    case TENON_BOOL:
    case TENON_INT8:
    case TENON_UINT8:
    case TENON_INT16:
    case TENON_UINT16:
    case TENON_INT32:
    case TENON_UINT32:
    case TENON_INT64:
    case TENON_UINT64:
      break;
    default:
      return bad(path + ".type",
                 std::string("cannot read back ") + elementName(out.type));
    }
    break;
  }
  case Operation::SetSymbol:
    TENON_TRY(useRunTimeSymbol(in.operation_as_SetSymbol()->symbol(),
                               path + ".symbol"));
    TENON_TRY(useExpr(in.operation_as_SetSymbol()->expr(), path + ".expr"));
    out.symbol = in.operation_as_SetSymbol()->symbol();
    out.expr = int32_t(in.operation_as_SetSymbol()->expr());
    break;
  case Operation::If:
    TENON_TRY(useExpr(in.operation_as_If()->condition(), path + ".condition"));
    out.expr = int32_t(in.operation_as_If()->condition());
    out.firstBlock = int32_t(in.operation_as_If()->then_block());
    out.secondBlock = in.operation_as_If()->else_block();
    break;
  case Operation::While:
    TENON_TRY(
        useExpr(in.operation_as_While()->condition(), path + ".condition"));
    out.expr = int32_t(in.operation_as_While()->condition());
    out.firstBlock = in.operation_as_While()->condition_block();
    out.secondBlock = int32_t(in.operation_as_While()->body_block());
    break;
  default:
    return bad(path, "unknown operation");
  }
  if (in.waits())
    for (uint32_t k = 0; k < in.waits()->size(); ++k)
      TENON_TRY(checkIndex(in.waits()->Get(k), index, "earlier instructions",
                           path + "." + at("waits", k)));
  program.instructions.push_back(out);
  firstWritten.push_back(written);
  return {};
}

Status Program::Decoder::decodeBlocks() {
  uint32_t count = source.blocks() ? source.blocks()->size() : 0;
  for (uint32_t i = 0; i < count; ++i) {
    const schema::Block &in = *source.blocks()->Get(i);
    if (in.first() > program.instructions.size() ||
        in.count() > program.instructions.size() - in.first())
      return bad(at("blocks", i),
                 formatText("instructions %u + %u are past the end (%zu "
                            "instructions)",
                            in.first(), in.count(),
                            program.instructions.size()));
    program.blocks.push_back({in.first(), in.count()});
  }
  blockSeen.assign(count, 0);
  instructionSeen.assign(program.instructions.size(), 0);
  program.mainBlock = source.main_block();
  program.initBlock = source.init_block();
  TENON_TRY(checkIndex(program.mainBlock, count, "blocks", "main_block"));
  TENON_TRY(checkBlock(program.mainBlock, 0, false));
  if (program.initBlock != -1) {
    TENON_TRY(checkIndex(program.initBlock, count, "blocks", "init_block"));
    TENON_TRY(checkBlock(uint32_t(program.initBlock), 0, true));
  }
  return {};
}

Status Program::Decoder::checkBlock(uint32_t block, int depth, bool init) {
  std::string path = at("blocks", block);
  if (blockSeen[block])
    return bad(path, "is used twice");
  blockSeen[block] = 1;
  if (depth > kDeepestNesting)
    return bad(path, formatText("is nested deeper than %d", kDeepestNesting));
  const Block &range = program.blocks[block];
  for (uint32_t i = range.first; i < range.first + range.count; ++i) {
    const Instruction &instruction = program.instructions[i];
    // Blocks do not overlap, which also keeps this walk linear.
    if (instructionSeen[i])
      return bad(path,
                 formatText("instruction %u is in another block, too", i));
    instructionSeen[i] = 1;
    TENON_TRY(checkAccess(instruction, i, init));
    for (int32_t inner : {instruction.firstBlock, instruction.secondBlock}) {
      if (inner == -1)
        continue;
      TENON_TRY(checkIndex(inner, program.blocks.size(), "blocks",
                           at("instructions", i) + ".block"));
      if (uint32_t(inner) <= block)
        return bad(at("instructions", i) + ".block",
                   formatText("block %d does not come after its own block %u",
                              inner, block));
      TENON_TRY(checkBlock(uint32_t(inner), depth + 1, init));
    }
  }
  return {};
}

Status Program::Decoder::checkWritten(uint32_t value, bool init,
                                      const std::string &path) {
  const Value &root = program.values[program.values[value].root];
  switch (root.kind) {
  case ValueKind::Temp:
  case ValueKind::Output:
  case ValueKind::State:
    return {};
  case ValueKind::Constant:
    if (init && source.constants()->Get(uint32_t(root.index))->kind() ==
                    schema::ConstantKind::Derived)
      return {};
    return bad(path, formatText("value %u is a constant, which cannot be "
                                "written here",
                                value));
  default:
    return bad(path, formatText("value %u is an input, which cannot be "
                                "written",
                                value));
  }
}

/// What the instruction reads and writes must be there in its program.
Status Program::Decoder::checkAccess(const Instruction &instruction,
                                     uint32_t index, bool init) {
  std::string path = at("instructions", index);
  auto access = [&](uint32_t value, bool writes) -> Status {
    const Value &root = program.values[program.values[value].root];
    if (init && root.kind != ValueKind::Temp &&
        root.kind != ValueKind::Constant)
      return bad(path, formatText("value %u is a binding, which the init "
                                  "program does not have",
                                  value));
    return writes ? checkWritten(value, init, path) : Status();
  };
  switch (instruction.kind) {
  case Operation::Launch:
    for (uint32_t k = 0; k < instruction.buffers.count; ++k)
      TENON_TRY(access(program.buffers[instruction.buffers.first + k],
                       k >= firstWritten[index]));
    return {};
  case Operation::Copy:
    TENON_TRY(access(instruction.source, false));
    return access(instruction.target, true);
  case Operation::Fill:
    return access(instruction.target, true);
  case Operation::ReadBack:
    return access(instruction.source, false);
  default:
    return {};
  }
}

void Program::Decoder::findSymbolUses() {
  program.symbolUses.resize(interface.symbols().size());
  for (uint32_t s = 0; s < interface.symbols().size(); ++s) {
    if (interface.symbols()[s].input >= 0)
      continue;
    program.hasRunTimeSymbols = true;
    SymbolUses &uses = program.symbolUses[s];
    std::vector<uint8_t> depends = exprs.dependents(s);
    for (uint32_t index : program.usedExprs)
      if (depends[index])
        uses.exprs.push_back(index);
    std::vector<uint8_t> moves(program.values.size(), 0);
    for (uint32_t v = 0; v < program.values.size(); ++v) {
      const Value &value = program.values[v];
      moves[v] =
          depends[value.size] ||
          (value.base >= 0 && (moves[value.base] || depends[value.offset]));
      if (value.kind == ValueKind::Output)
        for (uint32_t dim : interface.bindings()[size_t(value.index)].dims)
          moves[v] |= depends[dim];
      if (moves[v])
        uses.values.push_back(v);
    }
  }
}

Status Program::Decoder::run() {
  if (source.kernel_abi() != TENON_KERNEL_ABI_VERSION)
    return fail(TENON_UNSUPPORTED,
                "%s.kernel_abi: %u, this runtime has %d: recompile from ONNX",
                prefix.c_str(), source.kernel_abi(), TENON_KERNEL_ABI_VERSION);
  program.cuda =
      source.target() && source.target()->kind() == schema::TargetKind::Cuda;
  for (const Binding &binding : interface.bindings())
    for (uint32_t dim : binding.dims)
      exprs.markUsed(dim, used);
  for (const Constraint &rule : interface.constraints()) {
    exprs.markUsed(rule.lhs, used);
    exprs.markUsed(rule.rhs, used);
  }
  TENON_TRY(decodeValues());
  TENON_TRY(decodeKernels());
  uint32_t count = source.instructions() ? source.instructions()->size() : 0;
  for (uint32_t i = 0; i < count; ++i)
    TENON_TRY(decodeInstruction(i));
  TENON_TRY(decodeBlocks());
  for (uint32_t i = 0; i < exprs.size(); ++i)
    if (used[i])
      program.usedExprs.push_back(i);
  findSymbolUses();
  return {};
}

Status Program::decode(const schema::Engine &engine, uint32_t variant,
                       const ExprTable &exprs, const Interface &interface) {
  variantSource = engine.variants()->Get(variant);
  return Decoder(*this, engine, variant, exprs, interface).run();
}

std::string Program::nodeNames(uint32_t instruction) const {
  std::string names;
  const auto *nodes = variantSource->instructions()->Get(instruction)->nodes();
  for (uint32_t i = 0; nodes && i < nodes->size(); ++i)
    names += (i ? ", '" : "'") + nodes->Get(i)->str() + "'";
  return names;
}
