"""The dashboard as people meet it: Chromium, the API's own process, and a table for a worker."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from support.absent import absent

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE = 60_000.0  # milliseconds that a page may take to show what is expected of it
# What the policy forbids is noted where no reload loses it: in the page's console.
NOTE = """
document.addEventListener("securitypolicyviolation", ({ violatedDirective, sourceFile, lineNumber, sample }) =>
  console.error("policy violated", violatedDirective, sourceFile, lineNumber, sample));
"""


def chromium() -> str:
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    return found or absent("chromium (apt-get install chromium, or CHROMIUM=path)")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium()
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@dataclass
class Visitor:
    """Somebody with a browser, and with a key of their own unless they come without one."""

    url: str
    browser: Browser
    token: str
    faults: list[str] = field(default_factory=list)
    stack: ExitStack = field(default_factory=ExitStack)

    def page(self, **context: Any) -> Page:
        """A new page; a fault of its scripts or a breach of the policy fails the test."""
        opened = self.browser.new_context(base_url=self.url, **context)
        self.stack.callback(opened.close)
        opened.add_init_script(NOTE)
        page = opened.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._heard)
        page.on("request", self._asked)
        return page

    def open(self, path: str, **context: Any) -> Page:
        """A new page at `path`, signed in by a link."""
        page = self.page(**context)
        page.goto(f"{path}#key={self.token}")
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        if "olicy" in message.text:
            self.faults.append(message.text)

    def _asked(self, request: Any) -> None:
        if self.token in request.url:
            self.faults.append(f"the key stands in an address: {request.url}")


@pytest.fixture
def visitor(browser: Browser, clients: Any, client: httpx.Client) -> Iterator[Visitor]:
    """The owner of `client`, with the same key."""
    token = client.headers["Authorization"].removeprefix("Bearer ")
    found = Visitor(clients.url, browser, token)
    yield found
    found.stack.close()
    assert found.faults == []


@pytest.fixture
def finished(client: httpx.Client, complete: Callable[..., dict[str, Any]]) -> str:
    """The id of a completed search over two ranges and a choice."""
    return str(complete(client, TWO)["id"])


TWO: dict[str, Any] = {
    "name": "two ranges and a choice",
    "dataset": "iris",
    "space": {
        "learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"},
        "weight_decay": {"low": 1e-6, "high": 1e-2, "scale": "log"},
        "activation": {"choices": ["relu", "tanh"]},
    },
    "rounds": 3,
    "trials_per_round": 16,
    "epochs": {"first": 1, "last": 4},
    "final": {"epochs": 4, "models": 3},
}


@pytest.fixture
def two() -> dict[str, Any]:
    """A spec over two ranges and a choice, to be changed at will."""
    return {**TWO, "space": dict(TWO["space"])}
