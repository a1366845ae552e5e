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
        typer.Argument(metavar="FILE", help="Examples, such as an .npz file with x or a .csv."),
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
    """Read the examples in a file, as the model takes them: (n, features).

    Raises
    ------
    UnsupportedType
        It is in no format of datasets.
    InvalidRequest
        It cannot be read, or lacks a column; the message names it.
    """
    from hpsearch.data.formats import by_suffix, name_suffixes

    file_format = by_suffix(file)
    if file_format is None:
        raise UnsupportedType(f"{file}: examples are {name_suffixes()}")
    try:
        return file_format.read_examples(file, trained.about.get("feature_names") or ())
    except OSError as error:
        raise InvalidRequest(f"{file}: {error.strerror or error}") from error
