"""Gathering the evidence of a round, and the boundary beyond which training diverges."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hpsearch.digits import digits_of, rounded
from hpsearch.evidence import DivergenceBoundary, Evidence
from hpsearch.space import Box
from hpsearch.surrogate import Surrogate, check, expected_gain, importance, surface
from hpsearch.trials import Observation

DIGITS = 3  # of the boundary, where it is as large as the gap that it lies in


def gather(
    box: Box,
    observations: Sequence[Observation],
    model: Surrogate | None,
    *,
    searched: Box | None = None,
) -> Evidence:
    """Return the evidence in all observations so far.

    Without a surrogate, of too few observations, there is but the boundary. What is to be gained is
    asked of all that the next trials may be drawn from, `searched`; the box where it is left out.
    """
    boundary = divergence_boundary(observations)
    if model is None:
        return Evidence(boundary=boundary)
    gain, shares = expected_gain(model, searched or box), importance(model, box)
    return Evidence(
        boundary=boundary,
        epochs=model.epochs,
        noise_sd=model.noise_sd,
        expected_gain=gain,
        importance=shares,
        surface=surface(model, box, shares),
        agreement=model.agreement,
        surrogate_check=check(model),
    )


def divergence_boundary(observations: Sequence[Observation]) -> DivergenceBoundary | None:
    """Return the learning rates on either side of the border beyond which training diverges.

    None where nothing diverged or the learning rate is not searched.
    """
    rates = [
        (float(o.params["learning_rate"]), o.finite)  # type: ignore[arg-type]  # a number, by the table
        for o in observations
        if _is_rate(o.params.get("learning_rate"))
    ]
    sound = sorted(rate for rate, finite in rates if finite)
    diverged = sorted(rate for rate, finite in rates if not finite)
    if not diverged or not sound:
        return None
    return DivergenceBoundary(
        name="learning_rate",
        diverged=len(diverged),
        finite=len(sound),
        lowest_diverged=diverged[0],
        highest_finite=sound[-1],
        edge=_edge(rates),
    )


def _is_rate(value: object) -> bool:
    """Tell whether that is a rate at all: the learning rate of an external search may be anything."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _edge(rates: Sequence[tuple[float, bool]]) -> float:
    """The rate that separates finite from diverged trials with the fewest errors."""
    ordered = sorted(rates)
    wrong = sum(finite for _, finite in ordered)  # finite trials at or above the edge
    best, gap = wrong, (ordered[0][0],) * 2
    for (rate, finite), (following, _) in zip(ordered, [*ordered[1:], ordered[-1]], strict=True):
        wrong += -1 if finite else 1
        if wrong < best:
            best, gap = wrong, (rate, following)
    edge = math.sqrt(gap[0]) * math.sqrt(gap[1])
    return rounded(edge, digits_of(edge, gap[1] - gap[0], DIGITS))
