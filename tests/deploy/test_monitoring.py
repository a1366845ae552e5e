"""The dashboard, the alerts and the scaling ask for metrics that exist, by labels that they have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from api.metrics import Metrics

PROJECT = Path(__file__).resolve().parents[2]
DASHBOARD = json.loads((PROJECT / "deploy" / "grafana" / "hpsearch.json").read_text())
RULES = yaml.safe_load((PROJECT / "deploy" / "prometheus" / "rules.yaml").read_text())
GUIDE = (PROJECT / "docs" / "operations.md").read_text()
# Prometheus' own, and those of the scrape configuration in docs/operations.md.
ALWAYS = {"job", "instance"}
_SELECTOR = re.compile(r"\b((?:hpsearch|process)_\w+)(?:\{([^}]*)\})?")
_BY = re.compile(r"\bby \(([^)]*)\)")


def known() -> dict[str, set[str]]:
    """Every metric of the API by the name under which it is scraped, with its labels."""
    metrics = Metrics()
    found: dict[str, set[str]] = {}
    for collector in metrics._registry._collector_to_names:
        labels = set(getattr(collector, "_labelnames", ()))
        for family in collector.collect():
            kinds = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}
            for suffix in kinds.get(family.type, [""]):
                more = {"le"} if suffix == "_bucket" else set()
                found[family.name + suffix] = labels | more | ALWAYS
    return found


KNOWN = known()


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
def test_a_query_asks_for_what_exists(where, query):
    asked = _SELECTOR.findall(query)
    assert asked, query
    labels: set[str] = set()
    for name, matchers in asked:
        assert name in KNOWN, f"{where}: no metric {name}"
        labels |= KNOWN[name]
        wanted = set(re.findall(r"(\w+)\s*[=!]~?=?\s*\"", matchers))
        assert wanted <= KNOWN[name], f"{where}: {name} has no labels {wanted - KNOWN[name]}"
    for listed in _BY.findall(query):
        assert set(re.split(r",\s*", listed)) <= labels, f"{where}: {listed}"
    assert query.count("(") == query.count(")")


@pytest.mark.parametrize("query", ["max(hpsearch_worker)", 'hpsearch_jobs{status="queued"}'])
def test_what_does_not_exist_is_noticed(query):
    with pytest.raises(AssertionError):
        test_a_query_asks_for_what_exists("here", query)


def test_a_service_that_several_processes_count_is_never_summed():
    shared = {name for name in KNOWN if name.startswith("hpsearch_") and "http" not in name}
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


def test_the_guide_lists_every_metric_of_ours():
    ours = {
        re.sub(r"_(bucket|sum|count)$", "", name) for name in KNOWN if name.startswith("hpsearch_")
    }
    listed = set(re.findall(r"`(hpsearch_\w+)`", GUIDE))
    assert listed == ours
