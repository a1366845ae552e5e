"""LightGBM, which minimises: python examples/external_lightgbm.py URL KEY, as often as you like."""

import sys

import lightgbm
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split

from hpsearch.client import Client, external

TREES = 10  # of an epoch: what is behind after so many is stopped early
SPEC = {
    "objective": "external", "direction": "minimize", "name": "breast cancer with LightGBM",
    "rounds": 2, "trials_per_round": 8, "epochs": {"first": 1, "last": 4}, "final": {"models": 2},
    "space": {"learning_rate": {"low": 0.01, "high": 0.3, "scale": "log"},
              "num_leaves": {"low": 4, "high": 64, "scale": "log", "integer": True},
              "min_data_in_leaf": {"low": 1, "high": 50, "scale": "log", "integer": True},
              "feature_fraction": {"low": 0.3, "high": 1.0, "scale": "linear"}}}  # fmt: skip
x, y = load_breast_cancer(return_X_y=True)
x, x_test, y, y_test = train_test_split(x, y, test_size=0.2, random_state=0, stratify=y)
x_fit, x_validation, y_fit, y_validation = train_test_split(
    x, y, test_size=0.25, random_state=0, stratify=y
)


def train(order):
    final = order.kind == "final"
    known, unseen = (
        ((x, y), (x_test, y_test)) if final else ((x_fit, y_fit), (x_validation, y_validation))
    )
    fixed = {"objective": "binary", "seed": order.seed, "num_threads": 1, "verbosity": -1}
    booster = lightgbm.Booster({**fixed, **order.params}, lightgbm.Dataset(*known))
    for epoch in range(1, order.epochs + 1):
        for _ in range(TREES):
            booster.update()
        chance = booster.predict(unseen[0])
        accuracy = accuracy_score(unseen[1], chance > 0.5)
        yield external.Report(
            log_loss(unseen[1], chance), metrics={"accuracy": accuracy}, cost=epoch * TREES
        )


if __name__ == "__main__":
    with Client(*sys.argv[1:3]) as client:
        search = sys.argv[3] if len(sys.argv) > 3 else client.submit(SPEC).id
        print(search, external.run(client, search, train).state)
        print(client.result(search).model_dump_json(indent=1))
