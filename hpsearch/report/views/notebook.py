"""Views in a notebook: one short line of text, and nested tables in HTML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from pydantic import BaseModel

from hpsearch.digits import alone

LINE = 120  # characters of a line
TEXT = 60  # characters of one text in it
ROWS = 20  # of a table
LEFT_OUT = ("links",)  # for programs


def line(view: BaseModel) -> str:
    """`Name(field=value, ...)` with the fields that fit on a line; of a part, the score it shows."""
    parts, name, filled = list[str](), type(view).__name__, dict(_filled(view))
    for field, value in filled.items():
        shown = getattr(value, "shown", None) if isinstance(value, BaseModel) else value
        if shown is None or isinstance(shown, Mapping | list | tuple):
            continue
        part = f"{field}={_short(shown)}"
        if len(name) + sum(map(len, parts)) + len(part) > LINE:
            break
        parts.append(part)
    return f"{name}({', '.join([*parts, *(['...'] if len(parts) < len(filled) else [])])})"


def tables(value: object) -> str:
    """A value as HTML that loads nothing and runs nothing: every text in it is escaped."""
    if isinstance(value, BaseModel):
        return _table([[f"<th>{escape(name)}</th>", _cell(x)] for name, x in _filled(value)])
    if isinstance(value, Mapping):
        return _records(list(value.values()), list(value))
    if isinstance(value, list | tuple) and any(map(_has_parts, value)):
        return _records(value, None)
    if isinstance(value, list | tuple):
        more = [f"and {len(value) - ROWS} more"] if len(value) > ROWS else []
        texts = any(isinstance(item, str) for item in value)
        return ("<br>" if texts else ", ").join([*map(tables, value[:ROWS]), *more])
    return escape(_number(value))


def _records(records: Sequence[Any], names: Sequence[str] | None) -> str:
    """Records of one kind, one a row, under the fields that any of them has filled."""
    plain = [dict(_filled(r) if isinstance(r, BaseModel) else {"": r}) for r in records[:ROWS]]
    fields = list(dict.fromkeys(field for record in plain for field in record))
    head = [f"<th>{escape(field)}</th>" for field in ([""] if names else []) + fields]
    rows = [
        [*([f"<th>{escape(str(names[i]))}</th>"] if names else []),
         *(_cell(record.get(field, "")) for field in fields)]
        for i, record in enumerate(plain)
    ]  # fmt: skip
    left = len(records) - ROWS
    more = [[f'<td colspan="{len(head)}">and {left} more</td>']] if left > 0 else []
    return _table([*([head] if any(fields) else []), *rows, *more])


def _filled(view: BaseModel) -> Iterator[tuple[str, Any]]:
    """The fields that say something to people."""
    for name in type(view).model_fields:
        value = getattr(view, name)
        if value is not None and value not in ("", [], {}) and name not in LEFT_OUT:
            yield name, value


def _has_parts(value: object) -> bool:
    return isinstance(value, BaseModel | Mapping)


def _cell(value: object) -> str:
    """A cell; what has plain fields alone stands on one line of it."""
    pairs = dict(_filled(value)) if isinstance(value, BaseModel) else value
    if isinstance(pairs, Mapping) and not any(
        _has_parts(x) or (isinstance(x, list) and any(map(_has_parts, x))) for x in pairs.values()
    ):
        shown = ", ".join(f"{escape(k)} {tables(x)}" for k, x in pairs.items())
    else:
        shown = tables(value)
    return f'<td style="text-align: left">{shown}</td>'


def _table(rows: Sequence[Sequence[str]]) -> str:
    return "<table>" + "".join(f"<tr>{''.join(row)}</tr>" for row in rows) + "</table>"


def _short(value: object) -> str:
    text = repr(str(value)) if isinstance(value, str) else _number(value)
    return text if len(text) <= TEXT else text[: TEXT - 3] + "..."


def _number(value: object) -> str:
    return alone(value, 6) if isinstance(value, float) else str(value)
