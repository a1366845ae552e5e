"""Pages of trials, best first: one order on both databases, trials without a rank value last."""

from __future__ import annotations

import itertools

import pytest
import sqlalchemy as sa
from support.bench import OWNER, Bench

from hpsearch.settings import load
from hpsearch.store.tables import trial
from hpsearch.trials import TrialState
from hpsearch.wiring import build

VALUES = (0.5, None, 0.9, 0.5, None, -3.0, 0.9, None)  # of the trials of a round, by index


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def ranked(request, new_database, data_folder, tmp_path_factory):
    """Services with a search of two rounds, whose trials have the ranks `VALUES`, and its id."""
    home = tmp_path_factory.mktemp("ranked")
    with new_database(request.param, home) as url:
        settings = load(home=home, database_url=url, data_url=str(data_folder))
        with build(settings) as services:
            yield services, _ranked(Bench(services))


def _ranked(bench):
    search_id = bench.submit()
    bench.complete(search_id)
    with bench.services.store.engines.write.begin() as connection:
        for index, value in enumerate(VALUES):
            one = (trial.c.search_id == search_id) & (trial.c.idx == index)
            connection.execute(trial.update().where(one).values(rank_value=value))
        some = trial.c.idx.in_([1, 2, 5])
        connection.execute(trial.update().where(some).values(state=TrialState.FAILED))
    return search_id


def order(t):
    """Sorts the best first; among those without a rank value, and equals, the youngest."""
    return (t.rank_value is None, -(t.rank_value or 0.0), -t.round, -t.idx)


@pytest.mark.parametrize("limit", [1, 3, 7, 50])
@pytest.mark.parametrize(("number", "state"), [(None, None), (2, None), (None, "failed")])
def test_every_trial_is_on_one_page(ranked, limit, number, state):
    services, search = ranked
    everything = services.store.read(lambda tx: tx.trials.of(search))
    wanted = sorted(
        (t for t in everything
         if (number is None or t.round == number) and (state is None or t.state == state)),
        key=order,
    )  # fmt: skip
    found, cursor = [], None
    for _ in itertools.count():
        page = services.searches.trials(
            search, owner=OWNER, round=number, state=state, sort="-validation_accuracy",
            limit=limit, cursor=cursor,
        )  # fmt: skip
        found += [view.id for view in page.items]
        cursor = page.next
        if cursor is None:
            break
        assert len(page.items) == limit
    assert found == [f"{t.round}-{t.idx}" for t in wanted]


def test_the_pages_walk_the_index(ranked):
    """No sorting: a page costs the same, however many trials there are."""
    services, search = ranked
    store, asked = services.store, []

    def note(connection, cursor, statement, parameters, context, many):
        asked.append((statement, parameters))

    def read(tx):
        for after in (None, (0.5, 1, 3), (None, 1, 4)):
            tx.trials.best_page(
                search, number=None, state=None, curve=False, limit=50, after=after
            )  # fmt: skip

    sa.event.listen(store.engines.read, "before_cursor_execute", note)
    store.read(read)
    sa.event.remove(store.engines.read, "before_cursor_execute", note)
    pages = [(text, values) for text, values in asked if "rank_value" in text]
    assert len(pages) == 5  # of ranked ones and others, twice, and of others alone
    with store.engines.read.connect() as connection:
        if not store.engines.sqlite:
            for setting in ("enable_sort", "enable_seqscan", "enable_bitmapscan"):
                connection.exec_driver_sql(f"SET {setting} = off")
        for text, values in pages:
            plan = "EXPLAIN QUERY PLAN " if store.engines.sqlite else "EXPLAIN "
            told = str(connection.exec_driver_sql(plan + text, values).all())
            assert "ix_trial_rank_value" in told
            assert "Sort" not in told
            assert "TEMP B-TREE" not in told


def test_levels_that_were_tried_are_read_with_their_types(bench):
    """Texts, numbers, truths, lists and null are what they were; a set comes once."""
    levels = ["16", 16, 16.5, True, None, [64, 32]]
    search_id = bench.submit()
    bench.complete(search_id)
    store = bench.services.store
    with store.engines.write.begin() as connection:
        for index, level in enumerate(levels):
            one = (trial.c.search_id == search_id) & (trial.c.idx == index)
            connection.execute(trial.update().where(one).values(params={"a": level, "b": index}))
        connection.execute(
            trial.update().where(trial.c.idx >= len(levels)).values(params={"a": 16, "b": 1})
        )
    tried = [p["a"] for p in store.read(lambda tx: tx.trials.tried(search_id, ["a"]))]
    assert sorted(map(repr, tried)) == sorted(map(repr, [*levels[:-1], (64, 32)]))
    both = store.read(lambda tx: tx.trials.tried(search_id, ["a", "b"]))
    assert len(both) == len(levels)
