#!/usr/bin/env python3
"""Compares specplace with iree-opt merely reading and writing the same module.

Both run in turn, so that other load on the machine falls on both, and what
counts is the ratio of the medians of the processor time they took; the time on
the clock is printed beside it. The share of Torch lowering, which iree-opt does
not do, is taken off specplace's time (`--timing` says how much it is, and how
much of that are IREE's own passes). What is written is the lowered module all the
same, which is bigger than the one read.
Usage: benches/run.py [--specplace PROGRAM] [--repetitions N] [--json FILE]
"""

import argparse
import gzip
import json
import pathlib
import re
import statistics
import struct
import subprocess
import sys
import tempfile

from processes import IREE_OPT, ROOT, SPECPLACE, measure

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


def lowered(path, specplace):
    """The first module after Torch lowering: specplace's time and memory have no
    lowering in them."""
    with tempfile.TemporaryDirectory() as scratch:
        torch = pathlib.Path(scratch) / "torch.mlir"
        llama(torch)
        passes = "resolve-markers,lower-torch"
        command = [specplace, "opt", "--pass", passes, torch, "-o", path, "--quiet"]
        subprocess.run([str(part) for part in command], check=True)


MODULES = {
    "llama32_3b_1b_f16_place": lambda path, _: llama(path),
    "llama32_3b_1b_f16_place, lowered": lowered,
    "inline_weights": lambda path, _: inline_weights(path),
}


def pass_times(said):
    """The table of `--timing`: seconds on the processor by step, and what of a
    step is IREE's own passes, as "STEP, IREE"."""
    times, last = {}, None
    for name, value in re.findall(r"^ *(\S.*?)  +(?:[0-9.]+ ms +[0-9.]+ % +)?([0-9.]+) ms$", said, re.M):
        key = f"{last}, IREE" if name.startswith("of which") else name
        times[key] = float(value) * 1e-3
        last = name
    times.pop("total", None)
    return times


def compare(name, module, specplace, repetitions, folder):
    output = folder / "out.mlir"
    reference = [IREE_OPT, module, "-o", output]
    placing = [specplace, module, "-o", output, "--alpha", "0.7", "--timing"]
    # Of IR without Torch the same step makes canonical IR, which is ours to answer for.
    holds_torch = re.search(r"^\s*(%\S+ = )?\"?torch\.", module.read_text(), re.M) is not None
    programs = {"iree-opt": reference, "specplace": placing}
    clock = {key: [] for key in programs}
    processor = {key: [] for key in [*programs, "without lowering"]}
    memory = dict.fromkeys(programs, 0)
    shares, iree = [], []
    for repetition in range(repetitions + 1):
        runs = {key: measure(command, folder) for key, command in programs.items()}
        if repetition == 0:
            continue  # files were cold
        for key, (seconds, busy, peak, _) in runs.items():
            clock[key].append(seconds)
            processor[key].append(busy)
            memory[key] = max(memory[key], peak)
        times = pass_times(runs["specplace"][3])
        iree.append(times.get("lower-torch, IREE", 0.0))
        steps = {key: value for key, value in times.items() if not key.endswith(", IREE")}
        share = {key: value / sum(steps.values()) for key, value in steps.items()}
        shares.append(share)
        lowering = share["lower-torch"] if holds_torch else 0
        processor["without lowering"].append(runs["specplace"][1] * (1 - lowering))
    median = {key: statistics.median(values) for key, values in processor.items()}
    result = {
        "module": name,
        "bytes": module.stat().st_size,
        "repetitions": repetitions,
        "processor_seconds": median,
        "clock_seconds": {key: statistics.median(values) for key, values in clock.items()},
        "spread": {key: statistics.pstdev(values) / median[key] for key, values in processor.items()},
        "memory": memory,
        "iree_passes_seconds": statistics.median(iree),
        "shares": {key: statistics.median(each[key] for each in shares) for key in shares[0]},
        "time_ratio": median["without lowering"] / median["iree-opt"],
        "memory_ratio": memory["specplace"] / memory["iree-opt"],
    }
    report(result)
    return result


def report(result):
    seconds, clock, memory = result["processor_seconds"], result["clock_seconds"], result["memory"]
    print(f"\n{result['module']}: {result['bytes'] / 1e6:.1f} MB of text, median of {result['repetitions']}")
    for key, value in seconds.items():
        shown = f", {clock[key] * 1e3:.0f} ms on the clock" if key in ("iree-opt", "specplace") else ""
        print(f"  {key:<18} {value * 1e3:8.1f} ms ± {result['spread'][key]:.0%}{shown}")
    for verdict, ratio, aim in [
        ("time, without Torch lowering", result["time_ratio"], TIME_AIM),
        ("peak memory", result["memory_ratio"], MEMORY_AIM),
    ]:
        met = "met" if ratio <= aim else "MISSED"
        print(f"  {verdict}: {ratio:.2f} of iree-opt's (aim {aim}: {met})")
    print(f"  memory: iree-opt {memory['iree-opt'] / 1e6:.0f} MB, specplace {memory['specplace'] / 1e6:.0f} MB")
    print(f"  of lower-torch, IREE's own passes: {result['iree_passes_seconds'] * 1e3:.1f} ms")
    for name, share in result["shares"].items():
        print(f"    {name:<18} {share * seconds['specplace'] * 1e3:8.1f} ms {share:6.1%}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--specplace", type=pathlib.Path, default=SPECPLACE)
    arguments.add_argument("--repetitions", type=int, default=9)
    arguments.add_argument("--json", type=pathlib.Path, default=ROOT / "out/bench.json")
    arguments.add_argument("--make", nargs=2, metavar=("NAME", "FILE"), help="only write a module")
    options = arguments.parse_args()
    if options.make:
        MODULES[options.make[0]](pathlib.Path(options.make[1]), options.specplace)
        return
    results = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        for name in MODULES:
            module = folder / "module.mlir"
            make = [sys.executable, __file__, "--specplace", options.specplace, "--make", name, module]
            subprocess.run(make, check=True)
            results.append(compare(name, module, options.specplace, options.repetitions, folder))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(results, indent=2) + "\n")
    print(f"\nwritten to {options.json}")


if __name__ == "__main__":
    main()
