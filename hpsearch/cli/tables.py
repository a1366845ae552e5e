"""What people see of a search: its status, its answer, and lists."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hpsearch.cli import words
from hpsearch.cli.words import plain

if TYPE_CHECKING:
    from hpsearch.report.views import (
        RangeView,
        ResultRangeView,
        ResultView,
        StatusView,
        TestView,
        TrialCounts,
    )


def listing(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print one row a line, in columns, so that `grep` and `cut` can have them too."""
    lines = [head, *([plain(cell).replace("\n", " ") or "-" for cell in row] for row in rows)]
    if len(lines) == 1:
        print("none", file=sys.stderr)
        return
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())


def facts(pairs: Iterable[tuple[str, RenderableType]]) -> Table:
    """Names on the left, values on the right."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(name, Text(plain(value)) if isinstance(value, str) else value)
    return table


def status(view: StatusView) -> Table:
    """Where a search stands."""
    pairs: list[tuple[str, RenderableType]] = [
        ("search", view.id),
        ("name", view.name or "-"),
        ("dataset", view.dataset),
        ("state", view.state + (f" ({view.reason})" if view.reason else "")),
        ("rounds", f"{view.rounds.completed} of {view.rounds.planned}"),
        ("trials", f"{ended(view.trials)} of {view.trials.planned}{_others(view.trials)}"),
        ("epochs", f"{view.epochs.trained} of {view.epochs.planned}"),
    ]
    if view.best is not None:
        pairs.append(("best", best_line(view)))
    pairs.append(("ranges", ranges(view.ranges)))
    if view.eta_seconds is not None:
        pairs.append(("time left", words.duration(view.eta_seconds)))
    return facts(pairs)


def ended(counts: TrialCounts) -> int:
    """Trials that are over, however they went."""
    return counts.completed + counts.stopped + counts.diverged + counts.failed


def best_line(view: StatusView) -> str:
    """The best trial so far on one line."""
    if view.best is None:
        return "-"
    return f"{words.share(view.best.validation_accuracy)}  {words.params(view.best.params)}"


def ranges(found: Mapping[str, RangeView]) -> Table:
    """The ranges as they are now."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, view in found.items():
        table.add_row(plain(name), words.span(view), view.scale or "")
    return table


def result(view: ResultView) -> Group:
    """The answer: best ranges with their reasons, the test score, what to know about it."""
    parts: list[RenderableType] = [
        _heading("Best range"),
        _answer(view),
        _heading("Why"),
        facts((plain(name), _reason(found)) for name, found in view.ranges.items()),
        _heading("Test score"),
        _test(view),
    ]
    if view.health:
        parts += [_heading("To know"), *(Text(f"- {plain(line)}") for line in view.health)]
    return Group(*parts)


def _answer(view: ResultView) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for title in ("hyperparameter", "best range", "scale", "recommended", "verdict"):
        table.add_column(title, overflow="fold")
    for name, found in view.ranges.items():
        use = view.recommended.params.get(name)
        table.add_row(
            plain(name),
            words.span(found),
            found.scale or "",
            "" if use is None else words.level(use),
            found.verdict.replace("_", " "),
        )
    return table


def _reason(found: ResultRangeView) -> str:
    beyond = f"; asked was {words.span(found.asked)}" if found.outside_asked else ""
    return found.reason + beyond


def _test(view: ResultView) -> Table:
    test = view.test
    pairs: list[tuple[str, RenderableType]] = [
        ("test accuracy", f"{words.share(test.accuracy)}{_interval(test)}"),
        ("models of the range", _models(test)),
    ]
    if test.ensemble_accuracy is not None:
        pairs.append(("ensemble", words.share(test.ensemble_accuracy)))
    pairs.append(("validation accuracy", words.share(view.recommended.validation_accuracy)))
    if view.optimism is not None:
        pairs.append(
            ("optimism", f"{view.optimism:+.4f} (validation minus test of one more model)")
        )
    openings = f"{_times(test.attempts)} by it, {_times(test.dataset_openings)} in all"
    seen = f"{test.examples} examples, unseen by the search; opened {openings}"
    pairs.append(("test part", seen))
    pairs.append(("digest", view.digest or f"none: {view.digest_reason or 'not given'}"))
    return facts(pairs)


def _models(test: TestView) -> str:
    drawn = [model for model in test.models if model.role == "drawn" and model.accuracy is not None]
    if test.mean is None:
        return f"{len(drawn)}"
    spread = "" if test.sd is None else f", sd {words.share(test.sd)}"
    return f"mean {words.share(test.mean)}{spread} over {len(drawn)}"


def _interval(test: TestView) -> str:
    if test.ci95 is None:
        return ""
    low, high = test.ci95
    return f"  (95 % interval {words.share(low)} to {words.share(high)})"


def _others(counts: TrialCounts) -> str:
    named = {
        "running": counts.running,
        "stopped early": counts.stopped,
        "diverged": counts.diverged,
        "failed": counts.failed,
    }
    said = ", ".join(f"{count} {name}" for name, count in named.items() if count)
    return f" ({said})" if said else ""


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")
