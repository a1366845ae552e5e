"""The base of all reasons, and the parts that they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import ConfigDict

from hpsearch.space import Range


class Side(StrEnum):
    """An end of a range. What is said of one end is said of the other one mirrored."""

    LOW = "low"
    HIGH = "high"

    def edge(self, values: Range) -> float:
        """The edge of a range on this side."""
        return values.low if self is Side.LOW else values.high

    def hard_limit(self, values: Range) -> float | None:
        """The value that the edge must not cross; None where there is no such limit."""
        return values.hard_low if self is Side.LOW else values.hard_high

    def beyond(self, place: float, other: float) -> bool:
        """Tell whether a place lies further on this side than another one."""
        return place < other if self is Side.LOW else place > other

    def outermost(self, *places: float) -> float:
        """The place that lies furthest on this side."""
        return min(places) if self is Side.LOW else max(places)

    def innermost(self, *places: float) -> float:
        """The place that lies furthest from this side."""
        return max(places) if self is Side.LOW else min(places)


class Reason:
    """The facts behind a decision: a frozen dataclass of numbers, which `wording` puts into words.

    A kind of reason is registered in `wording.REASONS` with the function that words it.
    """

    __slots__ = ()
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(arbitrary_types_allowed=True)

    def clamped(self, edges: Mapping[Side, float]) -> Reason:
        """Return this reason for a range that had to be cut at those edges, by side."""
        return _clamped(self, edges)  # type: ignore[no-any-return]  # the class of its argument


@dataclass(frozen=True, slots=True)
class StoredReason(Reason):
    """A sentence without its facts, of an older search or of a kind that this build lacks."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Span:
    """The edges of a range, as a sentence names them."""

    low: float
    high: float
    integer: bool

    @classmethod
    def of(cls, values: Range) -> Span:
        """The edges of `values`."""
        return cls(values.low, values.high, values.integer)


class EdgeState(StrEnum):
    """The fate of an edge that good values lean on."""

    MOVED = "moved"
    LIMIT = "limit"  # it lies at its hard limit and cannot move
    UNTRIED = "untried"  # no round follows that could look further out


@dataclass(frozen=True, slots=True)
class NewEdge:
    """The edge of an open range after the decision."""

    side: Side
    value: float
    state: EdgeState = EdgeState.MOVED


def _clamped(value: Any, edges: Mapping[Side, float]) -> Any:
    """Return facts in which the edges that moved are cut, however deep they lie."""
    if isinstance(value, NewEdge):
        if value.state is not EdgeState.MOVED or value.side not in edges:
            return value
        return NewEdge(value.side, edges[value.side], EdgeState.UNTRIED)
    if isinstance(value, tuple):
        return tuple(_clamped(item, edges) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{f.name: _clamped(getattr(value, f.name), edges) for f in fields(value)}
        )
    return value
