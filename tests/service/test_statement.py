"""The statement of whole searches: the same bytes everywhere, and every item answered."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console
from rich.markdown import Markdown
from support.alone import alone
from support.bench import OWNER
from support.outside import SMALL, Outside, truth

from hpsearch.digits import by_interval
from hpsearch.directions import turned
from hpsearch.errors import Conflict
from hpsearch.report.statement import MEDIA_TYPES, about_data, render
from hpsearch.report.statement.checklists import all_items
from hpsearch.report.views import OrderView, StatementView, VerdictView
from hpsearch.service import Services, replay
from hpsearch.store.tables import round_
from hpsearch.trials import TrialState
from hpsearch.wiring import build

SPEC: dict[str, Any] = {
    "dataset": "digits",
    "model": {"hidden_sizes": [16]},
    "space": {
        "learning_rate": {"low": 1e-3, "high": 0.3, "scale": "log"},
        "activation": {"choices": ["relu", "tanh"]},
    },
    "rounds": 4,
    "trials_per_round": 8,
    "epochs": {"first": 1, "last": 4},
    "stop_early": False,
    "final": {"epochs": 4, "models": 3},
    "baseline": {"learning_rate": 1e-3, "activation": "relu"},
}
CLOCK = re.compile(r"\d\d:\d\d|\d{4}-\d\d-\d\d")


def of(services: Services, search_id: str) -> dict[str, str]:
    """The statement in all of its forms."""
    view = services.searches.statement(search_id, owner=OWNER)
    return {form: render(view, form) for form in MEDIA_TYPES}


def test_the_same_bytes_however_the_jobs_are_cut(
    configured: Callable[..., Any], postgres_url: str, sqlite_url: str
) -> None:
    made = []
    for url, size in ((postgres_url, 1), (sqlite_url, 64)):
        with build(configured(database_url=url, job_size=size)) as services:
            status, _ = services.searches.submit({**SPEC, "name": f"size {size}"}, owner=OWNER)
            alone(services, status.id)
            made.append(of(services, status.id))
            assert made[-1] == of(services, status.id)
            assert status.id not in str(made[-1])
            if size == 64:
                decided = replay.decisions(services, status.id)
                again = replay.again(services, status.id)
                assert (decided.differences, again.differences) == ([], [])
                assert again.statement == decided.statement is not None
                assert made[-1] == of(services, status.id)  # though the test part was opened again
                view = services.searches.statement(status.id, owner=OWNER)
                result = services.searches.result(status.id, owner=OWNER)
                _changed(services, status.id)
    assert made[0] == made[1]
    _complete(view)
    for text in made[0].values():
        assert not CLOCK.search(text)
    assert result.digest is not None
    assert result.digest in made[0]["text"]
    answers = {a.key: a.answer or "" for a in view.answers}
    assert "32 trials in 4 rounds" in answers["trials"]
    assert "activation relu, learning_rate 0.001" in answers["gain"]
    assert re.search(r"Gain in accuracy: 0\.\d+ \(95 % interval", answers["gain"])
    assert "Seed 0." in answers["seeds"]
    assert "Source: UCI" in answers["data"]
    assert re.search(r"was 0\.\d+ (higher|lower) on validation", answers["validated"])


def _changed(services: Services, search_id: str) -> None:
    """A count that no other comparison of a replay reads is compared by the statement."""
    more = round_.update().where(round_.c.search_id == search_id, round_.c.number == 2)
    services.store.write(lambda tx: tx.trials.connection.execute(more.values(planned=9)))
    differences = replay.decisions(services, search_id).differences
    assert any("33 trials in 4 rounds" in d and "32 trials" in d for d in differences)


def _complete(view: StatementView) -> None:
    """Every item of every checklist has an answer, or the reason why it has none."""
    answered = {(i.checklist, i.item) for a in view.answers for i in a.items}
    assert answered == set(all_items())
    assert {c.key for c in view.checklists} == {checklist for checklist, _ in all_items()}
    for a in view.answers:
        assert (a.answer is None) != (a.not_known is None)
        assert len(a.answer or a.not_known or "") > 20
    text = render(view, "text")
    for a in view.answers:
        assert f"\n{a.subject}" in text
        if a.not_known is not None:
            assert "not known: " in text


def test_a_search_that_has_not_completed_has_none(services: Services) -> None:
    status, _ = services.searches.submit(SPEC, owner=OWNER)
    with pytest.raises(Conflict, match="no statement yet: ask again when it has completed"):
        services.searches.statement(status.id, owner=OWNER)
    services.searches.cancel(status.id, owner=OWNER)
    with pytest.raises(Conflict, match="no statement: continue it or submit its spec again"):
        services.searches.statement(status.id, owner=OWNER)


class Priced(Outside):
    """Trainers whose epochs cost 2.5 each, and whose scores are errors."""

    def report(self, order: OrderView, epoch: int, **said: Any) -> VerdictView:
        score = turned(truth(order.params, epoch, order.seed), -1)
        end = {"score": score} if score is not None else {"state": TrialState.DIVERGED}
        return super().report(order, epoch, cost=2.5 * epoch, **end)


def test_a_search_of_trainers_elsewhere_says_what_nobody_here_knows(services: Services) -> None:
    outside = Priced(services)
    search_id = outside.submit(**SMALL, direction="minimize", max_cost=1e6)
    outside.train(search_id)
    view = services.searches.statement(search_id, owner=OWNER)
    _complete(view)
    unknown = {a.key for a in view.answers if a.not_known is not None}
    assert unknown >= {
        "data",
        "validation",
        "fixed",
        "parameters",
        "preprocessing",
        "runtime",
        "gain",
    }
    answers = {a.key: a.answer or "" for a in view.answers}
    status = outside.status(search_id)
    assert status.cost is not None
    assert f"{status.cost.spent:.6g} reported of a budget of 1e+06" in answers["budget"]
    assert "lower is better" in answers["criterion"]
    result = services.searches.result(search_id, owner=OWNER)
    assert result.recommended.score is not None
    assert result.recommended.score > 0
    assert (
        f": {by_interval(result.recommended.score, result.recommended.sd)}" in answers["validated"]
    )
    assert "the service has the score alone" in answers["interval"]
    again = replay.decisions(services, search_id)
    assert (again.differences, again.statement is not None) == ([], True)


def test_names_mark_nothing_up_and_steer_nothing(services: Services) -> None:
    outside = Outside(services, lambda params, epoch, seed: 1 / epoch)
    space = {"kind": {"choices": ["a|b", "*c*", "<d>"]}, "x": {"low": 0.0, "high": 1.0}}
    search_id = outside.submit(**SMALL, space=space)
    outside.train(search_id)
    view = services.searches.statement(search_id, owner=OWNER)
    console = Console(width=400, file=io.StringIO())
    console.print(Markdown(render(view, "markdown")))
    shown = console.file.getvalue()  # type: ignore[attr-defined]  # of the string
    rows = [line for line in shown.splitlines() if line.split()[:1] == ["kind"]]
    assert [row.count("a|b, *c*, <d>") for row in rows] == [2]
    assert "kind: choices a|b, *c*, <d>; at the end a|b, *c*, <d>" in shown


@pytest.mark.parametrize(
    ("value", "width", "shown"),
    [(0.98885, 0.024, "0.989"), (0.98885, 0.0024, "0.9889"), (1234.5, 300.0, "1230"),
     (1234.5, 0.0, "1234"), (-0.0001, 0.5, "0.00"), (0.5, 0.1, "0.50"), (2.0, float("inf"), "2")],
)  # fmt: skip
def test_a_number_has_the_digits_of_its_interval(value: float, width: float, shown: str) -> None:
    assert by_interval(value, width) == shown


@pytest.mark.parametrize(("alone", "end"), [(0, "."), (2, "; 2 rows had none.")])
def test_rows_without_a_group_are_told_where_there_are_some(alone: int, end: str) -> None:
    lines = about_data.facts_of_rows({"groups": "person", "group_counts": [8, 2, alone]})
    assert lines == [f"Groups by person: 8 in the training part, 2 in the test part{end}"]


def test_rows_that_are_grouped_ordered_and_weighed_are_told() -> None:
    info = {
        "groups": "person", "group_counts": [8, 2, 1], "time": "day",
        "times": ["2020-01-01", "2020-03-01", "2020-03-02", "2020-04-01"],
        "weight": "w", "weights": [300, 1200.0, 120.4, 80, 300.0, 33.6],
    }  # fmt: skip
    assert about_data.facts_of_rows(info) == [
        "Groups by person: 8 in the training part, 2 in the test part; 1 row had none.",
        "Time by day: the test part is 2020-03-02 to 2020-04-01.",
        "Weights by w: the rows come to 120 of equal weight in the training part and 34 in the test part.",
    ]
