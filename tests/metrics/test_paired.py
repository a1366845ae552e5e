"""The difference of two models on the same examples: cases, and whether intervals cover."""

from __future__ import annotations

import numpy as np
import pytest

from hpsearch.metrics import METRICS
from hpsearch.metrics.paired import Z, difference, score_interval
from hpsearch.metrics.tested import Answers, score

ACCURACY, AUC, LOSS = (METRICS[name] for name in ("accuracy", "roc_auc", "log_loss"))


def of_scores(scores: np.ndarray, targets: np.ndarray, weights=None) -> Answers:
    """Answers of two classes by logits (n,) of class 1."""
    p = 1 / (1 + np.exp(-np.asarray(scores, float)))
    values = np.stack([1 - p, p], axis=1)
    losses = -np.log(values[np.arange(len(p)), targets])
    outputs = np.stack([np.zeros(len(p)), scores], axis=1)
    return Answers(targets, values.argmax(axis=1), values, losses, outputs, weights=weights)


def two_models(rng: np.random.Generator, n: int) -> tuple[Answers, Answers]:
    """Two models that share most of what makes an example hard; the second one is a bit worse."""
    targets = (np.arange(n) % 3 == 0).astype(np.intp)
    shared = rng.normal(2.0 * targets - 1, 1.0)
    first, second = (shared + rng.normal(0, noise, n) for noise in (0.3, 0.6))
    return of_scores(first, targets), of_scores(second, targets)


def answering(right: list[int], n: int = 40) -> Answers:
    """A model that is right on these of n examples of class 0."""
    scores = np.ones(n)
    scores[right] = -1
    return of_scores(scores, np.zeros(n, np.intp))


def test_28_no_differing_row_is_no_verdict() -> None:
    one = answering(list(range(30)))
    found = difference(ACCURACY, one, one)
    assert (found.value, found.ci95, found.differing) == (0.0, None, 0)
    assert found.at_most == pytest.approx(0.088, abs=5e-4)
    assert found.why.startswith("no verdict")
    assert "at most 8.8 %" in found.why


def test_27_40_of_40_beside_the_same_is_no_certainty_either() -> None:
    """Its own interval is Wilson's; of a difference from a like model nothing is known."""
    perfect = answering(list(range(40)))
    assert score(ACCURACY, perfect).ci95 == (pytest.approx(0.912, abs=5e-4), 1.0)
    assert difference(ACCURACY, perfect, perfect).ci95 is None


@pytest.mark.parametrize("differing", [1, 9, 10])
def test_few_differing_rows_are_no_verdict(differing: int) -> None:
    found = difference(ACCURACY, answering(list(range(30))), answering(list(range(differing, 30))))
    assert (found.value, found.differing) == (pytest.approx(differing / 40), differing)
    assert (found.ci95 is None) is (differing < 10)
    if differing < 10:
        assert "one takes 10" in found.why


def test_the_score_interval_is_where_the_test_is_at_its_level() -> None:
    low, high = score_interval(40, 0, 0)  # closed: z² / (n + z²)
    assert high == pytest.approx(Z**2 / (40 + Z**2)) == -low
    low, high = score_interval(100, 20, 8)
    assert score_interval(100, 8, 20) == pytest.approx((-high, -low))
    assert 0 < low < 0.12 < high
    assert score_interval(7, 7, 0)[1] == 1.0


def test_the_score_interval_covers_at_40() -> None:
    rng, shares = np.random.default_rng(1), (0.15, 0.1, 0.75)
    drawn = rng.multinomial(40, shares, 2000)
    inside = [low <= 0.05 <= high for low, high in (score_interval(40, b, c) for b, c, _ in drawn)]
    assert 0.93 <= np.mean(inside) <= 0.97


def test_the_interval_of_a_loss_covers_at_200() -> None:
    """.94 was measured at this size; 120 repeats tell it to +-.06."""
    rng = np.random.default_rng(2)
    large = two_models(np.random.default_rng(3), 300_000)
    true = large[0].value(LOSS) - large[1].value(LOSS)
    ends = [difference(LOSS, *two_models(rng, 200)).ci95 for _ in range(120)]
    assert np.mean([low <= true <= high for low, high in ends]) >= 0.88


def test_paired_intervals_are_sharper_than_two_side_by_side() -> None:
    first, second = two_models(np.random.default_rng(4), 200)
    low, high = difference(AUC, first, second).ci95
    assert low < first.value(AUC) - second.value(AUC) < high
    widths = [np.diff(score(AUC, one).ci95)[0] for one in (first, second)]
    assert high - low < 0.6 * np.hypot(*widths)


def test_weights_are_carried_along() -> None:
    first, second = two_models(np.random.default_rng(5), 200)
    weights = np.random.default_rng(6).integers(0, 4, 200).astype(float)
    kept = np.flatnonzero(weights)
    weighed = [of_scores(m.outputs[:, 1], m.targets, weights) for m in (first, second)]
    alone = [of_scores(m.outputs[kept, 1], m.targets[kept], weights[kept]) for m in (first, second)]
    for metric in (ACCURACY, AUC, LOSS):
        found = difference(metric, *weighed)
        assert found == difference(metric, *alone)
        assert found.value == pytest.approx(weighed[0].value(metric) - weighed[1].value(metric))
        assert found.ci95[0] < found.value < found.ci95[1]


def test_a_class_of_few_examples_is_no_verdict() -> None:
    targets = (np.arange(60) < 9).astype(np.intp)
    rng = np.random.default_rng(7)
    first, second = (of_scores(rng.normal(size=60), targets) for _ in range(2))
    assert "fewer than 10" in difference(AUC, first, second).why
    assert difference(LOSS, first, second).ci95 is not None


def test_other_examples_are_refused() -> None:
    one, other = two_models(np.random.default_rng(8), 40)
    moved = of_scores(other.outputs[:, 1], 1 - other.targets)
    with pytest.raises(ValueError, match="the same examples"):
        difference(ACCURACY, one, moved)
