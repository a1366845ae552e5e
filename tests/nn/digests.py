"""Digests of many trainings, one a line: the same ones, whoever computes the elementwise passes.

    HPSEARCH_ENGINE=numpy python tests/nn/digests.py [--stacks 40] [--first 2000]

The cases are those of `independence.py` and stacks drawn by `random_stacks.py`. The tests compare what
this prints with HPSEARCH_ENGINE=compiled.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator
from pathlib import Path
from sys import path as search_path

import numpy as np

search_path.insert(0, str(Path(__file__).parent))

import independence
import random_stacks


def digest(bits: object) -> str:
    return hashlib.sha256(repr(bits).encode()).hexdigest()[:16]


def digests(first: int, stacks: int) -> Iterator[str]:
    for number, (name, shape, kind) in enumerate(independence.cases()):
        raw, weighted = (np.uint8, np.float32)[number % 2], number % 3 == 2
        stack = independence.members(kind, (9, 6, 17)[number % 3], shape.optimizer)
        for outcome in independence.outcomes(shape, stack, raw, weighted=weighted):
            yield f"{name}, {shape.optimizer}, {kind}: {digest(random_stacks.bits(outcome))}"
    for number in range(first, first + stacks):
        drawn = random_stacks.case(number)
        for member, bits in drawn.outcomes(range(len(drawn.members))).items():
            yield f"stack {number}, member {member}: {digest(bits)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stacks", type=int, default=40)
    parser.add_argument("--first", type=int, default=2000)
    asked = parser.parse_args()
    for line in digests(asked.first, asked.stacks):
        print(line)


if __name__ == "__main__":
    main()
