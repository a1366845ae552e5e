"""What a round's end has taught, in numbers: computed once, stored, and shown ever after."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from hpsearch.space import Box, Range
from hpsearch.surrogate import Surrogate, expected_gain, importance, surface
from hpsearch.trials import Observation


def gathered(
    box: Box, observations: Sequence[Observation], model: Surrogate | None
) -> dict[str, Any]:
    """The evidence as JSON: noise, gain left, importance, surface, divergence frontier.

    Without a surrogate, of too few observations, there is but the frontier.
    """
    found: dict[str, Any] = {"frontier": frontier(observations)}
    if model is None:
        return found
    gain, matters = expected_gain(model, box), importance(model, box)
    shown = surface(model, box, matters)
    found |= {
        "epochs": model.epochs,
        "noise_sd": model.noise_sd,
        "expected_gain": gain,
        "importance": [asdict(i) for i in matters],
        "surface": None if shown is None else asdict(shown),
        "agreement": {str(source): rho for source, rho in model.agreement.items()},
    }
    return found


def frontier(observations: Sequence[Observation]) -> Mapping[str, Any] | None:
    """Where training starts to diverge: the learning rates on either side of the border.

    Returns
    -------
    mapping or None
        The highest rate of a trial that was finite, the lowest of one that diverged, their
        counts, and the rate at which about as many diverge as do not; None where nothing
        diverged or the learning rate is not searched.
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
    return {
        "name": "learning_rate",
        "diverged": len(diverged),
        "finite": len(sound),
        "lowest_diverged": diverged[0],
        "highest_finite": sound[-1],
        "edge": _edge(rates),
    }


def _is_rate(value: object) -> bool:
    """Whether that is a rate at all: the learning rate of an external search may be anything."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _edge(rates: Sequence[tuple[float, bool]]) -> float:
    """The rate that separates finite from diverged trials with the fewest errors."""
    ordered = sorted(rates)
    wrong = sum(finite for _, finite in ordered)  # finite trials at or above the edge
    best, edge = wrong, ordered[0][0]
    for (rate, finite), (following, _) in zip(ordered, [*ordered[1:], ordered[-1]], strict=True):
        wrong += -1 if finite else 1
        if wrong < best:
            best, edge = wrong, math.sqrt(rate * following)
    return float(f"{edge:.3g}")


def beyond_frontier(box: Box, found: Mapping[str, Any] | None) -> bool:
    """Whether the learning-rate range reaches past the frontier."""
    rate = box.get("learning_rate")
    return found is not None and isinstance(rate, Range) and rate.high > found["edge"]
