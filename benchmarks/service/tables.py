"""Results of a benchmark: a table for people, and the invariants that did not hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from support.checker import check

Cell = str | float | int | None


@dataclass
class Section:
    """A table."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[Cell]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def add(self, *cells: Cell) -> None:
        """Add a row."""
        self.rows.append(cells)

    def verify(self, url: str, *, ended: bool) -> None:
        """Let the checker look at the database that the benchmark leaves behind."""
        report = check(url, ended=ended, replan=False)
        self.broken += [str(violation) for violation in report.violations]

    def markdown(self) -> str:
        """The table with its title and notes."""
        lines = [f"### {self.title}", "", _line(self.columns), _line(["---"] * len(self.columns))]
        lines += [_line([_shown(cell) for cell in row]) for row in self.rows]
        lines += [""] + [f"{note}\n" for note in self.notes]
        lines += [f"BROKEN: {what}" for what in self.broken]
        return "\n".join(lines)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that a share of all lies below, the nearest one."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(cell: Cell) -> str:
    if cell is None:
        return "-"
    return f"{cell:.3g}" if isinstance(cell, float) and abs(cell) < 1000 else f"{cell:,.0f}" if (
        isinstance(cell, float | int)
    ) else cell  # fmt: skip
