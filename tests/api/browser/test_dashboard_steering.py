"""Steering a search in the browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
from playwright.sync_api import expect

SEARCHES = "/api/v1/searches"


def submitted(client: httpx.Client, spec: dict[str, Any]) -> str:
    return str(client.post(SEARCHES, json=spec).json()["id"])


def test_a_search_is_paused_resumed_cancelled_and_deleted(
    visitor: Any, client: httpx.Client, two: dict[str, Any]
) -> None:
    search = submitted(client, two)
    page = visitor.open(f"/searches/{search}")
    state = page.locator("#state")
    page.get_by_role("button", name="Pause").click()
    expect(state).to_have_text("paused")
    assert client.get(f"{SEARCHES}/{search}").json()["state"] == "paused"
    page.get_by_role("button", name="Resume").click()
    expect(state).to_have_text("queued")
    expect(page.get_by_role("button", name="Delete …")).to_be_hidden()
    page.get_by_role("button", name="Cancel …").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Go back").click()
    expect(dialog).to_have_count(0)
    assert client.get(f"{SEARCHES}/{search}").json()["state"] == "queued"
    page.get_by_role("button", name="Cancel …").click()
    dialog.get_by_role("button", name="Cancel the search").click()
    expect(state).to_have_text("cancelled")
    page.get_by_role("button", name="Delete …").click()
    dialog.get_by_role("button", name="Delete the search").click()
    page.wait_for_url("**/")
    assert client.get(f"{SEARCHES}/{search}").status_code == 404


def test_ranges_are_edited_after_the_next_round_has_been_shown(
    visitor: Any, client: httpx.Client, two: dict[str, Any], until_round: Callable[..., Any]
) -> None:
    search = submitted(client, two)
    until_round(f"{SEARCHES}/{search}", 1)
    page = visitor.open(f"/searches/{search}")
    page.get_by_role("button", name="Edit …").click()
    dialog = page.get_by_role("dialog")
    apply = dialog.get_by_role("button", name="Apply")
    rate = dialog.get_by_role("group", name="learning rate")
    expect(apply).to_be_disabled()
    look = dialog.get_by_role("button", name="Show the next round")
    rate.get_by_label("High").fill("0")
    look.click()
    expect(rate.locator(".mistake")).to_contain_text("low must be below high")
    expect(apply).to_be_disabled()
    rate.get_by_label("High").fill("0.5")
    look.click()
    expect(dialog.locator(".plan")).to_contain_text("Round 2 would be of kind explore")
    expect(dialog.locator(".plan")).to_contain_text("1e-4 to 0.5")
    assert client.get(f"{SEARCHES}/{search}").json()["edits"] == []  # nothing was changed yet
    rate.get_by_label("High").fill("0.25")
    expect(apply).to_be_disabled()  # what would be applied has not been shown
    look.click()
    apply.click()
    expect(page.locator("#edits")).to_contain_text("After round 1: learning rate 1e-4 to 0.25")
    assert client.get(f"{SEARCHES}/{search}/spec").json()["space"]["learning_rate"]["high"] == 0.25


def test_a_search_is_cloned_and_continued(
    visitor: Any, client: httpx.Client, finished: str
) -> None:
    page = visitor.open(f"/searches/{finished}")
    page.get_by_role("button", name="Clone …").click()
    expect(page.locator("#origin")).to_contain_text("The spec of two ranges and a choice")
    page.locator("#field-name").fill("a clone")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**/searches/*")
    clone = client.get(f"{SEARCHES}/{page.url.rpartition('/')[2]}/spec").json()
    spec = client.get(f"{SEARCHES}/{finished}/spec").json()
    assert clone == {**spec, "name": "a clone"}
    page.goto(f"/searches/{finished}")
    page.get_by_role("button", name="Continue …").click()
    expect(page.locator("#origin")).to_contain_text("Begins with all that was seen by")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**/searches/*")
    expect(page.locator("#facts")).to_contain_text(re.compile(f"Began with\\d+ trials.*{finished}"))
    made = client.get(f"{SEARCHES}/{page.url.rpartition('/')[2]}/spec").json()
    assert made["warm_start"] == [finished]
    assert made["seed"] == spec["seed"] + 1


def test_a_refusal_is_shown_beside_the_buttons(
    visitor: Any, client: httpx.Client, two: dict[str, Any]
) -> None:
    search = submitted(client, two)
    page = visitor.page()
    # Somebody else is quicker, and this page, which hears no news, does not know it.
    page.route(f"**/searches/{search}?wait=*", lambda route: route.abort())
    page.goto(f"/searches/{search}#key={visitor.token}")
    pause = page.get_by_role("button", name="Pause")
    expect(pause).to_be_visible()
    client.post(f"{SEARCHES}/{search}/cancel")
    pause.click()
    expect(page.locator("#trouble")).to_contain_text("Pause: ")
    expect(page.locator("#trouble")).to_contain_text("cancelled")
