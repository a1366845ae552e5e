"""Values as callers have them, made into what the contract takes.

NumPy's and PyTorch's numbers and arrays are known by `tolist`: a client loads neither of them.
"""

from __future__ import annotations

import io
import math
import operator
import os
import reprlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any, TypeAlias, TypeGuard

from hpsearch.errors import InvalidRequest
from hpsearch.report import views

Search: TypeAlias = "str | views.StatusView | views.ResultView | views.HealthView"
"""A search: its id, or something that was read of it."""

_LISTS = (list, tuple, range)


def search_id(search: Search) -> str:
    """The id of a search."""
    if isinstance(search, str):  # and no view is loaded to compare it with
        return search
    if _is_search(search):
        return search.id
    raise _mistaken(search, "the search", "its id or its status")


def dataset_name(dataset: str | views.DatasetView) -> str:
    """The name of a dataset."""
    if isinstance(dataset, str):
        return dataset
    if isinstance(dataset, views.DatasetView):
        return dataset.name
    raise _mistaken(dataset, "the dataset", "its name")


def revision_tag(view: views.StatusView, what: str) -> str:
    """The revision of a status, as headers have it."""
    if not isinstance(view, views.StatusView):
        raise _mistaken(view, what, "a StatusView")
    return f'"{view.revision}"'


def text(value: str, what: str, wanted: str = "text") -> str:
    """`value`, if it is text."""
    if not isinstance(value, str):
        raise _mistaken(value, what, wanted)
    return value


def names(values: Iterable[str], what: str) -> list[str]:
    """Texts, of which there may be any number; a text alone is none of them letter by letter."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise _mistaken(values, what, "a list of texts")
    return [text(value, f"{what}[{i}]") for i, value in enumerate(values)]


def file_path(file: str | os.PathLike[str], what: str = "the file") -> Path:
    """The path of a file."""
    if not isinstance(file, str | os.PathLike):
        raise _mistaken(file, what, "a path")
    return Path(file)


def binary(file: IO[bytes]) -> IO[bytes]:
    """`file`, if it is open for bytes."""
    opened: object = file
    if isinstance(opened, io.TextIOBase) or not hasattr(opened, "write"):
        raise _mistaken(file, "the file", 'a path, or a file that is open for bytes ("wb")')
    return file


def count(value: Any, what: str) -> int:
    """A whole number of any library."""
    try:
        return operator.index(value)
    except TypeError:
        raise _mistaken(value, what, "a whole number") from None


def as_number(value: Any) -> float | None:
    """A number of any library; None where `value` is none."""
    value = value.tolist() if _is_array(value) else value
    if isinstance(value, (bool, *_LISTS)) or not hasattr(value, "__float__"):
        return None
    return value if isinstance(value, int | float) else float(value)


def number(value: Any, what: str) -> float:
    """A finite number of any library.

    Raises
    ------
    TypeError, InvalidRequest
        It is no number, or not finite.
    """
    plain_value = as_number(value)
    if plain_value is None:
        raise _mistaken(value, what, "a number")
    if not math.isfinite(plain_value):
        raise InvalidRequest(f"{what} is {plain_value}; give a finite number")
    return plain_value


def plain(value: Any, what: str) -> Any:
    """`value` as JSON has it: arrays and ranges become lists, a status the id of its search.

    Raises
    ------
    TypeError
        A part of it has no form in JSON; the message has its path.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {_name(key, what): plain(item, f"{what}.{key}") for key, item in value.items()}
    if isinstance(value, _LISTS):
        return [plain(item, f"{what}[{i}]") for i, item in enumerate(value)]
    if _is_array(value):
        return plain(value.tolist(), what)
    if _is_search(value):
        return value.id
    raise _mistaken(value, what, "a number, text, true, false, null, a list or a mapping")


def document(value: Mapping[str, Any], what: str) -> dict[str, Any]:
    """A mapping as JSON has it."""
    if not isinstance(value, Mapping):
        raise _mistaken(value, what, "a mapping")
    return dict(plain(value, what))


def _name(key: object, what: str) -> str:
    if not isinstance(key, str):
        raise _mistaken(key, f"a name in {what}", "text")
    return key


def _is_search(value: object) -> TypeGuard[views.StatusView | views.ResultView | views.HealthView]:
    """Tell what was read of a search."""
    return isinstance(value, views.StatusView | views.ResultView | views.HealthView)


def _is_array(value: object) -> bool:
    """Tell an array, or a scalar of an array library."""
    return callable(getattr(value, "tolist", None)) and not isinstance(value, type)


def _mistaken(value: object, what: str, wanted: str) -> TypeError:
    return TypeError(f"{what} is {reprlib.repr(value)} ({type(value).__name__}); give {wanted}")


def printable(message: str) -> str:
    """A message that services and files take, whatever characters a training put into it."""
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in message)
