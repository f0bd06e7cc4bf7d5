//===- CodeObjectTest.cpp - Kernel modules to a shared library ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What compiler/Target/CPU promises: the properties of the library (symbols,
// segments, relocations, identical bytes), the quality of the register-blocked
// inner loop, and that each failure is a diagnostic.
//
//===----------------------------------------------------------------------===//
#include "test/unit/math/Harness.h"

#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/MemoryBuffer.h"

#include "gtest/gtest.h"

#include <set>
#include <sstream>

using namespace mlir;
using namespace mlir::tenon;
using namespace mlir::tenon::test;

/// A kernel called `name` around `body`, which may use %buffers … %error.
static std::string kernelText(const std::string &name, const std::string &body,
                              const std::string &attributes = "") {
  return "func.func @" + name +
         "(%buffers: !llvm.ptr, %scalars: !llvm.ptr, %begin: i64, %end: i64, "
         "%scratch: !llvm.ptr, %error: !llvm.ptr) -> i32 " +
         attributes + " {\n  %ok = arith.constant 0 : i32\n" + body +
         "  func.return %ok : i32\n}\n";
}

/// out[i] = in[i] * factor, scalar, over [begin, end).
static std::string scaleKernel(const std::string &name, double factor) {
  return kernelText(name, R"(
  %in = llvm.load %buffers : !llvm.ptr -> !llvm.ptr
  %slot = llvm.getelementptr %buffers[1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %out = llvm.load %slot : !llvm.ptr -> !llvm.ptr
  %one = arith.constant 1 : i64
  %factor = arith.constant )" +
                              std::to_string(factor) + R"( : f32
  scf.for %i = %begin to %end step %one : i64 {
    %p = llvm.getelementptr %in[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %q = llvm.getelementptr %out[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %x = llvm.load %p : !llvm.ptr -> f32
    %y = arith.mulf %x, %factor : f32
    llvm.store %y, %q : f32, !llvm.ptr
  }
)");
}

/// A[K][6] times B[K][16], accumulated in 12 vectors carried by the loop.
static std::string microkernel() {
  std::ostringstream os;
  os << R"(
  %a = llvm.load %buffers : !llvm.ptr -> !llvm.ptr
  %bs = llvm.getelementptr %buffers[1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %b = llvm.load %bs : !llvm.ptr -> !llvm.ptr
  %cs = llvm.getelementptr %buffers[2] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %c = llvm.load %cs : !llvm.ptr -> !llvm.ptr
  %k = llvm.load %scalars : !llvm.ptr -> i64
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %mr = arith.constant 6 : i64
  %nr = arith.constant 16 : i64
  %z = arith.constant dense<0.0> : vector<8xf32>
)";
  const std::string vec = "vector<8xf32>";
  std::string init, types, yielded;
  for (int n = 0; n < 12; ++n) {
    std::string comma = n ? ", " : "", id = std::to_string(n);
    init += comma + "%acc" + id + " = %z";
    types += comma + vec;
    yielded += comma + "%n" + id;
  }
  os << "  %r:12 = scf.for %i = %zero to %k step %one iter_args(" << init
     << ") -> (" << types << ") : i64 {\n"
     << "    %ia = arith.muli %i, %mr : i64\n"
     << "    %ib = arith.muli %i, %nr : i64\n"
     << "    %pa = llvm.getelementptr %a[%ia] : (!llvm.ptr, i64) -> !llvm.ptr, "
        "f32\n"
     << "    %pb0 = llvm.getelementptr %b[%ib] : (!llvm.ptr, i64) -> "
        "!llvm.ptr, f32\n"
     << "    %pb1 = llvm.getelementptr %pb0[8] : (!llvm.ptr) -> !llvm.ptr, "
        "f32\n"
     << "    %b0 = llvm.load %pb0 {alignment = 4} : !llvm.ptr -> " << vec
     << "\n    %b1 = llvm.load %pb1 {alignment = 4} : !llvm.ptr -> " << vec
     << "\n";
  for (int m = 0; m < 6; ++m) {
    os << "    %pa" << m << " = llvm.getelementptr %pa[" << m
       << "] : (!llvm.ptr) -> !llvm.ptr, f32\n"
       << "    %s" << m << " = llvm.load %pa" << m << " : !llvm.ptr -> f32\n"
       << "    %v" << m << " = vector.broadcast %s" << m << " : f32 to " << vec
       << "\n";
    for (int n = 0; n < 2; ++n)
      os << "    %n" << 2 * m + n << " = vector.fma %v" << m << ", %b" << n
         << ", %acc" << 2 * m + n << " : " << vec << "\n";
  }
  os << "    scf.yield " << yielded << " : " << types << "\n  }\n";
  for (int n = 0; n < 12; ++n)
    os << "  %o" << n << " = llvm.getelementptr %c[" << 8 * n
       << "] : (!llvm.ptr) -> !llvm.ptr, f32\n  llvm.store %r#" << n << ", %o"
       << n << " {alignment = 4} : " << vec << ", !llvm.ptr\n";
  return kernelText("microkernel", os.str());
}

static FailureOr<SmallVector<char>>
compile(KernelContext &kernels, const std::vector<std::string> &texts,
        const CodeObjectOptions &options = {},
        const char *target = "x86-64-v3") {
  auto modules = kernels.parse(texts);
  return compileToCodeObject(&kernels.context, modules,
                             *lookupCpuTarget(target), options);
}

/// The ELF view of a code object.
static std::unique_ptr<llvm::object::ELF64LEObjectFile>
openElf(llvm::ArrayRef<char> bytes) {
  auto file = llvm::object::ELF64LEObjectFile::create(llvm::MemoryBufferRef(
      llvm::StringRef(bytes.data(), bytes.size()), "code object"));
  if (!file) {
    ADD_FAILURE() << llvm::toString(file.takeError());
    return nullptr;
  }
  return std::make_unique<llvm::object::ELF64LEObjectFile>(std::move(*file));
}

TEST(CpuTarget, TableAndNative) {
  ASSERT_TRUE(lookupCpuTarget("x86-64-v3"));
  EXPECT_EQ(lookupCpuTarget("x86-64-v3")->lanes(32), 8u);
  EXPECT_EQ(lookupCpuTarget("x86-64-v4")->lanes(32), 16u);
  EXPECT_EQ(lookupCpuTarget("x86-64-v9"), nullptr);
  if (const CpuTarget *native = lookupCpuTarget("native")) {
    EXPECT_TRUE(lookupCpuTarget(native->level));
    EXPECT_NE(native->compiledFor, "");
    EXPECT_EQ(native->variantName().find(native->level), 0u);
  }
}

TEST(CodeObject, KernelRuns) {
  KernelContext kernels;
  auto library = compileAndOpen(
      kernels,
      kernels.parse({scaleKernel("twice", 2), scaleKernel("half", .5)}));
  ASSERT_TRUE(library);
  std::vector<float> in = {1, 2, 3, 4}, out(4, -1.0f);
  void *buffers[] = {in.data(), out.data()};
  EXPECT_EQ(library->find("twice")(buffers, nullptr, 1, 3, nullptr, nullptr),
            TENON_KERNEL_OK);
  EXPECT_EQ(out, (std::vector<float>{-1, 4, 6, -1}));
  EXPECT_EQ(library->find("half")(buffers, nullptr, 0, 4, nullptr, nullptr),
            TENON_KERNEL_OK);
  EXPECT_EQ(out, (std::vector<float>{.5, 1, 1.5, 2}));
}

TEST(CodeObject, SameBytesForAnyNumberOfThreads) {
  std::vector<std::string> texts;
  for (int i = 0; i < 12; ++i)
    texts.push_back(scaleKernel("k" + std::to_string(i), i + 1));
  texts.push_back(microkernel());
  std::vector<SmallVector<char>> results;
  for (unsigned threads : {1u, 2u, 3u, 8u}) {
    KernelContext kernels;
    CodeObjectOptions options;
    options.threads = threads;
    if (threads == 1)
      kernels.context.disableMultithreading();
    auto bytes = compile(kernels, texts, options);
    ASSERT_TRUE(succeeded(bytes));
    results.push_back(*bytes);
  }
  for (const auto &result : results)
    EXPECT_TRUE(result == results[0]);
}

TEST(CodeObject, ExportsOnlyKernelsAndNeedsNothing) {
  KernelContext kernels;
  std::string helper = R"(
func.func private @helper(%x: f32) -> f32 {
  %y = arith.addf %x, %x : f32
  func.return %y : f32
}
)";
  // A copy that LLVM turns into memmove.
  std::string copy = kernelText("copy", R"(
  %in = llvm.load %buffers : !llvm.ptr -> !llvm.ptr
  %slot = llvm.getelementptr %buffers[1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %out = llvm.load %slot : !llvm.ptr -> !llvm.ptr
  "llvm.intr.memcpy"(%out, %in, %end) <{isVolatile = false}> : (!llvm.ptr, !llvm.ptr, i64) -> ()
)");
  auto bytes = compile(kernels, {helper + scaleKernel("scale", 3), copy});
  ASSERT_TRUE(succeeded(bytes));
  auto elf = openElf(*bytes);
  ASSERT_TRUE(elf);
  std::set<std::string> defined;
  for (llvm::object::ELFSymbolRef symbol : elf->getDynamicSymbolIterators()) {
    uint32_t flags = llvm::cantFail(symbol.getFlags());
    std::string name = llvm::cantFail(symbol.getName()).str();
    EXPECT_FALSE(flags & llvm::object::SymbolRef::SF_Undefined && !name.empty())
        << name;
    if (!name.empty())
      defined.insert(name);
  }
  EXPECT_EQ(defined, (std::set<std::string>{"scale", "copy"}));
  EXPECT_EQ(elf->symbol_begin(), elf->symbol_end()); // .symtab is stripped
}

TEST(CodeObject, SegmentsAndDynamicSection) {
  KernelContext kernels;
  auto bytes = compile(kernels, {scaleKernel("scale", 3), microkernel()});
  ASSERT_TRUE(succeeded(bytes));
  auto elf = openElf(*bytes);
  ASSERT_TRUE(elf);
  bool stack = false;
  for (auto &segment : llvm::cantFail(elf->getELFFile().program_headers())) {
    bool write = segment.p_flags & llvm::ELF::PF_W;
    bool execute = segment.p_flags & llvm::ELF::PF_X;
    EXPECT_FALSE(write && execute);
    stack |= segment.p_type == llvm::ELF::PT_GNU_STACK && !execute;
  }
  EXPECT_TRUE(stack);
  for (auto &entry : llvm::cantFail(elf->getELFFile().dynamicEntries())) {
    EXPECT_NE(entry.d_tag, llvm::ELF::DT_NEEDED);
    EXPECT_NE(entry.d_tag, llvm::ELF::DT_TEXTREL);
    EXPECT_NE(entry.d_tag, llvm::ELF::DT_INIT_ARRAY);
    EXPECT_NE(entry.d_tag, llvm::ELF::DT_RELA);
    EXPECT_NE(entry.d_tag, llvm::ELF::DT_JMPREL);
  }
}

/// The instructions of the innermost loop with the most FMAs in AT&T assembly:
/// from a label to the jump back to it.
static std::vector<std::string> innermostLoop(const std::string &assembly) {
  std::vector<std::string> best, block;
  std::string label, line;
  std::istringstream lines(assembly);
  auto fmas = [](const std::vector<std::string> &code) {
    return llvm::count_if(code, [](const std::string &text) {
      return llvm::StringRef(text).starts_with("vfmadd");
    });
  };
  while (std::getline(lines, line)) {
    llvm::StringRef text = llvm::StringRef(line).split('#').first.trim();
    if (text.starts_with(".LBB") && text.ends_with(":")) {
      label = text.drop_back().str();
      block.clear();
    } else if (!text.empty() && !text.starts_with(".")) {
      block.push_back(text.str());
      if (text.starts_with("j") && text.ends_with(label) && !label.empty() &&
          fmas(block) > fmas(best))
        best = block;
    }
  }
  return best;
}

TEST(CodeObject, MicrokernelKeepsAccumulatorsInRegisters) {
  struct Expected {
    const char *target, *registers;
  };
  for (Expected expected :
       {Expected{"x86-64-v3", "%ymm"}, Expected{"x86-64-v4", "%ymm"}}) {
    KernelContext kernels;
    TemporaryFolder folder;
    CodeObjectOptions options;
    options.saveTemps = folder.path;
    auto bytes = compile(kernels, {microkernel()}, options, expected.target);
    ASSERT_TRUE(succeeded(bytes));
    std::vector<std::string> loop = innermostLoop(folder.read("microkernel.s"));
    std::string text;
    int fmas = 0;
    for (const std::string &line : loop) {
      llvm::StringRef code(line);
      text += line + "\n";
      EXPECT_FALSE(code.contains("%rsp") || code.contains("%rbp")) << line;
      EXPECT_FALSE(code.starts_with("vmovaps") && !code.contains("("))
          << "register copy: " << line;
      if (code.starts_with("vfmadd")) {
        ++fmas;
        EXPECT_TRUE(code.contains(expected.registers)) << line;
      }
    }
    EXPECT_EQ(fmas % 12, 0) << text;
    EXPECT_GE(fmas, 12) << text;
    // 12 FMAs, 6 broadcasts, 2 loads, and a handful for the addresses.
    EXPECT_LE(loop.size(), size_t(fmas / 12 * 20 + 6)) << text;
    for (const char *extension : {".mlir", ".ll", ".o"})
      EXPECT_NE(folder.read(std::string("microkernel") + extension), "");
  }
}

TEST(CodeObject, MicrokernelMultiplies) {
  KernelContext kernels;
  auto library = compileAndOpen(kernels, kernels.parse({microkernel()}));
  ASSERT_TRUE(library);
  const int64_t depth = 37;
  std::vector<float> a(depth * 6), b(depth * 16), c(96), expected(96);
  for (size_t i = 0; i < a.size(); ++i)
    a[i] = float(i % 7) - 3;
  for (size_t i = 0; i < b.size(); ++i)
    b[i] = float(i % 5) - 2;
  for (int k = 0; k < depth; ++k)
    for (int m = 0; m < 6; ++m)
      for (int n = 0; n < 16; ++n)
        expected[m * 16 + n] += a[k * 6 + m] * b[k * 16 + n];
  void *buffers[] = {a.data(), b.data(), c.data()};
  library->find("microkernel")(buffers, &depth, 0, 1, nullptr, nullptr);
  EXPECT_EQ(c, expected); // small integers: exact
}

/// Reads an input, writes an output, reads the input again: with distinct
/// buffers the second load is the first.
TEST(CodeObject, DistinctBuffersRemoveReloads) {
  std::string body = R"(
  %in = llvm.load %buffers : !llvm.ptr -> !llvm.ptr
  %slot = llvm.getelementptr %buffers[1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %out = llvm.load %slot : !llvm.ptr -> !llvm.ptr
  %p = llvm.getelementptr %in[%begin] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  %q = llvm.getelementptr %out[%begin] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  %x = llvm.load %p : !llvm.ptr -> f32
  %twice = arith.addf %x, %x : f32
  llvm.store %twice, %q : f32, !llvm.ptr
  %y = llvm.load %p : !llvm.ptr -> f32
  %q2 = llvm.getelementptr %q[1] : (!llvm.ptr) -> !llvm.ptr, f32
  llvm.store %y, %q2 : f32, !llvm.ptr
)";
  auto loads = [&](const std::string &attributes) {
    KernelContext kernels;
    TemporaryFolder folder;
    CodeObjectOptions options;
    options.saveTemps = folder.path;
    EXPECT_TRUE(succeeded(
        compile(kernels, {kernelText("copy", body, attributes)}, options)));
    std::string ir = folder.read("copy.ll");
    return llvm::StringRef(ir).count("= load float");
  };
  EXPECT_EQ(loads(""), 2u);
  EXPECT_EQ(loads("attributes {tenon.distinct_buffers}"), 1u);
}

TEST(CodeObject, LoopsAreVectorizedOnRequestOnly) {
  auto isVectorized = [](bool ask) {
    KernelContext kernels;
    TemporaryFolder folder;
    CodeObjectOptions options;
    options.saveTemps = folder.path;
    std::string text = scaleKernel("scale", 3);
    if (ask)
      text.insert(text.find("-> i32 ") + 7,
                  "attributes {tenon.distinct_buffers, "
                  "tenon.vectorize_loops}");
    EXPECT_TRUE(succeeded(compile(kernels, {text}, options)));
    return folder.read("scale.ll").find("fmul <8 x float>") !=
           std::string::npos;
  };
  EXPECT_FALSE(isVectorized(false));
  EXPECT_TRUE(isVectorized(true));
}

/// The one message that compiling `texts` gives.
static std::string messageFor(const std::vector<std::string> &texts,
                              CodeObjectOptions options = {}) {
  KernelContext kernels;
  auto bytes = compile(kernels, texts, options);
  EXPECT_TRUE(failed(bytes));
  EXPECT_EQ(kernels.messages.size(), 1u);
  return kernels.messages.empty() ? "" : kernels.messages[0];
}

TEST(CodeObject, CannotSelectIsADiagnostic) {
  std::string bad = kernelText("bad", R"(
  %x = llvm.call_intrinsic "llvm.nvvm.read.ptx.sreg.tid.x"() : () -> i32
  %p = llvm.load %buffers : !llvm.ptr -> !llvm.ptr
  llvm.store %x, %p : i32, !llvm.ptr
)");
  CodeObjectOptions options;
  options.threads = 2;
  std::string kernel, ir;
  options.onInternalError = [&](llvm::StringRef name, llvm::StringRef text) {
    kernel = name.str();
    ir = text.str();
  };
  std::string message = messageFor(
      {scaleKernel("good", 1), bad, scaleKernel("fine", 2)}, options);
  EXPECT_NE(message.find("internal error: LLVM cannot compile kernel 'bad' for "
                         "x86-64-v3"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("annot select"), std::string::npos) << message;
  EXPECT_EQ(kernel, "bad");
  EXPECT_NE(ir.find("define i32 @bad"), std::string::npos);
}

TEST(CodeObject, UndefinedSymbolNamesKernel) {
  std::string call = kernelText("calls", R"(
  %x = llvm.call @sinh(%x0) : (f64) -> f64
  %p = llvm.load %buffers : !llvm.ptr -> !llvm.ptr
  llvm.store %x, %p : f64, !llvm.ptr
)");
  call.insert(call.find("  %x ="), "  %x0 = arith.constant 1.0 : f64\n");
  std::string message = messageFor({"llvm.func @sinh(f64) -> f64\n" + call});
  EXPECT_NE(message.find("cannot link the code object"), std::string::npos);
  EXPECT_NE(message.find("undefined symbol: sinh"), std::string::npos)
      << message;
  EXPECT_NE(message.find("calls.o"), std::string::npos) << message;
  EXPECT_EQ(message.find("/tmp"), std::string::npos) << message;
}

TEST(CodeObject, UnloweredOpIsNamed) {
  std::string message = messageFor({kernelText("odd", R"(
  %p = llvm.load %buffers : !llvm.ptr -> !llvm.ptr
  %x = llvm.load %p : !llvm.ptr -> i8
  %y = arith.bitcast %x : i8 to f8E5M2
  %z = arith.extf %y : f8E5M2 to f32
  llvm.store %z, %p : f32, !llvm.ptr
)")});
  EXPECT_NE(message.find("failed to legalize operation 'arith.extf'"),
            std::string::npos)
      << message;
}

TEST(CodeObject, ModulesAreChecked) {
  EXPECT_EQ(messageFor({"func.func private @f() -> ()"}),
            "expected a public function in a kernel module");
  EXPECT_EQ(messageFor({scaleKernel("a", 1) + scaleKernel("b", 1)}),
            "expected one public function in a kernel module, got 'a' and 'b'");
  EXPECT_EQ(messageFor({scaleKernel("a", 1), scaleKernel("a", 2)}),
            "two kernels are called 'a'");
  EXPECT_EQ(messageFor({"func.func @f() { func.return }"}),
            "kernel 'f' has type '() -> ()', expected the kernel ABI "
            "'(!llvm.ptr, !llvm.ptr, i64, i64, !llvm.ptr, !llvm.ptr) -> i32'");
}

TEST(CodeObject, SaveTempsFolderMustExist) {
  CodeObjectOptions options;
  options.saveTemps = "/nonexistent-tenon-folder";
  EXPECT_EQ(messageFor({scaleKernel("a", 1)}, options),
            "cannot write '/nonexistent-tenon-folder/a.mlir': No such file or "
            "directory");
}
