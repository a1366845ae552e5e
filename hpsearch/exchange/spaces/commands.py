"""The command of `hpsearch agent` for a converted space: a word for each hyperparameter and each constant."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

Arguments = Mapping[str, Any]
PROGRAM: Final = "train.py"
EPOCHS: Final = "epochs"
ARGUMENTS: Final = {
    "${args}": ("--{}=", False),
    "${args_no_hyphens}": ("{}=", False),
    "${args_no_boolean_flags}": ("--{}=", True),
}
"""Spelling of a sweep's arguments: the beginning of a word, and whether true is a word without a value."""


def agent_words(
    space: Mapping[str, Mapping[str, Any]],
    constants: Arguments,
    *,
    program: str = "",
    command: Sequence[str] = (),
) -> list[str]:
    """The words of a command as `hpsearch agent` takes them.

    Parameters
    ----------
    space, constants
        Of the spec, and what is always the same.
    program, command
        As a sweep of W&B names them; without them `python train.py` and an option for each.
    """
    program = program or PROGRAM
    runs = ["python", program] if program.endswith(".py") else [program]
    whole = list(command) or [*runs, "${args}"]
    fixed = {"${env}": [], "${interpreter}": ["python"], "${program}": [program]}
    words: list[str] = []
    for word in whole:
        if word in ARGUMENTS:
            begin, flags = ARGUMENTS[word]
            words += _arguments(space, constants, begin, flags=flags)
        elif word in fixed:
            words += fixed[word]
        elif "${" in word:  # as ${args_json}: nothing that an agent writes
            return agent_words(space, constants, program=program)
        else:
            words.append(_literal(word))
    return words


def shell(words: Sequence[str]) -> str:
    """The words for a shell: what has a brace is quoted."""
    return shlex.join(words)


def _arguments(
    space: Mapping[str, Mapping[str, Any]], constants: Arguments, begin: str, *, flags: bool
) -> Iterator[str]:
    for name, dimension in space.items():
        yield _word(name, dimension, begin, flags=flags)
    for name, value in constants.items():
        if name == EPOCHS or name in space:
            continue
        if flags and isinstance(value, bool):
            if value:
                yield _literal(begin.format(name).rstrip("="))
        elif isinstance(value, bool | int | float | str):
            yield _literal(f"{begin.format(name)}{value}")
    if EPOCHS not in space:
        yield f"{begin.format(EPOCHS)}{{{EPOCHS}}}"


def _word(name: str, dimension: Mapping[str, Any], begin: str, *, flags: bool) -> str:
    """The word of a hyperparameter, which is left out where it has no value."""
    start = begin.format(name)
    levels = dimension.get("choices", ())
    if any(isinstance(x, bool) for x in levels):
        if flags:
            return f"{{{name}?{start.rstrip('=')}}}"
        if "when" in dimension or None in levels:
            return f"{{{name}?{start}True:{start}False}}"
        return f"{start}{{{name}!py}}"
    form = "!json" if any(isinstance(x, list | tuple) for x in levels) else ""
    word = f"{start}{{{name}{form}}}"
    return f"{{{name}?{word}}}" if "when" in dimension or None in levels else word


def _literal(word: str) -> str:
    """A word that holds no place: its braces are doubled."""
    return word.replace("{", "{{").replace("}", "}}")
