#!/usr/bin/env python3
"""How the time of each pass grows with the module: slopes in log-log.

Eight shapes of modules are made, each stressing something else, from a
thousand operations to a hundred thousand. `--timing` tells what each pass had
of the processor, so that other programs and the disk count little; the least of
several runs counts; and a straight line through the logarithms of sizes and
times has a slope: 1 where twice the module takes twice the time, 2 where it
takes four times. Times under a floor are left out: they are the start of a pass
and not its work. What IREE's own passes take in lower-torch is taken off, as
`--timing` tells it, and has a row of its own.

A thousand operations of MLIR are in the processor's cache, and a hundred
thousand (50 MB and more) are not. So even a pass that does nothing but walk
over them has a slope over 1 on most machines, and one that differs from shape
to shape. resolve-markers is such a pass, since these modules have no marker, and
copy-overwritten, since they have no sort, after outline-subgraphs has moved
neighbours apart. So a slope is missed where it is over 1.1 *and* over that of
the walk by more than 0.1, the walk's taken over the same sizes in the same runs.
Tables of operations, which a walk has not, grow out of the cache as well: that
is for us to keep small, and counts. Rows of MLIR alone
(read, verify, serialize, IREE's passes) are printed beside it and not judged.
Usage: benches/slopes.py [SHAPE ...] [--sizes N,...] [--repetitions N]
       [--specplace PROGRAM]
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile

from processes import ROOT, SPECPLACE
from run import pass_times

# What is aimed at; a pass that misses it is said to, and the program ends with 1.
AIM = 1.1
# Passes that do nothing but walk over these modules: as they were read, and as
# outlining has left them; and the passes after that.
WALK, WALK_OUTLINED = "resolve-markers", "copy-overwritten"
AFTER_OUTLINING = ("insert-crossings", "assign-affinities")
# By how much a pass may be steeper than a mere walk, which is memory's part.
OVER_WALK = 0.1
# What is MLIR's alone, or the disk's.
NOT_OURS = ("start", "read", "verify", "serialize", "write", "other", "IREE's passes", WALK, WALK_OUTLINED)
# Seconds under which a time says nothing.
FLOOR = 0.004
# Seconds after which a run is given up, and said to be.
LIMIT = 40

T = "tensor<4xf32>"
WEIGHTS = """util.global private @drafter.w = #flow.parameter.named<"model"::"drafter.w"> : tensor<4xf32>
util.global private @target.w = #flow.parameter.named<"model"::"target.w"> : tensor<4xf32>
"""
# Tokens become floats first: a float that is taken and returned could be a cache.
TOKENS = "tensor<4xi64>"
LOADS = [
    f"%x = arith.sitofp %tokens : {TOKENS} to {T}",
    f"%dw = util.global.load @drafter.w : {T}",
    f"%tw = util.global.load @target.w : {T}",
]


def function(name, body, arguments=f"%tokens: {TOKENS}", results=f"({T}, {T})", returned=("%d", "%t")):
    types = ", ".join([T] * len(returned))
    lines = "\n  ".join([*body, f"return {', '.join(returned)} : {types}"])
    return f"func.func @{name}({arguments}) -> {results} {{\n  {lines}\n}}\n"


def pair(source="%x", suffix=""):
    """One operation of the drafter, and one of the target."""
    return [
        f"%d{suffix} = arith.mulf {source}, %dw : {T}",
        f"%t{suffix} = arith.mulf {source}, %tw : {T}",
    ]


def chain(count):
    """Each operation reads the one before it."""
    body = [*LOADS]
    for role in "dt":
        for at in range(count // 2):
            before = "%x" if at == 0 else f"%{role}{at - 1}"
            body.append(f"%{role}{at} = arith.mulf {before}, %{role}w : {T}")
    last = count // 2 - 1
    return WEIGHTS + function("step", body, returned=(f"%d{last}", f"%t{last}"))


def independent(count):
    """Nothing reads another but for the sum in the end."""
    body = [*LOADS]
    for at in range(count // 4):
        body += [
            f"%k{at} = arith.constant dense<{at + 1}.0> : {T}",
            f"%md{at} = arith.mulf %dw, %x : {T}" if at == 0 else f"%md{at} = arith.subf %md0, %k{at} : {T}",
            f"%mt{at} = arith.mulf %tw, %x : {T}" if at == 0 else f"%mt{at} = arith.subf %mt0, %k{at} : {T}",
        ]
    for role in "dt":
        body.append(f"%{role}0 = arith.negf %m{role}0 : {T}")
        for at in range(1, count // 4):
            body.append(f"%{role}{at} = arith.addf %{role}{at - 1}, %m{role}{at} : {T}")
    last = count // 4 - 1
    return WEIGHTS + function("step", body, returned=(f"%d{last}", f"%t{last}"))


def branches(count):
    """`scf.if` in a row, each reading what the one before it made: what it is
    nobody says but the first."""
    body = [*LOADS, *pair(suffix="0")]
    for at in range(1, count // 7 + 1):
        role, other = ("d", "t") if at % 2 else ("t", "d")
        body += [
            f"%k{at} = arith.constant {at} : index",
            f"%c{at} = arith.cmpi sgt, %n, %k{at} : index",
            f"%{role}{at} = scf.if %c{at} -> ({T}) {{",
            f"  %y{at} = arith.mulf %{role}{at - 1}, %{role}{at - 1} : {T}",
            f"  scf.yield %y{at} : {T}",
            "} else {",
            f"  %z{at} = arith.negf %{role}{at - 1} : {T}",
            f"  scf.yield %z{at} : {T}",
            "}",
            f"%{other}{at} = arith.addf %{other}{at - 1}, %{other}{at - 1} : {T}",
        ]
    last = count // 7
    return WEIGHTS + function("step", body, f"%tokens: {TOKENS}, %n: index", returned=(f"%d{last}", f"%t{last}"))


def nest(count):
    """Loops in one another, a thousand at most: beyond, what reads IR gives up."""
    depth = min(1000, count // 10)
    each = max(1, count // depth - 2)
    body = [*LOADS, *pair(), "%c0 = arith.constant 0 : index", "%c1 = arith.constant 1 : index"]
    value = "%t"
    for at in range(depth):
        body.append(
            f"%r{at} = scf.for %i{at} = %c0 to %n step %c1 iter_args(%v{at} = {value}) -> ({T}) {{"
        )
        value = f"%v{at}"
        for step in range(each):
            body.append(f"%s{at}_{step} = arith.mulf {value}, %tw : {T}")
            value = f"%s{at}_{step}"
    for at in reversed(range(depth)):
        body += [f"scf.yield {value} : {T}", "}"]
        value = f"%r{at}"
    return WEIGHTS + function("step", body, f"%tokens: {TOKENS}, %n: index", returned=("%d", "%r0"))


def functions(count):
    """Public functions, each with a little of both models."""
    return WEIGHTS + "".join(function(f"step{at}", [*LOADS, *pair()]) for at in range(count // 5))


def arguments(count):
    """Arguments, every one of them read by a model."""
    body, last = [*LOADS, *pair(suffix="_")], {"d": "%d_", "t": "%t_"}
    for at in range(count // 2):
        role = "dt"[at % 2]
        body.append(f"%x{at} = arith.sitofp %tokens{at} : {TOKENS} to {T}")
        body.append(f"%{role}{at} = arith.mulf {last[role]}, %x{at} : {T}")
        last[role] = f"%{role}{at}"
    listed = ", ".join([f"%tokens: {TOKENS}", *(f"%tokens{at}: {TOKENS}" for at in range(count // 2))])
    return WEIGHTS + function("step", body, listed, returned=(last["d"], last["t"]))


def shared(count):
    """Weights that both models read."""
    weights = count // 3
    globals_ = [
        f'util.global private @w{at} = #flow.parameter.named<"model"::"w{at}"> : {T}' for at in range(weights)
    ]
    body = [*LOADS, *pair(suffix="0")]
    for at in range(weights):
        body.append(f"%w{at} = util.global.load @w{at} : {T}")
        body += [f"%{role}{at + 1} = arith.mulf %{role}{at}, %w{at} : {T}" for role in "dt"]
    return WEIGHTS + "\n".join(globals_) + "\n" + function("step", body, returned=(f"%d{weights}", f"%t{weights}"))


def drafts(count):
    """Drafting loops, all of them idle where nothing is drafted."""
    i64 = "tensor<i64>"
    body = [
        *LOADS,
        f"%gamma = util.global.load @specplace.draft_length : {i64}",
        "%length = tensor.extract %gamma[] : tensor<i64>",
        "%zero = arith.constant 0 : i64",
        "%one = arith.constant 1 : i64",
        *pair(suffix="0"),
    ]
    loops = count // 10
    for at in range(1, loops + 1):
        body += [
            f"%n{at}, %d{at} = scf.while (%i{at} = %zero, %v{at} = %d{at - 1}) : (i64, {T}) -> (i64, {T}) {{",
            f"  %on{at} = arith.cmpi slt, %i{at}, %length : i64",
            f"  scf.condition(%on{at}) %i{at}, %v{at} : i64, {T}",
            "} do {",
            f"^bb0(%j{at}: i64, %u{at}: {T}):",
            f"  %next{at} = arith.addi %j{at}, %one : i64",
            f"  %made{at} = arith.mulf %u{at}, %dw : {T}",
            f"  scf.yield %next{at}, %made{at} : i64, {T}",
            "}",
        ]
    length = f"util.global private mutable @specplace.draft_length = dense<8> : {i64}\n"
    return length + WEIGHTS + function("step", body, returned=(f"%d{loops}", "%t0"))


SHAPES = {
    "chain": chain,
    "independent": independent,
    "branches": branches,
    "nest": nest,
    "functions": functions,
    "arguments": arguments,
    "shared": shared,
    "drafts": drafts,
}

PLACED = ["--platform", "two-cpus", "--alpha", "0.7", "--pin", "drafter=cpu2,target=cpu", "--pin", "control=cpu"]


def place(module, shape, specplace, folder):
    """The time of each pass, in seconds; None if it takes too long."""
    gamma = ["--gamma", "0"] if shape == "drafts" else []
    command = [specplace, module, "-o", folder / "out.mlir", "--timing", *PLACED, *gamma]
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        sys.exit(f"{shape}: specplace ended with {done.returncode}\n{done.stderr[-2000:]}")
    times = pass_times(done.stderr)
    times["IREE's passes"] = times.pop("lower-torch, IREE")
    times["lower-torch"] -= times["IREE's passes"]
    return times


def slope(points):
    """Of the straight line through the logarithms; None of fewer than two."""
    points = [(math.log(size), math.log(seconds)) for size, seconds in points if seconds > 0]
    if len(points) < 2:
        return None
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


def is_missed(steep, walk):
    """Whether a slope is over what is aimed at, and not for memory alone."""
    return steep is not None and steep > max(AIM, (walk or 1) + OVER_WALK)


def measured(shape, sizes, options, folder):
    """Of each pass, what it took at each size; and whether a run was given up."""
    passes = {}
    for size in sizes:
        module = folder / "module.mlir"
        module.write_text(SHAPES[shape](size))
        least = {}
        for _ in range(options.repetitions):
            times = place(module, shape, options.specplace, folder)
            if times is None:
                print(f"{shape}: given up after {LIMIT} s at {size} operations")
                return passes, True
            for name, seconds in times.items():
                least[name] = min(seconds, least.get(name, seconds))
        for name, seconds in least.items():
            passes.setdefault(name, []).append((size, seconds))
    return passes, False


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("shapes", nargs="*", metavar="SHAPE", help=f"of {', '.join(SHAPES)}")
    arguments.add_argument("--specplace", type=pathlib.Path, default=SPECPLACE)
    arguments.add_argument("--sizes", default="1000,3162,10000,31623,100000")
    arguments.add_argument("--repetitions", type=int, default=3)
    arguments.add_argument("--json", type=pathlib.Path, default=ROOT / "out/slopes.json")
    options = arguments.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    results, missed = {}, []
    with tempfile.TemporaryDirectory() as scratch:
        for shape in options.shapes or SHAPES:
            passes, given_up = measured(shape, sizes, options, pathlib.Path(scratch))
            print(f"\n{shape}: {', '.join(f'{size:,}' for size in sizes)} operations")
            missed += [shape] if given_up else []
            print(f"  {'':<18} slope  walk")
            for name, points in passes.items():
                counted = [(size, seconds) for size, seconds in points if seconds >= FLOOR]
                sizes_counted = {size for size, _ in counted}
                steep = slope(counted)
                walked = WALK_OUTLINED if name in AFTER_OUTLINING else WALK
                walk = slope([point for point in passes[walked] if point[0] in sizes_counted])
                miss = name not in NOT_OURS and is_missed(steep, walk)
                missed += [f"{shape} {name}"] if miss else []
                shown = "  ".join("   -" if each is None else f"{each:4.2f}" for each in (steep, walk))
                listed = "  ".join(f"{seconds * 1e3:9.1f}" for _, seconds in points)
                print(f"  {name:<18}  {shown} {'MISSED' if miss else '      '}  ms: {listed}", flush=True)
                results.setdefault(shape, {})[name] = {"slope": steep, "walk": walk, "points": points}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(results, indent=2) + "\n")
    print(f"\nwritten to {options.json}")
    if missed:
        sys.exit(f"slopes over {AIM}, and over that of a walk by {OVER_WALK}: {', '.join(missed)}")


if __name__ == "__main__":
    main()
