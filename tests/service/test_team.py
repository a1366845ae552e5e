"""A team on both databases: who sees whose searches, operators, names and limits of owners."""

from __future__ import annotations

import pytest
from support.outside import SPEC

from hpsearch.errors import Conflict, InvalidRequest, NotFound, TooMany
from hpsearch.records import Reader
from hpsearch.service.owners import MOST
from hpsearch.wiring import build

OPERATOR = Reader("ops", everyone=True)


@pytest.fixture
def submit(services):
    """submit(owner): a new search of theirs; its id."""
    return lambda owner: services.searches.submit(SPEC, owner=owner)[0].id


def listed(services, owner, **asked):
    return {view.id for view in services.searches.list(owner=owner, **asked).items}


def test_a_search_is_read_by_those_it_is_shared_with_and_as_long(services, submit):
    own, other = submit("ada"), submit("ada")
    bob, searches = Reader("bob"), services.searches
    with pytest.raises(NotFound):
        searches.status(own, owner=bob)
    shared = searches.share(own, ["bob", "carol", "bob", "ada"], owner="ada")
    assert (shared.owner, shared.sharing, shared.revision) == ("ada", ["bob", "carol"], 2)
    assert searches.status(own, owner=bob).id == own
    assert listed(services, bob, others=True) == {own}
    assert listed(services, "bob") == set()
    assert listed(services, Reader("bobby"), others=True) == set()
    assert listed(services, Reader("BOB"), others=True) == set()
    searches.share(other, "all", owner="ada")
    assert searches.status(other, owner="ada").sharing == "all"
    assert listed(services, Reader("anybody"), others=True) == {other}
    assert listed(services, Reader("ada"), others=True) == set()
    assert listed(services, Reader("ada")) == {own, other}
    repeated = searches.share(other, "all", owner="ada")
    assert repeated.revision == searches.share(other, "all", owner="ada").revision == 2
    searches.share(own, [], owner="ada")
    with pytest.raises(NotFound):
        searches.status(own, owner=bob)
    assert listed(services, bob, others=True) == {other}
    rows = services.audit.page(action="search.shared").items
    assert [row.detail["sharing"] for row in rows] == [[], "all", ["bob", "carol"]]


def test_nobody_but_the_owner_and_operators_reads_the_names_of_other_readers(services, submit):
    own, searches = submit("ada"), services.searches
    searches.share(own, ["bob", "carol"], owner="ada")
    for owner, seen in (
        (Reader("bob"), ["bob"]), (Reader("ada"), ["bob", "carol"]), ("ada", ["bob", "carol"]),
        (OPERATOR, ["bob", "carol"]),
    ):  # fmt: skip
        assert searches.status(own, owner=owner).sharing == seen
        assert [view.sharing for view in searches.list(owner=owner).items] == [seen]
        assert searches.wait(own, owner=owner, revision=1, seconds=0).sharing == seen
    searches.share(own, "all", owner="ada")
    assert searches.status(own, owner=Reader("bob")).sharing == "all"


@pytest.mark.parametrize(
    "sharing", ["everyone", ["*"], [""], ["a\nb"], [7], None, {"bob": 1}, ["x" * 101], ["a"] * 101]
)
def test_a_sharing_that_is_none_is_refused(services, submit, sharing):
    own = submit("ada")
    with pytest.raises(InvalidRequest, match="sharing"):
        services.searches.share(own, sharing, owner="ada")
    status = services.searches.status(own, owner="ada")
    assert (status.sharing, status.revision) == ([], 1)


def test_an_operator_sees_and_stops_and_the_owner_reads_why(services, submit):
    own, searches = submit("ada"), services.searches
    assert listed(services, OPERATOR) == {own}
    assert searches.health(own, owner=OPERATOR).id == own
    for action, state, word in (
        ("pause", "paused", "paused"), ("resume", "queued", "resumed"),
        ("cancel", "cancelled", "cancelled"),
    ):  # fmt: skip
        searches.operate(own, action, reason=" the cluster is full ", owner=OPERATOR)
        status = searches.status(own, owner="ada")
        assert (status.state, status.reason) == (
            state, f"{word} by an operator: the cluster is full"
        )  # fmt: skip
    told = [(e.detail or {}).get("reason") or "" for e in services.store.events(own)]
    assert len([reason for reason in told if "the cluster is full" in reason]) == 3
    rows = services.audit.page(target=own).items[:3]
    assert {row.detail["reason"] for row in rows} == {"the cluster is full"}
    with pytest.raises(Conflict):
        searches.operate(own, "cancel", reason="again", owner=OPERATOR)


@pytest.mark.parametrize(
    ("action", "reason"),
    [("pause", ""), ("pause", "  "), ("pause", "a\nb"), ("pause", "x" * 501), ("delete", "why")],
)
def test_an_operator_says_why(services, submit, action, reason):
    own = submit("ada")
    with pytest.raises(InvalidRequest):
        services.searches.operate(own, action, reason=reason, owner=OPERATOR)
    assert services.searches.status(own, owner="ada").state == "queued"


def test_a_grant_is_for_reading_alone(services, submit):
    own, searches = submit("ada"), services.searches
    searches.share(own, "all", owner="ada")
    for change in (
        lambda: searches.pause(own, owner="bob"),
        lambda: searches.operate(own, "pause", reason="mine now", owner=Reader("bob")),
        lambda: searches.share(own, [], owner="bob"),
        lambda: searches.edit(own, {"note": "n"}, owner="bob"),
        lambda: services.external.claim(own, owner="bob"),
        lambda: searches.delete(own, owner="bob"),
    ):
        with pytest.raises(NotFound):
            change()
    assert searches.status(own, owner="ada").state == "queued"


@pytest.mark.parametrize("name", ["ada", "Ada Lovelace", "a.b_c@d+e-f", "7", "Zoë", "x" * 100])
def test_names_of_owners(services, name):
    view, _ = services.keys.create(name="k", owner=name, scopes=["read"])
    assert view.owner == name


@pytest.mark.parametrize(
    "name", ["*", " ada", "ada ", "a  b", "-ada", "a/b", "a,b", "Zoe\u0308", "_a", "a\u00a0b"]
)
def test_names_that_could_be_taken_for_others_are_refused(services, name):
    with pytest.raises(InvalidRequest, match="must have 1 to 100 "):
        services.keys.create(name="k", owner=name, scopes=["read"])
    assert services.keys.list() == []


def test_nobody_is_called_as_everybody_is(services):
    with pytest.raises(InvalidRequest, match="no owner can be called 'all'"):
        services.keys.create(name="k", owner="all", scopes=["read"])
    assert services.keys.list() == []


def test_an_owner_from_before_keeps_the_name(services):
    view, _ = services.keys.create(name="k", owner="old", scopes=["read"])
    with services.store.engines.write.begin() as connection:
        connection.exec_driver_sql("UPDATE api_key SET owner = 'team/a'")
    again, _ = services.keys.create(name="k2", owner="team/a", scopes=["read", "operate"])
    assert (again.owner, again.scopes) == ("team/a", ["read", "operate"])
    assert services.keys.revoke(view.id).owner == "team/a"


def test_the_longest_life_of_keys(configured, sqlite_url):
    with build(configured(database_url=sqlite_url, key_days=90)) as services:
        for days, words in ((None, "a key without an end"), (91, "a key of 91 days")):
            with pytest.raises(InvalidRequest, match=f"{words} .* 90 days .*--days 90"):
                services.keys.create(name="k", owner="ada", scopes=["read"], days=days)
        assert services.keys.list() == []
        view, _ = services.keys.create(name="k", owner="ada", scopes=["read"], days=90)
        assert view.expires_at is not None
        services.keys.ensure_bootstrap("b" * 40)  # the setting is its life


def test_limits_of_one_owner(services, submit, tmp_path):
    for owner in ("ada", "bob"):
        services.keys.create(name="k", owner=owner, scopes=["submit"])
    services.owners.limit("ada", searches=1, datasets=0)
    submit("ada")
    with pytest.raises(TooMany, match="the limit is 1"):
        submit("ada")
    submit("bob")
    submit("bob")
    file = tmp_path / "d.csv"
    file.write_text("a,b\n" + "".join(f"{i},{'xy'[i % 2]}\n" for i in range(40)))
    with pytest.raises(TooMany, match="the limit is 0"):
        services.datasets.put("d", file, content_type="text/csv", owner="ada")
    assert services.owners.limit("ada", searches=2) == ("ada", 2, 0, None)
    submit("ada")
    assert services.owners.list() == [("ada", 2, 0, None)]
    assert services.owners.limit("ada", dataset_bytes=5, reset=True) == ("ada", None, None, 5)
    with pytest.raises(TooMany, match="the limit is 5"):
        services.datasets.put("d", file, content_type="text/csv", owner="ada")
    most = services.owners.limit("ada", **MOST)
    assert most == ("ada", *MOST.values()) == services.owners.list()[0]
    assert services.owners.limit("ada", reset=True)[1:] == (None, None, None)
    assert services.owners.list() == []
    services.datasets.put("d", file, content_type="text/csv", owner="ada")
    actions = [row.target for row in services.audit.page(action="owner.limited").items]
    assert actions == ["ada"] * 5


@pytest.mark.parametrize(
    ("owner", "asked", "words"),
    [
        ("nobody", {"searches": 1}, "no key belongs to 'nobody'"),
        ("ada", {"searches": -1}, "searches -1 must lie between 0 and"),
        ("ada", {"dataset_bytes": 2**60}, "must lie between"),
        ("ada", {"searches": 2**31}, "searches 2147483648 must lie between 0 and 2147483647"),
        ("ada", {"datasets": 2**31}, "must lie between"),
        ("ada", {}, "name a limit to set"),
    ],
)
def test_limits_that_cannot_be(services, owner, asked, words):
    services.keys.create(name="k", owner="ada", scopes=["submit"])
    with pytest.raises(InvalidRequest, match=words):
        services.owners.limit(owner, **asked)
    assert services.owners.list() == []
