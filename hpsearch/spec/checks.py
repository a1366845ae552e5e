"""Reading a spec: every mistake found at once, each with its path and the way out.

Pydantic reports what is wrong inside single fields. What concerns several fields is
checked here, on whatever parts of the spec did validate, so that a user who made three
mistakes reads about three.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hpsearch.errors import InvalidSpec, Mistake
from hpsearch.settings import Settings
from hpsearch.space import Choices, Dimension, TaggedDimension
from hpsearch.spec.hyperparameters import HYPERPARAMETERS, mistakes_in
from hpsearch.spec.models import ModelSpec, SearchSpec
from hpsearch.spec.resolved import DatasetFacts, ResolvedSpec, largest_parameters

_DIMENSION: TypeAdapter[Any] = TypeAdapter(TaggedDimension)
_TAGS = frozenset({"range", "choices"})


@dataclass(frozen=True)
class _Parts:
    """The parts of a spec that validated by themselves."""

    model: ModelSpec | None
    fixed: frozenset[str]
    space: Mapping[str, Dimension]


def parse(data: object, facts: DatasetFacts | Mistake, caps: Settings) -> ResolvedSpec:
    """The search that `data` asks for.

    Parameters
    ----------
    data
        Decoded JSON.
    facts
        The dataset's facts, or the mistake to report where there is no such dataset.
    caps
        The settings that bound what may be asked for.

    Raises
    ------
    InvalidSpec
        With every mistake and its path.
    """
    if not isinstance(data, dict):
        raise InvalidSpec("a search spec is a JSON object", [Mistake("", "expected an object")])
    mistakes: list[Mistake] = []
    spec: SearchSpec | None = None
    try:
        spec = SearchSpec.model_validate(data)
    except ValidationError as error:
        mistakes += from_pydantic(error)
    parts = _salvage(data)
    mistakes += _model_against_space(parts)
    if isinstance(facts, Mistake):
        mistakes.append(facts)
    if spec is not None:
        mistakes += _caps(spec, caps)
    if spec is not None and not mistakes and isinstance(facts, DatasetFacts):
        resolved = ResolvedSpec(spec, facts)
        mistakes += _against_dataset(resolved, parts, caps)
        if not mistakes:
            return resolved
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    raise InvalidSpec(f"the search spec has {count}", mistakes)


def from_pydantic(error: ValidationError) -> list[Mistake]:
    """Pydantic's findings with paths as a user writes them: space.learning_rate.low."""
    found = []
    for item in error.errors(include_url=False):
        path = ""
        for part in item["loc"]:
            if part in _TAGS:
                continue
            path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = "unknown field; see /openapi.json for the fields there are"
        elif item["type"] not in ("missing", "value_error"):
            message += f", got {_short(item['input'])}"
        found.append(Mistake(path, message))
    return found


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _salvage(data: Mapping[str, Any]) -> _Parts:
    raw_model, raw_space = data.get("model", {}), data.get("space", {})
    model = None
    try:
        model = ModelSpec.model_validate(raw_model)
    except ValidationError:
        pass  # reported already, by the whole spec
    space = {}
    for name, raw in raw_space.items() if isinstance(raw_space, dict) else ():
        try:
            space[name] = _DIMENSION.validate_python(raw)
        except ValidationError:
            continue  # likewise
    fixed = frozenset(raw_model) if isinstance(raw_model, dict) else frozenset()
    return _Parts(model, fixed, space)


def _model_against_space(parts: _Parts) -> list[Mistake]:
    mistakes: list[Mistake] = []
    for name, dimension in parts.space.items():
        mistakes += mistakes_in(name, dimension)
        if name in parts.fixed:
            mistakes.append(
                Mistake(f"model.{name}", f"{name} is fixed here and searched in space; drop one")
            )
        mistakes += _without_effect(name, parts)
    sizes = "hidden_sizes" in parts.space or "hidden_sizes" in parts.fixed
    for name in ("hidden_units", "hidden_layers"):
        if sizes and name in parts.space:
            mistakes.append(
                Mistake(f"space.{name}", f"{name} replaces hidden_sizes; drop one of the two")
            )
    return mistakes


def _without_effect(name: str, parts: _Parts) -> list[Mistake]:
    known = HYPERPARAMETERS.get(name)
    if known is None or known.needs is None:
        return []
    mistakes = []
    for other, useful in known.needs.items():
        searched = parts.space.get(other)
        if isinstance(searched, Choices):
            values: tuple[Any, ...] = searched.choices
        elif parts.model is not None:
            values = (getattr(parts.model, other),)
        else:
            continue
        if not set(values) & set(useful):
            wanted = " or ".join(str(x) for x in useful)
            mistakes.append(
                Mistake(
                    f"space.{name}",
                    f"{name} has no effect with {other} {values[0]}; "
                    f"set model.{other} to {wanted}, or drop {name}",
                )
            )
    return mistakes


def _caps(spec: SearchSpec, caps: Settings) -> list[Mistake]:
    total = spec.rounds * spec.trials_per_round
    checks = [
        ("rounds", spec.rounds, caps.max_rounds),
        ("trials_per_round", spec.trials_per_round, caps.max_trials_per_round),
        ("epochs.last", spec.epochs.last, caps.max_epochs),
        ("final.epochs", spec.final.epochs, caps.max_epochs),
        ("final.models", spec.final.models, caps.max_final_models),
        ("model.hidden_sizes", len(spec.model.hidden_sizes), caps.max_hidden_layers),
    ]
    mistakes = [
        Mistake(path, f"{value:,} is beyond this service's cap of {cap:,}")
        for path, value, cap in checks
        if value > cap
    ]
    if total > caps.max_trials:
        mistakes.append(
            Mistake(
                "trials_per_round",
                f"rounds x trials_per_round is {total:,}, the cap is {caps.max_trials:,}",
            )
        )
    return mistakes


def _against_dataset(resolved: ResolvedSpec, parts: _Parts, caps: Settings) -> list[Mistake]:
    mistakes = []
    spec, n = resolved.spec, resolved.n_training
    if "batch_size" in parts.fixed and spec.model.batch_size > n:
        mistakes.append(
            Mistake(
                "model.batch_size",
                f"{spec.model.batch_size} exceeds the {n} training examples of {spec.dataset!r}",
            )
        )
    asked = parts.space.get("batch_size")
    tops = (
        [] if asked is None else list(asked.choices if isinstance(asked, Choices) else [asked.high])
    )
    mistakes += [
        Mistake(
            "space.batch_size",
            f"{top:g} exceeds the {n} training examples of {spec.dataset!r}",
        )
        for top in tops
        if isinstance(top, int | float) and top > n
    ]
    largest = largest_parameters(resolved)
    if largest > caps.max_parameters:
        mistakes.append(
            Mistake(
                "model.hidden_sizes" if "hidden_units" not in parts.space else "space.hidden_units",
                f"the largest network would have {largest:,} parameters, "
                f"the cap is {caps.max_parameters:,}",
            )
        )
    return mistakes
