"""The statement as text, as Markdown and as JSON."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

from hpsearch.report import words
from hpsearch.report.statement import about_tuning
from hpsearch.report.statement.facts import said
from hpsearch.report.views import (
    StatementAnswer,
    StatementFormat,
    StatementRange,
    StatementView,
)
from hpsearch.trials import Basis

MEDIA_TYPES: Final[Mapping[StatementFormat, str]] = MappingProxyType(
    {
        "json": "application/json",
        "markdown": "text/markdown",
        "text": "text/plain",
        "latex": "application/x-latex",
    }
)
WIDTH = 100
HEADER = ("hyperparameter", "asked", "recommended", "value", "verdict", "scale")
BASES: Mapping[str, str] = {
    Basis.ENOUGH: "enough evidence",
    Basis.TOO_FEW_TRIALS: "too few trials",
    Basis.UNTRIED_LEVELS: "untried levels",
    Basis.ALL_DIVERGED: "all diverged",
}
Rows: TypeAlias = Sequence[tuple[str, ...]]
_LATEX: Mapping[str, str] = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "[": "{[}", "]": "{]}", **{c: f"\\{c}" for c in "#$%&_{}"},
}  # fmt: skip
_MARKS = re.compile(r"([\\`*_{}\[\]<>|#~&!$])")


def render(view: StatementView, form: StatementFormat) -> str:
    """The statement in one of its forms, with a line end at its end."""
    return FORMATS[form](view)


def as_json(view: StatementView) -> str:
    """The statement as JSON of the contract."""
    return view.model_dump_json() + "\n"


def as_text(view: StatementView) -> str:
    """The statement as plain text, in lines of at most `WIDTH` where nothing is longer."""
    table = _aligned([HEADER, *map(_cells, view.ranges)])
    blocks = [_wrapped(view.paragraph), "\n".join(table)]
    if curve := _curve(view):
        blocks.append("\n".join(_aligned(curve)))
    for answer in view.answers:
        head = f"{answer.subject}{_places(answer)}"
        blocks.append(f"{_wrapped(head)}\n{_wrapped(_answer(answer), indent='  ')}")
    blocks.append("\n".join(f"{c.key}: {c.name} ({c.year}), {c.link}" for c in view.checklists))
    return "\n\n".join(blocks) + "\n"


def as_markdown(view: StatementView) -> str:
    """The statement as Markdown, in which no name of a user can mark anything up."""
    table = _piped([HEADER, *map(_escaped_cells, view.ranges)])
    curve = _piped(_curve(view))
    lines = [
        f"- **{_escaped(a.subject)}**{_escaped(_places(a))}: {_escaped(_answer(a))}"
        for a in view.answers
    ]
    sources = [
        f"- {_escaped(c.key)}: [{_escaped(c.name)}]({c.link}), {c.year}" for c in view.checklists
    ]
    parts = [
        "## Hyperparameter search", _escaped(view.paragraph), "### Ranges", table,
        *(("### Best score by the number of trials", curve) if curve else ()),
        "### Reproducibility", "\n".join(lines), "### Checklists", "\n".join(sources),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def as_latex(view: StatementView) -> str:
    """The statement as LaTeX of the document's body, without packages: no name of a user is a command."""
    columns = [_tabular([HEADER, *map(_cells, view.ranges)])]
    columns += [_tabular(curve) for curve in [_curve(view)] if curve]
    answers = [
        f"\\item[{_latex(a.subject)}]{_latex(_places(a))}: {_latex(_answer(a))}"
        for a in view.answers
    ]
    sources = [
        f"\\item {_latex(c.key)}: {_latex(c.name)}, {c.year}, \\texttt{{{_latex(c.link)}}}"
        for c in view.checklists
    ]
    parts = [
        _latex(view.paragraph), *columns,
        "\n".join(["\\begin{description}", *answers, "\\end{description}"]),
        "\n".join(["\\begin{itemize}", *sources, "\\end{itemize}"]),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


FORMATS: Final[Mapping[StatementFormat, Callable[[StatementView], str]]] = MappingProxyType(
    {"json": as_json, "markdown": as_markdown, "text": as_text, "latex": as_latex}
)


def _curve(view: StatementView) -> Rows:
    """The rows of the tuning curve's table, its head first; none without a curve."""
    return [] if view.tuning_curve is None else about_tuning.table(view.tuning_curve)


def _aligned(rows: Rows) -> list[str]:
    """Rows as lines whose cells stand below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _piped(rows: Rows) -> str:
    """Rows as a table of Markdown; nothing of none."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([*lines[:1], f"|{' --- |' * len(rows[0])}", *lines[1:]]) if rows else ""


def _tabular(rows: Rows) -> str:
    """Rows as a tabular of LaTeX."""
    lines = [f"{' & '.join(map(_latex, row))} \\\\" for row in rows]
    body = [lines[0], "\\hline", *lines[1:]]
    start = f"\\begin{{tabular}}{{{'l' * len(rows[0])}}}"
    return "\n".join([start, "\\hline", *body, "\\hline", "\\end{tabular}"])


def _latex(text: str) -> str:
    return "".join(_LATEX.get(c, c) for c in text)


def _cells(row: StatementRange) -> tuple[str, ...]:
    """A row of the table as words."""
    basis = "" if row.basis is None else f" ({BASES.get(row.basis, row.basis)})"
    beyond = " (beyond what was asked)" if row.outside_asked else ""
    scale = f"{row.scale}, whole numbers" if row.asked.integer else row.scale
    cells = (
        row.name, words.short_span(row.asked), f"{words.short_span(row.recommended)}{beyond}",
        "-" if row.value is None else words.level(row.value),
        f"{words.verdict(row.verdict, row.basis)}{basis}", scale,
    )  # fmt: skip
    return tuple(said(cell) for cell in cells)


def _escaped_cells(row: StatementRange) -> tuple[str, ...]:
    return tuple(_escaped(cell) for cell in _cells(row))


def _answer(answer: StatementAnswer) -> str:
    return answer.answer if answer.answer is not None else f"not known: {answer.not_known}"


def _places(answer: StatementAnswer) -> str:
    """The items of the checklists that an answer is about."""
    places = ", ".join(f"{one.checklist} {one.item}" for one in answer.items)
    return f" ({places})" if places else ""


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _escaped(text: str) -> str:
    return _MARKS.sub(r"\\\1", text)
