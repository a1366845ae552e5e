"""Many rows in one statement.

PostgreSQL gets them as one JSON parameter: one statement and one round trip for all of them,
parsed in C, in place of one each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

Where = tuple[sa.ColumnElement[bool], ...]
Names = tuple[str, ...]


@cache
def insert(table: sa.Table, names: Names) -> sa.Insert:
    """PostgreSQL: insert the rows of the parameter `rows_`."""
    columns = [table.c[name] for name in names]
    sent = received(columns)
    source = sa.select(*(_received(sent, c) for c in columns))
    return table.insert().from_select(columns, source, include_defaults=False)


@cache
def update(table: sa.Table, where: Where, key: sa.Column[Any], names: Names) -> sa.Update:
    """PostgreSQL: update what meets `where` from the rows of `rows_` with the same `key`."""
    columns = [table.c[name] for name in names]
    sent = received(columns)
    values = {c: _received(sent, c) for c in columns if c is not key}
    return table.update().where(*where, key == sent.c[key.name]).values(values)


@cache
def update_one(table: sa.Table, where: Where, key: sa.Column[Any], names: Names) -> sa.Update:
    """Any database: update one row from parameters that are named after its columns."""
    sent = {name: sa.bindparam(f"{name}_", type_=table.c[name].type) for name in names}
    is_the_one = key == sent.pop(key.name)
    return table.update().where(*where, is_the_one).values(sent)


def received(
    columns: Sequence[sa.Column[Any]], parameter: str = "rows_", name: str = "sent"
) -> sa.TableValuedAlias:
    """PostgreSQL: the rows of a parameter as a table; what a row does not name is NULL."""
    types = [sa.column(c.name, sa.Text() if _binary(c) else c.type) for c in columns]
    rows = sa.bindparam(parameter, type_=sa.Text())
    recordset = sa.func.json_to_recordset(sa.cast(rows, sa.JSON))
    return recordset.table_valued(*types).render_derived(name=name, with_types=True)


def _received(sent: sa.TableValuedAlias, column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """A column of the sent rows, as it is to be stored."""
    value = sent.c[column.name]
    return sa.func.decode(value, "hex", type_=column.type) if _binary(column) else value


def _binary(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, sa.LargeBinary)


def packed(rows: Sequence[Mapping[str, Any]]) -> str:
    """The value of a parameter of `received`: nothing is sent for None."""
    named = [{k: v for k, v in row.items() if v is not None} for row in rows]
    return json.dumps(named, default=bytes.hex, allow_nan=False)
