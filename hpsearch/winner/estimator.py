"""A model as an estimator of scikit-learn that takes the raw table.

n   examples      C   columns of the table or features      K   classes
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from hpsearch import nn
from hpsearch.errors import InvalidRequest
from hpsearch.winner.network import labels

T = TypeVar("T")


class _Trained(BaseEstimator):
    """A model that somebody else has trained: it predicts, and is not fitted again."""

    def __init__(self, model: nn.Model) -> None:
        self.model = model

    def fit(self, X: Any, y: Any = None) -> Any:
        """Refuse: the model is trained.

        Cross-validation would score rows that it was trained on, and call that a test.
        """
        raise NotImplementedError(
            "this estimator is trained and is not fitted again; give FrozenEstimator(estimator) of "
            "sklearn.frozen to what fits its parts, such as CalibratedClassifierCV"
        )

    @property
    def n_features_in_(self) -> int:
        """C: columns of the table as it was uploaded, label and what was left out not among them."""
        return len(self._columns) if self.model.columns else len(self.model.shift)

    @property
    def feature_names_in_(self) -> NDArray[Any]:
        """(C,) the columns' names; an AttributeError where the model has none."""
        names = self._columns if self.model.columns else self.model.about.get("feature_names")
        if not names:
            raise AttributeError("the model's features have no names")
        return np.array(list(names), object)

    @property
    def _columns(self) -> list[str]:
        return list(dict.fromkeys(column.source or column.name for column in self.model.columns))

    def _answered(self, predict: Callable[[Any], T], X: Any) -> T:
        """Predict; what the model refuses is a ValueError, as everywhere in scikit-learn."""
        if hasattr(X, "toarray"):
            raise ValueError("X is sparse; give X.toarray()")
        try:
            if not self.model.columns and not hasattr(X, "columns"):
                self._check_width(np.asarray(X))
            return predict(X)
        except InvalidRequest as error:
            raise ValueError(str(error)) from error

    def _check_width(self, x: NDArray[Any]) -> None:
        """Refuse another number of features, in scikit-learn's words."""
        if x.ndim == 1:
            raise ValueError(
                f"Expected 2D array, got 1D array of shape {x.shape}. Reshape your data: "
                "X.reshape(1, -1) is one example"
            )
        if x.ndim == 2 and x.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {x.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.target_tags.required = False
        if self.model.columns:
            tags.input_tags.allow_nan = True
            tags.input_tags.string = tags.input_tags.categorical = True
        return tags


class TrainedClassifier(ClassifierMixin, _Trained):
    """A trained classifier.

    model
        What `hpsearch.nn.Model.load` returns.
    """

    @property
    def classes_(self) -> NDArray[Any]:
        """(K,) whole numbers where all classes are, else text, in the order of the outputs."""
        return labels(self.model.classes)

    def predict(self, X: Any) -> NDArray[Any]:
        """(n,) the most probable class of each example. Raises: ValueError."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """(n, K) probabilities of a frame, or of an array with the columns in their order.

        Raises: ValueError if these are no examples of the model; the message names the column.
        """
        return self._answered(self.model.predict_proba, X)

    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """(n, K) logarithms of the probabilities. Raises: ValueError."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))


class TrainedRegressor(RegressorMixin, _Trained):
    """A trained regression; `model` as for `TrainedClassifier`."""

    def predict(self, X: Any) -> NDArray[Any]:
        """(n,) numbers in the units of the target. Raises: ValueError, as `predict_proba`."""
        values = self._answered(self.model.predict_values, X)
        return values[:, 0] if values.shape[1] == 1 else values


def to_sklearn(model: nn.Model) -> TrainedClassifier | TrainedRegressor:
    """Return an estimator of scikit-learn that takes the raw table and answers as the model does."""
    return TrainedClassifier(model) if model.classifies else TrainedRegressor(model)
