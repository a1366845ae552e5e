"""`hpsearch lab`: the experiments of the textbook's chapter, and one report of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from hpsearch.cli.options import Json
from hpsearch.errors import NotFound

LAB = Path(__file__).resolve().parents[2] / "lab"  # beside this package, in a checkout alone


def lab(
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="Run this experiment; may be repeated."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Small samples of digits, in seconds.")
    ] = False,
    output: Annotated[Path, typer.Option(help="The report to write.")] = Path("lab.html"),
    seed: Annotated[int, typer.Option(min=0, help="What chance starts from.")] = 0,
    as_json: Json = False,
) -> None:
    """Reproduce a textbook's chapter on training techniques, in minutes, as an HTML report.

    On MNIST where its files are on this machine (docs/chapter.md says where), else on digits.
    With --json: claims, measurements and verdicts on standard output, progress on standard error.
    An installed package has no experiments; it says so with exit code 5.
    """
    from hpsearch.settings import load

    if not (LAB / "experiments").is_dir():
        raise NotFound(
            "the experiments are not part of the installed package; "
            "run this command in a checkout of the project, where `make lab` installs what it needs"
        )
    names = [f"--only={name}" for name in only or ()]
    flags = [*(["--quick"] if quick else []), *(["--json"] if as_json else [])]
    arguments = [f"--output={output}", f"--seed={seed}", *names, *flags]
    # A child, because its environment must be set before NumPy loads.
    command = [sys.executable, "-P", "-m", "lab", *arguments]
    environment = {**os.environ, **load().child_environment()}
    done = subprocess.run(command, env=environment, check=False)  # noqa: S603  # our own program
    raise typer.Exit(done.returncode)
