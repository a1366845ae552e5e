"""Replicates of one trial: kept beside their mean, and each a training of its parameters."""

from __future__ import annotations

from statistics import fmean

from support.bench import OWNER
from support.outside import SMALL, Outside, trial_of, truth

from hpsearch.service import replay
from hpsearch.trials import TrialState


class Seeded(Outside):
    """Trainers who train each trial with three seeds; `told` says whether they report all three."""

    def __init__(self, services, *, told=True, spread=0.2):
        super().__init__(services, truth)
        self.told, self.spread = told, spread

    def report(self, order, epoch, **said):
        score = self.truth(order.params, epoch, order.seed)
        if not said and score is not None:
            away = [self.spread * (order.seed % 7 - 3) / 3, 0.0, self.spread * (order.seed % 5) / 5]
            several = [score + one for one in away]
            said = {"score": fmean(several), **({"replicates": several} if self.told else {})}
        return super().report(order, epoch, **said)


def test_the_replicates_of_the_last_score_are_kept(outside, begun):
    order = outside.claim(begun)
    outside.report(order, 1, score=0.5, replicates=[0.25, 0.75])
    known = trial_of(outside, order)
    assert (known.score, known.replicates) == (0.5, [0.25, 0.75])
    outside.report(order, 1, score=0.5, replicates=[0.25, 0.75])  # again
    outside.report(order, 2, score=0.6)
    assert trial_of(outside, order).replicates is None
    outside.report(order, 4, score=0.7, replicates=[0.6, 0.7, 0.8])
    assert trial_of(outside, order).replicates == [0.6, 0.7, 0.8]


def test_they_go_with_an_attempt_that_is_returned_and_with_one_that_diverges(outside, begun):
    order = outside.claim(begun)
    outside.report(order, 1, score=0.5, replicates=[0.25, 0.75])
    outside.report(order, 1, returned=True)
    assert trial_of(outside, order).replicates is None
    again = outside.claim(begun)
    outside.report(again, 1, score=0.5, replicates=[0.25, 0.75])
    outside.report(again, 2, state=TrialState.DIVERGED)
    others = [outside.claim(begun) for _ in range(3)]
    for other in others:
        outside.report(other, 1, state=TrialState.FAILED)
    assert trial_of(outside, order).replicates is None


def test_of_a_trial_that_is_cut_back_to_a_rung_no_later_ones_stay(outside, begun):
    early = outside.claim(begun)
    for epoch in (1, 2):
        verdict = outside.report(
            early, epoch, score=-9.0 - epoch, replicates=[-9.0, -9 - 2 * epoch]
        )
    assert not verdict.stop  # nobody else has a score yet
    for other in [outside.claim(begun) for _ in range(3)]:
        for epoch in (1, 2, 4):
            if outside.report(other, epoch, score=float(other.trial[-1])).stop:
                break
    outside.report(early, 4, score=-13.0)
    cut = trial_of(outside, early)
    assert (cut.state, cut.epochs, cut.score, cut.replicates) == ("stopped", 1, -10.0, None)


def test_scores_of_a_search_that_minimises_come_out_as_they_went_in(outside):
    search_id = outside.submit(**SMALL, direction="minimize")
    outside.services.jobs.advance_due()
    order = outside.claim(search_id)
    outside.report(order, 1, score=0.5, replicates=[0.25, 0.75])
    assert (trial_of(outside, order).score, trial_of(outside, order).replicates) == (
        0.5,
        [0.25, 0.75],
    )


def test_a_search_learns_its_noise_from_them(outside):
    """Of the same means: with single scores as exact as formulas are, and with their spread."""
    space = {"alpha": {"low": 1e-4, "high": 0.5, "scale": "log"}}
    fields = {**SMALL, "space": {**space, "depth": {"low": 1, "high": 12, "integer": True},
              "kernel": {"choices": ["flat", "round"]}}, "trials_per_round": 8,
              "epochs": {"first": 1, "last": 1}}  # fmt: skip
    noise, digests = [], []
    for told in (True, False):
        played = Seeded(outside.services, told=told)
        search_id = played.submit(**fields)
        status = played.train(search_id)
        assert status.state == "completed", status.reason
        assert replay.decisions(outside.services, search_id).differences == []
        result = outside.services.searches.result(search_id, owner=OWNER)
        noise.append(result.noise_sd)
        digests.append(result.digest)
        assert result.recommended.trainings == (3 if told else 1)
    assert digests[0] != digests[1]
    assert noise[0] > 0.05 > noise[1], noise
