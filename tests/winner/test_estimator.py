"""The estimator among scikit-learn's own tools."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score, log_loss
from sklearn.pipeline import Pipeline
from sklearn.utils import estimator_checks as checks
from sklearn.utils.validation import check_is_fitted
from winner.made import numbers, people, plain, winner

import hpsearch
from hpsearch import nn
from hpsearch.winner.network import labels

CHECKS = (
    checks.check_no_attributes_set_in_init,
    checks.check_get_params_invariance,
    checks.check_set_params,
    checks.check_estimator_cloneable,
    checks.check_estimator_repr,
    checks.check_estimator_tags_renamed,
    checks.check_valid_tag_types,
    checks.check_mixin_order,
)
UNLIKE = "ignore::hpsearch.nn.UnlikeTraining"
CLASSES, VALUES, PLAIN = "mixed classes, several networks", "numbers, regression", "no hidden layer"


@pytest.mark.parametrize("name", [CLASSES, VALUES])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_scikit_learns_checks_of_what_is_not_fitted(check, name: str) -> None:
    estimator = hpsearch.to_sklearn(winner(name).model)
    check_is_fitted(estimator)  # it is trained from the start
    check(type(estimator).__name__, estimator)


def test_the_attributes_that_its_tools_read() -> None:
    one, other = (
        hpsearch.to_sklearn(winner(CLASSES).model),
        hpsearch.to_sklearn(winner(VALUES).model),
    )
    assert (is_classifier(one), is_regressor(other)) == (True, True)
    assert one.classes_.tolist() == ["no", "yes"]
    assert one.feature_names_in_.tolist() == [*people().columns.drop(["price", "bought"])]
    assert (one.n_features_in_, other.n_features_in_) == (8, 3)
    whole = hpsearch.to_sklearn(winner(PLAIN).model)
    assert whole.classes_.tolist() == [0, 5, 10, 15]
    assert whole.score(numbers(), numbers().kind) > 0.8  # of numbers, as they were
    assert other.score(plain(), plain().y) > 0.5


@pytest.mark.filterwarnings(UNLIKE)
def test_its_tools_take_it() -> None:
    frame, whole = people(), winner(CLASSES)
    x, y = frame.drop(columns=["price", "bought"]), frame.bought
    estimator = hpsearch.to_sklearn(whole.model)
    calibrated = CalibratedClassifierCV(FrozenEstimator(estimator), method="sigmoid").fit(x, y)
    assert calibrated.predict_proba(x).shape == (len(x), 2)
    found = permutation_importance(estimator, x, y, n_repeats=2, random_state=0)
    assert found.importances_mean.argsort()[::-1][:2].tolist() == [2, 0]  # city, then age
    piped = Pipeline([("trained", estimator)])
    assert accuracy_score(y, piped.predict(x)) == estimator.score(x, y) > 0.7
    right = estimator.predict_log_proba(x)[np.arange(len(y)), (y == "yes").astype(int)]
    assert log_loss(y, estimator.predict_proba(x)) == pytest.approx(-right.mean(), rel=1e-5)


def test_a_clone_and_a_pickle_answer_the_same_bits() -> None:
    estimator, sealed = hpsearch.to_sklearn(winner(CLASSES).model), winner(CLASSES).sealed
    for again in (clone(estimator), pickle.loads(pickle.dumps(estimator))):
        assert again.model is not estimator.model
        np.testing.assert_array_equal(again.predict_proba(sealed), estimator.predict_proba(sealed))
    model = pickle.loads(pickle.dumps(estimator.model))
    assert model.dump() == estimator.model.dump()


def test_what_it_refuses() -> None:
    estimator, table = (
        hpsearch.to_sklearn(winner(PLAIN).model),
        hpsearch.to_sklearn(winner(CLASSES).model),
    )
    with pytest.raises(NotImplementedError, match="not fitted again; give FrozenEstimator"):
        estimator.fit(numbers(), numbers().kind)
    with pytest.raises(ValueError, match="X has 5 features, but TrainedClassifier is expecting 3"):
        estimator.predict(np.zeros((2, 5)))
    with pytest.raises(ValueError, match=r"Reshape your data: X\.reshape\(1, -1\)"):
        estimator.predict(np.zeros(3))
    with pytest.raises(ValueError, match=r"x\[1, 'b'\] is missing"):
        estimator.predict([[0, 0, 0], [0, np.nan, 0]])
    with pytest.raises(ValueError, match="lacks the columns 'b'"):
        estimator.predict(numbers().drop(columns="b"))
    with pytest.raises(ValueError, match="lacks the column 'city'"):
        table.predict(winner(CLASSES).sealed.drop(columns="city"))
    with pytest.raises(ValueError, match=r"X is sparse; give X\.toarray"):
        estimator.predict(pytest.importorskip("scipy.sparse").eye(3))


def test_images_have_no_names() -> None:
    model = winner(PLAIN).model
    bare = nn.Model(model.weights, model.shift, model.scale, model.classes)
    estimator = hpsearch.to_sklearn(bare)
    assert not hasattr(estimator, "feature_names_in_")
    assert estimator.n_features_in_ == 3


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["-1", "3", "10"], [-1, 3, 10]),
        (["01", "2"], ["01", "2"]),
        (["1", "b"], ["1", "b"]),
        (["1", str(2**63)], ["1", str(2**63)]),
    ],
)
def test_classes_are_numbers_where_all_are(names: list[str], wanted: list) -> None:
    assert labels(names).tolist() == wanted


def test_the_path_of_a_file_does_as_well(tmp_path) -> None:
    file, won = tmp_path / "winner.npz", winner(VALUES)
    file.write_bytes(won.model.dump())
    found = hpsearch.to_sklearn(str(file)).predict(won.sealed)
    assert isinstance(pd.Series(found).mean(), float)
    np.testing.assert_array_equal(found, won.answers[:, 0])
