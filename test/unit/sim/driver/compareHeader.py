#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a C++ file that compares sim/driver/api with the toolkit's cuda.h.

    compareHeader.py SOURCE_DIR OUTPUT.cpp

Both are included, ours in a namespace, and static_assert compares each
enumerator's value, each structure's size, and each field's offset and size.
Prototypes are compared by test/unit/sim/driver/prototypes.c.
"""

import re
import sys
from pathlib import Path

HEADERS = ["Enums.h", "Results.h", "Types.h"]


def withoutComments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)


def fieldsOf(body):
    """Names of the fields directly in a structure's body."""
    # Nested structures and unions count as one field, if they have a name.
    flat = body
    while True:
        shorter = re.sub(r"\b(?:struct|union)\s*\w*\s*\{[^{}]*\}", "int", flat)
        if shorter == flat:
            break
        flat = shorter
    for field in flat.split(";"):
        field = field.strip()
        pointer = re.search(r"\(\*\s*(\w+)\)", field)
        name = pointer or re.search(r"(\w+)\s*(?:\[[^\]]*\]\s*)*$", field)
        # `int` alone was an unnamed union.
        if name and " " in field:
            yield name[1]


def main():
    source, output = Path(sys.argv[1]), Path(sys.argv[2])
    text = "".join(
        withoutComments((source / "sim/driver/api" / h).read_text()) for h in HEADERS
    )
    checks = []
    for body in re.findall(r"\benum\s+\w*\s*\{(.*?)\}", text, flags=re.S):
        for name in re.findall(r"(\w+)\s*=", body):
            checks.append(f"SAME_VALUE({name})")
    structures = re.compile(
        r"typedef\s+(?:struct|union)\s*\w*\s*\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"
        r"\s*(\w+)\s*;",
        flags=re.S,
    )
    for body, name in structures.findall(text):
        checks.append(f"SAME_SIZE({name})")
        for field in fieldsOf(body):
            checks.append(f"SAME_FIELD({name}, {field})")
    if len(checks) < 900:
        sys.exit(f"only {len(checks)} checks: the headers are not understood")
    output.write_text(
        "#define __CUDA_API_VERSION_INTERNAL\n"
        "#include <cstddef>\n#include <cstdint>\n#include <cuda.h>\n"
        "#undef CUDA_VERSION\n#undef CU_STREAM_LEGACY\n#undef CU_STREAM_PER_THREAD\n"
        "#define TENON_CUDA_NAMES_ONLY\n"
        "namespace own {\n"
        '#include "sim/driver/api/Types.h"\n'
        "}\n"
        "#define SAME_VALUE(name) "
        "static_assert((long long)own::name == (long long)::name, #name);\n"
        "#define SAME_SIZE(name) "
        "static_assert(sizeof(own::name) == sizeof(::name), #name);\n"
        "#define SAME_FIELD(type, field) "
        "static_assert(offsetof(own::type, field) == offsetof(::type, field) && "
        "sizeof(own::type::field) == sizeof(::type::field), "
        '#type "." #field);\n' + "\n".join(checks) + "\n"
    )
    print(f"{len(checks)} checks")


main()
