"""Seven layers on 300 images: the gap between training and held-out accuracy, and two remedies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.arrays import Floats
from hpsearch.figures import Figure
from lab import stacks
from lab.data import LabData
from lab.experiment import Experiment, Finding, Interval, beyond, interval, judged, span
from lab.figures import Axis, Panel, Series, grid

CASES: Mapping[str, Mapping[str, float]] = {
    "nothing": {},
    "weight decay 0.1": {"weight_decay": 0.1},
    "dropout 0.2": {"dropout": 0.2},
}
HIDDEN, BATCH, RATE, IMAGES = (100,) * 6, 100, 0.01, 300


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """Accuracies (repeats, epochs) by case, on the training images and held out."""

    train: Mapping[str, Floats]
    held_out: Mapping[str, Floats]

    def gap(self, case: str) -> Floats:
        """(repeats,) training minus held-out accuracy after the last epoch."""
        gap: Floats = self.train[case][:, -1] - self.held_out[case][:, -1]
        return gap

    def shrinks(self, case: str) -> Interval:
        """By how much a remedy closes the gap; repeats share data and initial weights."""
        return interval(self.gap("nothing") - self.gap(case))

    def gains(self, case: str) -> Interval:
        """By how much a remedy raises the held-out accuracy."""
        return interval(self.held_out[case][:, -1] - self.held_out["nothing"][:, -1])


def run(data: LabData, seed: int, *, quick: bool) -> Result:
    """300 images for up to 300 epochs; a repeat is another draw of images and other initial weights."""
    epochs, repeats = (120, 2) if quick else (300, 5)
    return trained(data, seed, epochs=epochs, repeats=repeats)


def trained(data: LabData, seed: int, *, epochs: int, repeats: int) -> Result:
    """The three cases, `repeats` times."""
    train: dict[str, list[Floats]] = {case: [] for case in CASES}
    held_out: dict[str, list[Floats]] = {case: [] for case in CASES}
    for repeat in range(repeats):
        parts = data.examples(data.draw(IMAGES, seed + repeat), data.held_out[:1000])
        members = [stacks.member(RATE, seed, repeat, **options) for options in CASES.values()]
        outcomes = stacks.train(
            data.shape(*HIDDEN, batch_size=BATCH),
            members,
            (parts[0], parts[1]),
            epochs=epochs,
            seed=seed + repeat,
            score_train=True,
        )
        for case, outcome in zip(CASES, outcomes, strict=True):
            train[case].append(stacks.train_accuracies(outcome, epochs))
            held_out[case].append(stacks.accuracies(outcome, epochs))
    return Result(
        {case: np.array(rows) for case, rows in train.items()},
        {case: np.array(rows) for case, rows in held_out.items()},
    )


def findings(result: Result) -> list[Finding]:
    """The gap of each case, and what the remedies cost and bring."""
    plain = result.train["nothing"]
    gap = interval(result.gap("nothing"))
    perfect = np.flatnonzero(plain.mean(axis=0) > 0.999)
    since = f"from epoch {perfect[0] + 1} on" if len(perfect) else "never"
    claims = [
        Finding(
            "300 images and seven layers overfit: training accuracy reaches 100 %, held-out "
            "accuracy stays far below.",
            f"training accuracy {plain[:, -1].mean():.1%} (above 99.9 % {since}), held out "
            f"{result.held_out['nothing'][:, -1].mean():.1%}: a gap of {gap.points()} points",
            judged(bool(plain[:, -1].mean() > 0.999), beyond(gap, 0.02)),
        )
    ]
    for case in list(CASES)[1:]:
        end = float(result.train[case][:, -1].mean())
        smaller, gains = result.shrinks(case), result.gains(case)
        name = case.split(" 0")[0].capitalize()
        claims += [
            Finding(
                f"{name} narrows the gap and keeps training accuracy below 100 %.",
                f"gap {interval(result.gap(case)).points()} points, smaller by {smaller.points()}; "
                f"training accuracy {end:.1%}",
                judged(beyond(smaller, 0.0), end < 0.999),
            ),
            Finding(
                f"{name} helps on images not seen (ours: the gap also shrinks when the fit is worse).",
                f"held-out accuracy {gains.points(signed=True)} points against nothing",
                judged(beyond(gains, 0.0)),
            ),
        ]
    return claims


def figures(result: Result) -> Sequence[Figure]:
    """Training and held-out accuracy of each case."""
    panels = []
    for case in CASES:
        series = []
        for name, curves in (("training", result.train[case]), ("held out", result.held_out[case])):
            mean, low, high = span(curves)
            epochs = np.arange(1.0, len(mean) + 1)
            series.append(Series(name, epochs, mean, low=low, high=high))
        panels.append(Panel(case, Axis("epoch"), Axis("accuracy", ends=(0, 1.02)), series))
    return [grid(panels, columns=3, height=280, shared=True)]


EXPERIMENT = Experiment(
    title="Overfitting, weight decay, dropout",
    about=(
        "300 images, six hidden layers of 100 units (seven layers of weights), ReLU, He, SGD "
        "with learning rate 0.01, batches of 100, 300 epochs. Five repeats, each with other "
        "images and initial weights; the three cases of a repeat share both. Bands span the "
        "repeats, ± is a 95 % t interval."
    ),
    run=run,
    findings=findings,
    figures=figures,
    cost=3.0,
)
