#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# How fast the simulated GPU executes: warp instructions a second on one host
# thread, of a loop of integer arithmetic and one of loads and stores.
#
#   build/venv/bin/python bench/simspeed.py --driver=LIBRARY [--rounds=7]
#
# TENON_SIMCUDA_CHECKS and _OPTIONS come from the caller. Prints JSON:
# {"alu": [instructions a second, ...], "memory": [...]}, one value a round.

import argparse
import json
import pathlib
import struct
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test" / "sim" / "kernels"))
from driver import Driver  # noqa: E402

HEAD = """.version 8.4
.target sm_80
.address_size 64
.visible .entry {name}(.param .u64 in, .param .u64 out, .param .u32 rounds)
{{
  .reg .pred %p<2>;
  .reg .b32 %r<40>;
  .reg .b64 %rd<8>;
  .shared .align 16 .b8 buffer[1024];
  ld.param.u64 %rd1, [in];
  ld.param.u64 %rd2, [out];
  ld.param.u32 %r0, [rounds];
  mov.u32 %r1, %tid.x;
  mul.wide.u32 %rd3, %r1, 4;
  add.s64 %rd1, %rd1, %rd3;
  add.s64 %rd2, %rd2, %rd3;
  shl.b32 %r20, %r1, 2;
  mov.u32 %r21, buffer;
  add.u32 %r20, %r20, %r21;
  mov.u32 %r2, 0;
  mov.u32 %r3, 7;
  mov.u32 %r4, 9;
  mov.u32 %r5, 11;
again:
{body}
  add.s32 %r2, %r2, 1;
  setp.lt.u32 %p1, %r2, %r0;
  @%p1 bra again;
  st.global.u32 [%rd2], %r3;
  ret;
}}
"""
ALU = "\n".join(f"""  mad.lo.s32 %r{3 + i % 3}, %r{3 + (i + 1) % 3}, %r1, %r{3 + (i + 2) % 3};
  add.s32 %r{6 + i}, %r{3 + i % 3}, %r1;
  xor.b32 %r{3 + i % 3}, %r{6 + i}, %r4;""" for i in range(8))
MEMORY = "\n".join(f"""  ld.global.u32 %r{6 + i}, [%rd1+{1024 * i}];
  st.shared.u32 [%r20], %r{6 + i};
  ld.shared.u32 %r3, [%r20];
  st.global.u32 [%rd2], %r3;""" for i in range(8))
# name: (body, instructions that count in a round of the loop, rounds)
LOOPS = {"alu": (ALU, 24, 40000), "memory": (MEMORY, 32, 6000)}
WARPS = 8


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--driver", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    driver = Driver(args.driver)
    data = driver.allocate(1 << 16)
    driver.fill(data, 1, 1 << 16)
    result = {name: [] for name in LOOPS}
    functions = {}
    for name, (body, _, _) in LOOPS.items():
        text = HEAD.format(name=name, body=body).encode() + b"\0"
        functions[name] = driver.function(driver.load(text), name)
    for _ in range(args.rounds):
        for name, (_, count, rounds) in LOOPS.items():
            parameters = [struct.pack("<Q", data),
                          struct.pack("<Q", data + (1 << 15)),
                          struct.pack("<I", rounds)]
            begin = time.perf_counter()
            driver.launch(functions[name], (1, 1, 1), (32 * WARPS, 1, 1), 0,
                          parameters)
            driver.synchronize()
            seconds = time.perf_counter() - begin
            result[name].append(WARPS * count * rounds / seconds)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
