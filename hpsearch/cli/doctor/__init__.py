"""`hpsearch doctor`: what is wrong with the service, and what to do about it. It changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from hpsearch.cli.options import Json, own_key
from hpsearch.cli.output import emit
from hpsearch.errors import HpsearchError
from hpsearch.plural import counted

if TYPE_CHECKING:
    from hpsearch.cli.doctor.findings import Finding
    from hpsearch.settings import Settings

FAULTY = 1  # exit code where something does not work


def doctor(as_json: Json = False) -> int:
    """Look at everything that the service needs and say what to do; 1 where something is broken.

    It looks from this machine, with the environment of this shell: give it that of the service.
    """
    from hpsearch.cli.doctor.findings import Grade

    found = []
    for finding in examination():
        found.append(finding)
        if not as_json:
            _show(finding)
    faults = sum(f.grade is Grade.FAULT for f in found)
    if as_json:
        emit({"healthy": not faults, "findings": [asdict(finding) for finding in found]})
    else:
        warnings = sum(f.grade is Grade.WARNING for f in found)
        print(f"{counted(faults, 'fault')}, {counted(warnings, 'warning')}")
    return FAULTY if faults else 0


def examination() -> Iterator[Finding]:
    """Every finding, in the order in which one explains the next.

    That an embedded service does not run comes first: why nobody trains or decides is then said.
    """
    from hpsearch.cli.doctor import place
    from hpsearch.cli.doctor.findings import Grade, examined, fault
    from hpsearch.settings import load

    yield from place.names(os.environ)
    try:
        settings = load()
    except HpsearchError as error:
        yield fault("settings", str(error), "correct the variable that it names")
        return
    service = list(examined("service", lambda: place.address(settings, _token(settings))))
    down = settings.embedded and service[0].grade is Grade.FAULT
    if down:
        yield from service
    for subject, check in (("data folder", place.folder), ("disk", place.disk), ("key", place.key)):
        yield from examined(subject, lambda check=check: check(settings))  # type: ignore[misc]  # bound at once
    yield from _inside(settings, down=down)
    if settings.embedded:
        yield from examined("broker", lambda: place.embedded_broker(settings))
    if not down:
        yield from service


def _token(settings: Settings) -> str | None:
    return settings.bootstrap_key() or own_key(settings)


def _inside(settings: Settings, *, down: bool) -> Iterator[Finding]:
    from hpsearch.cli.doctor import inside
    from hpsearch.cli.doctor.findings import Grade, examined, fault
    from hpsearch.wiring import build

    if settings.database_url is None and not (settings.home / "hpsearch.db").exists():
        yield fault("database", f"there is none in {settings.home}",
                    "`hpsearch serve` makes it; or set HPSEARCH_HOME to the one that is meant")  # fmt: skip
    else:
        with build(settings) as services:
            found = list(examined("database", lambda: inside.database(services)))
            yield from found
            if all(finding.grade is not Grade.FAULT for finding in found):
                staff = () if down else (inside.queue, inside.loop)
                for check in (inside.clock, *staff, inside.datasets):
                    yield from examined(check.__name__, lambda check=check: check(services))  # type: ignore[misc]  # bound at once
    yield from examined("worker", lambda: inside.worker(settings))


def _show(finding: Finding) -> None:
    from hpsearch.cli.words import plain

    print(f"{finding.grade:<8} {finding.subject:<12} {plain(finding.said)}", flush=True)
    if finding.remedy:
        print(f"{'':21} -> {plain(finding.remedy)}", flush=True)
