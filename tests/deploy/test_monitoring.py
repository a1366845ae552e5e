"""The dashboard, the alerts and the scaling ask for metrics that exist, by labels that they have."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from api import create_app
from hpsearch.settings import load
from hpsearch.wiring import build

PROJECT = Path(__file__).resolve().parents[2]
DASHBOARD = json.loads((PROJECT / "deploy" / "grafana" / "hpsearch.json").read_text())
RULES = yaml.safe_load((PROJECT / "deploy" / "prometheus" / "rules.yaml").read_text())
GUIDE = (PROJECT / "docs" / "operations.md").read_text()
# Prometheus' own, and those of the scrape configuration in docs/operations.md.
ALWAYS = {"job", "instance"}
# What a process counts of itself; all else is the service's, and every process counts the same.
OF_A_PROCESS = ("hpsearch_http_", "hpsearch_address_locks_total", "hpsearch_database_ready")
_SELECTOR = re.compile(r"\b((?:hpsearch|process)_\w+|up)\b(?:\{([^}]*)\})?")
_BY = re.compile(r"\bby \(([^)]*)\)")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> dict[str, set[str]]:
    """The series of a real scrape by name, each with its labels."""
    home = tmp_path_factory.mktemp("home")
    shutil.copyfile(migrated_sqlite, home / "hpsearch.db")
    settings = load(home=home)
    with build(settings) as services:
        client = create_app(services, settings).test_client()
        _, token = services.keys.create(name="monitor", owner="monitor", scopes=["read"])
        headers = {"Authorization": f"Bearer {token}"}
        texts = [client.get("/metrics", headers=headers).text for _ in range(2)]
    found: dict[str, set[str]] = {"up": ALWAYS}
    for family in text_string_to_metric_families(texts[-1]):
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                found[sample.name] = {*sample.labels} | ALWAYS
    return found


def expressions() -> Iterator[tuple[str, str]]:
    """Every query of the repository, by where it stands."""
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield f"panel {panel['title']}", target["expr"]
    for group in RULES["groups"]:
        for rule in group["rules"]:
            yield f"rule {rule['alert']}", rule["expr"]
    scaling = yaml.safe_load((PROJECT / "deploy" / "kubernetes" / "scaling.yaml").read_text())
    yield "scaling", scaling["spec"]["triggers"][0]["metadata"]["query"]


@pytest.mark.parametrize(("where", "query"), list(expressions()))
def test_a_query_asks_for_what_exists(where, query, known):
    asked = _SELECTOR.findall(query)
    assert asked, query
    labels: set[str] = set()
    for name, matchers in asked:
        assert name in known, f"{where}: no metric {name}"
        labels |= known[name]
        wanted = set(re.findall(r"(\w+)\s*[=!]~?=?\s*\"", matchers))
        assert wanted <= known[name], f"{where}: {name} has no labels {wanted - known[name]}"
    for listed in _BY.findall(query):
        assert set(re.split(r",\s*", listed)) <= labels, f"{where}: {listed}"
    assert query.count("(") == query.count(")")


@pytest.mark.parametrize("query", ["max(hpsearch_worker)", 'hpsearch_jobs{status="queued"}'])
def test_what_does_not_exist_is_noticed(query, known):
    with pytest.raises(AssertionError):
        test_a_query_asks_for_what_exists("here", query, known)


def test_a_service_that_several_processes_count_is_never_summed(known):
    ours = {name for name in known if name.startswith("hpsearch_")}
    shared = {name for name in ours if not name.startswith(OF_A_PROCESS)}
    for where, query in expressions():
        for inner in re.findall(r"sum(?: by \([^)]*\))? ?\(([^()]*)", query):
            assert not shared & set(re.findall(r"\w+", inner)), f"{where}: {query}"


def test_no_figure_is_never_shown_or_scaled_as_a_figure():
    """An API that is not scraped: no worker goes, and no panel shows the last figure as today's."""
    scaling = yaml.safe_load((PROJECT / "deploy" / "kubernetes" / "scaling.yaml").read_text())[
        "spec"
    ]
    for trigger in scaling["triggers"]:
        assert trigger["metadata"]["ignoreNullValues"] == "false"
    assert scaling["fallback"]["behavior"] == "currentReplicasIfHigher"
    for panel in DASHBOARD["panels"]:
        calcs = panel.get("options", {}).get("reduceOptions", {}).get("calcs", [])
        assert "lastNotNull" not in calcs, panel["title"]
    queries = [rule["expr"] for group in RULES["groups"] for rule in group["rules"]]
    assert any(query.startswith("absent(") for query in queries)
    assert not any("or vector(" in query for _, query in expressions())


def test_the_dashboard_can_be_imported():
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert {v["name"] for v in DASHBOARD["templating"]["list"]} == {"datasource"}
    places = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not places & cells, f"{panel['title']} lies over another panel"
        places |= cells


def test_every_alert_says_what_to_do():
    names = [rule["alert"] for group in RULES["groups"] for rule in group["rules"]]
    assert len(set(names)) == len(names)
    for group in RULES["groups"]:
        for rule in group["rules"]:
            assert set(rule["annotations"]) == {"summary", "action"}
            assert rule["labels"]["severity"] in ("warning", "critical")


def test_the_guide_lists_every_metric_of_ours(known):
    ours = {
        re.sub(r"_(bucket|sum|count)$", "", name) for name in known if name.startswith("hpsearch_")
    }
    listed = set(re.findall(r"`(hpsearch_\w+)`", GUIDE))
    assert listed == ours


def test_the_guide_lists_every_alert():
    names = {rule["alert"] for group in RULES["groups"] for rule in group["rules"]}
    assert set(re.findall(r"`(Hpsearch\w+)`", GUIDE)) == names


def test_the_dashboard_shows_what_alerts_speak_of():
    shown = " ".join(query for where, query in expressions() if where.startswith("panel"))
    alerting = " ".join(query for where, query in expressions() if where.startswith("rule"))
    missing = {name for name, _ in _SELECTOR.findall(alerting)} - {
        name for name, _ in _SELECTOR.findall(shown)
    }
    assert missing == set()
