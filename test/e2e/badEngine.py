# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What tenon-run must refuse: engines that are truncated, changed, or no engines
# at all, and inputs that do not fit. Each is a clear error with exit code 1,
# within seconds, and no output file. (The loader's own tests damage an engine
# in process; here it is the whole tool, on a compiled model.)

import pathlib
import random
import sys

import numpy as np
import onnx
from onnx import parser

import common
from badModel import HEAD, expect
from common import Failed

TRUNCATIONS = {"ci": 40, "full": 200}
CHANGES = {"ci": 60, "full": 2000}
MODEL = HEAD + """
g (float[n,16] x, int64[n] rows) => (float[n,8] y, float[n,16] z)
<float[16,8] w = {%s}> {
  p = MatMul(x, w)
  y = Relu(p)
  z = Gather(x, rows)
}"""


def build(tools, folder):
    path = folder / "model.onnx"
    weights = ",".join(str((i * 7 % 13 - 6) / 8) for i in range(128))
    onnx.save(parser.parse_model(MODEL % weights), path)
    tools.compile(path, folder / "model.tenon")
    return (folder / "model.tenon").read_bytes()


def feeds(n=3):
    x = np.linspace(-1, 1, n * 16, dtype=np.float32).reshape(n, 16)
    return {"x": x, "rows": np.arange(n, dtype=np.int64)}


def run(tools, folder, arrays=None, engine="model.tenon", flags=()):
    np.savez(folder / "in.npz", **(feeds() if arrays is None else arrays))
    target = folder / "out.npz"
    target.unlink(missing_ok=True)
    done = tools.run("tenon-run", engine, "--inputs=in.npz",
                     "--outputs=out.npz", "--iterations=1", "--warmup=0",
                     "--quiet", *flags, seconds=60, cwd=folder)
    if done.returncode != 0 and target.exists():
        raise Failed("left an output file behind")
    return done


def damaged(tools, folder, variants):
    """Each variant of the engine's bytes: refused, with a message."""
    messages = set()
    for what, data in variants:
        (folder / "bad.tenon").write_bytes(data)
        done = run(tools, folder, engine="bad.tenon")
        if done.returncode != 1 or "bad.tenon" not in done.stderr:
            raise Failed(f"{what}: exit code {done.returncode}, expected 1 and "
                         f"a message with the file's name:\n"
                         f"{(done.stderr or done.stdout)[-500:]}")
        messages.add(done.stderr.split("bad.tenon", 1)[1].strip()[:40])
    return f"{len(variants)} engines, {len(messages)} kinds of message"


def truncations(engine, count):
    rng = random.Random(11)
    places = [0, 1, 4, 8, 64, len(engine) - 1]
    places += [rng.randrange(len(engine)) for _ in range(count - len(places))]
    return [(f"cut at {at}", engine[:at]) for at in places]


def changes(engine, count):
    rng, variants = random.Random(12), []
    for _ in range(count):
        at, flip = rng.randrange(len(engine)), rng.randrange(1, 256)
        data = bytearray(engine)
        data[at] ^= flip
        variants.append((f"byte {at} changed by {flip:#x}", bytes(data)))
    return variants


def longer(engine):
    return [("one byte more", engine + b"\0"),
            ("twice the file", engine + engine)]


def works(tools, folder):
    done = run(tools, folder)
    if done.returncode != 0:
        raise Failed(done.stderr[-500:])
    expected = common.oracle(folder / "model.onnx", feeds())
    with np.load(folder / "out.npz") as got:
        difference = common.compare(expected, dict(got))
    if difference > common.TOLERANCE["fp32"]:
        raise Failed(f"difference {difference:.2e}")
    return f"difference {difference:.1e}"


def inputRows():
    """(name, arrays, words of the message)"""
    good = feeds()
    yield "missing input", {"x": good["x"]}, r"rows"
    yield "extra input", {**good, "q": good["x"]}, r"q"
    yield "input of another type", {
        **good, "x": good["x"].astype(np.float64)}, r"x.*float|float.*x"
    yield "input of another rank", {**good, "x": good["x"][0]}, r"x.*rank|rank"
    yield "input of another size", {**good, "x": good["x"][:, :5]}, r"x.*16"
    yield "sizes that contradict", {
        **good, "rows": np.zeros(5, np.int64)}, r"rows|x"
    yield "index out of range", {
        **good, "rows": np.array([0, 1, 99], np.int64)}, r"index|range"


def badInput(tools, folder, arrays, words):
    return expect(run(tools, folder, arrays), 1, words)


def notAnEngine(tools, folder):
    done = run(tools, folder, engine="model.onnx")
    line = expect(done, 1, r"this is an ONNX model: run tenonc first")
    (folder / "plan").write_bytes(b"ftrt" + b"\0" * 999)
    expect(run(tools, folder, engine="plan"), 1,
           r"this is a TensorRT plan: recompile from ONNX")
    (folder / "junk").write_bytes(b"\x7fELF" + bytes(range(256)) * 9)
    expect(run(tools, folder, engine="junk"), 1, r"junk")
    expect(run(tools, folder, engine="absent"), 1, r"absent")
    return line


def badArchive(tools, folder):
    for data in (b"", b"PK\3\4 and then nothing", b"\x93NUMPY junk"):
        (folder / "in2.npz").write_bytes(data)
        done = tools.run("tenon-run", "model.tenon", "--inputs=in2.npz",
                         "--outputs=out.npz", seconds=60, cwd=folder)
        line = expect(done, 1, r"in2\.npz")
    done = tools.run("tenon-run", "model.tenon", "--inputs=absent.npz",
                     seconds=60, cwd=folder)
    expect(done, 1, r"absent\.npz")
    return line


def unwritable(tools, folder):
    np.savez(folder / "in.npz", **feeds())
    done = tools.run("tenon-run", "model.tenon", "--inputs=in.npz",
                     "--outputs=no/such/out.npz", seconds=60, cwd=folder)
    return expect(done, 1, r"no/such")


def absentDevice(tools, folder):
    return expect(run(tools, folder, flags=["--device=cuda"]), 1,
                  r"no variant runs on a CUDA device here")


def main():
    args = common.arguments("engines and inputs that tenon-run must refuse")
    report, tools = common.Report("badEngine"), common.Tools(args.bin)
    with common.workFolder() as name:
        folder = pathlib.Path(name)
        engine = build(tools, folder)
        report.check("the engine undamaged", works, tools, folder)
        for title, variants in (
                ("truncated", truncations(engine, TRUNCATIONS[args.set])),
                ("one byte changed", changes(engine, CHANGES[args.set])),
                ("longer than it says", longer(engine))):
            report.check(title, damaged, tools, folder, variants)
        for title, arrays, words in inputRows():
            report.check(title, badInput, tools, folder, arrays, words)
        report.check("not an engine", notAnEngine, tools, folder)
        report.check("not an archive of arrays", badArchive, tools, folder)
        report.check("output folder missing", unwritable, tools, folder)
        report.check("a device without a variant", absentDevice, tools, folder)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
