#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Asks ptxas about every form of the instruction table.

  comparePtxas.py SIM_PTX_FORMS [--targets sm_75,sm_80,...] [--make mutants]

`sim-ptx-forms` writes instructions and what our parser says of them; ptxas
says what it thinks; where one accepts and the other refuses, the instruction
is printed, unless ptxas-differences.txt gives the reason. The exit status is
77 (skipped) where there is no ptxas.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
LIST = os.path.join(HERE, "ptxas-differences.txt")
BATCH = 1000


def ask_ptxas(ptxas, target, frame, lines):
    """The error of each line, or an empty text."""
    begin, end = frame.split("...\n")
    # An error of our own keeps ptxas from compiling what it has read.
    end = "add.f32 e0, e1, e2;\n" + end
    first = begin.count("\n") + 1
    errors = [""] * len(lines)

    def ask(left):
        if not left:
            return
        text = begin + "".join(lines[i] + "\n" for i in left) + end
        with tempfile.NamedTemporaryFile("w", suffix=".ptx") as file:
            file.write(text)
            file.flush()
            result = subprocess.run(
                [ptxas, "-arch=" + target, "-O0", file.name, "-o", os.devnull],
                capture_output=True, text=True)
        if result.returncode < 0:
            # Some wrong instructions crash ptxas, which says nothing of those
            # that follow.
            if len(left) == 1:
                errors[left[0]] = "ptxas crashed"
            else:
                ask(left[:len(left) // 2])
                ask(left[len(left) // 2:])
            return
        if ", line " not in result.stderr:
            sys.exit("ptxas said: " + result.stderr[:1000])
        stopped = False
        for match in re.finditer(r", line (\d+); (error|fatal) *: (.*)",
                                 result.stderr):
            at = int(match[1]) - first
            if 0 <= at < len(left):
                errors[left[at]] = errors[left[at]] or match[3]
                stopped = stopped or "arsing error" in match[3]
        if stopped:
            # ptxas stops at what its grammar does not know, and has not
            # looked at the meaning of what comes before.
            ask([i for i in left if not errors[i]])

    ask(list(range(len(lines))))
    return errors


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--targets", default="sm_75,sm_80,sm_86,sm_89,sm_90a")
    parser.add_argument("--make", default="examples",
                        help="examples, mutants or operands")
    parser.add_argument("--all", action="store_true",
                        help="print known differences too")
    options = parser.parse_args()
    ptxas = shutil.which("ptxas") or "/usr/local/cuda/bin/ptxas"
    if not os.path.exists(ptxas):
        print("no ptxas")
        return 77

    known = []
    with open(LIST) as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                pattern = line.split("  #")[0].strip()
                known.append([re.compile(pattern), 0])
    new = asked = 0
    for target in options.targets.split(","):
        frame = subprocess.run([options.tool, "frame", target],
                               check=True, capture_output=True, text=True).stdout
        output = subprocess.run(
            [options.tool, target] +
            ([] if options.make == "examples" else [options.make]),
            check=True, capture_output=True, text=True).stdout
        pairs = [line.split("\t") for line in output.splitlines()]
        for at in range(0, len(pairs), BATCH):
            batch = pairs[at:at + BATCH]
            theirs = ask_ptxas(ptxas, target, frame, [text for _, text in batch])
            for (ours, text), their in zip(batch, theirs):
                asked += 1
                if bool(ours) == bool(their):
                    continue
                line = "%s %s %s -- %s" % ("strict" if ours else "lax", target,
                                           text, ours or their)
                found = [entry for entry in known if entry[0].match(line)]
                for entry in found:
                    entry[1] += 1
                if not found or options.all:
                    print(line)
                new += not found
    print("%d instructions, %d differences, %d of them not listed" %
          (asked, sum(entry[1] for entry in known) + new, new))
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main())
