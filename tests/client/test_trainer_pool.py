"""A pool's own threads, beside a client that answers from memory."""

from __future__ import annotations

import os
import signal
import time
from types import SimpleNamespace
from typing import Any

import pytest

from hpsearch.client import external
from hpsearch.report.views import OrderView


class Service:
    """Hands out one trial, and keeps what is said of it."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []

    def claim(self, search: str, **_: object) -> OrderView:
        lease = {"token": "t", "seconds": 30.0}
        return OrderView.model_validate(
            {"search": search, "trial": "1-0", "kind": "explore", "params": {}, "epochs": 1,
             "rungs": [1], "seed": 1, "attempt": 1, "lease": lease}
        )  # fmt: skip

    def report(self, _: OrderView, **what: Any) -> Any:
        self.said.append(what)
        return SimpleNamespace(stop=True)


def test_ctrl_c_waits_until_the_slot_has_ended() -> None:
    service, ended = Service(), []

    def train(_: OrderView) -> float:
        os.kill(os.getpid(), signal.SIGINT)  # while the main thread waits for this one
        time.sleep(0.5)
        ended.append(True)
        return 0.5

    with pytest.raises(KeyboardInterrupt):
        external.run(service, "s1", train, parallel=1, start="thread")  # type: ignore[arg-type]
    assert (ended, service.said) == ([True], [{"state": "returned"}])
