"""Bad input: a 4xx problem that says what to do, nothing stored, the service still up."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest

SEARCHES = "/api/v1/searches"
DATASETS = "/api/v1/datasets"
JSON = {"Content-Type": "application/json"}
NPZ = {"Content-Type": "application/octet-stream"}
CSV = {"Content-Type": "text/csv"}
MIB = 1 << 20


@pytest.fixture
def refused(client: httpx.Client) -> Iterator[Any]:
    """refused(response, status, *words): checks a refusal; in the end, that nothing is stored."""

    def check(response: httpx.Response, status: int, *words: str) -> dict[str, Any]:
        assert response.status_code == status, response.text
        assert response.headers["Content-Type"] == "application/problem+json"
        problem = response.json()
        assert set(problem) <= {"type", "title", "status", "detail", "errors", "line"}
        for word in words:
            assert word in response.text, response.text
        return dict(problem)

    yield check
    assert client.get(SEARCHES).json()["items"] == []
    own = [d for d in client.get(DATASETS).json()["items"] if not d["builtin"]]
    assert own == []
    assert client.get("/healthz").json() == {"status": "ok"}


def changed(spec: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """`spec` with one field set: changed(spec, "space.learning_rate.low", 2)."""
    result = json.loads(json.dumps(spec))
    *parents, last = path.split(".")
    inner = result
    for name in parents:
        inner = inner.setdefault(name, {})
    inner[last] = value
    return dict(result)


@pytest.mark.parametrize(
    ("path", "value", "where", "word"),
    [
        ("colour", "red", "colour", "unknown field"),
        ("model.colour", "red", "model.colour", "unknown field"),
        ("space.learning_rate.low", 2.0, "space.learning_rate", "low must be below high"),
        ("space.learning_rate.low", 1.0, "space.learning_rate", "low must be below high"),
        ("space.learning_rate.low", 0.0, "space.learning_rate", "zero"),
        ("space.learning_rate.low", -1.0, "space.learning_rate", "zero"),
        ("space.learning_rate", {"choices": []}, "space.learning_rate", "at least"),
        ("space", {}, "space", "at least"),
        ("rounds", 0, "rounds", "greater than or equal to 1"),
        ("trials_per_round", 0, "trials_per_round", "greater than or equal to 1"),
        ("rounds", 51, "rounds", "cap"),
        ("trials_per_round", 10_001, "trials_per_round", "cap"),
        ("epochs", {"first": 1, "last": 100_000}, "epochs.last", "1000"),
        ("dataset", "nothing-of-the-kind", "dataset", "unknown dataset"),
        ("dataset", "../../etc/passwd", "dataset", "unknown dataset"),
        ("dataset", 7, "dataset", "dataset"),
        ("model", {"learning_rate": 0.1}, "model.learning_rate", "searched"),
        ("model", {"hidden_sizes": [4096] * 10}, "model.hidden_sizes", "parameters"),
        ("baseline", {"colour": 1}, "baseline.colour", "unknown hyperparameter"),
        ("baseline", {"learning_rate": -1.0}, "baseline.learning_rate", "above 0"),
        ("try_first", [{"colour": 1}], "try_first[0].colour", "unknown hyperparameter"),
        ("seed", -1, "seed", "greater than or equal to 0"),
        ("name", 7, "name", "string"),
    ],
)
def test_a_mistake_in_a_spec_is_named_with_its_path(
    client: httpx.Client, spec: dict[str, Any], refused: Any,
    path: str, value: Any, where: str, word: str,
) -> None:  # fmt: skip
    problem = refused(client.post(SEARCHES, json=changed(spec, path, value)), 422, word)
    assert problem["type"] == "/problems/invalid-spec"
    assert any(mistake["path"].startswith(where) for mistake in problem["errors"])


def test_all_mistakes_are_reported_at_once(
    client: httpx.Client, spec: dict[str, Any], refused: Any
) -> None:
    bad = changed(changed(changed(spec, "rounds", 0), "colour", 1), "dataset", "none")
    problem = refused(client.post(SEARCHES, json=bad), 422)
    assert {m["path"] for m in problem["errors"]} >= {"rounds", "colour", "dataset"}


@pytest.mark.parametrize("value", [[], "text", 1, None, True])
def test_a_spec_is_an_object(client: httpx.Client, refused: Any, value: Any) -> None:
    refused(client.post(SEARCHES, content=json.dumps(value), headers=JSON), 422, "object")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "empty"),
        (b"   ", "empty"),
        (b"{", "not JSON"),
        (b"{}{}", "not JSON"),
        (b"[" * 100_000, "nested"),
        (b'{"a":' * 50_000, "nested"),
        (b'{"seed": NaN}', "NaN"),
        (b'{"seed": Infinity}', "Infinity"),
        (b'{"seed": -Infinity}', "Infinity"),
        (b'{"seed": 1e999}', "1e999"),
        (b'{"seed": ' + b"9" * 5000 + b"}", "2**53"),
        (b'{"seed": 9007199254740993}', "2**53"),
        (b'{"name": "a\\u0000b"}', "NUL"),
        (b'{"name": "\\ud800"}', "surrogate"),
        (b'{"a\\u0000": 1}', "NUL"),
        (b'{"name": "a", "name": "b"}', "twice"),
        (b'{"name": "\xff"}', "UTF-8"),
        ('{"name": "x"}'.encode("utf-16"), "UTF-8"),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", "not JSON"),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else value,
)
def test_malformed_json_is_refused(
    client: httpx.Client, refused: Any, body: bytes, word: str
) -> None:
    refused(client.post(SEARCHES, content=body, headers=JSON), 400, word)


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", None],
)
def test_another_content_type_is_refused(
    client: httpx.Client, spec: dict[str, Any], refused: Any, kind: str | None
) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    answer = client.post(SEARCHES, content=json.dumps(spec), headers=headers)
    refused(answer, 415, "application/json")


def test_a_compressed_body_is_refused(client: httpx.Client, refused: Any) -> None:
    headers = {**JSON, "Content-Encoding": "gzip"}
    refused(client.post(SEARCHES, content=b"x", headers=headers), 415, "gzip")


def test_10_mb_of_json_are_refused(client: httpx.Client, refused: Any) -> None:
    body = b'{"name": "' + b"x" * 10_000_000 + b'"}'
    refused(client.post(SEARCHES, content=body, headers=JSON), 413, "1,000,000")
    # Without a length the bytes are counted as they come.
    pieces = (body[i : i + 65_536] for i in range(0, len(body), 65_536))
    refused(client.post(SEARCHES, content=pieces, headers=JSON), 413, "1,000,000")


def test_bodies_of_routes_that_read_none_are_limited_too(
    client: httpx.Client, refused: Any
) -> None:
    refused(client.post(f"{SEARCHES}/x/pause", content=b"x" * 2_000_000), 413)


@pytest.mark.parametrize(
    ("path", "word"),
    [
        (f"{SEARCHES}?state=sleeping", "state"),
        (f"{SEARCHES}?state=", "state"),
        (f"{SEARCHES}?limit=0", "limit"),
        (f"{SEARCHES}?limit=1001", "limit"),
        (f"{SEARCHES}?limit=many", "limit"),
        (f"{SEARCHES}?cursor=made-up", "cursor"),
        (f"{SEARCHES}?cursor=%00", "cursor"),
        (f"{SEARCHES}?cursor={'x' * 600}", "cursor"),
        (f"{SEARCHES}?colour=red", "colour"),
        (f"{SEARCHES}?limit=1&limit=2", "limit"),
        (f"{SEARCHES}/x?wait=-1", "wait"),
        (f"{SEARCHES}/x?wait=nan", "wait"),
        (f"{SEARCHES}/x?wait=inf", "wait"),
        (f"{SEARCHES}/x/rounds?wait=1", "wait"),
        (f"{SEARCHES}/x/trials?sort=loss", "sort"),
        (f"{SEARCHES}/x/trials?round=-1", "round"),
        (f"{SEARCHES}/x/trials?round=99999999999999999999", "round"),
        (f"{DATASETS}/.hidden", "name"),
        (f"{DATASETS}/a%00b", "name"),
        (f"{DATASETS}/{'x' * 65}", "name"),
    ],
)
def test_a_parameter_that_cannot_be_is_named(
    client: httpx.Client, refused: Any, path: str, word: str
) -> None:
    refused(client.get(path), 400, word)


@pytest.mark.parametrize(
    "name", ["x", "%00", "a%2Fb", "..%2F..", "%F0%9F%98%80", "x" * 65, "%ff", "a%20b"]
)
def test_an_id_that_no_search_has_is_not_found(
    client: httpx.Client, refused: Any, name: str
) -> None:
    refused(client.get(f"{SEARCHES}/{name}"), 404)


@pytest.mark.parametrize("key", ["", "x" * 201, "a b", "ü"])
def test_an_idempotency_key_is_visible_ascii(
    client: httpx.Client, spec: dict[str, Any], refused: Any, key: str
) -> None:
    headers = {b"Idempotency-Key": key.encode()}
    refused(client.post(SEARCHES, json=spec, headers=headers), 400, "Idempotency-Key")


def packed(x: bytes, zeros: int = 0) -> bytes:
    """An upload whose x is followed by so many zeros."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("x.npy", "w") as member:
            member.write(x)
            for _ in range(zeros // MIB):
                member.write(bytes(MIB))
        archive.writestr("y.npy", LABELS)
    return file.getvalue()


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def npy(descr: str, shape: tuple[int, ...], data: bytes) -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


X = np.arange(80, dtype=np.float32).reshape(40, 2)
Y = np.arange(40) % 2
GOOD = npz(x=X, y=Y)
LABELS = npy("<i8", (40,), Y.astype("<i8").tobytes())
ROWS = "".join(f"{i},{i % 7},{'ab'[i % 2]}\n" for i in range(40))


# Made when they are sent: some take a second.
BAD: dict[str, tuple[Callable[[], bytes], dict[str, str], str]] = {
    "NaN": (lambda: npz(x=np.where(X == 7, np.nan, X), y=Y), NPZ, "column"),
    "labels that are no classes": (lambda: npz(x=X, y=Y + 0.5), NPZ, "class"),
    "a class with one example": (
        lambda: npz(x=X, y=np.where(np.arange(40) == 0, 5, 0)), NPZ, "class"
    ),
    "too few labels": (lambda: npz(x=X, y=Y[:39]), NPZ, "40"),
    "no labels": (lambda: npz(x=X), NPZ, "y"),
    "truncated": (lambda: GOOD[: len(GOOD) // 2], NPZ, ""),
    "no zip": (lambda: b"not a zip file at all", NPZ, ""),
    "pickled x": (lambda: npz(x=X.astype(object), y=Y), NPZ, ""),
    "pickled y": (lambda: npz(x=X, y=Y.astype(object)), NPZ, ""),
    "shape that lies": (lambda: packed(npy("<f4", (40, 10**9), b"")), NPZ, ""),
    "zeros in a zip": (lambda: packed(b"", 300 * MIB), NPZ, ""),
    "zip bomb": (lambda: packed(npy("<f4", (10_000, 20_000), b""), 763 * MIB), NPZ, ""),
    "no label in CSV": (lambda: b"width,height,kind\n" + b"1,2,\n" * 40, CSV, "kind"),
    "infinity in CSV": (f"width,height,kind\n1,inf,a\n{ROWS}".encode, CSV, "height"),
    "a word for a number": (
        f"width,height,kind\n1,red,a\n{ROWS}".encode, CSV, "height"
    ),
    "a class with one example in CSV": (
        f"width,height,kind\n1,2,lonely\n{ROWS}".encode, CSV, "lonely"
    ),
    "no rows": (lambda: b"width,height,kind\n", CSV, ""),
    "no text": (lambda: b"\xff\xfe\x00", CSV, ""),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_data_that_cannot_be_trained_on_is_refused(
    client: httpx.Client, refused: Any, what: str
) -> None:
    body, headers, word = BAD[what]
    answer = client.put(f"{DATASETS}/bad", content=body(), headers=headers)
    assert answer.status_code in (413, 422), answer.text
    refused(answer, answer.status_code, word)


def test_an_upload_says_what_it_is(client: httpx.Client, refused: Any) -> None:
    for kind in ("application/pdf", "application/x-www-form-urlencoded", None):
        headers = {} if kind is None else {"Content-Type": kind}
        answer = client.put(f"{DATASETS}/bad", content=GOOD, headers=headers)
        refused(answer, 415, "application/octet-stream", "text/csv")


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "word"),
    [
        ("bad", b"", NPZ, 400, "empty"),
        ("bad?label=kind", GOOD, NPZ, 400, "label"),
        ("bad?label=none", f"width,height,kind\n{ROWS}".encode(), CSV, 422, "none"),
        ("bad?label=a%00b", f"width,height,kind\n{ROWS}".encode(), CSV, 400, "label"),
        ("BAD", GOOD, NPZ, 400, "a-z"),
        ("..%5C..%5Cbad", GOOD, NPZ, 400, "name"),
        ("iris", GOOD, NPZ, 409, "built-in"),
    ],
)
def test_an_upload_has_a_body_and_sensible_parameters(
    client: httpx.Client, refused: Any,
    path: str, body: bytes, headers: dict[str, str], status: int, word: str,
) -> None:  # fmt: skip
    refused(client.put(f"{DATASETS}/{path}", content=body, headers=headers), status, word)
