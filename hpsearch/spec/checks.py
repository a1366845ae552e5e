"""Reading a spec: every mistake found at once, each with its path and the way out.

Pydantic reports what is wrong inside single fields. What concerns several fields is
checked here, on whatever parts of the spec did validate, so that a user who made three
mistakes reads about three.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from hpsearch.errors import InvalidSpec, Mistake, suggestion
from hpsearch.settings import Settings
from hpsearch.space import Choices, Dimension, Range, TaggedDimension
from hpsearch.spec import caps as limits
from hpsearch.spec import webhook
from hpsearch.spec.hyperparameters import HYPERPARAMETERS, free_mistakes, mistakes_in
from hpsearch.spec.models import EXTERNAL, OWN_TRAINING, ModelSpec, SearchSpec
from hpsearch.spec.resolved import DatasetFacts, ResolvedSpec

MISTAKES_SHOWN = 100  # a body of a megabyte could make more than anybody reads

_DIMENSION: TypeAdapter[Any] = TypeAdapter(TaggedDimension)
_KINDS: Mapping[str, type[BaseModel]] = {"range": Range, "choices": Choices}
_FIELD_LOC = 2  # ("model", field)
_DIMENSION_LOC = 2  # ("space", NAME, tag of the union, field, ...)
_VALUE_LOC = 6  # ("warm_start", index, "observations", index, "params", NAME, kind of value)
_LEVEL_LOC = 4  # ("space", NAME, "choices", "choices", index, kind of level, ...)


@dataclass(frozen=True)
class _Parts:
    """What was fixed and searched, and the parts of it that validated by themselves."""

    model: ModelSpec | None
    fixed: frozenset[str]
    searched: Sequence[str]
    space: Mapping[str, Dimension]


def parse(data: object, facts: DatasetFacts | Mistake, caps: Settings) -> ResolvedSpec:
    """The search that `data` asks for.

    Parameters
    ----------
    data
        Decoded JSON.
    facts
        The dataset's facts (`NO_DATASET` for an external search), or the mistake to report
        where there is no such dataset.
    caps
        The settings that bound what may be asked for.

    Raises
    ------
    InvalidSpec
        With every mistake and its path.
    """
    if not isinstance(data, dict):
        got = Mistake("", f"expected an object, got {_short(data)}")
        raise InvalidSpec("a search spec is a JSON object", [got])
    mistakes: list[Mistake] = []
    spec: SearchSpec | None = None
    try:
        spec = SearchSpec.model_validate(data)
    except ValidationError as error:
        mistakes += from_pydantic(error)
    parts, external = _salvage(data), data.get("objective") == EXTERNAL
    mistakes += _given_away(data, parts) if external else _model_against_space(parts)
    more = [facts] if isinstance(facts, Mistake) else []
    if spec is not None:
        more += limits.beyond(spec, caps) + webhook.mistakes(spec.webhook, caps)
    told = {m.path for m in mistakes}
    mistakes += [m for m in more if m.path not in told]
    if spec is not None and not mistakes and isinstance(facts, DatasetFacts):
        resolved = ResolvedSpec(spec, facts)
        if not external:
            resolved = limits.within(resolved, caps)
            mistakes += _batch_size(resolved, parts) + limits.too_large(resolved, caps)
            mistakes += _folds(resolved)
        if not mistakes:
            return resolved
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    if len(mistakes) > MISTAKES_SHOWN:
        count += f", the first {MISTAKES_SHOWN} of which are listed"
    raise InvalidSpec(f"the search spec has {count}", mistakes[:MISTAKES_SHOWN])


def from_pydantic(error: ValidationError) -> list[Mistake]:
    """Pydantic's findings with paths as a user writes them: space.learning_rate.low."""
    found: dict[tuple[str, str], Mistake] = {}  # pydantic tries a level as every kind of level
    for item in error.errors(include_url=False):
        if item["type"] == "too_short" and item["input"]:
            continue  # it counts the items that are valid; each of the others has its own mistake
        loc, told = _place(item["loc"])
        message = told or item["msg"].removeprefix("Value error, ")
        key = _path(loc), message
        if item["type"] == "extra_forbidden":
            message = _unknown(error.title, item["loc"])
        elif item["type"] == "model_type" and item["loc"][:1] == ("space",):
            message = 'give {"low": ..., "high": ...} or {"choices": [...]}'
        elif item["type"] == "too_short":
            message = "give at least one"
        elif item["type"] == "tuple_type":
            whole = " of whole numbers such as [50]" if item["loc"][-1] == "hidden_sizes" else ""
            message = f"give a list{whole}, got {_short(item['input'])}"
        elif item["type"] not in ("missing", "value_error"):
            message += f", got {_short(item['input'])}"
        found.setdefault(key, Mistake(key[0], message))
    return list(found.values())


def _unknown(title: str, loc: tuple[int | str, ...]) -> str:
    """What to say of a field that there is not."""
    question = suggestion(str(loc[-1]), _fields(title, loc))
    see = "see /openapi.json for the fields there are"
    return f"unknown field; {question} S{see[1:]}" if question else f"unknown field; {see}"


def _fields(title: str, loc: tuple[int | str, ...]) -> Iterable[str]:
    """The fields beside the one at `loc`; none where it is not known what lies there."""
    if title != SearchSpec.__name__:
        return ()
    if len(loc) == 1:
        return SearchSpec.model_fields
    if loc[0] == "space":
        return _KINDS[str(loc[_DIMENSION_LOC])].model_fields
    kind = SearchSpec.model_fields[str(loc[0])].annotation
    models = [
        k for k in (kind, *get_args(kind)) if isinstance(k, type) and issubclass(k, BaseModel)
    ]
    return models[0].model_fields if models and len(loc) == _FIELD_LOC else ()


def _place(loc: tuple[int | str, ...]) -> tuple[tuple[int | str, ...], str | None]:
    """A place without the tags of unions, which are nobody's fields; what to say of a union."""
    if loc[:1] == ("space",):
        loc = loc[:_DIMENSION_LOC] + loc[_DIMENSION_LOC + 1 :]
        if loc[2:3] == ("choices",) and len(loc) > _LEVEL_LOC:
            return loc[:_LEVEL_LOC], (
                "a choice is a number, a text, true, false or a list of whole numbers"
            )
    elif loc[:1] == ("trials_per_round",):
        loc = (*loc[:1], *loc[2:])
    elif loc[:1] == ("warm_start",):
        loc = loc[:2] + loc[3:]
        if loc[4:5] == ("params",) and len(loc) > _VALUE_LOC:
            return loc[:_VALUE_LOC], (
                "a value is a number, a text, true, false or a list of whole numbers"
            )
    return loc, None


def _path(loc: Sequence[int | str]) -> str:
    path = ""
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def _short(value: object) -> str:
    text = reprlib.repr(value)  # of bounded depth, whatever was sent
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
    searched = list(raw_space) if isinstance(raw_space, dict) else []
    return _Parts(model, fixed, searched, space)


def _given_away(data: Mapping[str, Any], parts: _Parts) -> list[Mistake]:
    """What an external search cannot have, and names or levels that nobody could write down."""
    names = [name for name in OWN_TRAINING if name in data]
    if isinstance(data.get("final"), dict) and "train_on" in data["final"]:
        names.append("final.train_on")
    message = "the trials of an external search are trained by its caller, who knows; drop it"
    mistakes = [Mistake(name, message) for name in names]
    for name in parts.searched:
        mistakes += free_mistakes(name, parts.space.get(name))
    return mistakes


def _model_against_space(parts: _Parts) -> list[Mistake]:
    mistakes: list[Mistake] = []
    for name in parts.searched:
        mistakes += mistakes_in(name, parts.space.get(name))
        if name in parts.fixed:
            mistakes.append(
                Mistake(f"model.{name}", f"{name} is fixed here and searched in space; drop one")
            )
        mistakes += _without_effect(name, parts)
    sizes = "hidden_sizes" in parts.searched or "hidden_sizes" in parts.fixed
    for name in ("hidden_units", "hidden_layers"):
        if sizes and name in parts.searched:
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
        elif parts.model is not None and other not in parts.searched:
            values = (getattr(parts.model, other),)
        else:
            continue  # `other` is itself mistaken
        if not set(values) & set(useful):
            wanted = " or ".join(str(x) for x in useful)
            mistakes.append(
                Mistake(
                    f"space.{name}",
                    f"{name} has no effect with {other} {values[0]}; "
                    f"set model.{other} to {wanted}, or drop it",
                )
            )
    return mistakes


def _folds(resolved: ResolvedSpec) -> list[Mistake]:
    folds, n = resolved.spec.validation.folds, resolved.facts.n_train
    if folds is None or folds <= n:
        return []
    return [Mistake("validation.folds", f"{folds} folds need {folds} training examples, got {n}")]


def _batch_size(resolved: ResolvedSpec, parts: _Parts) -> list[Mistake]:
    """Batches beyond the training part. A default that is too large is cut, and no mistake."""
    n, asked = resolved.n_training, list[tuple[str, Any]]()
    if "batch_size" in parts.fixed:
        asked.append(("model.batch_size", resolved.spec.model.batch_size))
    searched = limits.tops("space.batch_size", parts.space.get("batch_size"))
    asked += [(path, top) for path, top in searched if not path.endswith(".hard_high")]
    return [
        Mistake(path, f"{top:g} exceeds the {n} training examples of {resolved.spec.dataset!r}")
        for path, top in asked
        if top > n
    ]
