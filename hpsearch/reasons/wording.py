"""The sentences for people: every kind of reason, and the function that words it.

Facts are decided, stored and compared; words are made here, last. A sentence may be improved at
any time: nothing in the program reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hpsearch.reasons import course, rules
from hpsearch.reasons.base import EdgeState, NewEdge, Reason, Side, Span, StoredReason
from hpsearch.registry import Registry

_ENDS = {Side.LOW: "bottom", Side.HIGH: "top"}
_OUTER = {Side.LOW: "lowest", Side.HIGH: "highest"}


@dataclass(frozen=True, slots=True)
class ReasonKind:
    """A kind of reason: the class of its facts, and the function that words them."""

    facts: type[Reason]
    words: Callable[[Any], str]  # of an instance of `facts`


def words(reason: Reason) -> str:
    """Return the sentence for a reason."""
    if isinstance(reason, StoredReason):
        return reason.sentence
    return REASONS[kind_of(reason)].words(reason)


def kind_of(reason: Reason) -> str:
    """Return the name under which the kind of a reason is registered."""
    for name, kind in REASONS.items():
        if kind.facts is type(reason):
            return name
    raise LookupError(f"{type(reason).__name__} is not registered in hpsearch.reasons.REASONS")


def open_at(side: Side) -> str:
    """Name the open end of a range."""
    return f"open at the {_ENDS[side]}"


def in_turn(first: tuple[int, str], last: tuple[int, str]) -> str:
    """Join the sentences on one range after two rounds, each with the round's number."""
    return f"after round {first[0]}: {first[1]}; after round {last[0]}: {last[1]}"


def _between(span: Span) -> str:
    digits = ".0f" if span.integer else ".3g"
    return f"between {span.low:{digits}} and {span.high:{digits}}"


def _ends(new: NewEdge) -> str:
    if new.state is EdgeState.UNTRIED:
        return f"but no round has looked beyond {new.value:g}, where the answer ends"
    if new.state is EdgeState.LIMIT:
        return f"and {new.value:g} is the limit; a wider hard limit may hold better values"
    return f"so the range now ends at {new.value:g}"


def _all_diverged(r: rules.AllDiverged) -> str:
    return (
        f"unidentified: all {r.trials} trials of the round diverged, which says nothing "
        f"about {r.name}"
    )


def _retreat(r: rules.Retreat) -> str:
    where = f"open at the bottom: all {r.trials} trials of the round diverged"
    if r.to is None:
        return (
            f"{where}, and the range can move no further down than {r.low:g}; a lower hard_low "
            "may hold better values"
        )
    return f"{where}, so the range moves down to {_between(r.to)}"


def _ranges_alone(_: rules.RangesAlone) -> str:
    return "unidentified: this rule moves ranges alone, all levels stay"


def _nothing_finite(_: rules.NothingFinite) -> str:
    return "unidentified: no trial has ended with a finite loss yet"


def _window_moved(r: rules.WindowMoved) -> str:
    where = f"{_between(r.to)}, around the best value so far, {r.best:.3g}"
    if r.move is rules.Move.KEPT:
        return f"kept {where}"
    if r.move is rules.Move.SHIFTED:
        return f"moved to {where}"
    return f"narrowed to {r.share:.0%} of its width: {where}"


def _too_few_ranked(r: rules.TooFewRanked) -> str:
    return (
        f"unidentified: {r.top} of the best and {r.rest} other trials inside the box are "
        f"too few to compare; it takes {r.least} of each"
    )


def _spread_alike(r: rules.SpreadAlike) -> str:
    return (
        f"unidentified: the best {r.top} of {r.trials} trials are spread like "
        f"the others (Kolmogorov-Smirnov p = {r.p:.2g}), so the range stays"
    )


def _top_fills_range(r: rules.TopFillsRange) -> str:
    why = "fill it, margin included" if r.filled else "could share less, but it is at its least"
    return (
        f"kept {_between(r.within)}: the best {r.top} of {r.trials} trials "
        f"{why} (Kolmogorov-Smirnov p = {r.p:.2g})"
    )


def _top_between(r: rules.TopBetween) -> str:
    return (
        f"narrowed to {r.share:.0%} of its width: the best {r.top} of "
        f"{r.trials} trials lie {_between(r.to)}, margin included "
        f"(Kolmogorov-Smirnov p = {r.p:.2g})"
    )


def _top_leans(r: rules.TopLeans) -> str:
    where = (
        f"{open_at(r.new.side)}: the median of the best {r.top} trials lies at "
        f"{r.median:.0%} of the range, and they reach its edge at {r.edge:g}"
    )
    if r.new.state is EdgeState.LIMIT:
        return (
            f"{where}, which is the limit {r.new.value:g}; a wider hard limit may hold "
            "better values"
        )
    return f"{where}, {_ends(r.new)}"


def _top_has_all(_: rules.TopHasAll) -> str:
    return (
        "unidentified: every level has a trial among the best, or has had too few trials to be "
        "ruled out"
    )


def _top_avoids(r: rules.TopAvoids) -> str:
    return "dropped " + "; ".join(
        f"{d.category}: none of its {d.trials} trials is among the best {d.top} "
        f"(Fisher p = {d.p:.2g})"
        for d in r.dropped
    )


def _by_ranks(r: rules.ByRanks) -> str:
    return f"{words(r.reason)} (by ranks: too few finite trials for a surrogate)"


def _only_stable(r: rules.OnlyStable) -> str:
    return (
        f"narrowed to {_between(r.to)}: nearly every trial outside diverged, and "
        f"{r.trials} finite trials inside the box are too few to model"
    )


def _too_few_modelled(r: rules.TooFewModelled) -> str:
    return (
        f"unidentified: {r.trials} finite trials inside the box are too few to model; "
        f"it takes {r.least}"
    )


def _below_noise(r: rules.BelowNoise) -> str:
    return (
        f"unidentified: {_between(r.within)} it changes the score of the best place by "
        f"{r.effect:.2g}, which is below the noise of one training ({r.noise:.2g}) "
        f"with a probability of {r.probability:.0%}, so the range stays"
    )


def _unsupported(r: rules.Unsupported) -> str:
    where = "goes back to what was asked," if r.back else "stays"
    return (
        f"unidentified: without {r.name} the scores of all trials are explained no worse "
        f"(log likelihood ratio {r.support:.1f}), so the range {where} {_between(r.to)}"
    )


def _open(r: rules.Open) -> str:
    return "; ".join(_open_side(side) for side in r.sides) + _moves_with(r.moves_with)


def _open_side(open_: rules.OpenSide) -> str:
    if isinstance(open_.cause, rules.BestLiesOut):
        cause = (
            f"the best value lies in the {_OUTER[open_.new.side]} tenth of the range or beyond with a "
            f"probability of {open_.cause.probability:.0%}"
        )
    else:
        cause = (
            "values that may be as good as the best, margin included, reach beyond the edge by "
            f"{open_.cause.width:.0%} of the width"
        )
    return f"{open_at(open_.new.side)}: {cause}, {_ends(open_.new)}"


def _moves_with(correlations: Sequence[rules.Correlation]) -> str:
    if not correlations:
        return ""
    each = (
        f"{'rises' if c.r > 0 else 'falls'} with {c.other}, correlation {c.r:.1f}"
        for c in correlations
    )
    return f"; its best value {', and '.join(each)}"


def _all_may_be_best(r: rules.AllMayBeBest) -> str:
    return (
        f"kept {_between(r.within)}: all of it may hold the best value "
        f"({_inside(r.effect, r.noise)}){_moves_with(r.moves_with)}"
    )


def _part_may_be_best(r: rules.PartMayBeBest) -> str:
    beyond = ", and nearly every trial above diverged" if r.boundary else ""
    return (
        f"narrowed to {r.share:.0%} of its width: only values {_between(r.to)}, margin "
        f"included, may be as good as the best ({_inside(r.effect, r.noise)}){beyond}"
        f"{_moves_with(r.moves_with)}"
    )


def _inside(effect: float, noise: float) -> str:
    return f"effect inside {effect:.2g}, noise of one training {noise:.2g}"


def _nothing_learned(r: rules.NothingLearned) -> str:
    return (
        "unidentified: no network in the box has learned to tell the classes apart, and the effect "
        f"{r.effect:.2g} is no more than the noise of one training ({r.noise:.2g}) with a "
        f"probability of {r.probability:.0%}, so the range stays"
    )


def _loss_leads(r: rules.LossLeads) -> str:
    loss = "fell furthest" if r.fell else "is lowest"
    return (
        f"{open_at(r.new.side)}: no score stands out, but the loss {loss} in the quarter at that "
        f"end (mean rank {r.rank:.2f} of {r.trials} trials, p = {r.p:.2g}), {_ends(r.new)}"
    )


def _one_category_left(r: rules.OneCategoryLeft) -> str:
    return f"kept: {r.category} is the one level left"


def _any_may_be_best(r: rules.AnyMayBeBest) -> str:
    chances = ", ".join(f"{c.category} {c.probability:.2g}" for c in r.chances)
    return (
        f"unidentified: every level may be the best one, with a probability of {chances}, "
        f"or has had fewer than {r.least} trials"
    )


def _unlikely_best(r: rules.UnlikelyBest) -> str:
    return "dropped " + "; ".join(
        f"{c.category}: after {c.trials} trials, it is the best with a probability of "
        f"{c.probability:.2g}"
        for c in r.dropped
    )


def _rounds_done(r: course.RoundsDone) -> str:
    return f"all {r.rounds} rounds are done"


def _budget_spent(r: course.BudgetSpent) -> str:
    return f"the budget of {r.epochs} epochs is spent"


def _time_spent(r: course.TimeSpent) -> str:
    return (
        f"{r.seconds:.0f} s of {r.limit:g} s have passed, and another round would take "
        f"about {r.following:.0f} s"
    )


def _gain_spent(r: course.GainSpent) -> str:
    return (
        f"the expected improvement left is {r.gain:.2g}, below {r.least:g} of the noise of one "
        f"training ({r.noise:.2g}), after round {r.round} of {r.rounds}"
    )


def _nothing_to_repeat(r: course.NothingToRepeat) -> str:
    return f"exploring is done after {r.round} of {r.rounds} rounds, and there is nothing to repeat"


def _finalists_repeated(r: course.FinalistsRepeated) -> str:
    again = "the finalists are trained again"
    return again if r.cause is None else f"{again}: {words(r.cause)}"


def _nothing_trained(r: course.NothingTrained) -> str:
    return (
        f"none of the {r.failed} trials of round {r.round} could be trained; "
        "their errors are in the table of trials and in `hpsearch export ID --format csv`"
    )


def _everything_diverged(r: course.EverythingDiverged) -> str:
    way_out = (
        "search other ranges" if r.external
        else "lower the learning-rate range, or give it a lower hard_low"
    )  # fmt: skip
    return f"all {r.trials} trials diverged; {way_out}"


REASONS = Registry[ReasonKind](
    "reason",
    {
        "all_diverged": ReasonKind(rules.AllDiverged, _all_diverged),
        "retreat": ReasonKind(rules.Retreat, _retreat),
        "ranges_alone": ReasonKind(rules.RangesAlone, _ranges_alone),
        "nothing_finite": ReasonKind(rules.NothingFinite, _nothing_finite),
        "window_moved": ReasonKind(rules.WindowMoved, _window_moved),
        "too_few_ranked": ReasonKind(rules.TooFewRanked, _too_few_ranked),
        "spread_alike": ReasonKind(rules.SpreadAlike, _spread_alike),
        "top_fills_range": ReasonKind(rules.TopFillsRange, _top_fills_range),
        "top_between": ReasonKind(rules.TopBetween, _top_between),
        "top_leans": ReasonKind(rules.TopLeans, _top_leans),
        "top_has_all": ReasonKind(rules.TopHasAll, _top_has_all),
        "top_avoids": ReasonKind(rules.TopAvoids, _top_avoids),
        "by_ranks": ReasonKind(rules.ByRanks, _by_ranks),
        "only_stable": ReasonKind(rules.OnlyStable, _only_stable),
        "too_few_modelled": ReasonKind(rules.TooFewModelled, _too_few_modelled),
        "below_noise": ReasonKind(rules.BelowNoise, _below_noise),
        "unsupported": ReasonKind(rules.Unsupported, _unsupported),
        "open": ReasonKind(rules.Open, _open),
        "all_may_be_best": ReasonKind(rules.AllMayBeBest, _all_may_be_best),
        "part_may_be_best": ReasonKind(rules.PartMayBeBest, _part_may_be_best),
        "nothing_learned": ReasonKind(rules.NothingLearned, _nothing_learned),
        "loss_leads": ReasonKind(rules.LossLeads, _loss_leads),
        "one_category_left": ReasonKind(rules.OneCategoryLeft, _one_category_left),
        "any_may_be_best": ReasonKind(rules.AnyMayBeBest, _any_may_be_best),
        "unlikely_best": ReasonKind(rules.UnlikelyBest, _unlikely_best),
        "rounds_done": ReasonKind(course.RoundsDone, _rounds_done),
        "budget_spent": ReasonKind(course.BudgetSpent, _budget_spent),
        "time_spent": ReasonKind(course.TimeSpent, _time_spent),
        "gain_spent": ReasonKind(course.GainSpent, _gain_spent),
        "nothing_to_repeat": ReasonKind(course.NothingToRepeat, _nothing_to_repeat),
        "finalists_repeated": ReasonKind(course.FinalistsRepeated, _finalists_repeated),
        "nothing_trained": ReasonKind(course.NothingTrained, _nothing_trained),
        "everything_diverged": ReasonKind(course.EverythingDiverged, _everything_diverged),
    },
)
