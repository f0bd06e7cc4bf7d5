# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# checkLines.py KERNEL.ptx KERNEL.mlir: the lines that .loc names are ops of the
# file, the pipeline's loads and products among them.

import pathlib
import re
import sys


def main():
    ptx, mlir = (pathlib.Path(name).read_text() for name in sys.argv[1:])
    lines = mlir.splitlines()
    found = {int(n) for n in re.findall(r"\.loc\s+1\s+(\d+)\s", ptx)}
    assert found, "no .loc"
    texts = [lines[number - 1] for number in sorted(found) if number]
    # An op has a result, a dialect or both; braces and attributes have none.
    for text in texts:
        assert re.search(r"%|func\.|return|[a-z]+\.[a-z_]+", text), text
    for op in ("tile.copy_async", "tile.mma"):
        assert any(op in text for text in texts), f"no line with {op}"


if __name__ == "__main__":
    main()
