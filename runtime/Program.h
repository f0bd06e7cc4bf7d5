//===- Program.h - A variant's program, checked and decoded ------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `decode` reads a variant once and checks what it means: every index, every
// list, who may be written, how blocks nest. What comes out needs no further
// checks: the executor and the memory planner trust it.
//
// The decoded form is flat: an instruction holds ranges into shared lists, so
// that running it touches little memory.
//
// Shown by test/unit/runtime/ProgramTest.cpp, a case for each check.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_PROGRAM_H
#define TENON_RUNTIME_PROGRAM_H

#include "runtime/Interface.h"

namespace tenon::runtime {

struct Range {
  uint32_t first = 0, count = 0;
};

struct Value {
  schema::ValueKind kind;
  int32_t index;  // of a constant or binding
  uint32_t size;  // exprs
  int32_t base;   // values, for an alias
  int32_t offset; // exprs, for an alias
  uint32_t root;  // the value that owns the memory
  bool dynamic;   // size, offset or those of its base known while running
  const char *name;
};

struct Choice {
  uint32_t kernel;
  int32_t guard;   // exprs
  uint32_t tasks;  // exprs
  int32_t grain;   // exprs
  int32_t scratch; // exprs
  int32_t grid[3]; // exprs; CUDA only
};

struct Instruction {
  schema::Operation kind;
  // Launch. `choices`, `buffers`, `scalars` are ranges of the lists below.
  Range choices, buffers, scalars;
  int32_t flops = -1, bytes = -1; // exprs
  // The rest: values, expressions, symbols, blocks by kind.
  uint32_t source = 0, target = 0; // Copy, Fill (target), ReadBack (source)
  int32_t expr = -1;               // Copy: size, ReadBack: index, SetSymbol,
                                   // If, While: condition
  uint32_t symbol = 0;
  int type = 0;                              // ReadBack
  uint8_t byte = 0;                          // Fill
  int32_t firstBlock = -1, secondBlock = -1; // If: then, else; While: cond,
                                             // body
};

struct CudaImage {
  schema::CudaImageKind kind;
  int capability; // 80 for sm_80
  uint32_t blob;
  std::string tool;
};

struct Kernel {
  const char *symbol, *name, *family, *schedule;
  // CUDA only.
  std::vector<CudaImage> images;
  uint32_t block[3] = {1, 1, 1};
  uint32_t sharedBytes = 0;
  int32_t registers = -1;
  bool mayFault = false;
};

struct Block {
  uint32_t first, count;
};

/// What changes when the program sets a run-time symbol.
struct SymbolUses {
  std::vector<uint32_t> exprs;  // ascending
  std::vector<uint32_t> values; // their size or place
};

class Program {
public:
  Status decode(const schema::Engine &engine, uint32_t variant,
                const ExprTable &exprs, const Interface &interface);

  std::vector<Value> values;
  std::vector<Kernel> kernels;
  std::vector<Instruction> instructions;
  std::vector<Block> blocks;
  std::vector<Choice> choices;
  std::vector<uint32_t> buffers; // values
  std::vector<uint32_t> scalars; // exprs
  bool cuda = false;             // else for the CPU
  uint32_t mainBlock = 0;
  int32_t initBlock = -1;

  /// All expressions that bindings, constraints and this program use.
  std::vector<uint32_t> usedExprs;    // ascending
  std::vector<SymbolUses> symbolUses; // by symbol; empty for input symbols
  bool hasRunTimeSymbols = false;
  uint32_t mostBuffers = 0, mostScalars = 0; // of one launch

  /// The ONNX nodes of an instruction: "'conv1', 'relu1'", or "".
  std::string nodeNames(uint32_t instruction) const;
  const schema::Variant &source() const { return *variantSource; }

private:
  class Decoder;
  const schema::Variant *variantSource = nullptr;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_PROGRAM_H
