"""Networks that differ in their initial weights alone, and the mean of their probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch import nn
from hpsearch.arrays import Floats
from hpsearch.figures import Figure
from lab import stacks
from lab.data import LabData
from lab.experiment import Experiment, Finding, beyond, interval, judged
from lab.figures import Axis, Panel, Series, grid

HIDDEN, RATE, BATCH, GROUP = (100, 100), 0.1, 100, 5


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """Held-out accuracies: members (T,), ensembles of GROUP members (T / GROUP,), growing (T,)."""

    members: Floats
    groups: Floats
    growing: Floats  # of the first 1, 2, ..., T members


def run(data: LabData, seed: int, *, quick: bool) -> Result:
    """Train the members, then average their probabilities in different company."""
    count, epochs, total = (300, 12, 10) if quick else (5000, 10, 20)
    train, held_out = data.examples(data.draw(count, seed), data.held_out)
    shape = data.shape(*HIDDEN, batch_size=BATCH)
    members = [stacks.member(RATE, seed, i) for i in range(total)]
    outcomes = stacks.train(
        shape, members, (train, None), epochs=epochs, seed=seed, keep_weights=True
    )
    weights = nn.Weights.stack([o.weights for o in outcomes if o.weights is not None])
    right = held_out.targets
    each = nn.predict_values(shape, weights, held_out)
    sums = np.cumsum(each, axis=0)
    groups = [
        nn.ensemble_values(shape, weights.take(range(k, k + GROUP)), held_out)
        for k in range(0, len(weights) - GROUP + 1, GROUP)
    ]
    return Result(
        members=np.array([_accuracy(p, right) for p in each]),
        groups=np.array([_accuracy(p, right) for p in groups]),
        growing=np.array([_accuracy(p, right) for p in sums]),
    )


def _accuracy(probabilities: NDArray[np.floating], right: NDArray[np.integer]) -> float:
    return float(np.mean(probabilities.argmax(axis=1) == right))


def findings(result: Result) -> list[Finding]:
    """The gain of five together over one of them."""
    per_group = result.members[: GROUP * len(result.groups)].reshape(-1, GROUP)
    gain = interval(result.groups - per_group.mean(axis=1))
    over_best = interval(result.groups - per_group.max(axis=1))
    return [
        Finding(
            "Five networks together are some points better than one.",
            f"one network {result.members.mean():.2%} on average, five {result.groups.mean():.2%}: "
            f"{gain.points(signed=True)} points over {len(result.groups)} groups; against the "
            f"best of each five {over_best.points(signed=True)}",
            judged(beyond(gain, 0.0), gain.mean >= 0.02),
        )
    ]


def figures(result: Result) -> Sequence[Figure]:
    """Accuracy against the number of members."""
    counts = np.arange(1.0, len(result.growing) + 1)
    series = [
        Series("ensemble of the first n", counts, result.growing, "both"),
        Series("member n by itself", counts, result.members, "points"),
    ]
    panel = Panel("", Axis("n"), Axis("held-out accuracy"), series)
    return [grid([panel], columns=1, height=280)]


EXPERIMENT = Experiment(
    title="An ensemble and its members",
    about=(
        "Twenty networks 100-100 on the same 5,000 images, SGD with learning rate 0.1, ten "
        "epochs. They differ in their initial weights alone. An ensemble answers with the mean "
        "of its members' probabilities."
    ),
    run=run,
    findings=findings,
    figures=figures,
    cost=1.0,
)
