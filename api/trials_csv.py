"""All trials of a search as CSV, streamed page by page, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import Response

from api.parameters import MAX_PAGE, TrialsQuery
from hpsearch.records import Access
from hpsearch.report.columns import METRIC, metric_column, param_columns
from hpsearch.report.views import Page, TrialView
from hpsearch.service.searches import Searches

_COLUMNS = (
    "id",
    "round",
    "index",
    "state",
    "epochs",
    "validation_accuracy",
    "validation_loss",
    "score",
    "cohort",
    "role",
    "error",
)
# A spreadsheet takes text that begins so for a formula, whatever quotes are around it; some part
# cells at semicolons, whoever else does it at commas.
_FORMULA_STARTS = re.compile(r"(?:^|(?<=[;,\t\r\n]))(?=[=+\-@\t\r\n])")


def trials_csv(
    searches: Searches, search_id: str, *, owner: Access, query: TrialsQuery
) -> Response:
    """All trials that `query` selects, without its paging, a row each.

    The hyperparameters come last, a column each; before them cost, note, link, replicates and metrics, where trainers reported
    some. The first page is read before the answer
    begins, so that a wrong request is still refused by its status.
    """
    reported = searches.reported(search_id, owner=owner)
    own = [name for name in _COLUMNS if query.role or name != "role"]
    own += [name for name in ("cost", "note", "link", "replicates") if getattr(reported, name)]
    own += map(metric_column, reported.metrics)

    def page(cursor: str | None) -> Page:
        return searches.trials(
            search_id,
            owner=owner,
            round=query.round,
            state=query.state,
            sort=query.sort,
            limit=MAX_PAGE,
            cursor=cursor,
        )

    names = sorted(searches.status(search_id, owner=owner).ranges)
    heads = param_columns(names, own)
    first = page(None)

    def rows() -> Iterator[str]:
        yield _lines([[*own, *(heads[name] for name in names)]])
        current = first
        while True:
            yield _lines([_row(trial, own, names) for trial in current.items])
            if current.next is None:
                return
            current = page(current.next)

    response = Response(rows(), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="trials-{search_id}.csv"'
    return response


def _row(trial: TrialView, own: Sequence[str], names: Sequence[str]) -> list[str]:
    metrics = {metric_column(name): value for name, value in (trial.metrics or {}).items()}
    facts = [_cell(metrics.get(c) if c.startswith(METRIC) else getattr(trial, c)) for c in own]
    return [*facts, *(_level(trial.params, name) for name in names)]


def _level(params: Mapping[str, Any], name: str) -> str:
    """A trial's value; nothing of a hyperparameter that is not active in it, and null of the level null."""
    if name not in params:
        return ""
    return "null" if params[name] is None else _cell(params[name])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return json.dumps(value)  # 1e-05, true, [50, 50]
    return _FORMULA_STARTS.sub("'", value)


def _lines(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
