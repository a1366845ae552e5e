"""The formats that a trained model can be written in, and the files of each."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Final

from hpsearch import nn
from hpsearch.errors import InvalidRequest
from hpsearch.registry import Registry
from hpsearch.winner.network import MADE_BY

SHADOWED: Final = sys.stdlib_module_names | {"torch", "numpy", "hpsearch"}
MARK: Final = f'"made_by": "{MADE_BY}"'.encode()  # in every file that stands beside another


@dataclass(frozen=True, slots=True)
class Format:
    """A format that a model is written in.

    title
        Name for people.
    suffix
        End of a file's name by which the format is known.
    beside
        End of the name of a second file that lies beside it; empty for none.
    files
        Contents by file, of a model and the path that was asked for; the first is that one.
    """

    title: str
    suffix: str
    files: Callable[[nn.Model, Path], Mapping[Path, bytes]]
    beside: str = ""


def _npz(model: nn.Model, file: Path) -> Mapping[Path, bytes]:
    return {file: model.dump()}


def _onnx(model: nn.Model, file: Path) -> Mapping[Path, bytes]:
    from hpsearch.winner.onnx_graph import to_onnx

    return {file: to_onnx(model).SerializeToString(deterministic=True)}


def _safetensors(model: nn.Model, file: Path) -> Mapping[Path, bytes]:
    from hpsearch.winner.safetensors_file import to_safetensors

    arrays, text = to_safetensors(model)
    return {file: arrays, file.with_suffix(".json"): text.encode()}


def _torch(model: nn.Model, file: Path) -> Mapping[Path, bytes]:
    from hpsearch.winner.torch_file import weights_and_module

    weights, module = weights_and_module(model, file.name)
    return {file: weights, file.with_suffix(".py"): module.encode()}


def _sklearn(model: nn.Model, file: Path) -> Mapping[Path, bytes]:
    from hpsearch.winner.estimator import to_sklearn

    return {file: pickle.dumps(to_sklearn(model))}


FORMATS: Final = Registry[Format](
    "format",
    {
        "npz": Format("NumPy", ".npz", _npz),
        "onnx": Format("ONNX", ".onnx", _onnx),
        "safetensors": Format("safetensors", ".safetensors", _safetensors, ".json"),
        "torch": Format("PyTorch", ".pt", _torch, ".py"),
        "sklearn": Format("scikit-learn", ".pkl", _sklearn),
    },
)


def chosen(file: Path, format: str | None) -> str:
    """Return the format by its name, else the one that the end of the file's name tells, else "npz".

    Raises: InvalidRequest if there is none of this name.
    """
    if format is not None and format not in FORMATS:
        raise InvalidRequest(f"{format!r} is no format of a model; there are {', '.join(FORMATS)}")
    told = (name for name, one in FORMATS.items() if one.suffix == file.suffix.lower())
    return format or next(told, "npz")


def paths(file: Path, format: Format) -> list[Path]:
    """Return the paths of the files of a format: the one that was asked for, and the one beside it."""
    return [file, *([file.with_suffix(format.beside)] if format.beside else [])]


def write(model: nn.Model, to: str | PathLike[str], format: str | None = None) -> list[Path]:
    """Write a model to a file, and to one more where the format has two; the paths.

    Files appear when all of them are complete.

    format
        Of `FORMATS`; None for what the end of the file's name tells.

    Raises
    ------
    InvalidRequest
        The format is unknown, the model has something that it cannot say, the file cannot be written, or the
        second file would replace one that hpsearch has not written.
    Misconfigured
        A library is not installed; the message says how it is.
    """
    file = Path(to)
    one = FORMATS[chosen(file, format)]
    if one.beside:
        _check_beside(file, one)
    made = one.files(model, file)
    _put(made)
    return list(made)


def _check_beside(file: Path, format: Format) -> None:
    """Refuse a second file that would replace one of somebody else. Raises: InvalidRequest."""
    if file.suffix.lower() != format.suffix:
        raise InvalidRequest(
            f"{file}: {format.title} has two files; name one that ends in {format.suffix}, and the other "
            f"ends in {format.beside}"
        )
    if format.beside == ".py" and file.stem in SHADOWED:
        raise InvalidRequest(
            f"{file.with_suffix('.py')} would be taken for the library {file.stem} by programs beside it; "
            "name another file"
        )
    beside = file.with_suffix(format.beside)
    try:
        theirs = beside.exists() and MARK not in beside.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{beside}: {error.strerror or error}") from error
    if theirs:
        raise InvalidRequest(f"{beside} exists, and hpsearch has not written it; name another file")


def _put(made: Mapping[Path, bytes]) -> None:
    """Write files that appear when all of them are complete. Raises: InvalidRequest."""
    parts = {path: path.with_name(f"{path.name}.part") for path in made}
    path = next(iter(made))
    try:
        for path, content in made.items():
            parts[path].write_bytes(content)
        for path, part in parts.items():
            part.replace(path)
    except OSError as error:
        raise InvalidRequest(f"{path}: {error.strerror or error}") from error
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
