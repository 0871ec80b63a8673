"""What the monolith costs beside its parts: the time of a round, less the sum
of its subgraphs each timed alone on its planned device, as a share of the
round.

The pair is examples/pair/generate_symbolic.mlir with a wider vocabulary and
wider feed-forward layers, about 27 M and 3 M parameters, all weights alike
(splat parameters, so that nothing has to be stored). Drafter and target are on
two CPU devices, local-sync, which compute in the caller's thread: its CPU time
is the time of the work, whatever else the machine does. Times are the least of
several repetitions.

    .venv/bin/python benches/overhead.py [--gamma 4] [--repetitions 5]
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPECPLACE = os.environ.get("SPECPLACE", str(ROOT / "target/release/specplace"))
BIN = ROOT / ".venv/bin"
OUT = ROOT / "out" / "overhead"
SEQUENCE = 63
VOCABULARY = 10752
DRAFTER_FORWARD = 6000


def run(*command):
    finished = subprocess.run([str(word) for word in command], cwd=OUT, capture_output=True, text=True)
    if finished.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{finished.stdout}{finished.stderr}")
    return finished.stdout


def widen(text):
    """The example at another width: 512 is both its vocabulary and the width of
    the target's feed-forward layers, 176 that of the drafter's."""
    text = re.sub(r"(?<=[\[,x<])512(?=[\],x>])", str(VOCABULARY), text)
    return re.sub(r"(?<=[\[,x<])176(?=[\],x>])", str(DRAFTER_FORWARD), text)


def peak_mebibytes(module, devices, call):
    """The peak resident memory of one run, as GNU time reports it."""
    process = subprocess.Popen(
        [BIN.parent / "lib/python3.11/site-packages/iree/_runtime_libs/iree-run-module",
         f"--module={module}", "--function=generate", *devices, "--parameters=model=pair.irpa",
         *[f"--input={each}" for each in call]], cwd=OUT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{module} did not run")
    return usage.ru_maxrss / 1024


def least_milliseconds(module, function, devices, inputs, repetitions, parameters):
    report = run(
        BIN / "iree-benchmark-module", f"--module={module}", f"--function={function}", *devices,
        f"--parameters=model={parameters}", *[f"--input={each}" for each in inputs],
        "--benchmark_format=json", f"--benchmark_repetitions={repetitions}",
        "--benchmark_min_warmup_time=0.2", "--benchmark_min_time=0.5s",
    )
    runs = [each for each in json.loads(report)["benchmarks"] if each["run_type"] == "iteration"]
    scale = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3}
    return min(each["cpu_time"] * scale[each["time_unit"]] for each in runs)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    arguments.add_argument("--gamma", type=int, default=4)
    arguments.add_argument("--repetitions", type=int, default=5)
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
    run(BIN / "iree-create-parameters", "--flagfile=splats", "--output=pair.irpa")

    decision = ["--alpha", "0.9", "--gamma", given.gamma, "--platform", "two-cpus",
                "--pin", "drafter=cpu2,target=cpu,control=cpu"]
    run(SPECPLACE, "pair.mlir", "-o", "placed.mlir", *decision)
    run(BIN / "iree-compile", "placed.mlir", "@placed.flags", "-o", "placed.vmfb")

    passes = ["resolve-markers", "lower-torch", "identify-roles", "estimate-costs", "select-mapping",
              "fold-draft-length", "outline-subgraphs"]
    parts = run(SPECPLACE, "opt", "--pass", ",".join(passes), "pair.mlir", *decision)
    plain = run(SPECPLACE, "opt", "--pass", ",".join(passes[:-1]), "pair.mlir", *decision)
    (OUT / "plain.mlir").write_text(plain)
    run(BIN / "iree-compile", "plain.mlir", "@placed.flags", "--iree-hal-target-device=local", "-o", "plain.vmfb")
    # Each subgraph alone is an entry of its own, on the one device there is.
    parts = parts.replace("func.func private @", "func.func public @").replace("noinline, ", "")
    (OUT / "parts.mlir").write_text(parts)
    run(BIN / "iree-compile", "parts.mlir", "@placed.flags", "--iree-hal-target-device=local", "-o", "parts.vmfb")

    tokens = f"1x{SEQUENCE}xi64=" + " ".join(str(7 * at % 512) for at in range(16)) + " 0" * (SEQUENCE - 16)
    call = [tokens, "i64=16", "i64=60"]
    two = ["--device=local-sync", "--device=local-sync"]
    printed = run(BIN / "iree-run-module", "--module=placed.vmfb", "--function=generate", *two,
                  "--parameters=model=pair.irpa", *[f"--input={each}" for each in call])
    rounds = [int(value) for value in re.findall(r"^i64=(\d+)$", printed, re.M)][1]

    whole = least_milliseconds("placed.vmfb", "generate", two, call, given.repetitions, "pair.irpa")
    signatures = dict(re.findall(r"func\.func public @(\w+_\d+)\((.*?)\) ->", parts))
    alone = {}
    for name, signature in signatures.items():
        types = re.findall(r"tensor<(?:([0-9x]+)x)?(i\d+)>", signature)
        # iree-run-module reads bits as hexadecimal bytes.
        inputs = [f"{shape + 'x' if shape else ''}{dtype}={'01' if dtype == 'i1' else '1'}" for shape, dtype in types]
        alone[name] = least_milliseconds("parts.vmfb", name, ["--device=local-sync"], inputs,
                                         given.repetitions, "pair.irpa")
    # What the inner loop holds runs γ times a round, and the rest of the outer
    # loop once; the calls before it run once in all and are left out.
    bodies = re.search(r"func\.func @generate.*?\n  }\n", parts, re.S).group(0)
    inner = re.findall(r"\n {8,}%\S+ = (?:func\.)?call @(\w+)", bodies)
    outer = re.findall(r"\n {6}%\S+ = (?:func\.)?call @(\w+)", bodies)
    total = sum(given.gamma * alone[name] for name in inner) + sum(alone[name] for name in outer)
    a_round = whole / rounds
    unplaced = least_milliseconds("plain.vmfb", "generate", two[:1], call, given.repetitions, "pair.irpa")
    memory = peak_mebibytes("placed.vmfb", two, call), peak_mebibytes("plain.vmfb", two[:1], call)
    print(f"parameters       target {sizes['target'] / 1e6:.1f} M, drafter {sizes['drafter'] / 1e6:.1f} M")
    for name in [*outer, *inner]:
        times = given.gamma if name in inner else 1
        print(f"{name:16} {alone[name]:9.3f} ms x {times}")
    print(f"sum of parts     {total:9.3f} ms")
    print(f"round            {a_round:9.3f} ms ({rounds} rounds in {whole:.1f} ms)")
    print(f"overhead         {100 * (a_round - total) / a_round:9.2f} % of the round (aim: at most 2 %)")

    print(f"unplaced         {unplaced / rounds:9.3f} ms a round on one device, {a_round * rounds / unplaced:.3f} of it placed")
    print(f"memory           {memory[0]:9.0f} MiB placed, {memory[1]:.0f} MiB unplaced: {memory[0] / memory[1]:.2f} (aim: at most 1.1)")


if __name__ == "__main__":
    main()
