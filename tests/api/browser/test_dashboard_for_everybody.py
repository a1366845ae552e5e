"""Screen readers, keyboards, dark rooms and phones; and the pictures of the documentation."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect
from support.axe import serious

IMAGES = Path(__file__).resolve().parents[3] / "docs" / "images"
PHONE = {"width": 390, "height": 844}
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


# Many hyperparameters, one of them conditional: for the picture of parallel coordinates.
RICH: dict[str, Any] = {
    **SPEC,
    "name": "digits, six hyperparameters",
    "space": {
        **SPEC["space"],
        "optimizer": {"choices": ["sgd", "momentum", "adam"]},
        "momentum": {"low": 0.0, "high": 0.99, "when": {"optimizer": ["momentum"]}},
        "hidden_units": {"low": 8, "high": 128, "scale": "log", "integer": True},
        "activation": {"choices": ["relu", "tanh"]},
    },
    "rounds": 3,
    "trials_per_round": 48,
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
    page.locator("#parallel").scroll_into_view_if_needed()
    expect(page.locator("#parallel .lines path").first).to_be_attached()
    page.evaluate("scrollTo(0, 0)")


@pytest.fixture(scope="module")
def images() -> Callable[[Page | Locator, str], None]:
    """images(page, name): into the documentation when SCREENSHOTS is set, nowhere else."""

    def take(page: Page | Locator, name: str) -> None:
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


@pytest.mark.skipif("SCREENSHOTS" not in os.environ, reason="the picture alone; SCREENSHOTS=1")
def test_a_picture_of_parallel_coordinates(
    visitor: Any, client: httpx.Client, complete: Callable[..., Any], images: Any
) -> None:
    search = complete(client, RICH, truth=truth, noise=0.01)["id"]
    page = visitor.open(f"/searches/{search}", viewport={"width": 1280, "height": 900})
    page.locator("#parallel").scroll_into_view_if_needed()
    page.get_by_role("slider", name="activation, lower end").press("ArrowUp")
    expect(page.locator("#parallel .out").first).to_be_attached()
    panel = page.locator("section", has=page.locator("#parallel"))
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        images(panel, f"parallel-{scheme}")
    page.set_viewport_size(PHONE)
    expect(page.locator("#parallel svg")).to_have_attribute("width", "846")
    images(panel, "parallel-phone")


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


def test_trials_are_selected_on_their_axes_by_keyboard_and_mouse(
    visitor: Any, client: httpx.Client, finished: str
) -> None:
    lines = client.get(f"/api/v1/searches/{finished}/coordinates").json()["lines"]
    page = visitor.open(f"/searches/{finished}")
    page.locator("#parallel").scroll_into_view_if_needed()
    drawn, left = page.locator("#parallel .lines path"), page.locator("#parallel .lines .out")
    count = page.locator("#parallel-count")
    expect(drawn).to_have_count(len(lines))
    expect(left).to_have_count(0)

    page.get_by_role("slider", name="learning rate, lower end").focus()
    for key in ("PageUp", "PageUp", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
    page.keyboard.press("Tab")  # to the upper end
    page.keyboard.press("PageDown")
    upper = page.get_by_role("slider", name="learning rate, upper end")
    expect(upper).to_be_focused()
    expect(upper).to_have_attribute("aria-valuenow", "90")
    within = [line for line in lines if 0.2 <= line["places"][1] <= 0.9]
    expect(left).to_have_count(len(lines) - len(within))
    expect(count).to_contain_text(f"{len(within)} of {len(lines)} trials with learning rate")
    page.locator("summary", has_text="The best of the selected trials").click()
    rows = page.locator("#parallel-table tbody tr")
    best = max(line["score"] for line in within)
    expect(rows.first).to_contain_text(f"{best:.4f}")

    relu = page.locator("#parallel").get_by_role("group", name="activation")
    box = relu.locator(".hit").bounding_box()
    assert box is not None
    x, bottom = box["x"] + box["width"] / 2, box["y"] + box["height"]
    page.mouse.move(x, bottom - 40)
    page.mouse.down()
    page.mouse.move(x, bottom - 90, steps=4)
    page.mouse.up()
    expect(count).to_contain_text("activation relu, learning rate")
    relu_too = [line for line in within if line["values"][0] == "relu"]
    expect(left).to_have_count(len(lines) - len(relu_too))
    assert serious(page) == []

    # A drag outlives a new drawing, and a finger that pans the page lets nothing go.
    page.mouse.move(x, bottom - 40)
    page.mouse.down()
    relu.locator(".hit").dispatch_event("pointercancel")
    page.mouse.up()
    expect(count).to_contain_text("activation relu, learning rate")
    page.mouse.down()
    page.mouse.move(x, box["y"] + 20, steps=4)
    expect(left).to_have_count(len(lines) - len(within))
    drawing = page.locator("#parallel svg")
    width = drawing.get_attribute("width")
    size = page.viewport_size
    assert size is not None
    page.set_viewport_size({**size, "width": 1000})
    expect(page.locator("#parallel")).not_to_have_css("width", f"{width}px")
    held = relu.locator(".hit").bounding_box()
    assert held is not None
    page.mouse.move(held["x"] + 18, held["y"] + held["height"] - 90, steps=4)
    expect(count).to_contain_text("activation relu, learning rate")
    expect(drawing).to_have_attribute("width", width or "")
    page.mouse.up()
    expect(drawing).not_to_have_attribute("width", width or "")
    expect(count).to_contain_text("activation relu, learning rate")
    page.set_viewport_size(size)
    expect(drawing).to_have_attribute("width", width or "")

    page.mouse.click(x, bottom - 40)
    expect(left).to_have_count(len(lines) - len(within))
    upper.press("Escape")
    expect(left).to_have_count(0)
    upper.press("PageDown")
    page.get_by_role("button", name="Clear the selection").click()
    expect(left).to_have_count(0)


def test_dialogs_have_no_serious_finding(
    visitor: Any, client: httpx.Client, two: dict[str, Any]
) -> None:
    search = client.post("/api/v1/searches", json=two).json()["id"]
    page = visitor.open(f"/searches/{search}")
    for button in ("Edit …", "Share …", "Cancel …"):
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
