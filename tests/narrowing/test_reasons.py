"""Reasons: facts that go to JSON and back, are compared, and are put into words last."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import pytest
from support.builders import resolve, search

from hpsearch import reasons
from hpsearch.evidence import Evidence
from hpsearch.narrowing import RULES
from hpsearch.reasons import (
    REASONS,
    EdgeState,
    NewEdge,
    Reason,
    ReasonKind,
    Side,
    Span,
    StoredReason,
    course,
    rules,
    words,
)
from hpsearch.report.preview import view_of
from hpsearch.trials import Decision, Verdict

SPAN = Span(1e-3, 0.1, integer=False)
MOVED = NewEdge(Side.HIGH, 0.5)
RIDGE = (rules.Correlation("momentum", -0.7), rules.Correlation("dropout", 0.8))
SIDES = (
    rules.OpenSide(rules.BestLiesOut(0.9), NewEdge(Side.LOW, 1e-4)),
    rules.OpenSide(rules.GoodBeyond(0.1), NewEdge(Side.HIGH, 0.1, EdgeState.LIMIT)),
)
CHANCES = (rules.CategoryChance((64, 32), 0.01, 9), rules.CategoryChance(True, 0.3, 4))
ALL = [
    rules.AllDiverged("dropout", 8),
    rules.Retreat(8, 1e-3, SPAN),
    rules.Retreat(8, 1e-3, None),
    rules.RangesAlone(),
    rules.NothingFinite(),
    *(rules.WindowMoved(move, Span(2, 8, integer=True), 0.5, 3.0) for move in rules.Move),
    rules.TooFewRanked(3, 9, 4),
    rules.SpreadAlike(8, 32, 0.5),
    rules.TopFillsRange(SPAN, 8, 32, filled=True, p=0.01),
    rules.TopBetween(0.4, SPAN, 8, 32, 0.01),
    *(rules.TopLeans(8, 0.9, 0.1, NewEdge(Side.LOW, 0.1, state)) for state in EdgeState),
    rules.TopHasAll(),
    rules.TopAvoids((rules.AvoidedCategory("relu", 9, 8, 0.01),)),
    rules.ByRanks(rules.SpreadAlike(8, 32, 0.5)),
    rules.OnlyStable(SPAN, 5),
    rules.TooFewModelled(5, 8),
    rules.BelowNoise(SPAN, 0.001, 0.01, 0.95),
    rules.Unsupported("dropout", -3.0, back=True, to=SPAN),
    rules.Open(SIDES, RIDGE),
    rules.Open(SIDES[:1], ()),
    rules.AllMayBeBest(SPAN, 0.1, 0.01, RIDGE),
    rules.PartMayBeBest(0.4, SPAN, 0.1, 0.01, boundary=True, moves_with=()),
    rules.NothingLearned(0.1, 0.01, 0.4),
    rules.LossLeads(True, 0.2, 32, 0.001, MOVED),
    rules.OneCategoryLeft(16),
    rules.AnyMayBeBest(CHANCES, 4),
    rules.UnlikelyBest(CHANCES[:1]),
    rules.MayBeBestAgain(CHANCES[1:]),
    course.RoundsDone(4),
    course.BudgetSpent(300),
    course.CostSpent(90.0, 100.0, 12.5),
    course.TimeSpent(48.0, 100.0, 60.0),
    course.GainSpent(1e-4, 0.1, 0.01, 3, 8),
    course.NothingToRepeat(2, 3),
    course.FinalistsRepeated(None),
    course.FinalistsRepeated(course.BudgetSpent(300)),
    course.NothingTrained(32, 1),
    course.EverythingDiverged(32, external=False),
    course.EverythingForbidden(32),
]


def stored(reason: Reason):
    return json.loads(json.dumps(reasons.to_json(reason)))


def test_every_kind_is_among_the_examples():
    assert {type(reason) for reason in ALL} == {kind.facts for kind in REASONS.values()}


@pytest.mark.parametrize("reason", ALL, ids=lambda r: type(r).__name__)
def test_facts_come_back_from_the_store(reason):
    again = reasons.from_json(stored(reason), "as it was said then")
    assert again == reason
    assert reasons.agrees(again, reason)
    assert words(again) == words(reason) != ""


def test_a_sentence_without_facts_is_shown_as_it_was_stored():
    old = reasons.from_json(None, "all is well")
    assert old == StoredReason("all is well")
    assert words(old) == reasons.sentence(None, "all is well") == "all is well"
    assert reasons.to_json(old) is None


@pytest.mark.parametrize(
    "facts",
    [
        {"kind": "of a rule that is not here", "x": 1},
        {"kind": "by_ranks", "reason": {"kind": "of another build"}},
        {"kind": "rounds_done", "laps": 3},
        {"kind": "rounds_done", "rounds": "many"},
    ],
)
def test_facts_that_this_build_does_not_know_leave_the_sentence(facts):
    assert reasons.sentence(facts, "as it was said then") == "as it was said then"


def test_reasons_are_compared_by_their_facts():
    assert not reasons.agrees(course.RoundsDone(4), course.RoundsDone(5))
    assert not reasons.agrees(course.RoundsDone(4), None)
    assert not reasons.agrees(None, course.RoundsDone(4))
    assert reasons.agrees(None, None)
    assert reasons.agrees(StoredReason("all 4 rounds are done"), course.RoundsDone(5))
    assert not reasons.agrees(StoredReason("all 4 rounds are done"), None)


def test_an_edge_is_cut_however_deep_it_lies():
    edges = {Side.LOW: 5e-4, Side.HIGH: 0.05}
    cut = rules.ByRanks(rules.Open(SIDES, RIDGE)).clamped(edges)
    assert isinstance(cut, rules.ByRanks)
    low, high = cut.reason.sides
    assert low.new == NewEdge(Side.LOW, 5e-4, EdgeState.UNTRIED)
    assert high == SIDES[1]  # it had not moved
    assert "no round has looked beyond 0.0005, where the answer ends" in words(cut)
    assert course.RoundsDone(4).clamped(edges) == course.RoundsDone(4)
    up = rules.LossLeads(False, 0.2, 32, 0.001, MOVED)
    assert up.clamped({Side.LOW: 5e-4}) == up


@dataclass(frozen=True, slots=True)
class Hunch(Reason):
    """A reason that a plug-in brings along."""

    of: str
    odds: tuple[float, ...]


def test_a_plug_in_brings_its_reason_and_its_words():
    hunch = Hunch("mine", (0.5, 0.25))
    with pytest.raises(LookupError, match="Hunch is not registered"):
        words(hunch)
    with REASONS.registered("hunch", ReasonKind(Hunch, lambda r: f"a hunch of {r.of}")):
        facts = stored(hunch)
        assert facts == {"kind": "hunch", "of": "mine", "odds": [0.5, 0.25]}
        assert reasons.from_json(facts, "") == hunch
        assert words(rules.ByRanks(hunch)).startswith("a hunch of mine (by ranks")
    assert reasons.sentence(facts, "a hunch") == "a hunch"


class TestEvidence:
    def test_an_older_build_stored_the_sentence_alone(self):
        old = Evidence.from_json({"frontier": None, "explored": "the budget is spent"})
        assert old.explored == StoredReason("the budget is spent")
        assert old.agrees(Evidence(explored=course.RoundsDone(4)))
        assert not old.agrees(Evidence())
        assert not old.agrees(Evidence(explored=course.RoundsDone(4), seconds=3.0))

    def test_the_usual_end_of_an_older_build_is_known(self):
        """What is said of the repeats depends on it (`coordinator._again` and `_ended`)."""
        old = Evidence.from_json({"frontier": None, "explored": "all 4 rounds are done"})
        assert old.explored == course.RoundsDone(4)

    def test_facts_are_stored_beside_the_sentence(self):
        made = Evidence(explored=course.RoundsDone(4)).to_json()
        assert made == {
            "frontier": None,
            "explored": "all 4 rounds are done",
            "explored_facts": {"kind": "rounds_done", "rounds": 4},
        }
        made["explored"] = "in other words"
        assert Evidence.from_json(made).agrees(Evidence(explored=course.RoundsDone(4)))
        assert not Evidence.from_json(made).agrees(Evidence(explored=course.RoundsDone(5)))


def middle(space, box, observations, model):
    """Keep the middle half of every range, whatever was observed."""
    return [
        Decision(name, now, now.part(0.25, 0.75), Verdict.NARROWED, Hunch(name, (0.25, 0.75)))
        for name, now in box.items()
    ]


def test_a_rule_of_a_plug_in_decides_a_search():
    asked = resolve(rounds=3, trials_per_round=8, stop_early=False)
    resolved = replace(asked, spec=asked.spec.model_copy(update={"narrowing": "middle"}))
    kind = ReasonKind(Hunch, lambda r: f"{r.of} is narrowed on a hunch")
    with RULES.registered("middle", middle), REASONS.registered("hunch", kind):
        rounds, _, final = search(resolved, lambda *_: 0.8, noise=0.01)
        view = view_of(final, resolved, begun=3, open_trials=0)
    assert [r.box["learning_rate"].width for r in rounds] == pytest.approx([5, 2.5, 1.25], rel=1e-4)
    assert view.decisions["learning_rate"].reason == "learning_rate is narrowed on a hunch"
