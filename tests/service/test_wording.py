"""Words decide nothing: other sentences change neither a search nor its replay."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest
import sqlalchemy as sa
from support.bench import OWNER

from hpsearch.reasons import REASONS, StoredReason
from hpsearch.service import replay
from hpsearch.store.tables import decision, round_

SEARCHES = {
    "level_set": {"rounds": 4, "epochs": {"first": 2, "last": 2}},
    "quantile": {"narrowing": "quantile", "rounds": 3},
    "domain_reduction": {"narrowing": "domain_reduction", "epochs": {"first": 2, "budget": 60}},
}


@pytest.fixture(params=SEARCHES)
def spec(request):
    return SEARCHES[request.param]


@pytest.fixture
def babble(monkeypatch):
    """Change every sentence, and make no two alike."""

    def change():
        count = itertools.count()
        for name, kind in REASONS.items():
            other = replace(kind, words=lambda _: f"ba: ba: {next(count)}")
            monkeypatch.setitem(REASONS._entries, name, other)

    return change


def completed(bench, spec):
    search_id = bench.submit(**spec)
    bench.complete(search_id)
    return search_id


def rows(bench, search_id):
    """The course of a search without its sentences."""

    def read(tx):
        trials = [(t.round, t.idx, t.params, t.role) for t in tx.trials.of(search_id)]
        rounds = [(r.number, r.kind, r.box) for r in tx.trials.rounds(search_id)]
        made = [
            (d.round, d.name, d.verdict, d.before, d.after, d.numbers, d.facts)
            for d in tx.trials.decisions(search_id)
        ]
        return trials, rounds, made

    return bench.services.store.read(read)


def test_replay_compares_facts_and_no_sentence(bench, spec, babble):
    search_id = completed(bench, spec)
    assert replay.decisions(bench.services, search_id).differences == []
    babble()
    differences = replay.decisions(bench.services, search_id).differences
    # The statement is words: made of sentences that differ each time, it cannot agree.
    assert [line for line in differences if not line.startswith("statement: ")] == []
    result = bench.services.searches.result(search_id, owner=OWNER)
    assert all("ba: ba: " in shown.reason for shown in result.ranges.values())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # none of them reads a word
def test_a_search_takes_its_course_in_any_words(bench, spec, babble):
    plain = completed(bench, spec)
    babble()
    strange = completed(bench, spec)
    assert rows(bench, strange) == rows(bench, plain)
    assert bench.status(strange).reason.startswith("ba: ba: ")


def test_a_search_of_an_older_build_agrees_and_is_shown_as_it_was_stored(bench, spec):
    """It has sentences without facts, in words that this build does not use."""
    search_id = completed(bench, spec)
    with bench.services.store.engines.write.begin() as connection:
        connection.execute(decision.update().values(facts=None, reason="so it is"))
        query = sa.select(round_.c.search_id, round_.c.number, round_.c.evidence)
        for search, number, evidence in connection.execute(query).all():
            if evidence is not None and evidence.explored is not None:
                older = replace(evidence, explored=StoredReason("it was enough"))
                connection.execute(
                    round_.update()
                    .where(round_.c.search_id == search, round_.c.number == number)
                    .values(evidence=older)
                )
    assert replay.decisions(bench.services, search_id).differences == []
    result = bench.services.searches.result(search_id, owner=OWNER)
    assert all("so it is" in shown.reason for shown in result.ranges.values())
    rounds = bench.services.searches.rounds(search_id, owner=OWNER).items
    ends = [r.evidence.explored for r in rounds if r.evidence and r.evidence.explored]
    assert set(ends) <= {"it was enough"}


def test_other_facts_are_a_difference(bench):
    search_id = completed(bench, SEARCHES["quantile"])
    with bench.services.store.engines.write.begin() as connection:
        facts = connection.execute(sa.select(decision.c.facts).limit(1)).scalar_one()
        assert json.dumps(facts)
        connection.execute(decision.update().values(facts={**facts, "top": 99}))
    assert replay.decisions(bench.services, search_id).differences
