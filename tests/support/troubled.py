"""`python -P -m support.troubled MODULE ARGUMENT...`: one of our processes with faults built in.

TROUBLES is a list such as `0:killed,4:memory`: the job that holds trial 0 of round 1 is killed by
the kernel, that of trial 4 finds no memory. With TROUBLED_ONCE, a folder, each strikes once.
"""

from __future__ import annotations

import ctypes
import os
import resource
import runpy
import signal
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

FOR_EVER = 3600


def killed() -> None:
    """As the kernel does to a process that takes too much memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def memory() -> None:
    """NumPy asks for more than this process may have."""
    import numpy as np

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, hard))
    try:
        np.ones(2 << 30)  # 16 GiB
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def hang() -> None:
    """A library call that does not come back; other threads go on."""
    ctypes.CDLL(None).sleep(FOR_EVER)


def deaf() -> None:
    """A library call that does not come back and keeps Python's lock: no heartbeat either."""
    ctypes.PyDLL(None).sleep(FOR_EVER)


FAULTS: dict[str, Callable[[], None]] = {f.__name__: f for f in (killed, memory, hang, deaf)}


def _strike(order: Any) -> None:
    for trouble in os.environ["TROUBLES"].split(","):
        index, name = trouble.split(":")
        if order.round == 1 and int(index) in order.indices and _may(name):
            FAULTS[name]()


def _may(name: str) -> bool:
    folder = os.environ.get("TROUBLED_ONCE")
    if folder is None:
        return True
    try:
        (Path(folder) / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def main() -> None:
    """Put the faults in place and become the process that was asked for."""
    import worker.hint_publisher
    import worker.lease_keeper
    from hpsearch.training import Trainer

    worker.lease_keeper.UNRESPONSIVE_SECONDS = 1.0  # what takes half a minute, in a test's time
    worker.hint_publisher.LIMIT_GRACE = 8.0
    train = Trainer.run

    @wraps(train)
    def run(self: Trainer, order: Any, **options: Any) -> Any:
        _strike(order)
        return train(self, order, **options)

    Trainer.run = run  # type: ignore[method-assign]  # that is the fault
    module, *arguments = sys.argv[1:]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
