"""A field that takes one name of a registry, which is asked at every validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticKnownError, core_schema


@dataclass(frozen=True, slots=True)
class OneOf:
    """Annotation of such a field: it is checked, worded and documented as a Literal is.

    `names` lists the names as messages and schemas show them, `known` tells if there is one.
    """

    names: Callable[[], tuple[str, ...]]
    known: Callable[[str], bool]

    def __get_pydantic_core_schema__(self, kind: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._checked)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"enum": list(self.names()), "type": "string"}

    def _checked(self, value: object) -> str:
        if isinstance(value, str) and self.known(value):
            return value
        *others, last = [repr(name) for name in self.names()]
        expected = f"{', '.join(others)} or {last}" if others else last
        raise PydanticKnownError("literal_error", {"expected": expected})


def one_of(registry: Mapping[str, object]) -> OneOf:
    """Annotate a field that takes one of the names that are in `registry` when a value is checked, in order of the alphabet."""
    return OneOf(lambda: tuple(sorted(registry)), registry.__contains__)
