"""Datasets that scikit-learn brings along or fetches from OpenML.

scikit-learn takes a second to import: this module does it inside the functions, in the child.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hpsearch import errors
from hpsearch.data.catalogue import BUILTIN
from hpsearch.data.limits import Limits
from hpsearch.data.parse.raw import Features, Raw
from hpsearch.data.parse.request import Request

_TRAIN = 60_000
_ATTEMPTS = 1

_LOADERS: Final = {
    "digits": "load_digits",
    "breast_cancer": "load_breast_cancer",
    "wine": "load_wine",
    "iris": "load_iris",
}


def read(request: Request, limits: Limits) -> Raw:
    """Read one of scikit-learn's own datasets, whole: it has no test part of its own."""
    from sklearn import datasets

    bunch = getattr(datasets, _LOADERS[request.name])()
    values = np.asarray(bunch.data)
    names = tuple(str(column) for column in bunch.feature_names)
    classes = tuple(str(word) for word in bunch.target_names)
    if request.name == "digits":
        # Pixels are whole numbers from 0 to 16.
        x = Features(values.astype(np.uint8), (8, 8), "image")
    else:
        x = Features(values.astype(np.float32), values.shape[1:], "tabular")
    return Raw(x, np.asarray(bunch.target), names=names, classes=classes)


def fetch(request: Request, limits: Limits) -> Raw:
    """Fetch MNIST or Fashion-MNIST from OpenML.

    Raises
    ------
    errors.Unavailable
        OpenML does not answer; the message says how to do without it.
    """
    import http.client

    from sklearn import datasets

    name = request.name
    try:
        bunch = datasets.fetch_openml(
            data_id=BUILTIN[name].openml,
            as_frame=False,
            parser="liac-arff",
            cache=False,
            n_retries=_ATTEMPTS,
        )
    # What scikit-learn lets through: sockets and HTTP (OSError), a broken answer, a wrong checksum.
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise errors.Unavailable(
            f"{name} could not be fetched from OpenML ({error}); with its four IDX .gz files in a "
            f"folder, `hpsearch datasets add {name} PATH` needs no network"
        ) from error
    return from_openml(bunch.data, bunch.target, BUILTIN[name].classes)


def from_openml(
    values: npt.NDArray[Any], target: npt.NDArray[Any], classes: tuple[str, ...]
) -> Raw:
    """Part 70,000 rows of 784 pixels as the authors did: the first 60,000 train."""
    pixels = values.astype(np.uint8)
    labels = target.astype(np.int64)
    train, test = (Features(part, (28, 28), "image") for part in np.split(pixels, [_TRAIN]))
    return Raw(train, labels[:_TRAIN], test, labels[_TRAIN:], classes=classes)
