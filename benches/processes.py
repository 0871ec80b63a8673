"""Programs that the benchmarks run, and what running one takes."""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGES = ROOT / ".venv/lib/python3.11/site-packages/iree"
# The native programs: those in .venv/bin are Python around them.
IREE_OPT = PACKAGES / "compiler/_mlir_libs/iree-opt"
IREE_COMPILE = PACKAGES / "compiler/_mlir_libs/iree-compile"
RUNTIME = PACKAGES / "_runtime_libs"
SPECPLACE = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/specplace"


def measure(command, folder):
    """Runs a command; returns its seconds on the clock and on the processor,
    its peak memory in bytes, and what it printed to stderr. Ends the benchmark
    if the command fails.

    Peak memory is that of the process, as the kernel counts it (wait4), which
    includes what its parent had when it was started: so a benchmark stays
    small, and has big modules made by another process."""
    # specplace waits until OUT is on the disk, and would wait for what others
    # have left to be written, too.
    os.sync()
    with tempfile.TemporaryFile() as stderr:
        start = time.perf_counter()
        child = subprocess.Popen(
            [str(part) for part in command], cwd=folder, stdout=subprocess.DEVNULL, stderr=stderr
        )
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        stderr.seek(0)
        said = stderr.read().decode(errors="replace")
    if child.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nended with {child.returncode}\n{said}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, said


def output(command, folder):
    """Runs a command and returns what it printed to stdout; ends the benchmark
    if it fails."""
    finished = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True)
    if finished.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{finished.stdout}{finished.stderr}")
    return finished.stdout


def progress(turn, turns):
    """Says on a terminal how far it has come."""
    if sys.stderr.isatty():
        print(f"\rturn {turn + 1} of {turns}", end="\n" if turn + 1 == turns else "", file=sys.stderr)


def spread(values, digits):
    """The median, and between what the middle half of the values lies."""
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:9.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
