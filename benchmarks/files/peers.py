"""Peers on the rows of datasets: lines `NAME ROWS.npz` in, one line of JSON out for each of them.

Runs by an interpreter of its own, which has scikit-learn and pytabkit, and knows nothing of hpsearch.
One process answers for many datasets, for torch is slow to load. Classification is scored by
accuracy, regression by R2, both in points of a hundred. The first line says which versions these are.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
import warnings
from collections.abc import Callable
from importlib import metadata
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

warnings.filterwarnings("ignore")


def linear(words: list[str], numbers: list[str], *, classes: bool) -> Any:
    """LogisticRegression, or Ridge with its own choice of alpha."""
    encoded = ColumnTransformer(
        [
            ("words", OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=3), words),
            (
                "numbers",
                make_pipeline(
                    SimpleImputer(strategy="median", add_indicator=True), StandardScaler()
                ),
                numbers,
            ),
        ]
    )
    model = LogisticRegression(max_iter=2000) if classes else RidgeCV(np.logspace(-3, 3, 13))
    return make_pipeline(encoded, model)


def trees(words: list[str], numbers: list[str], *, classes: bool) -> Any:
    """HistGradientBoosting with categories."""
    encoded = ColumnTransformer(
        [
            (
                "words",
                OrdinalEncoder(
                    handle_unknown="use_encoded_value",
                    unknown_value=np.nan,
                    encoded_missing_value=np.nan,
                    max_categories=200,
                ),
                words,
            ),
            ("numbers", "passthrough", numbers),
        ]
    )
    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    return make_pipeline(
        encoded, kind(categorical_features=list(range(len(words))), random_state=0)
    )


def realmlp(words: list[str], numbers: list[str], *, classes: bool) -> Any:
    """RealMLP with tuned defaults, on one thread."""
    import torch
    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

    torch.set_num_threads(1)
    kind = RealMLP_TD_Classifier if classes else RealMLP_TD_Regressor
    return kind(device="cpu", random_state=0, n_threads=1, verbosity=0)


def _fill(parts: dict[str, pd.DataFrame], numbers: list[str]) -> None:
    """Put the median of the training rows into gaps, and a column that says where they were."""
    medians = parts["train"][numbers].median()
    for one in numbers:
        if parts["train"][one].isna().any():
            for frame in parts.values():
                frame[f"{one} missing"] = frame[one].isna().astype(float)
    for part, frame in parts.items():
        parts[part] = frame.fillna(medians)


PEERS: dict[str, Callable[..., Any]] = {"linear": linear, "trees": trees, "realmlp": realmlp}


def versions() -> dict[str, str]:
    """Return the versions that the scores hang on."""
    names = ("scikit-learn", "pytabkit", "torch", "numpy", "pandas")
    return {name: metadata.version(name) for name in names}


def main() -> None:
    print(json.dumps(versions()), flush=True)
    for line in sys.stdin:
        name, _, path = line.strip().partition(" ")
        with contextlib.redirect_stdout(sys.stderr):
            answer = score(name, path)
        print(json.dumps(answer), flush=True)


def score(name: str, path: str) -> dict[str, Any]:
    """Fit a peer on the training rows and score it on the test rows."""
    rows = np.load(path)
    is_word = rows["words"]
    names = [f"c{at}" for at in range(len(is_word))]
    words = [one for one, word in zip(names, is_word, strict=True) if word]
    numbers = [one for one in names if one not in words]
    parts = {}
    for part in ("train", "test"):
        frame = pd.DataFrame(rows[f"{part}_x"].astype(float), columns=names)
        for one in words:
            codes = frame[one]
            texts = codes.map(lambda code: f"level {int(code)}", na_action="ignore")
            frame[one] = texts.astype(object).where(codes.notna(), "missing")
            if name == "realmlp":
                frame[one] = frame[one].astype("category")
        parts[part] = frame
    if name == "realmlp":  # it takes no gaps
        _fill(parts, numbers)
    classes = rows["train_y"].dtype.kind in "iu"
    model = PEERS[name](words, numbers, classes=classes)
    began = time.perf_counter()
    extra = {"cat_col_names": words} if name == "realmlp" and words else {}
    model.fit(parts["train"], rows["train_y"], **extra)
    answer = np.asarray(model.predict(parts["test"])).ravel()
    truth = rows["test_y"]
    if classes:
        value = float((answer == truth).mean())
    else:
        value = 1 - float(((answer - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum())
    return {"score": 100 * value, "seconds": time.perf_counter() - began}


if __name__ == "__main__":
    main()
