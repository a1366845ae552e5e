"""The table of scores: whole searches with defaults beside peers, from the rows of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np

from benchmarks.files.compare import OURS
from benchmarks.files.halves import HALVES, half_of
from benchmarks.files.listed import File
from benchmarks.files.peer_scores import PEERS, stored
from benchmarks.files.shuffled import MOST
from benchmarks.search.cache import Cache

TREES = "trees"
JUDGED = ("linear", "realmlp")
_TEST_PART = 0.2


@dataclass(frozen=True, slots=True)
class Scores:
    """Points of a hundred of each contender, by split; only splits that all have."""

    file: File
    by: Mapping[str, Sequence[float]]

    @property
    def splits(self) -> int:
        """The number of splits."""
        return len(self.by[OURS])

    def mean(self, who: str) -> float:
        """Return the mean over the splits."""
        return float(np.mean(self.by[who]))

    @property
    def behind(self) -> float:
        """Points that the best linear or network peer is ahead; below 0 where it is behind."""
        return self.mean(self.best) - self.mean(OURS)

    @property
    def best(self) -> str:
        """The best peer that is judged."""
        return max(JUDGED, key=self.mean)

    @property
    def error(self) -> float:
        """Standard error of `behind`: of the pairs; of one split alone that of two accuracies."""
        if self.splits > 1:
            pairs = np.subtract(self.by[self.best], self.by[OURS])
            return float(np.std(pairs, ddof=1) / sqrt(self.splits))
        if self.file.task == "regression":
            return 0.0
        rows = _TEST_PART * min(self.file.rows, MOST)
        shares = [self.mean(who) / 100 for who in (OURS, self.best)]
        return 100 * sqrt(sum(share * (1 - share) for share in shares) / 2 / rows)

    @property
    def keeps_up(self) -> bool:
        """True if it is not behind by more than one point or one standard error."""
        return self.behind <= max(1.0, self.error)


def scores(every: Sequence[File], rows: Path) -> list[Scores]:
    """Read the scores of the product from a folder of rows, and those of the peers."""
    ours = {key: float(row["score"]) for key, row in Cache(rows, OURS).rows.items()}
    peers, read = stored(), []
    for file in every:
        splits = [
            split for name, split in sorted(peers) if name == file.id and f"{name}/{split}" in ours
        ]
        if splits:
            by = {name: [peers[file.id, split][name] for split in splits] for name in PEERS}
            mine = [ours[f"{file.id}/{split}"] for split in splits]
            read.append(Scores(file, {OURS: mine, **by}))
    return read


def table(every: Sequence[Scores]) -> str:
    """Write the share of files that keep up, of all and by half, and every file."""
    said = [_share("All", every)]
    by_half = {half: [one for one in every if half_of(one.file) == half] for half in HALVES}
    said += [_share(f"The {half} half", some) for half, some in by_half.items()]
    lines = [
        *said,
        "",
        "| file | half | score | splits | hpsearch | linear | RealMLP | trees | behind | error | keeps up |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in every:
        metric = "accuracy" if one.file.task == "classification" else "R2"
        means = [f"{one.mean(who):.1f}" for who in (OURS, *JUDGED, TREES)]
        ends = [f"{one.behind:+.1f}", f"{one.error:.1f}", "yes" if one.keeps_up else "**no**"]
        begins = [one.file.id, half_of(one.file), metric, str(one.splits)]
        lines.append("| " + " | ".join([*begins, *means, *ends]) + " |")
    return "\n".join(lines) + "\n"


def _share(what: str, every: Sequence[Scores]) -> str:
    kept, over = sum(one.keeps_up for one in every), sum(one.behind <= 0 for one in every)
    splits, share = sum(one.splits for one in every), kept / max(len(every), 1)
    return (
        f"- {what}: {kept} of {len(every)} files ({share:.0%}) keep up with the best linear or network "
        f"peer, {over} are not behind it at all; {splits} splits in all."
    )
