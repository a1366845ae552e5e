"""Screen readers, keyboards, dark rooms and phones; and the pictures of the documentation."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

IMAGES = Path(__file__).resolve().parents[3] / "docs" / "images"
PHONE = {"width": 390, "height": 844}
SERIOUS = ("serious", "critical")
FIGURES = ("ranges", "trials", "surface", "curves", "importance")
SPEC: dict[str, Any] = {
    "name": "digits, first look",
    "dataset": "digits",
    "space": {
        "learning_rate": {"low": 1e-5, "high": 1.0, "scale": "log"},
        "weight_decay": {"low": 1e-8, "high": 1e-1, "scale": "log"},
    },
    "rounds": 4,
    # The pictures show a search of some size; what the pages are tested for, each trial shows.
    "trials_per_round": 24 if os.environ.get("SCREENSHOTS") else 8,
}


def truth(params: Mapping[str, Any], epochs: int) -> float | None:
    """Two hyperparameters that matter, the second one less."""
    # Searches that another test has left are trained as well, whatever they search.
    rate, decay = (math.log10(params.get(name, 1e-4)) for name in ("learning_rate", "weight_decay"))
    if rate > -0.2:
        return None
    return max(0.1, 0.975 - 0.05 * (rate + 1.2) ** 2 - 0.006 * (decay + 4.5) ** 2 - 0.1 / epochs)


def whole(page: Page) -> None:
    """Wait until a search's page shows all that it has."""
    expect(page.locator("#trials tbody td").first).to_be_visible()
    for name in FIGURES:
        figure = page.locator(f"#figure-{name}")
        figure.scroll_into_view_if_needed()
        expect(figure.locator(".main-svg").first).to_be_visible()
    page.evaluate("scrollTo(0, 0)")


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html']}"
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


@pytest.fixture(scope="module")
def images() -> Callable[[Page, str], None]:
    """images(page, name): into the documentation when SCREENSHOTS is set, nowhere else."""

    def take(page: Page, name: str) -> None:
        if os.environ.get("SCREENSHOTS"):
            page.screenshot(path=IMAGES / f"{name}.png", scale="css")

    return take


def test_pages_have_no_serious_finding_and_fit_a_phone(
    visitor: Any, client: httpx.Client, complete: Callable[..., Any], images: Any
) -> None:
    search = complete(client, SPEC, truth=truth, noise=0.004, loss_on_test=0.008)["id"]
    drawn = {**SPEC, "name": "digits, at random", "sampler": "random", "rounds": 2}
    other = complete(client, drawn, truth=truth, noise=0.004, loss_on_test=0.006)["id"]
    client.post("/api/v1/searches", json={**SPEC, "name": "digits, once more"})
    pages = {
        "search": f"/searches/{search}", "compare": f"/compare?searches={search},{other}",
        "searches": "/", "new": "/new",
    }  # fmt: skip
    for name, path in pages.items():
        page = visitor.open(path, viewport={"width": 1280, "height": 900})
        expect(page.locator("#sign-out")).to_be_visible()
        if name == "search":
            whole(page)
        if name == "compare":
            expect(page.locator("#figure-progress .main-svg").first).to_be_visible()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert serious(page) == [], (name, scheme)
            images(page, f"{name}-{scheme}")
        page.set_viewport_size(PHONE)
        wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wider) <= 0, f"{name} scrolls sideways on a phone"
        if name == "search":
            cards = page.locator(".cards:visible").all()
            assert cards
            for region in cards:
                assert region.evaluate("(e) => e.scrollWidth <= e.clientWidth"), "cut off"
        images(page, f"{name}-phone")
        page.close()


def test_searches_are_ticked_and_compared_by_keyboard(
    visitor: Any, client: httpx.Client, finished: str, two: dict[str, Any]
) -> None:
    client.post("/api/v1/searches", json={**two, "name": "waits", "dataset": "wine"})
    page = visitor.open("/")
    button = page.get_by_role("button", name="Compare")
    expect(button).to_be_disabled()
    for name in ("waits", "two ranges and a choice"):
        page.get_by_role("checkbox", name=f"Compare {name}").focus()
        page.keyboard.press("Space")
    expect(button).to_have_text("Compare (2)")
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/compare?searches=*")
    side = page.locator("#side")
    expect(side.get_by_role("link")).to_have_text(["waits", "two ranges and a choice"])
    expect(page.locator("#notes")).to_contain_text("different datasets")
    result = client.get(f"/api/v1/searches/{finished}/result").json()
    row = side.get_by_role("row", name="Test", exact=False).first
    expect(row.locator("td").last).to_contain_text(f"{result['test']['accuracy']:.4f}")
    expect(row.locator("td").first).to_have_text("–")
    page.goto("/compare?searches=one")
    expect(page.get_by_role("alert").last).to_contain_text("Two to 5 searches can be compared")


def test_dialogs_have_no_serious_finding(
    visitor: Any, client: httpx.Client, two: dict[str, Any]
) -> None:
    search = client.post("/api/v1/searches", json=two).json()["id"]
    page = visitor.open(f"/searches/{search}")
    for button in ("Edit …", "Cancel …"):
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert serious(page) == []
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.get_by_role("button", name=button)).to_be_focused()
    stranger = visitor.page()
    stranger.goto("/")
    expect(stranger.get_by_role("dialog")).to_be_visible()
    assert serious(stranger) == []


def test_a_search_is_submitted_and_paused_by_keyboard_alone(
    visitor: Any, client: httpx.Client
) -> None:
    page = visitor.open("/new?example=iris")
    expect(page.locator("#field-name")).to_have_value("iris, quick")

    def go(to: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.textContent").strip() == to:
                return
        raise AssertionError(f"the keyboard does not reach {to!r}")

    go("Skip to the content")
    go("Submit")
    page.keyboard.press("Enter")
    page.wait_for_url("**/searches/*")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    go("Pause")
    page.keyboard.press("Space")
    expect(page.locator("#state")).to_have_text("paused")
    expect(page.locator("#announcer")).to_have_text("The search is paused.")
