"""The figures of a search: what is drawn is what the views say."""

from __future__ import annotations

import math
from typing import Any

import pytest
from plotly.colors import sample_colorscale

from hpsearch.figures import search as figures
from hpsearch.figures.search import style
from hpsearch.figures.search.parallel import LACKING
from hpsearch.report.coordinates import Ended, coordinates
from hpsearch.report.views import (
    BestView,
    DecisionView,
    ImportanceView,
    RangeView,
    RoundView,
    SurfaceView,
    TrialCounts,
    TrialView,
    TuningCurveView,
    TuningPointView,
)
from hpsearch.trials import RoundKind, TrialState, Verdict

RATE = RangeView(low=1e-4, high=1.0, scale="log")
LATER = RangeView(low=1e-2, high=2.0, scale="log")
KIND = RangeView(choices=("relu", "tanh"))
COUNTS = TrialCounts(planned=4, pending=0, running=0, completed=4, stopped=0, diverged=0, failed=0)


def decision(verdict: Verdict, before: RangeView, after: RangeView, reason: str) -> DecisionView:
    return DecisionView(before=before, after=after, verdict=verdict, reason=reason, numbers={})


def round_(number: int, rate: RangeView, kind: RoundKind = RoundKind.EXPLORE) -> RoundView:
    return RoundView(
        number=number,
        kind=kind,
        epochs=2,
        ranges={"activation": KIND, "learning_rate": rate},
        trials=COUNTS,
        best=BestView(
            trial=f"{number}-0",
            params={"learning_rate": 0.1, "activation": "relu"},
            validation_accuracy=0.9,
        ),
        decisions={
            "learning_rate": decision(
                Verdict.OPEN_HIGH, rate, LATER, "open <b>at</b> the top & so on"
            ),
            "activation": decision(Verdict.KEPT, KIND, KIND, "kept: both may be best"),
        },
    )


def trial(index: int, rate: float, accuracy: float | None, **more: Any) -> TrialView:
    diverged = accuracy is None
    fields: dict[str, Any] = {
        "id": f"1-{index}",
        "round": 1,
        "index": index,
        "state": TrialState.DIVERGED if diverged else TrialState.COMPLETED,
        "params": {"learning_rate": rate, "activation": "relu"},
        "epochs": 2,
        "validation_accuracy": accuracy,
        "validation_loss": None if diverged else 0.3,
    }
    return TrialView(**{**fields, **more})


ROUNDS = [round_(1, RATE), round_(2, LATER)]
TRIALS = [trial(0, 0.001, 0.5), trial(1, 0.1, 0.9), trial(2, 0.9, None)]


def test_a_bar_of_each_round_has_the_range_and_its_decision() -> None:
    figure = figures.ranges(ROUNDS, {"activation": KIND, "learning_rate": RATE})
    bars = [t for t in figure.data if t.type == "bar"]
    assert [(b.x[0], b.base[0], pytest.approx(b.base[0] + b.y[0])) for b in bars] == [
        ("1", 1e-4, 1.0),
        ("2", 1e-2, 2.0),
        ("best", 1e-2, 2.0),
    ]
    first, second, answer = (b.marker.color for b in bars)
    assert first == style.PURPLE
    assert second == answer == style.VERDICTS[Verdict.OPEN_HIGH]
    assert "as asked" in bars[0].hovertext
    # Text of ours is shown as text: plotly would read <b> as markup.
    assert "open &lt;b&gt;at&lt;/b&gt; the top &amp; so on" in bars[1].hovertext
    assert figure.layout.yaxis2.type == "log"


def test_progress_never_falls_and_counts_every_epoch_that_was_spent() -> None:
    rounds = []
    for number, epochs, score in ((1, 10, 0.8), (2, 20, 0.7), (3, 5, 0.9)):
        one = round_(number, RATE)
        assert one.best is not None
        best = one.best.model_copy(update={"validation_accuracy": score})
        rounds.append(one.model_copy(update={"epochs_trained": epochs, "best": best}))
    final = rounds[0].model_copy(update={"kind": RoundKind.FINAL})
    figure = figures.progress({"a <b>": [*rounds, final], "none yet": []})
    (line,) = figure.data
    assert (list(line.x), list(line.y)) == ([10, 30, 35], [0.8, 0.8, 0.9])
    assert line.name == "a &lt;b&gt;"
    assert not figures.progress({"none yet": []}).data


def test_choices_are_squares_for_the_levels_that_are_left() -> None:
    figure = figures.ranges(ROUNDS, {"activation": KIND})
    squares = [t for t in figure.data if t.type == "scatter" and t.x[0] == "1"]
    assert [tuple(t.y) for t in squares] == [("relu", "tanh")]


def test_parallel_lines_end_at_their_scores_and_leave_out_nothing() -> None:
    trials = [*TRIALS, trial(3, 0.01, 0.7, params={"learning_rate": 0.01})]
    ranges = {"activation": [KIND], "learning_rate": [RATE]}
    view = coordinates(Ended(trials, 9, "maximize"), ranges, {})
    figure = figures.parallel(view)
    lines = [t for t in figure.data if t.mode == "lines"]
    assert [line.name for line in lines] == ["diverged", "trial", "trial", "trial"]
    assert [line.y[2] for line in lines] == [LACKING, 0.0, 0.5, 1.0]
    assert lines[2].y[0] == LACKING  # of no activation
    assert lines[1].y[:2] == (0.25, pytest.approx(0.25))
    assert len({line.line.color for line in lines}) == 4
    assert lines[1].line.color == sample_colorscale(style.SCALE, [0.0])[0]
    assert lines[3].line.color == sample_colorscale(style.SCALE, [1.0])[0]
    assert figure.layout.title.text == "4 of 9 trials"
    assert figure.layout.coloraxis.cmax == 0.9
    words = {note.text for note in figure.layout.annotations}
    assert {"<b>activation</b>", "<b>validation<br>accuracy</b>", "relu", "0.9000"} <= words
    sides = {note.text: note.xanchor for note in figure.layout.annotations}
    assert (sides["relu"], sides["0.9000"]) == ("right", "left")  # clear of the lines
    assert figures.parallel(coordinates(Ended([], 0, "maximize"), ranges, {})).layout.height == 160


def test_trials_are_coloured_and_diverged_ones_crossed() -> None:
    figure = figures.trials(figures.Sample(TRIALS, 3), ROUNDS, x="learning_rate", y="activation")
    points, crosses = figure.data
    assert list(points.x) == [0.001, 0.1]
    assert list(points.y) == ["relu", "relu"]
    assert list(points.marker.color) == [0.5, 0.9]
    assert list(crosses.x) == [0.9]
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.title.text == ""


def test_each_exploring_round_has_its_box_and_a_sample_says_so() -> None:
    rounds = [r.model_copy(update={"ranges": {"a": RATE, "b": LATER}}) for r in ROUNDS]
    rounds.append(rounds[0].model_copy(update={"kind": RoundKind.REPEAT}))
    shown = [t.model_copy(update={"params": {"a": 0.1, "b": 0.2}}) for t in TRIALS]
    figure = figures.trials(figures.Sample(shown, 12_345), rounds, x="a", y="b")
    assert [(s.x0, s.x1, s.y0, s.y1) for s in figure.layout.shapes] == [(1e-4, 1, 1e-2, 2)] * 2
    assert figure.layout.title.text == "3 of 12,345 trials"


def test_an_unknown_axis_is_refused() -> None:
    with pytest.raises(KeyError):
        figures.trials(figures.Sample(TRIALS, 3), ROUNDS, x="learning_rate", y="colour")


def test_the_best_curves_stand_out_and_the_others_are_one_trace() -> None:
    many = [
        trial(i, 0.1, 0.1 * i, curve=[(1, 1.0, 0.05 * i, 0.05 * i), (2, 0.9, 0.1 * i, 0.1 * i)])
        for i in range(8)
    ]
    others, *best = figures.curves([*many, trial(9, 1.0, None, curve=[(1, None, None, None)])]).data
    assert [t.name for t in best] == [f"trial 1-{i}" for i in (7, 6, 5, 4, 3)]
    assert list(best[0].y) == pytest.approx([0.35, 0.7])
    assert len(others.x) == 3 * 3  # three curves of two points, each ended by a gap
    assert others.x[2] is None


def test_the_surface_lies_on_the_scales_of_its_axes() -> None:
    found = SurfaceView(
        x="a", y="b", xs=[0.01, 0.1, 1.0], ys=[1.0, 2.0], at={"a": 0.1, "b": 1.0},
        mean=[[0.1, 0.2, 0.3], [0.2, 0.3, 0.4]], sd=[[0.01] * 3] * 2,
    )  # fmt: skip
    rounds = [ROUNDS[0].model_copy(update={"ranges": {"a": RATE, "b": RangeView(low=1, high=2)}})]
    figure = figures.surface(found, rounds)
    assert figure.layout.xaxis.type == "log"
    assert list(figure.layout.xaxis.range) == pytest.approx([-2.0, 0.0])
    assert list(figure.layout.yaxis.range) == [1.0, 2.0]
    assert figure.data[0].zmax == 0.4


def test_importance_is_ordered_with_its_interval() -> None:
    found = [
        ImportanceView(name="a", first=0.1, total=0.2, low=0.1, high=0.4, effect=0.01),
        ImportanceView(name="learning_rate", first=0.5, total=0.8, low=0.7, high=0.9, effect=0.1),
    ]
    bars = figures.importance(found).data[0]
    assert list(bars.y) == ["a<br>± 0.014", "learning rate<br>± 0.13"]  # the largest on top
    assert list(bars.error_x.array) == pytest.approx([0.2, 0.1])
    assert list(bars.error_x.arrayminus) == pytest.approx([0.1, 0.1])


def test_a_share_of_nothing_is_faint_and_last() -> None:
    """A large share of what lies below the noise says nothing of the score."""
    found = [
        ImportanceView(name="a", first=0.9, total=0.94, low=0.6, high=1.0, effect=0.004),
        ImportanceView(name="b", first=0.5, total=0.5, low=0.4, high=0.6, effect=0.02),
    ]
    bars = figures.importance(found, 0.005).data[0]
    assert list(bars.y) == ["a<br>± 0.0041, below the noise", "b<br>± 0.02"]
    assert bars.marker.opacity[0] < bars.marker.opacity[1]
    assert "noise of one training 0.005" in bars.hovertext[0]
    known = figures.importance(found).data[0]  # an older search stored no noise
    assert len(set(known.marker.opacity)) == 1


@pytest.mark.parametrize("unit", [1e-12, 1e-3, 1.0, 1e6])
def test_a_surface_is_drawn_in_any_unit(unit: float) -> None:
    found = SurfaceView(
        x="a", y="b", xs=[0.1, 1.0], ys=[1.0, 2.0], at={"a": 0.1, "b": 1.0},
        mean=[[unit, 2 * unit], [2 * unit, 3 * unit]], sd=[[unit] * 2] * 2,
    )  # fmt: skip
    rounds = [ROUNDS[0].model_copy(update={"ranges": {"a": RATE, "b": RangeView(low=1, high=2)}})]
    heat = figures.surface(found, rounds).data[0]
    assert heat.contours.size == pytest.approx(unit / 24)
    assert heat.zmax == 3 * unit


@pytest.mark.parametrize(
    "figure",
    [
        figures.ranges([], {}),
        figures.curves([]),
        figures.surface(None, []),
        figures.importance([]),
    ],
)
def test_where_there_is_nothing_yet_the_figure_says_why(figure: Any) -> None:
    assert not figure.data
    assert figure.layout.annotations[0].text


def test_every_figure_is_finite_json() -> None:
    figure = figures.ranges(ROUNDS, {"learning_rate": RATE})
    assert "NaN" not in figure.to_json()
    assert math.isfinite(figure.layout.height)


def points(*, band: bool) -> list[TuningPointView]:
    made = []
    for k in (1, 2, 3):
        low, high = (0.5 + k / 20, 0.8 + k / 20) if band and k < 3 else (None, None)
        made.append(
            TuningPointView(
                trials=k, expected=0.6 + k / 10, expected_low=low, expected_high=high,
                median=0.65 + k / 10, median_low=low, median_high=high,
            )
        )  # fmt: skip
    return made


def curve(**changed: Any) -> TuningCurveView:
    fields: dict[str, Any] = {
        "objective": "accuracy", "direction": "maximize", "draws": 3, "lost": 0, "epochs": 8, "confidence": 0.95,
        "points": points(band=True), "not_available": None, "no_band": None,
    }  # fmt: skip
    return TuningCurveView(**{**fields, **changed})


def test_the_tuning_curve_has_its_band_where_the_draws_bound_it() -> None:
    band, mean, median = figures.tuning(curve()).data
    assert band.fill == "toself"
    assert (band.x, band.y) == (
        (1, 2, 2, 1),
        (0.8 + 1 / 20, 0.8 + 2 / 20, 0.5 + 2 / 20, 0.5 + 1 / 20),
    )
    assert band.name.startswith("95% band")
    assert (mean.x, mean.y) == ((1, 2, 3), (0.6 + 1 / 10, 0.6 + 2 / 10, 0.6 + 3 / 10))
    assert median.name == "its median"
    assert "mean between" in mean.hovertext[1]
    assert "between" not in mean.hovertext[2]


def test_a_tuning_curve_without_a_band_is_two_lines() -> None:
    alone = curve(confidence=None, points=points(band=False), no_band="trials share a shape")
    assert [trace.name for trace in figures.tuning(alone).data] == [
        "mean of the best",
        "its median",
    ]


def test_no_tuning_curve_says_why() -> None:
    figure = figures.tuning(curve(points=[], not_available="the sampler is gp"))
    assert not figure.data
    assert "the sampler is gp" in figure.layout.annotations[0].text
