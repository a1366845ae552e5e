"""Searches of a peer on our side of the pipe (`loop.py` is the other one)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from benchmarks.search.peers.listed import Peer
from benchmarks.search.peers.problems import Ledger, Objective, Spent
from hpsearch.arrays import Floats

LOOP = Path(__file__).with_name("loop.py")
THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
)  # fmt: skip


class FailedError(Exception):
    """A peer's search ended with an error, which the table names."""


def python_of(venvs: Path, name: str | None) -> Path:
    """The Python of a virtual environment, or this one."""
    return Path(sys.executable) if name is None else venvs / name / "bin" / "python"


class Session:
    """A peer's process, which serves one search after the other."""

    def __init__(self, peer: Peer, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.peer = peer
        self.asks: IO[str] = process.stdout
        self.answers: IO[str] = process.stdin

    def searched(self, objective: Objective, seed: int) -> dict[str, Any]:
        """Run a search: true values of its recommendation at every budget, trials, seconds."""
        ledger = Ledger(objective, lambda: self._recommended(objective))
        axes = [[a.name, a.low, a.high, a.log, a.integer] for a in objective.axes]
        self._say({
            "axes": axes, "full": objective.full, "seed": seed,
            "arguments": dict(self.peer.arguments),
        })  # fmt: skip
        while True:
            message = self._heard()
            if "error" in message:
                raise FailedError(message["error"].strip().splitlines()[-1])
            if "versions" in message:
                break
            try:
                values = _values(objective, message["params"])
                score = ledger.score(message["trial"], values, message["epochs"])
            except Spent:
                self._say({"stop": True})
            else:
                self._say({"score": score})
        return {
            "values": ledger.picks, "trials": len(ledger.trained), "cpu": message["cpu"],
            "versions": message["versions"],
        }  # fmt: skip

    def _recommended(self, objective: Objective) -> Floats:
        self._say({"recommend": True})
        message = self._heard()
        if "error" in message:
            raise FailedError(message["error"].strip().splitlines()[-1])
        return _values(objective, message["best"])

    def _say(self, message: Mapping[str, Any]) -> None:
        self.answers.write(json.dumps(message) + "\n")
        self.answers.flush()

    def _heard(self) -> dict[str, Any]:
        line = self.asks.readline()
        if not line:
            raise FailedError("its process ended")
        message: dict[str, Any] = json.loads(line)
        return message


@contextmanager
def session(peer: Peer, venvs: Path) -> Iterator[Session]:
    """A peer's process: one thread, hashes that do not change from process to process."""
    environment = {**os.environ, **dict.fromkeys(THREADS, "1"), "PYTHONHASHSEED": "0"}
    environment.pop("PYTHONPATH", None)
    command = [str(python_of(venvs, peer.venv)), str(LOOP), peer.adapter]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, env=environment,
    ) as process:  # fmt: skip
        yield Session(peer, process)
        assert process.stdin is not None
        process.stdin.close()


def _values(objective: Objective, params: Mapping[str, float]) -> Floats:
    return np.array([float(params[axis.name]) for axis in objective.axes])
