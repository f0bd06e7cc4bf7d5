# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Compiles every entry of the Triton sources beside it; generate.py runs this
# in the environment that holds the pinned Triton.
#
#   compile.py FOLDER [REGEX]
#
# Writes FOLDER/NAME.sm_NN.ptx and prints one JSON line a file: what a launch
# needs to know.

import json
import os
import pathlib
import re
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
# Before Triton is loaded: it reads these once.
os.environ["TRITON_CACHE_DIR"] = tempfile.mkdtemp()
os.environ["TRITON_DEFAULT_FP_FUSION"] = "1"

import triton  # noqa: E402
from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402

import elementwise  # noqa: E402,F401
import language  # noqa: E402,F401
import matmul  # noqa: E402,F401
import reduce  # noqa: E402,F401
from registry import ENTRIES  # noqa: E402


def compiled(entry, target):
    names = entry.function.arg_names
    signature = {n: entry.signature.get(n, "constexpr") for n in names}
    source = ASTSource(
        fn=entry.function, signature=signature,
        constexprs={(names.index(n),): v for n, v in entry.constants.items()},
        attrs={(names.index(n),): [["tt.divisibility", 16]]
               for n in entry.divisible})
    return triton.compile(source, target=GPUTarget("cuda", target, 32),
                          options=entry.options)


def main(folder, only="."):
    folder = pathlib.Path(folder)
    for entry in ENTRIES:
        if not re.search(only, entry.name):
            continue
        for target in entry.targets:
            kernel = compiled(entry, target)
            meta = kernel.metadata
            # A launch hands no scratch memory to the kernel: none may ask.
            assert not meta.global_scratch_size, entry.name
            assert not meta.profile_scratch_size, entry.name
            file = f"{entry.name}.sm_{target}.ptx"
            (folder / file).write_text(kernel.asm["ptx"])
            print(json.dumps(dict(
                file=file, target=target, source=pathlib.Path(
                    entry.function.fn.__code__.co_filename).name,
                entries={meta.name: dict(
                    threads=32 * meta.num_warps, shared=meta.shared,
                    parameters=list(entry.signature.values()))},
                constants=entry.constants,
                options=entry.options)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
