"""Any estimator of scikit-learn by cross-validation: python examples/external_sklearn.py URL KEY, as often as you like."""

import sys
import time

from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from hpsearch.client import Client, external

SPEC = {
    "objective": "external", "name": "digits with an SVM", "rounds": 2, "trials_per_round": 8,
    "space": {"C": {"low": 1e-2, "high": 1e3, "scale": "log"},
              "kernel": {"choices": ["rbf", "linear"]},
              "gamma": {"low": 1e-4, "high": 1.0, "scale": "log", "when": {"kernel": ["rbf"]}}},
    "epochs": {"first": 1, "last": 1}, "final": {"models": 2}}  # fmt: skip
x, y = load_digits(return_X_y=True)
x, x_test, y, y_test = train_test_split(x, y, test_size=0.2, random_state=0, stratify=y)
folds = StratifiedKFold(3, shuffle=True, random_state=0)  # the same for every trial: they compare


def estimator(order):  # put your own here; order.params holds the values that are active
    return make_pipeline(StandardScaler(), SVC(**order.params, random_state=order.seed))


def train(order):
    begun = time.perf_counter()
    if order.kind == "final":  # the test part, which no other trial has seen
        return estimator(order).fit(x, y).score(x_test, y_test)
    scores = cross_val_score(estimator(order), x, y, cv=folds, error_score="raise")
    # Folds are no replicates: a fold is hard for every trial alike.
    return external.Report(
        scores.mean(), metrics={"worst_fold": scores.min()}, cost=time.perf_counter() - begun
    )


if __name__ == "__main__":
    with Client(*sys.argv[1:3]) as client:
        search = sys.argv[3] if len(sys.argv) > 3 else client.submit(SPEC).id
        print(search, external.run(client, search, train, parallel=2).state)
        print(client.result(search).model_dump_json(indent=1))
