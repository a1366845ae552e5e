"""Options of a run of the benchmarks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from benchmarks.search.cache import Cache

OURS = "hpsearch"


@dataclass(frozen=True, slots=True)
class Options:
    """Folders of results, number of seeds, and the contenders to run.

    `cache` holds the peers' searches, which do not change with hpsearch; its own are kept
    there only under a name that the caller gives (`own_cache`).

    venvs
        The peers' virtual environments; without them no stored row is computed again.
    recheck_seed
        Chooses those that are, of searches that took up to `recheck_seconds` of CPU time.
    stored_only
        Begin no search of ours against the peers: show those that are in `own_cache`.
    """

    cache: Path | None = None
    own_cache: Path | None = None
    seeds: int | None = None
    ours: bool = True
    venvs: Path | None = None
    recheck_seed: int = 0
    recheck_seconds: float = math.inf
    stored_only: bool = False

    def peers(self, name: str) -> Cache:
        """The peers' searches of a benchmark."""
        return Cache(self.cache, f"peers-{name}")

    def own(self, name: str) -> Cache:
        """The searches of hpsearch itself."""
        return Cache(self.own_cache, f"ours-{name}")
