"""The recipe for Slurm in a real Slurm: an array of agents, one of which is requeued."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import slurm
from support.absent import absent
from support.slurm import Slurm
from support.waiting import until

from hpsearch.client import Client

RECIPE = Path(__file__).resolve().parents[2] / "examples" / "agent_slurm.sh"
ROOT = RECIPE.parents[1]
SPEC: dict[str, Any] = {
    "objective": "external",
    "space": {"lr": {"low": 1e-4, "high": 1.0, "scale": "log"}},
    "rounds": 1,
    "trials_per_round": 5,
    "epochs": {"first": 1, "last": 1},
    "final": {"models": 1},
}
# It trains until it is let go on, so that there is something to interrupt.
TRAIN = """
import os, pathlib, sys, time
pathlib.Path(f"began-{os.getpid()}").write_text(os.environ["SLURM_ARRAY_TASK_ID"])
until = time.monotonic() + 60
while not pathlib.Path("go").exists() and time.monotonic() < until:
    time.sleep(0.02)
print("score=", -float(sys.argv[1].split("=")[1]), sep="")
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="slurmd and munged take root")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Slurm]:
    """A Slurm whose jobs find `hpsearch`, `python` and train.py."""
    if missing := slurm.missing():
        absent(f"Slurm ({missing}; apt-get install slurm-wlm munge)")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, words in (("hpsearch", f"{sys.executable} -P -m hpsearch.cli"), ("python", sys.executable)):  # fmt: skip
        (programs / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        (programs / name).chmod(0o755)
    (tmp_path / "train.py").write_text(TRAIN)
    with slurm.slurm(tmp_path) as running:
        yield running


@pytest.mark.usefixtures("loop")
def test_a_requeued_agent_hands_its_trial_back(
    api: Any, key: str, connect: Callable[[], Client], cluster: Slurm
) -> None:
    """The others go on, the trial is trained by whoever asks next, and no attempt is lost."""
    user, folder = connect(), cluster.folder
    search = user.submit(SPEC)
    (folder / "key").write_text(key)
    (folder / "key").chmod(0o600)
    job = cluster.run(
        "sbatch", "--parsable", "--array=0-1", "--gres=none", "--cpus-per-task=1", "--output=agent-%a.log",
        RECIPE, search.id,
        PATH=f"{folder / 'bin'}:{cluster.environment['PATH']}", PYTHONPATH=str(ROOT),
        HPSEARCH_URL=api.url, HPSEARCH_API_KEY_FILE=str(folder / "key"), HPSEARCH_HOME=str(folder / "nobody"),
    )  # fmt: skip
    until(lambda: len(list(folder.glob("began-*"))) == 2, what="a trial of each task")
    cluster.run("scontrol", "requeue", f"{job}_0")
    until(lambda: "returned" in (folder / "agent-0.log").read_text(), what="the trial given back")
    (folder / "go").touch()
    until(lambda: user.status(search, wait=1).finished_at, seconds=60, what="the end")
    ended = user.status(search)
    assert (ended.trials.completed, ended.trials.failed) == (5, 0)
    until(lambda: not cluster.states(job), what="agents that end with the search")
    logs = [(folder / f"agent-{task}.log").read_text() for task in (0, 1)]
    assert f"slurm-{job}_0.r1" in logs[0]  # requeued: another name
    assert f"slurm-{job}_1" in logs[1]
