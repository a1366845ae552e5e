"""Labels to targets: the classes and each example's number among them, or numbers as they are."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch import errors
from hpsearch.data.limits import Limits
from hpsearch.data.notes import Note
from hpsearch.data.parse.cells import NEVER_WORDS, is_missing
from hpsearch.data.parse.measured import NOT_FINITE, targets
from hpsearch.data.parse.raw import LABEL_LENGTH, Mistakes, Raw, refuse

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating[Any]]
Targets = Codes | Floats

_WHOLE = re.compile(r"(0|-?[1-9]\d{0,17})(\.0*)?", re.ASCII)
_NOT_CLASSES = (
    "labels are not classes; give each example one of a few whole numbers or words, or send "
    "task=regression to predict a measured quantity"
)
_MANY_SINGLE = 20
_FEW = 0.01  # distinct words by rows


@dataclass(frozen=True, slots=True)
class Encoded:
    """Class names, and each example's class number: y (n,), y_test (n_test,) or None.

    `counts` has the examples of each class, of both parts together. For regression there are no
    classes, and targets are float64.
    """

    classes: tuple[str, ...]
    y: Targets
    y_test: Targets | None
    counts: tuple[int, ...] = ()


def without_rare(raw: Raw, least: int | None) -> Raw:
    """Leave out the examples of classes with fewer than `least` examples, and note it.

    Examples of both parts count. None leaves all as it is.

    Raises: errors.InvalidDataset where there are no classes, or none is left.
    """
    if least is None:
        return raw
    if raw.task == "regression":
        refuse("rare", "a regression has no classes; leave rare= out")
    both = raw.y if raw.y_test is None else np.concatenate([raw.y, raw.y_test])
    values, codes = _distinct(both, "y")
    counts = np.bincount(codes)
    few = np.flatnonzero(counts < least)
    if not few.size or (few.size > _MANY_SINGLE and _may_be_measured(values, raw)):
        return raw
    if few.size > len(values) - 2:
        refuse("rare", f"fewer than two classes have {least} examples or more")
    kept = ~np.isin(codes, few)
    names = raw.classes or values
    return only(raw, kept, _rare_note([f"{names[at]} ({counts[at]})" for at in few], kept, least))


def _may_be_measured(values: Sequence[object], raw: Raw) -> bool:
    """Tell whether labels are numbers that no reader has words for."""
    return not raw.classes and all(isinstance(value, int) for value in values)


def only(raw: Raw, kept: npt.NDArray[np.bool_], *notes: Note) -> Raw:
    """Return the examples that are kept, x before x_test, with findings about the others."""
    n = len(raw.y)
    train, test = np.flatnonzero(kept[:n]), np.flatnonzero(kept[n:])
    x_test, y_test = raw.x_test, raw.y_test
    if x_test is not None and y_test is not None:
        x_test, y_test = replace(x_test, values=x_test.values[test]), y_test[test]
    y, classes = raw.y[train], raw.classes
    if classes:
        present, y = np.unique(y, return_inverse=True)
        classes = tuple(classes[at] for at in present)
    return replace(
        raw,
        x=replace(raw.x, values=raw.x.values[train]),
        y=y,
        x_test=x_test,
        y_test=y_test,
        classes=classes,
        notes=(*raw.notes, *notes),
        rows=train if raw.rows is None else raw.rows[train],
        facts=raw.facts.take(train),
    )


def _rare_note(rare: list[str], kept: npt.NDArray[np.bool_], least: int) -> Note:
    rows = int((~kept).sum())
    return Note(
        "rare_classes_left_out",
        "warning",
        f"{_examples(rows)} of classes with fewer than {least} left out: {_listed(rare)}",
        {"examples": rows, "classes": len(rare), "least": least},
        "the scores say nothing of these classes; add examples of them if they matter",
    )


def encode(raw: Raw, limits: Limits) -> Encoded:
    """Number the classes: ascending where all are whole numbers, else by the alphabet.

    Raises
    ------
    errors.InvalidDataset
        Labels are not classes, are too few or too many; a class has too
        few examples; the test part has a class that the training part lacks.
    """
    if raw.task == "regression":
        return Encoded((), *targets(raw))
    values, y = _distinct(raw.y, "y")
    test_values, y_test = ([], None) if raw.y_test is None else _distinct(raw.y_test, "y_test")
    shown = [_shown(value, raw) for value in values]
    _require_classes(shown, y, limits)
    needed = 3 if raw.y_test is None else 2
    _require_examples(shown, y, needed=needed, measured=_may_be_measured(values, raw))
    numbers = {value: number for number, value in enumerate(values)}
    unknown = [value for value in test_values if value not in numbers]
    if unknown:
        refuse("y_test", f"classes {_listed(unknown)} are not in y; every class needs training")
    if y_test is not None:
        y_test = np.array([numbers[value] for value in test_values], dtype=np.int64)[y_test]
    both = y if y_test is None else np.concatenate([y, y_test])
    counts = tuple(np.bincount(both, minlength=len(values)).tolist())
    return Encoded(_words(values, raw.classes), y, y_test, counts)


def _finite(values: Floats, part: str) -> Floats:
    missing = np.flatnonzero(~np.isfinite(values))
    if missing.size:
        refuse(f"{part}[{missing[0]}]", NOT_FINITE)
    return values


def _distinct(labels: npt.NDArray[Any], part: str) -> tuple[list[int] | list[str], Codes]:
    """Return the distinct labels in order, and each example's position among them."""
    if labels.dtype.kind == "f":
        _finite(labels, part)
        if (labels != np.round(labels)).any() or (np.abs(labels) > 2**53).any():
            refuse(part, _NOT_CLASSES)
        labels = labels.astype(np.int64)
    if labels.dtype.kind == "U":
        distinct, inverse = distinct_words(labels)
    else:
        distinct, inverse = np.unique(labels, return_inverse=True)
    inverse = inverse.astype(np.int64)
    if labels.dtype.kind != "U":
        return [int(value) for value in distinct], inverse
    words = [str(word) for word in distinct]
    _require_words(words, part)
    _require_known(words, np.bincount(inverse), part)
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


def distinct_words(words: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
    """Return the distinct words in order, and the place of each (n,) among them: few are sorted once."""
    distinct = np.unique(words)
    if distinct.size < _FEW * words.size:
        return distinct, np.searchsorted(distinct, words)
    distinct, inverse = np.unique(words, return_inverse=True)
    return distinct, inverse


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


def _require_known(words: list[str], counts: Codes, part: str) -> None:
    """Refuse spellings of a label that is not there: those of programs, and any among numbers."""
    spelled = [at for at, word in enumerate(words) if is_missing(word)]
    others = [word for word in words if not is_missing(word)]
    among_numbers = bool(others) and all(map(_is_number, others))
    mistakes = Mistakes()
    for at in spelled:
        if among_numbers or words[at].strip().lower() in NEVER_WORDS:
            mistakes.add(
                part,
                f"the label of {_examples(int(counts[at]))} is missing ({words[at]!r}); fill it in "
                "or leave the row out",
            )
    mistakes.check()


def is_plain(text: str) -> bool:
    """Return True if a text can be stored and shown: no control characters, no lone surrogates."""
    return all(unicodedata.category(character) not in ("Cc", "Cs") for character in text)


def _shown(value: object, raw: Raw) -> object:
    """Return the name of a class, where the reader knows the words."""
    known = isinstance(value, int) and 0 <= value < len(raw.classes)
    return raw.classes[value] if known and isinstance(value, int) else value


def _require_classes(values: Sequence[object], y: Codes, limits: Limits) -> None:
    if len(values) < 2:
        refuse("y", f"all {y.size} examples are of class {values[0]}; two classes are needed")
    if len(values) > limits.classes:
        refuse("y", f"{len(values):,} classes, at most {limits.classes:,}; {_NOT_CLASSES}")


def _require_examples(values: Sequence[object], y: Codes, *, needed: int, measured: bool) -> None:
    """Refuse a class without an example for the training, the validation and a test part."""
    counts = np.bincount(y)
    few = np.flatnonzero(counts < needed)
    if few.size > _MANY_SINGLE and (2 * len(values) > y.size or measured):
        refuse("y", f"{len(values):,} classes among {y.size:,} examples: {_NOT_CLASSES}")
    parts = "training, validation and test" if needed == 3 else "training and validation"
    mistakes = [
        errors.Mistake(
            "y",
            f"class {values[int(code)]} has {_examples(int(counts[code]))}; {needed} are needed, one "
            f"each for {parts}: add examples, or send rare={needed} to leave such classes out",
        )
        for code in few.tolist()
    ]
    if mistakes:
        others = [f"{values[code]} ({counts[code]})" for code in few[1:].tolist()]
        more = f" (and {few.size - 1} other classes: {', '.join(others)})" if others else ""
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


def other_positive(labels: Encoded, asked: str | None) -> str:
    """Return the positive class where it is the first of two, as asked; else "", for the second.

    Raises
    ------
    errors.InvalidDataset
        There are no two classes, or none of this name.
    """
    if asked is None:
        return ""
    if len(labels.classes) != 2:
        have = f"{len(labels.classes)} classes" if labels.classes else "numbers to predict"
        refuse("positive", f"belongs to two classes; here are {have}: leave it out")
    if asked not in labels.classes:
        refuse("positive", f"no class {asked[:40]!r}; there are {_listed(labels.classes)}")
    return "" if asked == labels.classes[1] else asked
