"""Datasets over HTTP: uploaded, listed, trained on, removed."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

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


def test_a_dataset_shows_what_was_understood(client: httpx.Client) -> None:
    made = put(client, "shown", CSV, "text/csv", label="kind").json()
    assert (made["label"], made["feature_names"]) == ("kind", ["width", "height"])
    assert (made["class_counts"], made["majority_share"]) == ([20, 20], 0.5)
    (note,) = made["notes"]
    assert (note["code"], note["severity"]) == ("counter_column", "warning")
    assert client.get(f"{DATASETS}/shown").json()["notes"] == [note]


def test_a_first_line_that_may_be_an_example_is_asked_about(client: httpx.Client) -> None:
    body = b"5.1,3.5,setosa\n4.9,3.0,setosa\n" * 10 + b"7.0,3.2,other\n6.4,3.1,other\n" * 10
    refused = put(client, "flowers", body, "text/csv")
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert error["path"] == "header"
    assert client.get(f"{DATASETS}/flowers").status_code == 404
    made = put(client, "flowers", body, "text/csv", header="false").json()
    assert made["n_train"] + made["n_test"] == 40
    assert put(client, "flowers", body, "text/csv", header="maybe").status_code in (400, 422)
    kind = "application/octet-stream"
    for query in ({"header": "true"}, {"label": "x"}):
        assert put(client, "flowers", npz(), kind, **query).status_code == 400


WORDS = "id,sex,age,day,species\n" + "".join(
    f"p{n},{['m', 'f', ''][n % 3]},{'NA' if n == 4 else n % 9},2024-01-{n % 28 + 1:02},"
    f"{['', 'Gentoo', 'Adelie'][0 if n == 7 else 1 + n % 2]}\n"
    for n in range(60)
)


def test_a_table_of_words_gaps_and_dates_shows_what_was_understood(client: httpx.Client) -> None:
    query = {"label": "species", "kind": "age:number", "missing": "gone,unknown", "dry_run": "true"}
    address, headers, body = f"{DATASETS}/mixed", {"Content-Type": "text/csv"}, WORDS.encode()
    dry = client.put(address, content=body, params=query, headers=headers)
    assert dry.status_code == 200, dry.text
    assert client.get(address).status_code == 404
    query["dry_run"] = "false"
    made = client.put(address, content=body, params=query, headers=headers)
    assert made.status_code == 201, made.text
    shown = made.json()
    assert shown == dry.json() == client.get(f"{DATASETS}/mixed").json()
    columns = {one["name"]: one for one in shown["columns"]}
    assert [*columns][:3] == ["sex", "age", "day: days"]
    sex = columns["sex"]
    assert (sex["kind"], sex["levels"], sex["n_levels"], sex["missing"]) == (
        "category", ["f", "m"], 2, 20,
    )  # fmt: skip
    assert columns["age"]["missing"] == 1
    assert (columns["day: days"]["source"], columns["day: days"]["part"]) == ("day", "days")
    assert shown["left_out"] == [
        {"name": "id", "kind": "id", "reason": "59 different words in 59 rows: nearly all differ"}
    ]
    assert (shown["task"], shown["label"], shown["target"]) == ("classification", "species", None)
    assert shown["class_counts"] == [29, 30]
    notes = {note["code"]: note["numbers"] for note in shown["notes"]}
    assert notes["rows_without_label"] == {"label": "species", "rows": 1, "of": 60}
    rows = client.get(f"{DATASETS}/mixed/test-rows").json()["rows"]
    assert 7 not in rows
    assert len(rows) == shown["n_test"]


def test_a_number_to_predict_is_said_by_its_spread(client: httpx.Client) -> None:
    body = ("a,price\n" + "".join(f"{n % 9},{n * 1.5}\n" for n in range(41))).encode()
    refused = put(client, "prices", body, "text/csv")
    assert refused.status_code == 422
    assert "task=regression" in refused.json()["detail"]
    shown = put(client, "prices", body, "text/csv", task="regression").json()
    assert shown["task"] == "regression"
    assert shown["target"] == {  # of the 32 rows that train
        "min": 0.0, "max": 58.5, "mean": pytest.approx(29.4375), "sd": pytest.approx(17.78682),
    }  # fmt: skip
    assert shown["columns"] == [
        {"name": "a", "kind": "number", "levels": None, "n_levels": None, "missing": 0,
         "source": None, "part": None, "unit": None}
    ]  # fmt: skip


def test_lists_are_lines_of_csv_and_may_be_repeated(client: httpx.Client) -> None:
    body = (
        '"a, b",c,d,y\n' + "".join(f"{n},{n % 5},{n % 3},{'pq'[n % 2]}\n" for n in range(30))
    ).encode()
    address, headers = f"{DATASETS}/lists", {"Content-Type": "application/octet-stream"}
    query = [("drop", '"a, b"'), ("drop", "d"), ("filename", "lists.txt")]
    made = client.put(address, content=body, params=query, headers=headers)
    assert made.status_code == 201, made.text
    assert made.json()["feature_names"] == ["c"]
    for wrong, status in (
        ([("drop", "z")], 422), ([("kind", "c")], 400), ([("label", "y"), ("label", "c")], 400),
        ([("drop", '"a')], 400), ([("header", "maybe")], 400), ([("delimiter", "tabs")], 400),
        ([("rare", "1")], 422), ([("encoding", "klingon")], 400),
    ):  # fmt: skip
        answer = client.put(address, content=body, params=wrong, headers=headers)
        assert answer.status_code in (status, 400), (wrong, answer.text)
    drop = client.put(address, content=body, params=[("drop", "z")], headers=headers).json()
    assert drop["errors"][0]["path"] == "drop"
    assert "there are a, b, c, d, y" in drop["errors"][0]["message"]


def test_rare_classes_are_listed_and_left_out_by_a_parameter(client: httpx.Client) -> None:
    classes = ["a"] * 20 + ["b"] * 20 + ["c", "d", "d"]
    body = ("n,y\n" + "".join(f"{n * 7 % 11},{word}\n" for n, word in enumerate(classes))).encode()
    refused = put(client, "rare", body, "text/csv")
    assert refused.status_code == 422
    assert len(refused.json()["errors"]) == 2
    assert "rare=3" in refused.json()["detail"]
    made = put(client, "rare", body, "text/csv", rare="3").json()
    assert made["classes"] == ["a", "b"]
    note = next(note for note in made["notes"] if note["code"] == "rare_classes_left_out")
    assert "c (1), d (2)" in note["message"]


def test_flat_images_are_said_to_be_such(client: httpx.Client) -> None:
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (60, 16), dtype=np.uint8)
    np.savez(file, x=pixels, y=np.arange(60) % 3)
    kind = "application/octet-stream"
    assert put(client, "bytes", file.getvalue(), kind).json()["kind"] == "tabular"
    assert put(client, "bytes", file.getvalue(), kind, **{"as": "image"}).json()["kind"] == "image"


def test_the_rows_that_were_sealed_are_numbers(client: httpx.Client) -> None:
    made = put(client, "sealed", CSV, "text/csv", label="kind").json()
    answer = client.get(f"{DATASETS}/sealed/test-rows").json()
    assert (answer["digest"], answer["examples"]) == (made["digest"], 40)
    assert len(answer["rows"]) == made["n_test"]
    assert answer["rows"] == sorted({*answer["rows"]})
    assert client.get(f"{DATASETS}/nothing/test-rows").status_code == 404


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
