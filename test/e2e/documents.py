# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Runs the command lines that README.md and docs/guide.md show: every line of an
# `sh` block that starts with one of the tools, in a folder that holds the files
# they name. Then the demo, whose picture must show text boxes.

import pathlib
import re
import shlex
import sys

import numpy as np

import common
from common import ROOT, Failed

TOOL = re.compile(r"(?:build/release/bin/)?(tenonc|tenon-run|tenon-inspect)\s")


def commands(document):
    text = (ROOT / document).read_text()
    for block in re.findall(r"(?s)```sh\n(.*?)```", text):
        for line in block.splitlines():
            if TOOL.match(line):
                yield line.split(" #")[0].strip()


def prepare(folder, tools):
    """The files that the documents name, for one small model."""
    import inputs
    import models
    path = models.get("mobilenet_v2", batch="dyn")
    (folder / "model.onnx").symlink_to(path)
    feeds = inputs.zoo(path)
    np.savez(folder / "in.npz", **feeds)
    np.save(folder / "input.npy", feeds["input"])
    feeds["input"].tofile(folder / "input.bin")
    np.savez(folder / "expected.npz", **common.oracle(path, feeds))
    tools.compile(folder / "model.onnx", folder / "model.tenon")
    # Where a build leaves the simulated GPU.
    (folder / "build" / "release").mkdir(parents=True)
    (folder / "build" / "release" / "lib").symlink_to(
        tools.folder.parent / "lib")


def runLine(tools, folder, line):
    tool, *args = shlex.split(line.replace("build/release/bin/", ""))
    done = tools.run(tool, *args, cwd=folder)
    if done.returncode:
        raise Failed(f"exit code {done.returncode}\n{done.stderr[-800:]}")
    return ""


def demo(tools, folder):
    import subprocess
    picture = ROOT / "build" / "demo" / "page.png"
    picture.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-B", str(ROOT / "scripts" / "demo.py"),
         f"--bin={tools.folder}"], capture_output=True, text=True,
        timeout=common.MAX_SECONDS)
    if done.returncode:
        raise Failed(f"exit code {done.returncode}\n{done.stderr[-800:]}")
    found = re.search(r"text boxes +(\d+)", done.stdout)
    if not found or not 5 <= int(found[1]) <= 9 or not picture.exists():
        raise Failed(f"expected 7 lines of text, 2 more or less, and a picture:"
                     f"\n{done.stdout}")
    return f"{found[1]} text boxes"


def main():
    args = common.arguments("the documents' command lines, and the demo")
    report, tools = common.Report("documents"), common.Tools(args.bin)
    with common.workFolder() as name:
        folder = pathlib.Path(name)
        prepare(folder, tools)
        for document in ("README.md", "docs/guide.md"):
            for line in commands(document):
                report.check(f"{document}: {line}", runLine, tools, folder,
                             line)
        report.check("scripts/demo.py", demo, tools, folder)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
