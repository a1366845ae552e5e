"""The base of every view."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, model_serializer

from hpsearch.combinations import Level
from hpsearch.one_of import OneOf
from hpsearch.states import Basis, Verdict


def _objectives() -> tuple[str, ...]:
    from hpsearch.workloads import objectives  # loads NumPy: for the API's document alone

    return objectives()


# Documented as in a spec, and read as any text: a client may be older than its service.
Objective = Annotated[str, OneOf(_objectives, lambda _: True)]
VerdictWord = Annotated[str, OneOf(lambda: tuple(Verdict), lambda _: True)]
BasisWord = Annotated[str, OneOf(lambda: tuple(Basis), lambda _: True)]
DirectionWord = Annotated[str, OneOf(lambda: ("maximize", "minimize"), lambda _: True)]
DIRECTION = (
    "Of every `score` shown of this search: minimize where an external search takes the lower ones for "
    "the better ones."
)
BASIS = (
    "What the verdict rests on. Only `enough` beside `unidentified` says that the value makes no "
    "difference; with any other basis nothing is known yet. null from earlier versions."
)


class View(BaseModel):
    """Base of everything that is shown."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    def __repr__(self) -> str:
        """The view in one line of bounded length; `model_dump()` has everything."""
        from hpsearch.report.views.notebook import line

        return line(self)

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """The view as tables, for notebooks."""
        from hpsearch.report.views.notebook import tables

        return tables(self)


class RangeView(View):
    """A range (low, high, scale) or the choices that are left."""

    low: float | None = None
    high: float | None = None
    scale: Literal["log", "linear"] | None = None
    integer: bool | None = None
    choices: tuple[Level, ...] | None = None

    @model_serializer(mode="wrap")
    def _without_what_does_not_apply(self, handler: Any) -> dict[str, Any]:
        return {k: v for k, v in handler(self).items() if v is not None}


class Page(View):
    """One page of a list and the cursor to the next."""

    items: list[Any]
    next: str | None
