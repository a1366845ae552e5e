"""Tables as Markdown, and the few statistics that stand in them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Scores = Mapping[tuple[Hashable, int], float]  # (task, seed) -> regret, lower is better


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, rule, *rows)) + "\n"


def replaced(page: str, name: str, text: str) -> str:
    """The page with `text` between `<!-- NAME: ... -->` and `<!-- end of NAME -->`; as it is without them."""
    begin, end = page.find(f"<!-- {name}:"), page.find(f"<!-- end of {name} -->")
    if begin < 0 or end < begin:
        return page
    inner = page.index("-->", begin) + len("-->")
    return f"{page[:inner]}\n\n{text.strip()}\n\n{page[end:]}"


def mean(values: Sequence[float], digits: int = 3) -> str:
    """Mean and standard error; of a single value there is none."""
    array = np.asarray(values, dtype=float)
    if len(array) < 2:
        return f"{array.mean():.{digits}f}"
    return f"{array.mean():.{digits}f} ± {array.std(ddof=1) / np.sqrt(len(array)):.{digits}f}"


def bold(cells: Sequence[str], key: Sequence[float]) -> list[str]:
    """`cells` with that of the lowest key in bold."""
    best = int(np.argmin(key))
    return [f"**{cell}**" if k == best else cell for k, cell in enumerate(cells)]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A contender against another on the searches that both ran: below 0 it is better."""

    difference: float
    error: float
    tasks_no_worse: int
    tasks: int
    searches: int

    def __str__(self) -> str:
        return (
            f"{self.difference:+.3f} ± {self.error:.3f} over {self.searches} searches, "
            f"no worse on {self.tasks_no_worse} of {self.tasks} tasks"
        )


def compared(one: Scores, other: Scores) -> Comparison:
    """Paired by task and seed; a task counts as no worse by its mean over the seeds."""
    common = sorted(one.keys() & other.keys(), key=str)
    differences = np.array([one[k] - other[k] for k in common])
    tasks: dict[Hashable, list[float]] = {}
    for (task, _), difference in zip(common, differences, strict=True):
        tasks.setdefault(task, []).append(difference)
    error = differences.std(ddof=1) / np.sqrt(len(differences)) if len(differences) > 1 else np.nan
    no_worse = sum(float(np.mean(values)) <= 0 for values in tasks.values())
    return Comparison(float(differences.mean()), float(error), no_worse, len(tasks), len(common))


def best_of(contenders: Mapping[str, Scores]) -> str:
    """The contender of the lowest mean."""
    return min(contenders, key=lambda name: float(np.mean(list(contenders[name].values()))))
