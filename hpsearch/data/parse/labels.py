"""Labels to targets: the classes and each example's number among them, or numbers as they are."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch import errors
from hpsearch.data.limits import Limits
from hpsearch.data.parse.raw import LABEL_LENGTH, MAX_MISTAKES, Mistakes, Raw, refuse

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating[Any]]
Targets = Codes | Floats

_WHOLE = re.compile(r"(0|-?[1-9]\d{0,17})(\.0*)?", re.ASCII)
_NOT_CLASSES = (
    "labels are not classes; give each example one of a few whole numbers or words, not a "
    "measured quantity"
)
_MANY_SINGLE = 20


@dataclass(frozen=True, slots=True)
class Encoded:
    """Class names, and each example's class number: y (n,), y_test (n_test,) or None.

    For regression there are no classes, and targets are float64.
    """

    classes: tuple[str, ...]
    y: Targets
    y_test: Targets | None


def encode(raw: Raw, limits: Limits) -> Encoded:
    """Number the classes: ascending where all are whole numbers, else by the alphabet.

    Raises
    ------
    errors.InvalidDataset
        Labels are not classes, are too few or too many; a class has too
        few examples; the test part has a class that the training part lacks.
    """
    if raw.task == "regression":
        return _measured(raw)
    values, y = _distinct(raw.y, "y")
    test_values, y_test = ([], None) if raw.y_test is None else _distinct(raw.y_test, "y_test")
    _require_classes(values, y, limits)
    _require_examples(values, y, needed=3 if raw.y_test is None else 2)
    numbers = {value: number for number, value in enumerate(values)}
    unknown = [value for value in test_values if value not in numbers]
    if unknown:
        refuse("y_test", f"classes {_listed(unknown)} are not in y; every class needs training")
    if y_test is not None:
        y_test = np.array([numbers[value] for value in test_values], dtype=np.int64)[y_test]
    return Encoded(_words(values, raw.classes), y, y_test)


def _measured(raw: Raw) -> Encoded:
    """Check the targets of a regression; one example at least goes to each part."""
    needed = 3 if raw.y_test is None else 2
    if len(raw.y) < needed:
        refuse("y", f"{_examples(len(raw.y))}; {needed} are needed")
    y = _finite(raw.y.astype(np.float64), "y")
    y_test = None if raw.y_test is None else _finite(raw.y_test.astype(np.float64), "y_test")
    return Encoded((), y, y_test)


def _finite(values: Floats, part: str) -> Floats:
    missing = np.flatnonzero(~np.isfinite(values))
    if missing.size:
        refuse(f"{part}[{missing[0]}]", "the label is missing (NaN or infinite)")
    return values


def _distinct(labels: npt.NDArray[Any], part: str) -> tuple[list[int] | list[str], Codes]:
    """Return the distinct labels in order, and each example's position among them."""
    if labels.dtype.kind == "f":
        _finite(labels, part)
        if (labels != np.round(labels)).any() or (np.abs(labels) > 2**53).any():
            refuse(part, _NOT_CLASSES)
        labels = labels.astype(np.int64)
    distinct, inverse = np.unique(labels, return_inverse=True)
    inverse = inverse.astype(np.int64)
    if labels.dtype.kind != "U":
        return [int(value) for value in distinct], inverse
    words = [str(word) for word in distinct]
    _require_words(words, part)
    if not all(map(_is_number, words)):
        return words, inverse
    if not all(float(word).is_integer() for word in words):
        refuse(part, _NOT_CLASSES)
    if not all(map(_WHOLE.fullmatch, words)):
        # Such as 007: a name made of digits.
        return words, inverse
    # "2" and "2.0" are one class, and 10 comes after 9.
    numbers, merged = np.unique(
        [int(word.partition(".")[0]) for word in words], return_inverse=True
    )
    return [int(number) for number in numbers], merged.astype(np.int64)[inverse]


def _is_number(word: str) -> bool:
    try:
        return "_" not in word and math.isfinite(float(word))
    except ValueError:
        return False


def _require_words(words: list[str], part: str) -> None:
    mistakes = Mistakes()
    for word in words:
        if not word.strip():
            mistakes.add(part, "an example has an empty label; name its class or leave it out")
        elif len(word) > LABEL_LENGTH:
            mistakes.add(part, f"label {word[:20]!r}… has more than {LABEL_LENGTH} characters")
        elif not is_plain(word):
            mistakes.add(part, f"label {word!r} has control characters")
    mistakes.check()


def is_plain(text: str) -> bool:
    """Return True if a text can be stored and shown: no control characters, no lone surrogates."""
    return all(unicodedata.category(character) not in ("Cc", "Cs") for character in text)


def _require_classes(values: Sequence[object], y: Codes, limits: Limits) -> None:
    if len(values) < 2:
        refuse("y", f"all {y.size} examples are of class {values[0]}; two classes are needed")
    if len(values) > limits.classes:
        refuse("y", f"{len(values):,} classes, at most {limits.classes:,}; {_NOT_CLASSES}")


def _require_examples(values: Sequence[object], y: Codes, *, needed: int) -> None:
    """Refuse a class without an example for the training, the validation and a test part."""
    counts = np.bincount(y)
    few = np.flatnonzero(counts < needed)
    if few.size > _MANY_SINGLE and 2 * len(values) > y.size:
        refuse("y", f"{len(values):,} classes among {y.size:,} examples: {_NOT_CLASSES}")
    parts = "training, validation and test" if needed == 3 else "training and validation"
    mistakes = [
        errors.Mistake(
            "y",
            f"class {values[code]} has {_examples(int(counts[code]))}; {needed} are needed, one "
            f"each for {parts}: add examples or leave the class out",
        )
        for code in few[:MAX_MISTAKES]
    ]
    if mistakes:
        more = f" (and {few.size - 1} other classes)" if few.size > 1 else ""
        raise errors.InvalidDataset(f"{mistakes[0].message}{more}", mistakes)


def _examples(count: int) -> str:
    return "one example" if count == 1 else f"{count} examples"


def _words(values: Sequence[object], names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        return tuple(str(value) for value in values)
    if list(values) != list(range(len(names))):
        refuse("y", f"labels {_listed(values)} are not the numbers 0 to {len(names) - 1}")
    return names


def _listed(values: Sequence[object]) -> str:
    shown = ", ".join(str(value) for value in values[:10])
    return f"{shown}, …" if len(values) > 10 else shown
