"""The direction in which scores from elsewhere are better, and the factor that it stands for.

Inside, a score is a rank value: the larger the better. Those of an external search that minimises are
turned where a trainer reports them, and turned again wherever they are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, overload

Direction: TypeAlias = Literal["maximize", "minimize"]
MAXIMIZE: Direction = "maximize"
MINIMIZE: Direction = "minimize"


def sign_of(direction: str) -> int:
    """The factor between a score as reported and its rank value."""
    return -1 if direction == MINIMIZE else 1


def sign_in(spec: Mapping[str, Any]) -> int:
    """The same for a stored spec, which leaves the usual direction out."""
    return sign_of(spec.get("direction", MAXIMIZE))


@overload
def turned(score: float, sign: int) -> float: ...
@overload
def turned(score: None, sign: int) -> None: ...
@overload
def turned(score: float | None, sign: int) -> float | None: ...
def turned(score: float | None, sign: int) -> float | None:
    """A score as its rank value, or a rank value as the score that was reported."""
    return None if score is None else score if sign > 0 else 0.0 - score
