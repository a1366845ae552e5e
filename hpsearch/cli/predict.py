"""`hpsearch model` and `hpsearch predict`: the trained winner as a file, and its predictions."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hpsearch.cli.options import Json, SearchId, Url, connected
from hpsearch.cli.output import emit
from hpsearch.errors import InvalidRequest, UnsupportedType

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hpsearch.nn import Model

FIELD = "{:.6g}"  # of a probability
NAMED = 5  # missing columns that are said by name


def model(
    search: SearchId,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The .npz file to write.")],
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Fetch the recommended model as the final test trained it."""
    from hpsearch.client import PATIENCE

    with connected(url, patience=PATIENCE) as client:
        client.model(search, file)
    if as_json:
        emit({"file": str(file), "bytes": file.stat().st_size})
    else:
        print(f"{file}: predict with `hpsearch predict {file} EXAMPLES`")


def predict(
    file: Annotated[Path, typer.Argument(metavar="MODEL", help="What `hpsearch model` wrote.")],
    examples: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Examples: an .npz file with x, or a .csv file."),
    ],
    as_json: Json = False,
) -> None:
    """Print the most probable class of each example and the probability of every class, as CSV.

    Columns of a CSV file are found by the names that the dataset had; others are ignored.
    """
    from hpsearch.nn import Model

    trained = Model.load(file)
    probabilities = trained.predict_proba(read(examples, trained))
    names = [trained.classes[i] for i in probabilities.argmax(axis=1)]
    if as_json:
        lines = zip(names, probabilities.tolist(), strict=True)
        predictions = [{"label": n, "probabilities": dict(zip(trained.classes, p, strict=True))} for n, p in lines]  # fmt: skip
        emit({"predictions": predictions})
        return
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["label", *trained.classes])
    for name, row in zip(names, probabilities.tolist(), strict=True):
        table.writerow([name, *(FIELD.format(p) for p in row)])


def read(file: Path, trained: Model) -> NDArray[Any]:
    """The examples in a file, as the model takes them: (n, features).

    Raises
    ------
    UnsupportedType
        It is neither .npz nor .csv.
    InvalidRequest
        It cannot be read, or lacks a column; the message names it.
    """
    reader = {".npz": _npz, ".csv": _csv}.get(file.suffix.lower())
    if reader is None:
        raise UnsupportedType(f"{file}: examples are an .npz or a .csv file")
    try:
        return reader(file, trained)
    except OSError as error:
        raise InvalidRequest(f"{file}: {error.strerror or error}") from error


def _npz(file: Path, trained: Model) -> NDArray[Any]:
    import zipfile

    import numpy as np

    try:
        with file.open("rb") as source, np.load(source, allow_pickle=False) as archive:
            x: NDArray[Any] = archive["x"]
    except (KeyError, ValueError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidRequest(f"{file} is no .npz file with an array x of numbers") from error
    return x


def _csv(file: Path, trained: Model) -> NDArray[Any]:
    import numpy as np

    with file.open(encoding="utf-8-sig", newline="") as source:
        try:
            rows = csv.reader(source, strict=True)
            head = [name.strip() for name in next(rows, [])]
            places = _column_indices(file, head, trained)
            values = [_numbers(file, rows.line_num, row, places) for row in rows if row]
        except (UnicodeDecodeError, csv.Error) as error:
            raise InvalidRequest(f"{file} is no CSV file in UTF-8: {error}") from error
    if not values:
        raise InvalidRequest(f"{file} has a header and no examples")
    return np.array(values)


def _column_indices(file: Path, head: list[str], trained: Model) -> list[int]:
    """The column of each feature; a dataset without names takes all columns in their order."""
    wanted = list(trained.about.get("feature_names") or ()) or head
    missing = [name for name in wanted if name not in head]
    if missing:
        named = ", ".join(map(repr, missing[:NAMED]))
        more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        columns = "column" if len(missing) == 1 else "columns"
        raise InvalidRequest(f"{file} lacks the {columns} {named}{more}")
    return [head.index(name) for name in wanted]


def _numbers(file: Path, line: int, row: list[str], places: list[int]) -> list[float]:
    try:
        return [float(row[place]) for place in places]
    except (IndexError, ValueError) as error:
        raise InvalidRequest(f"{file}, line {line}: {error}") from error
