"""What a spec may ask of this service: budgets, and the size of a network."""

from __future__ import annotations

from collections.abc import Iterator

from hpsearch.errors import Mistake
from hpsearch.settings import Settings
from hpsearch.space import Choices, Dimension, Level, Range
from hpsearch.spec.models import SearchSpec
from hpsearch.spec.resolved import ResolvedSpec, largest_parameters

ARCHITECTURE = ("hidden_units", "hidden_layers")  # each takes the place of hidden_sizes


def beyond(spec: SearchSpec, caps: Settings) -> list[Mistake]:
    """Everything in `spec` that is beyond a cap of the settings."""
    checks = [
        ("rounds", spec.rounds, caps.max_rounds),
        *_trials(spec, caps),
        ("epochs.last", spec.epochs.last, caps.max_epochs),
        ("final.epochs", spec.final.epochs, caps.max_epochs),
        ("final.models", spec.final.models, caps.max_final_models),
        *([] if spec.external else _architecture(spec, caps)),
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
    given, cap = spec.trials_per_round, caps.max_trials_per_round
    if isinstance(given, int):
        yield "trials_per_round", given, cap
    else:
        yield "trials_per_round.first", given.first, cap
        yield "trials_per_round.last", given.last, cap


def tops(path: str, dimension: Dimension | None) -> Iterator[tuple[str, Level]]:
    """The values that bound `dimension` from above, each with its path."""
    if isinstance(dimension, Choices):
        yield from ((f"{path}.choices[{i}]", x) for i, x in enumerate(dimension.choices))
    elif dimension is not None:
        yield f"{path}.high", dimension.high
        if dimension.hard_high is not None:
            yield f"{path}.hard_high", dimension.hard_high


def within(resolved: ResolvedSpec, caps: Settings) -> ResolvedSpec:
    """`resolved` with its expansion kept where networks stay within the caps.

    Only limits that the user left open are lowered, never below the asked range, the units
    before the layers. They are written into the spec: a search keeps the caps that it was
    submitted under.
    """
    spec, limits = resolved.spec, dict[str, float]()
    open_ended: dict[str, Range] = {}
    for name, cap in (("hidden_units", caps.max_units), ("hidden_layers", caps.max_hidden_layers)):
        asked, limited = spec.space.get(name), resolved.space.dimensions.get(name)
        if isinstance(asked, Range) and isinstance(limited, Range) and asked.hard_high is None:
            open_ended[name] = asked
            limits[name] = min(limited.hard_high or cap, cap)
    for name, asked in open_ended.items():
        limits[name] = _largest_limit(resolved, limits, name, int(asked.high), caps.max_parameters)
    changed = {
        name: asked.model_copy(update={"hard_high": float(limits[name])})
        for name, asked in open_ended.items()
        if limits[name] != getattr(resolved.space.dimensions[name], "hard_high", None)
    }
    if not changed:
        return resolved
    return ResolvedSpec(
        spec.model_copy(update={"space": {**spec.space, **changed}}), resolved.facts
    )


def too_large(resolved: ResolvedSpec, caps: Settings) -> list[Mistake]:
    """The mistake of asking for networks beyond the cap on parameters."""
    largest = largest_parameters(resolved)
    if largest <= caps.max_parameters:
        return []
    searched = [
        f"space.{name}" for name in ("hidden_sizes", *ARCHITECTURE) if name in resolved.spec.space
    ]
    return [
        Mistake(
            (searched or ["model.hidden_sizes"])[0],
            f"the largest network would have {largest:,} parameters, "
            f"the cap is {caps.max_parameters:,}",
        )
    ]


def _counted(value: int) -> str:
    """`value` with its thousands apart; numbers too long to read by their length."""
    return f"{value:,}" if value < 10**15 else f"a number of {len(str(value))} digits"


def _layers(path: str, sizes: tuple[int, ...], caps: Settings) -> Iterator[tuple[str, int, int]]:
    yield path, len(sizes), caps.max_hidden_layers
    for i, units in enumerate(sizes):
        yield f"{path}[{i}]", units, caps.max_units


def _architecture(spec: SearchSpec, caps: Settings) -> Iterator[tuple[str, int, int]]:
    yield from _layers("model.hidden_sizes", spec.model.hidden_sizes, caps)
    yield from _searched_layers(spec, caps)


def _searched_layers(spec: SearchSpec, caps: Settings) -> Iterator[tuple[str, int, int]]:
    for name, cap in (("hidden_units", caps.max_units), ("hidden_layers", caps.max_hidden_layers)):
        for path, value in tops(f"space.{name}", spec.space.get(name)):
            if isinstance(value, int | float):
                yield path, int(value), cap
    for path, value in tops("space.hidden_sizes", spec.space.get("hidden_sizes")):
        if isinstance(value, tuple):
            yield from _layers(path, value, caps)


def _largest_limit(
    resolved: ResolvedSpec, limits: dict[str, float], name: str, least: int, cap: int
) -> float:
    """The highest limit of `name`, at least `least`, with networks of at most `cap` parameters."""

    def fits(limit: float) -> bool:
        return largest_parameters(resolved, {**limits, name: limit}) <= cap

    low, high = least, int(limits[name])
    if fits(high):
        return high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
