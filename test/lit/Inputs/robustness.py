"""Feeds IR, whole and damaged, to specplace: whatever comes in, the program has
to end by itself, with a status that it documents (0, 1 or 2), and must not call
itself broken.

usage: robustness.py [--variants N] PATH...     (files, or folders of .mlir)

Damage is deterministic: the same bytes are cut off and flipped in every run.
"""

import argparse
import gzip
import pathlib
import random
import re
import resource
import subprocess
import sys
import tempfile

PASSES = (
    "resolve-markers,lower-torch,identify-roles,estimate-costs,select-mapping,"
    "fold-draft-length,outline-subgraphs,insert-crossings,assign-affinities"
)
# What a program says that has met a case its authors did not think of. What LLVM
# says when it ends the process is followed by a message of ours.
BROKEN = re.compile(rb"panicked|internal error|a bug in specplace|Assertion|UNREACHABLE|Stack dump")
ENDED = re.compile(rb"LLVM ERROR(?!(?s:.*)error: IREE crashed)")
# Some IR asks for any amount of memory.
MEMORY = 12 << 30
# Larger inputs are cut and not flipped: what a flip does to a weight is nothing.
SMALL = 20_000

failures = []
runs = 0


def run(what, source, arguments):
    global runs
    runs += 1
    try:
        done = subprocess.run(["specplace", *arguments], input=source, capture_output=True, timeout=120,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)))
    except subprocess.TimeoutExpired:
        failures.append((what, "it does not end", source))
        return None
    told = BROKEN.search(done.stderr) or ENDED.search(done.stderr)
    if done.returncode not in (0, 1, 2):
        failures.append((what, f"status {done.returncode}", source))
    elif told:
        failures.append((what, f"it says '{told.group().decode()}'", source))
    elif done.returncode != 0 and b"error" not in done.stderr:
        failures.append((what, f"status {done.returncode} without a message", source))
    return done


def feed(what, source):
    """One source, through single passes and as a whole, with drafts and without."""
    decision = ["--alpha", "0.9", "--platform", "two-cpus"]
    run(f"{what}: opt", source, ["opt", "--pass", PASSES, *decision, "-", "-o", "/dev/null"])
    run(f"{what}: place, drafter and target apart", source,
        ["-", "-o", "/dev/null", "-q", *decision, "--pin", "drafter=cpu2,target=cpu"])
    run(f"{what}: place, no drafts", source, ["-", "-o", "/dev/null", "-q", *decision, "--gamma", "0"])


def sources(path):
    """The modules in a file: itself, or the parts of a lit test."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    parts = re.split(rb"(?m)^//--- (.+)$", data)
    if len(parts) == 1:
        yield path.name, data
    for name, part in zip(parts[1::2], parts[2::2]):
        if name.strip().endswith(b".mlir"):
            yield f"{path.name}/{name.decode().strip()}", part


def damaged(source, count, dice, cut_only):
    for _ in range(count):
        yield "cut", source[: dice.randrange(len(source))]
        if len(source) <= SMALL and not cut_only:
            flipped = bytearray(source)
            for _ in range(dice.choice([1, 1, 1, 4])):
                flipped[dice.randrange(len(flipped))] ^= 1 << dice.randrange(8)
            yield "flipped", bytes(flipped)
            # Words, rather than letters, are what a person mistakes.
            words = list(re.finditer(rb"[\w.@%#]+", source))
            one, other = dice.choice(words), dice.choice(words)
            yield "a word changed", source[: one.start()] + other.group() + source[one.end() :]
            lines = source.split(b"\n")
            del lines[dice.randrange(len(lines))]
            yield "a line gone", b"\n".join(lines)


def bytecode(source):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, "in.mlirbc")
        done = subprocess.run(
            ["specplace", "opt", "--pass", "resolve-markers", "--emit-bytecode", "-q", "-", "-o", out],
            input=source, capture_output=True,
        )
        return out.read_bytes() if done.returncode == 0 else None


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--variants", type=int, default=1)
    arguments.add_argument("--whole", action="store_true", help="undamaged only")
    arguments.add_argument("--bytecode", action="store_true", help="cut bytecode off too")
    arguments.add_argument("--flip-bytecode", action="store_true",
                           help="flip bits of it as well; MLIR's reader (3.13.0) may run forever on some")
    arguments.add_argument("--keep", type=pathlib.Path, help="where to keep what failed")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("paths", nargs="+", type=pathlib.Path)
    arguments = arguments.parse_args()
    files = []
    for path in arguments.paths:
        files += [path] if path.is_file() else sorted(
            each for each in path.rglob("*") if each.name.endswith((".mlir", ".mlir.gz", ".mlirbc"))
        )
    for file in files:
        for name, source in sources(file):
            feed(name, source)
            if arguments.whole:
                continue
            dice = random.Random(f"{arguments.seed} {name}")
            forms = [("text", source)]
            if (arguments.bytecode or arguments.flip_bytecode) and (compiled := bytecode(source)):
                forms.append(("bytecode", compiled))
            for form, whole in forms:
                for number, (kind, data) in enumerate(
                    damaged(whole, arguments.variants, dice, form == "bytecode" and not arguments.flip_bytecode)
                ):
                    feed(f"{name}, {form}, {kind} ({number})", data)
    for number, (what, why, source) in enumerate(failures):
        print(f"{what}: {why}")
        if arguments.keep:
            arguments.keep.mkdir(parents=True, exist_ok=True)
            (arguments.keep / str(number)).write_bytes(source)
    print(f"{runs} runs, {len(failures)} failures")
    sys.exit(1 if failures or not runs else 0)


main()
