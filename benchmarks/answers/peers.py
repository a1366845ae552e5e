"""A peer's search over a conditional space, on our side of the pipe (`peer_loop` is the other one)."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.answers.listed import Peer
from benchmarks.answers.problems import Problem
from benchmarks.search.peers.search import THREADS, FailedError, python_of
from hpsearch.space import Params

LOOP = Path(__file__).with_name("peer_loop.py")


def searched(
    peer: Peer, problem: Problem, venvs: Path, seed: int
) -> tuple[list[Params], dict[str, Any]]:
    """Recommendations of the peer after each budget, and the last words of its process.

    Raises: FailedError, with its last line, where the peer ended with an error.
    """
    environment = {**os.environ, **dict.fromkeys(THREADS, "1"), "PYTHONHASHSEED": "0"}
    environment.pop("PYTHONPATH", None)
    command = [str(python_of(venvs, peer.venv)), str(LOOP), peer.key]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, env=environment,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None

        def say(message: Mapping[str, Any]) -> None:
            process.stdin.write(json.dumps(message) + "\n")  # type: ignore[union-attr]  # see above
            process.stdin.flush()  # type: ignore[union-attr]  # see above

        say({
            "space": problem.space, "seed": seed, "budgets": list(peer.budgets),
            "arguments": dict(peer.arguments),
        })  # fmt: skip
        picks: list[Params] = []
        trials = 0
        for line in process.stdout:
            message = json.loads(line)
            if "params" in message:
                say({"score": problem.score(message["params"], trials)})
                trials += 1
            elif "best" in message:
                picks.append(message["best"])
            elif "error" in message:
                raise FailedError(message["error"].strip().splitlines()[-1])
            else:
                return picks, message
    raise FailedError("its process ended")
