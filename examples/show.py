#!/usr/bin/env python3
"""The tables of examples/demo: compares plans, shows tokens as text, checks
them against greedy decoding, and puts measured beside expected times."""

import json
import pathlib
import statistics
import sys

import numpy

def plans(pinned, chosen):
    """Two plans, line by line."""
    both = [json.loads(pathlib.Path(path).read_text()) for path in (pinned, chosen)]

    def line(name, value):
        print(f"  {name:<34} {value(both[0]):<24} {value(both[1])}")

    def unit(role):
        return lambda plan: plan["roles"].get(role, {}).get("pu") or "gone"

    print(f"  {'':<34} {'as pinned':<24} as the plan would have chosen")
    for role in ["drafter", "target", "control"]:
        line(role, unit(role))
    line("draft length", lambda plan: str(plan["gamma"]))
    line("c", lambda plan: "-" if plan["c"] is None else f"{plan['c']:.3f}")
    line("speedup by Eq. (1)", lambda plan: f"{plan['speedup']['eq1']:.2f}")
    line("speedup over the best single unit", lambda plan: f"{plan['speedup']['over_baseline']:.2f}")
    line("expected time per token", lambda plan: f"{plan['time']['per_token_ms']:.2f} ms")


def text_of(tokens, tokenizer):
    """Byte-level BPE, backwards: every character of a token's name stands for
    a byte."""
    names = {number: name for name, number in tokenizer["model"]["vocab"].items()}
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    byte_of = {chr(byte): byte for byte in printable}
    others = (byte for byte in range(256) if byte not in printable)
    byte_of |= {chr(256 + index): byte for index, byte in enumerate(others)}
    characters = "".join(names[token] for token in tokens)
    return bytes(byte_of[each] for each in characters).decode(errors="replace")


def tokens(folder, pair):
    """What a run gave, as text, and whether it is right."""
    folder, pair = pathlib.Path(folder), pathlib.Path(pair)
    greedy = numpy.load(pair / "pair_greedy.npy").tolist()
    prompt = int(numpy.load(pair / "pair_n.npy"))
    row, n, rounds, histogram = (
        numpy.load(folder / f"{name}.npy") for name in ["tokens", "n", "rounds", "histogram"]
    )
    length = int(n)
    produced = row.flatten().tolist()[:length]
    tokenizer = json.loads((pair / "tokenizer.json").read_text())
    print("  prompt:")
    print("    " + text_of(produced[:prompt], tokenizer).replace("\n", "\n    "))
    print("  continued:")
    print("    " + text_of(produced[prompt:], tokenizer).replace("\n", "\n    "))
    print(f"  tokens: {produced[prompt:]}")
    rounds = int(rounds)
    print(f"  {length - prompt} tokens in {rounds} rounds; rounds by accepted drafts: {histogram.tolist()}")
    if produced != greedy[:length]:
        sys.exit(f"  WRONG: greedy decoding gives {greedy[prompt:length]}")
    print(f"  all {length - prompt} equal plain greedy decoding of the target")


def median():
    """The median of a benchmark's repetitions, without the first, in ms."""
    scale = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3}
    said = sys.stdin.read()
    if not said.strip():
        return  # lost its device: no number is better than a wrong one
    runs = [run for run in json.loads(said)["benchmarks"] if run["run_type"] == "iteration"]
    print(statistics.median(run["real_time"] * scale[run["time_unit"]] for run in runs[1:]))


def times(plan, pair, speculating, alone):
    """Measured time per token beside the plan's."""
    pair = pathlib.Path(pair)
    expected = json.loads(pathlib.Path(plan).read_text())["time"]
    produced = len(numpy.load(pair / "pair_greedy.npy")) - int(numpy.load(pair / "pair_n.npy"))
    print(f"  {'':<24} {'measured':>12} {'planned':>12}")
    measured = []
    for name, value, planned in [
        ("with speculation", speculating, expected["per_token_ms"]),
        ("without speculation", alone, expected["without_speculation_ms"]),
    ]:
        each = float(value) / produced if value else None
        measured.append(each)
        shown = f"{each:.2f} ms" if each else "device lost"
        print(f"  {name:<24} {shown:>12} {planned:>9.2f} ms")
    if all(measured):
        planned = expected["without_speculation_ms"] / expected["per_token_ms"]
        print(f"  {'speedup':<24} {measured[1] / measured[0]:>12.2f} {planned:>12.2f}")
    print("  (planned times are rooflines of the platform file, not of this machine)")


if __name__ == "__main__":
    verb, *arguments = sys.argv[1:]
    {"plans": plans, "tokens": tokens, "median": median, "times": times}[verb](*arguments)
