"""Requirements in the choice: what a configuration is known to meet, and the cheapest of equals.

Those that meet every requirement come first, then those of which it is not known, then those that
break the fewest (Deb 2000, in the form without weights between requirements). A measured requirement
goes by the mean over the full trainings: what a shorter one would come to nobody knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hpsearch.records.chosen import key, same
from hpsearch.samplers import SAMPLERS
from hpsearch.space import Params
from hpsearch.spec import ResolvedSpec, needs
from hpsearch.trials import Observation, Recommendation

if TYPE_CHECKING:
    from hpsearch.coordinator.configurations import Configuration
    from hpsearch.evidence import Finalist

ROUNDS_MOST = 8  # of draws in place of settings that break a requirement, each of twice as many
ANYWHERE_MOST = 64  # of these, uniform ones from all that was asked for


class Standing(NamedTuple):
    """Numbers of requirements that a configuration breaks, and that nothing is known of; less is better."""

    broken: int = 0
    unknown: int = 0

    @property
    def meets(self) -> bool:
        """True where every requirement is met."""
        return self == MEETS


MEETS = Standing()
StandingOf = Callable[["Configuration"], Standing]


def meets_all(configuration: Configuration) -> Standing:
    """The standing of any configuration where nothing is required."""
    return MEETS


def standing_of(resolved: ResolvedSpec) -> StandingOf:
    """The standing of configurations by the requirements of a spec."""
    if not resolved.spec.require:
        return meets_all

    def standing(configuration: Configuration) -> Standing:
        return of_trainings(resolved, configuration.params, configuration.trainings)

    return standing


def of_trainings(
    resolved: ResolvedSpec, params: Params, trainings: Sequence[Observation]
) -> Standing:
    """The standing of a setting with these trainings."""
    full = [o for o in trainings if o.finite and o.epochs == resolved.spec.epochs.last]
    known = needs.known(resolved, params)
    broken = unknown = 0
    for one in resolved.spec.require:
        value = known.get(one.metric)
        if value is None:
            value = mean_of(resolved, one.metric, full)
        if value is None:
            unknown += 1
        else:
            broken += not one.met_by(value)
    return Standing(broken, unknown)


def mean_of(resolved: ResolvedSpec, name: str, trainings: Sequence[Observation]) -> float | None:
    """The mean of a measured quantity; None where a training has none, or there is none."""
    values = [needs.measured(resolved, name, o) for o in trainings]
    there = [value for value in values if value is not None]
    return float(np.mean(there)) if there and len(there) == len(values) else None


def drawn(
    resolved: ResolvedSpec,
    draw: Callable[[int, int, Sequence[Params]], Sequence[Params]],
    count: int,
    rng: Callable[[], np.random.Generator],
) -> list[Params]:
    """`count` settings that break no requirement on a known quantity.

    Parameters
    ----------
    draw
        (how many, the attempt, what is kept so far) -> further settings of the round's sampler.
    rng
        Makes the generator of the draws from all that was asked for, where the sampler's meet too little.

    The first attempt is what the sampler draws without requirements. Where even uniform draws do not fill the
    round, those that break the fewest requirements do.
    """
    kept: list[Params] = []
    others: list[Params] = []
    attempts = 1 if not needs.known_ones(resolved) else ROUNDS_MOST
    for attempt in range(attempts):
        if len(kept) >= count:
            break
        more = (count - len(kept)) * 2**attempt if attempt else count
        for params in draw(more, attempt, kept):
            (others if needs.breaks(resolved, params) else kept).append(params)
    if attempts == 1:
        return [*kept, *others][:count]
    generator, uniform = rng(), SAMPLERS["random"].propose
    for _ in range(ANYWHERE_MOST):
        if len(kept) >= count:
            break
        for params in uniform(resolved.space, resolved.box, (), None, 4 * count, generator):
            (others if needs.breaks(resolved, params) else kept).append(params)
    others.sort(key=lambda params: len(needs.breaks(resolved, params)))
    return [*kept, *others][:count]


def cheapest(
    resolved: ResolvedSpec,
    best: Recommendation,
    finalists: Sequence[Finalist],
    candidates: Sequence[Configuration],
) -> Recommendation:
    """The cheapest of the finalists that cannot be told from the best, which may be the best itself.

    Finalists are compared with the best one by the test of `finalists.compare`; one with which
    there was nothing to compare is left out, and so is one that meets less of what is required.
    """
    name, standing = resolved.spec.cheapest, standing_of(resolved)
    own = next((c for c in candidates if same(c.params, best.best.params)), None)
    before = None if own is None or name is None else cost_of(resolved, name, own)
    if name is None or own is None or before is None:
        return best
    equals = {key(f.params) for f in finalists if f.p is not None and f.indistinguishable}
    rivals = [
        (cost, -c.mean, c.first.rank_key, c)
        for c in candidates
        if key(c.params) in equals and standing(c) <= standing(own)
        if (cost := cost_of(resolved, name, c)) is not None and cost < before
    ]
    if not rivals:
        return best
    chosen, epochs = min(rivals, key=lambda one: one[:3])[3], resolved.spec.epochs.last
    trained = chosen.at(epochs)
    first = min(trained, key=lambda o: (o.round, o.index))
    return replace(Recommendation(first, chosen.mean, chosen.sd, len(trained)), cheaper=before)


def cost_of(resolved: ResolvedSpec, name: str, configuration: Configuration) -> float | None:
    """The cost of a full training; None where it was not reported."""
    known = needs.known(resolved, configuration.params).get(name)
    if known is not None:
        return known
    return mean_of(resolved, name, configuration.at(resolved.spec.epochs.last))


def first_ranked(
    pools: Sequence[Sequence[Configuration]], standing: StandingOf
) -> Sequence[Configuration]:
    """The first pool in which something meets what is required; else the first that is not empty."""
    there = [pool for pool in pools if pool]
    return next(
        (pool for pool in there if any(standing(c).meets for c in pool)), there[0] if there else ()
    )
