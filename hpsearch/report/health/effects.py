"""Findings about hyperparameters that a search cannot tell apart: shown to be alike, or not known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hpsearch.narrowing import basis
from hpsearch.narrowing.basis import shown_small
from hpsearch.plural import counted
from hpsearch.records import DecisionRecord
from hpsearch.report import words
from hpsearch.report.health.records import SearchRecords
from hpsearch.report.verdicts import conclusion, histories
from hpsearch.report.views import HealthNote
from hpsearch.space import Choices, Dimension, Level
from hpsearch.trials import Verdict


def no_effect(records: SearchRecords) -> Iterator[HealthNote]:
    """Hyperparameters whose effect inside the range is shown to be below the noise."""
    for name, last in _unidentified(records):
        now = records.box[name]
        if not shown_small(last.numbers, now, len(records.box)) or untried(records, name, now):
            continue
        noise, effect = last.numbers["noise_sd"], last.numbers["effect"]
        assert noise is not None  # the effect is small beside it
        assert effect is not None
        yield HealthNote(
            code="unidentified",
            severity="info",
            message=f"{name} makes no difference that can be told from noise inside its range: "
            f"about {words.number(effect)}, where one training has a noise of {words.number(noise)}",
            numbers={"hyperparameter": name, **_effect(last)},
            advice=f"any value of the range will do; fix {_where(records, name)} and search something else",
        )


def not_known(records: SearchRecords) -> Iterator[HealthNote]:
    """Hyperparameters of which too little was seen to say anything, and levels never tried."""
    open_ = dict(_unidentified(records))
    for name, now in records.box.items():
        never = untried(records, name, now)
        last = open_.get(name)
        small = last is not None and shown_small(last.numbers, now, len(records.box))
        if not never and (last is None or small):
            continue
        about = f"the effect of {name} is not known yet: {counted(records.seen, 'trial')}"
        if last is None or small:
            about = f"not all of {name} is known: {counted(records.seen, 'trial')}"
        if never:
            about += f", {', '.join(map(words.level, never))} never tried"
        yield HealthNote(
            code="not_known",
            severity="info",
            message=about,
            numbers={
                "hyperparameter": name, "seen": records.seen, "untried": len(never),
                **({} if last is None else _effect(last)),
            },
            advice="leave it in the search: more rounds or trials would tell, here or in a search "
            "that continues this one",
        )  # fmt: skip


def _unidentified(records: SearchRecords) -> Iterator[tuple[str, DecisionRecord]]:
    """Each hyperparameter that the scores do not tell apart, and the last decision on it."""
    for name, history in histories(records.decisions).items():
        now = records.box.get(name)
        if isinstance(now, Choices) and len(now.choices) == 1:
            continue  # there is nothing to tell apart
        if conclusion(history)[0] is Verdict.UNIDENTIFIED:
            yield name, history[-1]


def untried(records: SearchRecords, name: str, now: Dimension) -> Sequence[Level]:
    """Levels that are left and that no trial has had; none before a round has ended."""
    if not isinstance(now, Choices) or not records.decisions:
        return ()
    return basis.untried(now, (params[name] for params in records.tried if name in params))


def _where(records: SearchRecords, name: str) -> str:
    """The field of a spec that fixes a hyperparameter."""
    return records.resolved.workload.advice.fixed_in + name


def _effect(decision: DecisionRecord) -> dict[str, float | int | str | None]:
    wanted = ("effect", "noise_sd", "p_below_noise", "p", "trials")
    return {name: decision.numbers[name] for name in wanted if name in decision.numbers}
