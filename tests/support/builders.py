"""Small values for the tests of the pure core: specs, spaces, observations, strategies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from hpsearch.coordinator import Snapshot, decide
from hpsearch.errors import InvalidSpec
from hpsearch.records.chosen import parted
from hpsearch.settings import Settings, load
from hpsearch.space import Box, Choices, Dimension, Params, Range, Space, rounded
from hpsearch.spec import ResolvedSpec, given, parse, schedule
from hpsearch.trials import FinalPlan, GiveUp, Observation, RoundPlan, TrialState
from hpsearch.workloads import DatasetFacts

FACTS = DatasetFacts(digest="d" * 64, n_train=1437, features=64, classes=10)
EXAMPLES = 1000  # validation examples of an observation; accuracies are shares of it


def caps(**overrides: Any) -> Settings:
    return load(**overrides)


def asked(**fields: Any) -> dict[str, Any]:
    """A valid spec as a user sends it, of 4 rounds; keyword arguments replace whole fields."""
    space = {"learning_rate": {"low": 1e-5, "high": 1.0, "scale": "log"}}
    return {"dataset": "digits", "space": space, "rounds": 4, **fields}


def resolve(*, facts: DatasetFacts = FACTS, **fields: Any) -> ResolvedSpec:
    return parse(asked(**fields), facts, caps())


def mistakes(data: object, *, facts: Any = FACTS, settings: Settings | None = None) -> dict:
    """Path -> message of every mistake in `data`; no path may come twice with one message."""
    try:
        parse(data, facts, settings or caps())
    except InvalidSpec as error:
        listed = [tuple(m) for m in error.mistakes]
        assert listed, "an invalid spec says what is wrong"
        assert len(set(listed)) == len(listed), listed
        assert all(isinstance(path, str) and message for path, message in listed)
        return dict(listed)
    return {}


def observe(
    index: int,
    params: Params,
    accuracy: float = 0.5,
    *,
    round: int = 1,
    epochs: int = 2,
    loss: float | None = 1.0,
    state: TrialState = TrialState.COMPLETED,
    **more: Any,
) -> Observation:
    correct = int(np.rint(accuracy * EXAMPLES))
    return Observation(round, index, params, state, epochs, correct, EXAMPLES, loss, **more)


def diverged(index: int, params: Params, *, round: int = 1) -> Observation:
    return observe(index, params, 0.0, round=round, loss=None, state=TrialState.DIVERGED)


def space_of(*, shaping: Sequence[str] = (), **dimensions: Dimension) -> Space:
    return Space(dimensions, frozenset(shaping))


Truth = Callable[[Params, int], float | None]


def search(
    resolved: ResolvedSpec,
    truth: Truth,
    *,
    noise: float = 0.0,
    job_size: int = 32,
    before: Sequence[Observation] = (),
) -> tuple[list[RoundPlan], list[Observation], FinalPlan | GiveUp]:
    """A whole search without training: `truth(params, epochs)` is the score, None diverges.

    `noise` is the sd of a training about the truth, the same at every rung of it.
    """
    rounds: list[RoundPlan] = []
    seen: list[Observation] = list(before)
    box: Box = resolved.box
    while True:
        kinds = [r.kind for r in rounds]
        ends = [r.evidence.explored for r in rounds if r.evidence is not None]
        ended = next((end for end in ends if end is not None), None)
        baseline = given.baseline_of(resolved)
        inside, aside = parted(seen, resolved, [] if baseline is None else [baseline])
        now = Snapshot(
            resolved, box, tuple(inside), kinds=kinds, ended=ended, baseline=baseline, aside=aside
        )
        plan = decide(now, job_size=job_size)
        if not isinstance(plan, RoundPlan):
            return rounds, [o for o in seen if not o.source], plan
        rounds.append(plan)
        box = plan.box
        seen += trained(resolved, plan, truth, noise)


def trained(
    resolved: ResolvedSpec, plan: RoundPlan, truth: Truth, noise: float
) -> list[Observation]:
    """The observations of one round, halved by cohorts as a worker would."""
    rng = np.random.default_rng([resolved.spec.seed, 99, plan.number])
    luck = noise * rng.standard_normal(len(plan.trials))
    curves: dict[int, list[tuple[int, float]]] = {i: [] for i in range(len(plan.trials))}
    lost: dict[int, int] = {}
    for cohort in plan.cohorts:
        living, target = list(cohort), len(cohort)
        for epochs in plan.rungs:
            for i in list(living):
                value = truth(plan.trials[i], epochs)
                if value is None:
                    lost[i] = epochs
                    living.remove(i)
                else:
                    curves[i].append((epochs, float(np.clip(value + luck[i], 0.0, 1.0))))
            if epochs == plan.rungs[-1]:
                break
            target = schedule.survivors(target)
            living = sorted(living, key=lambda i: (-curves[i][-1][1], i))[:target]
    seen = []
    for i, params in enumerate(plan.trials):
        if i in lost:
            seen.append(diverged(i, params, round=plan.number))
            continue
        epochs, score = curves[i][-1]
        state = TrialState.COMPLETED if epochs == plan.epochs else TrialState.STOPPED
        seen.append(
            observe(i, params, score, round=plan.number, epochs=epochs, state=state,
                    score=score, curve=tuple(curves[i]))
        )  # fmt: skip
    return seen


# --- strategies ----------------------------------------------------------------------------


def _limit_low(draw: Callable, low: float, *, log: bool) -> float | None:
    kind = draw(st.sampled_from(["none", "same", "below"]))
    if kind == "none":
        return None
    if kind == "same":
        return low
    return low / 10 if log else low - draw(st.integers(1, 50))


@st.composite
def ranges(draw: Callable, *, integer: bool | None = None) -> Range:
    """Ranges of every kind with their hard limits filled in, from tiny to huge."""
    whole = draw(st.booleans()) if integer is None else integer
    scale = draw(st.sampled_from(["log", "linear"]))
    if whole:
        low = float(draw(st.integers(1 if scale == "log" else -50, 5000)))
        high = low + draw(st.integers(1, 4096))
        limit = low if scale == "log" else _limit_low(draw, low, log=False)
    elif scale == "log":
        low = 10 ** draw(st.floats(-305, 290))
        high = low * draw(st.sampled_from([1.00001, 1.1, 2.0, 1e3, 1e15]))
        limit = _limit_low(draw, low, log=True)
    else:
        low = draw(st.floats(-1e6, 1e6))
        high = low + draw(st.floats(1e-6, 1e6)) * max(1.0, abs(low))
        limit = _limit_low(draw, low, log=False)
    if scale == "log" and limit is not None and limit <= 0:
        limit = None
    if not rounded(low) < rounded(high):
        high = low + max(abs(low), 1.0)
    hard_high = draw(st.sampled_from([None, high, high + abs(high)]))
    asked = Range(
        low=low, high=high, scale=scale, integer=whole, hard_low=limit, hard_high=hard_high
    )
    return asked.limited(-1e300, 1e300)


LEVELS = st.one_of(
    st.booleans(),
    st.integers(-10, 10),
    st.floats(-10, 10, allow_nan=False),
    st.text(max_size=3),
    st.lists(st.integers(1, 9), max_size=3).map(tuple),
)


@st.composite
def choices(draw: Callable) -> Choices:
    levels = draw(
        st.lists(LEVELS, min_size=1, max_size=6, unique_by=lambda x: (isinstance(x, bool), x))
    )
    return Choices(choices=tuple(levels))


NAMES = ("learning_rate", "weight_decay", "momentum", "dropout", "initializer")
boxes = st.dictionaries(
    st.sampled_from(NAMES), st.one_of(ranges(), choices()), min_size=1, max_size=4
)

ASKED: Mapping[str, Any] = {
    "learning_rate": {"low": 1e-5, "high": 1.0, "scale": "log"},
    "weight_decay": {"low": 1e-8, "high": 1e-1, "scale": "log"},
    "dropout": {"low": 0.0, "high": 0.5},
    "initializer": {"choices": ["he", "xavier", "normal"]},
    "activation": {"choices": ["relu", "tanh"]},
    "batch_norm": {"choices": [False, True]},
    "batch_size": {"low": 8, "high": 256, "scale": "log"},
    "hidden_sizes": {"choices": [[], [20], [20, 10]]},
}
spaces = st.lists(st.sampled_from(sorted(ASKED)), min_size=1, unique=True).map(
    lambda names: {name: ASKED[name] for name in names}
)
