"""Searches of older rules: what an upgrade that changes bits means for each of them."""

from __future__ import annotations

import pytest
from support.bench import OWNER, Bench

from hpsearch import rules
from hpsearch.errors import Conflict
from hpsearch.service import replay
from hpsearch.trials import SearchState
from worker.__main__ import main

NEXT = rules.RULES_NUMBER + 1
OLD = f"made under rules {rules.RULES_NUMBER}, this build has {NEXT}; install .* to train it again"


@pytest.fixture
def bench(services):
    return Bench(services)


@pytest.fixture
def upgraded(monkeypatch):
    """upgraded(): from here on this is a build that decides or trains otherwise."""
    return lambda: monkeypatch.setattr(rules, "RULES_NUMBER", NEXT)


def result(bench, search):
    return bench.services.searches.result(search, owner=OWNER)


def test_every_search_stores_the_rules_of_its_submission(bench, upgraded):
    old = bench.submit(seed=1)
    upgraded()
    new = bench.submit(seed=2)
    assert (bench.status(old).rules, bench.status(new).rules) == (
        rules.RULES_NUMBER - 1,
        rules.RULES_NUMBER,
    )
    bench.complete(new)
    assert result(bench, new).rules == NEXT
    assert result(bench, new).digest is not None


@pytest.mark.parametrize("again", [replay.again, replay.decisions])
def test_a_replay_of_older_rules_is_refused_and_names_the_release(bench, upgraded, again):
    search = bench.submit()
    bench.complete(search)
    assert replay.decisions(bench.services, search).differences == []
    upgraded()
    with pytest.raises(Conflict, match=OLD):
        again(bench.services, search)


def test_the_command_ends_with_3(bench, upgraded, monkeypatch, capsys):
    search = bench.submit()
    bench.complete(search)
    upgraded()
    settings = bench.services.settings
    monkeypatch.setenv("DATABASE_URL", settings.database)
    monkeypatch.setenv("HPSEARCH_HOME", str(settings.home))
    assert main(["replay", search]) == 3
    assert f"search {search} was made under rules {NEXT - 1}, this" in capsys.readouterr().err


def test_a_search_that_was_running_goes_on_without_a_digest(bench, upgraded):
    search = bench.submit()
    bench.round()
    upgraded()
    bench.complete(search)
    view = result(bench, search)
    assert view.state is SearchState.COMPLETED
    assert (view.digest, view.rules) == (None, NEXT - 1)
    assert view.digest_reason == (
        f"it was submitted under rules {NEXT - 1} and completed under rules {NEXT}; "
        "a digest is of one number"
    )


def test_a_search_of_older_rules_can_be_built_on(bench, upgraded):
    old = bench.submit()
    bench.complete(old)
    upgraded()
    new = bench.submit(warm_start=[old])
    bench.complete(new)
    assert result(bench, new).digest is not None
