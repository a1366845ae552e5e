"""`hpsearch agent`: any command as a trainer of an external search."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from hpsearch.cli.agent_lines import Lines, ended, warn
from hpsearch.cli.options import Json, SearchId, Url, connected
from hpsearch.cli.output import emit
from hpsearch.errors import InvalidRequest

if TYPE_CHECKING:
    from hpsearch.agent.running import Outcome
    from hpsearch.report.views import OrderView

SEARCH_FAILED = 1  # exit code; that the search was cancelled is its user's wish

Command = Annotated[
    list[str],
    typer.Argument(metavar="COMMAND", help="Of a trial, after --, with {lr} where a value stands."),
]
Parallel = Annotated[
    int | None, typer.Option(min=1, max=256, help="Trials at a time [default: 1].")
]
Gpus = Annotated[
    str | None,
    typer.Option(metavar="LIST", help="0,1 or all: a trial on each, which sees it alone (CUDA)."),
]
ScoreFile = Annotated[
    bool,
    typer.Option(
        "--score-file",
        help="Read scores from the file $HPSEARCH_TRIAL_SCORE_FILE, {score_file}, instead of "
        "standard output.",
    ),
]
Labels = Annotated[
    str | None,
    typer.Option(metavar="LIST", help="Of this machine, as gpu,large: the spec may require some."),
]
Grace = Annotated[
    float, typer.Option(min=0, max=20, help="Seconds that a command has to end itself.")
]
Lease = Annotated[
    float | None,
    typer.Option(
        min=1, max=3600, help="Seconds without a heartbeat until another may have a trial."
    ),
]
Failures = Annotated[
    int,
    typer.Option(
        min=0, help="Failed trials from the first on, without a score, that end the agent; 0: none."
    ),
]


def agent(
    search: SearchId,
    command: Command,
    parallel: Parallel = None,
    gpus: Gpus = None,
    score_file: ScoreFile = False,
    labels: Labels = None,
    grace: Grace = 20.0,
    lease: Lease = None,
    failures: Failures = 5,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Run a command for each trial of an external search, and report the scores that it prints.

    hpsearch agent ID -- python train.py --lr={lr} --epochs={epochs}

    A score is a line `score=0.5`, `epoch=3 score=0.5`, or {"epoch": 3, "score": 0.5}; the last one
    counts if the command ends with status 0. Ctrl-C and SIGTERM hand running trials back. The exit code is
    1 where the search has failed.
    """
    from hpsearch.agent import Agent, Options, Template
    from hpsearch.client import PATIENCE
    from hpsearch.settings import load
    from hpsearch.trials import SearchState

    words = Template.of(command)
    devices = _devices(gpus)
    if devices and parallel is not None and parallel != len(devices):
        raise InvalidRequest(
            f"--parallel {parallel} and {len(devices)} GPUs: each trial has one; leave --parallel out"
        )
    options = Options(
        parallel=parallel or 1,
        gpus=devices,
        grace=grace,
        lease=lease,
        score_file=score_file,
        failures=failures,
        labels=frozenset(filter(None, map(str.strip, (labels or "").split(",")))),
    )
    with connected(url, patience=PATIENCE) as client:
        worker = Agent(
            client, search, words, options, dict(os.environ), load().client_key(),
            _say_json if as_json else Lines(), warn,
        )  # fmt: skip
        if not as_json:
            print(f"agent {worker.name}: trials of search {search}", file=sys.stderr, flush=True)
        status = worker.run()
    if worker.signal is not None:
        raise typer.Exit(128 + worker.signal)
    if status is None:
        return
    if not as_json:
        print(ended(status), file=sys.stderr)
    if status.state is SearchState.FAILED:
        raise typer.Exit(SEARCH_FAILED)


def _devices(asked: str | None) -> list[str]:
    """The GPUs that are asked for; none without the option."""
    if asked is None:
        return []
    if asked != "all":
        return _named(asked, asked)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return _named(visible, f"all of CUDA_VISIBLE_DEVICES={visible}")
    tool = shutil.which("nvidia-smi")
    if tool is None:
        raise InvalidRequest("--gpus all asks nvidia-smi, which is not here; name them: --gpus 0,1")
    listed = subprocess.run([tool, "--list-gpus"], capture_output=True, text=True, check=False)  # noqa: S603  # found on PATH
    lines = [line for line in listed.stdout.splitlines() if line.startswith("GPU ")]
    if not lines:
        raise InvalidRequest("--gpus all: nvidia-smi lists none")
    return [str(number) for number in range(len(lines))]


def _named(listed: str, said: str) -> list[str]:
    names = [name.strip() for name in listed.split(",")]
    if not all(names) or len(set(names)) < len(names):
        raise InvalidRequest(f"--gpus {said} names no GPUs; write numbers, each once: --gpus 0,1")
    return names


def _say_json(order: OrderView, outcome: Outcome, seconds: float) -> None:
    emit(
        {"trial": order.trial, "attempt": order.attempt, "state": outcome.state, "score": outcome.score,
         "seconds": round(seconds, 3), "reason": outcome.why}
    )  # fmt: skip
