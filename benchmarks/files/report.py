"""The table of scores: whole searches with defaults beside peers, from the rows of both."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
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
EARLIER = Path(__file__).with_name("earlier.json")
_TEST_PART = 0.2


@dataclass(frozen=True, slots=True)
class Scores:
    """A file's scores in points of a hundred: of each contender the mean over the splits.

    error
        Standard error of `behind`: of the pairs; of one split alone that of two accuracies.
    """

    file: File
    splits: int
    mean: Mapping[str, float]
    error: float

    @property
    def best(self) -> str:
        """The best peer that is judged."""
        return best_of(self.mean)

    @property
    def behind(self) -> float:
        """Points that the best linear or network peer is ahead; below 0 where it is behind."""
        return self.mean[self.best] - self.mean[OURS]

    @property
    def keeps_up(self) -> bool:
        """True if it is not behind by more than one point or one standard error."""
        return self.behind <= max(1.0, self.error)


@dataclass(frozen=True, slots=True)
class Earlier:
    """Mean and error of some splits in a table of before, whose single scores were not kept.

    ours, error
        The mean of the product's scores, and the standard error of what the best peer was ahead.
    """

    splits: Sequence[int]
    ours: float
    error: float


def earlier(path: Path = EARLIER) -> Mapping[str, Earlier]:
    """Read the table of before, by file."""
    files = json.loads(path.read_text())["files"] if path.exists() else {}
    return {file: Earlier(**one) for file, one in files.items()}


def best_of(mean: Mapping[str, float]) -> str:
    """The best of the peers that are judged, by their means."""
    return max(JUDGED, key=mean.__getitem__)


def scores(every: Sequence[File], rows: Path, before: Mapping[str, Earlier]) -> list[Scores]:
    """Read the scores of the product from a folder of rows, and those of the peers.

    Where a split of the table of before has no row yet, all of its splits are taken from there, for their
    single scores are not known.

    Raises
    ------
    ValueError
        A file whose best peer is another one by now, so that the error of before says nothing.
    """
    ours = {key: float(row["score"]) for key, row in Cache(rows, OURS).rows.items()}
    peers, read = stored(), []
    for file in every:
        theirs = {split: peers[name, split] for name, split in sorted(peers) if name == file.id}
        own = {
            split: ours[f"{file.id}/{split}"] for split in theirs if f"{file.id}/{split}" in ours
        }
        known = before.get(file.id)
        if known is not None and set(known.splits) <= own.keys():
            known = None
        if own or known:
            read.append(_joined(file, own, known, theirs))
    return read


def _joined(
    file: File,
    own: Mapping[int, float],
    before: Earlier | None,
    theirs: Mapping[int, Mapping[str, float]],
) -> Scores:
    """The scores over the splits of `own` and those before, each of them once."""
    old = () if before is None else before.splits
    new = [split for split in own if split not in old]
    splits = [*old, *new]
    mean = {who: _mean(theirs[split][who] for split in splits) for who in PEERS}
    best = best_of(mean)
    pairs = [theirs[split][best] - own[split] for split in new]
    squares, total = 0.0, sum(own[split] for split in new)
    if before is not None:
        k, peers_then = len(old), {who: _mean(theirs[s][who] for s in old) for who in JUDGED}
        if k > 1 and best_of(peers_then) != best:
            raise ValueError(f"{file.id}: another peer is the best by now; run splits {old} again")
        pairs = [peers_then[best] - before.ours] * k + pairs  # of which the spread is the error's
        squares, total = before.error**2 * k * (k - 1), total + k * before.ours
    n = len(splits)
    mean[OURS] = total / n
    if n == 1:
        return Scores(file, n, mean, _error_of_one(file, mean[OURS] / 100, mean[best] / 100))
    squares += float(np.sum(np.square(np.subtract(pairs, np.mean(pairs)))))
    return Scores(file, n, mean, sqrt(squares / (n - 1) / n))


def _error_of_one(file: File, *shares: float) -> float:
    """The standard error of the difference of two accuracies on one sealed part, in points; 0 of R2."""
    if file.task == "regression":
        return 0.0
    rows = _TEST_PART * min(file.rows, MOST)
    return 100 * sqrt(sum(share * (1 - share) for share in shares) / 2 / rows)


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


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
        means = [f"{one.mean[who]:.1f}" for who in (OURS, *JUDGED, TREES)]
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
