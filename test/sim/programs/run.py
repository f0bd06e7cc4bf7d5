#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Programs that nobody wrote for the simulator, on the simulator.

    run.py --simcuda-run=BUILD/bin/simcuda-run --environment=FOLDER [NAME...]

Each program is a use of a public package (requirements.txt) in a process of its
own; it checks its results against numpy. FOLDER is a virtual environment, made
and filled from the package index if it is not there. Exits with 77 if that
cannot be done.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAMS = {
    "numba": "numbaKernels.py",
    "cuda-core": "cudaCore.py",
    "taichi": "taichiFields.py",
    "tinygrad": "tinygradTraining.py",
    "triton": "tritonLauncher.py",
    "pycuda": "pycudaKernels.py",
}
SETTINGS = {
    "tinygrad": {"DEV": "CUDA", "CUDA": "1"},
    "triton": {"TRITON_PTXAS_PATH": str(HERE / "ptxas.sh")},
}


def prepared(folder):
    """The environment's Python; None if it cannot be made."""
    python = folder / "bin/python"
    done = folder / "requirements.txt"
    wanted = (HERE / "requirements.txt").read_text()
    if not done.exists() or done.read_text() != wanted:
        venv.create(folder, with_pip=True)
        install = [python, "-m", "pip", "install", "-q", "-r", HERE / "requirements.txt"]
        if subprocess.run(install).returncode:
            return None
        done.write_text(wanted)
    return python


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simcuda-run", type=Path, required=True)
    parser.add_argument("--environment", type=Path, required=True)
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    unknown = set(options.names) - set(PROGRAMS)
    if unknown:
        parser.error(f"expected {', '.join(PROGRAMS)}; got {', '.join(unknown)}")
    python = prepared(options.environment.resolve())
    if not python:
        print("run.py: the packages cannot be installed; skipped")
        return 77
    library = options.simcuda_run.resolve().parent.parent / "lib/simcuda"
    failed = []
    for name in options.names or PROGRAMS:
        with tempfile.TemporaryDirectory() as caches:
            environment = {
                **os.environ,
                "TRITON_LIBCUDA_PATH": str(library),
                "TRITON_CACHE_DIR": caches,
                "XDG_CACHE_HOME": caches,
                "PYTHONWARNINGS": "ignore",
                **SETTINGS.get(name, {}),
            }
            command = [options.simcuda_run.resolve(), python, "-B", HERE / PROGRAMS[name]]
            status = subprocess.run(command, env=environment, cwd=caches).returncode
        print(f"{name}: {'right' if status == 0 else f'status {status}'}", flush=True)
        if status:
            failed.append(name)
    if failed:
        print(f"run.py: failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
