"""Bayesian optimisation against random search on the same budget.

Several searches run in step: what they ask for next trains together, as one stack.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch import nn, surrogate
from hpsearch.figures import Axis, Figure, Panel, Series, grid
from hpsearch.lab import stacks
from hpsearch.lab.data import LabData
from hpsearch.lab.experiment import Experiment, Finding, band, beyond, interval, judged

Floats = NDArray[np.float64]

# name -> low, high, logarithmic
SPACE = {
    "learning_rate": (1e-5, 10.0, True),
    "momentum": (0.0, 0.99, False),
    "weight_decay": (1e-8, 1.0, True),
    "dropout": (0.0, 0.8, False),
    "init_std": (1e-3, 1.0, True),
}
HIDDEN, BATCH = (50,), 50
FIRST = 8  # random evaluations before the surrogate has a say
WIDE, NEAR, REACH = 1000, 200, 0.05  # candidates: anywhere, about the best, and how far about


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """Validation scores (repeats, budget) in the order of evaluation, and the picks' held-out ones.

    `reached` (repeats, budget) is the held-out accuracy of the best so far by validation.
    """

    scores: dict[str, Floats]
    reached: dict[str, Floats]

    def lead(self, at: int) -> Floats:
        """(repeats,) points by which Bayesian optimisation is ahead after `at` evaluations."""
        lead: Floats = self.reached["Bayesian"][:, at - 1] - self.reached["random"][:, at - 1]
        return lead


def member(unit: Floats, seed: int, index: int) -> nn.Member:
    """The member at a place (5,) of the unit cube."""
    values = {}
    for (name, (low, high, log)), u in zip(SPACE.items(), unit.tolist(), strict=True):
        values[name] = low * (high / low) ** u if log else low + (high - low) * u
    rate, constants = values.pop("learning_rate"), {"momentum": values.pop("momentum")}
    return stacks.member(rate, seed, index, initializer="normal", constants=constants, **values)


def propose_random(x: Floats, scores: Floats, rng: np.random.Generator) -> Floats:
    """A uniform draw."""
    return rng.random(len(SPACE))


def propose_bayesian(x: Floats, scores: Floats, rng: np.random.Generator) -> Floats:
    """The candidate of the highest expected improvement, given x (n, 5) and scores (n,)."""
    if len(x) < FIRST:
        return rng.random(len(SPACE))
    model = surrogate.fit(x, scores)
    index, best = model.best()
    near = x[index] + REACH * rng.normal(size=(NEAR, len(SPACE)))
    candidates = np.concatenate([rng.random((WIDE, len(SPACE))), np.clip(near, 0.0, 1.0)])
    value = surrogate.expected_improvement(model, candidates, best=best)
    chosen: Floats = candidates[np.argmax(value)]
    return chosen


PROPOSALS: dict[str, Callable[[Floats, Floats, np.random.Generator], Floats]] = {
    "random": propose_random,
    "Bayesian": propose_bayesian,
}


def run(data: LabData, seed: int, *, quick: bool) -> Result:
    """Searches of both kinds in step, on one draw of images; the first evaluations are shared."""
    budget, repeats, epochs, sizes = (14, 4, 4, (300, 300)) if quick else (32, 12, 10, (500, 1000))
    rows = data.draw(sum(sizes), seed)
    parts = data.examples(rows[: sizes[0]], rows[sizes[0] :], data.held_out[:4000])
    shape = data.shape(*HIDDEN, optimizer="momentum", batch_size=BATCH)
    scores, reached = {}, {}
    for name, propose in PROPOSALS.items():
        # Both kinds of a repeat draw from one stream: their first FIRST evaluations are the same.
        rngs = [np.random.default_rng([seed, repeat]) for repeat in range(repeats)]
        x = np.empty((repeats, budget, len(SPACE)))
        y, tested = np.empty((repeats, budget)), np.empty((repeats, budget))
        for k in range(budget):
            for r, rng in enumerate(rngs):
                x[r, k] = propose(x[r, :k], y[r, :k], rng)
            members = [member(x[r, k], seed + r, k) for r in range(repeats)]
            y[:, k], tested[:, k] = _evaluate(shape, members, parts, epochs, seed)
        winners = np.array([[np.nanargmax(row[: k + 1]) for k in range(budget)] for row in y])
        scores[name], reached[name] = y, np.take_along_axis(tested, winners, axis=1)
    return Result(scores, reached)


def _evaluate(
    shape: nn.Shape,
    members: Sequence[nn.Member],
    parts: tuple[nn.Examples, ...],
    epochs: int,
    seed: int,
) -> tuple[Floats, Floats]:
    """Validation and held-out accuracies (T,); 0 where a member diverged."""
    train, validation, held_out = parts
    outcomes = stacks.train(
        shape, members, (train, validation), epochs=epochs, seed=seed, keep_weights=True
    )
    scores = np.array([stacks.accuracies(o, epochs)[-1] for o in outcomes])
    tested = np.zeros(len(members))
    alive = [t for t, o in enumerate(outcomes) if o.weights is not None]
    if alive:
        weights = nn.Weights.stack([w for o in outcomes if (w := o.weights) is not None])
        answers = nn.predict_values(shape, weights, held_out).argmax(axis=2)
        tested[alive] = (answers == held_out.targets).mean(axis=1)
    return scores, tested


def findings(result: Result) -> list[Finding]:
    """The lead at half and at the whole budget."""
    budget = result.scores["random"].shape[1]
    half, whole = interval(result.lead(budget // 2)), interval(result.lead(budget))
    ends = {name: interval(rows[:, -1]).points() for name, rows in result.reached.items()}
    final = result.reached["random"][:, -1].mean()
    mean = result.reached["Bayesian"].mean(axis=0)
    level = np.flatnonzero(mean >= final)
    needed = f"{level[0] + 1} evaluations" if len(level) else "more than its budget"
    return [
        Finding(
            "Bayesian optimisation searches more efficiently than random draws.",
            f"held-out accuracy of the pick after {budget} evaluations: Bayesian "
            f"{ends['Bayesian']} %, random {ends['random']} %; lead {whole.points(signed=True)} points, after "
            f"{budget // 2} evaluations {half.points(signed=True)}; it needs {needed} for what "
            f"random draws reach in {budget} ({whole.count} paired repeats)",
            judged(beyond(whole, 0.0), beyond(half, 0.0)),
        )
    ]


def figures(result: Result) -> Sequence[Figure]:
    """Accuracy of the best so far, and where the single evaluations lie."""
    series = []
    for name, rows in result.reached.items():
        mean, low, high = (np.clip(edge, 0.0, 1.0) for edge in band(rows))
        # What is shared has nothing to compare, and its climb would hide what comes after it.
        counts, parted = np.arange(1.0, len(mean) + 1), slice(FIRST - 1, None)
        series.append(
            Series(name, counts[parted], mean[parted], low=low[parted], high=high[parted])
        )
    medians = [
        Series(name, np.arange(1.0, rows.shape[1] + 1), np.median(rows, axis=0), "both")
        for name, rows in result.scores.items()
    ]
    return [
        grid(
            [
                Panel("held-out accuracy of the best so far (by validation)",
                      Axis("evaluations"), Axis("accuracy"), series),
                Panel("median score of the k-th evaluation",
                      Axis("evaluation"), Axis("validation accuracy"), medians),
            ],
            columns=2, height=320,
        )
    ]  # fmt: skip


EXPERIMENT = Experiment(
    title="Bayesian optimisation",
    about=(
        "Five hyperparameters (learning rate, momentum, weight decay, dropout, std of the "
        "initial weights) of a network with 50 hidden units on 500 images, ten epochs, 1,000 "
        "validation images; 32 evaluations one after the other. The surrogate is a Gaussian "
        "process (Matérn 5/2); the next evaluation is the candidate of the highest expected "
        "improvement. Both kinds share their first eight evaluations. Twelve repeats; bands and "
        "± are 95 % t intervals."
    ),
    run=run,
    findings=findings,
    figures=figures,
    cost=8.0,
)
