"""A command with places for a trial's values: parsed, checked against a space, and written out.

    {lr}                         a number or a text
    {amp?--amp:--no-amp}         the first word where the value is true, else the second one
    {clip?--clip={clip}}         left out where the value is null or false
    {flag!py}                    True or False
    {sizes!json}                 one word of JSON, [64,32]
    {sizes!words}                a word for each item
    {{ }}                        a brace each

A word of the template is a word of the command, whatever is written into it: no shell reads it, and
nothing is split or quoted. Numbers are written as the most parsers of options take them: floats by
repr(), with a point or an exponent; whole numbers as digits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any, Literal

from hpsearch.errors import InvalidRequest, suggestion
from hpsearch.space import Level

Form = Literal["plain", "py", "json", "words"]
FORMS: tuple[Form, ...] = ("py", "json", "words")
OWN = ("epochs", "seed", "kind", "trial", "attempt", "search", "score_file")
"""Facts of a trial that a template may name; a hyperparameter of the same name comes first."""

_NAME = re.compile(r"[^\W\d][\w.-]{0,39}")


@dataclass(frozen=True, slots=True)
class Place:
    """A place for one value, written in one form."""

    name: str
    form: Form

    def __str__(self) -> str:
        return f"{{{self.name}}}" if self.form == "plain" else f"{{{self.name}!{self.form}}}"


@dataclass(frozen=True, slots=True)
class Either:
    """A place for one of two texts; `no` is None where the word is left out."""

    name: str
    yes: Word
    no: Word | None


Part = str | Place | Either
Word = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """The words of a command with their places."""

    words: tuple[Word, ...]

    @classmethod
    def of(cls, words: Sequence[str]) -> Template:
        """Parse the words of a command.

        Raises
        ------
        InvalidRequest
            There is none, or one is no template.
        """
        if not words:
            raise InvalidRequest(
                "the command is missing: hpsearch agent ID -- python train.py --lr={lr}"
            )
        return cls(tuple(_parsed(word) for word in words))

    @property
    def names(self) -> frozenset[str]:
        """Every name in it."""
        return frozenset(name for word in self.words for name in _names(word))

    @property
    def program(self) -> str | None:
        """The first word; None where a value is written into it."""
        first = self.words[0]
        return "".join(map(str, first)) if all(isinstance(part, str) for part in first) else None

    def written(self, values: Mapping[str, Level]) -> list[str]:
        """The command for a trial's values; a value that is not there counts as null.

        Raises
        ------
        InvalidRequest
            A value cannot be written in the form that the template has for it.
        """
        return [text for word in self.words for text in _written(word, values)]


def _parsed(text: str) -> Word:
    parser = _Parser(text)
    word = parser.parts(inside=False)
    for part in word:
        if isinstance(part, Place) and part.form == "words" and len(word) > 1:
            raise InvalidRequest(f"{text!r}: {part} is several words; let it stand alone")
    return word


class _Parser:
    """Reads one word from left to right."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    def parts(self, *, inside: bool) -> Word:
        """Everything up to the end, or up to what ends a branch."""
        parts: list[Part] = []
        plain: list[str] = []
        while self._at < len(self._text):
            if self._text.startswith("{{", self._at):
                plain.append("{")
                self._at += 2
            elif not inside and self._text.startswith("}}", self._at):
                plain.append("}")
                self._at += 2
            elif self._text[self._at] == "{":
                parts += ["".join(plain)] if plain else []
                plain = []
                parts.append(self._place(inside=inside))
            elif inside and self._text[self._at] in ":}":
                break
            else:
                plain.append(self._text[self._at])
                self._at += 1
        parts += ["".join(plain)] if plain else []
        return tuple(parts)

    def _place(self, *, inside: bool) -> Place | Either:
        name = re.compile(r"[^?!:{}]*").match(self._text, self._at + 1)
        assert name is not None  # it may be empty
        if not _NAME.fullmatch(name[0]):
            raise self._mistake(
                f"{name[0]!r} is no name of a hyperparameter; a brace is written {{{{"
            )
        self._at = name.end()
        if self._took("}"):
            return Place(name[0], "plain")
        if self._took("!"):
            for form in FORMS:
                if self._took(f"{form}}}"):
                    if inside and form == "words":
                        raise self._mistake("several words cannot stand inside of one")
                    return Place(name[0], form)
            raise self._mistake("after ! comes py, json or words, and a brace")
        if self._took("?"):
            yes = self.parts(inside=True)
            no = self.parts(inside=True) if self._took(":") else None
            if self._took("}"):
                return Either(name[0], yes, no or None)
        raise self._mistake(f"the place of {name[0]!r} has no end; write {{{name[0]}}}")

    def _took(self, text: str) -> bool:
        if self._text.startswith(text, self._at):
            self._at += len(text)
            return True
        return False

    def _mistake(self, why: str) -> InvalidRequest:
        return InvalidRequest(f"{self._text!r} in the command: {why}")


def _names(word: Word) -> Iterator[str]:
    for part in word:
        if isinstance(part, Place):
            yield part.name
        elif isinstance(part, Either):
            yield part.name
            yield from _names(part.yes)
            yield from _names(part.no or ())


# Writing


def _written(word: Word, values: Mapping[str, Level]) -> list[str]:
    """The words that one word of the template becomes: one, or none, or those of a list."""
    alone = word[0] if len(word) == 1 else None
    if isinstance(alone, Place) and alone.form == "words":
        return [_plain(alone, item) for item in _items(alone, values.get(alone.name))]
    if isinstance(alone, Place) and alone.form == "plain":
        return [_unsigned(values.get(alone.name), _in_form(alone, values.get(alone.name)))]
    if isinstance(alone, Either):
        chosen = alone.yes if _holds(values.get(alone.name)) else alone.no
        return [] if chosen is None else [_joined(chosen, values)]
    return [_joined(word, values)]


def _joined(word: Word, values: Mapping[str, Level]) -> str:
    texts = []
    for part in word:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, Place):
            texts.append(_in_form(part, values.get(part.name)))
        else:
            chosen = part.yes if _holds(values.get(part.name)) else part.no
            texts.append(_joined(chosen or (), values))
    return "".join(texts)


def _holds(value: Level) -> bool:
    return value is not None and value is not False


def _unsigned(value: Level, text: str) -> str:
    """A negative float that stands alone, without an exponent: argparse takes -1e-05 for an option."""
    if not isinstance(value, float) or not text.startswith("-") or "e" not in text:
        return text
    digits = format(Decimal(text), "f")
    return digits if "." in digits else f"{digits}.0"


def _in_form(place: Place, value: Level) -> str:
    if place.form == "json":
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    if place.form == "py" and isinstance(value, bool):
        return repr(value)
    return _plain(place, value)


def _plain(place: Place, value: Any) -> str:
    if value is None or isinstance(value, bool | list | tuple):
        raise InvalidRequest(_refusal(place, value))
    return repr(value) if isinstance(value, float) else str(value)


def _items(place: Place, value: Level) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        way = (
            ""
            if value is not None
            else f"; {{{place.name}?--{place.name}={{{place.name}!json}}}} leaves it out"
        )
        raise InvalidRequest(
            f"{place} in the command writes a list, and {_said(value)} is none{way}"
        )
    return value


def _said(value: object) -> str:
    return json.dumps(value)


def _refusal(place: Place, value: object) -> str:
    """The reason why a value is not written in this form, and the form to use."""
    name = place.name
    if value is None:
        way = f"{{{name}?--{name}={{{name}}}}} leaves the option out"
    elif isinstance(value, bool):
        way = f"write {{{name}?--{name}:--no-{name}}}, or {{{name}!py}} for True and False"
    else:
        way = f"write {{{name}!json}} for one word, or {{{name}!words}} for several"
    return (
        f"{place} in the command would write {_said(value)}, which parsers take differently: {way}"
    )


# Checking


def check(template: Template, space: Mapping[str, Any], *, halving: bool) -> None:
    """Refuse a template that some trial of a search would not fit.

    Parameters
    ----------
    space
        As the spec has it, in JSON: a range, or choices, by name.
    halving
        Whether trials are compared, and stopped, before their last epoch.

    Raises
    ------
    InvalidRequest
        With every reason.
    """
    possible = {name: list(_levels(dimension)) for name, dimension in space.items()}
    mistakes = list(_mistakes(template, possible))
    if halving and ("epochs" in space or "epochs" not in template.names):
        mistakes.append(
            "the search stops trials at epochs between, and the command has no {epochs}: write it where the program "
            'takes its epochs, or search with "epochs": {"first": N, "last": N, "halving": false}'
        )
    if mistakes:
        raise InvalidRequest("; ".join(dict.fromkeys(mistakes)))


def unused(template: Template, space: Iterable[str]) -> list[str]:
    """Hyperparameters that stand nowhere in a template."""
    return [name for name in space if name not in template.names]


def _mistakes(template: Template, possible: Mapping[str, Sequence[Level]]) -> Iterator[str]:
    known = [*possible, *OWN]
    for name in sorted(template.names - set(known)):
        question = suggestion(name, known)
        listed = ", ".join(f"{{{other}}}" for other in known)
        yield f"{{{name}}} in the command is no hyperparameter of the search; {question or f'it has {listed}'}"
    for word in template.words:
        for place, without in _places(word, frozenset()):
            # Inside of {x?...} the value of x is neither null nor false.
            values = (
                value
                for value in possible.get(place.name, ())
                if place.name not in without or _holds(value)
            )
            yield from islice(filter(None, (_unfit(place, value) for value in values)), 1)


def _unfit(place: Place, value: Level) -> str | None:
    try:
        if place.form == "words":
            for item in _items(place, value):
                _plain(place, item)
        else:
            _in_form(place, value)
    except InvalidRequest as error:
        return str(error)
    return None


def _places(word: Word, without: frozenset[str]) -> Iterator[tuple[Place, frozenset[str]]]:
    """Every place, with the names that are neither null nor false there."""
    for part in word:
        if isinstance(part, Place):
            yield part, without
        elif isinstance(part, Either):
            yield from _places(part.yes, without | {part.name})
            yield from _places(part.no or (), without)


def _levels(dimension: Mapping[str, Any]) -> Iterator[Level]:
    """Values of each kind that a dimension has; null where it is there in some trials alone."""
    if "choices" in dimension:
        yield from dimension["choices"]
    else:
        yield dimension.get("low", 0.0)
    if dimension.get("when"):
        yield None
