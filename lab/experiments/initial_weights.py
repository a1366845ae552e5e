"""Learning curves of a deep ReLU network from three kinds of initial weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.arrays import Floats
from hpsearch.figures import Figure
from lab import stacks
from lab.data import LabData
from lab.experiment import Experiment, Finding, judged, span
from lab.figures import Axis, Panel, Series, grid

CASES = {"std 0.01": "normal", "Xavier": "xavier", "He": "he"}
HIDDEN, BATCH, RATE = (100,) * 5, 128, 0.01
CHANCE = np.log(10.0)  # the loss of ten equal probabilities


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """losses[case] (repeats, epochs) and the held-out accuracies at the end (repeats,)."""

    steps: int  # updates of an epoch
    losses: Mapping[str, Floats]
    accuracy: Mapping[str, Floats]

    def updates_to(self, case: str, loss: float) -> float:
        """Updates until the mean training loss is below `loss`; NaN if it never is."""
        below = np.flatnonzero(self.losses[case].mean(axis=0) < loss)
        return float(self.steps * (below[0] + 1)) if len(below) else np.nan


def run(data: LabData, seed: int, *, quick: bool) -> Result:
    """2,000 updates with plain SGD, all members in one stack."""
    count, epochs, repeats = (640, 20, 2) if quick else (12_800, 20, 3)
    train, held_out = data.examples(data.draw(count, seed), data.held_out[:2000])
    shape = data.shape(*HIDDEN, batch_size=BATCH)
    members = [
        stacks.member(RATE, seed, i, initializer=initializer, init_std=0.01)
        for initializer in CASES.values()
        for i in range(repeats)
    ]
    outcomes = stacks.train(shape, members, (train, held_out), epochs=epochs, seed=seed)
    losses = np.array([stacks.losses(o, epochs) for o in outcomes])
    final = np.array([stacks.accuracies(o, epochs)[-1] for o in outcomes])
    rows = {case: slice(k * repeats, (k + 1) * repeats) for k, case in enumerate(CASES)}
    return Result(
        steps=-(-len(train) // BATCH),
        losses={case: losses[at] for case, at in rows.items()},
        accuracy={case: final[at] for case, at in rows.items()},
    )


def findings(result: Result) -> list[Finding]:
    """Compare the cases: whether they learn, and the updates that they need."""
    small = result.losses["std 0.01"].mean(axis=0)
    loss = float(result.losses["Xavier"].mean(axis=0)[-1])
    xavier, he = (float(result.losses[case].mean(axis=0)[-1]) for case in ("Xavier", "He"))
    updates = result.steps * len(small)
    sooner = result.updates_to("He", loss)
    return [
        Finding(
            "With std 0.01 the network does not learn at all.",
            f"mean training loss {small[-1]:.3f} after {updates:,} updates; ten equal "
            f"probabilities have {CHANCE:.3f}",
            judged(bool(abs(small[-1] - CHANCE) < 0.02)),
        ),
        Finding(
            "With Xavier and He it learns, with He faster.",
            f"training loss after {updates:,} updates: Xavier {xavier:.3f}, He {he:.3f}; He needs "
            f"{sooner:,.0f} updates for what Xavier reaches in {updates:,}",
            judged(xavier < 0.8 * CHANCE, he < xavier),
        ),
    ]


def figures(result: Result) -> Sequence[Figure]:
    """The three curves."""
    series = []
    for case, losses in result.losses.items():
        mean, low, high = span(losses)
        updates = result.steps * np.arange(1.0, len(mean) + 1)
        series.append(Series(case, updates, mean, low=low, high=high))
    panel = Panel("", Axis("updates"), Axis("training loss"), series)
    return [grid([panel], columns=1, height=300)]


EXPERIMENT = Experiment(
    title="Initial weights and learning",
    about=(
        "Five hidden layers of 100 units, ReLU, SGD with learning rate 0.01 and batches of 128 "
        "from 12,800 images; mean and span of three initialisations."
    ),
    run=run,
    findings=findings,
    figures=figures,
    cost=2.0,
)
