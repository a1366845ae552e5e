"""Findings about the scores: too few examples, candidates alike, short epochs, old searches."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from hpsearch.evidence import INTERVAL_SHARE, Finalist
from hpsearch.records import TrialRecord
from hpsearch.report import statistics, words
from hpsearch.report.health.records import SearchRecords
from hpsearch.report.views import HealthNote
from hpsearch.space import Params, Range
from hpsearch.trials import RoundKind

FEW_EXAMPLES = 200  # below, candidates can hardly be told apart
VISIBLE = 2.0  # standard deviations of a difference that can be seen
MATTERS = 0.005  # of the examples: a difference in accuracy that is worth knowing about
COSTLY = 3.0  # standard deviations by which following short epochs must lose
ORDERED_LEAST, COSTLY_LEAST = 8, 3  # configurations, to speak of an order, and of a loss
SHIFTED = 0.03  # of the range's width, by which the best learning rate must move to be worth a word
CHANCE_LEAST = (
    0.01  # probability of so few scores inside of their intervals, below which it is no chance
)
AGREEING = 0.5  # correlation below which an earlier search disagrees


def few_examples(records: SearchRecords) -> Iterator[HealthNote]:
    """A validation part that is too small for what is asked of it, known from the start."""
    n = records.validation_examples
    if n is None or n >= FEW_EXAMPLES or not records.resolved.workload.classifies:
        return
    known = records.search.best_accuracy
    share = known if known is not None and 0 < known < 1 else 0.5
    sd = math.sqrt(share * (1 - share) / max(1, n))
    n_train, by_time = records.resolved.facts.n_train, records.resolved.facts.time
    more = "more stretches of time" if by_time else f"all {n_train} training examples"
    yield HealthNote(
        code="few_validation_examples",
        severity="warning",
        message=(
            f"{n} {_examples(records)} are few: accuracies that differ by less than "
            f"{VISIBLE * sd:.2f} may not differ at all"
        ),
        numbers={"examples": n, "sd": sd, "accuracy": share},
        advice=(
            "only more data will help"
            if records.resolved.spec.validation.folds is not None
            else f'"validation": {{"folds": 5}} lets {more} validate'
        ),
    )


def _examples(records: SearchRecords) -> str:
    weighed = ", as their weights have them count," if records.resolved.weighted else ""
    return f"validation examples{weighed}"


def candidates_alike(records: SearchRecords) -> Iterator[HealthNote]:
    """Finalists that differ in accuracy by something, which is not enough to choose between them."""
    finalists = records.latest(lambda evidence: evidence.finalists) or []
    # A difference is one of accuracies where it is paired, else of scores by the objective.
    shares = records.resolved.spec.objective == "accuracy"
    rivals = [f for f in finalists[1:] if f.indistinguishable and (f.paired or shares)]
    gap = max((abs(f.difference) for f in rivals), default=0.0)
    examples = records.validation_examples
    if gap < MATTERS or examples is None or not records.resolved.workload.classifies:
        return
    others = len(finalists) - 1
    sd = _difference_sd([finalists[0], *rivals], records, examples)
    needed = math.ceil(examples * (VISIBLE * sd / gap) ** 2)
    few = needed > examples
    yield HealthNote(
        code="candidates_alike",
        severity="warning",
        message=(
            f"{len(rivals)} of {others} other finalists cannot be told apart from the recommended "
            f"one: they differ from it by up to {gap:.3f}, "
            + (
                f"and {examples} {_examples(records)} give a difference a standard deviation of "
                f"{words.number(sd)}"
                if few
                else "and their trainings vary by more than that"
            )
        ),
        numbers={
            "alike": len(rivals), "others": others, "gap": gap, "sd": sd, "examples": examples,
            "needed": needed,
        },
        advice=(
            f"take whichever is cheapest: to see a difference of {gap:.3f} takes about {needed:,} "
            "validation examples"
            if few
            else "train each more often to tell them apart: more finalists.rounds"
        ),
    )  # fmt: skip


def _difference_sd(finalists: Sequence[Finalist], records: SearchRecords, examples: int) -> float:
    """Standard deviation that the examples give a difference between two finalists' accuracies.

    Paired: sqrt(Var(d_i) / n), d_i the difference of the shares of trainings that got example i
    right; the median over the others against the first. Where no such answers are stored it is
    the binomial one of two independent parts, which is more.
    """
    first, *others = [_answers(records.full, f.params) for f in finalists]
    deviations = [
        float(np.sqrt(np.var(first - other) / len(first)))
        for other in others
        if first is not None and other is not None
    ]
    if deviations:
        return median(deviations)
    share = float(records.search.best_accuracy or 0.5)
    return math.sqrt(2 * share * (1 - share) / max(1, examples))


def _answers(trials: Sequence[TrialRecord], params: Params) -> NDArray[np.float64] | None:
    """(n,) share of a configuration's trainings that got each validation example right."""
    bits = [
        np.unpackbits(np.frombuffer(t.right, np.uint8), count=t.examples)
        for t in trials
        if t.right is not None and t.params == params
    ]
    return np.mean(bits, axis=0, dtype=np.float64) if bits else None


@dataclass(frozen=True, slots=True)
class _Configuration:
    """A point of the space trained in full: its mean scores after few epochs, and after all."""

    params: Params
    trainings: int
    short: float
    full: float


def short_epoch_bias(records: SearchRecords) -> Iterator[HealthNote]:
    """Short trainings that rank configurations otherwise than full ones do.

    Compared on the configurations that were trained in full, whose curves tell both. It counts
    as a bias where following the short order would have lost more than noise explains, or where
    there are clear differences of which the short order tells nothing.
    """
    epochs = _shortest(records)
    noise = records.latest(lambda evidence: evidence.noise_sd)
    last = records.resolved.spec.epochs.last
    if epochs is None or noise is None or epochs >= last:
        return
    compared = _configurations(records.full, epochs)
    if len(compared) < COSTLY_LEAST:
        return
    first = max(compared, key=lambda c: c.short)
    best = max(compared, key=lambda c: c.full)
    cost = best.full - first.full
    allowed = COSTLY * noise * math.sqrt(1 / first.trainings + 1 / best.trainings)
    shorts, fulls = [c.short for c in compared], [c.full for c in compared]
    rho = _rank_correlation(shorts, fulls)
    spread = statistics.mean_sd(fulls)[1] or 0.0
    unordered = len(compared) >= ORDERED_LEAST and rho <= 0 and spread > VISIBLE * noise
    if cost <= allowed and not unordered:
        return
    shift = _shift(records, compared)
    numbers: dict[str, float | int | str | None] = {
        "short_epochs": epochs, "full_epochs": last, "configurations": len(compared),
        "rank_correlation": rho, "cost": cost, "noise_sd": noise, "learning_rate_shift": shift,
    }  # fmt: skip
    yield HealthNote(
        code="short_epoch_bias",
        severity="warning",
        message=(
            f"{epochs} epochs rank otherwise than {last}: the best after {epochs} is "
            f"{words.number(cost)} behind the best after {last} (rank correlation {rho:.2f}, {len(compared)} "
            f"configurations){_direction(records, shift)}"
        ),
        numbers=numbers,
        advice=f"start with more epochs: epochs.first above {epochs}",
    )


def _shortest(records: SearchRecords) -> int | None:
    """The first epoch at which trials were compared."""
    rungs = [r.ladder[0] for r in records.begun if r.kind is RoundKind.EXPLORE]
    return min(rungs, default=None)


def _configurations(trials: Sequence[TrialRecord], epochs: int) -> list[_Configuration]:
    groups: dict[str, list[tuple[Params, float, float]]] = {}
    for t in trials:
        short = _score_after(t, epochs)
        if short is not None and t.score is not None:
            key = json.dumps(t.params, sort_keys=True)
            groups.setdefault(key, []).append((t.params, short, t.score))
    return [
        _Configuration(
            params=group[0][0],
            trainings=len(group),
            short=math.fsum(short for _, short, _ in group) / len(group),
            full=math.fsum(full for _, _, full in group) / len(group),
        )
        for group in groups.values()
    ]


def _score_after(trial: TrialRecord, epochs: int) -> float | None:
    """The score that a trial's curve has after so many epochs."""
    for epoch, _, _, *score in trial.curve or ():
        if epoch == epochs and score and score[0] is not None:
            return float(score[0])
    return None


def _rank_correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's; 0 where one of the two does not vary."""
    if len(set(one)) < 2 or len(set(other)) < 2:
        return 0.0
    # Here, because the processes that only answer need not wait for it to load.
    from scipy.stats import spearmanr

    return float(spearmanr(one, other).statistic)


def _shift(records: SearchRecords, compared: Sequence[_Configuration]) -> float | None:
    """Shift of the better third to a higher learning rate, from few epochs to all of them.

    In the range's own scale: decades on a log range.
    """
    rate = records.resolved.box.get("learning_rate")
    if not isinstance(rate, Range) or not all("learning_rate" in c.params for c in compared):
        return None
    top = max(1, len(compared) // 3)

    def middle(scores: Mapping[int, float]) -> float:
        best = sorted(range(len(compared)), key=lambda i: -scores[i])[:top]
        rates = (float(compared[i].params["learning_rate"]) for i in best)  # type: ignore[arg-type]  # a range holds numbers
        return median(rate.coordinate(r) for r in rates)

    full = {i: c.full for i, c in enumerate(compared)}
    return middle(full) - middle({i: c.short for i, c in enumerate(compared)})


def _direction(records: SearchRecords, shift: float | None) -> str:
    rate = records.resolved.box.get("learning_rate")
    if shift is None or not isinstance(rate, Range) or abs(shift) < SHIFTED * rate.width:
        return ""
    side = "higher" if shift > 0 else "lower"
    return f"; full trainings want a {side} learning rate"


def disagreement(records: SearchRecords) -> Iterator[HealthNote]:
    """Earlier searches whose scores have little in common with this one's."""
    names = records.resolved.spec.earlier
    for source, rho in (records.latest(lambda evidence: evidence.agreement or None) or {}).items():
        if rho >= AGREEING or not 0 < source <= len(names):
            continue
        name = names[source - 1]
        what = "what warm_start brought" if name is None else f"the earlier search {name}"
        yield HealthNote(
            code="warm_start_disagrees",
            severity="info",
            message=f"{what} disagrees with this search (correlation {rho:.2f})",
            numbers={"search": name, "correlation": rho},
            advice="its trials were given little weight; leave it out of warm_start next time",
        )


def too_sure(records: SearchRecords) -> Iterator[HealthNote]:
    """A surrogate whose intervals hold fewer of the trials that it did not see than they should."""
    surrogate_check = records.latest(lambda evidence: evidence.surrogate_check)
    if surrogate_check is None:
        return
    p = statistics.so_few_by_chance(surrogate_check.inside, surrogate_check.trials, INTERVAL_SHARE)
    if p >= CHANCE_LEAST:
        return
    expected = round(INTERVAL_SHARE * surrogate_check.trials)
    yield HealthNote(
        code="surrogate_too_sure",
        severity="warning",
        message=(
            f"{surrogate_check.inside} of {surrogate_check.trials} trials lie where the surrogate expects them from "
            f"all others, and {expected} should: the scores change in ways that it does not know"
        ),
        numbers={"trials": surrogate_check.trials, "inside": surrogate_check.inside, "p": p},
        advice=(
            "read the ranges as narrower than the data allow; more repeats of a trial, a larger "
            "validation part or a narrower range make scores easier to predict"
        ),
    )
