"""The judgement of `make operate`, which has to be able to fail."""

from __future__ import annotations

import re

import pytest
import yaml

from operate import alerts, outages, probes, table
from operate.load import GET, POST, Answer, Limit, misses, percentile
from operate.service import API, LOOP, WORKER


def answer(search: str | None = "a", **changes: object) -> Answer:
    given = {"client": 0, "method": POST, "due": 0.0, "seconds": 0.1, "status": 201, "said": ""}
    return Answer(**{**given, "search": search, **changes})  # type: ignore[arg-type]


def test_the_limit_is_the_larger_one_of_two():
    assert Limit(0.1).seconds == pytest.approx(0.6)
    assert Limit(1.0).seconds == pytest.approx(3.0)


def test_the_slowest_hundredth_counts():
    answers = [answer(seconds=n / 100) for n in range(101)]
    assert (percentile(answers, 0.5), percentile(answers)) == (0.5, 0.99)


def test_what_was_lost_refused_or_made_twice_is_said():
    right = [answer("a"), answer("b"), answer(None, method=GET, status=200)]
    assert list(misses(right, ["b", "a"])) == []
    assert list(misses(right, ["a"])) == ["1 searches were confirmed and have no row, such as b"]
    assert list(misses(right, ["a", "b", "c"])) == [
        "1 rows have no request that was confirmed, such as c"
    ]
    assert list(misses([*right, answer("b")], ["a", "b"])) == ["1 searches answer two requests"]
    broken = answer(None, status=None, said="ReadError()")
    refused = answer(None, method=GET, status=502, said="Bad Gateway")
    assert list(misses([*right, broken, refused], ["a", "b"])) == [
        "POST: None ReadError()",
        "GET: 502 Bad Gateway",
    ]


@pytest.mark.parametrize(("part", "threshold"), [(API, 3), (LOOP, 5), (WORKER, 5)])
def test_a_rule_of_liveness_is_the_manifest_s(part, threshold):
    rule = probes.Rule.of(part)
    assert rule.threshold == threshold
    assert rule.period >= rule.timeout > 0
    watched = probes.Watched(rule)
    for fault in ["away"] * (threshold - 1) + [None, "away"]:
        watched.note(fault)
    assert not watched.restarts
    for _ in range(threshold - 1):
        watched.note("away")
    assert watched.restarts


def test_an_outage_is_longer_than_the_api_s_rule_needs():
    rule = probes.Rule.of(API)
    assert rule.period * rule.threshold < outages.OUTAGE_SECONDS


def test_rules_in_seconds_are_the_same_rules():
    before = yaml.safe_load(alerts.RULES.read_text())
    after = alerts.shortened(alerts.RULES.read_text())
    for old, new in zip(before["groups"][0]["rules"], after["groups"][0]["rules"], strict=True):
        if "for" in old:
            assert int(new["for"][:-1]) == max(10, 2 * int(old["for"][:-1]))
        assert not re.search(r"\[\d+[mh]\]", new["expr"])
        plain = [re.sub(r"\[\w+\]", "[]", rule["expr"]) for rule in (old, new)]
        assert plain[0] == plain[1]


def test_a_missed_limit_is_marked():
    rows = [table.at_most("here", "time", 1.0, 2.0), table.none_of("here", "lost", [])]
    assert table.text(rows).endswith("every limit was kept")
    rows.append(table.at_most("here", "other time", 3.0, 2.0))
    lines = table.text(rows).splitlines()
    assert [line for line in lines if line.startswith("!")] == [lines[-3]]
    assert lines[-1] == "1 of 3 limits missed"
