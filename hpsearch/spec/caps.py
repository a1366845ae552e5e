"""Budgets that a spec may not pass, whatever it trains."""

from __future__ import annotations

from collections.abc import Iterator

from hpsearch.errors import Mistake
from hpsearch.settings import Settings
from hpsearch.spec.models import SearchSpec
from hpsearch.spec.resolved import ResolvedSpec


def beyond(resolved: ResolvedSpec, settings: Settings) -> list[Mistake]:
    """Everything in a spec that is beyond a cap of the settings; its facts are not looked at."""
    spec, caps = resolved.spec, settings
    checks = [
        ("rounds", spec.rounds, caps.max_rounds),
        *_trials(spec, caps),
        ("epochs.last", spec.epochs.last, caps.max_epochs),
        ("final.epochs", spec.final.epochs, caps.max_epochs),
        ("final.models", spec.final.models, caps.max_final_models),
        ("final.networks", spec.final.networks, caps.max_final_models),
        *resolved.workload.capped(caps),
    ]
    mistakes = [
        Mistake(path, f"{_counted(value)} is beyond this service's cap of {cap:,}")
        for path, value, cap in checks
        if value > cap
    ]
    trials = spec.trials
    total = spec.rounds * max(trials.first, trials.last)
    if not mistakes and total > caps.max_trials:
        mistakes.append(
            Mistake(
                "trials_per_round",
                f"rounds x trials_per_round is {total:,}, the cap is {caps.max_trials:,}",
            )
        )
    budget, full = spec.epochs.budget, spec.epochs.last
    if budget is not None and budget < full:
        mistakes.append(
            Mistake("epochs.budget", f"{budget} does not pay for one training of {full} epochs")
        )
    repeats = spec.finalists.rounds or 0
    if not mistakes and repeats >= spec.rounds:
        mistakes.append(
            Mistake(
                "finalists.rounds",
                f"{repeats} of {spec.rounds} rounds leave none to explore with",
            )
        )
    return mistakes


def _trials(spec: SearchSpec, caps: Settings) -> Iterator[tuple[str, int, int]]:
    trials, cap = spec.trials_per_round, caps.max_trials_per_round
    if isinstance(trials, int):
        yield "trials_per_round", trials, cap
    else:
        yield "trials_per_round.first", trials.first, cap
        yield "trials_per_round.last", trials.last, cap


def _counted(value: int) -> str:
    """`value` with its thousands apart; numbers too long to read by their length."""
    return f"{value:,}" if value < 10**15 else f"a number of {len(str(value))} digits"
