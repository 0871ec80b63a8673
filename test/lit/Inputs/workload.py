"""Prints the JSON of the module attribute `specplace.workload` of the IR on
standard input, a key per line."""

import json
import re
import sys

text = re.search(r'specplace\.workload = "((?:[^"\\]|\\.)*)"', sys.stdin.read())
if not text:
    sys.exit("the IR has no specplace.workload")
# MLIR escapes a quote as \22.
plain = re.sub(r"\\([0-9A-F]{2})", lambda code: chr(int(code.group(1), 16)), text.group(1))
print(json.dumps(json.loads(plain), indent=1, sort_keys=True))
