"""Every experiment in its quick form, on digits: the part of each claim that any run must show."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hpsearch.nn import Member
from hpsearch.nn.parameters import initial, layout
from lab.data import LabData
from lab.experiment import Experiment, Interval, band, beyond, denied, interval, judged
from lab.experiments import (
    activations,
    batch_norm,
    bayesian,
    ensemble,
    initial_weights,
    optimizers,
    overfitting,
    paths,
    random_search,
)

_RESULTS: dict[str, Any] = {}


def quick(experiment: Experiment[Any], digits: LabData) -> Any:
    """The quick result of seed 0, worked out once."""
    name = experiment.title
    if name not in _RESULTS:
        _RESULTS[name] = experiment.run(digits, 0, quick=True)
    return _RESULTS[name]


def run(experiment: Experiment[Any], digits: LabData) -> Any:
    """The quick result, after all that is shown of it has been made."""
    result = quick(experiment, digits)
    findings = experiment.findings(result)
    assert findings
    assert all(f.claim and f.measured and "nan" not in f.measured for f in findings)
    assert all(figure.layout.height > 0 for figure in experiment.figures(result))
    return result


def test_the_paths_follow_the_formulas(digits: LabData) -> None:
    found = run(paths.EXPERIMENT, digits)
    t = np.arange(paths.STEPS + 1)
    sgd = np.stack([-7.0 * (1 - 0.095) ** t, 2.0 * (1 - 1.9) ** t], axis=1)
    np.testing.assert_allclose(found["sgd"].places, sgd, rtol=1e-12)
    place, h = np.array([-7.0, 2.0]), np.zeros(2)
    for reached in found["adagrad"].places[1:]:
        g = np.array([place[0] / 10, 2 * place[1]])
        h += g * g
        place = place - 1.5 * g / (np.sqrt(h) + 1e-8)
        np.testing.assert_allclose(reached, place, rtol=1e-10)


def test_sgd_zigzags_and_the_others_less(digits: LabData) -> None:
    found = run(paths.EXPERIMENT, digits)
    assert found["sgd"].turns == paths.STEPS
    assert found["sgd"].sway > 3 * found["momentum"].sway > 3 * found["adam"].sway / 2
    assert found["adagrad"].detour == pytest.approx(1.0, abs=0.1)
    assert all(f.verdict == "holds" for f in paths.EXPERIMENT.findings(found))


def test_sgd_is_the_slowest_at_the_chapters_rates_alone(digits: LabData) -> None:
    found = run(optimizers.EXPERIMENT, digits)
    assert all(found.mean(n) < found.mean("sgd") for n in optimizers.RATES if n != "sgd")
    assert found.best("sgd") < 0.5 * found.losses["sgd"][:, -1].mean()
    assert found.best_rate("sgd") > 5 * optimizers.RATES["sgd"]


def test_activations_saturate_gather_or_keep_their_spread(digits: LabData) -> None:
    found = run(activations.EXPERIMENT, digits)
    sigmoid, relu = found["sigmoid"], found["relu"]
    assert sigmoid["std 1"].extreme.min() > 0.5
    assert sigmoid["std 0.01"].by_example[-1] < 1e-6
    assert abs(sigmoid["std 0.01"].mean[-1] - 0.5) < 0.05
    assert (sigmoid["Xavier"].sd > 3 * sigmoid["std 0.01"].sd).all()
    assert relu["std 0.01"].rms[-1] < 1e-4
    assert relu["Xavier"].rms[-1] < 0.5 * relu["Xavier"].rms[0]
    assert relu["He"].rms.max() < 2 * relu["He"].rms.min()
    for spread in (*sigmoid.values(), *relu.values()):
        np.testing.assert_allclose(spread.shares.sum(axis=1), 1.0)
        assert ((spread.zeros >= 0) & (spread.zeros <= 1)).all()


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_the_activations_are_those_of_the_network(digits: LabData, activation: str) -> None:
    """Against the forward pass written out: sigma(W x + b), layer by layer, for two networks."""
    (examples,) = digits.examples(digits.draw(20, 3))
    cases = [("normal", 0.3), ("he", 1.0)]
    layers = activations.hidden_activations(digits, examples, activation, cases, seed=5)
    shape = digits.shape(*[activations.UNITS] * activations.LAYERS, activation=activation)
    x = (examples.x[examples.rows] - examples.shift) * examples.scale
    for t, (initializer, std) in enumerate(cases):
        fresh = Member(0.0, initializer=initializer, init_std=std, init_key=(5, 1, 0))
        row = initial(shape, [fresh], np.float32)
        h = x.astype(np.float64)
        for slot, layer in zip(layout(shape).weights, layers, strict=False):
            z = h @ slot.view(row)[0]
            h = 1 / (1 + np.exp(-z)) if activation == "sigmoid" else np.maximum(z, 0)
            np.testing.assert_allclose(layer[t].T, h, rtol=2e-3, atol=1e-4)


def test_small_weights_do_not_learn_and_he_is_ahead_of_xavier(digits: LabData) -> None:
    found = run(initial_weights.EXPERIMENT, digits)
    assert found.losses["std 0.01"][:, -1].mean() == pytest.approx(math.log(10), abs=0.02)
    assert found.losses["He"][:, -1].mean() < 0.8 * found.losses["Xavier"][:, -1].mean()
    assert math.isnan(found.updates_to("std 0.01", 1.0))
    assert found.updates_to("He", 1.0) < found.steps * found.losses["He"].shape[1]


def test_batch_norm_wins_at_bad_scales(digits: LabData) -> None:
    found = run(batch_norm.EXPERIMENT, digits)
    small = (batch_norm.SCALES > 1e-3) & (batch_norm.SCALES < 0.05)
    assert (found.normed[small, -1] > 0.8).all()
    assert (found.plain[small, -1] < 0.3).all()
    assert found.ahead[small].all()
    learned = found.plain[:, -1] > batch_norm.LEARNED
    assert 1 <= learned.sum() < len(batch_norm.SCALES) / 2


def test_decay_and_dropout_narrow_the_gap(digits: LabData) -> None:
    found = run(overfitting.EXPERIMENT, digits)
    assert found.train["nothing"][:, -1].min() == 1.0
    assert found.gap("nothing").mean() > 0.05
    for case in list(overfitting.CASES)[1:]:
        assert found.shrinks(case).mean > 0.01, case
        assert (found.train[case][:, -1] < found.train["nothing"][:, -1]).any()
        assert found.train[case][:, -1].mean() < 1.0


def test_an_ensemble_is_better_than_its_members(digits: LabData) -> None:
    found = run(ensemble.EXPERIMENT, digits)
    assert len(found.members) == len(found.growing) == 2 * ensemble.GROUP
    assert found.growing[0] == found.members[0]
    assert (found.groups > found.members.reshape(2, -1).mean(axis=1)).all()
    assert found.growing[ensemble.GROUP - 1] == found.groups[0]


def test_the_book_is_trapped_where_our_search_goes_on(digits: LabData) -> None:
    pairs = run(random_search.EXPERIMENT, digits)
    for pair in pairs:
        assert len(pair.book.trials) == len(pair.ours.trials)
        assert sum(t.epochs for t in pair.book.trials) >= sum(t.epochs for t in pair.ours.trials)
        assert pair.ours.boxes[-1]["learning_rate"].high > 0.1 > 0.01  # type: ignore[union-attr]
        assert pair.book.boxes[-1]["learning_rate"].high <= 0.01  # type: ignore[union-attr]
        assert pair.ours.pick.params["learning_rate"] > 0.01  # type: ignore[operator]
        assert pair.ours.held_out > pair.book.held_out
        assert pair.ours.verdicts.keys() == set(random_search.NAMES)
        assert pair.book.best(1) == [pair.book.pick]


def test_bayesian_and_random_search_share_their_start_and_then_part(digits: LabData) -> None:
    found = run(bayesian.EXPERIMENT, digits)
    scores, first = found.scores, bayesian.FIRST
    np.testing.assert_array_equal(scores["random"][:, :first], scores["Bayesian"][:, :first])
    assert (scores["random"][:, first:] != scores["Bayesian"][:, first:]).any()
    # What the surrogate asks for is better than what chance asks for.
    assert np.median(scores["Bayesian"][:, first:]) > np.median(scores["random"][:, first:]) + 0.1
    assert (found.lead(first) == 0.0).all()


def test_a_proposal_goes_where_the_scores_are() -> None:
    rng = np.random.default_rng(1)
    x = rng.random((40, len(bayesian.SPACE)))
    proposed = np.array(
        [bayesian.propose_bayesian(x, -np.square(x - 0.3).sum(axis=1), rng) for _ in range(3)]
    )
    assert np.abs(proposed - 0.3).max() < 0.3


def test_a_search_with_diverged_members_goes_on(digits: LabData) -> None:
    member = bayesian.member(np.ones(len(bayesian.SPACE)), 0, 0)
    assert member.learning_rate == pytest.approx(10.0)
    assert member.weight_decay == pytest.approx(1.0)
    shape = digits.shape(*bayesian.HIDDEN, optimizer="momentum", batch_size=50)
    rows = digits.draw(200, 0)
    parts = digits.examples(rows[:100], rows[100:], digits.held_out)
    scores, tested = bayesian._evaluate(shape, [member], parts, 20, 0)
    assert (scores == 0.0).all()
    assert (tested == 0.0).all()


def test_the_same_seed_gives_the_same_training(digits: LabData) -> None:
    """Images, initial weights and what dropout leaves out: other ones would show at once."""
    one, two, other = (overfitting.trained(digits, seed, epochs=5, repeats=2) for seed in (0, 0, 7))
    for case in overfitting.CASES:
        for name in ("train", "held_out"):
            found = getattr(one, name)[case]
            np.testing.assert_array_equal(found, getattr(two, name)[case])
            assert (found != getattr(other, name)[case]).any()


def test_the_same_seed_gives_the_same_search(digits: LabData) -> None:
    one, two = quick(bayesian.EXPERIMENT, digits), bayesian.EXPERIMENT.run(digits, 0, quick=True)
    assert one is not two
    assert bayesian.EXPERIMENT.findings(one) == bayesian.EXPERIMENT.findings(two)


def test_intervals() -> None:
    found = interval([1.0, 2.0, 3.0])
    assert found.mean == 2.0
    assert found.half == pytest.approx(4.302652729911275 / math.sqrt(3))  # t, 2 degrees, 97.5 %
    assert found.high - found.low == pytest.approx(2 * found.half)
    assert interval([0.25]).points() == "25.0"
    assert interval([0.1, 0.1]).points(signed=True) == "+10.0 ± 0.0"
    mean, low, high = band(np.array([[1.0], [2.0], [3.0]]))
    assert (mean[0], low[0], high[0]) == pytest.approx((2.0, found.low, found.high))
    assert all((edge == [5.0]).all() for edge in band(np.array([[5.0]])))


def test_a_verdict_is_as_good_as_its_facts() -> None:
    assert judged(True, True) == "holds"
    assert judged(True, False) == "holds in part"
    assert judged(False, False) == "does not hold"
    assert judged(True, None) == "holds in part"
    assert judged(False, None) == judged(None) == "undecided"


def test_an_interval_across_the_limit_decides_nothing() -> None:
    assert beyond(Interval(2.0, 1.0, 3), 0.5) is True
    assert beyond(Interval(-2.0, 1.0, 3), 0.0) is False
    assert beyond(Interval(0.5, 1.0, 3), 0.0) is None
    assert beyond(interval([0.5]), 0.0) is None  # one repeat has no interval
    assert [denied(fact) for fact in (True, False, None)] == [False, True, None]
