"""Findings about the scores: too few examples, candidates alike, short epochs, old searches."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.report import statistics
from hpsearch.report.health.stored import Row, Stored
from hpsearch.report.views import HealthNote
from hpsearch.space import Range
from hpsearch.spec import ResolvedSpec
from hpsearch.trials import RoundKind

FEW_EXAMPLES = 200  # below, candidates can hardly be told apart
VISIBLE = 2.0  # standard deviations of a difference that can be seen
MATTERS = 0.005  # a difference in score that is worth knowing about
COSTLY = 3.0  # standard deviations by which following short epochs must lose
ORDERED_LEAST, COSTLY_LEAST = 8, 3  # configurations, to speak of an order, and of a loss
SHIFTED = 0.1  # decades by which the best learning rate must move to be worth a word
AGREEING = 0.5  # correlation below which an earlier search disagrees


def validation_examples(resolved: ResolvedSpec) -> int:
    """How many examples of the training part validate a trial, about."""
    spec, n = resolved.spec, resolved.facts.n_train
    if spec.validation.folds is not None:
        return n
    return round(n * (1 - (1 - spec.validation_fraction) ** spec.validation.repeats))


def few_examples(stored: Stored) -> Iterator[HealthNote]:
    """A validation part that is too small for what is asked of it, known from the start."""
    n = validation_examples(stored.resolved)
    if n >= FEW_EXAMPLES or not stored.resolved.workload.classifies:
        return
    known = stored.search.best_accuracy
    share = known if known is not None and 0 < known < 1 else 0.5
    sd = math.sqrt(share * (1 - share) / max(1, n))
    n_train = stored.resolved.facts.n_train
    yield HealthNote(
        code="few_validation_examples",
        severity="warning",
        message=(
            f"{n} validation examples are few: accuracies that differ by less than "
            f"{VISIBLE * sd:.2f} may not differ at all"
        ),
        numbers={"examples": n, "sd": sd, "accuracy": share},
        advice=(
            "only more data will help"
            if stored.resolved.spec.validation.folds is not None
            else f'"validation": {{"folds": 5}} lets all {n_train} training examples validate'
        ),
    )


def candidates_alike(stored: Stored) -> Iterator[HealthNote]:
    """Finalists that differ by something, which the validation examples are too few to show."""
    finalists = stored.latest("finalists") or []
    rivals = [f for f in finalists[1:] if f["indistinguishable"]]
    gap = max((abs(f["difference"]) for f in rivals), default=0.0)
    if gap < MATTERS or not stored.resolved.workload.classifies:
        return
    examples, others = validation_examples(stored.resolved), len(finalists) - 1
    sd = _difference_sd([finalists[0], *rivals], stored, examples)
    needed = math.ceil(examples * (VISIBLE * sd / gap) ** 2)
    yield HealthNote(
        code="candidates_alike",
        severity="warning",
        message=(
            f"{len(rivals)} of {others} other finalists cannot be told apart from the recommended "
            f"one: they differ from it by up to {gap:.3f}, and a difference has a standard "
            f"deviation of {sd:.3f} on {examples} validation examples"
        ),
        numbers={
            "alike": len(rivals), "others": others, "gap": gap, "sd": sd, "examples": examples,
            "needed": needed,
        },
        advice="take whichever is cheapest; "
        + (
            f"to see a difference of {gap:.3f} takes about {needed:,} validation examples"
            if needed > examples
            else "more trainings of each would tell them apart"
        ),
    )  # fmt: skip


def _difference_sd(finalists: Sequence[Mapping[str, Any]], stored: Stored, examples: int) -> float:
    """Standard deviation that the examples give a difference between two finalists' accuracies.

    Paired: sqrt(Var(d_i) / n), d_i the difference of the shares of trainings that got example i
    right; the median over the others against the first. Where no such answers are stored it is
    the binomial one of two independent parts, which is more.
    """
    first, *others = [_answers(stored.full, f["params"]) for f in finalists]
    found = [
        float(np.sqrt(np.var(first - other) / len(first)))
        for other in others
        if first is not None and other is not None
    ]
    if found:
        return median(found)
    share = float(stored.search.best_accuracy or 0.5)
    return math.sqrt(2 * share * (1 - share) / max(1, examples))


def _answers(rows: Sequence[Row], params: Mapping[str, Any]) -> NDArray[np.float64] | None:
    """(n,) share of a configuration's trainings that got each validation example right."""
    bits = [
        np.unpackbits(np.frombuffer(row.right, np.uint8), count=row.examples)
        for row in rows
        if row.right is not None and row.params == params
    ]
    return np.mean(bits, axis=0, dtype=np.float64) if bits else None


@dataclass(frozen=True, slots=True)
class _Configuration:
    """One point of the space trained in full: its mean scores after few epochs, and after all."""

    params: Mapping[str, Any]
    trainings: int
    short: float
    full: float


def short_epoch_bias(stored: Stored) -> Iterator[HealthNote]:
    """Short trainings that rank configurations otherwise than full ones do.

    Compared on the configurations that were trained in full, whose curves tell both. It counts
    as a bias where following the short order would have lost more than noise explains, or where
    there are clear differences of which the short order tells nothing.
    """
    epochs = _shortest(stored)
    noise = stored.latest("noise_sd")
    last = stored.resolved.spec.epochs.last
    if epochs is None or noise is None or epochs >= last:
        return
    found = _configurations(stored.full, epochs)
    if len(found) < COSTLY_LEAST:
        return
    first, best = max(found, key=lambda c: c.short), max(found, key=lambda c: c.full)
    cost = best.full - first.full
    allowed = COSTLY * noise * math.sqrt(1 / first.trainings + 1 / best.trainings)
    shorts, fulls = [c.short for c in found], [c.full for c in found]
    rho = _rank_correlation(shorts, fulls)
    spread = statistics.mean_sd(fulls)[1] or 0.0
    unordered = len(found) >= ORDERED_LEAST and rho <= 0 and spread > VISIBLE * noise
    if cost <= allowed and not unordered:
        return
    shift = _shift(stored, found)
    numbers: dict[str, float | int | str | None] = {
        "short_epochs": epochs, "full_epochs": last, "configurations": len(found),
        "rank_correlation": rho, "cost": cost, "noise_sd": noise, "learning_rate_shift": shift,
    }  # fmt: skip
    yield HealthNote(
        code="short_epoch_bias",
        severity="warning",
        message=(
            f"{epochs} epochs rank otherwise than {last}: the best after {epochs} is {cost:.3f} "
            f"behind the best after {last} (rank correlation {rho:.2f}, {len(found)} "
            f"configurations){_direction(shift)}"
        ),
        numbers=numbers,
        advice=f"start with more epochs: epochs.first above {epochs}",
    )


def _shortest(stored: Stored) -> int | None:
    """The first epoch at which trials were compared."""
    rungs = [(r.rungs or [r.epochs])[0] for r in stored.begun if r.kind == RoundKind.EXPLORE]
    return min(rungs, default=None)


def _configurations(rows: Sequence[Row], epochs: int) -> list[_Configuration]:
    groups: dict[str, list[tuple[Row, float]]] = {}
    for row in rows:
        short = _score_after(row, epochs)
        if short is not None and row.score is not None:
            groups.setdefault(json.dumps(row.params, sort_keys=True), []).append((row, short))
    return [
        _Configuration(
            params=group[0][0].params,
            trainings=len(group),
            short=math.fsum(short for _, short in group) / len(group),
            full=math.fsum(row.score for row, _ in group) / len(group),
        )
        for group in groups.values()
    ]


def _score_after(row: Row, epochs: int) -> float | None:
    """The score that a trial's curve has after so many epochs."""
    for epoch, _, _, *score in row.curve or ():
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


def _shift(stored: Stored, found: Sequence[_Configuration]) -> float | None:
    """How far the better third lies higher in learning rate after all epochs than after few.

    In the range's own scale: decades on a log range.
    """
    rate = stored.resolved.box.get("learning_rate")
    if not isinstance(rate, Range):
        return None
    top = max(1, len(found) // 3)

    def middle(scores: Mapping[int, float]) -> float:
        best = sorted(range(len(found)), key=lambda i: -scores[i])[:top]
        return median(rate.coordinate(float(found[i].params["learning_rate"])) for i in best)

    full = {i: c.full for i, c in enumerate(found)}
    return middle(full) - middle({i: c.short for i, c in enumerate(found)})


def _direction(shift: float | None) -> str:
    if shift is None or abs(shift) < SHIFTED:
        return ""
    side = "higher" if shift > 0 else "lower"
    return f"; full trainings want a {side} learning rate"


def disagreement(stored: Stored) -> Iterator[HealthNote]:
    """Earlier searches whose scores have little in common with this one's."""
    names = stored.resolved.spec.earlier
    for source, rho in (stored.latest("agreement") or {}).items():
        if rho >= AGREEING or not 0 < int(source) <= len(names):
            continue
        name = names[int(source) - 1]
        what = "what warm_start brought" if name is None else f"the earlier search {name}"
        yield HealthNote(
            code="warm_start_disagrees",
            severity="info",
            message=f"{what} disagrees with this search (correlation {rho:.2f})",
            numbers={"search": name, "correlation": rho},
            advice="its trials were given little weight; leave it out of warm_start next time",
        )
