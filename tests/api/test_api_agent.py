"""`hpsearch agent` against a real service: killed, stopped, limited, told to stop."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.absent import absent
from support.agents import Stubborn
from support.commands import Command
from support.launcher import Launcher
from support.waiting import until

from hpsearch.agent import Agent, Options, Template
from hpsearch.client import Client
from hpsearch.errors import InvalidRequest

PY = sys.executable
SPEC: dict[str, Any] = {
    "objective": "external",
    "space": {
        "lr": {"low": 1e-4, "high": 1.0, "scale": "log"},
        "depth": {"low": 1, "high": 12, "integer": True},
        "amp": {"choices": [True, False]},
    },
    "rounds": 2,
    "trials_per_round": 10,
    "epochs": {"first": 1, "last": 1},
    "final": {"models": 2},
    "seed": 3,
}
# What goes wrong is a function of the trial's parameters, and so happens in every run alike.
FAULTY = """
import math, os, sys, time
lr, depth = (float(word.split("=")[1]) for word in sys.argv[1:3])
place = int(abs(math.log10(lr)) * 1000) % 10
if place == 9:
    os.system("sleep 60 & echo hangs; sleep 60")  # hangs, as do its children
elif place == 0:
    sys.exit(0)  # says nothing
elif place == 2:
    os.kill(os.getpid(), 9)  # as a system does that has no memory left
"""
FORMULA = """
print("score=%r" % (-(math.log10(lr) + 2) ** 2 - (depth - 6) ** 2 / 10 - ("--amp" in sys.argv) / 10))
"""
NETWORK = """
import torch
torch.manual_seed(0)
torch.set_num_threads(1)
x = torch.randn(512, 6)
y = (x[:, 0] * x[:, 1] > x[:, 2]).long()
layers = [torch.nn.Linear(6, 16)]
for _ in range(int(depth) // 4):
    layers += [torch.nn.ReLU(), torch.nn.Linear(16, 16)]
model = torch.nn.Sequential(*layers, torch.nn.ReLU(), torch.nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
for _ in range(30):
    for rows in torch.randperm(384).split(32):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
with torch.no_grad():
    print("score=%r" % float((model(x[384:]).argmax(1) == y[384:]).float().mean()))
"""
# `make agents` has as many trials as a search of people has; with TORCH=1 of a script for PyTorch.
ALL = os.environ.get("AGENTS") in ("all", "torch")
TORCH = os.environ.get("AGENTS") == "torch"
MANY: dict[str, Any] = {"rounds": 5, "trials_per_round": 38, "final": {"models": 10}} if ALL else {}
LIMIT = (
    30.0 if TORCH else 10.0 if ALL else 3.0
)  # seconds, that no healthy trial takes on a busy machine
# Of long trials fewer: one that is lost three times has failed, and its search has no digest.
KILLS = 10 if TORCH else 30 if ALL else 3
COMMAND = ("--lr={lr}", "--depth={depth}", "{amp?--amp}")


@pytest.fixture
def agent(
    api: Any, key: str, tmp_path: Path, launcher: Launcher | None
) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """agent(ID, OPTION, ..., command=[WORD, ...]): an agent as a process."""
    running: list[subprocess.Popen[str]] = []
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HPSEARCH_")}
    root = str(Path(__file__).resolve().parents[2])

    def start(search: str, *options: str, command: Sequence[str], **more: str) -> Any:
        how: dict[str, Any] = {
            "env": {**kept, "HPSEARCH_URL": api.url, "HPSEARCH_API_KEY": key, "PYTHONPATH": root,
                    "HPSEARCH_HOME": str(tmp_path / "nobody"), **more},
            "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
            "cwd": tmp_path,
        }  # fmt: skip
        words = ["agent", search, *options, "--", *command]
        running.append(
            Command(launcher, words, **how) if launcher is not None
            else subprocess.Popen([PY, "-P", "-m", "hpsearch.cli", *words], text=True, **how)
        )  # fmt: skip
        return running[-1]

    yield start
    for process in running:
        if process.poll() is None:
            process.terminate()
    for process in running:
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def script(tmp_path: Path, text: str) -> str:
    file = tmp_path / "train.py"
    file.write_text(text)
    return str(file)


@pytest.mark.timeout(5000)
@pytest.mark.usefixtures("loop")
def test_killed_agents_change_no_digest(
    connect: Callable[[], Client], agent: Any, tmp_path: Path
) -> None:
    """Three agents, of which two are killed again and again, end with the digest of one."""
    text = FAULTY + (NETWORK if TORCH else FORMULA)
    user, command = connect(), [PY, script(tmp_path, text), *COMMAND]
    spec = {**SPEC, **MANY, "external": {"trial_seconds": LIMIT}}
    alone = user.submit(spec)
    process = agent(alone.id, "--grace", "0.3", "--json", "--parallel", "4", command=command)
    out, errors = process.communicate(timeout=2000)
    assert process.returncode == 0, errors
    ended = [json.loads(line) for line in out.splitlines()]
    reasons = " ".join(trial["reason"] or "" for trial in ended if trial["state"] == "failed")
    assert all(why in reasons for why in ("time limit", "without a score", "signal 9")), reasons

    chosen, together = random.Random(1), user.submit(spec)
    options = ("--grace", "0.3", "--lease", "2", "--parallel", "2")
    victims = [agent(together.id, *options, command=command) for _ in range(2)]
    agent(together.id, *options, command=command)
    kills = 0
    while user.status(together).finished_at is None:
        done = user.status(together).trials
        ended_now = done.completed + done.failed
        if kills < KILLS and ended_now >= 3 * kills + 1:  # while one of the first round hangs
            place = chosen.randrange(2)
            victims[place].kill()
            victims[place].communicate()
            victims[place] = agent(together.id, *options, command=command)
            kills += 1
        user.status(together, wait=0.5, after=user.status(together))
    first, second = user.result(alone), user.result(together)
    assert kills == KILLS
    assert first.digest is not None, first.digest_reason
    assert second.digest is not None, second.digest_reason
    assert first.digest == second.digest


@pytest.mark.usefixtures("loop")
def test_a_killed_agent_loses_its_lease_and_leaves_nothing(
    connect: Callable[[], Client], agent: Any, tmp_path: Path
) -> None:
    user, stubborn = connect(), Stubborn(tmp_path / "w.py")
    search = user.submit({**SPEC, "trials_per_round": 1})
    process = agent(
        search.id, "--grace", "0.5", "--lease", "1",
        command=["sh", "-c", f"setsid {stubborn.command} & wait", "{lr}{depth}"],
    )  # fmt: skip
    stubborn.begun()
    process.kill()
    order = until(lambda: user.claim(search), what="the trial again")
    assert order.attempt == 2
    until(stubborn.gone, seconds=10, what="the end of its processes")


@pytest.mark.usefixtures("loop")
def test_stopped_agents_hand_their_trials_back(
    connect: Callable[[], Client], agent: Any, tmp_path: Path
) -> None:
    user, begun = connect(), []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        (tmp_path / str(number)).mkdir()
        stubborn = Stubborn(tmp_path / str(number) / "w.py")
        search = user.submit({**SPEC, "trials_per_round": 2})
        process = agent(
            search.id, "--grace", "0.5", "--parallel", "2",
            command=["sh", "-c", f"{stubborn.command}; true"],
        )  # fmt: skip
        begun.append((number, stubborn, search, process))
    for number, stubborn, _, process in begun:
        stubborn.begun(2)
        process.send_signal(number)
    for number, stubborn, search, process in begun:
        assert process.wait(timeout=30) == 128 + number
        assert stubborn.gone()
        errors = process.stderr.read()
        assert errors.count("returned") == 2, errors
        orders = [until(lambda: user.claim(search), what="a trial") for _ in range(2)]  # noqa: B023
        assert [order.attempt for order in orders] == [2, 2]


@pytest.mark.usefixtures("loop")
def test_halving_stops_a_command(connect: Callable[[], Client], agent: Any, tmp_path: Path) -> None:
    """The service's word reaches the process, which trains no further, and nothing is returned."""
    train = """
import sys, time
epochs, lr = int(sys.argv[1]), float(sys.argv[2])
for epoch in range(1, epochs + 1):
    print(f"epoch={epoch} score={-lr * epoch}")
"""
    user = connect()
    search = user.submit({**SPEC, "trials_per_round": 6, "epochs": {"first": 1, "last": 4}})
    process = agent(search.id, "--json", command=[PY, script(tmp_path, train), "{epochs}", "{lr}"])
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert user.result(search).digest is not None
    states = {json.loads(line)["state"] for line in out.splitlines()}
    assert states <= {"completed", "stopped"}
    assert {trial.state for trial in user.trials(search)} == {"completed", "stopped"}


@pytest.mark.usefixtures("loop")
def test_a_search_that_is_cancelled_ends_its_commands(
    connect: Callable[[], Client], agent: Any, tmp_path: Path
) -> None:
    user, stubborn = connect(), Stubborn(tmp_path / "w.py")
    search = user.submit({**SPEC, "trials_per_round": 1})
    process = agent(
        search.id, "--grace", "0.3", "--lease", "1", command=["sh", "-c", stubborn.command]
    )
    stubborn.begun()
    user.cancel(search)
    assert process.wait(timeout=30) == 0
    assert stubborn.gone()
    errors = process.stderr.read()
    assert "stopped" in errors
    assert "cancelled" in errors


RANK = """
import os, sys, time
open(f"{sys.argv[1]}/{os.getpid()}", "w").close()
if os.environ["RANK"] == "0":
    print("score=0.5", flush=True)
if len(os.listdir(sys.argv[1])) > 2:  # of the trial behind the first one, which is cancelled
    time.sleep(60)
"""


@pytest.mark.usefixtures("loop")
def test_torchrun_is_a_launcher_like_others(
    connect: Callable[[], Client], agent: Any, tmp_path: Path
) -> None:
    """Two ranks, whose scores come through torchrun; none stays, whether it ends or is ended."""
    if importlib.util.find_spec("torch") is None:
        absent("torch, whose torchrun starts several ranks (make torch),")
    user, ranks = connect(), tmp_path / "ranks"
    ranks.mkdir()
    search = user.submit({**SPEC, "trials_per_round": 2}).id
    process = agent(
        search, "--grace", "5", "--lease", "1",
        command=[PY, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
                 script(tmp_path, RANK), str(ranks), "{lr}{depth}{amp!py}"],
    )  # fmt: skip
    until(lambda: len([*ranks.iterdir()]) == 4, seconds=90, what="both ranks of the second trial")
    user.cancel(search)
    assert process.wait(timeout=60) == 0
    first, *_ = user.trials(search)
    assert (first.state, first.score) == ("completed", 0.5), process.stderr.read()
    gone = [not Path(f"/proc/{rank.name}").exists() for rank in ranks.iterdir()]
    assert gone == [True] * 4


@pytest.mark.usefixtures("loop")
def test_nothing_is_claimed_where_the_command_cannot_fit(
    connect: Callable[[], Client], agent: Any
) -> None:
    user = connect()
    labels = {"require_labels": ["gpu", "large"]}
    search = user.submit({**SPEC, "trials_per_round": 1, "external": labels})
    process = agent(search.id, "--labels", "large, gpu,more", command=["python3", "{lrr}"])
    with pytest.raises(InvalidRequest, match="without large: --labels gpu,large"):
        Agent(user, search.id, Template.of(["python3"]), Options(labels=frozenset({"gpu"}))).run()
    has_both = Options(labels=frozenset(labels["require_labels"]))
    for words, said in (
        (["python3", "{amp}"], "{amp?--amp:--no-amp}"),
        (["no-such-program-here", "{lr}"], "no program here"),
        (["python3", "{score_file}"], "--score-file"),
    ):
        with pytest.raises(InvalidRequest, match=re.escape(said)):
            Agent(user, search.id, Template.of(words), has_both).run()
    assert process.wait(timeout=30) == 2
    assert "did you mean lr?" in process.stderr.read()
    assert until(lambda: user.claim(search), what="the trial").attempt == 1


@pytest.mark.usefixtures("loop")
def test_each_gpu_has_a_trial_of_its_own(
    connect: Callable[[], Client], agent: Any, tmp_path: Path
) -> None:
    """And words for what its trial has: momentum is active with amp alone."""
    user = connect()
    momentum = {"low": 0.0, "high": 0.9, "when": {"amp": [True]}}
    space = {**SPEC["space"], "momentum": momentum}
    search = user.submit({**SPEC, "space": space, "rounds": 1, "trials_per_round": 4})
    places = tmp_path / "seen"
    process = agent(
        search.id, "--gpus", "3,5",
        command=["sh", "-c", f"echo $CUDA_VISIBLE_DEVICES $@ --debug $0 >> {places}; echo score=0.5", "--debug",
                 "{amp?on:off}", "{momentum?--momentum={momentum}}"],
        HPSEARCH_LOG_LEVEL="debug",
    )  # fmt: skip
    assert process.wait(timeout=60) == 0
    assert {line.split()[0] for line in places.read_text().splitlines()} <= {"3", "5"}
    assert all(line.endswith("--debug --debug") for line in places.read_text().splitlines())
    words = [line.split()[1:-2] for line in places.read_text().splitlines()]
    assert {word for word, *_ in words} == {"on", "off"}
    assert all((word == "on") == ("--momentum=" in "".join(more)) for word, *more in words)
