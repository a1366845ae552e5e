"""Datasets by name: whose they are, how they are listed, and when their bytes go."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.bench import SPEC
from support.parsing import without_children

from hpsearch.errors import Conflict, NotFound, TooMany, Unavailable
from hpsearch.wiring import build

CSV = "a,b,kind\n" + "\n".join(f"{i % 7},{i % 5},{'xyz'[i % 3]}" for i in range(60)) + "\n"
OTHER = CSV.replace("x", "w")


@pytest.fixture
def library(configured, database_url, tmp_path):
    """Services with data of their own."""
    settings = configured(database_url=database_url, data_url=str(tmp_path / "data"))
    with build(settings) as services:
        yield without_children(services)


def put(services, name, owner, text=CSV):
    path = services.settings.home / "upload.csv"
    path.write_text(text)
    return services.datasets.put(name, path, content_type="text/csv", owner=owner)


def test_pages_hold_every_name_once_in_byte_order(library):
    names = ["ab", "a.c", "a-b", "x_1", "x1", "zz"]
    for name in names:
        put(library, name, "alice")
    for limit in (1, 3, 100):
        seen, cursor = [], None
        while True:
            page = library.datasets.list(owner="alice", limit=limit, cursor=cursor)
            seen += [view.name for view in page.items]
            cursor = page.next
            if cursor is None:
                break
        assert seen == sorted([*names, "digits", "breast_cancer", "wine", "iris", "mnist",
                               "fashion-mnist"])  # fmt: skip


def test_another_owner_s_search_is_none_of_my_business(library):
    digest = put(library, "mine", "alice").digest
    put(library, "his", "bob")
    spec = {**SPEC, "dataset": "his", "space": {"learning_rate": {"low": 0.01, "high": 1}}}
    search = library.searches.submit(spec, owner="bob")[0]
    library.datasets.delete("mine", owner="alice")
    assert library.files.exists(digest)
    with pytest.raises(NotFound):
        library.datasets.get("mine", owner="alice")
    with pytest.raises(NotFound):
        library.datasets.delete("his", owner="alice")
    with pytest.raises(Conflict, match="1 unfinished searches train on 'his'"):
        library.datasets.delete("his", owner="bob")
    library.searches.cancel(search.id, owner="bob")
    library.datasets.delete("his", owner="bob")
    assert library.files.exists(digest), "the ended search keeps its data"
    library.searches.delete(search.id, owner="bob")
    assert not library.files.exists(digest)


def test_a_name_that_moves_on_leaves_nothing_behind(library):
    old = put(library, "mine", "alice").digest
    new = put(library, "mine", "alice", OTHER).digest
    assert old != new
    assert library.datasets.get("mine", owner="alice").digest == new
    assert not library.files.exists(old)
    put(library, "mine", "alice", OTHER)
    assert library.files.exists(new)


def test_a_delete_during_an_upload_of_the_same_bytes(library, monkeypatch):
    digest = put(library, "first", "alice").digest
    ingest = library.files.ingest_upload

    def slow(*args, **options):
        info = ingest(*args, **options)
        if library.store.read(lambda tx: tx.library.get("alice", "first")):
            library.datasets.delete("first", owner="alice")
        return info

    monkeypatch.setattr(library.files, "ingest_upload", slow)
    put(library, "second", "alice")
    assert library.files.exists(digest)


def test_built_in_names_are_taken(library, tmp_path):
    with pytest.raises(Conflict, match="built-in"):
        put(library, "digits", "alice")
    with pytest.raises(Conflict, match="cannot be deleted"):
        library.datasets.delete("digits", owner="alice")


def test_looking_at_a_built_in_dataset_does_not_make_it(library, monkeypatch):
    """The fuzzing found it: reading about mnist fetched it, and held a thread meanwhile."""

    def never(*_, **__):
        raise AssertionError("a GET makes nothing")

    monkeypatch.setattr(library.files, "ingest_builtin", never)
    view = library.datasets.get("mnist", owner="alice")
    assert (view.builtin, view.digest) == (True, None)
    with pytest.raises(NotFound, match="unknown dataset 'mnis'; known are digits"):
        library.datasets.get("mnis", owner="alice")


def test_many_first_uses_at_once_make_a_built_in_dataset_once(library, monkeypatch):
    ingest, made = library.files.ingest_builtin, []

    def counted(name, **options):
        made.append(name)
        return ingest(name, **options)

    monkeypatch.setattr(library.files, "ingest_builtin", counted)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: library.datasets.find("iris", owner="alice"), range(8)))
    assert made == ["iris"]
    assert len({info.digest for info in found}) == 1


def test_nobody_waits_for_one_who_waits_for_the_internet(library, monkeypatch):
    entered, leave = threading.Event(), threading.Event()

    def distant(name, **_):
        entered.set()
        assert leave.wait(30)
        raise Unavailable("OpenML does not answer")

    monkeypatch.setattr(library.files, "ingest_builtin", distant)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(library.datasets.find, "mnist", owner="alice")
        assert entered.wait(30)
        with pytest.raises(TooMany, match="being fetched"):
            library.datasets.find("fashion-mnist", owner="bob")
        leave.set()
        with pytest.raises(NotFound, match="OpenML"):
            first.result(30)
