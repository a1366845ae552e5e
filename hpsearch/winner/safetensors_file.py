"""A model as arrays of safetensors, and JSON that says what they are."""

from __future__ import annotations

import json

import numpy as np

from hpsearch import nn
from hpsearch.libraries import load_library
from hpsearch.winner.network import describe


def to_safetensors(model: nn.Model) -> tuple[bytes, str]:
    """Return the file and its JSON, which the file has in its metadata as well, under `hpsearch`.

    Raises
    ------
    InvalidRequest
        The model has a layer, an activation or a loss that no export knows.
    Misconfigured
        safetensors is not installed.
    """
    library, network = load_library("safetensors", "safetensors.numpy"), describe(model)
    text = json.dumps(network.document(), sort_keys=True, indent=1)
    # It writes the buffer of an array from its start: views and turned arrays would come out wrong.
    tensors = {name: np.ascontiguousarray(array) for name, array in network.tensors().items()}
    return library.save(tensors, {"hpsearch": text}), f"{text}\n"
