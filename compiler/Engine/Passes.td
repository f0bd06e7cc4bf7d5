//===- Passes.td - Passes to and within the engine dialect -*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_ENGINE_PASSES_TD
#define TENON_COMPILER_ENGINE_PASSES_TD

include "mlir/Pass/PassBase.td"

def BuildProgramPass : Pass<"engine-build-program", "::mlir::ModuleOp"> {
  let summary = "Kernels to code, and @main to a program that launches it";
  let description = [{
    Replaces a function @main of `graph.kernel`, `graph.constant` and aliases
    (what `graph-fuse-kernels` leaves) by an engine: its interface and one
    `engine.program`. Kernels with equal bodies are built once, as modules of
    func, scf, arith, vector and llvm ops.
  }];
  let options = [Option<"cpu", "cpu", "std::string", "\"x86-64-v3\"",
                        "ISA level that the kernels are built for">,
                 Option<"cuda", "cuda", "std::string", "\"\"",
                        "architecture that they are built for instead: "
                        "sm_80">];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
    "::mlir::func::FuncDialect", "::mlir::index::IndexDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect",
    "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tenon::engine::EngineDialect",
    "::mlir::tenon::graph::GraphDialect", "::mlir::ub::UBDialect",
    "::mlir::vector::VectorDialect"];
}

#endif // TENON_COMPILER_ENGINE_PASSES_TD
