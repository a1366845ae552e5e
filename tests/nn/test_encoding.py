"""Inputs made of stored columns: against scikit-learn, and the same bits in every block."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, RobustScaler, StandardScaler
from support.allocated import least_allocated

from hpsearch import nn
from hpsearch.columns import Column
from hpsearch.data import Preparation, fit_encoding
from hpsearch.encoding import Encoding
from hpsearch.errors import InvalidRequest
from hpsearch.nn.examples import Feeder

N, TRAIN = 160, 100


def drawn(seed: int) -> tuple[np.ndarray, list[Column]]:
    """A random table of random kinds; its gaps are in both parts, or in the second alone."""
    rng = np.random.default_rng(seed)
    x, columns = [], []
    for number in range(rng.integers(1, 7)):
        kind = rng.choice(["number", "boolean", "category", "ordered"])
        count = 2 if kind == "boolean" else int(rng.integers(2, 9))
        codes = np.minimum(rng.geometric(0.4, N) - 1, count - 1)
        values = rng.normal(rng.normal(0, 20), 1, N) * 10 ** rng.uniform(-9, 9)
        x.append((values if kind == "number" else codes).astype(np.float32))
        gaps = rng.random(N) < rng.choice([0, 0.2])
        gaps[:3], gaps[:TRAIN] = False, gaps[:TRAIN] & (rng.random() < 0.7)
        x[-1][gaps] = np.nan
        levels = () if kind == "number" else tuple(f"level {i}" for i in range(count))
        missing = int(gaps[:TRAIN].sum())
        columns.append(Column(str(number), kind, levels, int(gaps.sum()), missing))
    return np.column_stack(x), columns


def inputs(x: np.ndarray, scaling, encoding: Encoding, length: int = N) -> np.ndarray:
    """(n, F) what a network is fed with, in blocks of `length`."""
    rows = np.arange(len(x))
    part = nn.Examples(x, np.zeros(len(x), int), rows, scaling.shift, scaling.scale, encoding)
    fed = []
    for start in range(0, len(x), length):
        positions = rows[start : start + length]
        feeder = Feeder(part, len(positions), np.float32)
        for _ in range(2):  # a second block leaves nothing of the first
            feeder.fill(positions[::-1].copy())
            feeder.fill(positions)
        assert (feeder.x[-1] == 1).all()
        fed.append(feeder.x[:-1].T.copy())
    return np.concatenate(fed)


def reference(x: np.ndarray, columns: list[Column], how: str) -> np.ndarray:
    """(N, F) by scikit-learn, fitted on the first rows; no level is beyond the budget."""
    own = [x[:, [i]].astype(np.float64) for i in range(len(columns))]
    made: dict[str, list[np.ndarray]] = {"number": [], "boolean": [], "gap": [], "category": []}
    for column, values in zip(columns, own, strict=True):
        if column.kind == "category":
            made["category"].append(one_hot(values, column))
            continue
        kind = "boolean" if column.kind == "boolean" else "number"
        made[kind].append(scaled(values, kind, how))
    order = sorted(zip(columns, own, strict=True), key=lambda pair: pair[0].kind == "boolean")
    made["gap"] = [np.isnan(v) for c, v in order if c.kind != "category" and c.missing_train]
    return np.concatenate([part for parts in made.values() for part in parts], axis=1)


def scaled(values: np.ndarray, kind: str, how: str) -> np.ndarray:
    if how == "standard":
        steps = make_pipeline(StandardScaler(), SimpleImputer(keep_empty_features=True))
        return ColumnTransformer([("one", steps, [0])]).fit(values[:TRAIN]).transform(values)
    if kind == "boolean":
        return 2 * SimpleImputer(strategy="constant", fill_value=0.5).fit_transform(values) - 1
    steps = make_pipeline(SimpleImputer(strategy="median"), RobustScaler())
    known = values[:TRAIN][~np.isnan(values[:TRAIN])][:, None]
    made = ColumnTransformer([("one", steps, [0])]).fit(known).transform(values)
    lower, upper = np.quantile(known, (0.25, 0.75))
    if lower == upper:  # as RealMLP, where scikit-learn divides by 1
        made = made * 2 / (known.max() - known.min())
    return made / np.sqrt(1 + (made / 3) ** 2)


def one_hot(values: np.ndarray, column: Column) -> np.ndarray:
    gap = len(column.levels) + 1
    codes = np.where(np.isnan(values), gap, values)
    wanted = [*range(len(column.levels)), *([gap] if column.missing_train else ())]
    known = [code for code in wanted if (codes[:TRAIN] == code).sum() >= 3]
    hot = OneHotEncoder(categories=[known], handle_unknown="ignore", sparse_output=False)
    made = hot.fit(np.array(known, float)[:, None]).transform(codes)
    levels = [place for place, code in enumerate(known) if code != gap]
    slots = np.zeros((N, column.inputs(99)))
    slots[:, : len(levels)] = made[:, levels]
    slots[:, len(column.levels)] = 1 - made.sum(axis=1)
    if gap in known:
        slots[:, -1] = made[:, -1]
    return slots


@pytest.mark.parametrize("how", ["standard", "robust"])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_inputs_are_those_of_scikit_learn(how: str, seed: int) -> None:
    x, columns = drawn(seed)
    varied = [np.unique(c[:TRAIN][~np.isnan(c[:TRAIN])]).size > 1 for c in x.T]
    x, columns = x[:, varied], [c for c, keep in zip(columns, varied, strict=True) if keep]
    if not columns:
        return
    fitted = fit_encoding(x, np.arange(TRAIN), columns, Preparation(how, 99))
    fed = inputs(x, *fitted)
    assert fed.shape[1] == sum(column.inputs(99) for column in columns)
    np.testing.assert_allclose(fed, reference(x, columns, how), rtol=2e-3, atol=2e-4)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), length=st.integers(1, N), budget=st.integers(1, 9))
def test_no_block_changes_a_bit(seed: int, length: int, budget: int) -> None:
    x, columns = drawn(seed)
    fitted = fit_encoding(x, np.arange(TRAIN), columns, Preparation("robust", budget))
    whole = inputs(x, *fitted)
    assert whole.tobytes() == inputs(x, *fitted, length=length).tobytes()
    assert np.isfinite(whole).all()
    slots = whole[:, len(fitted[1].numbers) + len(fitted[1].gaps) :]
    assert (slots.sum(axis=1) == len(fitted[1].categories)).all()


def test_far_values_are_drawn_in_and_none_turns_back() -> None:
    x = np.array([[1e30], [-1e30], [50.0], [5.0], [1.0], [0.0], [-1.0]], np.float32)
    scaling, encoding = fit_encoding(
        x, np.array([4, 5, 6]), [Column("a", "number")], Preparation("robust", 1)
    )
    fed = inputs(x, scaling, encoding)[:, 0]
    order = [1, 6, 5, 4, 3, 2, 0]
    assert (np.diff(fed[order]) > 0).all()
    assert np.abs(fed).max() <= 3


def test_filling_a_block_allocates_nothing() -> None:
    x, columns = drawn(3)
    scaling, encoding = fit_encoding(x, np.arange(TRAIN), columns, Preparation("robust", 4))
    wide = np.tile(x, (60, 1))
    rows = np.arange(len(wide))
    part = nn.Examples(wide, np.zeros(len(wide), int), rows, scaling.shift, scaling.scale, encoding)
    feeder = Feeder(part, len(wide), np.float32)
    feeder.fill(rows)
    peak, _ = least_allocated(lambda: feeder.fill(rows))
    assert peak < len(wide)  # bytes: less than one a row


def test_what_does_not_fit_is_refused() -> None:
    x, columns = drawn(5)
    scaling, encoding = fit_encoding(x, np.arange(TRAIN), columns, Preparation("standard", 4))
    again = Encoding.from_arrays(encoding.arrays())
    assert {n: a.tolist() for n, a in again.arrays().items()} == {
        n: a.tolist() for n, a in encoding.arrays().items()
    }
    for wrong in ({"width": 0}, {"smooth": 99}, {"slots": encoding.slots - 99},
                  {"live": np.ones(99, bool)}, {"levels": encoding.levels + 1}):  # fmt: skip
        if not len(encoding.categories) and {"slots", "levels"} & wrong.keys():
            continue
        with pytest.raises(ValueError, match="do not fit"):
            replace(encoding, **wrong)
    beyond = replace(encoding, numbers=encoding.numbers + 99)
    with pytest.raises(InvalidRequest, match="columns that x has not"):
        inputs(x, scaling, beyond)
