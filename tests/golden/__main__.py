"""`python -m golden`: play the golden searches; `--write` stores what comes of them.

The stored file is made with the code of an earlier build, that of a commit C:

    git archive C | tar -x -C FOLDER
    PYTHONPATH=FOLDER:tests python -P -m golden --write

Without `--write` it prints where this code and the stored file differ.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hpsearch.settings import load

STORED = Path(__file__).with_name("digests.json")
DEPTH = 4  # below which the stored file has one line


def portably(module: str, *arguments: str) -> Any:
    """The JSON that a module prints, in a process of its own with portable numerics.

    With its environment most x86-64 machines compute the same bits.
    """
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("HPSEARCH_", "DATABASE_"))}
    portable = load(numerics="portable").child_environment()
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-P", "-m", module, *arguments],
            env={**ours, **portable, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
            cwd=folder,
            stdout=subprocess.PIPE,
            check=True,
        )
    return json.loads(done.stdout)


def outcomes() -> dict[str, Any]:
    """What comes of the golden searches now."""
    made: dict[str, Any] = portably("golden.play")
    return made


def stored() -> dict[str, Any]:
    """What came of them when the file was written."""
    read: dict[str, Any] = json.loads(STORED.read_text())
    return read


def written(value: Any, depth: int = 0) -> str:
    """JSON with a line for each fact of each search."""
    if not isinstance(value, dict) or depth == DEPTH:
        return json.dumps(value)
    pad = "\n" + " " * (depth + 1)
    lines = (f"{json.dumps(key)}: {written(one, depth + 1)}" for key, one in value.items())
    return "{" + pad + f",{pad}".join(lines) + f"\n{' ' * depth}}}"


def differing(before: Any, now: Any, path: str = "") -> list[str]:
    """Where two outcomes differ, in a line each."""
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            line
            for key in dict.fromkeys([*before, *now])
            for line in differing(before.get(key), now.get(key), f"{path}.{key}".lstrip("."))
        ]
    return [] if before == now else [f"{path}: {before} is stored, now {now}"]


def main() -> int:
    """Write the file, or compare with it."""
    parser = argparse.ArgumentParser(prog="golden")
    parser.add_argument("--write", action="store_true", help=f"store the outcomes in {STORED.name}")
    made = outcomes()
    if parser.parse_args().write:
        STORED.write_text(written(made) + "\n")
        return 0
    lines = differing(stored(), made)
    print(*(lines or ["every golden search is what it was"]), sep="\n")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
