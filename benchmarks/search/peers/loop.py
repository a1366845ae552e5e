"""Searches of one peer, as its own Python runs them: JSON lines in and out, one fork a search.

    python loop.py ADAPTER

    in    {"axes": [[name, low, high, log, whole], ...], "full": 52, "seed": 7, "arguments": {}}
    out   {"trial": 0, "params": {...}, "epochs": 52}      asks for a score
    in    {"score": 81.2} or {"recommend": true} or {"stop": true}
    out   {"best": {...}}                                  what the peer would recommend now
    out   {"cpu": 1.9, "wall": 2.1, "versions": {...}}     after the end, or {"error": "..."}

The packages are loaded once; each search runs in a fork, so none sees what an earlier one left.
Nothing of the project is imported: it is not installed where this runs.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import distributions
from typing import IO, Any

import adapters


@dataclass
class Talk:
    """The benchmark's side of a search, as an adapter sees it.

    axes {name: (low, high, log, whole)}; `best` is set by the adapter: what it recommends so far.
    """

    axes: Mapping[str, tuple[float, float, bool, bool]]
    full: int
    answers: IO[str]
    requests: IO[str]
    best: Callable[[], Mapping[str, Any]]

    def score(self, trial: object, params: Mapping[str, Any], epochs: int) -> float:
        """The noisy score of a trial after `epochs` in all; higher is better.

        `trial` is whatever tells one training from another: the same one trains on.
        """
        self._say({"trial": str(trial), "params": _plain(params), "epochs": int(epochs)})
        while True:
            answer = json.loads(self.answers.readline())
            if "score" in answer:
                return float(answer["score"])
            if "stop" in answer:
                raise adapters.Spent
            self._say({"best": _plain(self.best())})

    def _say(self, message: Mapping[str, Any]) -> None:
        self.requests.write(json.dumps(message) + "\n")
        self.requests.flush()


def _plain(params: Mapping[str, Any]) -> dict[str, float]:
    """Parameters as floats, whatever number types a peer has."""
    return {str(name): float(value) for name, value in params.items()}


def _nothing() -> Mapping[str, Any]:
    raise RuntimeError("asked for a recommendation before the first score")


def _searched(name: str, asked: Mapping[str, Any], answers: IO[str], requests: IO[str]) -> None:
    axes = {axis[0]: tuple(axis[1:]) for axis in asked["axes"]}
    talk = Talk(axes, asked["full"], answers, requests, _nothing)
    adapters.ADAPTERS[name].run(talk, asked["seed"], **asked["arguments"])


def _forked(name: str, asked: Mapping[str, Any], answers: IO[str], requests: IO[str]) -> str | None:
    """Run a search in a fork; the reason where it failed."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            _searched(name, asked, answers, requests)
        except adapters.Spent:
            pass
        except BaseException:  # noqa: BLE001  # whatever it is belongs into the table
            os.write(write, traceback.format_exc()[-2000:].encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as said:
        reason = said.read()
    _, status, _ = os.wait4(child, 0)
    return reason or (f"ended with status {status}" if status else None)


def main() -> None:
    """Serve searches until the input ends."""
    warnings.filterwarnings("ignore")
    # Peers print on standard output: the pipe to the benchmark is another descriptor.
    requests = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    answers = os.fdopen(os.dup(0), buffering=1)
    name = sys.argv[1]
    adapters.ADAPTERS[name].load()
    installed = {d.metadata["Name"]: d.version for d in distributions()}
    while line := answers.readline():
        before, started = os.times(), time.monotonic()
        reason = _forked(name, json.loads(line), answers, requests)
        after = os.times()
        cpu = after.children_user + after.children_system
        cpu -= before.children_user + before.children_system
        end = {"cpu": round(cpu, 2), "wall": round(time.monotonic() - started, 2)}
        end |= {"versions": installed} if reason is None else {"error": reason}
        requests.write(json.dumps(end) + "\n")
        requests.flush()


if __name__ == "__main__":
    main()
