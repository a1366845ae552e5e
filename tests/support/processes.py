"""The project's own processes, started the way the supervisor and compose start them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpsearch.settings import Settings
from support.launcher import Forked, Launcher

PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2


def obey_modes() -> None:
    """Let mode bits hold for this process from its next exec on, even if it is root's (Linux)."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
                raise OSError(ctypes.get_errno(), "prctl")


class Process:
    """`python -P -m MODULE ARGUMENTS` in a process group of its own.

    A worker and an API come from the launcher where there is one.
    """

    def __init__(
        self,
        *arguments: str,
        environment: Mapping[str, str],
        log: Path,
        cwd: Path | None = None,
        ordinary: bool = False,
        launcher: Launcher | None = None,
    ) -> None:
        self.log = log
        self._popen: subprocess.Popen[bytes] | Forked
        module, *rest = arguments
        forked = module in Launcher.MODULES and cwd is None and not ordinary
        if launcher is not None and forked:
            self._popen = Forked(launcher, module, rest, {**os.environ, **environment}, log)
            return
        with log.open("ab") as out:
            self._popen = subprocess.Popen(
                [sys.executable, "-P", "-m", *arguments],
                env={**os.environ, **environment},
                stdout=out,
                stderr=out,
                cwd=cwd,
                start_new_session=True,
                preexec_fn=obey_modes if ordinary else None,  # noqa: PLW1509  # no threads yet
            )

    @classmethod
    def of(cls, popen: Any, log: Path) -> Process:
        """One that runs already, in a group of its own."""
        made = cls.__new__(cls)
        made.log, made._popen = log, popen
        return made

    @property
    def pid(self) -> int:
        """The process's id, and that of its group."""
        return self._popen.pid

    def alive(self) -> bool:
        """Whether it still runs."""
        return self._popen.poll() is None

    def children(self) -> list[int]:
        """Ids of its direct children (Linux)."""
        path = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(word) for word in path.read_text().split()]

    def signal(self, number: signal.Signals) -> None:
        """Signal the whole group."""
        if self.alive():
            os.killpg(self.pid, number)

    def kill(self) -> None:
        """SIGKILL to the whole group."""
        self.signal(signal.SIGKILL)
        self._popen.wait(10)

    def stop(self, seconds: float = 30.0) -> int:
        """SIGTERM to the leader alone, as a supervisor does; its exit code."""
        if self.alive():
            self._popen.send_signal(signal.SIGTERM)
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


def environment(settings: Settings) -> dict[str, str]:
    """The environment in which a child has these settings."""
    found = {
        "HPSEARCH_HOME": str(settings.home),
        "DATABASE_URL": settings.database,
        "REDIS_URL": settings.broker,
        "HPSEARCH_HEARTBEAT_SECONDS": str(settings.heartbeat_seconds),
        "HPSEARCH_LEASE_SECONDS": str(settings.lease_seconds),
        "HPSEARCH_TICK_SECONDS": str(settings.tick_seconds),
        "HPSEARCH_RETRY_SECONDS": str(settings.retry_seconds),
        "HPSEARCH_REPUBLISH_SECONDS": str(settings.republish_seconds),
        "HPSEARCH_MAX_LOSSES": str(settings.max_losses),
        "HPSEARCH_JOB_SIZE": str(settings.job_size),
        "HPSEARCH_STACK_SIZE": str(settings.stack_size),
        "HPSEARCH_SQLITE_SYNCHRONOUS": settings.sqlite_synchronous,
        "HPSEARCH_NUMERICS": settings.numerics,
        "HPSEARCH_LOG_LEVEL": settings.log_level,
        "HPSEARCH_DRAIN_SECONDS": "0",  # nobody stands before the API of a test
        "HPSEARCH_WEBHOOK_HOSTS": settings.webhook_hosts,
    }
    if settings.data_url:
        found["HPSEARCH_DATA_URL"] = settings.data_url
    return {**found, **settings.child_environment()}
