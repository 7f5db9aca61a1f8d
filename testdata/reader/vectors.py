"""Runs the vectors of the form "fold", and reads the lines in them: python3 vectors.py ../vectors"""

import glob
import json
import os
import sys

from entry import applies
from jcs import canonical, parse
from line import fold_line
from node import Node


def main(folder):
    """Folds each case and compares."""
    run = failed = 0
    for name in sorted(glob.glob(os.path.join(folder, "*.json"))):
        with open(name, encoding="utf-8") as file:
            cases = json.load(file)
        for case in cases:
            if "entries" in case:
                run += 1
                failed += check(case)
    print(f"{run} cases, {failed} failed")
    return failed > 0 or run == 0


def check(case):
    """Whether a case fails."""
    nodes = {}

    def fold(id, *fact):
        nodes.setdefault(id, Node()).fold(*fact)

    for e in case["entries"]:
        line = e["line"].encode() if "line" in e else canonical(e["entry"])
        applies(e["writer"], e.get("number") or e["entry"].get("number", 0), line, fold)
    want = {id: node["value"] for id, node in case["state"]["nodes"].items()}
    have = {id: node.view() for id, node in nodes.items()}
    for line in case.get("told", {}).values():
        found = {}
        fold_line(line, found, Node)
        have.update((id, node.view()) for id, node in found.items())
    if canonical(have) == canonical(parse(json.dumps(want))):
        return False
    print(f"{case['name']}: {case['about']}\n have {canonical(have).decode()}\n want {canonical(want).decode()}")
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
