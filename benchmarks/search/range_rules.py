"""The rules that ranges are narrowed by elsewhere, on the unit square.

A rule is told every round so far, as places and noisy values, and answers with the box of the
next round, or after the last one with its answer: (2 edges, axes).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.stats import qmc

from hpsearch.arrays import Floats

Round = tuple[Floats, Floats]  # places (n, axes), noisy values (n,)
Rule = Callable[[Sequence[Round]], Floats]

TOP = 5
SHARE = 0.2
WHOLE = np.array([[0.0, 0.0], [1.0, 1.0]])
OSCILLATING, PANNING, ETA = 0.7, 1.0, 0.9  # Stander and Craig (2002)


def _all(rounds: Sequence[Round]) -> Round:
    return np.concatenate([r[0] for r in rounds]), np.concatenate([r[1] for r in rounds])


def _hull(places: Floats, values: Floats, count: int) -> Floats:
    best = places[np.argsort(-values)[:count]]
    return np.stack([best.min(axis=0), best.max(axis=0)])


def whole(rounds: Sequence[Round]) -> Floats:
    """No narrowing at all."""
    return WHOLE


def top_five(rounds: Sequence[Round]) -> Floats:
    """The hull of the five best of all trials so far."""
    return _hull(*_all(rounds), TOP)


def top_share(rounds: Sequence[Round]) -> Floats:
    """The hull of the best 20 % of all trials so far."""
    places, values = _all(rounds)
    return _hull(places, values, max(2, round(SHARE * len(values))))


def halve(rounds: Sequence[Round]) -> Floats:
    """Half the width in every round, centred on the best so far, moved back inside."""
    places, values = _all(rounds)
    half = 0.5 ** (len(rounds) + 1)
    centre = np.clip(places[int(np.argmax(values))], half, 1 - half)
    return np.stack([centre - half, centre + half])


def domain_reduction(rounds: Sequence[Round]) -> Floats:
    """Sequential domain reduction (Stander and Craig 2002), around the best so far."""
    dimensions = rounds[0][0].shape[1]
    widths, before = np.ones(dimensions), np.full(dimensions, 0.5)
    moved_before = np.zeros(dimensions)
    for k in range(len(rounds)):
        places, values = _all(rounds[: k + 1])
        best = places[int(np.argmax(values))]
        moved = 2 * (best - before) / widths
        product = moved * moved_before
        c = np.sign(product) * np.sqrt(np.abs(product))
        gamma = (PANNING * (1 + c) + OSCILLATING * (1 - c)) / 2
        widths = widths * (ETA + np.abs(moved) * (gamma - ETA))
        before, moved_before = best, moved
    return np.clip(np.stack([before - widths / 2, before + widths / 2]), 0.0, 1.0)


RULES: Mapping[str, Rule] = {
    "random": whole,
    "Sobol": whole,
    "box of the top 5": top_five,
    "box of the top 20 %": top_share,
    "halve around the best": halve,
    "sequential domain reduction": domain_reduction,
}


def narrowed(
    rule: Rule, observe: Callable[[Floats], Floats], rounds: int, trials: int, seed: Sequence[int]
) -> tuple[list[Round], Floats]:
    """A whole search: its rounds and its final box; uniform draws inside the box."""
    rng = np.random.default_rng(seed)
    seen: list[Round] = []
    box = WHOLE
    for _ in range(rounds):
        places = box[0] + rng.random((trials, box.shape[1])) * (box[1] - box[0])
        seen.append((places, observe(places)))
        box = rule(seen)
    return seen, box


def sobol(
    observe: Callable[[Floats], Floats], rounds: int, trials: int, seed: Sequence[int]
) -> tuple[list[Round], Floats]:
    """A scrambled Sobol sequence over the whole square."""
    engine = qmc.Sobol(WHOLE.shape[1], scramble=True, rng=np.random.default_rng(seed))
    places = engine.random_base2(int(np.ceil(np.log2(rounds * trials))))[: rounds * trials]
    return [(places, observe(places))], WHOLE


def tpe(
    observe: Callable[[Floats], Floats], rounds: int, trials: int, seed: Sequence[int]
) -> tuple[list[Round], Floats]:
    """Optuna's TPE, asked for a batch of `trials` a round; its range is the last batch's hull."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    start = int(np.random.SeedSequence(list(seed)).generate_state(1)[0])
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=start)
    )
    seen: list[Round] = []
    for _ in range(rounds):
        batch = [study.ask() for _ in range(trials)]
        places = np.array([
            [t.suggest_float(str(k), 0.0, 1.0) for k in range(WHOLE.shape[1])] for t in batch
        ])  # fmt: skip
        values = observe(places)
        for trial, value in zip(batch, values, strict=True):
            study.tell(trial, float(value))
        seen.append((places, values))
    last = seen[-1][0]
    return seen, np.stack([last.min(axis=0), last.max(axis=0)])
