"""Batch normalisation against none, over sixteen scales of the initial weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.arrays import Bools, Floats
from hpsearch.figures import Figure
from lab import stacks
from lab.data import LabData
from lab.experiment import Experiment, Finding, judged
from lab.figures import Axis, Panel, Series, grid

SCALES = np.logspace(0, -4, 16)
HIDDEN, BATCH, RATE = (100,) * 5, 100, 0.01
LEARNED = 0.5  # training accuracy that chance is far from
MARGIN = 0.01  # a lead smaller than this is no lead


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """Mean training accuracies (16 scales, epochs), without and with batch norm."""

    plain: Floats
    normed: Floats

    @property
    def ahead(self) -> Bools:
        """(16,) whether batch norm is ahead on the mean of all epochs: whether it learns faster."""
        ahead: Bools = self.normed.mean(axis=1) > self.plain.mean(axis=1) + MARGIN
        return ahead


def run(data: LabData, seed: int, *, quick: bool) -> Result:
    """1,000 images; the sixteen scales are members of a stack."""
    epochs, repeats = (10, 1) if quick else (20, 3)
    (train,) = data.examples(data.draw(1000, seed))
    curves = []
    for batch_norm in (False, True):
        shape = data.shape(*HIDDEN, batch_size=BATCH, batch_norm=batch_norm)
        members = [
            stacks.member(RATE, seed, i, initializer="normal", init_std=float(scale))
            for scale in SCALES
            for i in range(repeats)
        ]
        outcomes = stacks.train(
            shape, members, (train, None), epochs=epochs, seed=seed, score_train=True
        )
        accuracies = np.array([stacks.train_accuracies(o, epochs) for o in outcomes])
        curves.append(accuracies.reshape(len(SCALES), repeats, epochs).mean(axis=1))
    return Result(plain=curves[0], normed=curves[1])


def findings(result: Result) -> list[Finding]:
    """Count the scales at which batch norm is ahead, and those that learn at all."""
    ahead = int(result.ahead.sum())
    behind = [f"{s:.2g}" for s, a in zip(SCALES, result.ahead, strict=True) if not a]
    plain, normed = (SCALES[c[:, -1] > LEARNED] for c in (result.plain, result.normed))
    middle = SCALES[np.argmax(result.plain.mean(axis=1))]
    return [
        Finding(
            "With batch norm learning is faster at almost every scale.",
            f"ahead over the epochs at {ahead} of {len(SCALES)} scales"
            + (f"; not at {', '.join(behind)}" if behind else ""),
            judged(ahead > len(SCALES) / 2, ahead >= 0.8 * len(SCALES)),
        ),
        Finding(
            "Without batch norm a network learns only from weights of a good scale; with it the scale matters little.",
            f"above {LEARNED:.0%} training accuracy after {result.plain.shape[1]} epochs: "
            f"{_range(plain)} without, {_range(normed)} with; the best scale without is {middle:.2g}",
            judged(len(plain) < len(SCALES) / 2, len(normed) > 0.8 * len(SCALES)),
        ),
    ]


def _range(scales: Floats) -> str:
    if not len(scales):
        return "no scale"
    return f"{len(scales)} scales ({scales.min():.2g} to {scales.max():.2g})"


def figures(result: Result) -> Sequence[Figure]:
    """Sixteen panels of two curves."""
    epochs = np.arange(1.0, result.plain.shape[1] + 1)
    panels = [
        Panel(
            f"std {scale:.2g}",
            Axis("epoch"),
            Axis("train acc.", ends=(0, 1)),
            [
                Series("batch norm", epochs, result.normed[k]),
                Series("without", epochs, result.plain[k], dash="dash"),
            ],
        )
        for k, scale in enumerate(SCALES)
    ]
    return [grid(panels, columns=4, height=150, shared=True)]


EXPERIMENT = Experiment(
    title="Batch normalisation",
    about=(
        "1,000 images, five hidden layers of 100 units, ReLU, SGD with learning rate 0.01, "
        "batches of 100. All weights start with the standard deviation above the panel; sixteen "
        "of them are members of a stack. Accuracy on the training images, in inference, the "
        "mean over three initialisations; a network that diverged counts as 0."
    ),
    run=run,
    findings=findings,
    figures=figures,
    cost=2.0,
)
