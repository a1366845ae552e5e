"""Values of parsed documents, each checked where it is read."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from hpsearch.exchange.spaces.domains import CannotSay, Domain, Parameter, Unsaid

LARGEST = 1e300  # of a number: beyond it sums and products are infinite
SHOWN = 60  # characters of a value in a sentence
# PyYAML takes 1e-3 and 1.0e3 for texts: its numbers have a dot, and a sign in the exponent.
EXPONENT = re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+")
NUMBER = re.compile(r"\s*[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?\s*")


def shown(value: Any) -> str:
    """Write a value for a sentence, shortened."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def number(value: Any, what: str) -> int | float:
    """Return a finite number; a text that is one counts as it.

    Raises
    ------
    CannotSay
        It is none, or not finite.
    """
    if isinstance(value, str) and NUMBER.fullmatch(value.replace("_", "")):
        value = of_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CannotSay(f"{what} is no number: {shown(value)}")
    if not abs(value) <= LARGEST:
        raise CannotSay(f"{what} is not finite, or beyond {LARGEST:g}")
    return value


def of_text(text: str) -> int | float:
    """Return the number of a text: an int where it is written as one."""
    plain = text.strip().replace("_", "")
    return int(plain) if plain.lstrip("+-").isdigit() and len(plain) < 300 else float(plain)


def whole(value: Any, what: str) -> int:
    """Return a whole number; 3.0 is one."""
    given = number(value, what)
    if given != math.floor(given):
        raise CannotSay(f"{what} is no whole number: {shown(value)}")
    return int(given)


def positive(value: Any, what: str) -> int | float:
    """Return a number above 0."""
    given = number(value, what)
    if given <= 0:
        raise CannotSay(f"{what} must be above 0, got {shown(value)}")
    return given


def items(value: Any, what: str) -> list[Any]:
    """Return a list of at least one entry."""
    if not isinstance(value, list | tuple) or not value:
        raise CannotSay(f"{what} is no list of values: {shown(value)}")
    return list(value)


def any_items(value: Any) -> list[Any]:
    """Return a list, empty for whatever else stands in its place."""
    return value if isinstance(value, list) else []


def fields(value: Any, what: str) -> dict[str, Any]:
    """Return a mapping whose keys are texts."""
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise CannotSay(f"{what} is no mapping of names: {shown(value)}")
    return value


def exponent(value: Any, what: str) -> float:
    """Return e to the power of a number."""
    try:
        return math.exp(number(value, what))
    except OverflowError:
        raise CannotSay(f"{what} is an exponent, and e to {shown(value)} is no number") from None


def as_numbers(values: Sequence[Any], *, any_text: bool = False) -> list[Any]:
    """Return the numbers of a list that holds numbers alone, some of them as texts; else the list.

    any_text
        Count "16" too, where the tool writes every value as text; else only what YAML's reader left
        as text, as 1e-3.
    """
    pattern = NUMBER if any_text else EXPONENT
    numeric = (
        (isinstance(one, int | float) and not isinstance(one, bool))
        or (isinstance(one, str) and pattern.fullmatch(one) is not None)
        for one in values
    )
    if not all(numeric):
        return list(values)
    return [of_text(one) if isinstance(one, str) else one for one in values]


def parameter(name: Any, read: Callable[[str], Domain | Parameter]) -> Parameter:
    """Return a hyperparameter, unsaid where `read` cannot say it."""
    if not isinstance(name, str) or not name:
        return Parameter(shown(name), Unsaid("its name is no text"))
    try:
        made = read(name)
    except CannotSay as error:
        made = Unsaid(error.why, error.proposal)
    return made if isinstance(made, Parameter) else Parameter(name, made)
