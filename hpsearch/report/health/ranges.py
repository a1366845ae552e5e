"""Findings about the ranges: edges, flat dimensions, divergence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from hpsearch.records import DecisionRecord
from hpsearch.report.health.records import SearchRecords
from hpsearch.report.verdicts import OPEN, histories, reaches_beyond, verdict_of
from hpsearch.report.views import HealthNote
from hpsearch.space import Range, inside
from hpsearch.trials import Verdict

MANY_DIVERGED = 0.2  # share of a round's trials that is worth a word
DIVERGED_LEAST = 3
AT_EDGE = 0.02  # of the width: nearer to its end, the best value lies at the end
FLAT = (*OPEN, Verdict.UNIDENTIFIED)  # verdicts beside which the place of the best says nothing


def open_ranges(records: SearchRecords) -> Iterator[HealthNote]:
    """Ranges whose best values lean on an end, or that had to grow again."""
    for name, history in histories(records.decisions).items():
        last, now, asked = history[-1], records.box[name], records.resolved.box[name]
        if last.verdict not in OPEN or not isinstance(now, Range) or not isinstance(asked, Range):
            continue
        side = _open_side(last.verdict, now, asked)
        edge, limit = (now.high, now.hard_high) if side == "high" else (now.low, now.hard_low)
        within = asked.low < edge < asked.high
        yield HealthNote(
            code="open_range",
            severity="info" if within else "warning",
            message=f"{name} is {last.reason.split(':')[0]}: its range ends at {edge:g}"
            + (", inside what was asked: it had been narrowed too far" if within else ""),
            numbers={"hyperparameter": name, "edge": edge, "limit": limit, "round": last.round},
            advice=_further(name, side, edge, limit, within=within),
        )


def _open_side(verdict: str, now: Range, asked: Range) -> str:
    """The end to speak of; of two, the one that had to stop, or that left what was asked."""
    if verdict != Verdict.OPEN_BOTH:
        return "high" if verdict == Verdict.OPEN_HIGH else "low"
    if now.high == now.hard_high or now.low == now.hard_low:
        return "high" if now.high == now.hard_high else "low"
    return "high" if now.high >= asked.high or now.low > asked.low else "low"


def _further(name: str, side: str, edge: float, limit: float | None, *, within: bool) -> str:
    further = "above" if side == "high" else "below"
    if edge == limit:
        return f"set space.{name}.hard_{side} {further} {limit:g}, where the search had to stop"
    if within:
        return "more rounds would tell how far it has to grow"
    return f"search further out: space.{name}.{side} {further} {edge:g}, or more rounds"


def best_at_edge(records: SearchRecords) -> Iterator[HealthNote]:
    """Best values at the very end of what was looked at, where the verdict does not say so."""
    verdicts = {name: verdict_of(h)[0] for name, h in histories(records.decisions).items()}
    for name, now in records.box.items():
        asked, best = records.resolved.box[name], (records.best or {}).get(name)
        if not isinstance(now, Range) or not isinstance(asked, Range) or best is None:
            continue
        if verdicts.get(name, Verdict.UNIDENTIFIED) in FLAT:
            continue
        best = float(best)  # type: ignore[arg-type]  # a range holds numbers
        place = now.to_unit(best)
        high = place > 1 - AT_EDGE and now.high >= asked.high
        low = place < AT_EDGE and now.low <= asked.low
        if not (high or low):
            continue
        side, edge = ("high", now.high) if high else ("low", now.low)
        yield HealthNote(
            code="best_at_edge",
            severity="warning",
            message=f"the best {name} ({best:g}) lies at the edge {edge:g} of its range",
            numbers={"hyperparameter": name, "best": best, "edge": edge, "place": place},
            advice=f"move space.{name}.{side} further out, to see what lies beyond",
        )


def recommended_outside(records: SearchRecords) -> Iterator[HealthNote]:
    """A recommendation outside the best range, because nothing was trained inside."""
    recommended = records.search.recommended
    chosen = {} if recommended is None else recommended.params
    for name, now in records.box.items():
        value = chosen.get(name)
        if value is None or inside({name: now}, {name: value}):
            continue
        shown = list(value) if isinstance(value, tuple) else value
        yield HealthNote(
            code="recommended_outside",
            severity="warning",
            message=f"the recommended {name} ({shown}) lies outside the best range",
            numbers={"hyperparameter": name, "recommended": str(shown)},
            advice=(
                "nothing was trained inside the range since it was edited, so nothing is known "
                "of it: continue the search, which begins there"
            ),
        )


def unidentified(records: SearchRecords) -> Iterator[HealthNote]:
    """Hyperparameters whose effect inside the range cannot be told from noise."""
    for name, history in histories(records.decisions).items():
        if verdict_of(history)[0] is not Verdict.UNIDENTIFIED:
            continue
        yield HealthNote(
            code="unidentified",
            severity="info",
            message=f"{name} makes no difference that can be told from noise inside its range",
            numbers={"hyperparameter": name, **_effect(history[-1])},
            advice=f"any value of the range will do; fix {_where(records, name)} and search something else",
        )


def _where(records: SearchRecords, name: str) -> str:
    """The field of a spec that fixes a hyperparameter."""
    return name if records.resolved.spec.external else f"model.{name}"


def _effect(decision: DecisionRecord) -> dict[str, float | int | str | None]:
    wanted = ("effect", "noise_sd", "p_below_noise", "p", "trials")
    return {name: decision.numbers[name] for name in wanted if name in decision.numbers}


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
    frontier = records.latest(lambda evidence: evidence.frontier)
    external = records.resolved.spec.external
    if frontier is None:
        advice = (
            "search other ranges" if external else "lower the learning rate, or set model.clip_norm"
        )
    else:
        numbers |= asdict(frontier)
        message += f", most of them above a learning rate of {frontier.edge:g}"
        advice = f"set space.learning_rate.hard_high to {frontier.edge:g}"
        advice += "" if external else ", or model.clip_norm"
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
