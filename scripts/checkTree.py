# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Checks that hold for the tree as a whole, and lists every breach:
#
#   spdx     a source file has the SPDX line among its first five
#   size     no text file of ours is above 700 lines
#   machine  no path of one machine and no package host in any file
#   link     a relative link in a .md file leads to a file
#   mirror   a lit test lies under the path of what it tests
#   command  a scripts/... or bench/... that a .md file names exists
#
# Files are those that git knows or would add. Exit code 1 on any breach.

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SPDX = "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception"
SOURCE = {".cpp", ".h", ".hpp", ".c", ".td", ".py", ".sh", ".cmake", ".fbs"}
# Written so that this file does not hold what it looks for.
MACHINE = re.compile("|".join([r"/" + "root/", r"/" + "farm/", r"/work" + "/",
                               "pypi" + r"\.org", "pythonhosted" + r"\.org",
                               "deb" + r"\.debian\.org"]))
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
COMMAND = re.compile(r"`(?:\./)?((?:scripts|bench)/[\w./-]+\.(?:sh|py))")


def files():
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"],
                         cwd=ROOT, capture_output=True, text=True)
    if out.returncode == 0:
        names = out.stdout.splitlines()
    else:  # a release tarball: no git
        names = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*")
                 if p.is_file() and "build" not in p.relative_to(ROOT).parts]
    return sorted(n for n in set(names) if (ROOT / n).is_file())


def isSource(path):
    return (path.suffix in SOURCE or path.name == "CMakeLists.txt"
            or str(path) == ".ci/run")


def checkFile(name, breaches):
    path = pathlib.Path(name)
    try:
        text = (ROOT / name).read_text()
    except UnicodeDecodeError:
        return
    lines = text.splitlines()
    if isSource(path) and not any(SPDX in line for line in lines[:5]):
        breaches.append(f"{name}: spdx: expected '{SPDX}' in the first 5 lines")
    if isSource(path) and len(lines) > 700:
        breaches.append(f"{name}: size: {len(lines)} lines, split it by topic")
    for number, line in enumerate(lines, 1):
        if MACHINE.search(line):
            breaches.append(f"{name}:{number}: machine: path or package host")
    if path.suffix == ".md":
        checkDocument(path, text, breaches)


def checkDocument(path, text, breaches):
    for target in LINK.findall(text):
        if "://" in target or target.startswith("mailto:"):
            continue
        if not (ROOT / path.parent / target).exists():
            breaches.append(f"{path}: link: '{target}' leads nowhere")
    for target in COMMAND.findall(text):
        if not (ROOT / target).exists():
            breaches.append(f"{path}: command: '{target}' does not exist")


def checkMirror(names, breaches):
    """test/dialects/Graph/x.mlir needs dialects/Graph, and so on."""
    for name in names:
        parts = pathlib.Path(name).parts
        if parts[0] != "test" or len(parts) < 4 or parts[1] not in (
                "dialects", "compiler", "kernels", "tools"):
            continue
        if pathlib.Path(name).suffix not in (".mlir", ".test", ".onnxtxt"):
            continue
        folder = pathlib.Path(*parts[1:-1])
        if not (ROOT / folder).is_dir():
            breaches.append(f"{name}: mirror: there is no folder '{folder}'")


def main():
    breaches, names = [], files()
    for name in names:
        checkFile(name, breaches)
    checkMirror(names, breaches)
    print("\n".join(breaches))
    print(f"tree: {len(names)} files, {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
