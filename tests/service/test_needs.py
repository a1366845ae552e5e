"""Whole searches with requirements, and the cheapest of what cannot be told from the best."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.alone import alone
from support.bench import OWNER
from support.outside import Outside

from hpsearch.errors import InvalidSpec
from hpsearch.report.views import ResultView
from hpsearch.service import Services, replay
from hpsearch.wiring import build

SPEC: dict[str, Any] = {
    "dataset": "wine",
    "model": {"learning_rate": 0.1, "batch_size": 8},
    "space": {
        "hidden_units": {"low": 2, "high": 128, "scale": "log"},
        "weight_decay": {"low": 1e-7, "high": 1e-2, "scale": "log"},
    },
    "rounds": 4,
    "trials_per_round": 8,
    "epochs": {"first": 1, "last": 4},
    "stop_early": False,
    "final": {"epochs": 4, "models": 2},
    "baseline": {"weight_decay": 1e-4, "hidden_units": 100},
    "require": [
        {"metric": "parameters", "at_most": 300},
        {"metric": "macro_f1", "at_least": 0.6},
        {"metric": "accuracy", "at_least": 0.5},
    ],
    "cheapest": "parameters",
}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite is the other one
def test_one_digest_however_the_jobs_are_cut(
    configured: Callable[..., Any], database_url: str, sqlite_url: str
) -> None:
    digests, results, statements = [], [], set()
    for url, size in ((database_url, 2), (sqlite_url, 64)):
        with build(configured(database_url=url, job_size=size)) as services:
            status, _ = services.searches.submit(SPEC, owner=OWNER)
            digests.append(alone(services, status.id))
            results.append(services.searches.result(status.id, owner=OWNER))
            statement = services.searches.statement(status.id, owner=OWNER)
            statements.add(statement.paragraph)
            if size == 64:
                assert replay.again(services, status.id).differences == []
                assert replay.decisions(services, status.id).differences == []
                _small(services, status.id)
    assert digests[0] is not None
    assert len(set(digests)) == 1
    assert (
        len({result.model_dump_json(include={"requirements", "cheapest"}) for result in results})
        == 1
    )
    assert len(statements) == 1
    assert "It was chosen to keep parameters at most 300, macro f1 at least" in statements.pop()
    _kept(results[0])


def _small(services: Services, search_id: str) -> None:
    """No network beyond the requirement is trained, but for the baseline's."""
    page = services.searches.trials(search_id, owner=OWNER, limit=200)
    units = {t.params["hidden_units"] for t in page.items}
    assert max(units - {100}) <= 17  # 17 for each of the units, and 3 more
    searched = [t for t in page.items if t.role is None]
    assert all(set(t.metrics or {}) == {"macro_f1"} for t in searched)
    assert not any(t.metrics for t in page.items if t.role is not None)


def _kept(result: ResultView) -> None:
    units = result.ranges["hidden_units"]
    assert (units.asked.low, units.asked.high) == (2, 128)  # as asked, though cut at 17
    assert units.high is not None
    assert units.high <= 17
    size, f1, accuracy = result.requirements
    assert (size.known, size.met, size.probability) == (True, True, 1.0)
    assert size.value == 17 * int(result.recommended.params["hidden_units"]) + 3  # type: ignore[arg-type]
    assert (f1.known, f1.met) == (False, True)
    assert result.test.metrics is not None
    assert f1.value == result.test.metrics["macro_f1"].value
    assert accuracy.value == result.test.accuracy
    assert accuracy.probability is not None
    assert accuracy.chosen_by == pytest.approx(result.recommended.validation_accuracy)
    assert result.cheapest is not None
    assert result.cheapest.cost == size.value
    costs = [point.cost for point in result.cheapest.curve]
    assert costs == sorted(costs)
    assert max(costs) <= 300
    assert result.baseline is not None
    assert result.baseline.outside == ["hidden_units"]
    assert result.gain is not None


def test_a_requirement_that_nothing_meets_is_said_and_edits_know_what_is_measured(
    configured: Callable[..., Any], sqlite_url: str
) -> None:
    spec = {name: value for name, value in SPEC.items() if name not in ("cheapest", "baseline")}
    spec |= {"require": [{"metric": "log_loss", "at_most": 1e-9}], "rounds": 2}
    with build(configured(database_url=sqlite_url)) as services:
        status, _ = services.searches.submit(spec, owner=OWNER)
        asked = {"require": [{"metric": "brier", "at_most": 0.1}]}
        with pytest.raises(InvalidSpec) as refused:
            services.searches.edit(status.id, asked, owner=OWNER)
        assert [m.path for m in refused.value.mistakes] == ["require[0].metric"]
        assert "continue it with a new search" in refused.value.mistakes[0].message
        more = [
            {"metric": "log_loss", "at_most": 1e-6},
            {"metric": "parameters", "at_most": 200},
        ]
        edit = {"require": more, "cheapest": "parameters"}
        services.searches.edit(status.id, edit, owner=OWNER)
        assert alone(services, status.id)
        assert replay.decisions(services, status.id).differences == []
        assert replay.again(services, status.id).differences == []
        result = services.searches.result(status.id, owner=OWNER)
        again = services.searches.spec(status.id, owner=OWNER)
        page = services.searches.trials(status.id, owner=OWNER, limit=200)
    assert max(t.params["hidden_units"] for t in page.items) <= 11
    assert again["require"] == more
    assert [one.met for one in result.requirements] == [False, True]
    assert any("does not keep log loss at most 1e-06" in line for line in result.health)


def test_trainers_elsewhere_report_what_is_required(services: Services) -> None:
    """The latency rises with the depth, and so does the score up to 6."""
    outside = Outside(services)
    bound = [{"metric": "latency", "at_most": 40}]
    search_id = outside.submit(require=bound, cheapest="cost", trials_per_round=8)
    services.jobs.advance_due()
    while outside.status(search_id).finished_at is None:
        order = outside.claim(search_id)
        if order is None:
            services.jobs.advance_due()
            continue
        depth = int(order.params["depth"])  # type: ignore[arg-type]
        for epoch in range(1, order.epochs + 1):
            score = outside.truth(order.params, epoch, order.seed)
            more = {"metrics": {"latency": 10.0 * depth}, "cost": float(depth * epoch)}
            told = {"state": "diverged"} if score is None else {"score": score, **more}
            if outside.report(order, epoch, **told).stop:
                break
    result = services.searches.result(search_id, owner=OWNER)
    assert replay.decisions(services, search_id).differences == []
    (found,) = result.requirements
    assert found.met
    assert found.value == 10.0 * int(result.recommended.params["depth"]) <= 40  # type: ignore[arg-type]
    assert found.probability is None
    assert "reported the same" in (found.note or "") or "one training" in (found.note or "")
    assert result.cheapest is not None
    assert result.cheapest.cost == 4 * int(result.recommended.params["depth"])  # type: ignore[arg-type]
    trials = services.searches.trials(search_id, owner=OWNER, limit=200).items
    assert max(int(t.params["depth"]) for t in trials) > 4  # type: ignore[arg-type]  # others were tried
