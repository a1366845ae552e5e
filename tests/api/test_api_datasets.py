"""Datasets over HTTP: uploaded, listed, trained on, removed."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any

import httpx
import numpy as np

DATASETS = "/api/v1/datasets"
ROWS = "".join(f"{'ab'[i % 2]},{i},{i % 7}\n" for i in range(40))
CSV = f"kind,width,height\n{ROWS}".encode()


def npz(seed: int = 0) -> bytes:
    rng = np.random.default_rng(seed)
    file = io.BytesIO()
    np.savez(file, x=rng.normal(size=(60, 3)).astype(np.float32), y=np.arange(60) % 3)
    return file.getvalue()


def put(client: httpx.Client, name: str, body: bytes, kind: str, **query: str) -> httpx.Response:
    return client.put(
        f"{DATASETS}/{name}", content=body, params=query, headers={"Content-Type": kind}
    )


def test_an_npz_file_is_stored_listed_and_removed(client: httpx.Client) -> None:
    made = put(client, "mine.v1", npz(), "application/octet-stream")

    assert made.status_code == 201, made.text
    assert made.headers["Location"] == f"{DATASETS}/mine.v1"
    dataset = made.json()
    assert (dataset["features"], len(dataset["classes"])) == (3, 3)
    assert dataset["n_train"] + dataset["n_test"] == 60
    assert client.get(made.headers["Location"]).json() == dataset
    assert "mine.v1" in [d["name"] for d in client.get(DATASETS).json()["items"]]
    assert client.delete(f"{DATASETS}/mine.v1").status_code == 204
    assert client.get(f"{DATASETS}/mine.v1").status_code == 404
    assert client.delete(f"{DATASETS}/mine.v1").status_code == 404


def test_a_csv_file_says_which_column_holds_the_class(client: httpx.Client) -> None:
    made = put(client, "table", CSV, "text/csv; charset=utf-8", label="kind")
    assert made.status_code == 201, made.text
    assert made.json()["classes"] == ["a", "b"]
    assert made.json()["features"] == 2


def test_an_upload_without_a_length_is_counted_as_it_comes(client: httpx.Client) -> None:
    body = npz()
    pieces = (body[i : i + 100] for i in range(0, len(body), 100))
    made = client.put(
        f"{DATASETS}/streamed",
        content=pieces,
        headers={"Content-Type": "application/octet-stream"},
    )
    assert made.status_code == 201, made.text


def test_other_content_gets_another_digest(client: httpx.Client) -> None:
    kind = "application/octet-stream"
    first, again, other = (put(client, "data", npz(s), kind).json() for s in (0, 0, 1))
    assert first["digest"] == again["digest"] != other["digest"]


def test_datasets_belong_to_their_owner(clients: Any) -> None:
    mine, other = clients(), clients()
    put(mine, "private", npz(), "application/octet-stream")
    assert other.get(f"{DATASETS}/private").status_code == 404
    assert other.delete(f"{DATASETS}/private").status_code == 404
    assert "private" not in other.get(DATASETS).text
    assert mine.get(f"{DATASETS}/private").status_code == 200


def test_a_dataset_in_use_stays(client: httpx.Client, spec: dict[str, Any]) -> None:
    put(client, "used", npz(7), "application/octet-stream")
    search = client.post("/api/v1/searches", json={**spec, "dataset": "used"})
    assert search.status_code == 201, search.text
    assert client.delete(f"{DATASETS}/used").status_code == 409
    client.post(f"{search.headers['Location']}/cancel")
    assert client.delete(f"{DATASETS}/used").status_code == 204


def test_built_in_datasets_are_there_and_stay(client: httpx.Client) -> None:
    assert client.get(f"{DATASETS}/iris").json()["builtin"] is True
    assert client.delete(f"{DATASETS}/iris").status_code == 409


def test_the_list_is_paged(client: httpx.Client) -> None:
    for name in ("page-a", "page-b", "page-c"):
        put(client, name, npz(), "application/octet-stream")
    names, cursor = [], None
    while True:
        query = {"limit": 1} | ({} if cursor is None else {"cursor": cursor})
        page = client.get(DATASETS, params=query).json()
        names += [d["name"] for d in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert names == sorted(names)
    assert {"page-a", "page-b", "page-c"} <= set(names)


def test_an_upload_beyond_the_cap_leaves_nothing_behind(
    start: Any, home: Path, clients: Any
) -> None:
    small = start(home, HPSEARCH_MAX_UPLOAD_BYTES="100000")
    sender = clients()
    body = b"x" * 1_000_000
    for content in (body, iter([body[:500_000], body[500_000:]])):
        answer = httpx.put(
            f"{small.url}{DATASETS}/big",
            content=content,
            headers={**sender.headers, "Content-Type": "text/csv"},
        )
        assert answer.status_code == 413, answer.text
        assert "100,000" in answer.json()["detail"]
    assert list((home / "uploads").iterdir()) == []
    assert sender.get(f"{DATASETS}/big").status_code == 404


def test_a_third_upload_at_the_same_time_is_asked_to_come_back(
    clients: Any, home: Path, eventually: Any
) -> None:
    """Two that never end hold both places; a third is told when to try again."""
    sender = clients()
    end = threading.Event()

    def slowly() -> Any:
        yield CSV[:10]
        end.wait(60)
        yield CSV[10:]

    def send(name: str) -> None:
        sender.put(f"{DATASETS}/{name}", content=slowly(), headers={"Content-Type": "text/csv"})

    threads = [threading.Thread(target=send, args=(f"slow-{i}",)) for i in range(2)]
    for thread in threads:
        thread.start()
    try:
        eventually(lambda: len(list((home / "uploads").iterdir())) == 2)
        answer = put(sender, "third", CSV, "text/csv", label="kind")
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0
    finally:
        end.set()
        for thread in threads:
            thread.join()
    assert put(sender, "third", CSV, "text/csv", label="kind").status_code == 201
