# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Compiles a group of models (cases.py), runs the engines, and compares every
# output with onnxruntime's on the same inputs.
#
#   runModel.py [--bin=FOLDER] [--set=ci|full] [--only=GROUP] [--threads=N]
#
# Engines are deleted after use; in the full set generated models are too.

import sys

import common
from cases import CASES, title


def feedsOf(run, path):
    import inputs
    function, sizes = run
    if function is None:
        return inputs.zoo(path, **sizes)
    return getattr(inputs, function)(**sizes)


def runCase(case, tools, folder, threads):
    import models
    path = models.get(case.model, **case.options)
    engine = folder / "model.tenon"
    flags = [*case.flags]
    if case.shapes:
        flags.append(common.shapesFlag(case.shapes))
    seconds = tools.compile(path, engine, *flags)
    size, worst, bound = (common.megabytes(engine), 0.0,
                          common.TOLERANCE[case.precision])
    for run in case.runs:
        feeds = feedsOf(run, path)
        expected = common.oracle(path, feeds, case.shapes, threads)
        difference = common.compare(
            expected, tools.infer(engine, feeds, folder, threads))
        worst = max(worst, difference)
        if difference > bound:
            raise common.Failed(f"run {run[1]}: largest difference "
                                f"{difference:.2e}, expected at most {bound}")
    return (f"difference {worst:.1e} in {len(case.runs)} runs, compiled in "
            f"{seconds:.1f} s, engine {size:.1f} MB")


def main():
    args = common.arguments("models against onnxruntime",
                            only={}, threads=dict(type=int, default=2))
    report, tools = common.Report("e2e"), common.Tools(args.bin)
    chosen = [c for c in CASES if args.set in c.sets
              and args.only in (None, c.group)]
    for case in chosen:
        with common.workFolder() as name:
            report.check(title(case), runCase, case, tools,
                         common.pathlib.Path(name), args.threads)
        if args.set == "full":
            import models
            models.drop(case.model, **case.options)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
