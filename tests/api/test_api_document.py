"""The OpenAPI document says what there is, and the pages work without a network."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api import create_app
from hpsearch.data import FORMATS
from hpsearch.service import Services
from hpsearch.settings import Settings

STANDARD = {"400", "500", "503"}


@pytest.fixture
def document(client: httpx.Client) -> dict[str, Any]:
    return dict(client.get("/openapi.json").json())


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_route_is_described_and_nothing_else(
    document: dict[str, Any], services: Services, settings: Settings
) -> None:
    app = create_app(services, settings)
    routes = {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD"}
    }
    assert {(path, method) for path, method, _ in operations(document)} == routes


def test_the_document_is_whole(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == "hpsearch"
    schemas = document["components"]["schemas"]
    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas, reference
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(ids)) == len(ids)


def test_every_operation_has_summary_parameters_problems_and_security(
    document: dict[str, Any],
) -> None:
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for path, method, operation in operations(document):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert "<br" not in operation.get("description", ""), where
        named = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path)), where
        answers = operation["responses"]
        assert set(answers) >= STANDARD, where
        for status, answer in answers.items():
            assert answer["description"], where
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"], (where, status)
        assert any(int(status) < 400 for status in answers), where
        if operation["x-scope"] == "public":
            assert "security" not in operation
        else:
            assert operation["security"] == [{"bearer": []}], where
            assert {"401", "403", "429"} <= set(answers), where


def test_the_spec_is_described_in_full(document: dict[str, Any]) -> None:
    submit = document["paths"]["/api/v1/searches"]["post"]
    schema = submit["requestBody"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/SearchSpec"}
    spec = document["components"]["schemas"]["SearchSpec"]
    assert spec["required"] == ["space"]
    assert spec["additionalProperties"] is False
    assert spec["properties"]["seed"]["exclusiveMaximum"] == 2**53
    assert {"ModelSpec", "Range", "Choices"} <= set(document["components"]["schemas"])
    headers = {p["name"] for p in submit["parameters"] if p["in"] == "header"}
    assert headers == {"Idempotency-Key"}
    upload = document["paths"]["/api/v1/datasets/{name}"]["put"]["requestBody"]["content"]
    assert set(upload) == {one.media_type for one in FORMATS.values()}
    assert {"application/octet-stream", "text/csv", "application/zip"} < set(upload)
    trials = document["paths"]["/api/v1/searches/{id}/trials"]["get"]["responses"]["200"]
    assert set(trials["content"]) == {"application/json", "text/csv"}


def test_an_edit_is_described_with_both_its_answers(document: dict[str, Any]) -> None:
    patch = document["paths"]["/api/v1/searches/{id}"]["patch"]
    schema = patch["requestBody"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/SearchEdit"}
    edit = document["components"]["schemas"]["SearchEdit"]
    assert set(edit["properties"]) == {
        "space", "rounds", "trials_per_round", "epochs", "budget", "baseline", "try_first", "tags",
        "note", "require", "forbid", "cheapest",
    }  # fmt: skip
    assert "required" not in edit
    assert '"default"' not in json.dumps(edit)
    answers = patch["responses"]["200"]["content"]["application/json"]["schema"]["oneOf"]
    assert [a["$ref"].rpartition("/")[2] for a in answers] == ["StatusView", "NextRoundView"]
    assert {p["name"] for p in patch["parameters"]} == {"id", "If-Match", "dry_run"}
    assert {"404", "409", "412", "413", "415", "422"} <= set(patch["responses"])
    health = document["paths"]["/api/v1/searches/{id}/health"]["get"]["responses"]["200"]
    reference = health["content"]["application/json"]["schema"]["$ref"]
    assert reference.endswith("/HealthView")
    assert "HealthNote" in document["components"]["schemas"]


def test_answers_have_the_fields_that_are_described(
    document: dict[str, Any], client: httpx.Client, spec: dict[str, Any]
) -> None:
    schemas = document["components"]["schemas"]
    status = client.post("/api/v1/searches", json=spec).json()
    problem = client.get("/api/v1/searches/none").json()
    here = f"/api/v1/searches/{status['id']}"
    plan = client.patch(here, json={}, params={"dry_run": True}).json()
    report = client.get(f"{here}/health").json()
    spec = client.get(f"{here}/spec").json()
    for value, name in [
        (status, "SubmittedView"), (problem, "Problem"), (plan, "NextRoundView"),
        (report, "HealthView"), (report["notes"][0], "HealthNote"), (spec, "SearchSpec"),
    ]:  # fmt: skip
        assert set(value) <= set(schemas[name]["properties"])
        assert set(value) >= set(schemas[name].get("required", ()))


@pytest.mark.parametrize("page", ["/", "/new", "/searches/any", "/docs"])
def test_pages_load_nothing_from_elsewhere_and_hold_no_code(
    client: httpx.Client, page: str
) -> None:
    answer = client.get(page)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=", answer.text)
    loaded = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="([^"]+)"', answer.text)
    assert loaded
    for address in loaded:
        asset = client.get(address)
        assert asset.status_code == 200, address
        again = client.get(address, headers={"If-None-Match": asset.headers["ETag"]})
        assert again.status_code == 304
        kind = {"css": "text/css", "svg": "image/svg+xml"}.get(address[-3:], "text/javascript")
        assert asset.headers["Content-Type"].startswith(kind)
    for link in re.findall(r'<a href="(/[^"]*)"', answer.text):
        assert client.get(link).status_code == 200


def test_the_first_page_names_the_address_that_was_asked(client: httpx.Client) -> None:
    assert str(client.base_url.join("/api/v1/searches")) in client.get("/").text
    assert "{{" not in client.get("/").text


def test_the_script_of_figures_is_named_by_its_content_and_kept(client: httpx.Client) -> None:
    page = client.get("/searches/any").text
    found = re.search(r'data-plotly="(/assets/plotly-(\w+)\.min\.js)"', page)
    assert found is not None
    script = client.get(found[1])
    assert hashlib.sha256(script.content).hexdigest().startswith(found[2])
    assert script.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert client.get("/assets/plotly.min.js").status_code == 404


def test_only_listed_assets_are_served(client: httpx.Client) -> None:
    for name in ("base.html", "..%2Fapp.py", "%2e%2e%2fapp.py", "x" * 64, "docs.html"):
        assert client.get(f"/assets/{name}").status_code in (400, 404), name


def test_metrics_count_requests_by_route_and_nothing_a_caller_chooses(
    client: httpx.Client,
) -> None:
    client.get("/api/v1/searches/some-id")
    client.request("BREW", "/coffee-pot")
    text = client.get("/metrics").text
    assert 'route="/api/v1/searches/<id>",status="404"' in text
    assert "hpsearch_http_request_seconds_bucket" in text
    assert 'method="other"' in text
    for chosen in ("some-id", "BREW", "coffee"):
        assert chosen not in text


def test_problem_documents_are_utf8_json(client: httpx.Client) -> None:
    answer = client.post("/api/v1/searches", json={"dataset": "漢字", "space": {}})
    assert "漢字" in json.loads(answer.content.decode("utf-8"))["errors"][-1]["message"]
