"""Quotas and idempotency keys when many ask at once, on both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.bench import SPEC
from support.parsing import without_children

from hpsearch.errors import Conflict, TooMany
from hpsearch.wiring import build


def at_once(count, work):
    """What `count` threads that start together get: values and errors."""
    barrier = threading.Barrier(count)

    def one(i):
        barrier.wait(30)
        try:
            return work(i)
        except (Conflict, TooMany) as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@pytest.fixture
def limited(configured, database_url, tmp_path):
    """Services of which an owner may have little."""
    settings = configured(
        database_url=database_url,
        data_url=str(tmp_path / "data"),
        max_active_searches=3,
        max_datasets=2,
        max_dataset_bytes=2_000,
    )
    with build(settings) as services:
        yield without_children(services)


def test_a_hundred_submissions_with_one_key_are_one_search(services):
    services.datasets.find(SPEC["dataset"], owner="me")

    def submit(_):
        return services.searches.submit(SPEC, owner="me", idempotency_key="once")

    answers = at_once(100, submit)
    assert sum(new for _, new in answers) == 1
    assert len({status.id for status, _ in answers}) == 1
    assert len(services.searches.list(owner="me").items) == 1
    with pytest.raises(Conflict, match="another spec"):
        services.searches.submit({**SPEC, "seed": 7}, owner="me", idempotency_key="once")


def test_the_quota_of_searches_holds_when_all_ask_at_once(limited):
    limited.datasets.find(SPEC["dataset"], owner="me")
    answers = at_once(12, lambda i: limited.searches.submit({**SPEC, "seed": i}, owner="me"))
    refused = [answer for answer in answers if isinstance(answer, TooMany)]
    assert len(refused) == 9
    assert "the limit is 3; wait or cancel" in str(refused[0])
    assert len(limited.searches.list(owner="me").items) == 3
    limited.searches.submit(SPEC, owner="somebody else")


def put(services, name, rows=40, owner="me"):
    path = services.settings.home / f"{name}.csv"
    path.write_text("a,b\n" + "".join(f"{i},{'xy'[i % 2]}\n" for i in range(rows)))
    return services.datasets.put(name, path, content_type="text/csv", owner=owner)


def test_the_quota_of_datasets_counts_names_and_bytes(limited):
    first = put(limited, "one")
    with pytest.raises(TooMany, match="the limit is 2,000; delete one first"):
        put(limited, "large", rows=400)
    # What was refused is not kept, and what another owner has is not counted.
    stored = [p.name for p in (limited.settings.home.parent / "data").glob("[0-9a-f]*")]
    assert not stored or stored == [first.digest]
    put(limited, "theirs", rows=44, owner="somebody else")
    limited.datasets.delete("one", owner="me")
    put(limited, "one", rows=20)
    put(limited, "one", rows=22)  # other content under a name of one's own takes its place
    put(limited, "two", rows=20)
    with pytest.raises(TooMany, match="you have 2 datasets, the limit is 2"):
        put(limited, "three", rows=20)
