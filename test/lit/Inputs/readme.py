"""Compares the plan that the README shows with what its command says, on
standard input: every line of it is there, in this order."""

import pathlib
import sys

readme = pathlib.Path(sys.argv[1]).read_text()
start = readme.index("    plan for ")
shown = [line.strip() for line in readme[start : readme.index("\n    wrote ", start)].splitlines()]
said = iter([line.strip() for line in sys.stdin])
for line in shown:
    # `in` takes from `said` what it passes over.
    if line and line not in said:
        sys.exit(f"the README shows what is not said, or not there: {line}")
print(f"{len(shown)} lines are as the README shows them")
