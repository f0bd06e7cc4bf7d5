# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Runs the corpus of kernels through the CUDA driver API, on whatever library
# is given: a real libcuda, or the simulator. Each case compares with numpy.
#
#   run.py --driver=build/release/lib/simcuda/libcuda.so.1
#   run.py --only='triton/matmul' --json=report.json
#   run.py --bench --only=matmul_1024 --time=3
#
# A worker process runs the cases, so that a crash or a hang costs one case; on
# a GPU one that provokes a fault, which stays with the process, costs a process.
# Exit code 0: every case that ran passed, and one did; 1: not so; 2: usage.

import argparse
import importlib
import json
import os
import pathlib
import re
import select
import subprocess
import sys
import tempfile
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import corpus  # noqa: E402
from driver import Driver, DriverError  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(
        description="runs real kernels through the CUDA driver API")
    parser.add_argument("--driver", default="libcuda.so.1",
                        help="the driver library (default: libcuda.so.1)")
    parser.add_argument("--only", default=".", metavar="REGEX",
                        help="cases whose name or variant matches")
    parser.add_argument("--set", choices=("quick", "all"), default="all",
                        help="quick: without the slow cases")
    parser.add_argument("--bench", action="store_true",
                        help="only the cases for measurements")
    parser.add_argument("--time", type=int, default=0, metavar="N",
                        help="launch each case's kernels N times more, and "
                             "report the fastest in seconds")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--seconds", type=float, default=120,
                        help="limit for one case")
    parser.add_argument("--device", type=int, default=0)
    parser.add_argument("--in-process", action="store_true",
                        help="without the worker: for debuggers")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def selected(options):
    """(case, key of a variant) of what shall run."""
    for file in sorted((HERE / "cases").glob("*.py")):
        importlib.import_module(f"cases.{file.stem}")
    modules = corpus.manifest()["modules"]
    for case in corpus.CASES:
        found = [k for k, m in modules.items() if m["stem"] == case.stem and
                 all(n in m["entries"] for n in case.needs) and
                 (not case.only or re.search(case.only, k))]
        if not found:
            sys.exit(f"run: {case.name}: no module of the corpus has it")
        for key in found:
            if case.bench != options.bench:
                continue
            if case.slow and options.set == "quick":
                continue
            if re.search(options.only, f"{case.name}@{key.split('.')[-1]}"):
                yield case, key, modules[key]


def timed(test, times):
    """The fastest of `times` rounds of the test's launches, in seconds."""
    best = None
    for _ in range(times):
        start = time.perf_counter()
        for call in test.launches:
            test.driver.launch(*call)
        test.driver.synchronize()
        seconds = time.perf_counter() - start
        best = seconds if best is None else min(best, seconds)
    return best


def runOne(driver, case, key, module, times):
    result = dict(case=case.name, variant=key, status="pass", message="")
    start = time.perf_counter()
    test = None
    try:
        if module["target"] > driver.capability():
            raise corpus.Skipped(f"needs sm_{module['target']}")
        most = max(e.get("shared", 0) for e in module["entries"].values())
        if most > driver.sharedLimit():
            raise corpus.Skipped(f"needs {most} bytes of shared memory")
        test = corpus.Test(driver, key, module)
        case.body(test)
        if not test.checks:
            raise corpus.Mismatch("the case compared nothing")
        if times:
            result["fastest"] = timed(test, times)
        test.release()
    except corpus.Skipped as why:
        result.update(status="skip", message=str(why))
    except (corpus.Mismatch, DriverError) as failure:
        result.update(status="fail", message=str(failure))
        driver.reset()
    except Exception:  # a fault of the case itself must not hide the others
        result.update(status="error", message=traceback.format_exc())
        driver.reset()
    result["seconds"] = time.perf_counter() - start
    result["checks"] = test.checks if test else []
    return result


def work(options, cases, emit):
    driver = Driver(options.driver, options.device)
    emit(dict(device=driver.name(), capability=driver.capability()))
    for case, key, module in cases:
        emit(dict(start=f"{case.name}@{key}"))
        emit(runOne(driver, case, key, module, options.time))
        if driver.lost:
            return  # the next process goes on


def supervised(options, cases, emit):
    """Runs `work` in child processes; one that dies is replaced."""
    done = 0
    while done < len(cases):
        first = done
        read, write = os.pipe()
        child = subprocess.Popen(
            [sys.executable, "-B", __file__, *sys.argv[1:],
             f"--worker={write}"], pass_fds=(write,),
            env={**os.environ, "CORPUS_FIRST": str(done)},
            stdin=subprocess.DEVNULL)
        os.close(write)
        buffered, began, current = b"", time.monotonic(), None
        why = None
        while True:
            left = options.seconds - (time.monotonic() - began)
            if left <= 0 or not select.select([read], [], [], left)[0]:
                why = f"no end in {options.seconds:g} s"
                child.kill()
                break
            data = os.read(read, 1 << 16)
            if not data:
                break
            buffered += data
            *lines, buffered = buffered.split(b"\n")
            for line in lines:
                message = json.loads(line)
                began = time.monotonic()
                if "start" in message:
                    current = message["start"]
                elif "status" in message:
                    emit(message)
                    done += 1
                    current = None
                elif done == 0:
                    emit(message)
        os.close(read)
        code = child.wait()
        if code == 0 and done > first:
            continue
        if done < len(cases):
            case, key, _ = cases[done]
            if current is None and not why and done == first:
                sys.exit("run: the worker did not start")
            emit(dict(case=case.name, variant=key, status="crash", checks=[],
                      message=why or f"the process ended with code {code}",
                      seconds=time.monotonic() - began))
            done += 1


def main():
    options = arguments()
    cases = list(selected(options))
    if options.list:
        for case, key, _ in cases:
            print(f"{case.name}@{key.split('.')[-1]}")
        return 0
    if not cases:
        print("run: no case matches", file=sys.stderr)
        return 2
    if options.worker is not None:
        channel = os.fdopen(options.worker, "w")

        def send(message):
            channel.write(json.dumps(message) + "\n")
            channel.flush()

        work(options, cases[int(os.environ["CORPUS_FIRST"]):], send)
        return 0
    results = []
    device = {}

    def show(message):
        if "device" in message:
            device.update(message)
            print(f"{message['device']}, sm_{message['capability']}")
            return
        if "status" not in message:
            return
        results.append(message)
        tail = message["message"].strip()
        if message["status"] == "pass":
            worst = [c for c in message["checks"] if c["tolerance"]]
            tail = " ".join(f"{c['error']:.1e}/{c['tolerance']:.0e}"
                            for c in worst[:3])
            if "fastest" in message:
                tail = f"fastest {message['fastest']:.3f} s  {tail}"
        variant = message["variant"].split(".")[-1]
        print(f"{message['status']:5} {message['case']}@{variant:14} "
              f"{message['seconds']:6.2f} s  {tail}", flush=True)

    if options.in_process:
        work(options, cases, show)
    else:
        supervised(options, cases, show)
    count = {s: sum(r["status"] == s for r in results)
             for s in ("pass", "fail", "error", "crash", "skip")}
    kernels = {r["case"] for r in results if r["status"] == "pass"}
    print(f"corpus: {count['pass']} of {len(results)} runs pass "
          f"({len(kernels)} cases), {count['skip']} skipped, "
          f"{count['fail'] + count['error'] + count['crash']} failed, "
          f"{sum(r['seconds'] for r in results):.1f} s")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(
            dict(device=device, counts=count, results=results), indent=1))
    bad = count["fail"] + count["error"] + count["crash"]
    return 0 if count["pass"] and not bad else 1


if __name__ == "__main__":
    sys.exit(main())
