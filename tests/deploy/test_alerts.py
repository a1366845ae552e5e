"""Every alert is provoked by the figures that its fault makes, and seen to fire by promtool."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from support.absent import absent

FILE = Path(__file__).resolve().parents[2] / "deploy" / "prometheus" / "rules.yaml"
RULES = {
    rule["alert"]: rule
    for group in yaml.safe_load(FILE.read_text())["groups"]
    for rule in group["rules"]
}
QUIET_MINUTES, BROKEN_MINUTES = 20, 20
PER_MINUTE = 4  # scrapes
# Two APIs of a service that is at work and has nothing to complain of.
QUIET = {
    "up": "1",
    "hpsearch_loops": "1",
    "hpsearch_workers": "3",
    "hpsearch_searches_undecided": "0",
    "hpsearch_hints_unsent": "0",
    "hpsearch_database_ready": "1",
    'hpsearch_queue_depth{queue="jobs"}': "4",
    'hpsearch_queue_depth{queue="final"}': "0",
    'hpsearch_oldest_queued_seconds{queue="jobs"}': "60",
    'hpsearch_oldest_heartbeat_seconds{queue="jobs"}': "4",
    'hpsearch_disk_free_bytes{place="home"}': "5e10",
    'hpsearch_disk_free_bytes{place="datasets"}': "5e10",
    'hpsearch_search_events_total{event="failed"}': "2",
    'hpsearch_search_events_total{event="webhook_given_up"}': "0",
    'hpsearch_job_events_total{event="lost"}': "1",
    "hpsearch_address_locks_total": "0",
    'hpsearch_http_requests_total{status="503"}': "0",
}
ONE, OTHER = "api1:8080", "api2:8080"
EVERY = (ONE, OTHER)


@dataclass(frozen=True)
class Fault:
    """Series as they become, at some APIs, and the minutes after which the alert fires."""

    minutes: int
    series: dict[str, str]
    at: tuple[str, ...] = EVERY
    labels: list[dict[str, str]] = field(default_factory=lambda: [{}])


def of(*instances: str, **labels: str) -> list[dict[str, str]]:
    return [{"instance": instance, "job": "hpsearch", **labels} for instance in instances]


NONE = "_"  # no sample: the target is not there
FAULTS = {
    "HpsearchDown": Fault(3, {"up": "0"}),
    "HpsearchApiDown": Fault(3, {"up": "0"}, (OTHER,), of(OTHER)),
    "HpsearchNoLoop": Fault(3, {"hpsearch_loops": "0"}),
    "HpsearchNobodyDecides": Fault(6, {"hpsearch_searches_undecided": "1"}),
    "HpsearchNobodyTrains": Fault(6, {"hpsearch_workers": "0"}),
    "HpsearchDatabaseAway": Fault(
        2, {"hpsearch_database_ready": "0", "hpsearch_loops": NONE}, labels=of(ONE, OTHER)
    ),
    "HpsearchBrokerAway": Fault(3, {"hpsearch_hints_unsent": "4"}),
    "HpsearchDiskFull": Fault(
        11, {'hpsearch_disk_free_bytes{place="datasets"}': "9e8"}, (ONE,), of(ONE, place="datasets")
    ),
    "HpsearchDiskAway": Fault(
        3, {'hpsearch_disk_free_bytes{place="home"}': "NaN"}, (OTHER,), of(OTHER, place="home")
    ),
    "HpsearchSearchFailed": Fault(1, {'hpsearch_search_events_total{event="failed"}': "3"}),
    "HpsearchJobSilent": Fault(
        2, {'hpsearch_oldest_heartbeat_seconds{queue="jobs"}': "121"}, (ONE,)
    ),
    "HpsearchWorkersLost": Fault(1, {'hpsearch_job_events_total{event="lost"}': "8"}),
    "HpsearchQueueGrowsOld": Fault(
        16, {'hpsearch_oldest_queued_seconds{queue="jobs"}': "3601"}, (ONE,)
    ),
    "HpsearchWebhookGivenUp": Fault(
        1, {'hpsearch_search_events_total{event="webhook_given_up"}': "1"}
    ),
    "HpsearchAddressLocked": Fault(1, {"hpsearch_address_locks_total": "1"}, (ONE,)),
    "HpsearchFaults": Fault(15, {'hpsearch_http_requests_total{status="503"}': "0+5"}, (ONE,)),
}


def test_every_alert_is_provoked() -> None:
    assert set(FAULTS) == set(RULES)
    for fault in FAULTS.values():
        assert set(fault.series) <= set(QUIET)


def scenario(fault: Fault | None, tests: list[dict[str, Any]]) -> dict[str, Any]:
    """A quiet while and then the fault, for promtool."""
    count = {"quiet": QUIET_MINUTES * PER_MINUTE - 1, "broken": BROKEN_MINUTES * PER_MINUTE}
    series = []
    for instance in EVERY:
        for name, value in QUIET.items():
            broken = fault.series.get(name) if fault and instance in fault.at else None
            values = f"{value}x{count['quiet']} {repeated(broken or value, count['broken'])}"
            series.append({"series": labelled(name, instance), "values": values})
    return {"interval": f"{60 // PER_MINUTE}s", "input_series": series, "alert_rule_test": tests}


def repeated(value: str, times: int) -> str:
    # promtool knows no short form of NaN.
    return " ".join(["NaN"] * times) if value == "NaN" else f"{value}x{times}"


def labelled(series: str, instance: str) -> str:
    name, _, rest = series.partition("{")
    return f'{name}{{job="hpsearch", instance="{instance}"{", " if rest else "}"}{rest}'


def expected(alert: str, fault: Fault) -> dict[str, Any]:
    rule = RULES[alert]

    def told(text: str, labels: dict[str, str]) -> str:
        return re.sub(r"{{ \$labels\.(\w+) }}", lambda label: labels[label[1]], text)

    fired = [
        {
            "exp_labels": {**labels, **rule["labels"]},
            "exp_annotations": {n: told(t, labels) for n, t in rule["annotations"].items()},
        }
        for labels in fault.labels
    ]
    minute = QUIET_MINUTES + fault.minutes
    return {"eval_time": f"{minute}m", "alertname": alert, "exp_alerts": fired}


def silent(alert: str, minute: int) -> dict[str, Any]:
    return {"eval_time": f"{minute}m", "alertname": alert, "exp_alerts": []}


def promtool(folder: Path, tests: list[dict[str, Any]], rules: Path = FILE) -> str:
    """Run it; what it says against the tests, if anything."""
    program = shutil.which("promtool")
    if program is None:
        absent("promtool (apt-get install prometheus)")
    file = folder / "tests.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [str(rules)], "tests": tests}))
    command = [program, "test", "rules", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode == 0) == ("SUCCESS" in done.stdout), done.stdout + done.stderr
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_each_fires_at_its_fault_and_none_before(tmp_path: Path) -> None:
    minutes = (1, QUIET_MINUTES - 1, QUIET_MINUTES + BROKEN_MINUTES - 1)
    quiet = scenario(None, [silent(alert, minute) for alert in RULES for minute in minutes])
    broken = [
        scenario(fault, [silent(alert, QUIET_MINUTES - 1), expected(alert, fault)])
        for alert, fault in FAULTS.items()
    ]
    assert promtool(tmp_path, [quiet, *broken]) == ""


def test_one_api_of_two_is_no_outage(tmp_path: Path) -> None:
    fault = FAULTS["HpsearchApiDown"]
    others = [silent(alert, QUIET_MINUTES + 19) for alert in RULES if alert != "HpsearchApiDown"]
    assert promtool(tmp_path, [scenario(fault, others)]) == ""


def test_an_alert_that_does_not_fire_is_noticed(tmp_path: Path) -> None:
    changed = tmp_path / "rules.yaml"
    changed.write_text(FILE.read_text().replace('event="failed"', 'event="fails"'))
    fault = FAULTS["HpsearchSearchFailed"]
    tests = [scenario(fault, [expected("HpsearchSearchFailed", fault)])]
    assert "HpsearchSearchFailed" in promtool(tmp_path, tests, changed)
