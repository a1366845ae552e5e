"""The table of scores: whole searches with defaults beside peers, from the results that lie on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np

from benchmarks.files.compare import MOST
from benchmarks.files.listed import File

OURS, TREES = "ours", "trees"
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


def scores(every: Sequence[File], results: Path, build: str) -> list[Scores]:
    """Read what lies on disk."""
    read = []
    for file in every:
        names = {OURS: f"ours-{build}", **{name: name for name in (*JUDGED, TREES)}}
        splits = [
            one for one in sorted((results / file.id).glob("*"))
            if all((one / f"{name}.json").exists() for name in names.values())
        ]  # fmt: skip
        if splits:
            by = {
                who: [_score(one / f"{name}.json") for one in splits] for who, name in names.items()
            }
            read.append(Scores(file, by))
    return read


def _score(path: Path) -> float:
    return float(json.loads(path.read_text())["score"])


def table(every: Sequence[Scores]) -> str:
    """Write the share of files that keep up, and every file."""
    kept = sum(one.keeps_up for one in every)
    over = sum(one.behind <= 0 for one in every)
    splits = sum(one.splits for one in every)
    said = (
        f"{kept} of {len(every)} files ({kept / len(every):.0%}) keep up with the best linear or "
        f"network peer ({over} are not behind it at all); {splits} splits in all."
    )
    lines = [
        said,
        "",
        "| file | score | splits | hpsearch | linear | RealMLP | trees | behind | error | keeps up |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in every:
        metric = "accuracy" if one.file.task == "classification" else "R2"
        means = [f"{one.mean(who):.1f}" for who in (OURS, *JUDGED, TREES)]
        ends = [f"{one.behind:+.1f}", f"{one.error:.1f}", "yes" if one.keeps_up else "**no**"]
        lines.append(
            "| " + " | ".join([one.file.id, metric, str(one.splits), *means, *ends]) + " |"
        )
    return "\n".join(lines) + "\n"
