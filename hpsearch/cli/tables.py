"""What people see of a search while it runs, and lists."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from hpsearch.cli import words
from hpsearch.cli.words import plain
from hpsearch.trials import WORKING, RoundKind

if TYPE_CHECKING:
    from hpsearch.report.views import EditView, RangeView, StatusView, TrialCounts, WebhookView

_DOING: Mapping[RoundKind | None, str] = {
    RoundKind.REPEAT: "repeating the finalists",
    RoundKind.FINAL: "in its final test",
}


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
        ("dataset", view.dataset or "none: trained elsewhere"),
        ("state", state(view)),
        ("rounds", f"{view.rounds.completed} of {view.rounds.planned}"),
        ("trials", f"{ended(view.trials)} of {view.trials.planned}{_others(view.trials)}"),
        ("epochs", f"{view.epochs.trained} of {view.epochs.planned}"),
    ]
    if view.best is not None:
        pairs.append(("best", best_line(view)))
    pairs.append(("ranges", ranges(view.ranges)))
    if view.edits:
        pairs.append(("edited", "; ".join(_edit(edit) for edit in view.edits)))
    if view.warm_start:
        pairs.append(("begun with", ", ".join(view.warm_start)))
    if view.webhook is not None:
        pairs.append(("webhook", _told(view.webhook)))
    if view.eta_seconds is not None:
        pairs.append(("time left", words.duration(view.eta_seconds)))
    return facts(pairs)


def state(view: StatusView) -> str:
    """The state, what the search does in it, and why."""
    doing = _DOING.get(view.rounds.kind) if view.state in WORKING else None
    if view.rounds.kind is RoundKind.REPEAT and view.reason:
        doing = None  # the reason says so
    reason = f" ({view.reason})" if view.reason else ""
    return view.state + (f", {doing}" if doing else "") + reason


def ended(counts: TrialCounts) -> int:
    """Trials that are over, however they went."""
    return counts.completed + counts.stopped + counts.diverged + counts.failed


def best_line(view: StatusView) -> str:
    """The best trial so far on one line."""
    if view.best is None:
        return "-"
    return f"{words.share(view.best.shown)}  {words.params(view.best.params)}"


def ranges(found: Mapping[str, RangeView]) -> Table:
    """The ranges as they are now."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, view in found.items():
        table.add_row(plain(name), words.span(view), view.scale or "")
    return table


def _others(counts: TrialCounts) -> str:
    named = {
        "running": counts.running,
        "stopped early": counts.stopped,
        "diverged": counts.diverged,
        "failed": counts.failed,
    }
    said = ", ".join(f"{count} {name}" for name, count in named.items() if count)
    return f" ({said})" if said else ""


def _edit(edit: EditView) -> str:
    when = f"after round {edit.after_round}" if edit.after_round else "before its first round"
    return f"{', '.join(_paths(edit.changes))} {when}"


def _told(webhook: WebhookView) -> str:
    state, error = webhook.state.replace("_", " "), webhook.error
    tried = f", attempts: {webhook.attempts}" if webhook.attempts else ""
    return f"{webhook.host}: {state}{tried}" + (f" ({error})" if error else "")


def _paths(changes: Mapping[str, object]) -> Sequence[str]:
    space = changes.get("space")
    named = [name for name in changes if name != "space"]
    return [*named, *(space if isinstance(space, dict) else ())]
