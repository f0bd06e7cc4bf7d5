# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# fromText.py FOLDER: every NAME.txt in the folder, in ONNX's text format, to
# NAME.onnx beside it. Lines that start with # are comments.

import pathlib
import sys

import onnx.parser


def main():
    for path in pathlib.Path(sys.argv[1]).glob("*.txt"):
        lines = [l for l in path.read_text().splitlines()
                 if not l.lstrip().startswith("#")]
        model = onnx.parser.parse_model("\n".join(lines))
        path.with_suffix(".onnx").write_bytes(model.SerializeToString())


if __name__ == "__main__":
    main()
