"""SGD, momentum, AdaGrad, RMSProp and Adam on images: at the chapter's rates and at others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.arrays import Floats
from hpsearch.figures import Figure
from lab import stacks
from lab.data import LabData
from lab.experiment import Experiment, Finding, judged, span
from lab.experiments.paths import NAMES
from lab.figures import Axis, Panel, Series, grid

# The chapter's rates; for RMSProp, which it leaves out, Adam's.
RATES = {"sgd": 0.01, "momentum": 0.01, "adagrad": 0.01, "rmsprop": 0.001, "adam": 0.001}
# Rates tried for each optimizer: two to a decade about where the optimizer is used.
TRIED = {
    "sgd": np.logspace(-2, 0, 5),
    "momentum": np.logspace(-3, -1, 5),
    "adagrad": np.logspace(-3, -1, 5),
    "rmsprop": np.logspace(-4, -2, 5),
    "adam": np.logspace(-4, -2, 5),
}
HIDDEN = (100,) * 5
BATCH = 128


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """Losses that the optimizers reached, by name.

    losses (repeats, epochs) at the chapter's rates; by_rate (rates,) losses after `short` epochs.
    """

    steps: int  # updates of an epoch
    losses: Mapping[str, Floats]
    by_rate: Mapping[str, Floats]
    short: int

    def mean(self, name: str) -> float:
        """The training loss at the chapter's rate, averaged over the updates: low is fast."""
        return float(self.losses[name].mean())

    def end(self, name: str) -> float:
        """The training loss at the chapter's rate in the last epoch."""
        return float(self.losses[name][:, -1].mean())

    def best(self, name: str) -> float:
        """The lowest loss that any rate tried reached."""
        return float(self.by_rate[name].min())

    def best_rate(self, name: str) -> float:
        """That rate."""
        return float(TRIED[name][np.argmin(self.by_rate[name])])


def run(data: LabData, seed: int, *, quick: bool) -> Result:
    """2,000 updates at the chapter's rates, then a shorter training at every rate tried."""
    count, epochs, short, repeats = (640, 12, 6, 2) if quick else (12_800, 20, 5, 3)
    (train,) = data.examples(data.draw(count, seed))
    losses, by_rate = {}, {}
    for name, rate in RATES.items():
        shape = data.shape(*HIDDEN, optimizer=name, batch_size=BATCH)
        members = [stacks.member(rate, seed, i) for i in range(repeats)]
        outcomes = stacks.train(shape, members, (train, None), epochs=epochs, seed=seed)
        losses[name] = np.array([stacks.losses(o, epochs) for o in outcomes])
        tried = [stacks.member(float(r), seed, i) for r in TRIED[name] for i in range(2)]
        outcomes = stacks.train(shape, tried, (train, None), epochs=short, seed=seed)
        last = np.array([stacks.losses(o, short)[-1] for o in outcomes])
        by_rate[name] = last.reshape(-1, 2).mean(axis=1)
    return Result(-(-len(train) // BATCH), losses, by_rate, short)


def findings(result: Result) -> list[Finding]:
    """Rank the optimizers at the chapter's rates, and each at its own best rate."""
    updates = result.steps * result.losses["sgd"].shape[1]
    faster = [result.mean(name) < result.mean("sgd") for name in RATES if name != "sgd"]
    fixed, tuned = sorted(RATES, key=result.mean), sorted(RATES, key=result.best)
    ends = ", ".join(f"{NAMES[name]} {result.end(name):.2g}" for name in RATES)
    means = ", ".join(f"{NAMES[name]} {result.mean(name):.2g}" for name in fixed)
    best = ", ".join(
        f"{NAMES[n]} {result.best(n):.3f} (at {result.best_rate(n):.2g})" for n in tuned
    )
    return [
        Finding(
            "SGD learns slowest; momentum, AdaGrad and Adam learn faster.",
            f"training loss over {updates:,} updates at the chapter's rates, mean: {means}; at the "
            f"end: {ends}",
            judged(*faster),
        ),
        Finding(
            "AdaGrad learns a little faster than the others.",
            f"lowest mean loss over the updates: {NAMES[fixed[0]]}, then {NAMES[fixed[1]]}; lowest loss "
            f"at the end: {NAMES[min(RATES, key=result.end)]}",
            judged(fixed[0] == "adagrad", min(RATES, key=result.end) == "adagrad"),
        ),
        Finding(
            "No optimizer is best everywhere: it depends on the problem and the settings.",
            f"loss after {result.steps * result.short:,} updates, each at the best of "
            f"{len(TRIED['sgd'])} rates: {best}; SGD is {result.best('sgd') / result.best(tuned[0]):.1f} "
            f"times the best there, {result.mean('sgd') / result.mean(fixed[0]):.1f} times at the "
            "chapter's rates",
            judged(tuned[0] != fixed[0], tuned != fixed),
        ),
    ]


def figures(result: Result) -> Sequence[Figure]:
    """Losses over updates at the chapter's rates, and over the rates."""
    curves = []
    for name, losses in result.losses.items():
        mean, low, high = span(losses)
        updates = result.steps * np.arange(1.0, len(mean) + 1)
        curves.append(Series(NAMES[name], updates, mean, low=low, high=high))
    rates = [
        Series(NAMES[name], TRIED[name], np.where(np.isfinite(values), values, np.nan), "both")
        for name, values in result.by_rate.items()
    ]
    short = f"{result.steps * result.short:,}"
    return [
        grid(
            [
                Panel("at the chapter's rates", Axis("updates"), Axis("training loss", log=True), curves),
                Panel(f"after {short} updates, by rate", Axis("learning rate", log=True),
                      Axis("training loss", log=True), rates),
            ],
            columns=2, height=340,
        )
    ]  # fmt: skip


EXPERIMENT = Experiment(
    title="Optimizers on images",
    about=(
        "Five hidden layers of 100 units, ReLU, He initial weights, batches of 128. Left: 2,000 "
        "updates on 12,800 images (the chapter draws its batches from all 60,000), mean and "
        "span of three initialisations. Right: a shorter training at five learning rates for "
        "each optimizer. A point that is missing diverged."
    ),
    run=run,
    findings=findings,
    figures=figures,
    cost=5.0,
)
