#!/usr/bin/env python3
"""What placing costs when a big module is compiled: specplace and iree-compile
for three devices, against iree-compile alone for the same module on one.

The module is the 3B target and 1B drafter of test/data, lowered and without its
placement operators for the one device; both get the same flags otherwise. They
run in turns, and the medians are compared.

    .venv/bin/python benches/compile.py [--turns 3]
"""

import argparse
import pathlib
import statistics
import tempfile

from processes import IREE_COMPILE, ROOT, SPECPLACE, measure, progress
from run import llama

AIM = 1.15
DECISION = ["--alpha", "0.9", "--gamma", "4", "--pin", "drafter=cpu2,target=cpu3,control=cpu",
            "--platform", ROOT / "test/e2e/platforms/three-cpus-and-vulkan.yaml"]
UNPLACED = "resolve-markers,lower-torch,identify-roles,estimate-costs,select-mapping,fold-draft-length"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    arguments.add_argument("--turns", type=int, default=3)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        llama(folder / "llama.mlir")
        place = [SPECPLACE, "llama.mlir", "-o", "placed.mlir", *DECISION]
        measure(place, folder)
        proof = [SPECPLACE, "verify-placement", "placed.mlir", "--with-iree"]
        measure(proof, folder)
        plain = [SPECPLACE, "opt", "--pass", UNPLACED, "llama.mlir", "-o", "plain.mlir", *DECISION]
        measure(plain, folder)
        compiling = [IREE_COMPILE, "placed.mlir", "@placed.flags", "-o", "placed.vmfb"]
        one = [IREE_COMPILE, "plain.mlir", "@placed.flags", "--iree-hal-target-device=local", "-o", "plain.vmfb"]
        clock = {"placed": [], "unplaced": []}
        processor = {"placed": [], "unplaced": []}
        for turn in range(given.turns):
            for name, commands in [("placed", [place, compiling]), ("unplaced", [one])]:
                taken = [measure(command, folder) for command in commands]
                clock[name].append(sum(each[0] for each in taken))
                processor[name].append(sum(each[1] for each in taken))
            progress(turn, given.turns)
    for what, times in [("on the clock", clock), ("on the processor", processor)]:
        placed, unplaced = (statistics.median(times[name]) for name in ("placed", "unplaced"))
        met = "met" if placed <= AIM * unplaced else "MISSED"
        print(f"{what}: placed for three devices {placed:.1f} s, unplaced {unplaced:.1f} s: "
              f"{placed / unplaced:.2f} of it (aim: at most {AIM}: {met})")


if __name__ == "__main__":
    main()
