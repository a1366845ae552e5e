"""A trained network in one file, with all that it needs to predict raw examples.

n   examples      F   values of an example      C   classes      S   stored columns of a table

The file is an .npz of plain arrays, which NumPy alone can read: `layer0.weight` (fan_in, fan_out),
`layer0.bias` (fan_out,), ... as `Weights.arrays` names them, without the axis of trials; `shift` and
`scale` (F,), the network sees (x - shift) * scale; `classes` (C,) their names, none in a regression;
`about`, a JSON text. Since format 2: `low` and `high` (F,), the values seen in training, and `offset`
(F,) float64 where large values were stored as distances: the network sees (x - offset - shift) * scale.

Since format 3: `encoding.width`, `encoding.numbers`, ... as `Encoding.arrays` names them, where inputs are
made of the columns of a table; the vectors above are then (S,), and `about` has the `columns` in JSON. Of a
regression: `target` (2,) float64, what the network's numbers are multiplied by last, behind what is added
then: prediction = number * target[1] + target[0].

Format 4 has M networks, whose probabilities or numbers are averaged: `about` says how many in `networks`, and the
arrays of layers have them as a first axis, `layer0.weight` (M, fan_in, fan_out).
"""

from __future__ import annotations

import io
import json
import math
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.columns import Column
from hpsearch.encoding import Encoding
from hpsearch.errors import InvalidRequest
from hpsearch.nn import raw
from hpsearch.nn.evaluation import Values, ensemble_values
from hpsearch.nn.examples import Examples, TargetScale
from hpsearch.nn.losses import LOSSES
from hpsearch.nn.parameters import Weights
from hpsearch.nn.ranges import Ranges
from hpsearch.nn.shape import Shape
from hpsearch.values import distance, place, trainable, why_not

FORMAT = 4  # counts the layouts of the file
THIRD = 3  # the layout of one network
SECOND = 2  # the layout without an encoding and a scale of the target
FIRST = 1  # the layout without offset and ranges, too
ENCODING = "encoding."  # begins the names of its arrays


class UnlikeTraining(UserWarning):
    """Inputs are far from what the model was trained on, so its answers mean little."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Model:
    """A trained network, or several that answer with the mean of their answers.

    weights
        Of all of them. `about` says where they come from, in JSON values.
    shift, scale
        (F,) float32.
    classes
        The C names, in the order of the outputs.
    offset
        (F,) numbers to subtract in float64 first; None for nothing.
    ranges
        Values seen in training; None in files of the first layout.
    encoding
        The map from columns to inputs; None where the inputs are the values of an example.
    columns
        The S stored columns of a table with words or gaps: raw examples are then columns by name.
    left_out
        Other columns of the file, which examples may have.
    target
        Scale of the target of a regression; None for numbers as the network gives them.
    """

    weights: Weights
    shift: NDArray[np.float32]
    scale: NDArray[np.float32]
    classes: tuple[str, ...]
    about: Mapping[str, Any] = field(default_factory=dict)
    offset: NDArray[np.float64] | None = None
    ranges: Ranges | None = None
    encoding: Encoding | None = None
    columns: tuple[Column, ...] = ()
    left_out: tuple[str, ...] = ()
    target: TargetScale | None = None

    def __repr__(self) -> str:
        """Say what it is without its arrays."""
        answer = f"{len(self.classes)} classes" if self.classifies else "numbers"
        return f"<Model of {answer} from {len(self.shift)} columns, networks: {len(self.weights)}>"

    @property
    def classifies(self) -> bool:
        """True where the model tells classes apart, False where it predicts numbers."""
        return LOSSES[self.shape.loss].task == "classification"

    @property
    def shape(self) -> Shape:
        """The network's layers."""
        return self.weights.shape

    def predict_proba(self, x: raw.RawExamples) -> Values:
        """(n, C) probabilities of raw examples (n, F) or (n, height, width); bytes stay bytes.

        Where the training data had words or gaps, examples are a frame, a list of mappings, or an
        array (n, ...) of the columns in their order, with words and gaps as the file has them. They are those that the final test saw, bit for bit on one numeric fingerprint.

        Raises: InvalidRequest if `x` holds no examples of this network, or it predicts no classes.
        """
        if not self.classifies:
            raise InvalidRequest("this model predicts numbers; `predict_values` gives them")
        return self.predict_values(x)

    def predict_values(self, x: raw.RawExamples) -> Values:
        """(n, K) probabilities, as `predict_proba`, or the numbers that a regression predicts.

        Numbers are in the units of the target, in float64.

        Warns `UnlikeTraining` of inputs that are far from what the model was trained on.
        """
        values = self._columns(x) if self.columns else self._checked(x)
        bytes_ = values.dtype == np.uint8 and self.offset is None
        numbers = values if bytes_ else distance(values, self.offset).astype(np.float32)
        examples = Examples(
            x=numbers,
            y=np.zeros(len(numbers), np.intp if self.target is None else np.float64),
            rows=np.arange(len(numbers), dtype=np.intp),
            shift=self.shift,
            scale=self.scale,
            encoding=self.encoding,
            target=self.target,
        )
        return ensemble_values(self.shape, self.weights, examples)

    def numbers(self, x: raw.RawExamples) -> NDArray[np.floating[Any]]:
        """(n, S) the numbers that raw examples become before the model scales them: what its exports take.

        Words are their places among the levels, dates their parts, gaps NaN; an image is one row. They
        are float32, and float64 where the model has an offset, which is not subtracted here.

        Raises: InvalidRequest, and warns, as `predict_values`; also of a whole number of more digits than
        float64 has, where there is an offset: the model itself subtracts whole numbers as such.
        """
        values = self._columns(x) if self.columns else self._checked(x)
        if self.offset is not None and values.dtype.kind == "i":
            self._check_digits(values)
        return values.astype(np.float32 if self.offset is None else np.float64)

    def _check_digits(self, values: NDArray[Any]) -> None:
        """Refuse whole numbers (n, S) that float64 does not hold. Raises: InvalidRequest."""
        # Beyond 2**53 a float64 is whole; below 2**62, where offsets lie, it goes back as it was.
        lost = np.argwhere(values.astype(np.float64).astype(np.int64) != values)
        for row, column in lost[:1].tolist():
            names = tuple(self.about.get("feature_names") or ())
            raise InvalidRequest(
                f"{place((row, column), names)} is {values[row, column]}, which float64 does not hold; "
                "exports take float64: predict with this model, or train on the column in a larger unit"
            )

    def _columns(self, x: Any) -> NDArray[np.float64]:
        """(n, S) stored numbers of raw examples, not less the offset. Raises: InvalidRequest."""
        values = raw.read(x, self.columns, self.left_out)
        for concern in self._concerns(values):
            warnings.warn(concern, UnlikeTraining, stacklevel=3)
        return raw.fed(values, self.columns)

    def _concerns(self, values: NDArray[np.float64]) -> Iterator[str]:
        yield from raw.unlike(values, self.columns)
        at = [i for i, column in enumerate(self.columns) if column.kind == "number"]
        if self.ranges is not None and at:
            names = [self.columns[i].name for i in at]
            ranges = Ranges(self.ranges.low[at], self.ranges.high[at])
            yield from ranges.concerns(values[:, at], names, image=False)

    def _checked(self, x: Any) -> NDArray[Any]:
        """(n, F) the examples, which could be trained on. Raises: InvalidRequest."""
        names = tuple(self.about.get("feature_names") or ())
        values = np.asarray(_in_order(x, names))
        features = math.prod(values.shape[1:])
        if values.ndim < 2 or not len(values) or features != len(self.shift):
            raise InvalidRequest(
                f"x has the shape {values.shape}; this model takes (n, {len(self.shift)})"
            )
        if values.dtype.kind not in "biuf":
            raise InvalidRequest(f"x holds {values.dtype}; this model takes numbers")
        values = values.reshape(len(values), features)
        bad = np.argwhere(~trainable(values)) if values.dtype.kind == "f" else ()
        for row, column in bad:
            where = place((int(row), int(column)), names)
            raise InvalidRequest(f"{where} {why_not(float(values[row, column]))}")
        if self.ranges is not None:
            image = self.about.get("kind") == "image"
            for concern in self.ranges.concerns(values, names, image=image):
                warnings.warn(concern, UnlikeTraining, stacklevel=3)
        return values

    def predict(self, x: raw.RawExamples) -> list[str]:
        """The most probable class of each example."""
        return [self.classes[i] for i in self.predict_proba(x).argmax(axis=1)]

    def dump(self) -> bytes:
        """The file; the same model always gives the same bytes."""
        later = self._later()
        third = self.encoding is not None or self.target is not None
        layout = THIRD if third else SECOND if later else FIRST
        about = {**self.about, "format": layout, "shape": self.shape.to_json()}
        networks = len(self.weights)
        if networks > 1:
            about |= {"format": FORMAT, "networks": networks}
        if self.columns:
            about["columns"] = [column.to_json() for column in self.columns]
            about["left_out"] = list(self.left_out)
        to = io.BytesIO()
        layers = self.weights.arrays().items()
        named: dict[str, Any] = {k: v if networks > 1 else v[0] for k, v in layers}
        named |= {"shift": self.shift, "scale": self.scale, "classes": np.array(self.classes)}
        np.savez(to, **named, **later, about=np.array(json.dumps(about, sort_keys=True)))
        return to.getvalue()

    def _later(self) -> dict[str, Any]:
        """The arrays that came with later layouts."""
        more: dict[str, Any] = {}
        if self.ranges is not None:
            more |= {"low": self.ranges.low, "high": self.ranges.high}
        if self.offset is not None:
            more["offset"] = self.offset
        if self.encoding is not None:
            more |= {ENCODING + name: a for name, a in self.encoding.arrays().items()}
        if self.target is not None:
            more["target"] = np.array([self.target.shift, self.target.scale])
        return more

    @classmethod
    def load(cls, file: str | PathLike[str]) -> Model:
        """Read what `dump` wrote; nothing in the file is executed.

        Raises: InvalidRequest if it is no model, or of a newer layout.
        """
        try:
            # Opened here: NumPy leaves a file open that is none of its own.
            with Path(file).open("rb") as source:
                return _stored(source)
        except FileNotFoundError as error:
            raise InvalidRequest(f"{file}: no such file") from error
        except (InvalidRequest, OSError, ValueError, KeyError, TypeError, AttributeError,
                EOFError, zipfile.BadZipFile) as error:  # fmt: skip
            # What NumPy says of a file that is no archive advises to load it without protection.
            why = f"; {error}" if isinstance(error, OSError) or zipfile.is_zipfile(file) else ""
            raise InvalidRequest(
                f"{file} is no model of hpsearch; `hpsearch model ID FILE` writes one as .npz{why}"
            ) from error

    @classmethod
    def loads(cls, content: bytes) -> Model:
        """Read the bytes that `dump` returned, as `load`. Raises: whatever does not fit in them."""
        return _stored(io.BytesIO(content))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the bytes of the file: its layout is kept readable, that of this class is not."""
        return Model.loads, (self.dump(),)


def _stored(source: IO[bytes]) -> Model:
    with np.load(source, allow_pickle=False) as stored:
        return _read({key: stored[key] for key in stored.files})


def _in_order(x: Any, names: tuple[str, ...]) -> Any:
    """A frame's columns in the order of the features; anything else as it is.

    Raises: InvalidRequest if the frame lacks a column.
    """
    if not names or not hasattr(x, "columns"):
        return x
    missing = [name for name in names if name not in x.columns]
    if missing:
        raise InvalidRequest(f"x lacks the columns {', '.join(map(repr, missing[:5]))}")
    return x[list(names)]


def _read(arrays: dict[str, NDArray[Any]]) -> Model:
    """Rebuild a model. Raises: whatever does not fit; the caller says in which file."""
    about = json.loads(str(arrays.pop("about")))
    layout = about.pop("format")
    if layout not in (FIRST, SECOND, THIRD, FORMAT):
        raise ValueError("it was written by a newer version of hpsearch")
    networks = about.pop("networks", 1) if layout == FORMAT else 1
    shape = Shape.from_json(about.pop("shape"))
    shift, scale = arrays.pop("shift"), arrays.pop("scale")
    classes = tuple(str(name) for name in arrays.pop("classes"))
    offset, low, high = (arrays.pop(name, None) for name in ("offset", "low", "high"))
    encoding, columns = _encoding(arrays), tuple(map(Column.from_json, about.pop("columns", ())))
    width = shape.inputs if encoding is None else len(columns) or len(encoding.numbers)
    if encoding is not None and (encoding.width != shape.inputs or not encoding.fits(width)):
        raise ValueError("the encoding does not fit the network")
    vectors = [v for v in (shift, scale, offset, low, high) if v is not None]
    if any(vector.shape != (width,) for vector in vectors):
        raise ValueError(f"shift and scale must have {width} values")
    ranges = None if low is None or high is None else Ranges(low, high)
    target = arrays.pop("target", None)
    scale_of_target = None if target is None else TargetScale(*map(float, target))
    wanted = shape.outputs if LOSSES[shape.loss].task == "classification" else 0
    if len(classes) != wanted:
        raise ValueError(f"{len(classes)} classes are named, the network has {wanted}")
    layers = arrays if networks > 1 else {name: array[None] for name, array in arrays.items()}
    weights = Weights.from_arrays(shape, layers)
    if len(weights) != networks:
        raise ValueError(f"{networks} networks are announced, the file has {len(weights)}")
    left_out = tuple(about.pop("left_out", ()))
    return Model(
        weights, shift, scale, classes, about, offset, ranges, encoding, columns, left_out,
        scale_of_target,
    )  # fmt: skip


def _encoding(arrays: dict[str, NDArray[Any]]) -> Encoding | None:
    """Take the arrays of the encoding out; None where there are none."""
    named = {
        name.removeprefix(ENCODING): arrays.pop(name)
        for name in list(arrays)
        if name.startswith(ENCODING)
    }
    return Encoding.from_arrays(named) if named else None
