"""A trained network in one file, with all that it needs to look at raw examples.

n   examples      F   features      C   classes

The file is an .npz of plain arrays, which NumPy alone can read: `layer0.weight` (fan_in, fan_out),
`layer0.bias` (fan_out,), ... as `Weights.arrays` names them, without the axis of trials; `shift` and
`scale` (F,), the network sees (x - shift) * scale; `classes` (C,) their names; `about`, a JSON text.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpsearch.errors import InvalidRequest
from hpsearch.nn.evaluation import predict_proba
from hpsearch.nn.examples import Examples
from hpsearch.nn.parameters import Weights
from hpsearch.nn.shape import Shape

FORMAT = 1  # counts the layouts of the file


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """One network. `about` says where it comes from, in JSON values.

    shift, scale
        (F,) float32.
    classes
        The C names, in the order of the outputs.
    """

    weights: Weights
    shift: NDArray[np.float32]
    scale: NDArray[np.float32]
    classes: tuple[str, ...]
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shape(self) -> Shape:
        """The network's layers."""
        return self.weights.shape

    def predict_proba(self, x: ArrayLike) -> NDArray[np.float32]:
        """(n, C) probabilities of raw examples (n, F) or (n, height, width); bytes stay bytes.

        They are those that the final test saw, bit for bit on one numeric fingerprint.

        Raises: InvalidRequest if `x` holds no examples of this network.
        """
        given = np.asarray(x)
        features = math.prod(given.shape[1:])
        if given.ndim < 2 or not len(given) or features != self.shape.inputs:
            raise InvalidRequest(
                f"x has the shape {given.shape}; this model takes (n, {self.shape.inputs})"
            )
        if given.dtype.kind not in "biuf":
            raise InvalidRequest(f"x holds {given.dtype}; this model takes numbers")
        values = given if given.dtype == np.uint8 else given.astype(np.float32)
        examples = Examples(
            x=values.reshape(len(values), features),
            y=np.zeros(len(values), np.intp),
            rows=np.arange(len(values), dtype=np.intp),
            shift=self.shift,
            scale=self.scale,
        )
        found: NDArray[np.float32] = predict_proba(self.shape, self.weights, examples)[0]
        return found

    def predict(self, x: ArrayLike) -> list[str]:
        """The most probable class of each example."""
        return [self.classes[i] for i in self.predict_proba(x).argmax(axis=1)]

    def dump(self) -> bytes:
        """The file; the same model always gives the same bytes."""
        about = {**self.about, "format": FORMAT, "shape": asdict(self.shape)}
        to = io.BytesIO()
        named: dict[str, Any] = {k: v[0] for k, v in self.weights.arrays().items()}
        named |= {"shift": self.shift, "scale": self.scale, "classes": np.array(self.classes)}
        np.savez(to, **named, about=np.array(json.dumps(about, sort_keys=True)))
        return to.getvalue()

    @classmethod
    def load(cls, file: Path | str) -> Model:
        """Read what `dump` wrote; nothing in the file is executed.

        Raises: InvalidRequest if it is no model, or of a newer layout.
        """
        try:
            # Opened here: NumPy leaves a file open that is none of its own.
            with Path(file).open("rb") as source, np.load(source, allow_pickle=False) as stored:
                return _read({key: stored[key] for key in stored.files})
        except FileNotFoundError as error:
            raise InvalidRequest(f"{file}: no such file") from error
        except (InvalidRequest, OSError, ValueError, KeyError, TypeError, AttributeError,
                EOFError, zipfile.BadZipFile) as error:  # fmt: skip
            # What NumPy says of a file that is no archive advises to load it without protection.
            why = f"; {error}" if isinstance(error, OSError) or zipfile.is_zipfile(file) else ""
            raise InvalidRequest(
                f"{file} is no model of hpsearch; `hpsearch model ID FILE` writes one as .npz{why}"
            ) from error


def _read(arrays: dict[str, NDArray[Any]]) -> Model:
    """Raises: whatever does not fit; the caller says in which file."""
    about = json.loads(str(arrays.pop("about")))
    if about.pop("format") != FORMAT:
        raise ValueError("it was written by a newer version of hpsearch")
    given = about.pop("shape")
    shape = Shape(**{**given, "hidden_sizes": tuple(given["hidden_sizes"])})
    shift, scale = arrays.pop("shift"), arrays.pop("scale")
    classes = tuple(str(name) for name in arrays.pop("classes"))
    if shift.shape != (shape.inputs,) or scale.shape != shift.shape:
        raise ValueError(f"shift and scale must have {shape.inputs} values")
    if len(classes) != shape.classes:
        raise ValueError(f"{len(classes)} classes are named, the network has {shape.classes}")
    weights = Weights.from_arrays(shape, {name: array[None] for name, array in arrays.items()})
    return Model(weights, shift, scale, classes, about)
