"""Whom and what the fuzzing meets: an owner with a search and a dataset, and a stranger."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hpsearch.errors import HpsearchError
from hpsearch.service import Services

CANARY = "canary-of-the-owner"  # in everything that is the owner's alone
OWNER = "fuzz-owner"
SCOPES = ["read", "submit", "operate", "admin"]
SPEC: dict[str, Any] = {
    "name": CANARY,
    "dataset": CANARY,
    "space": {"learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"}},
    "rounds": 2,
    "trials_per_round": 4,
}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@dataclass
class World:
    """The owner's things, made again whenever a request has done away with them."""

    services: Services
    folder: Path
    owner: dict[str, str] = field(init=False)
    stranger: dict[str, str] = field(init=False)
    victim: str = field(init=False)  # the id of a key that may be revoked
    search: str = ""

    def __post_init__(self) -> None:
        keys = self.services.keys
        self.owner = bearer(keys.create(name="owner", owner=OWNER, scopes=SCOPES)[1])
        scopes = ["read", "submit"]
        self.stranger = bearer(keys.create(name="stranger", owner="stranger", scopes=scopes)[1])
        self.victim = keys.create(name="victim", owner="victim", scopes=["read"])[0].id
        self.mend()

    def mend(self) -> None:
        """See that the owner has a dataset and an unfinished search on it."""
        searches, datasets = self.services.searches, self.services.datasets
        try:
            datasets.get(CANARY, owner=OWNER)
        except HpsearchError:
            file = self.folder / "canary.csv"
            file.write_text("a,b\n" + "".join(f"{i},{'xy'[i % 2]}\n" for i in range(40)))
            datasets.put(CANARY, file, content_type="text/csv", owner=OWNER)
        try:
            done = searches.status(self.search, owner=OWNER).finished_at is not None
        except HpsearchError:
            done = True
        if done:
            self.search = searches.submit(SPEC, owner=OWNER)[0].id
        self.unshare()

    def unshare(self) -> None:
        """Take back what the owner's own requests have granted: strangers must stay strangers."""
        for status in self.services.searches.list(owner=OWNER, limit=1000).items:
            if status.sharing:
                self.services.searches.share(status.id, [], owner=OWNER)
