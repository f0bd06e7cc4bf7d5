//===- Names.h - Opcodes that compute on rows -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The families switch over their opcodes. The
// look-up by name is compiled once, without an ISA level, so that the selecting
// functions of each level need nothing of the standard library: the linker
// keeps one copy of an inline function, and it must not be the one that only
// x86-64-v4 can run.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_ALU_NAMES_H
#define TENON_SIM_EXEC_ALU_NAMES_H

#include "sim/ptx/Ast.h"

namespace tenon::sim::exec {

// X(enumerator, spelling)
#define TENON_SIM_ALU_NAMES(X)                                                 \
  X(Add, "add")                                                                \
  X(Addc, "addc")                                                              \
  X(Sub, "sub")                                                                \
  X(Subc, "subc")                                                              \
  X(Mul, "mul")                                                                \
  X(Mad, "mad")                                                                \
  X(Madc, "madc")                                                              \
  X(Mul24, "mul24")                                                            \
  X(Mad24, "mad24")                                                            \
  X(Sad, "sad")                                                                \
  X(Div, "div")                                                                \
  X(Rem, "rem")                                                                \
  X(Abs, "abs")                                                                \
  X(Neg, "neg")                                                                \
  X(Min, "min")                                                                \
  X(Max, "max")                                                                \
  X(Popc, "popc")                                                              \
  X(Clz, "clz")                                                                \
  X(Bfind, "bfind")                                                            \
  X(Fns, "fns")                                                                \
  X(Brev, "brev")                                                              \
  X(Bfe, "bfe")                                                                \
  X(Bfi, "bfi")                                                                \
  X(Szext, "szext")                                                            \
  X(Bmsk, "bmsk")                                                              \
  X(Dp4a, "dp4a")                                                              \
  X(Dp2a, "dp2a")                                                              \
  X(Vabsdiff4, "vabsdiff4")                                                    \
  X(Set, "set")                                                                \
  X(Setp, "setp")                                                              \
  X(Selp, "selp")                                                              \
  X(Slct, "slct")                                                              \
  X(And, "and")                                                                \
  X(Or, "or")                                                                  \
  X(Xor, "xor")                                                                \
  X(Not, "not")                                                                \
  X(Cnot, "cnot")                                                              \
  X(Lop3, "lop3")                                                              \
  X(Shf, "shf")                                                                \
  X(Shl, "shl")                                                                \
  X(Shr, "shr")                                                                \
  X(Mov, "mov")                                                                \
  X(Prmt, "prmt")                                                              \
  X(CvtPack, "cvt.pack")                                                       \
  X(Shfl, "shfl")                                                              \
  X(Vote, "vote")                                                              \
  X(Match, "match")                                                            \
  X(Redux, "redux")                                                            \
  X(Activemask, "activemask")                                                  \
  X(Elect, "elect")                                                            \
  X(BarWarpSync, "bar.warp.sync")                                              \
  X(Testp, "testp")                                                            \
  X(Copysign, "copysign")                                                      \
  X(Fma, "fma")                                                                \
  X(Rcp, "rcp")                                                                \
  X(Sqrt, "sqrt")                                                              \
  X(Rsqrt, "rsqrt")                                                            \
  X(Sin, "sin")                                                                \
  X(Cos, "cos")                                                                \
  X(Lg2, "lg2")                                                                \
  X(Ex2, "ex2")                                                                \
  X(Tanh, "tanh")                                                              \
  X(Cvt, "cvt")

enum class Name : uint8_t {
  Other,
#define X(name, spelling) name,
  TENON_SIM_ALU_NAMES(X)
#undef X
};

/// Other where the opcode is not in the list.
Name nameOf(const ptx::Instruction &instruction);

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_ALU_NAMES_H
