"""A dataset format that a test registers, over HTTP: document, page, upload and refusals."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from support.toy_format import TOY, content

from api.app import create_app
from hpsearch.data import FORMATS
from hpsearch.settings import Settings
from hpsearch.wiring import build

TESTS = Path(__file__).resolve().parents[1]
URL, UPLOAD = "http://localhost", "/api/v1/datasets/rows"


@pytest.fixture
def client(
    configured: Callable[..., Settings], sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[httpx.Client]:
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    settings = configured(database_url=sqlite_url)
    with build(settings) as services, FORMATS.registered("toy", TOY):
        _, token = services.keys.create(name="toy", owner="toy", scopes=["submit", "read"])
        transport = httpx.WSGITransport(app=create_app(services, settings))
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(transport=transport, base_url=URL, headers=headers) as client:
            yield client


def test_the_document_and_the_page_name_it(client: httpx.Client) -> None:
    operation = client.get("/openapi.json").json()["paths"]["/api/v1/datasets/{name}"]["put"]
    assert [*operation["requestBody"]["content"]] == [one.media_type for one in FORMATS.values()]
    schema = operation["requestBody"]["content"][TOY.media_type]["schema"]
    assert schema == {"type": "string", "description": TOY.description}
    page = client.get("/new").text
    assert f"<code>{TOY.suffix}</code>" in page
    assert TOY.description in page


def test_it_is_taken_as_an_upload(client: httpx.Client) -> None:
    headers = {"Content-Type": TOY.media_type}
    made = client.put(UPLOAD, content=content(), headers=headers)
    assert made.status_code == 201, made.text
    assert (made.json()["classes"], made.json()["n_train"]) == ([], 16)
    refused = client.put(UPLOAD, content=content(), headers=headers, params={"label": "first"})
    detail = refused.json()["detail"]
    assert detail.startswith("parameter label belongs to text/csv, text/tab-separated-values")
    assert detail.endswith("; a semicolon file has its targets first")


def test_what_is_no_dataset_is_told_the_media_types(client: httpx.Client) -> None:
    refused = client.put(UPLOAD, content=b"x", headers={"Content-Type": "image/png"})
    assert refused.status_code == 415
    detail = json.loads(refused.text)["detail"]
    assert detail.startswith(
        "expected Content-Type: application/octet-stream for an .npz file or text/csv for a CSV file"
    )
    assert detail.endswith("or text/x-semicolons for a semicolon file, got 'image/png'")
