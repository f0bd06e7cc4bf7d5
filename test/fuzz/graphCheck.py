# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What graphs.py asks of one model: that tenonc compiles it, or refuses it with a
# reason that docs/operators.md and the messages of this version allow; that the
# CPU's variant and CUDA's, on the simulated GPU with all checks on, give what
# onnxruntime gives, within the bounds of graphEval.py.

import contextlib
import os
import pathlib
import re
import sys
from collections import namedtuple

import numpy as np
import onnx

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import common  # noqa: E402
import graphEval  # noqa: E402

# What this version does not take, and says so; anything else is a finding.
ALLOWED = re.compile(r"is not in this version|are not in this version|"
                     r"which is not supported|element type \w+ is not supported")
# Sizes that an engine of open sizes says it does not take: the formula of a slice
# with a bound of 1 or -1 holds where there is an element.
ALLOWED_SIZES = re.compile(r"a sliced dimension must not be empty")
DEVICE = {"sm_80": "a100", "sm_89": "l4"}
SECONDS = 120

# How a seed is compiled and run.
# --shapes fixes the sizes of the first run, WIDE asks for kernels of AVX-512
# (LLVM splits their vectors where the machine has none). LOWER is a precision that
# is tried, too; runs are REPEATED in a context.
Plan = namedtuple("Plan",
                  "target schedule threads lower fixed wide repeated")


class Finding(Exception):
    """KIND is what a smaller model has to show, too."""

    def __init__(self, kind, text):
        super().__init__(f"{kind}: {text}")
        self.kind = kind


class Skipped(Exception):
    """Not a graph of this test, in words."""


def plan(rng):
    schedule = rng.choice(["eager"] * 6 + ["lazy", "random"])
    if schedule == "random":
        schedule = f"random:{rng.randint(1, 999)}"
    return Plan(rng.choice(["sm_80"] * 4 + ["sm_89"]), schedule,
                rng.choice((1, 1, 2, 3)),
                rng.choice([None] * 5 + [*graphEval.LOWER]),
                rng.random() < 0.2, rng.random() < 0.1,
                rng.choice((1, 1, 2, 3)))


def general(text):
    """A message without the names and numbers that differ between models."""
    text = re.sub(r"'[^']*'|\"[^\"]*\"", "'..'", text)
    return re.sub(r"[\w./-]*/|\d+", "", text).strip()[:120]


def must(tools, kind, tool, *args):
    done = tools.run(tool, *args, seconds=SECONDS)
    if done.returncode == 0:
        return
    text = (done.stderr or done.stdout).strip()
    if done.returncode == "hang":
        raise Finding(f"{kind} hangs", text)
    if tool == "tenonc" and done.returncode == 1:
        errors = [line for line in text.splitlines() if "error:" in line]
        if errors and all(ALLOWED.search(line) for line in errors):
            raise Skipped(errors[0])
        raise Finding(f"{kind} refuses: {general((errors or [text])[0])}", text)
    if tool != "tenonc" and ALLOWED_SIZES.search(text):
        raise Skipped(text)
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.startswith("Traceback"):
        first = text.splitlines()[-1]
    raise Finding(f"{kind} fails with {done.returncode}: {general(first)}", text)


def infer(tools, folder, kind, plan, engine, feeds, *flags):
    source, target = folder / "in.npz", folder / "out.npz"
    np.savez(source, **feeds)
    target.unlink(missing_ok=True)
    must(tools, kind, "tenon-run", engine, f"--inputs={source}",
         f"--outputs={target}", f"--iterations={plan.repeated}", "--warmup=0",
         "--quiet", *flags)
    with np.load(target) as results:
        return {name: results[name] for name in results.files}


def together(tools, folder, kind, plan, engine, runs, driver, names):
    """All runs in one context (graphContext.py); their outputs."""
    files = []
    for i, (given, expected, *_) in enumerate(runs):
        files.append(folder / f"run{i}.npz")
        arrays = {f"i{n}": given[name] for n, name in enumerate(names)}
        arrays.update((f"o{n}", a) for n, a in enumerate(expected.values()))
        np.savez(files[-1], **arrays)
    library = tools.folder.parent / "lib/libtenon.so"
    must(common.Tools(pathlib.Path(sys.executable).parent), kind,
         pathlib.Path(sys.executable).name, "-B", HERE / "graphContext.py",
         library, engine, driver, plan.threads, *files)
    results = []
    for file, (_, expected, *_) in zip(files, runs):
        with np.load(f"{file}.got") as got:
            results.append({name: got[f"o{n}"]
                            for n, name in enumerate(expected)})
    return results


def compare(kind, expected, got, bounds):
    if sorted(expected) != sorted(got):
        raise Finding(f"{kind} wrong outputs",
                      f"{sorted(got)}, expected {sorted(expected)}")
    for name, want in expected.items():
        value = got[name]
        if value.shape != want.shape or value.dtype != want.dtype:
            raise Finding(f"{kind} wrong type or shape",
                          f"'{name}': {value.dtype}{list(value.shape)}, "
                          f"expected {want.dtype}{list(want.shape)}")
        if not graphEval.isFloat(want):
            if not np.array_equal(value, want):
                raise Finding(f"{kind} wrong integers", sample(name, want, value))
            continue
        bound = bounds[name]
        if not np.isfinite(bound):
            continue
        a, b = value.astype(np.float64), want.astype(np.float64)
        special = ~np.isfinite(b)
        if not np.array_equal(a[special], b[special], equal_nan=True) \
                or not np.isfinite(a[~special]).all():
            raise Finding(f"{kind} wrong: NaN or Inf", sample(name, want, value))
        difference = np.abs(a[~special] - b[~special])
        if difference.size and not difference.max() <= bound:
            raise Finding(f"{kind} wrong", f"difference {difference.max():.3g}, "
                          f"expected at most {bound:.3g}; "
                          + sample(name, want, value))


def sample(name, want, value):
    bad = np.argwhere(~np.isclose(value.astype(np.float64),
                                  want.astype(np.float64), 1e-4, 1e-5,
                                  equal_nan=True))
    if not len(bad):
        return f"output '{name}'"
    at = tuple(int(i) for i in bad[0])
    return (f"output '{name}'{list(want.shape)}: {len(bad)} elements differ, "
            f"at {list(at)} {value[at]}, expected {want[at]}")


def references(model, feeds, lower=None):
    """(feeds, expected, bounds, bounds in LOWER or None) of each run; Skipped where
    onnxruntime does not take the model or results are not comparable."""
    try:
        onnx.checker.check_model(model)
        whole = graphEval.session(model.SerializeToString())
        parts = graphEval.Evaluator(model, feeds[0])
        runs = []
        for given in feeds:
            expected = dict(zip(parts.outputs, whole.run(parts.outputs, given)))
            wider = None
            with contextlib.suppress(graphEval.Undefined):
                wider = parts.bounds(given, lower) if lower else None
            runs.append((given, expected, parts.bounds(given), wider))
        return runs
    except Exception as refusal:  # onnxruntime's, of any kind
        raise Skipped(f"{type(refusal).__name__}: {refusal}") from refusal


def check(model, feeds, plan, tools, driver, folder):
    """Raises Finding or Skipped."""
    if plan.fixed:
        feeds = feeds[:1]
    runs = references(model, feeds, plan.lower)
    path, engine = folder / "model.onnx", folder / "model.tenon"
    onnx.save(model, path)
    os.environ.update(TENON_SIMCUDA_CHECKS="all",
                      TENON_SIMCUDA_SCHEDULE=plan.schedule,
                      TENON_SIMCUDA_DEVICE=DEVICE[plan.target],
                      TENON_SIMCUDA_LOG=str(folder / "log"))
    cuda = ("--device=cuda", f"--cuda-driver={driver}")
    target = f"--target=cpu,cuda:{plan.target}"
    flags = ["-o", engine, "--quiet", "--ptxas=none", "--threads=1"]
    if plan.fixed:
        flags += [common.shapesFlag({name: array.shape for name, array in
                                     feeds[0].items() if array.ndim})]
    wide = ["--vector-bits=512"] if plan.wide else []
    must(tools, "tenonc", "tenonc", path, target, *flags, *wide)
    for given, expected, bounds, _ in runs:
        compare("cpu", expected, infer(
            tools, folder, "cpu", plan, engine, given, "--device=cpu",
            f"--threads={plan.threads}"), bounds)
    for given, expected, bounds, _ in runs:
        compare("cuda", expected, infer(tools, folder, "cuda", plan, engine,
                                        given, *cuda), bounds)
        quiet(folder / "log")
    if len(runs) > 1:
        device = driver if plan.repeated > 1 else ""
        kind = "cuda in a context" if device else "cpu in a context"
        names = [value.name for value in model.graph.input]
        for (_, expected, bounds, _), got in zip(runs, together(
                tools, folder, kind, plan, engine, runs, device, names)):
            compare(kind, expected, got, bounds)
        quiet(folder / "log")
    if plan.lower and all(wider for *_, wider in runs):
        must(tools, f"tenonc --{plan.lower}", "tenonc", path,
             f"--target=cuda:{plan.target}", f"--{plan.lower}", *flags)
        for given, expected, _, bounds in runs:
            compare(plan.lower, expected, infer(
                tools, folder, plan.lower, plan, engine, given, *cuda), bounds)
            quiet(folder / "log")


def quiet(log):
    """What the simulator found, even if the run went well."""
    text = log.read_text() if log.exists() else ""
    log.unlink(missing_ok=True)
    if text.strip():
        raise Finding(f"simulator says {general(text.splitlines()[0])}", text)
