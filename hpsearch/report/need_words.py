"""Requirements and costs of the recommendation as lines for people: name and text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hpsearch.report import words

CURVE = ("cost", "best score", "trial")  # the columns of `curve_rows`

if TYPE_CHECKING:
    from hpsearch.report.views import CheapestView, RequirementView, ResultView


def lines(view: ResultView) -> Iterator[tuple[str, str]]:
    """Lines on what was required, and what the recommendation costs; none where nothing was."""
    for one in view.requirements:
        yield f"required {asked(one)}", text(one)
    if view.cheapest is not None:
        yield f"cost in {title(view.cheapest.quantity)}", cost(view)


def asked(one: RequirementView) -> str:
    """A requirement."""
    side = "at least" if one.at_most is None else "at most"
    limit = one.at_least if one.at_most is None else one.at_most
    return f"{title(one.metric)} {side} {quantity(limit)}"


def text(one: RequirementView) -> str:
    """Whether a requirement is met, with the value and how sure that is."""
    met = {True: "met", False: "not met", None: "not known"}[one.met]
    if one.known:
        return f"{met}: {quantity(one.value)}"
    made = met if one.chosen_by is None else f"{met}, by {quantity(one.chosen_by)} in validation"
    if one.value is not None and one.value != one.chosen_by:
        made += f"; on the test part {quantity(one.value)}"
    if one.low is not None and one.high is not None:
        made += f" (95 % interval {quantity(one.low)} to {quantity(one.high)})"
    if one.probability is not None:
        made += f"; met with a probability of {percent(one.probability)}"
    return made if one.note is None else f"{made}  ({one.note})"


def percent(probability: float) -> str:
    """A probability of what was measured, which is never certain."""
    if probability > 0.999:
        return "more than 99.9 %"
    if probability < 0.001:
        return "less than 0.1 %"
    return f"{100 * probability:.1f} %"


def cost(view: ResultView) -> str:
    """The cost of the recommendation, and of the finalist in place of which it stands."""
    cheapest = view.cheapest
    assert cheapest is not None  # the caller has looked
    if cheapest.instead_of is None:
        return f"{quantity(cheapest.cost)}: no cheaper finalist is known to be as good"
    return (
        f"{quantity(cheapest.cost)}, in place of {quantity(cheapest.instead_of)} of a finalist that it cannot "
        "be told from"
    )


def curve_rows(view: CheapestView) -> Iterator[tuple[str, str, str]]:
    """The best score by cost: cost, score and trial of each point, the cheapest first."""
    for point in view.curve:
        yield quantity(point.cost), words.share(point.score), point.trial


def title(name: str) -> str:
    """A quantity."""
    return words.plain(name).replace("_", " ")


def quantity(value: float | None) -> str:
    """A value: whole numbers in full, others as scores are shown."""
    if value is not None and float(value).is_integer() and abs(value) >= 10:
        return f"{value:,.0f}"
    return words.share(value)
