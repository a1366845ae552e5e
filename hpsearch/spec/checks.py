"""Reading a spec: every mistake at once, each with its path and the way out.

Pydantic reports what is wrong inside single fields. What concerns several fields is
checked here, on whatever parts of the spec did validate, so that a user who made three
mistakes reads about three.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from hpsearch.errors import InvalidSpec, Mistake, suggestion, with_question
from hpsearch.plural import counted
from hpsearch.settings import Settings
from hpsearch.space import Choices, Range, TaggedDimension
from hpsearch.spec import caps as limits
from hpsearch.spec import combinations, given, implied, named, needs, plan, reach, webhook
from hpsearch.spec.models import SearchSpec
from hpsearch.spec.resolved import ResolvedSpec
from hpsearch.workloads import (
    DatasetFacts,
    ValidParts,
    default_objective,
    workload_of,
)
from hpsearch.workloads.dense import current_model

_MISSING = "Field required"  # pydantic's words
_ANOTHER_KIND = {"choices": ("low", "high")}  # what is missing where a list of levels is meant
_SEE = ("see /openapi.json for the fields there are", "See /openapi.json for the fields there are")
MISTAKES_SHOWN = 100  # a body of a megabyte could make more than anybody reads

_DIMENSION: TypeAdapter[Any] = TypeAdapter(TaggedDimension)
_FIELD_LOC = 2  # ("model", field)
_DIMENSION_LOC = 2  # ("space", NAME, tag of the union, field, ...)
_VALUE_LOC = 6  # ("warm_start", index, "observations", index, "params", NAME, kind of value)
_GIVEN_LOC = {"baseline": 2, "try_first": 3}  # (field, [index,] NAME, kind of value)
_A_LEVEL = "a choice is a number, a text, true, false, null or a list of whole numbers"
_A_GUESSED_CHOICE = (
    "a guess is a number of a range, and choices have none; every level is tried in the first round, and "
    "settings in try_first are trained before all others"
)
_A_PART = 'give a value, a list of values, or {"low": ..., "high": ...}'
_A_VALUE = "a value is a number, a text, true, false, null or a list of whole numbers"
_LEVEL_LOC = 4  # ("space", NAME, "choices", "choices", index, kind of level, ...)
_WHEN_LOC = 5  # ("space", NAME, "when", PARENT, index, kind of level)
_FORBID_LOC = 3  # ("forbid", index, NAME, tag of the union, field or index, ...)


def parse(
    data: object, facts: DatasetFacts | Mistake, caps: Settings, *, stored: bool = False
) -> ResolvedSpec:
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
    stored
        It is a search that has begun, with an edit in it: no condition is added.

    Raises
    ------
    InvalidSpec
        With every mistake and its path.
    """
    if not isinstance(data, dict):
        got = Mistake("", f"expected an object, got {_short(data)}")
        raise InvalidSpec("a search spec is a JSON object", [got])
    if isinstance(facts, DatasetFacts) and "objective" not in data:
        data = {**data, "objective": default_objective(facts)}
    data = data if stored else implied.completed(data)
    spec, mistakes = _validated(data)
    parts = _valid_parts(data)
    of_space = _of_space(parts, spec, {m.path for m in mistakes})
    mistakes += of_space
    more = [facts] if isinstance(facts, Mistake) else []
    if spec is not None:
        more += named.beyond(data, spec, caps)
        more += webhook.mistakes(spec.webhook, caps)
        if not of_space and isinstance(facts, DatasetFacts):
            more += _chosen(ResolvedSpec(spec, facts))
    mistakes += plan.conflicts(data)
    reported = {m.path for m in mistakes}
    mistakes += [m for m in more if m.path not in reported]
    if spec is not None and not mistakes and isinstance(facts, DatasetFacts):
        spec, mistakes = _planned(spec, data, facts, caps)
    if spec is not None and not mistakes and isinstance(facts, DatasetFacts):
        resolved = _within(ResolvedSpec(_weighing(spec, facts), facts), caps)
        mistakes += [*resolved.workload.unfit(parts, caps), *given.too_many(resolved)]
        mistakes += given.oversized(resolved, caps)
        mistakes += [] if mistakes else reach.too_little(resolved)
        if not mistakes:
            return ResolvedSpec(given.completed(resolved), resolved.facts)
    raise _refusal(mistakes)


def _validated(data: Mapping[str, Any]) -> tuple[SearchSpec | None, list[Mistake]]:
    """The spec as its fields say it, or None and the mistakes of single fields."""
    try:
        return SearchSpec.model_validate(plan.readable(data)), []
    except ValidationError as error:
        return None, from_pydantic(error)


def _refusal(mistakes: Sequence[Mistake]) -> InvalidSpec:
    count = counted(len(mistakes), "mistake")
    if len(mistakes) > MISTAKES_SHOWN:
        count += f", the first {MISTAKES_SHOWN} of which are listed"
    return InvalidSpec(f"the search spec has {count}", mistakes[:MISTAKES_SHOWN])


def _chosen(resolved: ResolvedSpec) -> list[Mistake]:
    """The mistakes in what the user requires, forbids and wants to be tried."""
    return (
        needs.mistakes(resolved)
        or combinations.left_mistakes(resolved.space)
        or given.mistakes(resolved)
    )


def _of_space(parts: ValidParts, spec: SearchSpec | None, reported: set[str]) -> list[Mistake]:
    """Mistakes between the fields of a spec: its workload's, its conditions, and what it forbids."""
    wrong = workload_of(parts.data.get("objective")).mistakes(parts)
    reported = reported | {m.path for m in wrong}
    wrong += [m for m in combinations.condition_mistakes(parts) if m.path not in reported]
    return wrong if spec is None else wrong + combinations.forbid_mistakes(spec.forbid, spec.space)


def _weighing(spec: SearchSpec, facts: DatasetFacts) -> SearchSpec:
    """`spec` with the weight that it means; where there is none to choose from it says nothing."""
    if not facts.weight:
        return spec.model_copy(update={"weight": spec.weight or "auto"})
    return spec.model_copy(update={"weight": ResolvedSpec(spec, facts).weight})


def _planned(
    spec: SearchSpec, data: Mapping[str, Any], facts: DatasetFacts, caps: Settings
) -> tuple[SearchSpec, list[Mistake]]:
    """`spec` with the plan of its budget written out, where there is one to make."""
    if not plan.is_asked(data):
        return spec, []
    written, mistakes = plan.completed(data, spec, facts, caps)
    if mistakes:
        return spec, mistakes
    try:
        spec = SearchSpec.model_validate(written)
    except ValidationError as error:
        return spec, from_pydantic(error)
    return spec, limits.beyond(ResolvedSpec(spec, facts), caps)


def _within(resolved: ResolvedSpec, caps: Settings) -> ResolvedSpec:
    """`resolved` with its expansion kept where its networks stay within the caps."""
    spec, lowered = resolved.spec, resolved.workload.lowered(caps)
    if not lowered:
        return resolved
    spec = spec.model_copy(update={"space": {**spec.space, **lowered}})
    return ResolvedSpec(spec, resolved.facts)


def from_pydantic(error: ValidationError) -> list[Mistake]:
    """Pydantic's findings with paths as a user writes them: space.learning_rate.low."""
    mistakes: dict[tuple[str, str], Mistake] = {}  # pydantic tries a level as every kind of level
    meant: set[str] = set()  # paths of missing fields that are there under another name
    for item in error.errors(include_url=False):
        if item["type"] == "too_short" and item["input"]:
            continue  # it counts the items that are valid; each of the others has its own mistake
        loc, wording = _place(item["loc"])
        message = wording or item["msg"].removeprefix("Value error, ")
        key = _path(loc), message
        if item["type"] == "extra_forbidden":
            question = _question(error.title, item["loc"], item["input"])
            name = question.removeprefix("did you mean ").rstrip("?")
            meant |= {_path((*loc[:-1], field)) for field in _ANOTHER_KIND.get(name, (name,))}
            message = " ".join(filter(None, ("unknown field;", question, _SEE[bool(question)])))
            message = _A_GUESSED_CHOICE if _is_guessed_choice(item["loc"]) else message
        elif item["type"] == "model_type" and item["loc"][:1] == ("space",):
            message = 'give {"low": ..., "high": ...} or {"choices": [...]}'
        elif item["type"] == "too_short":
            message = "give at least one"
        elif item["type"] == "tuple_type":
            whole = " of whole numbers such as [50]" if item["loc"][-1] == "hidden_sizes" else ""
            message = f"give a list{whole}, got {_short(item['input'])}"
        elif item["type"] not in ("missing", "value_error"):
            message += f", got {_short(item['input'])}"
            if item["type"] == "literal_error" and isinstance(item["input"], str):
                names = re.findall("'([^']*)'", item["ctx"]["expected"])
                message = with_question(message, item["input"], names)
        mistakes.setdefault(key, Mistake(key[0], message))
    return [m for m in mistakes.values() if m.message != _MISSING or m.path not in meant]


def _is_guessed_choice(loc: tuple[int | str, ...]) -> bool:
    """Tell whether a place is the guess of a choice."""
    return loc[:1] == ("space",) and loc[2:] == ("choices", "guess")


def _question(title: str, loc: tuple[int | str, ...], value: object) -> str:
    """The question about a field that does not exist."""
    name = str(loc[-1])
    if title == SearchSpec.__name__ and len(loc) == 1 and name in current_model().model_fields:
        return f"did you mean {'space' if isinstance(value, dict) else 'model'}.{name}?"
    return suggestion(name, _fields(title, loc))


def _fields(title: str, loc: tuple[int | str, ...]) -> Iterable[str]:
    """The fields beside the one at `loc`; none where it is not known what lies there."""
    if title != SearchSpec.__name__:
        return ()
    if len(loc) == 1:
        return SearchSpec.model_fields
    if loc[0] == "model":
        return current_model().model_fields
    if loc[0] == "space":
        return [*Range.model_fields, *Choices.model_fields]
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
            return loc[:_LEVEL_LOC], _A_LEVEL
        if loc[2:3] == ("when",) and len(loc) > _WHEN_LOC:
            return loc[:_WHEN_LOC], _A_LEVEL
    elif loc[:1] == ("forbid",) and len(loc) > _FORBID_LOC:
        tag, loc = loc[_FORBID_LOC], loc[:_FORBID_LOC] + loc[_FORBID_LOC + 1 :]
        if tag != "interval":
            return loc[:_FORBID_LOC], _A_PART
    elif loc[:1] == ("trials_per_round",):
        loc = (*loc[:1], *loc[2:])
    elif loc[:1] == ("warm_start",):
        loc = loc[:2] + loc[3:]
        if loc[4:5] == ("params",) and len(loc) > _VALUE_LOC:
            return loc[:_VALUE_LOC], _A_VALUE
    elif loc[:1] and len(loc) > _GIVEN_LOC.get(str(loc[0]), len(loc)):
        return loc[: _GIVEN_LOC[str(loc[0])]], _A_VALUE
    return loc, None


def _path(loc: Sequence[int | str]) -> str:
    path = ""
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def _short(value: object) -> str:
    text = reprlib.repr(value)  # of bounded depth, whatever was sent
    return text if len(text) <= 60 else text[:57] + "..."


def _valid_parts(data: Mapping[str, Any]) -> ValidParts:
    raw_model, raw_space = data.get("model", {}), data.get("space", {})
    model = None
    try:
        model = current_model().model_validate(raw_model)
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
    return ValidParts(data, model, fixed, searched, space)
