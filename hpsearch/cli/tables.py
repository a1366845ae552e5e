"""Tables for people: lists, and the status of a search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from hpsearch.plural import counted
from hpsearch.report import words
from hpsearch.report.words import plain
from hpsearch.states import WORKING, RoundKind

if TYPE_CHECKING:
    from hpsearch.report.views import (
        CostView,
        EditView,
        RangeView,
        StatusView,
        TrialCounts,
        WebhookView,
    )

_DOING: Mapping[RoundKind | None, str] = {
    RoundKind.REPEAT: "repeating the finalists",
    RoundKind.FINAL: "in its final test",
}


def facts(pairs: Iterable[tuple[str, RenderableType]]) -> Table:
    """Names on the left, values on the right."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(name, Text(plain(value)) if isinstance(value, str) else value)
    return table


def status(view: StatusView) -> Table:
    """The status of a search."""
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
        pairs.append(("best trial", best_line(view)))
    pairs.append(("ranges", ranges(view.ranges)))
    if view.cost is not None:
        pairs.append(("cost", cost(view.cost)))
    if view.edits:
        pairs.append(("edited", "; ".join(_edit(edit) for edit in view.edits)))
    if view.warm_start or view.warm_start_trials:
        of = f" of {', '.join(view.warm_start)}" if view.warm_start else ""
        pairs.append(("begun with", f"{counted(view.warm_start_trials, 'trial')}{of}"))
    if view.webhook is not None:
        pairs.append(("webhook", _webhook(view.webhook)))
    if view.tags:
        pairs.append(("tags", ", ".join(view.tags)))
    if view.note:
        pairs.append(("note", view.note))
    if view.eta_seconds is not None:
        pairs.append(("time left", words.duration(view.eta_seconds)))
    return facts(pairs)


def state(view: StatusView) -> str:
    """The state, the activity of the search in it, and the reason."""
    doing = _DOING.get(view.rounds.kind) if view.state in WORKING else None
    if view.reason and view.rounds.kind is RoundKind.REPEAT:
        doing = None  # the reason names it
    about = view.reason if view.waiting is None else view.waiting.message
    reason = f" ({about})" if about else ""
    return view.state + (f", {doing}" if doing else "") + reason


def ended(counts: TrialCounts) -> int:
    """Trials that are over, however they went."""
    return counts.completed + counts.stopped + counts.diverged + counts.failed


def best_line(view: StatusView) -> str:
    """The best trial so far on one line, which is not the answer: it may lie outside the ranges."""
    if view.best is None:
        return "-"
    outside = "  (outside the ranges now)" if words.outside(view.ranges, view.best.params) else ""
    lower = ", lower is better" if view.direction == "minimize" else ""
    return f"{words.best(view.best, view.objective)}{lower}  {words.params(view.best.params, view.effective_with)}{outside}"


def cost(view: CostView) -> str:
    """The costs that trainers have reported."""
    spent = "none reported" if view.spent is None else f"{view.spent:,.6g}"
    of = "" if view.budget is None else f" of {view.budget:,.6g}"
    final = "" if view.final is None else f", and {view.final:,.6g} by the final test"
    return f"{spent}{of}{final}"


def ranges_line(view: StatusView) -> str:
    """The ranges on one line."""
    return "  ".join(f"{plain(name)} {words.span(now)}" for name, now in view.ranges.items())


def ranges(present: Mapping[str, RangeView]) -> Table:
    """The ranges as they are now."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, view in present.items():
        table.add_row(plain(name), words.span(view), view.scale or "")
    return table


def _others(counts: TrialCounts) -> str:
    named = {
        "running": counts.running,
        "stopped early": counts.stopped,
        "diverged": counts.diverged,
        "failed": counts.failed,
    }
    listed = ", ".join(f"{count} {name}" for name, count in named.items() if count)
    return f" ({listed})" if listed else ""


def _edit(edit: EditView) -> str:
    when = f"after round {edit.after_round}" if edit.after_round else "before its first round"
    return f"{', '.join(_paths(edit.changes))} {when}"


def _webhook(webhook: WebhookView) -> str:
    state, error = webhook.state.replace("_", " "), webhook.error
    tried = f", attempts: {webhook.attempts}" if webhook.attempts else ""
    return f"{webhook.host}: {state}{tried}" + (f" ({error})" if error else "")


def _paths(changes: Mapping[str, object]) -> Sequence[str]:
    space = changes.get("space")
    named = [name for name in changes if name != "space"]
    return [*named, *(space if isinstance(space, dict) else ())]
