"""Views of searches that have ended: made once for each revision, and never out of date."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from support.bench import OWNER

from hpsearch.service.finished import Finished
from hpsearch.service.prune import prune


@pytest.fixture
def statements(services):
    """The statements that the store executes, as a list that grows."""
    seen: list[str] = []
    engine = services.store.engines.read
    sa.event.listen(engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
    return seen


def reads(statements, table):
    """True where one of the statements reads a table."""
    return any(f"FROM {table}" in statement for statement in statements)


def test_an_ended_search_is_read_once_for_result_and_rounds(bench, statements):
    search_id = bench.submit()
    bench.complete(search_id)
    searches = bench.services.searches
    asked = (lambda: searches.result(search_id, owner=OWNER),
             lambda: searches.rounds(search_id, owner=OWNER))  # fmt: skip
    statements.clear()
    first = [ask() for ask in asked]
    assert reads(statements, "trial")
    assert reads(statements, "round")
    statements.clear()
    assert [ask() for ask in asked] == first
    assert not reads(statements, "trial")
    assert not reads(statements, "round")
    page = searches.rounds(search_id, owner=OWNER, limit=1)
    rest = searches.rounds(search_id, owner=OWNER, cursor=page.next)
    assert [*page.items, *rest.items] == first[1].items


def test_openings_of_the_test_part_are_always_the_newest(bench):
    search_id = bench.submit()
    bench.complete(search_id)
    searches = bench.services.searches
    before = searches.result(search_id, owner=OWNER)
    row = bench.services.store.read(lambda tx: tx.searches.get(search_id))
    bench.services.store.write(lambda tx: tx.final.open_again(row))
    after = searches.result(search_id, owner=OWNER)
    assert after.test.dataset_openings == before.test.dataset_openings + 1
    assert after.test.model_copy(update={"dataset_openings": 0}) == before.test.model_copy(
        update={"dataset_openings": 0}
    )


def test_a_result_is_made_anew_without_the_curves_that_a_prune_has_taken(bench, statements):
    search_id = bench.submit()
    bench.complete(search_id)
    bench.services.searches.result(search_id, owner=OWNER)
    before = bench.status(search_id).revision
    assert prune(bench.services, older_than=-1.0, keep_results=True).searches == 1
    assert bench.status(search_id).revision == before + 1
    statements.clear()
    bench.services.searches.result(search_id, owner=OWNER)
    assert reads(statements, "trial")


def test_rounds_of_a_search_that_runs_are_read_every_time(bench):
    search_id = bench.submit()
    bench.work.advance_due()
    searches = bench.services.searches
    ended = []
    for _ in range(2):
        bench.do(bench.hint())
        ended.append(searches.rounds(search_id, owner=OWNER).items[0].trials.completed)
    assert ended[0] < ended[1]


def test_the_oldest_views_are_forgotten_and_a_revision_is_another_one(bench):
    search_id = bench.submit()
    row = bench.services.store.read(lambda tx: tx.searches.get(search_id))
    views: Finished[object] = Finished(most=2)
    first = views.view(row, object)
    assert views.view(row, object) is first
    later = [row._replace(revision=row.revision + n) for n in (1, 2)]
    assert views.view(later[0], object) is not first
    assert views.view(row, object) is first  # asked for last
    views.view(later[1], object)
    assert views.view(row, object) is first
    made: list[int] = []
    views.view(later[0], lambda: made.append(1))
    assert made


def test_another_end_under_the_same_revision_is_another_view():
    kept = Finished()
    one = SimpleNamespace(id="s1", revision=3, finished_at=1.0)
    assert kept.view(one, lambda: "before") == kept.view(one, lambda: "again") == "before"
    set_back = SimpleNamespace(id="s1", revision=3, finished_at=2.0)
    assert kept.view(set_back, lambda: "after") == "after"
