"""Submitting in the browser, and watching the search to its end."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect
from support import outside

from hpsearch.client import Client
from hpsearch.service import Services

FIGURES = ("ranges", "trials", "surface", "curves", "importance")


def drawn(page: Page, name: str) -> None:
    figure = page.locator(f"#figure-{name}")
    figure.scroll_into_view_if_needed()
    expect(figure.locator(".main-svg").first).to_be_visible()


def test_an_example_is_submitted_from_the_form_and_watched_live_to_its_result(
    visitor: Any, client: httpx.Client, work: Any, eventually: Callable[..., Any]
) -> None:
    page = visitor.open("/")
    expect(page.get_by_role("heading", name="No search yet")).to_be_visible()
    page.get_by_role("button", name="Iris").click()
    page.locator("#field-name").fill("watched")
    page.get_by_label("Trials per round").fill("8")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**/searches/*")
    expect(page.locator("#name")).to_have_text("watched")
    expect(page.locator("#state")).to_have_text("queued")
    page.evaluate("window.kept = true")  # a reload would lose it

    def over() -> bool:
        work()
        return page.locator("#state").inner_text() == "completed"

    eventually(over, seconds=60)
    assert page.evaluate("window.kept")
    status = client.get(f"/api/v1/searches/{page.url.rpartition('/')[2]}").json()
    result = client.get(status["links"]["result"]).json()
    expect(page.locator("#facts")).to_contain_text("3 of 3")
    card = page.locator("#result")
    expect(card.locator(".score strong")).to_have_text(f"{result['test']['accuracy']:.4f}")
    shown = json.loads(card.locator("pre").inner_text())
    assert shown == result["recommended"]["params"]
    expect(card).to_contain_text(result["digest"][:16])
    for name in FIGURES:
        drawn(page, name)
    expect(page.locator("#trials tbody tr").first).to_be_visible()
    page.get_by_role("link", name="Searches").click()
    row = page.locator("#searches li")
    expect(row).to_contain_text("watched")
    expect(row).to_contain_text("completed")


def test_the_plan_is_shown_before_anything_runs(visitor: Any, client: httpx.Client) -> None:
    before = client.get("/api/v1/searches").json()["items"]
    page = visitor.open("/new?example=digits")
    page.get_by_label("Epochs of all trials").fill("400")
    page.get_by_role("button", name="Show the plan").click()
    plan = page.locator("#plan")
    expect(plan).to_contain_text("by gp")
    expect(plan).to_contain_text("Planned from the budget: rounds")
    page.get_by_label("Epochs of all trials").fill("1")
    expect(plan).to_be_hidden()
    page.get_by_role("button", name="Show the plan").click()
    expect(page.locator("#mistakes")).to_contain_text("the least that works is 8")
    assert client.get("/api/v1/searches").json()["items"] == before


def test_levels_that_cannot_be_tried_are_told_before_a_search_begins(
    visitor: Any, client: httpx.Client
) -> None:
    before = len(client.get("/api/v1/searches").json()["items"])
    levels = [k / 100 for k in range(40)]
    spec = {
        "dataset": "iris",
        "space": {"dropout": {"choices": levels}},
        "rounds": 1,
        "trials_per_round": 8,
    }
    page = visitor.open("/new?example=digits")
    page.get_by_role("button", name="JSON").click()
    page.locator("#json").fill(json.dumps(spec))
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("#plan")).to_contain_text("dropout has 40 levels, and this plan can try 8")
    expect(page.locator("#sending")).to_contain_text("submit again")
    assert len(client.get("/api/v1/searches").json()["items"]) == before
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**/searches/*")


def test_mistakes_stand_at_their_fields(visitor: Any) -> None:
    page = visitor.open("/new?example=digits")
    rate = page.get_by_role("group", name="Hyperparameter learning_rate")
    rate.get_by_label("Low").fill("0")
    page.get_by_label("Rounds", exact=True).fill("none")
    page.get_by_role("button", name="Submit").click()
    summary = page.locator("#mistakes")
    expect(summary).to_contain_text("2 mistakes")
    expect(summary).to_be_focused()
    low = rate.locator("[aria-invalid=true]").first
    expect(low).to_be_visible()
    expect(rate.locator(".mistake")).to_contain_text("a log range must stay above zero")
    wrong = page.get_by_label("Rounds", exact=True)
    expect(wrong).to_have_attribute("aria-invalid", "true")
    summary.get_by_role("button", name=re.compile("^rounds")).click()
    expect(wrong).to_be_focused()


def test_form_and_json_are_two_views_of_one_spec(visitor: Any, client: httpx.Client) -> None:
    page = visitor.open("/new?example=wine")
    page.get_by_label("Rounds", exact=True).fill("2")
    page.get_by_role("button", name="JSON").click()
    editor = page.locator("#json")
    spec = json.loads(editor.input_value())
    assert spec["rounds"] == 2
    assert spec["space"]["activation"] == {"choices": ["relu", "tanh"]}
    assert spec["space"]["hidden_units"]["integer"] is True
    spec |= {"validation": {"repeats": 2}, "rounds": 3, "name": "from JSON"}
    editor.fill(json.dumps(spec))
    page.get_by_role("button", name="Form").click()
    expect(page.get_by_label("Rounds", exact=True)).to_have_value("3")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**/searches/*")
    expect(page.locator("#name")).to_have_text("from JSON")
    stored = client.get(f"/api/v1/searches/{page.url.rpartition('/')[2]}/spec").json()
    assert stored["validation"]["repeats"] == 2  # which the form has no field for
    assert stored["model"]["optimizer"] == "adam"


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [('{\n "dataset": "iris",\n "space": {},\n "rounds": 0\n}', "line 4: rounds", ' "rounds": 0'),
     ('{\n "dataset": "iris",\n "rounds": oh\n}', "line 3", ' "rounds": oh')],
)  # fmt: skip
def test_mistakes_in_json_lead_to_their_line(visitor: Any, text: str, said: str, line: str) -> None:
    page = visitor.page()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/whoami", hold)
    with page.expect_request("**/whoami"):
        page.goto(f"/new#key={visitor.token}", wait_until="commit")
    expect(page.get_by_role("button", name="JSON")).to_be_disabled()  # until a press counts
    held[0].continue_()
    page.get_by_role("button", name="JSON").click()
    page.locator("#json").fill(text)
    page.get_by_role("button", name="Submit").click()
    summary = page.locator("#mistakes")
    expect(summary).to_contain_text(said)
    entry = summary.get_by_role("button", name=re.compile(f"^{said}"))
    if entry.count():
        entry.click()
    selected = "e => e.value.slice(e.selectionStart, e.selectionEnd)"
    assert page.locator("#json").evaluate(selected) == line


def test_ones_own_data_is_uploaded_and_chosen(visitor: Any) -> None:
    page = visitor.open("/new?example=iris")
    page.get_by_text("Use your own data").click()
    rows = "".join(f"{i},{i % 7},{'ab'[i % 2]}\n" for i in range(60))
    file = {"name": "my flowers.csv", "mimeType": "text/csv", "buffer": f"x,y,z\n{rows}".encode()}
    page.locator("#upload-file").set_input_files(file)
    expect(page.locator("#upload-name")).to_have_value("my-flowers")
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#uploaded")).to_contain_text("2 classes")
    expect(page.get_by_label("Dataset")).to_have_value("my-flowers")
    page.locator("#upload-label").fill("colour")
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#uploaded")).to_contain_text("colour")


def test_columns_are_shown_before_anything_is_stored(visitor: Any, client: httpx.Client) -> None:
    page = visitor.open("/new?example=iris")
    page.get_by_text("Use your own data").click()
    rows = "".join(f"{i % 9},{['red', 'blue', ''][i % 3]},A,{'ab'[i % 2]}\n" for i in range(60))
    text = f"size,colour,batch,z\n{rows}".encode()
    file = {"name": "mixed.data", "mimeType": "application/octet-stream", "buffer": text}
    page.locator("#upload-file").set_input_files(file)
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#uploaded")).to_contain_text("Nothing is stored yet")
    classes = page.get_by_role("table", name="Examples of each class").locator("tbody tr")
    expect(classes).to_have_text(["a30", "b30"])
    shown = page.get_by_role("table", name="Columns").locator("tbody tr")
    expect(shown).to_have_count(4)
    expect(shown.nth(2)).to_contain_text("blue, red")
    expect(shown.nth(2)).to_contain_text("20 (33 %)")
    expect(page.get_by_label("Use of column batch")).to_have_value("left out (constant)")
    assert client.get("/api/v1/datasets/mixed").status_code == 404

    page.locator("#upload-groups").fill("size")
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#uploaded")).to_contain_text("Groups of size: 7 train, 2 are sealed")
    page.locator("#upload-groups").fill("")
    page.get_by_label("Use of column size").select_option("category")
    expect(shown.nth(1)).to_contain_text("0, 1, 2")
    expect(page.locator("#upload-kind")).to_have_value("size:category")
    page.get_by_label("Use of column colour").select_option("the label")
    expect(page.locator("#upload-label")).to_have_value("colour")
    expect(classes).to_have_text(["blue20", "red20"])
    page.get_by_label("Use of column z").select_option("left out")
    page.get_by_label("Use of column size").select_option("number")
    expect(page.locator("#upload-kind")).to_have_value("size:number")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_label("Dataset")).to_have_value("mixed")
    stored = client.get("/api/v1/datasets/mixed").json()
    assert (stored["label"], stored["feature_names"]) == ("colour", ["size"])


def test_what_the_service_sends_stays_text(visitor: Any, client: httpx.Client, two: Any) -> None:
    name = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    made = client.post("/api/v1/searches", json={**two, "name": name}).json()
    page = visitor.open(f"/searches/{made['id']}")
    expect(page.locator("#name")).to_have_text(name)
    assert page.locator("#name *, main script").count() == 0
    page.get_by_role("link", name="Searches").click()
    expect(page.locator("#searches a")).to_have_text(name)


def test_a_search_that_is_trained_elsewhere_shows_its_scores(
    visitor: Any, services: Services, eventually: Callable[..., Any]
) -> None:
    spec = {**outside.SPEC, "rounds": 1, "trials_per_round": 4, "epochs": {"first": 1, "last": 1}}
    spec["baseline"] = {"alpha": 0.5, "depth": 20, "kernel": "flat"}
    spec["final"] = {"models": 1}
    spec["require"] = [{"metric": "latency", "at_most": 7}, {"metric": "score", "at_least": 13}]
    spec["cheapest"] = "cost"
    with Client(visitor.url, visitor.token) as user:
        search = user.submit(spec).id

        def over() -> bool:
            services.jobs.advance_due()
            if user.status(search).finished_at is not None:
                return True
            order = user.claim(search)
            if order is not None:
                for epoch in range(1, order.epochs + 1):
                    user.report(order, 12.5, epoch=epoch, metrics={"latency": 6.5}, cost=2.0)
            return False

        eventually(over, seconds=60)
    page = visitor.open(f"/searches/{search}")
    expect(page.locator("#facts")).to_contain_text("your own training")
    expect(page.locator("#facts")).to_contain_text("12.5")
    expect(page.locator("#result .score")).to_contain_text("reporter's promise")
    expect(page.locator("#result .score strong")).to_have_text("12.5")
    against = page.get_by_role("region", name="Against your setting")
    expect(against).to_contain_text("yours lies outside the ranges")
    expect(against.locator("tr", has_text="kernel")).to_contain_text("flat")
    expect(against.locator("tr", has_text="Test score")).to_contain_text("one model each")
    required = page.get_by_role("region", name="Required")
    expect(required.locator("tr", has_text="at most 7")).to_contain_text("6.5")
    expect(required.locator("tr", has_text="at least 13")).to_contain_text("not met")
    expect(page.locator("#answer")).to_contain_text("It costs 2 cost")
    expect(page.locator("#trials th", has_text="Score")).to_be_visible()
    expect(page.locator("#trials tbody td", has_text="12.5").first).to_be_visible()


def test_the_edges_of_a_narrow_range_are_told_apart(visitor: Any) -> None:
    page = visitor.open("/new")
    shown = page.evaluate(
        """async () => {
          const { formatRange, formatValue } = await import("/assets/format.js");
          const ranges = [[1e6, 1e6 + 1e-3], [0.999999, 1], [1e-4, 316.228], [0, 0.5]];
          return [...ranges.map(([low, high]) => formatRange({ low, high }).replaceAll("\\u00a0", " ")),
            ...[0.0123456, 1000000.00025, 1e6 / 3, 5].map(formatValue)];
        }"""
    )
    assert shown[:4] == ["1000000 to 1000000.001", "0.999999 to 1", "1e-4 to 316.2", "0 to 0.5"]
    assert shown[4:] == ["0.01235", "1000000.00025", "333333", "5"]
