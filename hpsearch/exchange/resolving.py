"""Specs as a service would resolve them, on a dataset that nothing is known of yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from hpsearch.errors import InvalidSpec, Mistake
from hpsearch.plural import counted
from hpsearch.spec import ResolvedSpec, SearchSpec, from_pydantic, implied
from hpsearch.workloads import DatasetFacts, ValidParts

# Which dataset it will be is the service's to know: here it bounds nothing.
ANY_DATASET = DatasetFacts("", 2**31, 1, 2)


def resolved(spec: Mapping[str, Any]) -> ResolvedSpec:
    """Resolve a spec, with the conditions that follow from its hyperparameters.

    Raises
    ------
    InvalidSpec
        It has mistakes of its own.
    """
    try:
        return ResolvedSpec(SearchSpec.model_validate(implied.completed(spec)), ANY_DATASET)
    except ValidationError as error:
        mistakes = from_pydantic(error)
        raise InvalidSpec(
            f"the search spec has {counted(len(mistakes), 'mistake')}", mistakes
        ) from error


def dimension_mistakes(name: str, dimension: Mapping[str, Any]) -> list[Mistake]:
    """Return what is wrong with a hyperparameter of an external search."""
    data = {"objective": "external", "space": {name: dict(dimension)}}
    try:
        spec = resolved(data).spec
    except InvalidSpec as error:
        return [*error.mistakes]
    return spec.workload.mistakes(ValidParts(data, None, frozenset(), [name], spec.space))
