"""States of bayesian-optimization (`save_state`), as far as a spec's space names what they do not.

A category is a column for each of its values, without their names: those of the spec's choices are taken, in
their order, which has to be the order of the caller's list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hpsearch.errors import InvalidRequest
from hpsearch.exchange.stores.files import TRIALS_MOST, mapping, read_json
from hpsearch.exchange.stores.trials import Stored, StoredTrial, a_number
from hpsearch.space import Choices, Level, Space


def recognises(path: Path) -> bool:
    """Tell whether a path is a state."""
    if path.suffix != ".json" or not path.is_file():
        return False
    document = read_json(path)
    return isinstance(document, dict) and {"pbounds", "keys", "params", "target"} <= document.keys()


def read(path: Path, space: Space, metric: str | None) -> Stored:
    """Read a state; targets are maximised, and a trial is one epoch."""
    document = mapping(read_json(path), str(path))
    keys, rows, targets = (document.get(name) for name in ("keys", "params", "target"))
    if not isinstance(keys, list) or not isinstance(rows, list) or not isinstance(targets, list):
        raise InvalidRequest(
            f"{path} is no state of bayesian-optimization: keys, params and target are lists"
        )
    if document.get("constraint_values") is not None:
        raise InvalidRequest(f"{path} has constraints, which a search does not know")
    if len(rows) != len(targets) or len(rows) > TRIALS_MOST:
        raise InvalidRequest(f"{path} has {len(rows):,} trials and {len(targets):,} targets")
    names = [str(key) for key in keys]
    choices = {
        n: d.choices for n, d in space.dimensions.items() if isinstance(d, Choices) and n in names
    }
    width = len(names) + sum(len(levels) - 1 for levels in choices.values())
    trials = tuple(
        _trial(row, target, names, choices, width, path)
        for row, target in zip(rows, targets, strict=True)
    )
    remarks = [
        f"{name}: its values have no names in the file; they are taken for {', '.join(map(str, levels))}, in this order"
        for name, levels in choices.items()
    ]
    return Stored(f"state {path.name}", trials, "maximize", tuple(remarks))


def _trial(
    row: Any,
    target: Any,
    names: Sequence[str],
    choices: Mapping[str, Sequence[Level]],
    width: int,
    path: Path,
) -> StoredTrial:
    numbers = [a_number(x) for x in row] if isinstance(row, list) else []
    if len(numbers) != width or None in numbers:
        raise InvalidRequest(
            f"{path} has trials of {len(numbers)} columns, the spec's space makes {width}: its choices must "
            "be the categories of pbounds"
        )
    score = a_number(target)
    params = dict(_values([x for x in numbers if x is not None], names, choices))
    if score is None:
        return StoredTrial(params, "failed", left_out="have no target")
    return StoredTrial(params, "completed", 1, score)


def _values(
    numbers: Sequence[float], names: Sequence[str], choices: Mapping[str, Sequence[Level]]
) -> Iterator[tuple[str, Any]]:
    """Yield values by name; a category is the one of its columns that is highest."""
    place = 0
    for name in names:
        levels = choices.get(name)
        if levels is None:
            number = numbers[place]
            yield name, int(number) if number.is_integer() else number
            place += 1
        else:
            columns = numbers[place : place + len(levels)]
            level = levels[columns.index(max(columns))]
            yield name, list(level) if isinstance(level, tuple) else level
            place += len(levels)
