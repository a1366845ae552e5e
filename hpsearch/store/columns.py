"""Column types: words as members of their enumeration, JSON as the values that it stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from hpsearch.evidence import Evidence
from hpsearch.records import (
    Edit,
    Recommended,
    observation_from_json,
    observation_to_json,
)
from hpsearch.space import params_from_json
from hpsearch.trials import Observation


class Word(TypeDecorator[Any]):
    """A word of one of our enumerations, kept as text."""

    impl = sa.String
    cache_ok = True

    def __init__(self, words: type[StrEnum], length: int) -> None:
        super().__init__(length)
        self.words = words
        self._members: dict[str | None, StrEnum | None] = {
            None: None,
            **{w.value: w for w in words},
        }

    def result_processor(
        self,
        dialect: sa.Dialect,  # noqa: ARG002  # SQLAlchemy's signature
        coltype: object,  # noqa: ARG002  # SQLAlchemy's signature
    ) -> Callable[[str | None], StrEnum | None]:
        """A look-up: the constructor of an enumeration takes ten times as long."""
        return self._members.__getitem__


class Value(TypeDecorator[Any]):
    """A value that is kept as JSON: `read` makes it, `write` gives its JSON."""

    impl = sa.JSON
    cache_ok = True

    def __init__(
        self, read: Callable[[Any], Any], write: Callable[[Any], Any], absent: Any = None
    ) -> None:
        super().__init__()
        self.read, self.write, self.absent = read, write, absent

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002  # SQLAlchemy's signature
        """The value of a column; `absent` where it is NULL."""
        return self.absent if value is None else self.read(value)

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002  # SQLAlchemy's signature
        """The JSON of a value."""
        return None if value is None else self.write(value)


class TagList(TypeDecorator[Any]):
    """Tags as one text, each between line ends, so that any database can look for one."""

    impl = sa.Text
    cache_ok = True

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002  # SQLAlchemy's signature
        """The tags of a row in their order."""
        return tuple(value.strip("\n").split("\n")) if value else ()

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:  # noqa: ARG002  # SQLAlchemy's signature
        """The text of some tags; NULL for none."""
        return "".join(["\n", *(f"{tag}\n" for tag in value)]) if value else None


def has_tag(column: sa.Column[Any], tag: str) -> sa.ColumnElement[bool]:
    """True of a row with this very tag: LIKE would take letters of either case for one."""
    text = sa.type_coerce(column, sa.Text)
    return sa.func.replace(text, f"\n{tag}\n", "") != text


def read_edits(data: Sequence[Mapping[str, Any]]) -> Sequence[Edit]:
    """The edits of a search, oldest first."""
    return tuple(Edit.from_json(edit) for edit in data)


def write_edits(edits: Sequence[Edit]) -> Sequence[Mapping[str, Any]]:
    """Their JSON."""
    return [edit.to_json() for edit in edits]


def read_warm_start(data: Sequence[Mapping[str, Any]]) -> Sequence[Observation]:
    """The observations that a search began with, numbered in their order."""
    return tuple(observation_from_json(line, index) for index, line in enumerate(data))


def write_warm_start(observations: Sequence[Observation]) -> Sequence[Mapping[str, Any]]:
    """Their JSON."""
    return [observation_to_json(o) for o in observations]


def read_evidence(data: Mapping[str, Any]) -> Evidence | None:
    """The evidence of a round; None where a round taught nothing."""
    return Evidence.from_json(data) if data else None


PARAMS = Value(params_from_json, dict)
RECOMMENDED = Value(Recommended.from_json, Recommended.to_json)
EVIDENCE = Value(read_evidence, Evidence.to_json)
EDITS = Value(read_edits, write_edits, ())
TAGS = TagList()
WARM_START = Value(read_warm_start, write_warm_start, ())
