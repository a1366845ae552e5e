"""`hpsearch model` and `hpsearch predict`: the trained winner as a file, and its predictions."""

from __future__ import annotations

import csv
import sys
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hpsearch.cli.options import Header, Json, Url, connected, known_name
from hpsearch.cli.output import emit
from hpsearch.errors import InvalidRequest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hpsearch.nn import Model

FIELD = "{:.6g}"  # of a probability
NUMBER = "{:.9g}"  # of a predicted number


def _formats() -> Collection[str]:
    from hpsearch.winner import FORMATS

    return FORMATS


def model(
    search: Annotated[
        str,
        typer.Argument(metavar="SEARCH", help="Id of a search, or an .npz file fetched before."),
    ],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            callback=known_name(_formats),
            help="npz, onnx, safetensors, torch or sklearn [default: by the end of FILE, else npz].",
        ),
    ] = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Fetch the recommended model as the final test trained it, for NumPy or another library.

    By its end .onnx is ONNX, .safetensors safetensors (and .json), .pt PyTorch (and a module, .py), .pkl a
    pickled estimator of scikit-learn. Dates and words are made into numbers before all but the last.
    """
    from hpsearch.client import PATIENCE
    from hpsearch.nn import Model
    from hpsearch.winner import FORMATS, chosen, paths, write

    name = chosen(file, format)
    if search.endswith(".npz"):  # an id has no dot
        write(Model.load(search), file, name)
    else:
        with connected(url, patience=PATIENCE) as client:
            client.model(search, file, name)
    files = paths(file, FORMATS[name])
    if as_json:
        sizes = [{"file": str(one), "bytes": one.stat().st_size} for one in files]
        emit({**sizes[0], "format": name, "files": sizes})
    elif name == "npz":
        print(f"{file}: predict with `hpsearch predict {file} EXAMPLES`")
    else:
        print(f"{' and '.join(map(str, files))}: {FORMATS[name].title}")


def predict(
    file: Annotated[Path, typer.Argument(metavar="MODEL", help="What `hpsearch model` wrote.")],
    examples: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Examples, such as an .npz file with x or a .csv."),
    ],
    header: Header = None,
    as_json: Json = False,
) -> None:
    """Print the most probable class of each example and the probability of every class, as CSV.

    A model of a regression prints its number for each example, in the units of the target. Columns of a
    file are found by the names that the dataset had; others are ignored. Where the dataset had words or
    gaps, the file is read as the dataset's was, and a column that it had not is refused.
    """
    from hpsearch.nn import Model, UnlikeTraining

    trained = Model.load(file)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UnlikeTraining)
        values = trained.predict_values(read(examples, trained, header=header))
    concerns = [str(one.message) for one in caught if one.category is UnlikeTraining]
    for concern in concerns:
        print(f"hpsearch: warning: {concern}", file=sys.stderr)
    show = _classes if trained.classifies else _numbers
    show(trained, values, concerns, as_json=as_json)


def _numbers(trained: Model, values: NDArray[Any], concerns: list[str], *, as_json: bool) -> None:
    """Print predicted numbers (n, 1)."""
    if as_json:
        emit({"predictions": [{"value": v} for v in values[:, 0].tolist()], "warnings": concerns})
        return
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow([trained.about.get("target") or "prediction"])
    table.writerows([NUMBER.format(value)] for value in values[:, 0].tolist())


def _classes(
    trained: Model, probabilities: NDArray[Any], concerns: list[str], *, as_json: bool
) -> None:
    """Print the probabilities (n, C) of the classes behind the most probable one."""
    names = [trained.classes[i] for i in probabilities.argmax(axis=1)]
    if as_json:
        lines = zip(names, probabilities.tolist(), strict=True)
        predictions = [{"label": n, "probabilities": dict(zip(trained.classes, p, strict=True))} for n, p in lines]  # fmt: skip
        emit({"predictions": predictions, "warnings": concerns})
        return
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["label", *trained.classes])
    for name, row in zip(names, probabilities.tolist(), strict=True):
        table.writerow([name, *(FIELD.format(p) for p in row)])


def read(
    file: Path, trained: Model, *, header: bool | None = None
) -> NDArray[Any] | dict[str, list[Any]]:
    """Read the examples in a file, as the model takes them: (n, features), or columns by name.

    Raises
    ------
    InvalidRequest
        It cannot be read, or lacks a column; the message names it.
    InvalidDataset
        It is no file of examples, or its first line could be an example as well as names.
    """
    from hpsearch.data import Reading
    from hpsearch.data.formats import by_content

    if trained.columns:
        from hpsearch.data.examples import read_columns

        try:
            return read_columns(file, header=header)
        except OSError as error:
            raise InvalidRequest(f"{file}: {error.strerror or error}") from error
    try:
        file_format = by_content(file)
        file_format.check(Reading(header=header))
        options = {} if header is None else {"header": header}
        return file_format.read_examples(file, trained.about.get("feature_names") or (), **options)
    except OSError as error:
        raise InvalidRequest(f"{file}: {error.strerror or error}") from error
