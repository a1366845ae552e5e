"""The checker: what must hold of a database after any run, whatever was broken during it.

It reads the append-only table `event` and the raw rows, at one moment and without writing, and
trusts no counter of the service: it counts again and compares. The invariants:

I1   every search has ended; nothing is queued, running or pending (`ended=True`)
I2   every job and trial that was made stands in exactly one row, complete
I3   a done job was finished once, by the attempt in its row
I4   no attempt was claimed twice, and only who claimed it finished it
I5   rounds follow one another, each made once, after the one before had ended
I6   one final per search, with the parameters that the coordinator decides again from the rows;
     the test part was opened by it alone, once per attempt, after the choice was frozen
I7   the digest is that of the rows and, with `expected_digests`, that of a run without faults
I8   every accepted search is there, and no refused one (`acknowledged`, `refused`)
I9   every counter that is kept, and every status in `shown`, equals what the rows give
I10  no planted secret of `canaries` in the files of `logs`
I11  no process, socket or half-written file of `home` is left (`home`)
I12  the database itself is whole (integrity_check; amcheck)
I13  every move of a search or job is one that docs/states.md draws, and leads to its row
I14  every end of a search that has a webhook is in the outbox, once

Use it as

    from support.checker import check, verify
    report = check(url, expected_digests=..., ended=True)   # report.violations, report.counts
    verify(url, ...)                                        # the same, failing the test with them

or, from the root of the project, `PYTHONPATH=tests python -m support.checker URL [--running]`,
which prints counts and violations and exits with 1 if there are any.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from support.checker.counters import i9_counters
from support.checker.history import History, read
from support.checker.outside import i8_acknowledged, i10_no_secret, i11_nothing_left, i12_intact
from support.checker.queue import (
    i2_each_row_once,
    i3_done_once,
    i4_claimed_once,
    i13_jobs_follow_their_history,
)
from support.checker.search import (
    digest_of,
    i1_ended,
    i5_advanced_once,
    i6_chosen_once,
    i7_same_digest,
    i13_searches_follow_their_history,
    i14_ends_are_told,
)

__all__ = ["Counts", "Report", "check", "digests", "verify"]


@dataclass(frozen=True, slots=True)
class Counts:
    """What the history holds. `lost` are attempts given back or reaped, `reaped` those of them
    that the reaper took; `faults` are lost attempts, failed jobs and fenced reports together.
    """

    searches: int
    jobs: int
    trials: int
    claims: int
    done: int
    lost: int
    reaped: int
    failed: int
    cancelled: int
    fenced: int
    requeued: int
    advances: int
    finals: int
    openings: int

    @property
    def faults(self) -> int:
        """Attempts that came to nothing, and reports that came too late."""
        return self.lost + self.failed + self.fenced

    def __str__(self) -> str:
        names = [name for name in self.__slots__ if name != "faults"]
        return ", ".join(f"{name} {getattr(self, name)}" for name in ("faults", *names))


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found; `violations` are sentences that begin with the invariant's name."""

    violations: list[str]
    counts: Counts

    def __str__(self) -> str:
        lines = [str(self.counts), f"{len(self.violations)} violations", *self.violations]
        return "\n".join(lines)


def check(
    url: str,
    *,
    ended: bool = True,
    expected_digests: Mapping[str, str | None] | None = None,
    acknowledged: Iterable[str] = (),
    refused: Iterable[str] = (),
    shown: Mapping[str, Mapping[str, Any]] | None = None,
    canaries: Iterable[str] = (),
    logs: Iterable[Path] = (),
    home: Path | None = None,
    replan: bool = True,
    intact: bool = True,
) -> Report:
    """Hold a database against every invariant.

    Parameters
    ----------
    url
        The SQLAlchemy URL; the database is only read.
    ended
        Whether everything must have ended (I1). Without, the run may still be on its way.
    expected_digests
        Digests by the id or the name of a search, from a run without faults (`digests`).
    acknowledged, refused
        Ids of searches whose POST was answered 2xx; ids or names of those answered 4xx.
    shown
        Status JSON of the API by search id, read after the last change.
    canaries, logs
        Planted secrets, and the files that must not hold them.
    home
        The service's folder, when its processes should be gone.
    replan
        Whether the coordinator decides every final again (I6); takes about 0.1 s each.
    intact
        Whether the database checks its own pages (I12); on PostgreSQL as a superuser.
    """
    seen = read(url)
    rules: dict[str, Callable[[], Iterator[str]]] = {
        "I1": partial(i1_ended, seen) if ended else partial(iter, ()),
        "I2": partial(i2_each_row_once, seen),
        "I3": partial(i3_done_once, seen),
        "I4": partial(i4_claimed_once, seen),
        "I5": partial(i5_advanced_once, seen),
        "I6": partial(i6_chosen_once, seen, replan=replan),
        "I7": partial(i7_same_digest, seen, expected_digests or {}),
        "I8": partial(i8_acknowledged, seen, acknowledged, refused),
        "I9": partial(i9_counters, seen, shown or {}),
        "I10": partial(i10_no_secret, canaries, logs),
        "I11": partial(i11_nothing_left, home) if home is not None else partial(iter, ()),
        "I12": partial(i12_intact, url) if intact else partial(iter, ()),
        "I13": partial(i13_jobs_follow_their_history, seen),
        "I13 ": partial(i13_searches_follow_their_history, seen),
        "I14": partial(i14_ends_are_told, seen),
    }
    found = [f"{name.strip()}: {what}" for name, rule in rules.items() for what in rule()]
    return Report(found, _counts(seen))


def verify(url: str, **options: Any) -> Counts:
    """As `check`, for tests: fails with every violation, else the counts."""
    report = check(url, **options)
    if report.violations:
        raise AssertionError(str(report))
    return report.counts


def digests(url: str) -> dict[str, str | None]:
    """The digest of every completed search by name, computed from its rows."""
    seen = read(url)
    return {s.name: digest_of(seen, s) for s in seen.searches.values() if s.state == "completed"}


def _counts(seen: History) -> Counts:
    of_jobs = Counter(e.kind for events in seen.job_events.values() for e in events)
    of_searches = Counter(e.kind for events in seen.search_events.values() for e in events)
    return Counts(
        searches=of_searches["submitted"],
        jobs=len(seen.jobs),
        trials=len(seen.trials),
        claims=of_jobs["claimed"],
        done=of_jobs["done"],
        lost=of_jobs["lost"],
        reaped=sum(bool(e.detail and e.detail.get("reaped")) for e in seen.events),
        failed=of_jobs["failed"],
        cancelled=of_jobs["cancelled"],
        fenced=of_jobs["fenced"],
        requeued=of_jobs["requeued"],
        advances=of_searches["advanced"],
        finals=of_searches["final_frozen"],
        openings=of_jobs["test_opened"] + of_searches["test_opened"],
    )
