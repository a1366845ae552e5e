"""Lines of `hpsearch agent` for people: a trial that is done with, and the end of the search."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hpsearch.agent.running import Outcome
    from hpsearch.report.views import OrderView, StatusView

WHY_MOST = 200  # characters of a reason in a line


class Lines:
    """Says how each trial ended: the first failure with its last lines, any other with the last one."""

    def __init__(self) -> None:
        self._failures = 0

    def __call__(self, order: OrderView, outcome: Outcome, seconds: float) -> None:
        """Print what is to be said of a trial."""
        _print(*self.of(order, outcome, seconds))

    def of(self, order: OrderView, outcome: Outcome, seconds: float) -> list[str]:
        """The lines of a trial that took so many seconds."""
        from hpsearch.agent.ending import parts

        score = "" if outcome.score is None else f" {outcome.score:g}"
        said = f"trial {order.trial}: {outcome.state}{score} in {seconds:.1f} s"
        why, tail = parts(outcome.why or "")
        if outcome.state != "failed":
            return [": ".join(part[:WHY_MOST] for part in (said, why) if part)]
        self._failures += 1
        if self._failures == 1:
            return [f"{said}: {why[:WHY_MOST]}", *(f"    {line}" for line in tail)]
        return [": ".join(part[:WHY_MOST] for part in (said, why, *tail[-1:]))]


def ended(status: StatusView) -> str:
    """The last line: how the search ended, and what comes next."""
    if status.state == "completed":
        return f"search {status.id}: completed; show it: hpsearch result {status.id}"
    return f"search {status.id}: {status.state}" + (f": {status.reason}" if status.reason else "")


def warn(sentence: str) -> None:
    """Print what somebody should know."""
    _print(f"hpsearch: {sentence}")


def _print(*lines: str) -> None:
    """Print lines together, without characters that could rewrite the screen."""
    from hpsearch.report.words import plain

    print("\n".join(map(plain, lines)), file=sys.stderr, flush=True)
