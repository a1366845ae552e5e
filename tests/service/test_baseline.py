"""Whole searches with a baseline and settings that are tried first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.alone import alone
from support.bench import OWNER

from hpsearch.errors import InvalidSpec
from hpsearch.exchange import studies
from hpsearch.exchange.search import Search
from hpsearch.figures import search as figures
from hpsearch.report.views import ResultView
from hpsearch.service import Services, replay
from hpsearch.wiring import build

RATE = {"low": 1e-3, "high": 0.3, "scale": "log"}
SPEC: dict[str, Any] = {
    "dataset": "digits",
    "model": {"hidden_sizes": [16]},
    "space": {"learning_rate": RATE, "weight_decay": {"low": 1e-7, "high": 1e-2, "scale": "log"}},
    "rounds": 4,
    "trials_per_round": 8,
    "epochs": {"first": 1, "last": 4},
    "stop_early": False,
    "final": {"epochs": 4, "models": 2},
    "baseline": {"learning_rate": 1e-4},
    "try_first": [{"learning_rate": 0.1, "weight_decay": 1e-4}],
}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite is the other one
def test_one_digest_however_the_jobs_are_cut(
    configured: Callable[..., Any], database_url: str, sqlite_url: str
) -> None:
    digests, results = [], []
    for url, size in ((database_url, 2), (sqlite_url, 1), (sqlite_url, 64)):
        with build(configured(database_url=url, job_size=size)) as services:
            status, _ = services.searches.submit(SPEC, owner=OWNER)
            digests.append(alone(services, status.id))
            results.append(services.searches.result(status.id, owner=OWNER))
            if size == 64:
                assert replay.again(services, status.id).differences == []
                assert replay.decisions(services, status.id).differences == []
                _outside(services, status.id)
                sample = figures.Sample(*services.figures.sample(status.id, owner=OWNER))
                shown = services.figures.rounds(status.id, owner=OWNER)
                assert figures.trials(sample, shown, x="weight_decay", y="learning_rate").to_json()
    assert digests[0] is not None
    assert len(set(digests)) == 1
    gains = {result.gain.model_dump_json() for result in results if result.gain is not None}
    assert len(gains) == 1
    _beaten(results[0])


def _beaten(result: ResultView) -> None:
    """A rate of 1e-4 has hardly begun to learn after four epochs."""
    gain, base = result.gain, result.baseline
    assert gain is not None
    assert base is not None
    assert base.params == {"learning_rate": 1e-4, "weight_decay": 0.0}
    assert base.outside == ["learning_rate", "weight_decay"]
    assert (gain.models, gain.paired, gain.same_setting) == (2, True, False)
    assert gain.low is not None
    assert gain.probability is not None
    assert 0.2 < gain.low < gain.value < gain.high
    assert gain.probability > 0.99
    assert set(gain.metrics) == set(result.test.metrics or {})
    for name, one in gain.metrics.items():  # minimised ones among them
        assert one.value > 0, name
        sign = -1 if name in ("log_loss", "brier") else 1
        assert one.value == pytest.approx(sign * (one.recommended - one.baseline))
    assert len(result.test.models) == 2
    assert not [line for line in result.health if "beaten" in line]


def _outside(services: Services, search_id: str) -> None:
    """A baseline outside is trained with the finalists and in the final test, and moves no range."""
    page = services.searches.trials(search_id, owner=OWNER, limit=200)
    base = [t for t in page.items if t.params["learning_rate"] == 1e-4]
    rounds = services.searches.rounds(search_id, owner=OWNER).items
    repeats = [r for r in rounds if r.kind == "repeat"]
    assert {t.round for t in base} == {*(r.number for r in repeats), rounds[-1].number}
    assert [t.role for t in base if t.role] == ["baseline", "baseline"]
    for r in repeats:
        again = [t.params for t in page.items if t.round == r.number]
        assert again.count(again[0]) == sum(t.round == r.number for t in base)
    first = next(t for t in page.items if t.round == 1)
    assert first.params == SPEC["try_first"][0]
    assert rounds[-1].ranges["learning_rate"].low > 1e-4


def test_a_search_without_effect_keeps_the_setting_that_one_had(
    configured: Callable[..., Any], sqlite_url: str
) -> None:
    spec = {
        **SPEC,
        "model": {"hidden_sizes": [16], "learning_rate": 0.1},
        "space": {"weight_decay": {"low": 1e-12, "high": 1e-9, "scale": "log"}},
        "baseline": {"weight_decay": 1e-11},
        "try_first": [],
    }
    with build(configured(database_url=sqlite_url)) as services:
        status, _ = services.searches.submit(spec, owner=OWNER)
        alone(services, status.id)
        result = services.searches.result(status.id, owner=OWNER)
    assert result.recommended.params == {"weight_decay": 1e-11}
    assert result.recommended.kept == ["weight_decay"]
    assert result.gain is not None
    assert (result.gain.value, result.gain.low, result.gain.same_setting) == (0.0, None, True)
    assert "same setting" in (result.gain.note or "")
    assert any("has not beaten your setting" in line for line in result.health)


@pytest.mark.parametrize("decay", [1e-9, 0.0])  # a study has no place for 0 on a log scale
def test_another_search_and_a_study_begin_with_what_was_searched(
    configured: Callable[..., Any], sqlite_url: str, tmp_path: Path, decay: float
) -> None:
    spec = {
        **SPEC,
        "dataset": "iris",
        "model": {"hidden_sizes": [4], "batch_size": 8},
        "rounds": 3,
        "epochs": {"first": 1, "last": 1},
        "final": {"epochs": 1, "models": 1},
        "baseline": {"learning_rate": 1e-4, "weight_decay": decay},
    }
    with build(configured(database_url=sqlite_url)) as services:
        status, _ = services.searches.submit(spec, owner=OWNER)
        alone(services, status.id)
        own = services.searches.trials(status.id, owner=OWNER, limit=200).items
        searched = [t for t in own if t.role is None]
        base = [t for t in searched if t.params == spec["baseline"]]
        assert base
        again = {**services.searches.spec(status.id, owner=OWNER), "warm_start": [status.id]}
        later, _ = services.searches.submit({**again, "seed": 1}, owner=OWNER)
        begun = services.store.read(lambda tx: tx.searches.get(later.id)).warm_start
        assert len(begun) == len(searched) - len(base)
        exported = Search(
            status=services.searches.status(status.id, owner=OWNER),
            spec=services.searches.spec(status.id, owner=OWNER),
            rounds=services.searches.rounds(status.id, owner=OWNER).items,
            trials=services.searches.trials(status.id, owner=OWNER, limit=200, curve=True).items,
            result=services.searches.result(status.id, owner=OWNER),
        )
    address = f"sqlite:///{tmp_path}/studies.db"
    count = studies.export(exported, address=address, name="one")
    assert count == len(searched) - (len(base) if decay == 0 else 0)


def test_what_is_edited_holds_from_the_next_round_on(
    configured: Callable[..., Any], sqlite_url: str
) -> None:
    with build(configured(database_url=sqlite_url)) as services:
        spec = {k: v for k, v in SPEC.items() if k not in ("baseline", "try_first")}
        status, _ = services.searches.submit({**spec, "rounds": 2}, owner=OWNER)
        edit = lambda changes: services.searches.edit(status.id, changes, owner=OWNER)  # noqa: E731
        with pytest.raises(InvalidSpec) as refused:
            edit({"try_first": [{"learning_rate": 0.1}], "baseline": {"momentum": 0.5}})
        assert [m.path for m in refused.value.mistakes] == [
            "baseline.momentum", "try_first[0].weight_decay"
        ]  # fmt: skip
        edit({"try_first": [{"learning_rate": 0.05, "weight_decay": 1e-5}]})
        services.jobs.advance_due()
        with pytest.raises(InvalidSpec) as refused:
            edit({"try_first": []})
        assert [m.path for m in refused.value.mistakes] == ["try_first"]
        edit({"baseline": {"learning_rate": 0.01}})
        edit({"space": {"learning_rate": {"low": 0.06}}})  # what was tried stays tried
        stored = services.searches.spec(status.id, owner=OWNER)
        assert stored["baseline"] == {"learning_rate": 0.01, "weight_decay": 0.0}
        first = services.searches.trials(status.id, owner=OWNER, limit=1).items[0]
        assert first.params == {"learning_rate": 0.05, "weight_decay": 1e-5}
        assert alone(services, status.id) is not None
        result = services.searches.result(status.id, owner=OWNER)
        assert result.baseline is not None
        assert replay.again(services, status.id).differences == []
