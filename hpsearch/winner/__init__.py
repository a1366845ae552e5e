"""The trained winner in the formats of other libraries.

`describe` turns a model into plain steps, and each format says them in its own terms. Libraries are
optional, but for scikit-learn, and are loaded when they are asked for. A format is an entry of `FORMATS`.
"""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias

from hpsearch.nn import Model
from hpsearch.winner.formats import FORMATS, chosen, paths, write

if TYPE_CHECKING:
    from hpsearch.winner.estimator import TrainedClassifier, TrainedRegressor

__all__ = ["FORMATS", "chosen", "paths", "to_onnx", "to_sklearn", "to_torch", "write"]

Trained: TypeAlias = Model | str | PathLike[str]
"""A model, or the path of the .npz file that holds it."""


def _loaded(model: Trained) -> Model:
    return model if isinstance(model, Model) else Model.load(model)


def to_sklearn(model: Trained) -> TrainedClassifier | TrainedRegressor:
    """Return an estimator of scikit-learn that takes the raw table, as `hpsearch.nn.Model` does.

    Raises
    ------
    InvalidRequest
        The file holds no model.
    """
    from hpsearch.winner import estimator  # scikit-learn takes a second

    return estimator.to_sklearn(_loaded(model))


def to_torch(model: Trained) -> Any:
    """Return a `torch.nn.Module` in eval mode, which is fed with what `Model.numbers` gives.

    It answers probabilities (n, K), or of a regression numbers (n, K) in the units of the target.

    Raises
    ------
    InvalidRequest
        The file holds no model, or the model has a layer, an activation or a loss that no export knows.
    Misconfigured
        torch is not installed.
    """
    from hpsearch.winner import torch_file

    return torch_file.to_torch(_loaded(model))


def to_onnx(model: Trained) -> Any:
    """Return an `onnx.ModelProto` whose input `x` is what `Model.numbers` gives.

    Its outputs are `label` and `probabilities`, or of a regression `value`.

    Raises
    ------
    InvalidRequest, Misconfigured
        As `to_torch`, for onnx.
    """
    from hpsearch.winner import onnx_graph

    return onnx_graph.to_onnx(_loaded(model))
