"""The sentences for people: every kind of reason, and the function that words it.

Facts are decided, stored and compared; words are made here, last. A sentence may be improved at
any time: nothing in the program reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from hpsearch.digits import in_full, told_apart
from hpsearch.plural import counted
from hpsearch.reasons import course, rules
from hpsearch.reasons.base import EdgeState, NewEdge, Reason, Side, Span, StoredReason
from hpsearch.registry import Registry
from hpsearch.space import level_text

R = TypeVar("R", bound=Reason)
_ENDS = {Side.LOW: "bottom", Side.HIGH: "top"}
_OUTER = {Side.LOW: "lowest", Side.HIGH: "highest"}


@dataclass(frozen=True, slots=True)
class ReasonKind:
    """A kind of reason: the class of its facts, and the function that words them."""

    facts: type[Reason]
    words: Callable[[Any], str]  # of an instance of `facts`


def _kind(facts: type[R], words: Callable[[R], str]) -> ReasonKind:
    """Return a kind, and have the type checker hold the words against the facts."""
    return ReasonKind(facts, words)


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
    if span.integer:
        return f"between {span.low:.0f} and {span.high:.0f}"
    return f"between {_in(span, span.low)} and {_in(span, span.high)}"


def _in(span: Span, value: float) -> str:
    """A value with the digits that count in a range of that width."""
    return told_apart(value, span.high - span.low, 3)


def _ends(new: NewEdge) -> str:
    if new.state is EdgeState.UNTRIED:
        return f"but no round has looked beyond {in_full(new.value)}, where the answer ends"
    if new.state is EdgeState.LIMIT:
        return f"and {in_full(new.value)} is the limit, beyond which nothing was tried"
    return f"so the range now ends at {in_full(new.value)}"


def _retreat(r: rules.Retreat) -> str:
    where = f"open at the bottom: all {r.trials} trials of the round diverged"
    if r.to is None:
        return (
            f"{where}, and the range can move no further down than {in_full(r.low)}; a lower hard_low "
            "may hold better values"
        )
    return f"{where}, so the range moves down to {_between(r.to)}"


def _window_moved(r: rules.WindowMoved) -> str:
    where = f"{_between(r.to)}, around the best value so far, {_in(r.to, r.best)}"
    if r.move is rules.Move.KEPT:
        return f"kept {where}"
    if r.move is rules.Move.SHIFTED:
        return f"moved to {where}"
    return f"narrowed to {r.share:.0%} of its width: {where}"


def _top_leans(r: rules.TopLeans) -> str:
    where = (
        f"{open_at(r.new.side)}: the median of the best {r.top} trials lies at "
        f"{r.median:.0%} of the range, and they reach its edge at {in_full(r.edge)}"
    )
    if r.new.state is EdgeState.LIMIT:
        return f"{where}, which is the limit {in_full(r.new.value)}: nothing was tried beyond"
    return f"{where}, {_ends(r.new)}"


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


def _chance(c: rules.CategoryChance) -> str:
    """A level with its probability of being the best, and what that rests on."""
    return f"{level_text(c.category)} {c.probability:.2g} ({counted(c.trials, 'trial')})"


def _inside(effect: float, noise: float) -> str:
    return f"effect inside {effect:.2g}, noise of one training {noise:.2g}"


# fmt: off
REASONS = Registry[ReasonKind]("reason", {
    "all_diverged": _kind(rules.AllDiverged, lambda r:
        f"unidentified: all {r.trials} trials of the round diverged, which says nothing about {r.name}"),
    "retreat": _kind(rules.Retreat, _retreat),
    "ranges_alone": _kind(rules.RangesAlone, lambda _:
        "unidentified: this rule moves ranges alone, all levels stay"),
    "nothing_finite": _kind(rules.NothingFinite, lambda _:
        "unidentified: no trial has ended with a finite loss yet"),
    "window_moved": _kind(rules.WindowMoved, _window_moved),
    "too_few_ranked": _kind(rules.TooFewRanked, lambda r:
        f"unidentified: {r.top} of the best and {r.rest} other trials inside the box are too few to "
        f"compare; it takes {r.least} of each"),
    "spread_alike": _kind(rules.SpreadAlike, lambda r:
        f"unidentified: the best {r.top} of {r.trials} trials are spread like the others "
        f"(Kolmogorov-Smirnov p = {r.p:.2g}), so the range stays"),
    "top_fills_range": _kind(rules.TopFillsRange, lambda r:
        f"kept {_between(r.within)}: the best {r.top} of {r.trials} trials "
        f"{'fill it, margin included' if r.filled else 'could share less, but it is at its least'} "
        f"(Kolmogorov-Smirnov p = {r.p:.2g})"),
    "top_between": _kind(rules.TopBetween, lambda r:
        f"narrowed to {r.share:.0%} of its width: the best {r.top} of {r.trials} trials lie "
        f"{_between(r.to)}, margin included (Kolmogorov-Smirnov p = {r.p:.2g})"),
    "top_leans": _kind(rules.TopLeans, _top_leans),
    "top_has_all": _kind(rules.TopHasAll, lambda _:
        "unidentified: every level has a trial among the best, or has had too few trials to be ruled out"),
    "top_avoids": _kind(rules.TopAvoids, lambda r: "dropped " + "; ".join(
        f"{level_text(c.category)}: none of its {c.trials} trials is among the best {c.top} (Fisher p = {c.p:.2g})"
        for c in r.dropped)),
    "by_ranks": _kind(rules.ByRanks, lambda r:
        f"{words(r.reason)} (by ranks: too few finite trials for a surrogate)"),
    "only_stable": _kind(rules.OnlyStable, lambda r:
        f"narrowed to {_between(r.to)}: nearly every trial outside diverged, and {r.trials} finite "
        "trials inside the box are too few to model"),
    "too_few_modelled": _kind(rules.TooFewModelled, lambda r:
        f"unidentified: {r.trials} finite trials inside the box are too few to model; it takes {r.least}"),
    "below_noise": _kind(rules.BelowNoise, lambda r:
        f"unidentified: {_between(r.within)} it changes the score of the best place by {r.effect:.2g}, "
        f"which is below the noise of one training ({r.noise:.2g}) with a probability of "
        f"{r.probability:.0%}, so the range stays"),
    "unsupported": _kind(rules.Unsupported, lambda r:
        f"unidentified: without {r.name} the scores of all trials are explained no worse "
        f"(log likelihood ratio {r.support:.1f}), so the range "
        f"{'goes back to what was asked,' if r.back else 'stays'} {_between(r.to)}"),
    "open": _kind(rules.Open, lambda r:
        "; ".join(_open_side(side) for side in r.sides) + _moves_with(r.moves_with)),
    "all_may_be_best": _kind(rules.AllMayBeBest, lambda r:
        f"kept {_between(r.within)}: all of it may hold the best value "
        f"({_inside(r.effect, r.noise)}){_moves_with(r.moves_with)}"),
    "part_may_be_best": _kind(rules.PartMayBeBest, lambda r:
        f"narrowed to {r.share:.0%} of its width: only values {_between(r.to)}, margin included, may be "
        f"as good as the best ({_inside(r.effect, r.noise)})"
        f"{', and nearly every trial above diverged' if r.boundary else ''}{_moves_with(r.moves_with)}"),
    "nothing_learned": _kind(rules.NothingLearned, lambda r:
        "unidentified: no network in the box has learned to tell the classes apart, and the effect "
        f"{r.effect:.2g} is no more than the noise of one training ({r.noise:.2g}) with a probability "
        f"of {r.probability:.0%}, so the range stays"),
    "loss_leads": _kind(rules.LossLeads, lambda r:
        f"{open_at(r.new.side)}: no score stands out, but the loss "
        f"{'fell furthest' if r.fell else 'is lowest'} in the quarter at that end (mean rank "
        f"{r.rank:.2f} of {r.trials} trials, p = {r.p:.2g}), {_ends(r.new)}"),
    "one_category_left": _kind(rules.OneCategoryLeft, lambda r:
        f"kept: {level_text(r.category)} is the one level left"),
    "any_may_be_best": _kind(rules.AnyMayBeBest, lambda r:
        "unidentified: every level may be the best one, with a probability of "
        f"{', '.join(map(_chance, r.chances))}, or has had fewer than {r.least} trials"),
    "unlikely_best": _kind(rules.UnlikelyBest, lambda r: "dropped " + "; ".join(
        f"{level_text(c.category)}: after {c.trials} trials, it is the best with a probability of {c.probability:.2g}"
        for c in r.dropped)),
    "may_be_best_again": _kind(rules.MayBeBestAgain, lambda r: "back: " + "; ".join(
        f"{level_text(c.category)}: after {c.trials} trials, it is the best with a probability of {c.probability:.2g}"
        for c in r.back)),
    "rounds_done": _kind(course.RoundsDone, lambda r: f"all {r.rounds} rounds are done"),
    "budget_spent": _kind(course.BudgetSpent, lambda r: f"the budget of {r.epochs} epochs is spent"),
    "time_spent": _kind(course.TimeSpent, lambda r:
        f"{r.seconds:.0f} s of {r.limit:g} s have passed, and another round would take about "
        f"{r.following:.0f} s"),
    "cost_spent": _kind(course.CostSpent, lambda r:
        f"{r.cost:g} of the {r.limit:g} that it may cost are spent" + (
            "" if r.cost >= r.limit else f", and another round would take about {r.following:.3g}")),
    "gain_spent": _kind(course.GainSpent, lambda r:
        f"the expected improvement left is {r.gain:.2g}, below {r.least:g} of the noise of one training "
        f"({r.noise:.2g}), after round {r.round} of {r.rounds}"),
    "nothing_to_repeat": _kind(course.NothingToRepeat, lambda r:
        f"exploring is done after {r.round} of {r.rounds} rounds, and there is nothing to repeat"),
    "finalists_repeated": _kind(course.FinalistsRepeated, lambda r:
        f"the finalists are trained again{'' if r.cause is None else f': {words(r.cause)}'}"),
    "nothing_trained": _kind(course.NothingTrained, lambda r:
        f"none of the {r.failed} trials of round {r.round} could be trained; their errors are in the "
        "table of trials and in `hpsearch export ID --format csv`"),
    "everything_diverged": _kind(course.EverythingDiverged, lambda r:
        f"all {r.trials} trials diverged; " + (
            "search other ranges" if r.external
            else "lower the learning-rate range, or give it a lower hard_low")),
    "everything_forbidden": _kind(course.EverythingForbidden, lambda r:
        f"all {r.trials} trials have combinations that are forbidden by now, or have diverged; a new search "
        "that begins with this one looks elsewhere"),
})
# fmt: on
