"""Tags and notes of searches: found by them, changed at any time, and outside the digest."""

from __future__ import annotations

import pytest
from support.bench import OWNER
from support.outside import SMALL

from hpsearch.errors import Conflict, InvalidRequest, InvalidSpec, Stale
from hpsearch.report.digest import search_digest


@pytest.fixture
def searches(services):
    return services.searches


def found(searches, **asked):
    return {one.name for one in searches.list(owner=OWNER, **asked).items}


def test_lists_are_filtered_by_tags_words_and_time(outside, searches):
    outside.submit(name="one", tags=["vision", "A 100%"], note="first try\nof many")
    outside.submit(name="two", tags=["vision"])
    outside.submit(name="Three_3")
    assert found(searches, tags=["vision"]) == {"one", "two"}
    assert found(searches, tags=["vision", "A 100%"]) == {"one"}
    assert found(searches, tags=["Vision"]) == found(searches, tags=["visio"]) == set()
    assert found(searches, words="FIRST") == {"one"}
    assert found(searches, words="three_") == {"Three_3"}
    assert found(searches, words="0%") == {"one"}
    assert found(searches, words="%") == {"one"}
    assert found(searches, words="vis", tags=["A 100%"]) == {"one"}
    everything = {"one", "two", "Three_3"}
    assert found(searches, since="2020-01-01") == found(searches, since="2020-01-01T10:00Z")
    assert found(searches, since="2020-01-01") == everything
    assert found(searches, since="2120-01-01T00:00:00+02:00") == set()
    with pytest.raises(InvalidRequest, match="neither a day"):
        found(searches, since="yesterday")
    page = searches.list(owner=OWNER, tags=["vision"], limit=1)
    rest = searches.list(owner=OWNER, tags=["vision"], limit=1, cursor=page.next)
    assert ([one.name for one in (*page.items, *rest.items)], rest.next) == (["two", "one"], None)


def test_labels_change_in_any_state_and_nothing_else_does(outside, searches):
    search_id = outside.submit(**SMALL, tags=["old"], note="before")
    outside.train(search_id)
    result = searches.result(search_id, owner=OWNER)
    revision = searches.status(search_id, owner=OWNER).revision
    status = searches.edit(search_id, {"tags": ["new", "er"]}, owner=OWNER, if_revision=revision)
    assert (status.tags, status.note, status.revision) == (["new", "er"], "before", revision + 1)
    with pytest.raises(Stale):
        searches.edit(search_id, {"note": "x"}, owner=OWNER, if_revision=revision)
    status = searches.edit(search_id, {"note": "", "tags": []}, owner=OWNER)
    assert (status.tags, status.note, status.edits) == ([], "", [])
    assert searches.result(search_id, owner=OWNER) == result
    with pytest.raises(Conflict, match="completed"):
        searches.edit(search_id, {"note": "y", "rounds": 9}, owner=OWNER)
    assert searches.status(search_id, owner=OWNER).note == ""


def test_labels_change_together_with_the_spec(outside, searches):
    search_id = outside.submit(**SMALL)
    status = searches.edit(search_id, {"rounds": 3, "tags": ["longer"]}, owner=OWNER)
    assert (status.tags, status.rounds.planned) == (["longer"], 3)
    with pytest.raises(InvalidSpec) as refused:
        searches.edit(search_id, {"rounds": 0, "tags": ["a", ""], "notes": 1}, owner=OWNER)
    assert {m.path for m in refused.value.mistakes} == {"rounds", "tags[1]", "notes"}
    assert searches.status(search_id, owner=OWNER) == status


def test_the_spec_keeps_labels_and_the_digest_does_not(outside, searches, services):
    plain, labelled = outside.submit(**SMALL), outside.submit(**SMALL, tags=["x"], note="y")
    spec = searches.spec(labelled, owner=OWNER)
    assert (spec.pop("tags"), spec.pop("note")) == (["x"], "y")
    assert spec == searches.spec(plain, owner=OWNER)
    records = [services.store.read(lambda tx, i=i: tx.searches.get(i)) for i in (plain, labelled)]
    digests = {search_digest(record, [], None) for record in records}
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("labels", "paths"),
    [
        ({"tags": ["x" * 51]}, ["tags[0]"]),
        ({"tags": ["a", " b"]}, ["tags[1]"]),
        ({"tags": ["a\nb", "c"]}, ["tags[0]"]),
        ({"tags": ["a", "a"]}, ["tags"]),
        ({"tags": [str(i) for i in range(21)]}, ["tags"]),
        ({"tags": "a"}, ["tags"]),
        ({"tags": None}, ["tags"]),
        ({"tags": [1]}, ["tags[0]"]),
        ({"note": "x" * 4001}, ["note"]),
        ({"note": "a\x00b"}, ["note"]),
        ({"note": 3, "tags": ["", "b"]}, ["tags[0]", "note"]),
    ],
)
def test_labels_that_cannot_be_are_refused(outside, searches, labels, paths):
    search_id = outside.submit(**SMALL, tags=["kept"])
    with pytest.raises(InvalidSpec) as refused:
        searches.edit(search_id, labels, owner=OWNER)
    assert sorted(m.path for m in refused.value.mistakes) == sorted(paths)
    assert searches.status(search_id, owner=OWNER).tags == ["kept"]
    if None not in labels.values():
        with pytest.raises(InvalidSpec) as refused:
            outside.submit(**SMALL, **labels)
        assert sorted(m.path for m in refused.value.mistakes) == sorted(paths)
