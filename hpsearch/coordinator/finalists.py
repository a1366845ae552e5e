"""The final comparison: the best configurations again, with new seeds, at full epochs.

The score that made a trial the best of a hundred is luck in part, and was often measured
after a short training. The finalists are therefore trained again, in full, several times,
and compared on the same validation examples; one that is clearly behind drops out.

Notation
    K          finalists           m_k        trainings of finalist k in full
    n          validation examples
    c_ki       share of the trainings of k that classified example i correctly
    d_i        c_ai - c_bi, whose mean is the difference in accuracy of a and b
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from hpsearch.coordinator.configurations import Configuration, best_first, configurations
from hpsearch.coordinator.required import StandingOf, first_ranked, meets_all
from hpsearch.evidence import Finalist
from hpsearch.records.chosen import same
from hpsearch.space import Box, Params
from hpsearch.surrogate import Surrogate
from hpsearch.trials import Observation, Recommendation

REPEATS = 2  # trainings of a finalist in the first repeat round, about
BEHIND = 2.0  # standard deviations by which a configuration drops out
DISTINCT = 0.05  # p below which two configurations can be told apart

CorrectMasks = Mapping[tuple[int, int], bytes]  # by (round, index), as in a snapshot
Floats = NDArray[np.float64]


def contenders(
    box: Box,
    observations: Sequence[Observation],
    model: Surrogate | None,
    most: int,
    standing: StandingOf = meets_all,
) -> list[Configuration]:
    """Return at most `most` configurations that may be the best: two at least, where there are two.

    The leader is the one of the highest posterior mean among those that meet what is required. Another
    one is out when it is behind by more than `BEHIND` standard deviations of both together, or breaks more
    requirements.
    """
    ranked = best_first(configurations(observations, model), box, model, standing)
    if len(ranked) < 2:
        return ranked
    leader = ranked[0]
    close = [
        c for c in ranked[1:]
        if (model is None or leader.mean - c.mean <= BEHIND * math.hypot(leader.sd, c.sd))
        and standing(c).broken <= standing(leader).broken
    ]  # fmt: skip
    return [leader, *(close or ranked[1:2])][: max(most, 2)]


def repeats_of(rivals: Sequence[Configuration], trials: int) -> list[Params]:
    """Return the parameters of a repeat round of `trials`: leaders are trained once more often."""
    each, more = divmod(trials, len(rivals))
    return [c.params for k, c in enumerate(rivals) for _ in range(each + (k < more))]


def recommend(
    box: Box,
    observations: Sequence[Observation],
    model: Surrogate | None,
    epochs: int,
    *,
    repeats: frozenset[int] = frozenset(),
    standing: StandingOf = meets_all,
) -> Recommendation | None:
    """Return the configuration of the highest posterior mean among those trained for `epochs`.

    Those that meet what is required come first; where none of the finalists does, another one that does.

    After repeat rounds (`repeats` are their numbers) it is one of the finalists, since no other
    has proved anything. Those inside the best range come first: the answer is one range,
    and a recommendation outside it would be another. Where nothing was trained for so long,
    all trials count.
    """
    everything = configurations(observations, model)
    full = [c for c in everything if c.at(epochs)]
    repeated = [c for c in full if any(o.round in repeats for o in c.trainings)]
    pool = first_ranked((repeated, full, everything), standing)
    ranked = best_first(pool, box, model, standing)
    if not ranked:
        return None
    best = ranked[0]
    trained = best.at(epochs) or [o for o in best.trainings if o.epochs == best.longest]
    place = min((o.round, o.index) for o in trained)
    first = next(o for o in observations if not o.source and (o.round, o.index) == place)
    return Recommendation(first, best.mean, best.sd, len(trained))


def compare(
    recommended: Recommendation,
    observations: Sequence[Observation],
    model: Surrogate | None,
    epochs: int,
    correct_masks: CorrectMasks,
    *,
    repeats: frozenset[int] = frozenset(),
    aside: Sequence[Observation] = (),
) -> list[Finalist]:
    """Compare every finalist with the recommended configuration, the best first.

    A finalist has answers to single examples (`correct_masks`) or a trial in one of the rounds
    `repeats`. One that was repeated for another number of epochs, before an edit, is no finalist of these.
    A baseline outside what is searched (`aside`) is measured by its trainings alone.
    """
    repeated = {
        (o.round, o.index)
        for o in (*observations, *aside)
        if (o.round, o.index) in correct_masks or o.round in repeats
    }
    rivals = [
        c for c in (*configurations(observations, model), *configurations(aside, None))
        if c.at(epochs) and any((o.round, o.index) in repeated for o in c.trainings)
    ]  # fmt: skip
    chosen = next((c for c in rivals if same(c.params, recommended.best.params)), None)
    if chosen is None:
        return []
    finalists = [_finalist(chosen, c, epochs, correct_masks) for c in rivals]
    return sorted(finalists, key=lambda f: (not same(f.params, chosen.params), -f.posterior_mean))


def _finalist(
    best: Configuration, other: Configuration, epochs: int, correct_masks: CorrectMasks
) -> Finalist:
    a, b = _scores(best, epochs), _scores(other, epochs)
    p, paired = None, False
    difference = float(a.mean() - b.mean())
    if other is not best:
        mine, theirs = _correctness(best, correct_masks), _correctness(other, correct_masks)
        if mine is not None and theirs is not None:
            p, paired = paired_p(mine, theirs), True
            difference = float(mine.mean() - theirs.mean())
        elif len(a) > 1 and len(b) > 1:
            p = unpaired_p(a, b)
    return Finalist(
        params=other.params,
        trainings=len(b),
        mean=float(b.mean()),
        sd=float(b.std(ddof=1)) if len(b) > 1 else None,
        posterior_mean=other.mean,
        difference=difference,
        p=p,
        paired=paired,
        indistinguishable=p is None or p >= DISTINCT,
    )


def p_of_equal(
    one: Params,
    other: Params,
    observations: Sequence[Observation],
    epochs: int,
    correct_masks: CorrectMasks,
) -> float | None:
    """Return the two-sided p-value of equal worth of two settings by their full trainings; None without any.

    On the same validation examples where both have answers to them, else by their scores: the spread
    of a training is then that of all settings that were repeated, for two trainings alone hardly tell it.
    """
    known = configurations(observations, None)
    a, b = (next((c for c in known if same(c.params, params)), None) for params in (one, other))
    if a is None or b is None or not (a.at(epochs) and b.at(epochs)):
        return None
    mine, theirs = _correctness(a, correct_masks), _correctness(b, correct_masks)
    if mine is not None and theirs is not None:
        return paired_p(mine, theirs)
    repeated = [scores for c in known if len(scores := _scores(c, epochs)) > 1]
    return pooled_p(_scores(a, epochs), _scores(b, epochs), repeated)


def pooled_p(one: Floats, other: Floats, repeated: Sequence[Floats]) -> float | None:
    """Return the two-sided p-value of equal mean scores (m_a,) and (m_b,) by one spread for all settings.

    repeated: the scores of each setting with two or more of them; None where there is none.
    """
    freedom = sum(len(scores) - 1 for scores in repeated)
    if not freedom:
        return None
    squares = sum(float(np.sum(np.square(scores - scores.mean()))) for scores in repeated)
    difference = float(one.mean() - other.mean())
    error = math.sqrt(squares / freedom * (1 / len(one) + 1 / len(other)))
    if error == 0.0:
        return 0.0 if difference else 1.0
    return float(2.0 * stats.t.sf(abs(difference) / error, freedom))


def _scores(configuration: Configuration, epochs: int) -> Floats:
    return np.array([o.value for o in configuration.at(epochs)], np.float64)


def _correctness(configuration: Configuration, correct_masks: CorrectMasks) -> Floats | None:
    """(m, n) 1 where a training classified an example correctly; None where nothing is stored."""
    rows = [
        np.unpackbits(np.frombuffer(correct_masks[o.round, o.index], np.uint8), count=o.examples)
        for o in configuration.trainings
        if (o.round, o.index) in correct_masks
    ]
    return np.array(rows, np.float64) if rows else None


def unpaired_p(one: Floats, other: Floats) -> float:
    """Return the two-sided p-value of equal mean scores (m_a,) and (m_b,), two or more of each (Welch 1947)."""
    spread = float(one.std(ddof=1)), float(other.std(ddof=1))
    if not any(spread):
        return 1.0 if one.mean() == other.mean() else 0.0
    welch = stats.ttest_ind_from_stats(
        one.mean(), spread[0], len(one), other.mean(), spread[1], len(other), equal_var=False
    )
    return float(welch.pvalue)


def paired_p(one: Floats, other: Floats) -> float:
    """Return the two-sided p-value of equal accuracy of two configurations on the same examples.

    one (m_a, n), other (m_b, n): 1 where a training classified an example correctly.

    z = mean(d) / sqrt(var(d) / n + s²/m_a + s²/m_b): the examples' share of the variance is
    that of a paired test, the seeds' share is the pooled variance s² of a training's accuracy
    about its configuration's mean. With one training each, and so no s², this is McNemar's
    test (1947) in its normal form.
    """
    d = one.mean(axis=0) - other.mean(axis=0)
    accuracies = [x.mean(axis=1) for x in (one, other)]
    freedom = sum(len(a) - 1 for a in accuracies)
    squares = sum(float(np.sum(np.square(a - a.mean()))) for a in accuracies)
    seeds = squares / freedom if freedom else 0.0
    variance = float(d.var()) / len(d) + seeds / len(one) + seeds / len(other)
    if variance <= 0.0:
        return 1.0 if not d.any() else 0.0
    return float(2.0 * stats.norm.sf(abs(float(d.mean())) / math.sqrt(variance)))
