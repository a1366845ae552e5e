"""Settings of the user's choice in the course of a search: tried first, and the baseline.

The baseline is repeated with the finalists and tested with the recommendation. Where the data do not
object to one of its values, the recommendation has that value: a change that is not shown to help is
no advice. One that lies outside what is searched is trained as well, and never moves a range.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hpsearch import reasons
from hpsearch.coordinator import finalists, required
from hpsearch.coordinator.configurations import configurations
from hpsearch.narrowing.basis import basis_of, untried
from hpsearch.records.chosen import key, same
from hpsearch.space import Level, Params, inside, same_level
from hpsearch.spec import given, needs
from hpsearch.trials import Basis, Decision, Observation, Recommendation, TrialState, Verdict

if TYPE_CHECKING:
    from hpsearch.coordinator.situation import Situation

RIGHT_ANSWERS = "accuracy"  # the objective that is their share
BEHIND = 2.0  # standard deviations of a posterior by which the baseline's values would lose


def as_tried(settings: Sequence[Params], number: int) -> list[Observation]:
    """Settings that a round begins with, as trials of which nothing is known: their levels have a turn."""
    return [
        Observation(
            number, i, params, TrialState.PENDING, epochs=0, correct=0, examples=0, loss=None
        )
        for i, params in enumerate(settings)
    ]


def with_baseline(situation: Situation, rivals: Sequence[Params]) -> list[Params]:
    """The finalists with the values that they keep of the baseline, each once, the baseline second."""
    base = situation.now.baseline
    if base is None:
        return list(rivals)
    values = _unopposed(situation)
    changed = [_without_objection(situation, one, values) for one in rivals]
    distinct = {key(one): one for one in changed if not same(one, base)}
    leaders = list(distinct.values())
    return [*leaders[:1], base, *leaders[1:]]


def repeats(situation: Situation, rivals: Sequence[Params], trials: int) -> list[Params]:
    """The trials of a repeat round: the leader and the baseline as often as each other."""
    settings = with_baseline(situation, rivals)[:trials]
    each, more = divmod(trials, len(settings))
    counts = [each + (k < more) for k in range(len(settings))]
    if more == 1 and len(settings) > 2:
        counts[0], counts[2] = each, each + 1
    return [one for one, count in zip(settings, counts, strict=True) for _ in range(count)]


def kept(situation: Situation, best: Recommendation) -> Recommendation:
    """The recommendation with the baseline's values to which the data do not object."""
    base = situation.now.baseline
    if base is None:
        return best
    values = _unopposed(situation)
    params = _without_objection(situation, best.best.params, values)
    if _less_is_known(situation, best.best.params, params):  # nobody knows what a mixture measures
        params = best.best.params
    names = tuple(n for n in sorted(values) if n in params and same_level(params[n], values[n]))
    if same(params, best.best.params):
        return replace(best, kept=names)
    return replace(_recommended(situation, best, params), kept=names, cheaper=best.cheaper)


def unless_equal(situation: Situation, best: Recommendation) -> Recommendation:
    """The baseline in place of a recommendation that full trainings do not tell from it.

    The evidence about single values comes from all trials, whose scores share the luck of one validation
    part. Whether the whole change is worth it is asked of the trainings that compare both settings. A
    baseline that lies outside what is searched is not recommended.
    """
    now, base = situation.now, situation.now.baseline
    if base is None or same(base, best.best.params) or not given.is_searched(now.resolved, base):
        return best
    if any(not o.finite and same(o.params, base) for o in now.own):
        return best
    if _less_is_known(situation, best.best.params, base):
        return best
    spec = now.resolved.spec
    # Answers are right or wrong, which tells nothing of a loss, nor of what an example weighs.
    by_answers = spec.objective == RIGHT_ANSWERS and not now.resolved.weighted
    masks = now.correct_masks if by_answers else {}
    p = finalists.p_of_equal(best.best.params, base, now.observations, spec.epochs.last, masks)
    if p is None or p < finalists.DISTINCT:
        return best
    names = tuple(sorted(base))
    return replace(_recommended(situation, best, base), kept=names, cheaper=best.cheaper)


def _recommended(situation: Situation, best: Recommendation, params: Params) -> Recommendation:
    """Another setting in place of the recommended one, with what is known of it."""
    now, last = situation.now, situation.now.resolved.spec.epochs.last
    trained_here = configurations(now.observations, situation.model)
    for c in (*trained_here, *configurations(now.aside, None)):
        if same(c.params, params):
            trained = c.at(last) or [o for o in c.trainings if o.epochs == c.longest]
            first = min(trained, key=lambda o: (o.round, o.index))
            return Recommendation(first, c.mean, c.sd, len(c.at(last)))
    # Nobody has trained it: its score is the surrogate's, and no example was counted for it.
    never = replace(best.best, params=params, correct=0, examples=0)
    mean, sd = best.score, best.sd
    if situation.model is not None:
        means, sds = situation.model.predict(situation.model.encoding.encode([params]))
        mean, sd = float(means[0]), float(sds[0])
    return Recommendation(never, mean, sd, 0)


def _unopposed(situation: Situation) -> Mapping[str, Level]:
    """The baseline's values in the best range of which the evidence does not say that others are better."""
    now, base = situation.now, situation.now.baseline
    assert base is not None  # the caller has looked
    if any(not o.finite and same(o.params, base) for o in (*now.own, *now.aside)):
        return {}
    values = {}
    for d in situation.decisions:
        if d.name not in base:  # it is not active beside the others
            continue
        if inside({d.name: situation.box[d.name]}, base) and _is_open(situation, d):
            values[d.name] = base[d.name]
    return values


def _is_open(situation: Situation, d: Decision) -> bool:
    """Tell whether the evidence of a decision leaves open which value is the best."""
    if d.verdict is Verdict.UNIDENTIFIED:
        return True
    own = situation.now.own
    never = untried(d.after, (o.params[d.name] for o in own if d.name in o.params))
    basis = basis_of(
        d.verdict,
        d.numbers,
        reasons.to_json(d.reason),
        d.after,
        hyperparameters=len(situation.box),
        untried=bool(never),
    )
    return basis is not Basis.ENOUGH


def _without_objection(situation: Situation, params: Params, values: Mapping[str, Level]) -> Params:
    """`params` with all of the values, or with as many as the surrogate does not object to.

    One by one none of them matters; together they may, where hyperparameters interact.
    """
    whole = _changed(situation, params, values)
    if whole is not None and (same(whole, params) or _as_good(situation, params, whole)):
        return whole
    made = params
    for name, value in sorted(values.items()):
        other = _changed(situation, made, {name: value})
        if other is not None and _as_good(situation, params, other):
            made = other
    return made


def _changed(situation: Situation, params: Params, values: Mapping[str, Level]) -> Params | None:
    """`params` with other values; None where the space has no such setting.

    What becomes active by them has the baseline's value, which has to lie in the best range as theirs do.
    """
    base, space = situation.now.baseline, situation.now.resolved.space
    changed: Params = {**params, **values}
    if not space.restricted:
        return changed
    changed = space.active({**(base or {}), **changed})
    if not inside({name: situation.box[name] for name in changed.keys() - params.keys()}, changed):
        return None
    return changed if space.fits(changed) and space.permits(changed) else None


def _as_good(situation: Situation, params: Params, other: Params) -> bool:
    """Tell whether nothing speaks against `other` in place of `params`."""
    if any(not o.finite and same(o.params, other) for o in situation.now.own):
        return False
    if _breaks_more(situation, params, other):
        return False
    model = situation.model
    if model is None:
        return True
    means, sds = model.predict(model.encoding.encode([params, other]))
    return float(means[0] - means[1]) <= BEHIND * float((sds[0] ** 2 + sds[1] ** 2) ** 0.5)


def _less_is_known(situation: Situation, params: Params, other: Params) -> bool:
    """Tell whether `other` is known to meet less than `params`, or is not known to be as cheap."""
    if same(params, other):
        return False
    before, after = (_standing(situation, one) for one in (params, other))
    if after.broken > before.broken or after.unknown > before.unknown:
        return True
    mine, theirs = (_cost(situation, one) for one in (params, other))
    return mine is not None and (theirs is None or theirs > mine)


def _breaks_more(situation: Situation, params: Params, other: Params) -> bool:
    """Tell whether `other` breaks more requirements as far as they are known, or is less cheap."""
    if _standing(situation, other).broken > _standing(situation, params).broken:
        return True
    mine, theirs = (_cost(situation, one) for one in (params, other))
    return mine is not None and theirs is not None and theirs > mine


def _standing(situation: Situation, params: Params) -> required.Standing:
    now = situation.now
    if not now.resolved.spec.require:
        return required.MEETS
    return required.of_trainings(now.resolved, params, _trainings(situation, params))


def _cost(situation: Situation, params: Params) -> float | None:
    """The cost by which the cheapest is looked for; None where it is not known, or does not matter."""
    resolved = situation.now.resolved
    name, last = resolved.spec.cheapest, resolved.spec.epochs.last
    if name is None:
        return None
    known = needs.known(resolved, params).get(name)
    if known is not None:
        return known
    trained = _trainings(situation, params)
    return required.mean_of(resolved, name, [o for o in trained if o.finite and o.epochs == last])


def _trainings(situation: Situation, params: Params) -> list[Observation]:
    now = situation.now
    return [o for o in (*now.own, *now.aside) if same(o.params, params)]
