"""A trained network in one file, with all that it needs to predict raw examples.

n   examples      F   values of an example      C   classes

The file is an .npz of plain arrays, which NumPy alone can read: `layer0.weight` (fan_in, fan_out),
`layer0.bias` (fan_out,), ... as `Weights.arrays` names them, without the axis of trials; `shift` and
`scale` (F,), the network sees (x - shift) * scale; `classes` (C,) their names, none in a regression;
`about`, a JSON text.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpsearch.errors import InvalidRequest
from hpsearch.nn.evaluation import predict_values
from hpsearch.nn.examples import Examples
from hpsearch.nn.losses import LOSSES
from hpsearch.nn.parameters import Weights
from hpsearch.nn.shape import Shape

FORMAT = 1  # counts the layouts of the file


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A trained network. `about` says where it comes from, in JSON values.

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

        Raises: InvalidRequest if `x` holds no examples of this network, or it predicts no classes.
        """
        if LOSSES[self.shape.loss].task != "classification":
            raise InvalidRequest("this model predicts numbers; `predict_values` gives them")
        return self.predict_values(x)

    def predict_values(self, x: ArrayLike) -> NDArray[np.float32]:
        """(n, K) probabilities, as `predict_proba`, or the numbers that a regression predicts."""
        raw = np.asarray(x)
        features = math.prod(raw.shape[1:])
        if raw.ndim < 2 or not len(raw) or features != self.shape.inputs:
            raise InvalidRequest(
                f"x has the shape {raw.shape}; this model takes (n, {self.shape.inputs})"
            )
        if raw.dtype.kind not in "biuf":
            raise InvalidRequest(f"x holds {raw.dtype}; this model takes numbers")
        numbers = raw if raw.dtype == np.uint8 else raw.astype(np.float32)
        examples = Examples(
            x=numbers.reshape(len(numbers), features),
            y=np.zeros(len(numbers), np.intp),
            rows=np.arange(len(numbers), dtype=np.intp),
            shift=self.shift,
            scale=self.scale,
        )
        values: NDArray[np.float32] = predict_values(self.shape, self.weights, examples)[0]
        return values

    def predict(self, x: ArrayLike) -> list[str]:
        """The most probable class of each example."""
        return [self.classes[i] for i in self.predict_proba(x).argmax(axis=1)]

    def dump(self) -> bytes:
        """The file; the same model always gives the same bytes."""
        about = {**self.about, "format": FORMAT, "shape": self.shape.to_json()}
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
    """Rebuild a model. Raises: whatever does not fit; the caller says in which file."""
    about = json.loads(str(arrays.pop("about")))
    if about.pop("format") != FORMAT:
        raise ValueError("it was written by a newer version of hpsearch")
    shape = Shape.from_json(about.pop("shape"))
    shift, scale = arrays.pop("shift"), arrays.pop("scale")
    classes = tuple(str(name) for name in arrays.pop("classes"))
    if shift.shape != (shape.inputs,) or scale.shape != shift.shape:
        raise ValueError(f"shift and scale must have {shape.inputs} values")
    wanted = shape.outputs if LOSSES[shape.loss].task == "classification" else 0
    if len(classes) != wanted:
        raise ValueError(f"{len(classes)} classes are named, the network has {wanted}")
    weights = Weights.from_arrays(shape, {name: array[None] for name, array in arrays.items()})
    return Model(weights, shift, scale, classes, about)
