"""Wrong keys, a service that goes away and comes back, and very many trials."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from playwright.sync_api import expect

from hpsearch.service import Services
from hpsearch.store.tables import round_, trial

SEARCHES = "/api/v1/searches"


def test_a_wrong_key_is_told_and_the_right_one_is_taken(
    visitor: Any, client: httpx.Client, two: dict[str, Any]
) -> None:
    made = client.post(SEARCHES, json=two).json()
    page = visitor.page()
    page.goto(f"/searches/{made['id']}")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("API key")).to_be_focused()
    dialog.get_by_label("API key").fill("hps_wrong")
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog.locator(".trouble")).to_contain_text("key")
    dialog.get_by_label("API key").fill(visitor.token)
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.locator("#name")).to_have_text(made["name"])
    page.reload()
    expect(page.locator("#name")).to_have_text(made["name"])  # the tab knows the key
    page.get_by_role("button", name="Sign out").click()
    expect(dialog.get_by_label("API key")).to_be_visible()


def test_a_link_signs_in_and_leaves_the_address_at_once(visitor: Any) -> None:
    page = visitor.open("/new?example=wine")
    expect(page.locator("#sign-out")).to_be_visible()
    assert page.url == f"{visitor.url}/new?example=wine"
    page.go_back()
    assert "key" not in page.url


def test_a_search_of_somebody_else_is_not_there(visitor: Any, clients: Any, two: Any) -> None:
    made = clients("read", "submit").post(SEARCHES, json=two).json()
    page = visitor.open(f"/searches/{made['id']}")
    expect(page.locator("#name")).to_have_text("No such search")


def test_the_service_goes_away_and_comes_back(
    visitor: Any, client: httpx.Client, two: dict[str, Any], home: Path, port: int, start: Any
) -> None:
    made = client.post(SEARCHES, json=two).json()
    first = start(home, HPSEARCH_PORT=str(port))
    visitor.url = first.url
    page = visitor.open(f"/searches/{made['id']}")
    expect(page.locator("#state")).to_have_text("queued")
    first.stop()
    banner = page.locator("#banner")
    expect(banner).to_contain_text("the service does not answer")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#trouble")).to_contain_text("the service does not answer")
    client.post(f"{SEARCHES}/{made['id']}/pause")
    start(home, HPSEARCH_PORT=str(port))
    expect(banner).to_be_empty()
    expect(page.locator("#state")).to_have_text("paused")


def multiply(services: Services, found: str, copies: int) -> None:
    """Give a search's exploring rounds every trial `copies` more times."""
    names = [column.name for column in trial.c]
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join("t.idx + 1000 * n.n" if name == "idx" else f't."{name}"' for name in names)
    copied = sa.text(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < :copies) "
        f"INSERT INTO trial ({columns}) SELECT {values} FROM n, trial t JOIN round r "
        "ON r.search_id = t.search_id AND r.number = t.round "
        "WHERE t.search_id = :id AND r.kind = 'explore'"
    )
    exploring = (round_.c.search_id == found) & (round_.c.kind == "explore")
    counters = [round_.c[name] for name in ("planned", "completed", "stopped", "diverged")]
    with services.store.engines.write.begin() as connection:
        connection.execute(copied, {"id": found, "copies": copies})
        more = {counter.name: counter * (copies + 1) for counter in counters}
        connection.execute(sa.update(round_).where(exploring).values(more))


def test_a_search_is_taken_along_as_files(
    visitor: Any, finished: str, client: httpx.Client, services: Services
) -> None:
    page = visitor.open(f"/searches/{finished}")
    files = page.locator("#exports")
    files.get_by_role("button", name="Trained model").click()
    expect(files).to_contain_text("keeps no model")
    services.store.write(lambda tx: tx.models.keep(finished, b"weights"))
    page.reload()
    found = {}
    for name in ("Trials", "Result", "Spec", "Report", "Statement", "Trained model"):
        with page.expect_download() as kept:
            files.get_by_role("button", name=name).click()
        found[kept.value.suggested_filename] = Path(kept.value.path()).read_bytes()
    here = f"/api/v1/searches/{finished}"
    trials = client.get(f"{here}/trials", headers={"Accept": "text/csv"}).content
    assert found[f"trials-{finished}.csv"] == trials
    for name in ("result", "spec"):
        assert json.loads(found[f"{name}-{finished}.json"]) == client.get(f"{here}/{name}").json()
    statement = client.get(f"{here}/statement", params={"format": "markdown"}).content
    assert found[f"statement-{finished}.md"] == statement
    report = found[f"report-{finished}.html"].decode()
    assert report.startswith("<!doctype html>")
    assert "two ranges and a choice" in report
    assert found[f"model-{finished}.npz"] == b"weights"


def test_a_hundred_thousand_trials_are_shown_as_a_sample_and_by_the_page(
    visitor: Any, finished: str, services: Services
) -> None:
    multiply(services, finished, 3_124)  # of 32
    page = visitor.open(f"/searches/{finished}")
    expect(page.locator("#progress")).to_contain_text("100,0")
    rows = page.locator("#trials tbody tr")
    expect(rows).to_have_count(20)
    best = rows.first.inner_text()
    page.get_by_role("button", name="Next page").click()
    expect(page.locator("#trials-page")).to_have_text("Page 2")
    expect(rows).to_have_count(20)
    page.get_by_role("button", name="Trial", exact=True).click()
    expect(rows.first.locator("th")).to_have_text("1-0")
    page.get_by_role("button", name="Validation accuracy").click()
    expect(rows.first).to_have_text(best.replace("\t", ""))
    figure = page.locator("#figure-trials")
    figure.scroll_into_view_if_needed()
    expect(figure).to_contain_text("of 100,016 trials")
    assert 1_000 < figure.locator(".point").count() <= 2_500
    assert page.locator("*").count() < 10_000
