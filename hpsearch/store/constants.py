"""Words of ours that stand in a statement's text."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa


def constant(value: str) -> sa.ColumnElement[str]:
    """A word of ours as text, not as a parameter.

    PostgreSQL prepares a statement for any value of its parameters, and then cannot use an
    index that is kept for one value alone.
    """
    assert value.isidentifier()  # nothing to escape
    return sa.literal_column(f"'{value}'", sa.String())


def one_of(column: sa.ColumnElement[str], values: Iterable[str]) -> sa.ColumnElement[bool]:
    """True where a column is one of these `constant` words."""
    return column.in_([constant(value) for value in values])
