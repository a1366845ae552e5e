"""Findings about the ranges: edges, flat dimensions, divergence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from hpsearch.digits import in_full
from hpsearch.reasons import Side, open_at
from hpsearch.report.health.records import SearchRecords
from hpsearch.report.verdicts import conclusion, histories, reaches_beyond
from hpsearch.report.views import HealthNote
from hpsearch.space import Range, inside
from hpsearch.trials import Verdict

MANY_DIVERGED = 0.2  # share of a round's trials that is worth a word
DIVERGED_LEAST = 3
AT_EDGE = 0.02  # of the width: nearer to its end, the best value lies at the end


def open_ranges(records: SearchRecords) -> Iterator[HealthNote]:
    """Ranges whose best values lean on an end, or that had to grow again: a note for each such end."""
    for name, history in histories(records.decisions).items():
        last, now, asked = history[-1], records.box[name], records.resolved.box[name]
        if not isinstance(now, Range) or not isinstance(asked, Range):
            continue
        for side in _OPEN_SIDES.get(last.verdict, ()):
            edge, limit = side.edge(now), side.hard_limit(now)
            within = asked.low < edge < asked.high
            at_limit = edge == limit
            natural = at_limit and records.resolved.workload.ends_at(name, side, edge)
            yield HealthNote(
                code="open_range",
                severity="info" if within or natural else "warning",
                message=f"{name} is {open_at(side)}: its range ends at {in_full(edge)}"
                + (", inside what was asked: it had been narrowed too far" if within else ""),
                numbers={
                    "hyperparameter": name, "side": side, "edge": edge, "limit": limit,
                    "round": last.round,
                },
                advice=_further(
                    f"space.{name}", side, edge, within=within, at_limit=at_limit, natural=natural
                ),
            )  # fmt: skip


_OPEN_SIDES = {
    Verdict.OPEN_LOW: (Side.LOW,),
    Verdict.OPEN_HIGH: (Side.HIGH,),
    Verdict.OPEN_BOTH: tuple(Side),
}


def _further(
    path: str, side: Side, edge: float, *, within: bool, at_limit: bool, natural: bool
) -> str:
    further = "above" if side is Side.HIGH else "below"
    if natural:
        return f"no value {further} {in_full(edge)} makes sense: {in_full(edge)} itself may be the best one"
    if at_limit:
        return f"set {path}.hard_{side} {further} {in_full(edge)}, where the search had to stop"
    if within:
        return "more rounds would tell how far it has to grow"
    return f"search further out: {path}.{side} {further} {in_full(edge)}, or more rounds"


def best_at_edge(records: SearchRecords) -> Iterator[HealthNote]:
    """Best values at the very end of what was looked at, where the verdict does not say so."""
    verdicts = {name: conclusion(h)[0] for name, h in histories(records.decisions).items()}
    for name, now in records.box.items():
        asked, best = records.resolved.box[name], (records.best or {}).get(name)
        if not isinstance(now, Range) or not isinstance(asked, Range) or best is None:
            continue
        verdict = verdicts.get(name, Verdict.UNIDENTIFIED)
        if verdict.open or verdict is Verdict.UNIDENTIFIED:  # the place of the best says nothing
            continue
        best = float(best)  # type: ignore[arg-type]  # a range holds numbers
        place = now.to_unit(best)
        high = place > 1 - AT_EDGE and now.high >= asked.high
        low = place < AT_EDGE and now.low <= asked.low
        if not (high or low):
            continue
        side = Side.HIGH if high else Side.LOW
        edge = side.edge(now)
        if records.resolved.workload.ends_at(name, side, edge):  # nothing lies beyond
            continue
        yield HealthNote(
            code="best_at_edge",
            severity="warning",
            message=f"the best {name} ({in_full(best)}) lies at the edge {in_full(edge)} of its range",
            numbers={"hyperparameter": name, "best": best, "edge": edge, "place": place},
            advice=f"move space.{name}.{side} further out, to see what lies beyond",
        )


def recommended_outside(records: SearchRecords) -> Iterator[HealthNote]:
    """A recommendation outside the best range, with the reason: nothing better is known inside."""
    recommended = records.search.recommended
    if recommended is None:
        return
    for name, now in records.box.items():
        if name not in recommended.params or inside({name: now}, recommended.params):
            continue
        value = recommended.params[name]
        yours = name in recommended.kept  # single values are kept inside the range alone
        shown = list(value) if isinstance(value, tuple) else value
        of_whom = ", as your setting's does" if yours else ""
        yield HealthNote(
            code="recommended_outside",
            severity="info" if yours else "warning",
            message=f"the recommended {name} ({shown}) lies outside the best range{of_whom}",
            numbers={"hyperparameter": name, "recommended": str(shown)},
            advice=_outside(yours=yours, required=bool(records.resolved.spec.require)),
        )


def _outside(*, yours: bool, required: bool) -> str:
    if yours:
        return (
            "the range says where good values lie, not that a change pays: the full trainings of both "
            "show no difference"
        )
    if required:
        return (
            "what was trained inside the range keeps fewer of the bounds that are required, or "
            "nothing was: require less, or continue the search, which begins there"
        )
    return (
        "nothing that may be recommended was trained inside the range, so little is known of it: continue "
        "the search, which begins there"
    )


def outside_asked(records: SearchRecords) -> Iterator[HealthNote]:
    """Ranges that hold values nobody asked for."""
    for name, now in records.box.items():
        asked = records.resolved.box[name]
        if reaches_beyond(now, asked) and isinstance(now, Range) and isinstance(asked, Range):
            yield HealthNote(
                code="outside_asked",
                severity="info",
                message=f"the best range of {name} reaches beyond the one that was asked for",
                numbers={
                    "hyperparameter": name, "low": now.low, "high": now.high,
                    "asked_low": asked.low, "asked_high": asked.high,
                },
                advice=f"hard_low and hard_high of space.{name} forbid it where it may not be",
            )  # fmt: skip


def divergence(records: SearchRecords) -> Iterator[HealthNote]:
    """Many diverged trials, and the learning rate at which they begin."""
    shares = {r.number: r.diverged / r.planned for r in records.begun}
    count, planned = sum(r.diverged for r in records.begun), sum(r.planned for r in records.begun)
    if count < DIVERGED_LEAST or max(shares.values()) <= MANY_DIVERGED:
        return
    worst = max(shares, key=lambda number: shares[number])
    message = f"{count} of {planned} trials diverged, {shares[worst]:.0%} of round {worst}"
    numbers: dict[str, float | int | str | None] = {
        "diverged": count, "trials": planned, "worst_round": worst, "share": shares[worst],
    }  # fmt: skip
    boundary = records.latest(lambda evidence: evidence.boundary)
    ways_out = records.resolved.workload.advice
    if boundary is None:
        advice = ways_out.many_diverged
    else:
        numbers |= asdict(boundary)
        message += f", most of them above a learning rate of {in_full(boundary.edge)}"
        advice = f"set space.learning_rate.hard_high to {in_full(boundary.edge)}"
        advice += ways_out.or_clip
    yield HealthNote(
        code="divergence", severity="warning", message=message, numbers=numbers, advice=advice
    )


def failures(records: SearchRecords) -> Iterator[HealthNote]:
    """Trials that could not be trained at all."""
    count, planned = sum(r.failed for r in records.begun), sum(r.planned for r in records.begun)
    if count:
        yield HealthNote(
            code="failed_trials",
            severity="warning",
            message=f"{count} of {planned} trials could not be trained",
            numbers={"failed": count, "trials": planned},
            advice="their errors are in /trials?state=failed and in `hpsearch export ID --format csv`",
        )
