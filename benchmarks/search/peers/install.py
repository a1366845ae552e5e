"""Installs the peers, each into a virtual environment of its own.

    python -m benchmarks.search.peers.install FOLDER [--only NAME,...] [--cpu-index URL]

The pins in requirements.toml exclude each other, and those of the project. Where PyTorch's own
index is reachable, `--cpu-index https://download.pytorch.org/whl/cpu` spares the CUDA libraries.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

TABLE = Path(__file__).with_name("requirements.toml")


def wanted() -> Mapping[str, Sequence[str]]:
    """Virtual environment -> requirements."""
    table = tomllib.loads(TABLE.read_text())
    return {name: row["requirements"] for name, row in table.items()}


def install(folder: Path, name: str, requirements: Sequence[str], index: str | None) -> str | None:
    """Make one virtual environment; the last line of the error where that fails.

    A stamp holds the requirements: the same ones again cost nothing.
    """
    place = folder / name
    stamp = place / "requirements.txt"
    if stamp.exists() and stamp.read_text().splitlines() == list(requirements):
        return None
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
    more = ["--extra-index-url", index] if index else []
    done = subprocess.run(
        [str(place / "bin" / "pip"), "install", "--quiet", "--no-compile", *more, *requirements],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        return (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
    stamp.write_text("\n".join(requirements) + "\n")
    return None


def main() -> None:
    """Install all of them, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default=",".join(wanted()), help="comma-separated: %(default)s")
    parser.add_argument("--cpu-index", metavar="URL", help="a second index, for PyTorch's wheels")
    asked = parser.parse_args()
    names = [name for name in asked.only.split(",") if name]
    if unknown := set(names) - wanted().keys():
        sys.exit(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(wanted())}")
    failed = 0
    for name in names:
        reason = install(asked.folder, name, wanted()[name], asked.cpu_index)
        print(f"{name}: {reason or 'installed'}", flush=True)
        failed += reason is not None
    sys.exit(failed and f"{failed} did not install")


if __name__ == "__main__":
    main()
