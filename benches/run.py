#!/usr/bin/env python3
"""Compares specplace with iree-opt merely reading and writing the same module.

Both run in turn, so that other load on the machine falls on both, and the
ratios of medians are what counts. Of specplace's time that of Torch lowering,
which iree-opt does not do, is taken off (`--timing` says how much it is).
Peak memory is that of the process, as the kernel counts it (wait4), which
includes what its parent had when it was started: this script stays small, and
has the modules made by another process.

Usage: benches/run.py [--specplace PROGRAM] [--repetitions N] [--json FILE]
"""

import argparse
import gzip
import json
import os
import pathlib
import re
import statistics
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
IREE_OPT = ROOT / ".venv/lib/python3.11/site-packages/iree/compiler/_mlir_libs/iree-opt"

# What is aimed at; a run that misses it says so, and is no failure.
TIME_AIM = 1.2
MEMORY_AIM = 1.3


def llama(path):
    """3B target and 1B drafter: 1.8 MB of text, no weights."""
    with gzip.open(ROOT / "test/data/llama32_3b_1b_f16_place.mlir.gz") as packed:
        path.write_bytes(packed.read())


def inline_weights(path):
    """The example's loop with 13 MB of weights inside: its parameters turned
    into constants, and every dimension of 512 into 1024."""
    text = (ROOT / "examples/pair/generate_place.mlir").read_text()
    text = re.sub(r"(?<![0-9.])512(?![0-9.])", "1024", text)
    resources = {}

    def constant(match):
        key, shape = match.group(1), match.group(2)
        elements = 1
        for size in shape.split("x"):
            elements *= int(size)
        # Not zeros: nothing may take them for a splat.
        values = [((index * 2654435761) % 1000 - 500) / 5000 for index in range(elements)]
        resources[key] = struct.pack(f"<I{elements}f", 4, *values).hex().upper()
        return f"dense_resource<{key}> : tensor<{shape}xf32>"

    text = re.sub(r'#\w+\.parameter\.named<"model"::"([^"]+)"> : tensor<([0-9x]+)xf32>', constant, text)
    assert len(resources) > 60, "the example has lost its parameters"
    blobs = ",\n".join(f'      {key}: "0x{blob}"' for key, blob in resources.items())
    path.write_text(f"{text}\n{{-#\n  dialect_resources: {{\n    builtin: {{\n{blobs}\n    }}\n  }}\n#-}}\n")


MODULES = {"llama32_3b_1b_f16_place": llama, "inline_weights": inline_weights}


def measure(command, folder):
    """Runs a command; returns its seconds, its peak memory in bytes, and what
    it printed to stderr."""
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
    return seconds, usage.ru_maxrss * 1024, said


def pass_times(said):
    """The table of `--timing`: seconds by pass."""
    scale = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
    return {
        name: float(value) * scale[unit]
        for name, value, unit in re.findall(r"^\s*([a-z][a-z -]*[a-z])\s+([0-9.]+)\s*(s|ms|us|µs)\b", said, re.M)
    }


def compare(name, module, specplace, repetitions, folder):
    output = folder / "out.mlir"
    reference = [IREE_OPT, module, "-o", output]
    placing = [specplace, module, "-o", output, "--alpha", "0.7", "--timing"]
    samples = {"iree-opt": [], "specplace": [], "without lowering": []}
    memory = {"iree-opt": 0, "specplace": 0}
    times = []
    for repetition in range(repetitions + 1):
        opt_seconds, opt_memory, _ = measure(reference, folder)
        seconds, peak, said = measure(placing, folder)
        if repetition == 0:
            continue  # files were cold
        passes = pass_times(said)
        times.append(passes)
        samples["iree-opt"].append(opt_seconds)
        samples["specplace"].append(seconds)
        samples["without lowering"].append(seconds - passes.get("lower-torch", 0.0))
        memory["iree-opt"] = max(memory["iree-opt"], opt_memory)
        memory["specplace"] = max(memory["specplace"], peak)
    median = {key: statistics.median(values) for key, values in samples.items()}
    result = {
        "module": name,
        "bytes": module.stat().st_size,
        "repetitions": repetitions,
        "seconds": median,
        "spread": {key: statistics.pstdev(values) / median[key] for key, values in samples.items()},
        "memory": memory,
        "passes": {key: statistics.median(each.get(key, 0.0) for each in times) for key in times[0]},
        "time_ratio": median["without lowering"] / median["iree-opt"],
        "memory_ratio": memory["specplace"] / memory["iree-opt"],
    }
    report(result)
    return result


def report(result):
    seconds, memory = result["seconds"], result["memory"]
    print(f"\n{result['module']}: {result['bytes'] / 1e6:.1f} MB of text, median of {result['repetitions']}")
    for key in seconds:
        print(f"  {key:<18} {seconds[key] * 1e3:8.1f} ms  ± {result['spread'][key]:.0%}")
    for verdict, ratio, aim in [
        ("time, without Torch lowering", result["time_ratio"], TIME_AIM),
        ("peak memory", result["memory_ratio"], MEMORY_AIM),
    ]:
        met = "met" if ratio <= aim else "MISSED"
        print(f"  {verdict}: {ratio:.2f} of iree-opt's (aim {aim}: {met})")
    print(f"  memory: iree-opt {memory['iree-opt'] / 1e6:.0f} MB, specplace {memory['specplace'] / 1e6:.0f} MB")
    total = sum(result["passes"].values())
    for name, value in result["passes"].items():
        print(f"    {name:<18} {value * 1e3:8.1f} ms {value / total:6.1%}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    arguments.add_argument("--specplace", type=pathlib.Path, default=target / "release/specplace")
    arguments.add_argument("--repetitions", type=int, default=9)
    arguments.add_argument("--json", type=pathlib.Path, default=ROOT / "out/bench.json")
    arguments.add_argument("--make", nargs=2, metavar=("NAME", "FILE"), help="only write a module")
    options = arguments.parse_args()
    if options.make:
        MODULES[options.make[0]](pathlib.Path(options.make[1]))
        return
    results = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        for name in MODULES:
            module = folder / f"{name}.mlir"
            subprocess.run([sys.executable, __file__, "--make", name, module], check=True)
            results.append(compare(name, module, options.specplace, options.repetitions, folder))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(results, indent=2) + "\n")
    print(f"\nwritten to {options.json}")


if __name__ == "__main__":
    main()
