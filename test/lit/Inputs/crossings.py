"""Prints what the specplace.workload of a module says goes from one role to another, a value a line."""

import json
import re
import sys

text = re.search(r'specplace.workload = "((?:[^"\\]|\\.)*)"', sys.stdin.read())[1]
workload = json.loads(re.sub(r"\\([0-9A-F]{2})", lambda code: chr(int(code[1], 16)), text))
print("crossings:")
for each in workload["crossings"]:
    if each["from"] == each["to"]:
        continue
    flags = [name for name in ("enters", "leaves", "carried") if each[name]]
    words = f"{each['count']} {each['what']} {each['from']} -> {each['to']}"
    print(", ".join([words, each["per"], *flags]))
