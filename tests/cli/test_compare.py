"""Searches side by side."""

from __future__ import annotations

import json

import pytest

from .results import RESULT


def columns(out):
    """The cells of each row under its title."""
    lines = [line for line in out.splitlines() if line.strip() and "─" not in line]
    return {line[:20].strip(): line[20:].split() for line in lines}


@pytest.fixture
def two(contract, status):
    """A search that has completed, and one that runs with another space."""
    contract.answer(200, {**status, "id": "s1", "state": "completed"})
    contract.answer(200, {**RESULT, "id": "s1"})
    other = {"momentum": {"low": 0.5, "high": 0.9, "scale": "linear"}}
    contract.answer(200, {**status, "id": "s2", "best": None, "ranges": other})
    contract.problem(409, "Conflict", "it has no result yet")
    return contract


def test_searches_stand_side_by_side(two, run):
    code, out, err = run("compare", "s1", "s2", "--url", two.url)
    assert (code, err) == (0, "")
    cells = columns(out)
    assert cells[""] == ["s1", "s2"]
    assert cells["state"] == ["completed", "running"]
    assert cells["best validation"] == ["0.9722", "-"]
    assert cells["test accuracy"] == [f"{RESULT['test']['accuracy']:.4f}", "-"]
    assert cells["momentum"] == ["-", "0.5", "to", "0.9"]
    assert cells["learning_rate"][-1] == "-"


def test_programs_get_the_views(two, run):
    code, out, _ = run("compare", "s1", "s2", "--json", "--url", two.url)
    first, second = json.loads(out)["searches"]
    assert code == 0
    assert first["result"]["test"]["accuracy"] == RESULT["test"]["accuracy"]
    assert (second["status"]["id"], second["result"]) == ("s2", None)
