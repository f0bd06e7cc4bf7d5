# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Makes ptx/ again from the sources beside it. Needs nvcc 13.0 (CUDA Toolkit)
# and pip; Triton and CUTLASS are installed, pinned, into a folder of their own.
#
#   generate.py             writes ptx/*.xz and ptx/manifest.json
#   generate.py --check     compares instead; exit code 1 if anything differs,
#                           77 if there is no nvcc 13.0
#   --only=REGEX            modules by key, e.g. triton/matmul
#   --environment=FOLDER    where the pinned packages are (default: build/corpus)
#
# Machine paths are taken out of the PTX: .file keeps base names, DWARF goes.

import argparse
import hashlib
import json
import lzma
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PINNED = ["triton==3.9.0", "nvidia-cutlass==4.2.0.0", "numpy==2.4.6"]
NVCC = "13.0"

# (source, target, options): -lineinfo keeps .loc and names inlined functions;
# -G is the debugger's code, all variables in local memory; --use_fast_math takes
# approximate functions and flushes subnormals.
LINES, DEBUG, FAST = ["-lineinfo"], ["-G"], ["--use_fast_math"]
CUDA = [
    ("wmma", 75, []), ("wmma", 80, LINES), ("mma", 80, []), ("mma", 89, LINES),
    ("async", 80, LINES), ("async", 89, []),
    ("control", 80, LINES), ("control", 75, DEBUG), ("control", 89, []),
    ("memory", 80, []), ("memory", 75, DEBUG), ("memory", 86, LINES),
    ("numbers", 80, []), ("numbers", 89, []), ("numbers", 75, DEBUG),
    ("cooperative", 80, LINES), ("cooperative", 86, []),
    ("atomics", 80, []), ("atomics", 89, LINES),
    ("integer_codes", 80, []), ("integer_codes", 75, DEBUG),
    ("image", 75, LINES), ("image", 80, DEBUG), ("image", 89, []),
    ("algorithms", 80, LINES), ("algorithms", 75, []),
    ("cub_block", 80, []), ("cub_block", 75, LINES), ("cub_block", 89, DEBUG),
    ("samples", 80, LINES), ("samples", 75, DEBUG), ("samples", 86, FAST),
    ("odd_ptx", 80, []), ("odd_ptx", 75, DEBUG), ("odd_ptx", 86, FAST),
    ("standard", 80, []), ("standard", 89, DEBUG),
    ("bit_fields", 80, []), ("bit_fields", 75, DEBUG),
]
RECORDED = [
    ("cub_device", 80, []), ("cutlass_gemm", 80, []), ("cutlass_turing", 75, []),
    ("cutlass_conv", 80, []), ("cutlass_ada", 89, []),
]


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True,
                          text=True, **options)
    if done.returncode:
        sys.exit(f"generate: {' '.join(map(str, command))}\n"
                 f"{(done.stderr or done.stdout)[-4000:]}")
    return done.stdout


# --- Normal form --------------------------------------------------------------
def withoutPaths(text):
    """PTX without what depends on where and when it was compiled."""
    text = re.sub(r'(\.file\s+\d+\s+)"([^"]*/)?([^"/]+)"(, \d+, \d+)?',
                  r'\1"\3"', text)
    # DWARF holds the paths of the compilation; .debug_str stays, since .loc
    # refers to names in it.
    text = re.sub(r"\n\s*\.section\s+\.debug_(?!str)\w+\s*\{[^}]*\}", "", text)
    text = re.sub(r"(\n\.target \w+), debug", r"\1", text)

    def strings(match):
        lines = re.sub(r"((?:\.b8 [\d, ]+\n)+)", encoded, match[0])
        return lines

    def encoded(match):
        data = bytes(int(n) for n in re.findall(r"\d+(?=[, \n])", re.sub(
            r"\.b8", "", match[1])))
        data = re.sub(rb"_INTERNAL_[0-9a-f]{8}_", b"_INTERNAL_00000000_", data)
        data = re.sub(rb"_GLOBAL__N__[0-9a-f]{8}_", b"_GLOBAL__N__00000000_",
                      data)
        if b"/" in data:
            sys.exit(f"generate: a path is left in .debug_str: {data}")
        rows = [data[i:i + 40] for i in range(0, len(data), 40)]
        return "".join(".b8 " + ",".join(map(str, r)) + "\n" for r in rows)

    text = re.sub(r"\.section\s+\.debug_str\s*\{[^}]*\}", strings, text)
    # nvcc makes names of internal symbols from a hash of the source's path.
    text = re.sub(r"_INTERNAL_[0-9a-f]{8}_", "_INTERNAL_00000000_", text)
    text = re.sub(r"_GLOBAL__N__[0-9a-f]{8}_", "_GLOBAL__N__00000000_", text)
    text = re.sub(r"(__nv_static_\d+__)[0-9a-f]{8}_", r"\g<1>00000000_", text)
    for line in text.split("\n"):
        if re.search(r"(^|[\"\s])/(home|work|tmp|usr|root|opt)/", line):
            sys.exit(f"generate: a path is left: {line}")
    return text


SIZES = {"8": 1, "16": 2, "32": 4, "64": 8}


def entries(text):
    """Each entry's parameter sizes."""
    found = {}
    for match in re.finditer(r"\.entry\s+([\w$]+)\s*\(([^)]*)\)", text):
        sizes = []
        for parameter in match[2].split(","):
            if parameter.strip():
                bits = re.search(r"\.[usbf](8|16|32|64)\b", parameter)[1]
                count = re.search(r"\[(\d+)\]", parameter)
                sizes.append(SIZES[bits] * (int(count[1]) if count else 1))
        found[match[1]] = dict(sizes=sizes)
    for match in re.finditer(r"\.entry\s+([\w$]+)\s*\n", text):
        found.setdefault(match[1], dict(sizes=[]))
    return found


# --- The three makers ---------------------------------------------------------
def environment(folder):
    python = folder / "bin" / "python"
    stamp = folder / "stamp"
    if not stamp.exists() or stamp.read_text() != str(PINNED):
        shutil.rmtree(folder, ignore_errors=True)
        run(sys.executable, "-m", "venv", folder)
        run(python, "-m", "pip", "install", "--quiet", "--no-deps", *PINNED,
            "typing_extensions==4.16.0", "setuptools==66.1.1")
        stamp.write_text(str(PINNED))
    return python


def makeTriton(python, only, work):
    out = work / "triton"
    out.mkdir()
    # The sources are compiled where they lie: names in .loc are then theirs.
    lines = run(python, "-B", HERE / "triton" / "compile.py", out,
                only.removeprefix("triton/") or ".")
    for line in lines.splitlines():
        made = json.loads(line)
        text = withoutPaths((out / made["file"]).read_text())
        stem = made["file"].removesuffix(f".sm_{made['target']}.ptx")
        declared = entries(text)
        for name, entry in made["entries"].items():
            entry["sizes"] = declared[name]["sizes"]
        yield f"triton/{stem}.sm_{made['target']}", text, dict(
            stem=f"triton/{stem}", target=made["target"],
            source=f"triton/{made['source']}", constants=made["constants"],
            options=[f"{k}={v}" for k, v in made["options"].items()],
            entries=made["entries"]), None


def flags(target):
    return ["-w", "-std=c++17", f"-arch=compute_{target}"]


def keyOf(kind, name, target, options):
    suffix = {"": "", "-lineinfo": "-lines", "-G": "-debug",
              "--use_fast_math": "-fast"}["".join(options)]
    return f"{kind}/{name}.sm_{target}{suffix}"


def makeCuda(wanted, work):
    for name, target, options in CUDA:
        key = keyOf("cuda", name, target, options)
        if not wanted(key):
            continue
        out = work / "one.ptx"
        run("nvcc", *flags(target), *options, "-ptx", f"{name}.cu", "-o", out,
            cwd=HERE / "cuda")
        text = withoutPaths(out.read_text())
        yield key, text, dict(stem=f"cuda/{name}", target=target,
                              source=f"cuda/{name}.cu", options=options,
                              entries=entries(text)), None


def makeRecorded(wanted, work, python):
    include = pathlib.Path(run(python, "-c", (
        "import importlib.util as u; "
        "print(u.find_spec('cutlass_library').submodule_search_locations[0])"
    )).strip()) / "source" / "include"
    for name, target, options in RECORDED:
        key = keyOf("recorded", name, target, options)
        if not wanted(key):
            continue
        keep = work / "keep"
        shutil.rmtree(keep, ignore_errors=True)
        keep.mkdir()
        # Padding of parameter structs would hold whatever was on the stack.
        run("nvcc", *flags(target), *options, "-cudart", "none", "-DNDEBUG",
            f"-DCORPUS_TARGET={target}", f"-I{include}", "-Xcompiler",
            "-ftrivial-auto-var-init=zero", "-keep", "-keep-dir", keep,
            f"{name}.cu", "Recorder.cpp", "-o", work / name,
            cwd=HERE / "recorded")
        text = withoutPaths((keep / f"{name}.ptx").read_text())
        declared = entries(text)
        sizes = work / "sizes"
        sizes.write_text("".join(
            f"{k} {' '.join(map(str, v['sizes']))}\n"
            for k, v in declared.items()))
        steps = stable([json.loads(run(work / name, sizes)) for _ in range(24)])
        used = {s["kernel"] for p in steps.values() for s in p["steps"]
                if "kernel" in s}
        yield key, text, dict(
            stem=f"recorded/{name}", target=target,
            source=f"recorded/{name}.cu", options=options,
            entries={k: v for k, v in declared.items() if k in used}), steps


def stable(runs):
    """Steps whose bytes do not depend on the run. Words of four bytes that
    differ between runs (their addresses are randomized) are padding with what
    was on the stack, and become zero."""
    first = runs[0]
    for name, program in first.items():
        for i, step in enumerate(program["steps"]):
            for j, parameter in enumerate(step.get("parameters", [])):
                rows = [bytes.fromhex(r[name]["steps"][i]["parameters"][j][0])
                        for r in runs]
                words = [{r[k:k + 4] for r in rows}
                         for k in range(0, len(rows[0]), 4)]
                parameter[0] = b"".join(
                    w.pop() if len(w) == 1 else bytes(len(w.pop()))
                    for w in words).hex()
    return first


# --- Writing and comparing ----------------------------------------------------
def packed(data):
    return lzma.compress(data, format=lzma.FORMAT_XZ, preset=9 | lzma.PRESET_EXTREME)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--environment", type=pathlib.Path,
                        default=ROOT / "build" / "corpus")
    options = parser.parse_args()
    version = shutil.which("nvcc") and re.search(
        r"release ([\d.]+), V([\d.]+)", run("nvcc", "--version"))
    if not version or version[1] != NVCC:
        print(f"generate: needs nvcc {NVCC}, found "
              f"{version[1] if version else 'none'}", file=sys.stderr)
        return 77
    folder = HERE / "ptx"
    path = folder / "manifest.json"
    old = json.loads(path.read_text()) if path.exists() else {"modules": {}}

    def wanted(key):
        return re.search(options.only, key)

    different = []
    modules = {}
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        python = environment(options.environment.resolve())

        def made():
            if not options.only or options.only.startswith("triton"):
                yield from makeTriton(python, options.only, work)
            yield from makeCuda(wanted, work)
            yield from makeRecorded(wanted, work, python)

        for key, text, module, steps in made():
            file = key.replace("/", "-") + ".ptx.xz"
            module["file"] = file
            module["sha256"] = hashlib.sha256(text.encode()).hexdigest()
            if steps is not None:
                module["steps"] = key.replace("/", "-") + ".steps.json.xz"
                body = json.dumps(steps, indent=1).encode()
                module["steps_sha256"] = hashlib.sha256(body).hexdigest()
            modules[key] = module
            if old["modules"].get(key) == module:
                continue
            different.append(key)
            print(f"{'differs' if options.check else 'writes'}  {key}",
                  flush=True)
            if not options.check:
                (folder / file).write_bytes(packed(text.encode()))
                if steps is not None:
                    (folder / module["steps"]).write_bytes(packed(body))
    if options.check:
        gone = [k for k in old["modules"] if wanted(k) and k not in modules]
        for key in gone:
            print(f"no longer made  {key}")
        print(f"generate: {len(modules)} modules, {len(different)} differ")
        return 1 if different or gone or not modules else 0
    if options.only:
        modules = {**old["modules"], **modules}
    else:
        keep = {m[f] for m in modules.values() for f in ("file", "steps")
                if f in m}
        for file in folder.glob("*.xz"):
            if file.name not in keep:
                file.unlink()
    path.write_text(json.dumps(dict(
        versions=dict(nvcc=version[2], packages=PINNED),
        modules=dict(sorted(modules.items()))), indent=1) + "\n")
    size = sum(f.stat().st_size for f in folder.glob("*.xz"))
    print(f"generate: {len(modules)} modules, {size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
