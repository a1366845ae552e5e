"""Metrics and costs in reports of trials, and budgets of costs."""

from __future__ import annotations

import pytest
from support.bench import OWNER
from support.outside import SMALL, Outside, trial_of, truth

from hpsearch.errors import InvalidReport, InvalidSpec
from hpsearch.service import replay
from hpsearch.trials import TrialState


class Costly(Outside):
    """Trainers who report what each epoch costs, and how long it took."""

    def __init__(self, services, each=1.0):
        super().__init__(services, truth)
        self.each = each

    def report(self, order, epoch, **said):
        if not said:
            score = self.truth(order.params, epoch, order.seed)
            said = {"score": score} if score is not None else {"state": TrialState.DIVERGED}
            said |= {"cost": self.each * epoch, "metrics": {"seconds": epoch / 8}}
        return super().report(order, epoch, **said)


def test_the_last_metrics_and_the_whole_cost_are_kept(outside, begun):
    order = outside.claim(begun)
    outside.report(order, 1, score=0.5, metrics={"auc": 0.7, "size": 12}, cost=0.5)
    outside.report(order, 2, score=0.6, cost=1.25)
    assert (trial_of(outside, order).metrics, trial_of(outside, order).cost) == (
        {"auc": 0.7, "size": 12.0}, 1.25,
    )  # fmt: skip
    outside.report(order, 1, score=0.5, metrics={"auc": 0.1}, cost=0.1)  # an old one again
    outside.report(order, 4, score=0.7, metrics={"auc": 0.9})
    assert (trial_of(outside, order).metrics, trial_of(outside, order).cost) == ({"auc": 0.9}, 1.25)
    status = outside.status(begun)
    assert (status.cost.spent, status.cost.final, status.cost.budget) == (1.25, None, None)
    assert outside.services.searches.rounds(begun, owner=OWNER).items[0].cost == 1.25


def test_a_cost_that_falls_is_refused_with_its_path(outside, begun):
    order = outside.claim(begun)
    outside.report(order, 1, score=0.5, cost=2.0)
    before = trial_of(outside, order)
    with pytest.raises(InvalidReport) as refused:
        outside.report(order, 2, score=0.6, cost=1.9999999, metrics={"auc": 1.0})
    (mistake,) = refused.value.mistakes
    assert (mistake.path, "1.9999999 is less than the 2 " in mistake.message) == ("cost", True)
    assert trial_of(outside, order) == before


def test_attempts_that_were_returned_have_been_paid_for(outside, begun):
    order = outside.claim(begun)
    said = {"metrics": {"auc": 0.7}, "note": "first", "link": "https://example.org/1"}
    outside.report(order, 1, score=0.5, cost=2.0, **said)
    known = trial_of(outside, order)
    assert (known.note, known.link) == ("first", "https://example.org/1")
    outside.report(order, 2, score=0.5, note="second")  # what a report leaves out stays
    known = trial_of(outside, order)
    assert (known.note, known.link) == ("second", "https://example.org/1")
    outside.report(order, 1, returned=True, cost=2.5)
    known = trial_of(outside, order)
    assert (known.metrics, known.cost, known.note, known.link) == (None, 2.5, None, None)
    again = outside.claim(begun)
    assert again.trial == order.trial
    outside.report(again, 1, score=0.5, cost=1.0)
    assert trial_of(outside, order).cost == 3.5
    outside.report(again, 1, state=TrialState.FAILED, cost=1.5)
    assert (trial_of(outside, order).cost, outside.status(begun).cost.spent) == (4.0, 4.0)


def test_rounds_end_when_their_budget_is_spent(outside):
    played = Costly(outside.services)
    space = {"alpha": {"low": 1e-4, "high": 1.0, "scale": "log"},
             "depth": {"low": 1, "high": 12, "integer": True},
             "kernel": {"choices": ["flat", "round"]}}  # fmt: skip
    spec = {"objective": "external", "space": space, "budget": {"cost": 150}, "stop_early": False,
            "trials_per_round": 8, "epochs": {"first": 1, "last": 4}, "final": {"models": 2}}  # fmt: skip
    search_id = played.services.searches.submit(spec, owner=OWNER)[0].id
    status = played.train(search_id)
    assert status.state == "completed", status.reason
    assert "150 that it may cost are spent" in status.reason
    assert 100 < status.cost.spent <= 150
    assert status.cost.final == 8.0
    assert status.rounds.completed < status.rounds.planned
    assert replay.decisions(outside.services, search_id).differences == []
    assert outside.services.searches.result(search_id, owner=OWNER).digest is not None
    assert "max_cost" in outside.services.searches.spec(search_id, owner=OWNER)


def test_a_budget_of_costs_can_be_raised_alone(outside):
    search_id = outside.submit(**SMALL, max_cost=100.0)
    edit = outside.services.searches.edit
    with pytest.raises(InvalidSpec, match="can be raised alone; it is 100 now"):
        edit(search_id, {"budget": {"cost": 99}}, owner=OWNER)
    with pytest.raises(InvalidSpec, match="has no budget of seconds"):
        edit(search_id, {"budget": {"seconds": 99}}, owner=OWNER)
    assert edit(search_id, {"budget": {"cost": 101.5}}, owner=OWNER).cost.budget == 101.5


def test_without_costs_the_rounds_end_it_and_health_says_so(outside):
    search_id = outside.submit(**SMALL, max_cost=1.0)
    status = outside.train(search_id)
    assert (status.state, status.rounds.completed) == ("completed", SMALL["rounds"])
    notes = outside.services.searches.health(search_id, owner=OWNER).notes
    note = next(note for note in notes if note.code == "unreported_costs")
    assert (note.severity, note.numbers["budget"]) == ("warning", 1.0)


def test_costs_next_to_nothing_pay_for_everything(outside):
    played = Costly(outside.services, each=1e-300)
    search_id = played.submit(**SMALL, max_cost=1e15)
    outside.services.jobs.advance_due()
    assert played.turn(search_id) == "running"
    assert outside.status(search_id).rounds.completed == 1
