# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# lit's configuration for test/dialects, test/compiler, test/kernels and
# test/tools. Substitutions, beside lit's own:
#
#   %tenon-opt %tenonc %tenon-run %tenon-inspect   this build's tools
#   %onnx IN.onnxtxt OUT.onnx    ONNX's text format to a model file
#   %python                      Python with onnx and numpy
#   FileCheck, not, split-file   LLVM's, on PATH
#
# Features: x86-64-v3 and x86-64-v4 where this machine runs them, asan.

import os

import lit.formats

config.name = "tenon"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".onnxtxt"]
config.excludes = ["Inputs", "unit", "e2e", "conformance", "CMakeLists.txt"]
config.test_source_root = os.path.join(config.tenonSource, "test")
config.test_exec_root = os.path.join(config.tenonBuild, "test")

bin = os.path.join(config.tenonBuild, "bin")
config.environment["PATH"] = os.pathsep.join(
    [
        config.llvmTools,
        os.environ.get("PATH", ""),
        # setup.sh --with-ptxas
        os.path.join(config.tenonSource, "build", "ptxas", "bin"),
    ]
)
# Longer names first: lit replaces in order, and %tenon-run starts like none
# of the others only by luck.
for tool in ("tenon-inspect", "tenon-opt", "tenon-run", "tenonc"):
    config.substitutions.append((f"%{tool}", os.path.join(bin, tool)))
config.substitutions.append(("%python", config.python))
config.substitutions.append(
    ("%onnx", f"{config.python} {config.test_source_root}/onnxFromText.py")
)


def cpuFlags():
    try:
        with open("/proc/cpuinfo") as info:
            for line in info:
                if line.startswith("flags"):
                    return set(line.split())
    except OSError:
        pass
    return set()


flags = cpuFlags()
if {"avx2", "fma", "bmi2", "f16c"} <= flags:
    config.available_features.add("x86-64-v3")
if {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"} <= flags:
    config.available_features.add("x86-64-v4")
if "address" in config.sanitizers:
    config.available_features.add("asan")
