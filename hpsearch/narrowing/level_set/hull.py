"""The hull of the level set along one range, and where it puts the range's edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hpsearch.narrowing.level_set.evaluation_grid import Axis
from hpsearch.narrowing.level_set.explored import Edge, ExploredRegion, Floats, units
from hpsearch.narrowing.level_set.interactions import interactions
from hpsearch.narrowing.level_set.posterior_summary import PosteriorSummary
from hpsearch.narrowing.step_limits import EXPANSION, SETTLED, SHRINK_LEAST
from hpsearch.reasons import EdgeState, NewEdge, rules
from hpsearch.space import Range
from hpsearch.trials import Numbers, Observation

EDGE = 0.1  # the outer part of a range, in which the best place makes it open
OPEN = 0.6  # probability of the best place in either outer part, from which a range is open
OPEN_SIDE = 0.3  # that of one outer part, from which it is open on that side
UNSEEN = 0.05  # width beyond an edge with no trial in it, from where the unknown begins


@dataclass(frozen=True, slots=True)
class HullEnd:
    """An end of the hull beside the edge of the range on that side.

    place
        Where the hull ends, with its margin and the best trial.
    probability
        That of the best place in the outer part of the range, or beyond.
    leaning
        Whether that is enough to open the range there.
    """

    edge: Edge
    place: float
    probability: float
    leaning: bool

    @property
    def move(self) -> float:
        """The movement of the edge outward, in widths; below 0 it moves inward."""
        return max(self._move(), SHRINK_LEAST - 1)  # one edge may not do it all

    def _move(self) -> float:
        edge = self.edge
        hull, explored, growth, stable = (
            edge.outward(place) for place in (self.place, edge.explored, edge.growth, edge.stable)
        )
        if self.leaning and stable > 0 and hull >= explored - UNSEEN:  # here the unknown begins
            return max(min(EXPANSION, growth), min(hull, explored))
        if hull > SETTLED:
            grown = min(hull, explored, stable)
            return grown if grown > UNSEEN else min(0.0, stable)
        return min(hull, 0.0, stable)

    def opening(self, now: Range, after: Range) -> rules.OpenSide | None:
        """Return why the range is open here; None where it does not grow, nor would but for its limit."""
        side = self.edge.side
        old, new = side.edge(now), side.edge(after)
        if not side.beyond(new, old) and not (self.leaning and self.edge.at_limit(now)):
            return None
        cause: rules.BestLiesOut | rules.GoodBeyond
        if self.leaning:
            cause = rules.BestLiesOut(self.probability)
        else:
            cause = rules.GoodBeyond(self.edge.outward(self.place))
        state = EdgeState.LIMIT if new == old else EdgeState.MOVED
        return rules.OpenSide(cause, NewEdge(side, new, state))


@dataclass(frozen=True, slots=True)
class Hull:
    """The hull of the level set along one range, in units of the range.

    best
        The place of the highest posterior mean inside the box.
    probabilities
        Those of the best place in the outer part of the range at its low end, and at its high end.
    best_trial
        The place of the trial to recommend; None where no trial lies in the box.
    """

    low: float
    high: float
    margin: float
    best: float
    probabilities: tuple[float, float]
    best_trial: float | None
    moves_with: tuple[rules.Correlation, ...]

    @classmethod
    def of(cls, summary: PosteriorSummary, axis: Axis, observations: Sequence[Observation]) -> Hull:
        """The hull along a range, with half the spacing of the trials there for a margin."""
        places = axis.units(summary.places)
        members = places[summary.members]
        low, high = float(members.min()), float(members.max())
        trials = units(axis.name, axis.now, [o for o in observations if o.finite])
        tried = summary.best_trial
        return cls(
            low=low,
            high=high,
            margin=0.5 * spacing(trials, low, high),
            best=float(places[summary.best]),
            probabilities=(
                summary.probability_of_best(axis.explored.low.outer(places, EDGE)),
                summary.probability_of_best(axis.explored.high.outer(places, EDGE)),
            ),
            best_trial=None if tried is None else float(axis.units(tried[None])[0]),
            moves_with=interactions(summary, axis),
        )

    def ends(self, explored: ExploredRegion) -> Sequence[HullEnd]:
        """The low end of the hull, and the high end."""
        # On a plateau the draws peak at its ends, where least is known: the mean has to agree.
        outer = not EDGE < self.best < 1 - EDGE and sum(self.probabilities) >= OPEN
        hold = () if self.best_trial is None else (self.best_trial,)
        places = self.low - self.margin, self.high + self.margin
        return [
            HullEnd(edge, edge.side.outermost(place, *hold), p, outer and p >= OPEN_SIDE)
            for edge, place, p in zip(explored.edges, places, self.probabilities, strict=True)
        ]

    @property
    def numbers(self) -> Numbers:
        """The numbers of a decision that rests on it."""
        numbers: dict[str, float | int | None] = {
            "hull_low": self.low, "hull_high": self.high, "margin": self.margin,
            "best": self.best, "chance_low": self.probabilities[0],
            "chance_high": self.probabilities[1],
            **{f"corr_{c.other}": c.r for c in self.moves_with},
        }  # fmt: skip
        return numbers if self.best_trial is None else {**numbers, "tried": self.best_trial}


def spacing(trials: Floats, low: float, high: float) -> float:
    """The mean gap of trials (n,) between `low` and `high`, from neighbour to neighbour of both."""
    below, above = trials[trials < low], trials[trials > high]
    start = float(below.max()) if below.size else min(low, 0.0)
    end = float(above.min()) if above.size else max(high, 1.0)
    return (end - start) / (len(trials) - len(below) - len(above) + 1)
