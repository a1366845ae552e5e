"""Searches of others in the browser: what is shared, what an operator steers, which buttons are there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect
from support.axe import serious

SEARCHES = "/api/v1/searches"


def token(client: httpx.Client) -> str:
    return client.headers["Authorization"].removeprefix("Bearer ")


def buttons(page: Page) -> Locator:
    """The buttons that steer the search of a page, without those that are hidden."""
    expect(page.locator("#overview[data-revision]")).to_be_visible()
    return page.get_by_role("group", name="Steer this search").get_by_role("button")


@pytest.fixture
def as_(visitor: Any) -> Callable[[httpx.Client, str], Page]:
    """as_(client, path): a page signed in with that client's key."""

    def opened(client: httpx.Client, path: str) -> Page:
        page = visitor.page()
        page.goto(f"{path}#key={token(client)}")
        return page

    return opened


def test_a_search_is_shared_in_the_browser_and_its_reader_has_no_button_to_change_it(
    visitor: Any, clients: Any, client: httpx.Client, two: dict[str, Any], as_: Any
) -> None:
    search = client.post(SEARCHES, json={**two, "name": "to be read"}).json()["id"]
    page = visitor.open(f"/searches/{search}")
    expect(buttons(page)).to_have_text(
        ["Pause", "Edit …", "Tags and note …", "Share …", "Cancel …", "Clone …"]
    )
    page.get_by_role("button", name="Share …").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Nobody else")).to_be_checked()
    assert serious(page) == []
    dialog.get_by_label("These owners").check()
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.locator(".mistakes")).to_contain_text("name the owners")
    dialog.get_by_label("Names of owners").fill("a reader")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator("#facts")).to_contain_text("Read bya reader")
    assert client.get(f"{SEARCHES}/{search}").json()["sharing"] == ["a reader"]

    reader = clients(owner="a reader")
    theirs = as_(reader, "/?shared=true")
    expect(theirs.get_by_role("button", name="Shared with me")).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(theirs.get_by_role("button", name="Everyone")).to_have_count(0)
    row = theirs.locator("#searches li")
    expect(row).to_contain_text(client.get(f"{SEARCHES}/{search}").json()["owner"])
    theirs.get_by_role("link", name="to be read").click()
    expect(theirs.locator("#facts")).to_contain_text("Owner")
    expect(buttons(theirs)).to_have_text(["Clone …"])
    watching = as_(clients("read", owner="a reader"), f"/searches/{search}")
    expect(buttons(watching)).to_have_count(0)
    expect(watching.locator("#who")).to_have_text("a reader")
    expect(watching.get_by_role("link", name="New search")).to_have_count(0)
    theirs.goto("/")
    theirs.get_by_role("button", name="Shared with me").click()
    expect(row).to_have_count(1)
    client.put(f"{SEARCHES}/{search}/sharing", json={"sharing": []})
    expect(theirs.locator("#none")).to_have_text("Nobody shares a search with you.")


def test_an_operator_sees_every_owners_searches_and_stops_one_with_a_reason(
    clients: Any, client: httpx.Client, two: dict[str, Any], as_: Any
) -> None:
    client.post(SEARCHES, json={**two, "name": "fills the cluster"})
    page = as_(clients("read", "operate"), "/")
    page.get_by_role("button", name="Everyone").click()
    page.get_by_label("Find").fill("fills the cluster")
    expect(page.locator("#searches li")).to_have_count(1)
    page.get_by_role("link", name="fills the cluster").click()
    expect(buttons(page)).to_have_text(["Pause …", "Cancel …"])
    page.get_by_role("button", name="Pause …").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    dialog.get_by_label("Reason").press("Enter")
    expect(dialog.locator(".mistakes")).to_contain_text("say why")
    assert serious(page) == []
    dialog.get_by_label("Reason").fill("the disks are full")
    dialog.get_by_label("Reason").press("Enter")
    expect(page.locator("#state")).to_have_text("paused")
    expect(page.locator("#about")).to_have_text("paused by an operator: the disks are full")
    expect(buttons(page)).to_have_text(["Resume …", "Cancel …"])


def test_a_key_that_reads_nothing_is_told_so(clients: Any, as_: Any) -> None:
    page = as_(clients("admin"), "/")
    expect(page.locator("#banner")).to_contain_text("its scopes are admin")
