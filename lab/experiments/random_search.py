"""The chapter's search for a learning rate and a weight decay, its trap, and our search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from hpsearch import nn
from hpsearch.arrays import Floats
from hpsearch.coordinator import Snapshot, decide
from hpsearch.data import split
from hpsearch.figures import Figure
from hpsearch.space import Box, Params, Range
from hpsearch.spec import ResolvedSpec, SearchSpec
from hpsearch.training import STATES, networks
from hpsearch.trials import FinalPlan, Observation, RoundPlan
from hpsearch.workloads import DatasetFacts
from lab import stacks
from lab.data import LabData
from lab.experiment import Experiment, Finding, beyond, denied, interval, judged
from lab.figures import Axis, Panel, Series, grid

IMAGES, BATCH, TOP = 500, 100, 5
NAMES = ("learning_rate", "weight_decay")
ASKED = {
    "learning_rate": {"low": 1e-6, "high": 1e-2, "scale": "log"},
    "weight_decay": {"low": 1e-8, "high": 1e-4, "scale": "log"},
}
MODEL = {"hidden_sizes": [100] * 6, "batch_size": BATCH}


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """A search: its trials, the box it ended with, and its pick's accuracies.

    `verdicts` are the last ones, by name, where the search gives any.
    """

    trials: Sequence[Observation]
    boxes: Sequence[Box]
    pick: Observation
    held_out: float
    verdicts: Mapping[str, str]

    def values(self, name: str) -> Floats:
        """(n,) what the trials had for `name`."""
        return np.array([float(t.params[name]) for t in self.trials])  # type: ignore[arg-type]  # numbers all

    def best(self, count: int) -> list[Observation]:
        """The best trials, best first."""
        return sorted(self.trials, key=lambda t: t.rank_key)[:count]


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """The chapter's search and ours from the same start, on the same images."""

    book: Search
    ours: Search


@dataclass(frozen=True, slots=True)
class Trainer:
    """Trains trials of one repeat in this process, as a worker would."""

    resolved: ResolvedSpec
    train: nn.Examples
    validation: nn.Examples
    held_out: nn.Examples

    def round(self, number: int, epochs: int, trials: Sequence[Params]) -> list[Observation]:
        """Train the trials of a round."""
        outcomes = self._outcomes(number, epochs, dict(enumerate(trials)), self.validation)
        return [
            _observation(number, i, params, outcome)
            for i, (params, outcome) in enumerate(zip(trials, outcomes, strict=True))
        ]

    def test(self, pick: Observation) -> float:
        """Held-out accuracy of the pick, trained once more from its keys: to the same bits."""
        trials = {pick.index: pick.params}
        (outcome,) = self._outcomes(pick.round, pick.epochs, trials, self.held_out)
        return outcome.curve[-1].accuracy

    def _outcomes(
        self, number: int, epochs: int, trials: Mapping[int, Params], scored: nn.Examples
    ) -> list[nn.Outcome]:
        resolved = self.resolved
        seed = resolved.spec.seed
        values = {i: resolved.workload.hyperparameters(params) for i, params in trials.items()}
        shape = networks.shape(next(iter(values.values())), resolved.facts)
        members = [
            networks.member(v, seed=seed, round=number, index=i, replicate=0, epochs=epochs)
            for i, v in values.items()
        ]
        parts = (self.train, scored)
        return stacks.train(shape, members, parts, epochs=epochs, seed=seed)


def _observation(number: int, index: int, params: Params, outcome: nn.Outcome) -> Observation:
    last = outcome.curve[-1] if outcome.curve else None
    return Observation(
        round=number,
        index=index,
        params=params,
        state=STATES[outcome.state],
        epochs=outcome.epochs_trained,
        correct=(last.n_correct or 0) if last else 0,
        examples=last.examples if last else 0,
        loss=last.loss if last else None,
        loss_drop=outcome.curve[0].loss - last.loss if last else None,
    )


def run(data: LabData, seed: int, *, quick: bool) -> list[Pair]:
    """Both searches on several draws of 500 images; both train the same number of epochs."""
    rounds, trials, epochs, repeats = (3, 12, 10, 2) if quick else (5, 20, 50, 4)
    pairs = []
    for repeat in range(seed, seed + repeats):
        trainer = _trainer(data, repeat, (rounds, trials, epochs))
        pairs.append(Pair(book(trainer), ours(trainer)))
    return pairs


def _trainer(data: LabData, seed: int, sizes: tuple[int, int, int]) -> Trainer:
    rounds, trials, epochs = sizes
    rows = data.draw(IMAGES, seed)
    parts = split(data.y[rows], fraction=0.2, seed=seed)
    train, validation, held_out = data.examples(
        rows[parts.train], rows[parts.validation], data.held_out
    )
    spec = SearchSpec.model_validate(
        {
            "dataset": data.name, "model": MODEL, "space": ASKED, "rounds": rounds, "seed": seed,
            "trials_per_round": trials, "epochs": {"first": epochs, "last": epochs},
        }
    )  # fmt: skip
    facts = DatasetFacts(data.info.digest, IMAGES, data.info.features, data.classes)
    return Trainer(ResolvedSpec(spec, facts), train, validation, held_out)


def book(trainer: Trainer) -> Search:
    """The chapter's way: uniform draws from the ranges; the best ones say where to look on."""
    resolved = trainer.resolved
    spec = resolved.spec
    total = spec.rounds * spec.trials.first
    whole = replace(
        resolved,
        spec=spec.model_copy(update={"sampler": "random", "trials_per_round": total}),
    )
    plan = decide(Snapshot(whole, whole.box, ()), job_size=total)
    assert isinstance(plan, RoundPlan)  # nothing else comes first
    trials = trainer.round(1, plan.epochs, plan.trials)
    top = sorted(trials, key=lambda t: t.rank_key)[:TOP]
    box = {name: _hull(whole.box[name], [t.params[name] for t in top]) for name in NAMES}
    return Search(trials, [whole.box, box], top[0], trainer.test(top[0]), {})


def _hull(asked: object, values: Sequence[object]) -> Range:
    """The narrowest range that holds the values."""
    assert isinstance(asked, Range)
    numbers = sorted(float(v) for v in values)  # type: ignore[arg-type]  # a range holds numbers
    return asked.moved(numbers[0], numbers[-1])


def ours(trainer: Trainer) -> Search:
    """The service's way: the coordinator decides, here without database, queue or worker."""
    resolved = trainer.resolved
    now = Snapshot(resolved, resolved.box, ())
    boxes = [now.box]
    plan = decide(now, job_size=32)
    while isinstance(plan, RoundPlan):
        trained = trainer.round(plan.number, plan.epochs, plan.trials)
        kinds = [*now.kinds, plan.kind]
        now = Snapshot(
            resolved, plan.box, [*now.observations, *trained], kinds=kinds,
            ended=now.ended if plan.evidence is None else plan.evidence.explored or now.ended,
        )  # fmt: skip
        boxes.append(plan.box)
        plan = decide(now, job_size=32)
    assert isinstance(plan, FinalPlan), plan  # the asked rates are too low for all to diverge
    verdicts = {d.name: d.verdict.value for d in plan.decisions}
    pick = plan.recommended.best
    return Search(now.observations, [*boxes, plan.box], pick, trainer.test(pick), verdicts)


def findings(pairs: list[Pair]) -> list[Finding]:
    """Places of the best trials, effect of weight decay, value of the pick."""
    count = len(pairs)
    top = [trial for pair in pairs for trial in pair.book.best(TOP)]
    rates, decays = (np.array([_log(trial, name) for trial in top]) for name in NAMES)
    ours = 10 ** np.array([_log(pair.ours.pick, NAMES[0]) for pair in pairs])
    p = float(stats.kstest((decays + 8) / 4, "uniform").pvalue)
    undecided = sum(pair.ours.verdicts[NAMES[1]] == "unidentified" for pair in pairs)
    book = interval([pair.book.held_out for pair in pairs])
    gain = interval([pair.ours.held_out - pair.book.held_out for pair in pairs])
    optimism = interval([pair.book.pick.accuracy - pair.book.held_out for pair in pairs])
    picks = f"{ours.min():.2g} to {ours.max():.2g}"
    trials, examples = len(pairs[0].book.trials), pairs[0].book.pick.examples
    return [
        Finding(
            "Learning goes well with a learning rate of 0.001 to 0.01.",
            f"inside the asked range yes: the best {TOP} of each of {count} searches have "
            f"{10 ** rates.min():.2g} to {10 ** rates.max():.2g}, the upper end of it; but our search "
            f"leaves the range and picks {picks}",
            judged(bool((rates >= -3).all()), bool((ours <= 0.01).all())),
        ),
        Finding(
            "... and with a weight decay of 1e-8 to 1e-6: so both ranges can be narrowed.",
            f"the weight decays of the best have the median {10 ** np.median(decays):.1g} and are spread "
            f"like a uniform draw from the range (Kolmogorov-Smirnov p = {p:.2g}); our search calls weight "
            f"decay unidentified in {undecided} of {count} repeats",
            judged(p < 0.05 and bool(np.median(decays) < -6)),
        ),
        Finding(
            "Narrowing to where the good values lie, and again, leads to the best ones.",
            f"not past the edge of the first range: the pick of the {trials} has a held-out accuracy of "
            f"{book.points()} %, that of our search, with as many epochs, "
            f"{gain.points(signed=True)} points more",
            judged(denied(beyond(gain, 0.0))),
        ),
        Finding(
            "The accuracy on validation data says how good the pick is (ours).",
            f"the winner of {trials} has {optimism.points(signed=True)} points more on the {examples} "
            "validation images that chose it than held out",
            judged(denied(beyond(optimism, 0.0))),
        ),
    ]


def _log(trial: Observation, name: str) -> float:
    return float(np.log10(float(trial.params[name])))  # type: ignore[arg-type]  # numbers all


def figures(pairs: list[Pair]) -> Sequence[Figure]:
    """The first repeat: all trials of both searches, and the boxes."""
    ends = {"x": (1e-7, 10.0), "y": (1e-11, 1e-1)}
    panels = []
    for name, search in (("as the chapter does it", pairs[0].book), ("our search", pairs[0].ours)):
        accuracies = np.array([t.accuracy for t in search.trials])
        points = Series("trials", search.values(NAMES[0]), search.values(NAMES[1]), "points",
                        values=accuracies, value_name="validation accuracy")  # fmt: skip
        outlines = [_outline("asked range", search.boxes[0], "dash")]
        outlines += [_outline("narrowed range", search.boxes[-1], "solid")]
        panels.append(
            Panel(
                name,
                Axis("learning rate", log=True, ends=ends["x"]),
                Axis("weight decay", log=True, ends=ends["y"]),
                [points, *outlines],
            )
        )
    return [grid(panels, columns=2, height=360)]


def _outline(name: str, box: Box, dash: str) -> Series:
    x, y = (box[n] for n in NAMES)
    assert isinstance(x, Range)
    assert isinstance(y, Range)
    corners = np.array(
        [[x.low, y.low], [x.high, y.low], [x.high, y.high], [x.low, y.high], [x.low, y.low]]
    )
    return Series(name, corners[:, 0], corners[:, 1], dash="dash" if dash == "dash" else "solid")


EXPERIMENT = Experiment(
    title="Random search, its trap, and our search",
    about=(
        "500 images, 100 of them for validation, six hidden layers of 100 units, ReLU, SGD, "
        "batches of 100, 50 epochs. The chapter draws 100 pairs from a learning rate of 1e-6 to "
        "1e-2 and a weight decay of 1e-8 to 1e-4 and goes on in the range that the best ones "
        "span (here: the best five); those further rounds are not trained, they cannot leave "
        "the range. Our search has the same start and the same number of trials and epochs, in "
        "five rounds of 20. Held-out accuracy is that of the picked trial's own network, "
        "trained on 400 images. Four repeats on other images; the figure shows the first."
    ),
    run=run,
    findings=findings,
    figures=figures,
    cost=12.0,
)
