"""Frames that cannot be sent: refused in the client, by the column and with the way out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch.client.dataset_upload import Frame, _parquet
from hpsearch.client.trials_frame import of_trials
from hpsearch.errors import InvalidRequest
from hpsearch.report.views import TrialView

pd = pytest.importorskip("pandas")
N = 12


def trial(index: int, **params: Any) -> TrialView:
    return TrialView(
        id=f"1-{index}", round=1, index=index, state="completed", params=params, epochs=1,
        validation_accuracy=None, validation_loss=None, score=0.5,
    )  # fmt: skip


def test_a_trial_without_a_hyperparameter_has_nothing_in_its_column():
    made = of_trials([trial(0, kind="flat"), trial(1, kind="round", depth=3)])
    assert list(made["kind"]) == ["flat", "round"]
    assert made["depth"].isna().tolist() == [True, False]


def frame():
    return pd.DataFrame({"x": np.arange(N) / 3, "y": ["a", "b"] * (N // 2)})


def months():
    return pd.period_range("2024-01", periods=N, freq="M")


def sides():
    return pd.MultiIndex.from_product([["left", "right"], range(N // 2)], names=["side", "at"])


@pytest.mark.parametrize(
    ("change", "message", "way_out"),
    [
        (lambda f: f.assign(m=months()), "column 'm' of the frame holds periods", "to_timestamp()"),
        (lambda f: f.assign(m=pd.cut(f.x, 3)), "column 'm' of the frame holds intervals", "astype(str)"),
        (lambda f: f.set_index(months()), "the index of the frame holds periods", "reset_index(drop"),
        (lambda f: f.set_axis(pd.MultiIndex.from_tuples([("p", "x"), ("p", "y")]), axis=1),
         r"names of 2 levels, such as ('p', 'x')", "'_'.join"),
        (lambda f: f.set_index(sides()), "an index of 2 levels ('side', 'at')", "reset_index()"),
        (lambda f: f.assign(m=[1, "x"] * (N // 2)), "column m with type object", ""),
    ],
)  # fmt: skip
def test_what_cannot_be_sent(change, message: str, way_out: str, tmp_path: Path) -> None:
    sent = change(frame())
    assert isinstance(sent, Frame)
    with pytest.raises(InvalidRequest) as caught:
        _parquet(sent, tmp_path)
    assert message in caught.value.summary
    assert way_out in caught.value.summary


def test_the_way_out_of_each_works(tmp_path: Path) -> None:
    whole = frame().assign(m=months(), c=pd.cut(frame().x, 3)).set_index(sides()).reset_index()
    whole["m"] = whole["m"].dt.to_timestamp()
    whole["c"] = whole["c"].astype(str)
    assert _parquet(whole, tmp_path).stat().st_size
