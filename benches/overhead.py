"""What the monolith costs beside its parts: the time of a round, less the sum
of its subgraphs each timed alone on its planned device, as a share of the
round.

The pair is examples/pair/generate_symbolic.mlir with a wider vocabulary and
wider feed-forward layers, about 27 M and 3 M parameters, all weights alike
(splat parameters, so that nothing has to be stored). Drafter and target are on
two CPU devices, local-sync, which compute in the caller's thread: its CPU time
is the time of the work. Other load still slows it, through caches and clocks:
so round and parts are measured in turns, each turn is compared with itself, and
the medians of all turns are printed, with the middle half of them.

    .venv/bin/python benches/overhead.py [--gamma 4] [--turns 15]
"""

import argparse
import json
import re
import statistics

from processes import IREE_COMPILE, ROOT, RUNTIME, SPECPLACE, measure, output, progress, spread

OUT = ROOT / "out" / "overhead"
SEQUENCE = 63
VOCABULARY = 10752
DRAFTER_FORWARD = 6000


def run(*command):
    return output(command, OUT)


def widen(text):
    """The example at another width: 512 is both its vocabulary and the width of
    the target's feed-forward layers, 176 that of the drafter's."""
    text = re.sub(r"(?<=[\[,x<])512(?=[\],x>])", str(VOCABULARY), text)
    return re.sub(r"(?<=[\[,x<])176(?=[\],x>])", str(DRAFTER_FORWARD), text)


def peak_mebibytes(module, devices, call):
    _, _, peak, _ = measure(
        [RUNTIME / "iree-run-module", f"--module={module}", "--function=generate", *devices,
         "--parameters=model=pair.irpa", *[f"--input={each}" for each in call]], OUT)
    return peak / 2**20


def milliseconds(module, function, devices, inputs):
    """The mean processor time of a call, after a warm-up."""
    report = run(
        RUNTIME / "iree-benchmark-module", f"--module={module}", f"--function={function}", *devices,
        "--parameters=model=pair.irpa", *[f"--input={each}" for each in inputs],
        "--benchmark_format=json", "--benchmark_min_warmup_time=0.2", "--benchmark_min_time=0.5s",
    )
    [measured] = json.loads(report)["benchmarks"]
    scale = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3}
    return measured["cpu_time"] * scale[measured["time_unit"]]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    arguments.add_argument("--gamma", type=int, default=4)
    arguments.add_argument("--turns", type=int, default=15)
    given = arguments.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    text = widen((ROOT / "examples/pair/generate_symbolic.mlir").read_text())
    (OUT / "pair.mlir").write_text(text)
    weights = re.findall(r'"model"::"([^"]+)"> : tensor<([0-9x]+)x(f32)>', text)
    sizes = {role: 0 for role in ("drafter", "target")}
    splats = []
    for name, shape, dtype in weights:
        count = 1
        for size in shape.split("x"):
            count *= int(size)
        sizes[name.split(".")[0]] += count
        splats.append(f"--splat={name}={shape}x{dtype}=0.01")
    (OUT / "splats").write_text("\n".join(splats) + "\n")
    run(RUNTIME / "iree-create-parameters", "--flagfile=splats", "--output=pair.irpa")

    decision = ["--alpha", "0.9", "--gamma", given.gamma, "--platform", "two-cpus",
                "--pin", "drafter=cpu2,target=cpu,control=cpu"]
    run(SPECPLACE, "pair.mlir", "-o", "placed.mlir", *decision)
    run(IREE_COMPILE, "placed.mlir", "@placed.flags", "-o", "placed.vmfb")

    passes = ["resolve-markers", "lower-torch", "identify-roles", "estimate-costs", "select-mapping",
              "fold-draft-length", "outline-subgraphs"]
    parts = run(SPECPLACE, "opt", "--pass", ",".join(passes), "pair.mlir", *decision)
    plain = run(SPECPLACE, "opt", "--pass", ",".join(passes[:-1]), "pair.mlir", *decision)
    (OUT / "plain.mlir").write_text(plain)
    run(IREE_COMPILE, "plain.mlir", "@placed.flags", "--iree-hal-target-device=local", "-o", "plain.vmfb")
    # Each subgraph alone is an entry of its own, on the one device there is.
    parts = parts.replace("func.func private @", "func.func public @").replace("noinline, ", "")
    (OUT / "parts.mlir").write_text(parts)
    run(IREE_COMPILE, "parts.mlir", "@placed.flags", "--iree-hal-target-device=local", "-o", "parts.vmfb")

    tokens = f"1x{SEQUENCE}xi64=" + " ".join(str(7 * at % 512) for at in range(16)) + " 0" * (SEQUENCE - 16)
    call = [tokens, "i64=16", "i64=60"]
    two = ["--device=local-sync", "--device=local-sync"]
    printed = run(RUNTIME / "iree-run-module", "--module=placed.vmfb", "--function=generate", *two,
                  "--parameters=model=pair.irpa", *[f"--input={each}" for each in call])
    rounds = [int(value) for value in re.findall(r"^i64=(\d+)$", printed, re.M)][1]

    signatures = dict(re.findall(r"func\.func public @(\w+_\d+)\((.*?)\) ->", parts))
    # What the inner loop holds runs γ times a round, and the rest of the outer
    # loop once; the calls before it run once in all and are left out.
    bodies = re.search(r"func\.func @generate.*?\n  }\n", parts, re.S).group(0)
    inner = re.findall(r"\n {8,}%\S+ = (?:func\.)?call @(\w+)", bodies)
    outer = re.findall(r"\n {6}%\S+ = (?:func\.)?call @(\w+)", bodies)

    def alone(name):
        types = re.findall(r"tensor<(?:([0-9x]+)x)?(i\d+)>", signatures[name])
        # iree-run-module reads bits as hexadecimal bytes.
        inputs = [f"{shape + 'x' if shape else ''}{dtype}={'01' if dtype == 'i1' else '1'}" for shape, dtype in types]
        return milliseconds("parts.vmfb", name, two[:1], inputs)

    # Control's parts take microseconds: once is enough.
    control = {name: alone(name) for name in {*outer, *inner} if name.startswith("control")}
    turns = []
    for turn in range(given.turns):
        progress(turn, given.turns)
        taken = control | {name: alone(name) for name in {*outer, *inner} if name not in control}
        taken["parts"] = sum(given.gamma * taken[name] for name in inner) + sum(taken[name] for name in outer)
        taken["round"] = milliseconds("placed.vmfb", "generate", two, call) / rounds
        taken["unplaced"] = milliseconds("plain.vmfb", "generate", two[:1], call) / rounds
        turns.append(taken)
    each = {name: [turn[name] for turn in turns] for name in turns[0]}
    overhead = [100 * (turn["round"] - turn["parts"]) / turn["round"] for turn in turns]
    placed = [turn["round"] / turn["unplaced"] for turn in turns]
    memory = peak_mebibytes("placed.vmfb", two, call), peak_mebibytes("plain.vmfb", two[:1], call)
    print(f"parameters       target {sizes['target'] / 1e6:.1f} M, drafter {sizes['drafter'] / 1e6:.1f} M")
    for name in [*outer, *inner]:
        times = given.gamma if name in inner else 1
        print(f"{name:16} {statistics.median(each[name]):9.3f} ms x {times}")
    print(f"medians of {given.turns} turns, and their middle half:")
    print(f"sum of parts     {spread(each['parts'], 2)} ms")
    print(f"round            {spread(each['round'], 2)} ms, {rounds} rounds a call")
    print(f"overhead         {spread(overhead, 2)} % of the round (aim: at most 2 %)")
    print(f"unplaced         {spread(each['unplaced'], 2)} ms a round on one device")
    print(f"placed/unplaced  {spread(placed, 3)}")
    print(f"memory           {memory[0]:9.0f} MiB placed, {memory[1]:.0f} MiB unplaced: {memory[0] / memory[1]:.2f} (aim: at most 1.1)")


if __name__ == "__main__":
    main()
