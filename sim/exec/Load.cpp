//===- Load.cpp - From PTX text to kernels that can be launched -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//  1. parse and check;
//  2. find which functions and variables each kernel reaches;
//  3. place variables: global and constant ones in device memory, shared ones
//     from 0 in each kernel that reaches them (one offset for all kernels, so
//     that decoded code is shared), parameters by their alignment;
//  4. decode, then write the initial values, which may hold addresses.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Decode.h"
#include "sim/exec/Handlers.h"
#include "sim/exec/Launch.h"
#include "sim/exec/Liveness.h"
#include "sim/ptx/Parser.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <functional>
#include <set>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Mod;
using ptx::Operand;

static uint64_t alignTo(uint64_t value, uint64_t alignment) {
  return alignment ? (value + alignment - 1) / alignment * alignment : value;
}

const Kernel *LoadedModule::kernel(std::string_view name) const {
  for (const auto &kernel : kernels)
    if (kernel->name == name)
      return kernel.get();
  return nullptr;
}

const GlobalVariable *LoadedModule::variable(std::string_view name) const {
  for (const GlobalVariable &variable : variables)
    if (variable.name == name)
      return &variable;
  return nullptr;
}

LoadedModule::~LoadedModule() {
  if (memory)
    for (const GlobalVariable &variable : variables)
      memory->release(variable.address);
}

namespace {

/// What a function refers to, itself and through what it calls.
struct Reach {
  std::set<uint32_t> functions, variables;
};

class Loader {
public:
  Loader(std::string_view text, const DeviceDescription &device,
         DeviceMemory &memory)
      : device(device), memory(memory), program(std::make_shared<Program>()),
        result(std::make_unique<LoadedModule>()) {
    result->memory = &memory;
    static std::atomic<uint64_t> count{0};
    program->serial = ++count;
    program->text = text;
  }

  std::variant<std::unique_ptr<LoadedModule>, LoadError> run();

private:
  const DeviceDescription &device;
  DeviceMemory &memory;
  std::shared_ptr<Program> program;
  std::unique_ptr<LoadedModule> result;
  std::vector<Placement> placements;
  std::vector<std::shared_ptr<const Allocation>> allocations; ///< by variable
  std::vector<Reach> direct, reached;                         ///< by function
  std::optional<LoadError> error;

  void fail(LoadError::Kind kind, ptx::Place place, const std::string &what) {
    if (!error)
      error = {kind, "ptx:" + std::to_string(place.line) + ":" +
                         std::to_string(place.column) + ": " + what};
  }

  void findReach();
  void placeGlobals();
  void placeShared();
  void placeParameters();
  void makeKernels();
  void writeInitialValues();
  uint64_t symbolAddress(const ptx::Initializer &leaf, ptx::Place place);
  /// Sum of a figure along the deepest chain of calls; recursion counts once.
  uint64_t deepest(uint32_t function, uint32_t FunctionCode::*figure,
                   std::vector<uint8_t> &open) const;
};

} // namespace

static void collect(const ptx::Function &function, Reach &reach) {
  auto note = [&](const Operand &operand) {
    if (operand.kind == Operand::Kind::Variable ||
        (operand.kind == Operand::Kind::Address &&
         operand.base == Operand::Kind::Variable))
      reach.variables.insert(operand.index);
    else if (operand.kind == Operand::Kind::Function)
      reach.functions.insert(operand.index);
  };
  for (const ptx::Instruction &instruction : function.instructions)
    for (const Operand &operand : instruction.operands)
      note(operand);
  for (const Operand &operand : function.elements)
    note(operand);
}

void Loader::findReach() {
  const ptx::Module &module = program->module;
  direct.resize(module.functions.size());
  for (size_t i = 0; i < module.functions.size(); ++i)
    collect(module.functions[i], direct[i]);
  // Tables of functions in memory: whoever reads the variable may call them.
  auto functionsIn = [&](uint32_t variable, Reach &reach) {
    for (const ptx::Initializer &leaf : module.variables[variable].initializer)
      if (leaf.kind != ptx::Initializer::Kind::Number && !leaf.symbol.empty())
        for (uint32_t i = 0; i < module.functions.size(); ++i)
          if (module.functions[i].name == leaf.symbol)
            reach.functions.insert(i);
  };
  reached.resize(direct.size());
  for (uint32_t i = 0; i < direct.size(); ++i) {
    Reach all = direct[i];
    std::vector<uint32_t> open(all.functions.begin(), all.functions.end());
    std::set<uint32_t> seenVariables;
    auto addVariables = [&] {
      for (uint32_t variable : std::set<uint32_t>(all.variables))
        if (seenVariables.insert(variable).second) {
          Reach more;
          functionsIn(variable, more);
          for (uint32_t function : more.functions)
            if (all.functions.insert(function).second)
              open.push_back(function);
        }
    };
    addVariables();
    while (!open.empty()) {
      uint32_t next = open.back();
      open.pop_back();
      for (uint32_t function : direct[next].functions)
        if (all.functions.insert(function).second)
          open.push_back(function);
      all.variables.insert(direct[next].variables.begin(),
                           direct[next].variables.end());
      addVariables();
    }
    reached[i] = std::move(all);
  }
  for (uint32_t i = 0; i < direct.size() && !error; ++i)
    for (uint32_t callee : direct[i].functions)
      if (!module.functions[callee].isDefined &&
          builtinOf(module.functions[callee].name) == Builtin::None)
        fail(LoadError::Kind::Unresolved, module.functions[callee].place,
             "unresolved extern function '" + module.functions[callee].name +
                 "': link the module that defines it into this one");
}

/// What no module here defines and nothing says the size of. Of what has a
/// size, whole program compilation makes a definition: "Unresolved extern
/// variable, ignoring extern qualifier" in ptxas's words, on which Taichi's
/// shared arrays count.
static bool isUnresolved(const ptx::Variable &variable) {
  return variable.linkage == ptx::Linkage::Extern &&
         variable.initializer.empty() && variable.size() == 0;
}

void Loader::placeGlobals() {
  const ptx::Module &module = program->module;
  allocations.resize(module.variables.size());
  for (uint32_t i = 0; i < module.variables.size() && !error; ++i) {
    const ptx::Variable &variable = module.variables[i];
    if (variable.space != Mod::Global && variable.space != Mod::Const) {
      if (variable.space == Mod::Local && variable.owner == ptx::kNone)
        fail(LoadError::Kind::NotSupported, variable.place,
             "local memory of a module ('" + variable.name +
                 "') has no place with the ABI: declare it in a function");
      continue;
    }
    if (isUnresolved(variable)) {
      bool used = false;
      for (const Reach &reach : direct)
        used |= reach.variables.count(i) != 0;
      if (used)
        fail(LoadError::Kind::Unresolved, variable.place,
             "unresolved extern variable '" + variable.name + "'");
      continue;
    }
    uint64_t size = std::max<uint64_t>(variable.size(), 1);
    bool managed = variable.attributes.find("managed") != std::string::npos;
    auto made = memory.allocate(
        size, std::max<uint64_t>(256, variable.effectiveAlignment()),
        variable.space == Mod::Const ? MemoryKind::Constant
        : managed                    ? MemoryKind::Managed
                                     : MemoryKind::Variable,
        variable.name);
    if (!made) {
      fail(LoadError::Kind::OutOfMemory, variable.place,
           "no memory for variable '" + variable.name + "' of " +
               std::to_string(size) + " bytes");
      return;
    }
    // PTX ISA 5.4.4: what has no initial value is zero.
    DeviceMemory::markWritten(*made, made->address, size);
    std::memset(made->bytes, 0, size);
    placements[i] = {Placement::Kind::Fixed, made->address};
    allocations[i] = made;
    result->variables.push_back({variable.name, made->address, variable.size(),
                                 variable.space == Mod::Const, managed});
  }
}

/// One offset for each variable that fits every kernel which reaches it.
void Loader::placeShared() {
  const ptx::Module &module = program->module;
  std::vector<uint64_t> used(module.functions.size(), 0);
  for (uint32_t i = 0; i < module.variables.size(); ++i) {
    const ptx::Variable &variable = module.variables[i];
    if (variable.space != Mod::Shared)
      continue;
    if (isUnresolved(variable)) {
      placements[i] = {Placement::Kind::DynamicShared, 0};
      continue;
    }
    uint64_t at = 0;
    for (uint32_t f = 0; f < module.functions.size(); ++f)
      if (module.functions[f].isEntry && reached[f].variables.count(i))
        at = std::max(at, used[f]);
    at = alignTo(at, variable.effectiveAlignment());
    for (uint32_t f = 0; f < module.functions.size(); ++f)
      if (module.functions[f].isEntry && reached[f].variables.count(i))
        used[f] = at + variable.size();
    placements[i] = {Placement::Kind::Fixed, at};
  }
  for (auto &kernel : result->kernels)
    kernel->staticShared = used[kernel->function];
}

void Loader::placeParameters() {
  const ptx::Module &module = program->module;
  for (uint32_t f = 0; f < module.functions.size(); ++f) {
    const ptx::Function &function = module.functions[f];
    if (!function.isEntry || !function.isDefined)
      continue;
    auto kernel = std::make_unique<Kernel>();
    kernel->name = function.name;
    kernel->function = f;
    uint64_t offset = 0;
    for (uint32_t index : function.signature.parameters) {
      const ptx::Variable &variable = module.variables[index];
      uint64_t alignment = std::max(1u, variable.effectiveAlignment());
      offset = alignTo(offset, alignment);
      placements[index] = {Placement::Kind::Fixed, offset};
      kernel->parameters.push_back({offset, variable.size(), alignment});
      offset += variable.size();
    }
    kernel->parameterBytes = offset;
    for (const ptx::FunctionDirective &directive : function.directives) {
      bool required = directive.name == "reqntid";
      if (!required && directive.name != "maxntid")
        continue;
      uint64_t product = 1;
      for (size_t i = 0; i < 3; ++i) {
        uint64_t value = i < directive.values.size() ? directive.values[i] : 1;
        product *= value;
        if (required)
          kernel->required[i] = unsigned(value);
      }
      kernel->maxThreads = unsigned(std::min<uint64_t>(product, UINT32_MAX));
    }
    kernel->ptxVersion = module.versionMajor * 10 + module.versionMinor;
    kernel->binaryVersion = module.sm;
    result->kernels.push_back(std::move(kernel));
  }
}

uint64_t Loader::deepest(uint32_t function, uint32_t FunctionCode::*figure,
                         std::vector<uint8_t> &open) const {
  if (open[function])
    return 0;
  open[function] = 1;
  uint64_t below = 0;
  for (uint32_t callee : direct[function].functions)
    if (program->functions[callee].isDefined)
      below = std::max(below, deepest(callee, figure, open));
  open[function] = 0;
  return program->functions[function].*figure + below;
}

void Loader::makeKernels() {
  const ptx::Module &module = program->module;
  uint64_t constants = 0;
  for (const GlobalVariable &variable : result->variables)
    if (variable.isConstant)
      constants += variable.size;
  for (auto &kernel : result->kernels) {
    auto depth = [&](uint32_t FunctionCode::*figure) {
      std::vector<uint8_t> open(module.functions.size(), 0);
      uint64_t bytes = deepest(kernel->function, figure, open);
      // Functions called through memory are as deep as the deepest of them.
      uint32_t most = 0;
      for (uint32_t function : reached[kernel->function].functions)
        most = std::max(most, program->functions[function].*figure);
      return bytes + most;
    };
    kernel->localBytes = depth(&FunctionCode::stackBytes);
    kernel->localStorage = depth(&FunctionCode::localBytes);
    kernel->constantBytes = constants;
    for (uint32_t variable : reached[kernel->function].variables)
      if (placements[variable].kind == Placement::Kind::DynamicShared)
        kernel->dynamicAlignment =
            std::max(kernel->dynamicAlignment,
                     module.variables[variable].effectiveAlignment());
    kernel->registers =
        estimateRegisters(module, module.functions[kernel->function]);
    kernel->program = program;
  }
}

uint64_t Loader::symbolAddress(const ptx::Initializer &leaf, ptx::Place place) {
  const ptx::Module &module = program->module;
  for (uint32_t i = 0; i < module.variables.size(); ++i) {
    const ptx::Variable &variable = module.variables[i];
    if (variable.name != leaf.symbol || variable.owner != ptx::kNone)
      continue;
    if (placements[i].kind != Placement::Kind::Fixed)
      break;
    uint64_t window = leaf.kind == ptx::Initializer::Kind::Generic &&
                              variable.space == Mod::Shared
                          ? kSharedWindow
                          : 0;
    return placements[i].value + window + leaf.value;
  }
  // A function may be declared before it is defined: only the definition can
  // be called.
  uint32_t found = ptx::kNone;
  for (uint32_t i = 0; i < module.functions.size(); ++i)
    if (module.functions[i].name == leaf.symbol &&
        (found == ptx::kNone || module.functions[i].isDefined))
      found = i;
  if (found != ptx::kNone)
    return kFunctionWindow + found * kFunctionStride + leaf.value;
  fail(LoadError::Kind::Unresolved, place,
       "unresolved symbol '" + leaf.symbol + "' in an initial value");
  return 0;
}

/// PTX ISA 5.4.4: braces as in C; what is left out is zero.
void Loader::writeInitialValues() {
  const ptx::Module &module = program->module;
  for (uint32_t i = 0; i < module.variables.size() && !error; ++i) {
    const ptx::Variable &variable = module.variables[i];
    if (!allocations[i] || variable.initializer.empty())
      continue;
    unsigned bytes = std::max(1u, ptx::bitsOf(variable.type) / 8);
    // Elements of each level of braces, innermost last; vectors are a level.
    std::vector<uint64_t> sizes = variable.dimensions;
    if (variable.vector > 1)
      sizes.push_back(variable.vector);
    std::vector<uint64_t> strides(sizes.size() + 1, bytes);
    for (size_t k = sizes.size(); k-- > 0;)
      strides[k] = strides[k + 1] * sizes[k];
    uint64_t at = 0, size = variable.size();
    std::vector<uint64_t> begins;
    for (const ptx::Initializer &leaf : variable.initializer) {
      using Kind = ptx::Initializer::Kind;
      if (leaf.kind == Kind::Open) {
        begins.push_back(at);
        continue;
      }
      if (leaf.kind == Kind::Close) {
        if (begins.empty())
          break;
        size_t depth = begins.size() - 1;
        at = begins.back() + (depth < strides.size() ? strides[depth] : bytes);
        begins.pop_back();
        continue;
      }
      uint64_t value = leaf.value;
      if (leaf.kind != Kind::Number) {
        value = symbolAddress(leaf, variable.place);
        if (leaf.mask)
          value = (value & leaf.mask) >> std::countr_zero(leaf.mask);
      } else if (variable.type == ptx::Type::F32 &&
                 leaf.type == ptx::Type::F64) {
        value = std::bit_cast<uint32_t>(float(std::bit_cast<double>(value)));
      } else if (variable.type == ptx::Type::F64 &&
                 leaf.type == ptx::Type::F32) {
        value = std::bit_cast<uint64_t>(
            double(std::bit_cast<float>(uint32_t(value))));
      }
      if (at + bytes > size)
        break;
      std::memcpy(allocations[i]->bytes + at, &value, std::min(bytes, 8u));
      at += bytes;
    }
  }
}

std::variant<std::unique_ptr<LoadedModule>, LoadError> Loader::run() {
  auto parsed = ptx::parse(program->text);
  if (auto *errors = std::get_if<ptx::Diagnostics>(&parsed)) {
    std::string message;
    for (const ptx::Diagnostic &diagnostic : *errors)
      message += diagnostic.text() + "\n";
    return LoadError{LoadError::Kind::InvalidPtx, message};
  }
  program->module = std::move(std::get<ptx::Module>(parsed));
  const ptx::Module &module = program->module;
  if (module.sm > device.sm)
    return LoadError{LoadError::Kind::WrongTarget,
                     "the module is for " + module.target + ", the device (" +
                         device.name + ") is sm_" + std::to_string(device.sm) +
                         ": compile for that or an older one"};
  bool exact = !module.target.empty() &&
               (module.target.back() == 'a' || module.target.back() == 'f');
  if (exact && module.sm != device.sm)
    return LoadError{LoadError::Kind::WrongTarget,
                     "the module is for " + module.target +
                         " and runs on no other; the device (" + device.name +
                         ") is sm_" + std::to_string(device.sm)};
  if (module.addressSize != 64)
    return LoadError{LoadError::Kind::InvalidPtx,
                     "the module has 32-bit addresses, which no driver of a "
                     "64-bit system takes: write .address_size 64"};
  for (size_t at = 0; at <= program->text.size();) {
    program->lines.push_back(uint32_t(at));
    size_t end = program->text.find('\n', at);
    if (end == std::string::npos)
      break;
    at = end + 1;
  }
  placements.resize(module.variables.size());
  findReach();
  if (!error)
    placeGlobals();
  if (!error) {
    placeParameters();
    placeShared();
    if (auto failure = decode(*program, placements))
      fail(LoadError::Kind::NotSupported, failure->place, failure->message);
  }
  if (!error)
    makeKernels();
  if (!error)
    writeInitialValues();
  if (error)
    return *error;
  return std::move(result);
}

std::variant<std::unique_ptr<LoadedModule>, LoadError>
tenon::sim::exec::load(std::string_view text, const DeviceDescription &device,
                       DeviceMemory &memory) {
  return Loader(text, device, memory).run();
}
