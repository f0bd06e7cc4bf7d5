# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What is compiled of each Triton function: `entry` adds a variant to ENTRIES.
#
#   signature   "x:*fp32 n:i32/16": name:type of each run-time parameter in
#               order; /16 tells the compiler that an integer is divisible by
#               16. Pointers are always taken as 16-byte aligned.
#   constants   every tl.constexpr parameter
#   targets     compute capabilities

import re
from dataclasses import dataclass, field

ENTRIES = []
AMPERE, BOTH, ADA = (80,), (80, 89), (89,)


@dataclass
class Entry:
    name: str
    function: object
    signature: dict
    divisible: set
    constants: dict
    targets: tuple
    options: dict = field(default_factory=dict)


def entry(name, signature, targets=AMPERE, warps=4, stages=3, **constants):
    types, divisible = {}, set()
    for word in signature.split():
        match = re.fullmatch(r"(\w+):(\*?\w+)(/16)?", word)
        types[match[1]] = match[2]
        if match[3] or match[2].startswith("*"):
            divisible.add(match[1])

    def add(function):
        # The jitted function, not the decorated one, goes through: several
        # entries can stand on one function.
        ENTRIES.append(Entry(name, function, types, divisible, constants,
                             targets,
                             dict(num_warps=warps, num_stages=stages)))
        return function

    return add
