"""Tags, notes, metrics and costs in the browser."""

from __future__ import annotations

from typing import Any

import httpx
from playwright.sync_api import expect

from hpsearch.service import Services

SEARCHES = "/api/v1/searches"
EXTERNAL = {
    "name": "from elsewhere",
    "objective": "external",
    "direction": "minimize",
    "space": {"lr": {"low": 1e-4, "high": 1.0, "scale": "log"}},
    "rounds": 1,
    "trials_per_round": 2,
    "epochs": {"first": 1, "last": 1},
}


def test_a_search_is_tagged_and_found_by_it(
    visitor: Any, client: httpx.Client, two: dict[str, Any]
) -> None:
    client.post(SEARCHES, json=two)
    search = client.post(SEARCHES, json={**two, "name": "the other", "tags": ["old"]}).json()["id"]
    page = visitor.open(f"/searches/{search}")
    page.get_by_role("button", name="Tags and note …").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Tags, one on each line").fill("vision\nvision")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.locator(".mistakes")).to_contain_text("listed twice")
    dialog.get_by_label("Tags, one on each line").fill("vision\nA <b>")
    dialog.get_by_label("Note").fill("wider\nranges")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator("#facts .tag")).to_have_text(["vision", "A <b>"])
    expect(page.locator("#facts .note")).to_have_text("wider\nranges")
    assert client.get(f"{SEARCHES}/{search}").json()["tags"] == ["vision", "A <b>"]
    page.goto("/")
    rows = page.locator("#searches li")
    expect(rows).to_have_count(2)
    page.get_by_label("Find").fill("WIDER")
    expect(rows).to_have_count(1)
    page.get_by_label("Find").fill("nowhere")
    expect(page.locator("#none")).to_be_visible()
    page.get_by_label("Find").fill("")
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="vision").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("the other")
    # The address has the filters: a bookmark, and the way back from a search.
    assert page.url == f"{visitor.url}/?tag=vision"
    page.get_by_label("Since").fill("2999-01-01")
    expect(page.locator("#none")).to_be_visible()
    page.goto("/?q=wider&since=2000-01-01&state=queued")
    expect(rows).to_have_count(1)
    expect(page.get_by_label("Find")).to_have_value("wider")
    expect(page.get_by_label("Since")).to_have_value("2000-01-01")
    page.get_by_role("link", name="the other").click()
    page.go_back()
    expect(page.get_by_label("State")).to_have_value("queued")
    page.goto("/?state=tired")
    expect(rows).to_have_count(2)  # a state that there is not is no filter


def test_the_table_of_trials_has_metrics_and_costs_and_the_lowest_first(
    visitor: Any, client: httpx.Client, services: Services
) -> None:
    search = client.post(SEARCHES, json=EXTERNAL).json()["id"]
    services.jobs.advance_due()
    trials = f"{SEARCHES}/{search}/trials"
    for score in (0.75, 0.25):
        order = client.post(f"{trials}/claim").json()
        said = {"score": score, "metrics": {"f1 macro": 0.5 + score}, "cost": 2 * score}
        if score < 0.5:
            said |= {"note": "<b>run</b> 7", "link": "https://example.org/7"}
            said["replicates"] = [0.2, said.pop("score") + 0.05]
        client.post(
            f"{trials}/{order['trial']}/report", json={"token": order["lease"]["token"], **said}
        )
    page = visitor.open(f"/searches/{search}")
    table = page.locator("#trials")
    expect(table.locator("thead th")).to_have_text(
        [
            "Trial",
            "State",
            "Epochs",
            "Validation score",
            "Trainings",
            "f1 macro",
            "Cost",
            "Note",
            "lr",
        ]
    )
    cells = table.locator("tbody tr").first.locator("td")
    expect(cells.nth(2)).to_have_text("0.2500")
    expect(cells.nth(3)).to_have_text("2, sd 0.0707")
    expect(cells.nth(4)).to_have_text("0.7500")
    expect(cells.nth(5)).to_have_text("0.5000")
    expect(cells.nth(6)).to_have_text("<b>run</b> 7")
    expect(cells.nth(6).get_by_role("link")).to_have_attribute("href", "https://example.org/7")
    page.get_by_text("Columns", exact=True).click()
    choice = page.get_by_role("group", name="Columns of the table")
    for name in ("Note", "lr", "f1 macro"):
        choice.get_by_label(name, exact=True).uncheck()
    expect(choice.get_by_label("f1 macro")).to_be_focused()
    heads = table.locator("thead th")
    left = ["Trial", "State", "Epochs", "Validation score", "Trainings", "Cost"]
    expect(heads).to_have_text(left)
    expect(table.locator("tbody tr").first.locator("td")).to_have_count(5)
    page.reload()
    expect(heads).to_have_text(left)
    page.get_by_text("Columns", exact=True).click()
    choice.get_by_label("lr", exact=True).check()
    expect(heads.last).to_have_text("lr")
    expect(page.locator("#facts")).to_contain_text("lower is better")
    expect(page.locator("#facts")).to_contain_text("2.0000")
