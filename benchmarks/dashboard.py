"""First meaningful paint of a search's page and its lag behind the search, with busy workers.

    python benchmarks/dashboard.py [--workers 2] [--loads 20] [--seconds 30]

A service of its own trains a search that is large enough to keep every worker busy. *Paint* is the
time from the start of a navigation until the page shows the search's name, state and facts. *Lag* is
the time from the commit of a new revision, seen in the database, until the page shows it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import statistics
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deployment import service
from playwright.sync_api import Page, sync_playwright

from hpsearch.client import Client
from hpsearch.supervisor.home import key_file

SPEC: dict[str, Any] = {
    "name": "busy",
    "dataset": "digits",
    "model": {"hidden_sizes": [100], "optimizer": "momentum"},
    "space": {
        "learning_rate": {"low": 1e-5, "high": 1.0, "scale": "log"},
        "weight_decay": {"low": 1e-8, "high": 1e-1, "scale": "log"},
    },
    "rounds": 8,
    "trials_per_round": 1024,
    "epochs": {"first": 4, "last": 16},
    "stop_early": False,
}
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync")  # fmt: skip
# When the page first shows facts, and when it shows each revision, by its own clock.
WATCH = """
window.shown = new Map();
new MutationObserver(() => {
  const facts = document.querySelector("#facts");
  const revision = document.querySelector("#overview")?.dataset.revision;
  if (facts?.childElementCount && !window.painted) window.painted = performance.now();
  if (revision && !window.shown.has(revision)) window.shown.set(revision, Date.now());
}).observe(document, { subtree: true, childList: true, attributes: true });
"""


class Revisions(threading.Thread):
    """First sight of each revision of a search in the database (milliseconds since 1970)."""

    def __init__(self, database: Path, search: str) -> None:
        super().__init__(daemon=True)
        self._address = f"file:{database}?mode=ro"
        self._search = search
        self.seen: dict[int, float] = {}
        self.done = threading.Event()

    def run(self) -> None:
        """Look until `done`."""
        with sqlite3.connect(self._address, uri=True) as connection:
            while not self.done.wait(0.01):
                question = "SELECT revision FROM search WHERE id = ?"
                (revision,) = connection.execute(question, (self._search,)).fetchone()
                self.seen.setdefault(revision, 1000 * time.time())


def paints(page: Page, address: str, loads: int) -> list[float]:
    """Milliseconds to the first meaningful paint, load after load, in one browser."""
    times = []
    for _ in range(loads):
        page.goto(address)
        page.wait_for_selector("#facts > div")
        times.append(float(page.evaluate("window.painted")))
    return times


def lags(page: Page, revisions: Revisions, seconds: float) -> list[float]:
    """Milliseconds from each revision that the page showed back to its commit."""
    page.wait_for_timeout(1000 * seconds)
    shown = dict(page.evaluate("[...window.shown]"))
    first = min(revisions.seen) + 1  # how old the first one was is not known
    pairs = [(float(at), revisions.seen.get(int(n))) for n, at in shown.items() if int(n) > first]
    return [at - committed for at, committed in pairs if committed is not None]


def told(what: str, values: Sequence[float]) -> str:
    ordered = sorted(values)
    last = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return f"| {what} | {len(values)} | {statistics.median(values):.0f} | {last:.0f} | {ordered[-1]:.0f} |"


def measure(client: Client, home: Path, options: argparse.Namespace) -> None:
    search = client.submit(SPEC).id
    while not client.status(search).trials.completed + client.status(search).trials.stopped:
        time.sleep(0.2)
    revisions = Revisions(home / "hpsearch.db", search)
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        page = browser.new_context(base_url=client.url).new_page()
        page.add_init_script(WATCH)
        page.goto(f"/#key={key_file(home).read_text().strip()}")
        page.wait_for_selector("#searches li")
        paint = paints(page, f"/searches/{search}", options.loads)
        revisions.start()
        lag = lags(page, revisions, options.seconds)
        revisions.done.set()
        browser.close()
    running = client.status(search)
    print("| milliseconds | samples | median | 95 % | most |\n|---|---|---|---|---|")
    print(told("first meaningful paint", paint))
    print(told("lag behind the search", lag))
    print(f"\nThe search was {running.state} at the end, after {len(revisions.seen)} revisions.")
    client.cancel(search)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--loads", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30)
    options = parser.parse_args()
    with service(workers=options.workers) as (client, home):
        measure(client, home, options)


if __name__ == "__main__":
    main()
