"""Selection of the rows that the process uses, where there are more than it can afford."""

from __future__ import annotations

import numpy as np

from hpsearch.arrays import Ints
from hpsearch.surrogate.rows import Rows


def representative(rows: Rows, most: int) -> Ints:
    """Up to `most` rows for the posterior: half the best, a quarter the latest, the rest spread."""
    if len(rows) <= most:
        return np.arange(len(rows))
    order = _best_first(rows)
    chosen = list(order[: most // 2])
    taken = np.zeros(len(rows), dtype=bool)
    taken[chosen] = True
    latest = [i for i in range(len(rows) - 1, -1, -1) if not taken[i]][: most // 4]
    taken[latest] = True
    rest = [i for i in order if not taken[i]]
    places = np.linspace(0, len(rest) - 1, most - int(taken.sum())).round().astype(int)
    taken[[rest[i] for i in np.unique(places)]] = True
    return np.flatnonzero(taken)


def spread_out(rows: Rows, most: int) -> Ints:
    """Up to `most` rows to learn the constants from: a third the best, the rest at even steps."""
    if len(rows) <= most:
        return np.arange(len(rows))
    order = _best_first(rows)
    best, rest = order[: most // 3], order[most // 3 :]
    steps = np.linspace(0, len(rest) - 1, most - len(best)).round().astype(int)
    return np.sort(np.concatenate([best, rest[steps]]))


def _best_first(rows: Rows) -> Ints:
    scores = np.where(np.isfinite(rows.scores), rows.scores, -np.inf)
    order: Ints = np.argsort(-scores, kind="stable")
    return order
