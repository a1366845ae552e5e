"""`hpsearch doctor`: the faults of the service, each with its remedy. It changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING

from hpsearch.cli.options import Json, own_key
from hpsearch.cli.output import emit
from hpsearch.errors import HpsearchError, Misconfigured
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

    findings = []
    for finding in examination():
        findings.append(finding)
        if not as_json:
            _show(finding)
    faults = sum(f.grade is Grade.FAULT for f in findings)
    if as_json:
        emit({"healthy": not faults, "findings": [asdict(finding) for finding in findings]})
    else:
        warnings = sum(f.grade is Grade.WARNING for f in findings)
        print(f"{counted(faults, 'fault')}, {counted(warnings, 'warning')}")
    return FAULTY if faults else 0


def examination() -> Iterator[Finding]:
    """Run all checks, in an order in which a finding explains the next.

    An embedded service that does not run comes first: it explains why nobody trains or decides.
    """
    from hpsearch.cli.doctor import machine_checks
    from hpsearch.cli.doctor.findings import Grade, examined, fault
    from hpsearch.settings import load

    yield from machine_checks.names(os.environ)
    try:
        settings = load()
    except HpsearchError as error:
        yield fault("settings", str(error), "correct the variable that it names")
        return
    service = list(examined("service", lambda: machine_checks.address(
        settings, _token(settings), lambda: _installation(settings)
    )))  # fmt: skip
    down = settings.embedded and service[0].grade is Grade.FAULT
    if down:
        yield from service
    for subject, check in (
        ("data folder", machine_checks.folder),
        ("disk", machine_checks.disk),
        ("key", machine_checks.key),
    ):
        yield from examined(subject, lambda check=check: check(settings))  # type: ignore[misc]  # bound at once
    yield from _service_findings(settings, down=down)
    if settings.embedded:
        yield from examined("broker", lambda: machine_checks.embedded_broker(settings))
    if not down:
        yield from service


def _token(settings: Settings) -> str | None:
    return settings.bootstrap_key() or own_key(settings)


def _installation(settings: Settings) -> str:
    from hpsearch.wiring import build

    if _no_database(settings):
        raise Misconfigured(f"there is no database in {settings.home}")
    with build(settings) as services:
        services.require_schema()
        return services.metrics.installation()


def _no_database(settings: Settings) -> bool:
    return settings.database_url is None and not (settings.home / "hpsearch.db").exists()


def _service_findings(settings: Settings, *, down: bool) -> Iterator[Finding]:
    from hpsearch.cli.doctor import service_checks
    from hpsearch.cli.doctor.findings import Grade, examined, fault
    from hpsearch.wiring import assemble

    if _no_database(settings):
        yield fault("database", f"there is none in {settings.home}",
                    "`hpsearch serve` makes it; or set HPSEARCH_HOME to the one that is meant")  # fmt: skip
    else:
        try:
            services = assemble(settings)
        except HpsearchError as error:
            yield fault("settings", str(error), "correct the variable that it names")
            return
        with closing(services.store):
            findings = list(examined("database", lambda: service_checks.database(services)))
            yield from findings
            if all(finding.grade is not Grade.FAULT for finding in findings):
                processes = () if down else (service_checks.queue, service_checks.loop)
                first = (service_checks.connections, service_checks.clock)
                for check in (*first, *processes, service_checks.datasets):
                    yield from examined(check.__name__, lambda check=check: check(services))  # type: ignore[misc]  # bound at once
    yield from examined("worker", lambda: service_checks.worker(settings))


def _show(finding: Finding) -> None:
    from hpsearch.report.words import plain

    print(f"{finding.grade:<8} {finding.subject:<12} {plain(finding.said)}", flush=True)
    if finding.remedy:
        print(f"{'':21} -> {plain(finding.remedy)}", flush=True)
