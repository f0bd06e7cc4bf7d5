//===- Modifiers.h - The dotted modifiers of PTX instructions ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every modifier that a PTX instruction can carry has one enumerator, one
// spelling, and the field of an instruction that it sets. Three spellings set
// another field in some instructions (`.lo` multiplies or compares, `.and`
// combines predicates or memory); there the instruction table names the field.
//
// Types are an enumeration of their own: they also declare registers and
// variables (PTX ISA 5.2).
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_PTX_MODIFIERS_H
#define TENON_SIM_PTX_MODIFIERS_H

#include <cstdint>
#include <optional>
#include <string_view>

namespace tenon::sim::ptx {

/// What a modifier says about its instruction.
enum class Field : uint8_t {
  Flag, ///< stands alone: .sat, .ftz, .approx, .sync ...
  Type,
  Space,
  Rounding,
  Compare,
  BoolOp,
  Operation, ///< of atom, red, redux, vote, barrier reductions
  MulMode,   ///< .lo .hi .wide
  ShiftMode, ///< .l .r .wrap .clamp, and shfl's modes
  Cache,     ///< cache operator: .ca .cg ...
  Evict,     ///< first-level eviction priority
  EvictL2,
  Prefetch, ///< .L2::64B ...
  Level,    ///< .L1 .L2 of prefetch
  Order,    ///< memory ordering
  Scope,
  Vector, ///< .v2 .v4 .v8
  Number, ///< .x1 .x2 .x4 of matrix moves
  Shape,
  LayoutA,
  LayoutB,
  Fragment, ///< .a .b .c .d of wmma
  Test,     ///< .finite .infinite ... of testp
  Select,   ///< prmt's mode
  Count
};

// X(enumerator, spelling, field)
#define TENON_PTX_MODIFIERS(X)                                                 \
  /* state spaces, PTX ISA 5.1 */                                              \
  X(Const, "const", Space)                                                     \
  X(Global, "global", Space)                                                   \
  X(Local, "local", Space)                                                     \
  X(Param, "param", Space)                                                     \
  X(ParamEntry, "param::entry", Space)                                         \
  X(ParamFunc, "param::func", Space)                                           \
  X(Shared, "shared", Space)                                                   \
  X(SharedCta, "shared::cta", Space)                                           \
  X(SharedCluster, "shared::cluster", Space)                                   \
  /* rounding, PTX ISA 6.5.2 */                                                \
  X(Rn, "rn", Rounding)                                                        \
  X(Rz, "rz", Rounding)                                                        \
  X(Rm, "rm", Rounding)                                                        \
  X(Rp, "rp", Rounding)                                                        \
  X(Rna, "rna", Rounding)                                                      \
  X(Rni, "rni", Rounding)                                                      \
  X(Rzi, "rzi", Rounding)                                                      \
  X(Rmi, "rmi", Rounding)                                                      \
  X(Rpi, "rpi", Rounding)                                                      \
  /* comparisons, PTX ISA 9.3.1 */                                             \
  X(Eq, "eq", Compare)                                                         \
  X(Ne, "ne", Compare)                                                         \
  X(Lt, "lt", Compare)                                                         \
  X(Le, "le", Compare)                                                         \
  X(Gt, "gt", Compare)                                                         \
  X(Ge, "ge", Compare)                                                         \
  X(Ls, "ls", Compare)                                                         \
  X(Hs, "hs", Compare)                                                         \
  X(Equ, "equ", Compare)                                                       \
  X(Neu, "neu", Compare)                                                       \
  X(Ltu, "ltu", Compare)                                                       \
  X(Leu, "leu", Compare)                                                       \
  X(Gtu, "gtu", Compare)                                                       \
  X(Geu, "geu", Compare)                                                       \
  X(Num, "num", Compare)                                                       \
  X(Nan, "nan", Compare)                                                       \
  /* also comparisons: CMP in the table says so */                             \
  X(Lo, "lo", MulMode)                                                         \
  X(Hi, "hi", MulMode)                                                         \
  X(Wide, "wide", MulMode)                                                     \
  /* also boolean operations: BOOL in the table says so */                     \
  X(And, "and", Operation)                                                     \
  X(Or, "or", Operation)                                                       \
  X(Xor, "xor", Operation)                                                     \
  X(Add, "add", Operation)                                                     \
  X(Min, "min", Operation)                                                     \
  X(Max, "max", Operation)                                                     \
  X(Inc, "inc", Operation)                                                     \
  X(Dec, "dec", Operation)                                                     \
  X(Exch, "exch", Operation)                                                   \
  X(Cas, "cas", Operation)                                                     \
  X(Popc, "popc", Operation)                                                   \
  X(All, "all", Operation)                                                     \
  X(Any, "any", Operation)                                                     \
  X(Uni, "uni", Operation)                                                     \
  X(Ballot, "ballot", Operation)                                               \
  /* shifts and shuffles */                                                    \
  X(L, "l", ShiftMode)                                                         \
  X(R, "r", ShiftMode)                                                         \
  X(Up, "up", ShiftMode)                                                       \
  X(Down, "down", ShiftMode)                                                   \
  X(Bfly, "bfly", ShiftMode)                                                   \
  X(Idx, "idx", ShiftMode)                                                     \
  X(Wrap, "wrap", Flag)                                                        \
  X(Clamp, "clamp", Flag)                                                      \
  X(Shiftamt, "shiftamt", Flag)                                                \
  /* prmt, PTX ISA 9.7.9.7 */                                                  \
  X(F4e, "f4e", Select)                                                        \
  X(B4e, "b4e", Select)                                                        \
  X(Rc8, "rc8", Select)                                                        \
  X(Ecl, "ecl", Select)                                                        \
  X(Ecr, "ecr", Select)                                                        \
  X(Rc16, "rc16", Select)                                                      \
  /* caches, PTX ISA 9.7.9.1 and 9.7.9.2 */                                    \
  X(Ca, "ca", Cache)                                                           \
  X(Cg, "cg", Cache)                                                           \
  X(Cs, "cs", Cache)                                                           \
  X(Lu, "lu", Cache)                                                           \
  X(Cv, "cv", Cache)                                                           \
  X(Wb, "wb", Cache)                                                           \
  X(Wt, "wt", Cache)                                                           \
  X(L1EvictNormal, "L1::evict_normal", Evict)                                  \
  X(L1EvictUnchanged, "L1::evict_unchanged", Evict)                            \
  X(L1EvictFirst, "L1::evict_first", Evict)                                    \
  X(L1EvictLast, "L1::evict_last", Evict)                                      \
  X(L1NoAllocate, "L1::no_allocate", Evict)                                    \
  X(L2EvictNormal, "L2::evict_normal", EvictL2)                                \
  X(L2EvictUnchanged, "L2::evict_unchanged", EvictL2)                          \
  X(L2EvictFirst, "L2::evict_first", EvictL2)                                  \
  X(L2EvictLast, "L2::evict_last", EvictL2)                                    \
  X(L2CacheHint, "L2::cache_hint", Flag)                                       \
  X(L2Bytes64, "L2::64B", Prefetch)                                            \
  X(L2Bytes128, "L2::128B", Prefetch)                                          \
  X(L2Bytes256, "L2::256B", Prefetch)                                          \
  X(L1, "L1", Level)                                                           \
  X(L2, "L2", Level)                                                           \
  X(Fractional, "fractional", Flag)                                            \
  X(Range, "range", Flag)                                                      \
  X(Nc, "nc", Flag)                                                            \
  X(Unified, "unified", Flag)                                                  \
  /* memory model, PTX ISA 8 */                                                \
  X(Weak, "weak", Order)                                                       \
  X(Relaxed, "relaxed", Order)                                                 \
  X(Acquire, "acquire", Order)                                                 \
  X(Release, "release", Order)                                                 \
  X(AcqRel, "acq_rel", Order)                                                  \
  X(Sc, "sc", Order)                                                           \
  X(Volatile, "volatile", Order)                                               \
  X(Mmio, "mmio", Flag)                                                        \
  X(Cta, "cta", Scope)                                                         \
  X(Cluster, "cluster", Scope)                                                 \
  X(Gpu, "gpu", Scope)                                                         \
  X(Sys, "sys", Scope)                                                         \
  X(Gl, "gl", Scope)                                                           \
  X(Proxy, "proxy", Flag)                                                      \
  X(Alias, "alias", Flag)                                                      \
  X(Async, "async", Flag)                                                      \
  X(Noinc, "noinc", Flag)                                                      \
  X(NoComplete, "noComplete", Flag)                                            \
  X(Parity, "parity", Flag)                                                    \
  X(V2, "v2", Vector)                                                          \
  X(V4, "v4", Vector)                                                          \
  X(V8, "v8", Vector)                                                          \
  /* matrices, PTX ISA 9.7.14 */                                               \
  X(X1, "x1", Number)                                                          \
  X(X2, "x2", Number)                                                          \
  X(X4, "x4", Number)                                                          \
  X(Trans, "trans", Flag)                                                      \
  X(Aligned, "aligned", Flag)                                                  \
  X(Sync, "sync", Flag)                                                        \
  X(Row, "row", LayoutA)                                                       \
  X(Col, "col", LayoutA)                                                       \
  X(FragmentA, "a", Fragment)                                                  \
  X(FragmentB, "b", Fragment)                                                  \
  X(FragmentC, "c", Fragment)                                                  \
  X(FragmentD, "d", Fragment)                                                  \
  X(Load, "load", Flag)                                                        \
  X(Store, "store", Flag)                                                      \
  X(Mma, "mma", Flag)                                                          \
  X(M8N8, "m8n8", Shape)                                                       \
  X(M8N8K4, "m8n8k4", Shape)                                                   \
  X(M8N8K16, "m8n8k16", Shape)                                                 \
  X(M8N8K32, "m8n8k32", Shape)                                                 \
  X(M8N8K128, "m8n8k128", Shape)                                               \
  X(M16N8K4, "m16n8k4", Shape)                                                 \
  X(M16N8K8, "m16n8k8", Shape)                                                 \
  X(M16N8K16, "m16n8k16", Shape)                                               \
  X(M16N8K32, "m16n8k32", Shape)                                               \
  X(M16N8K64, "m16n8k64", Shape)                                               \
  X(M16N8K128, "m16n8k128", Shape)                                             \
  X(M16N8K256, "m16n8k256", Shape)                                             \
  X(M16N16K8, "m16n16k8", Shape)                                               \
  X(M16N16K16, "m16n16k16", Shape)                                             \
  X(M8N32K16, "m8n32k16", Shape)                                               \
  X(M32N8K16, "m32n8k16", Shape)                                               \
  X(Sp, "sp", Flag)                                                            \
  X(SpOrdered, "sp::ordered_metadata", Flag)                                   \
  /* testp, PTX ISA 9.7.3.1 */                                                 \
  X(Finite, "finite", Test)                                                    \
  X(Infinite, "infinite", Test)                                                \
  X(Number_, "number", Test)                                                   \
  X(NotANumber, "notanumber", Test)                                            \
  X(Normal, "normal", Test)                                                    \
  X(Subnormal, "subnormal", Test)                                              \
  /* arithmetic */                                                             \
  X(Sat, "sat", Flag)                                                          \
  X(Satfinite, "satfinite", Flag)                                              \
  X(Ftz, "ftz", Flag)                                                          \
  X(Approx, "approx", Flag)                                                    \
  X(Full, "full", Flag)                                                        \
  X(NaN, "NaN", Flag)                                                          \
  X(XorSign, "xorsign", Flag)                                                  \
  X(Abs, "abs", Flag)                                                          \
  X(Relu, "relu", Flag)                                                        \
  X(Oob, "oob", Flag)                                                          \
  X(Noftz, "noftz", Flag)                                                      \
  X(Cc, "cc", Flag)                                                            \
  X(To, "to", Flag)

enum class Mod : uint16_t {
  None,
#define X(name, spelling, field) name,
  TENON_PTX_MODIFIERS(X)
#undef X
};

// X(enumerator, spelling, bits, kind): the types of PTX ISA 5.2, and those
// that only instructions name (5.2.3, 5.2.5).
#define TENON_PTX_TYPES(X)                                                     \
  X(Pred, "pred", 1, Predicate)                                                \
  X(B1, "b1", 1, Bits)                                                         \
  X(B4, "b4", 4, Bits)                                                         \
  X(B8, "b8", 8, Bits)                                                         \
  X(B16, "b16", 16, Bits)                                                      \
  X(B32, "b32", 32, Bits)                                                      \
  X(B64, "b64", 64, Bits)                                                      \
  X(B128, "b128", 128, Bits)                                                   \
  X(U4, "u4", 4, Unsigned)                                                     \
  X(U8, "u8", 8, Unsigned)                                                     \
  X(U16, "u16", 16, Unsigned)                                                  \
  X(U32, "u32", 32, Unsigned)                                                  \
  X(U64, "u64", 64, Unsigned)                                                  \
  X(S2, "s2", 2, Signed)                                                       \
  X(U2, "u2", 2, Unsigned)                                                     \
  X(S4, "s4", 4, Signed)                                                       \
  X(S8, "s8", 8, Signed)                                                       \
  X(S16, "s16", 16, Signed)                                                    \
  X(S32, "s32", 32, Signed)                                                    \
  X(S64, "s64", 64, Signed)                                                    \
  X(F16, "f16", 16, Float)                                                     \
  X(F32, "f32", 32, Float)                                                     \
  X(F64, "f64", 64, Float)                                                     \
  X(F16x2, "f16x2", 32, Packed)                                                \
  X(BF16, "bf16", 16, Packed)                                                  \
  X(BF16x2, "bf16x2", 32, Packed)                                              \
  X(TF32, "tf32", 32, Packed)                                                  \
  X(U16x2, "u16x2", 32, Packed)                                                \
  X(S16x2, "s16x2", 32, Packed)                                                \
  X(E4M3, "e4m3", 8, Packed)                                                   \
  X(E5M2, "e5m2", 8, Packed)                                                   \
  X(E4M3x2, "e4m3x2", 16, Packed)                                              \
  X(E5M2x2, "e5m2x2", 16, Packed)                                              \
  X(TexRef, "texref", 64, Opaque)                                              \
  X(SamplerRef, "samplerref", 64, Opaque)                                      \
  X(SurfRef, "surfref", 64, Opaque)

enum class Type : uint8_t {
  None,
#define X(name, spelling, bits, kind) name,
  TENON_PTX_TYPES(X)
#undef X
};

enum class TypeKind : uint8_t {
  None,
  Predicate,
  Bits,
  Unsigned,
  Signed,
  Float,
  Packed, ///< held in a register of untyped bits of the same size
  Opaque
};

/// Without the dot.
std::string_view spelling(Mod mod);
std::string_view spelling(Type type);
Field fieldOf(Mod mod);
unsigned bitsOf(Type type);
TypeKind kindOf(Type type);
inline bool isInteger(Type type) {
  return kindOf(type) == TypeKind::Unsigned || kindOf(type) == TypeKind::Signed;
}

/// The modifier or type of a spelling without its dot.
std::optional<Mod> findMod(std::string_view spelling);
std::optional<Type> findType(std::string_view spelling);

} // namespace tenon::sim::ptx

#endif // TENON_SIM_PTX_MODIFIERS_H
