"""What is fitted on training rows: the cases of the references, and what must not be looked at."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import RobustScaler

from hpsearch.columns import Column
from hpsearch.data import Preparation, Scaling, fit_encoding
from hpsearch.encoding import Encoding
from hpsearch.errors import InvalidDataset

ROBUST = Preparation("robust", 32)


def fit(values, column, preparation=ROBUST, rows=None) -> tuple[Scaling, Encoding]:
    x = np.asarray(values, np.float32).reshape(len(values), -1)
    return fit_encoding(x, np.arange(len(x)) if rows is None else rows, [column], preparation)


def category(*levels: str, missing: int = 0) -> Column:
    return Column("c", "category", levels, missing, missing)


def slots(codes, column, max_levels: int = 32) -> list[int]:
    """Slot of each level, an unknown one and a gap."""
    return fit(codes, column, Preparation("robust", max_levels))[1].slots.tolist()


def test_robust_is_median_and_quartile_distance() -> None:
    scaling, _ = fit([1, 2, 3, 4, 100], Column("a", "number"))
    assert (scaling.shift[0], scaling.scale[0]) == (3, 0.5)
    assert (100 - scaling.shift[0]) * scaling.scale[0] == 48.5


def test_equal_quartiles_fall_back_to_half_the_range() -> None:
    """scikit-learn leaves 1,000 as 1,000, and the clip would make one value of all that are not 0."""
    values = [0.0] * 90 + [100.0 * i for i in range(1, 11)]
    assert RobustScaler().fit(np.array(values)[:, None]).scale_[0] == 1
    scaling, _ = fit(values, Column("a", "number"))
    assert scaling.scale[0] == pytest.approx(2 / 1000)


@pytest.mark.parametrize("how", ["standard", "robust"])
@pytest.mark.parametrize("unit", [1e-28, 1e-9, 1e9, 1e25])
def test_the_unit_of_a_column_changes_nothing(unit: float, how: str) -> None:
    values = np.random.default_rng(1).normal(3, 2, 80)
    one, two = (
        fit(v, Column("a", "number"), Preparation(how, 1))[0] for v in (values, values * unit)
    )
    scaled = (values - one.shift[0]) * one.scale[0]
    np.testing.assert_allclose((values * unit - two.shift[0]) * two.scale[0], scaled, atol=1e-5)


def test_a_category_has_one_input_for_all_that_is_unknown() -> None:
    assert slots([0] * 10 + [1] * 10, category("a", "b")) == [0, 1, 2, 2]


def test_a_tie_goes_by_name_whatever_the_order_of_rows_and_codes() -> None:
    codes = np.repeat([0, 1, 2, 3], [10, 5, 5, 3])
    assert slots(codes, category("a", "b", "c", "d"), 2) == [0, 1, 2, 2, 2, 2]
    shuffled = np.random.default_rng(0).permutation(codes)
    assert slots(shuffled, category("a", "b", "c", "d"), 2) == [0, 1, 2, 2, 2, 2]
    assert slots(codes, category("a", "c", "b", "d"), 2) == [0, 2, 1, 2, 2, 2]


def test_rare_levels_and_rare_gaps_are_other() -> None:
    codes = [0] * 5 + [1] * 2 + [2] * 3 + [np.nan] * 2
    assert slots(codes, category("a", "b", "c", missing=2)) == [0, 3, 1, 3, 3]
    assert slots([*codes, np.nan], category("a", "b", "c", missing=3)) == [0, 3, 1, 3, 4]


def test_a_level_that_only_validation_has_is_other() -> None:
    codes = np.array([0] * 50 + [1] * 50 + [2] * 40)
    _, fitted = fit(codes, category("a", "b", "planted"), rows=np.arange(100))
    assert fitted.slots.tolist() == [0, 1, 3, 3, 3]


def test_nothing_is_fitted_on_other_rows() -> None:
    """Whatever stands in the rows that validate or test, the arrays are the same."""
    rng = np.random.default_rng(2)
    columns = [
        Column("a", "number", missing=9, missing_train=9),
        category("a", "b", "c", "d", missing=9),
        Column("b", "boolean", ("no", "yes")),
        Column("o", "ordered", ("low", "mid", "high"), 1, 1),
    ]
    x = np.column_stack([rng.normal(size=200), *(rng.integers(0, k, 200) for k in (4, 2, 3))])
    x = x.astype(np.float32)
    x[rng.random(200) < 0.1, :2] = np.nan
    rows = rng.permutation(200)[:120]
    others = np.setdiff1d(np.arange(200), rows)
    for how in ("standard", "robust"):
        before = fit_encoding(x, rows, columns, Preparation(how, 3))
        changed = x.copy()
        changed[others] = [1e6, 3, 1, np.nan]
        after = fit_encoding(changed, rows, columns, Preparation(how, 3))
        for one, two in zip(before[1].arrays().values(), after[1].arrays().values(), strict=True):
            np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(before[0].shift, after[0].shift)
        np.testing.assert_array_equal(before[0].scale, after[0].scale)


def test_the_width_is_the_same_on_every_split() -> None:
    column = Column("a", "number", missing=4, missing_train=4)
    x = np.array([1.0, 2, 3, 4, 5, 6, np.nan, np.nan])
    with_gaps, without = (fit(x, column, rows=np.arange(n))[1] for n in (8, 6))
    assert (with_gaps.width, without.width) == (2, 2) == (column.inputs(1), column.inputs(9))
    assert (with_gaps.live.tolist(), without.live.tolist()) == ([True], [False])
    late = Column("a", "number", missing=2)  # complete in training
    assert fit(x, late, rows=np.arange(6))[1].width == 1


@pytest.mark.parametrize("how", ["standard", "robust"])
@pytest.mark.parametrize("kind", ["number", "boolean", "ordered"])
@pytest.mark.parametrize("value", [1.0, np.nan])
def test_what_does_not_vary_is_silent(how: str, kind, value: float) -> None:
    scaling, _ = fit([value] * 9, Column("a", kind, ("x", "y")), Preparation(how, 1))
    assert scaling.scale[0] == 0
    assert np.isfinite(scaling.shift[0])


def test_rows_are_wanted() -> None:
    with pytest.raises(InvalidDataset, match="no rows"):
        fit([1.0], Column("a", "number"), rows=np.empty(0, np.intp))
