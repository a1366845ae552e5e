"""`hpsearch compare`: searches side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from hpsearch.cli.options import Json, Url, connected
from hpsearch.cli.output import console, emit

if TYPE_CHECKING:
    from hpsearch.report.views import ResultView, StatusView

ABSENT = "-"


@dataclass(frozen=True, slots=True)
class Column:
    """A column for a search; `result` is None until it has completed."""

    status: StatusView
    result: ResultView | None


def compare(
    searches: Annotated[
        list[str], typer.Argument(metavar="ID ID...", help="Ids of two searches or more.")
    ],
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Show searches side by side: budgets, scores, ranges and recommended values."""
    with connected(url) as client:
        columns = [Column(client.status(one), client.result_if_any(one)) for one in searches]
    if as_json:
        emit({"searches": [_json(column) for column in columns]})
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("", style="bold", no_wrap=True)
    for column in columns:
        table.add_column(Text(column.status.id), overflow="fold")
    for title, cells in rows(columns):
        table.add_row(title, *(Text(cell) for cell in cells))
    console().print(table)


def rows(columns: Sequence[Column]) -> Iterator[tuple[str, Sequence[str]]]:
    """A title and a cell for each search; what no search has is left out."""
    from hpsearch.cli import tables
    from hpsearch.report import words

    def each(show: Callable[[StatusView], str]) -> list[str]:
        return [words.plain(show(column.status)) for column in columns]

    def ended(show: Callable[[ResultView], str]) -> list[str]:
        return [ABSENT if c.result is None else words.plain(show(c.result)) for c in columns]

    yield "name", each(lambda s: s.name or ABSENT)
    yield "dataset", each(lambda s: _dataset(s, columns))
    yield "state", each(lambda s: s.state)
    yield "rounds", each(lambda s: f"{s.rounds.completed}/{s.rounds.planned}")
    yield "trials", each(lambda s: f"{tables.ended(s.trials)}/{s.trials.planned}")
    yield "epochs trained", each(lambda s: f"{s.epochs.trained}")
    yield (
        "best validation",
        each(lambda s: words.share(s.best.shown if s.best else None)),
    )
    if any(column.result for column in columns):
        yield "recommended", ended(lambda r: words.share(r.recommended.shown))
        tests = [column.result.test for column in columns if column.result]
        counted = any(test.accuracy is not None for test in tests)
        yield (
            "test accuracy" if counted else "test score",
            ended(lambda r: words.share(r.test.shown)),
        )
        if counted:
            yield "95 % interval", ended(_interval)
            yield "always the same", ended(lambda r: words.share(r.test.majority_share))
        if any(c.result and c.result.objective != "accuracy" for c in columns):
            yield "test objective", ended(_objective)
        yield (
            "models of the range",
            ended(lambda r: words.share(r.test.score_mean if r.test.mean is None else r.test.mean)),
        )
        yield "ensemble", ended(lambda r: words.share(r.test.ensemble_accuracy))
        if any(c.result and c.result.gain for c in columns):
            yield "gain over your setting", ended(_gain)
        if any(c.result and c.result.requirements for c in columns):
            yield "requirements met", ended(_met)
        if any(c.result and c.result.cheapest for c in columns):
            yield "cost", ended(_cost)
        yield "optimism", ended(lambda r: ABSENT if r.optimism is None else f"{r.optimism:+.4f}")
    for name in dict.fromkeys(name for column in columns for name in column.status.ranges):
        yield words.plain(name), [_range(column, name) for column in columns]
        yield "  recommended", [_value(column, name) for column in columns]


def _dataset(status: StatusView, columns: Sequence[Column]) -> str:
    """Name a search's dataset, with its digest where the name stands for several contents."""
    contents = {c.status.dataset_digest for c in columns if c.status.dataset == status.dataset}
    name, digest = status.dataset or ABSENT, status.dataset_digest
    return name if len(contents) < 2 else f"{name} ({(digest or 'unknown')[:12]})"


def _interval(result: ResultView) -> str:
    from hpsearch.report import words

    ends = result.test.interval
    return ABSENT if ends is None else f"{words.share(ends[0])} to {words.share(ends[1])}"


def _objective(result: ResultView) -> str:
    """The test score by the objective, and the same answer for every example beside it."""
    from hpsearch.report import yardstick_words as yardsticks

    item = (result.test.metrics or {}).get(result.objective)
    return ABSENT if item is None else yardsticks.score(item)


def _gain(result: ResultView) -> str:
    from hpsearch.report import gain_words

    return gain_words.short(result) or ABSENT


def _met(result: ResultView) -> str:
    """Number of requirements that the recommendation is known to meet."""
    asked = result.requirements
    return f"{sum(one.met is True for one in asked)} of {len(asked)}" if asked else ABSENT


def _cost(result: ResultView) -> str:
    from hpsearch.report import need_words

    one = result.cheapest
    if one is None or one.cost is None:
        return ABSENT
    return f"{need_words.quantity(one.cost)} {need_words.title(one.quantity)}"


def _range(column: Column, name: str) -> str:
    """The best range, or the one where a search is now."""
    from hpsearch.report import words

    ranges = column.status.ranges if column.result is None else column.result.ranges
    return words.span(ranges[name]) if name in ranges else ABSENT


def _value(column: Column, name: str) -> str:
    from hpsearch.report import words

    if column.result is None:
        return ABSENT
    params = words.effective(column.result.recommended.params, column.result.effective_with)
    return words.level(params[name]) if name in params else ABSENT


def _json(column: Column) -> dict[str, object]:
    result = column.result and column.result.model_dump(mode="json")
    return {"status": column.status.model_dump(mode="json"), "result": result}
