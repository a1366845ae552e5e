"""Whole searches with conditions, forbidden combinations and a baseline; what is shown of them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from rich.console import Console
from support.alone import alone
from support.bench import OWNER, Bench

from hpsearch.cli import compare, result_output
from hpsearch.errors import InvalidSpec
from hpsearch.exchange import observations, studies
from hpsearch.exchange.search import Search
from hpsearch.figures import search as figures
from hpsearch.service import Services, replay
from hpsearch.service.edits import checked
from hpsearch.space import Params
from hpsearch.spec import parse
from hpsearch.wiring import build

SPEC: dict[str, Any] = {
    "dataset": "iris",
    "model": {"hidden_sizes": [6], "batch_size": 16},
    "space": {
        "learning_rate": {"low": 1e-3, "high": 1.0, "scale": "log"},
        "optimizer": {"choices": ["sgd", "momentum", "adam"]},
        "momentum": {"low": 0.1, "high": 0.95, "when": {"optimizer": ["momentum"]}},
        "beta2": {"low": 0.9, "high": 0.999, "when": {"optimizer": ["adam"]}},
        "schedule": {"choices": ["constant", "cosine"], "when": {"optimizer": ["momentum"]}},
    },
    "forbid": [
        {"optimizer": "adam", "learning_rate": {"low": 0.1, "high": 1}},
        {"optimizer": "momentum", "momentum": {"low": 0.9, "high": 1}, "learning_rate": {"low": 0.5, "high": 1}},
    ],
    "rounds": 3,
    "trials_per_round": 12,
    "epochs": {"first": 1, "last": 2},
    "sampler": "gp",
    "stop_early": False,
    "final": {"epochs": 2, "models": 3},
    "baseline": {"optimizer": "momentum", "learning_rate": 0.1},
    "try_first": [{"optimizer": "sgd", "learning_rate": 0.05}],
}  # fmt: skip


def is_right(params: Params) -> bool:
    """Whether a trial has its active values alone, and nothing that is forbidden."""
    kind, rate = params["optimizer"], float(params["learning_rate"])  # type: ignore[arg-type]  # a number
    wanted = {"sgd": set(), "momentum": {"momentum", "schedule"}, "adam": {"beta2"}}[str(kind)]
    too_fast = (kind == "adam" and rate >= 0.1) or (
        kind == "momentum" and rate >= 0.5 and float(params["momentum"]) >= 0.9  # type: ignore[arg-type]  # likewise
    )
    return params.keys() == {"optimizer", "learning_rate", *wanted} and not too_fast


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite is the other one
def test_one_digest_however_the_jobs_are_cut(
    configured: Callable[..., Any], database_url: str, sqlite_url: str, tmp_path: Path
) -> None:
    digests, ranges = [], []
    for url, size in ((database_url, 2), (sqlite_url, 1), (sqlite_url, 64)):
        with build(configured(database_url=url, job_size=size)) as services:
            status, _ = services.searches.submit(SPEC, owner=OWNER)
            digests.append(alone(services, status.id))
            result = services.searches.result(status.id, owner=OWNER)
            ranges.append(result.ranges)
            trials = services.searches.trials(status.id, owner=OWNER, limit=200).items
            assert all(is_right(t.params) for t in trials)
            given = result.ranges["momentum"]
            assert given.given == {"optimizer": ["momentum"]}
            searched = [t for t in trials if t.role is None]
            assert (given.trials, given.of) == (
                sum("momentum" in t.params for t in searched),
                len(searched),
            )
            assert result.ranges["learning_rate"].given is None
            if size == 64:
                assert replay.again(services, status.id).differences == []
                assert replay.decisions(services, status.id).differences == []
                _is_shown(services, status.id)
                _goes_elsewhere(services, status.id, tmp_path)
                _begins_another(services, status.id)
    assert digests[0] is not None
    assert len(set(digests)) == 1
    assert ranges[0] == ranges[1] == ranges[2]


def _is_shown(services: Services, search_id: str) -> None:
    status = services.searches.status(search_id, owner=OWNER)
    result = services.searches.result(search_id, owner=OWNER)
    assert status.effective_with["beta2"] == {"optimizer": ["adam"]}
    console = Console(width=250, record=True, file=io.StringIO())
    console.print(result_output.result(result))
    one = result.ranges["momentum"]
    assert (
        f"given optimizer = momentum, in {one.trials} of {one.of} trials" in console.export_text()
    )
    rows = dict(compare.rows([compare.Column(status, result)]))
    assert any("beta2" in name for name in rows)
    statement = services.searches.statement(search_id, owner=OWNER)
    said = next(a.answer for a in statement.answers if a.key == "bounds")
    assert f"given optimizer = adam, in {result.ranges['beta2'].trials} of" in str(said)
    sample = figures.Sample(*services.figures.sample(search_id, owner=OWNER))
    shown = services.figures.rounds(search_id, owner=OWNER)
    figure = figures.trials(sample, shown, x="momentum", y="learning_rate").to_json()
    assert "have no value of momentum or learning_rate" in figure
    asked = shown[0].ranges
    assert figures.ranges(shown, asked, result=result).to_json()


def _search(services: Services, search_id: str) -> Search:
    return Search(
        status=services.searches.status(search_id, owner=OWNER),
        spec=services.searches.spec(search_id, owner=OWNER),
        rounds=services.searches.rounds(search_id, owner=OWNER).items,
        trials=services.searches.trials(search_id, owner=OWNER, limit=200).items,
        result=services.searches.result(search_id, owner=OWNER),
    )


def _goes_elsewhere(services: Services, search_id: str, folder: Path) -> None:
    """A study has dynamic spaces, and gives back what it got."""
    address, search = f"sqlite:///{folder}/studies.db", _search(services, search_id)
    count = studies.export(search, address=address, name="one")
    written = optuna.load_study(study_name="one", storage=address).trials
    own = [t.params for t in search.trials if t.role is None]
    assert count == len(written) == len(own)
    assert [dict(t.params) for t in written] == own
    back = observations.read(search.spec, storage=address, name="one")
    assert [one["params"] for one in back.observations] == own
    assert not any("conditional" in remark for remark in back.remarks)


def _begins_another(services: Services, search_id: str) -> None:
    """A search that continues it, and one that knows more conditions."""
    spec = services.searches.spec(search_id, owner=OWNER)
    more = {"when": {"optimizer": ["momentum", "adam"]}}
    space = {**spec["space"], "learning_rate": {**spec["space"]["learning_rate"], **more}}
    for again in (
        {**spec, "warm_start": [search_id]},
        {
            **spec,
            "space": space,
            "warm_start": [search_id],
            "baseline": {"optimizer": "sgd"},
            "try_first": [],
        },
    ):
        later, _ = services.searches.submit({**again, "seed": 1}, owner=OWNER)
        begun = services.store.read(lambda tx, later=later: tx.searches.get(later.id)).warm_start
        known = parse(
            again, services.store.read(lambda tx: tx.searches.get(search_id)).resolved().facts,
            services.settings,
        ).space  # fmt: skip
        assert begun
        assert all(known.fits(o.params) for o in begun)
        assert len({len(o.params) for o in begun}) > 1


def test_an_edit_keeps_the_condition_and_may_not_change_it(
    configured: Callable[..., Any], sqlite_url: str
) -> None:
    with build(configured(database_url=sqlite_url)) as services:
        status, _ = services.searches.submit(SPEC, owner=OWNER)
        record = services.store.read(lambda tx: tx.searches.get(status.id))
    when = {"optimizer": ["momentum"]}
    kept = checked(record, {"space": {"momentum": {"low": 0.5}}}, services.settings)
    assert kept["space"]["momentum"]["when"] == when
    kept = checked(record, {"space": {"schedule": {"choices": ["cosine"]}}}, services.settings)
    assert kept["space"]["schedule"] == {"choices": ["cosine"], "when": when}
    for change, path, words in (
        ({"space": {"momentum": {"when": {"optimizer": ["adam"]}}}}, "space.momentum.when", "cannot be edited"),
        ({"space": {"momentum": {"when": None}}}, "space.momentum.when", "cannot be edited"),
        ({"space": {"learning_rate": {"when": when}}}, "space.learning_rate.when", "cannot be edited"),
        ({"space": {"optimizer": {"choices": ["sgd", "adam"]}}}, "space.momentum.when.optimizer[0]", "cannot occur"),
        ({"space": {"learning_rate": {"low": 0.9}}}, "forbid", "optimizer = adam it leaves none"),
        ({"baseline": {"optimizer": "adam", "learning_rate": 0.5}}, "baseline", "forbid[0] forbids it"),
    ):  # fmt: skip
        with pytest.raises(InvalidSpec) as refused:
            checked(record, change, services.settings)
        assert words in dict(refused.value.mistakes)[path], change


def test_what_is_forbidden_in_mid_search_is_neither_trained_again_nor_recommended(
    configured: Callable[..., Any], sqlite_url: str
) -> None:
    fast = [{"learning_rate": {"low": 0.03, "high": 1}}]
    own = {"optimizer": "momentum", "learning_rate": 0.02}
    spec = {**SPEC, "sampler": "sobol", "trials_per_round": 8, "baseline": own}
    digests = set()
    for size in (1, 64):
        with build(configured(database_url=sqlite_url, job_size=size)) as services:
            search, _ = services.searches.submit(spec, owner=OWNER)
            digests.add(alone(services, search.id, edits={1: {"forbid": fast}}))
            result = services.searches.result(search.id, owner=OWNER)
            trials = services.searches.trials(search.id, owner=OWNER, limit=200).items
            later = [float(t.params["learning_rate"]) for t in trials if t.round > 1]
            assert max(float(t.params["learning_rate"]) for t in trials if t.round == 1) > 0.03
            assert max(later) < 0.03
            assert float(result.recommended.params["learning_rate"]) < 0.03
            assert all(float(f.params["learning_rate"]) < 0.03 for f in result.finalists)
            assert replay.decisions(services, search.id).differences == []
    assert len(digests) == 1
    assert None not in digests


def test_all_that_was_trained_may_be_forbidden_as_long_as_a_round_is_left(
    configured: Callable[..., Any], sqlite_url: str
) -> None:
    space = {"learning_rate": {"low": 0.001, "high": 1.0, "scale": "log"}}
    few = {"rounds": 2, "trials_per_round": 2, "finalists": {"rounds": 0}, "baseline": None,
           "try_first": [{"learning_rate": 0.01}, {"learning_rate": 0.02}], "forbid": []}  # fmt: skip
    low = [{"learning_rate": {"low": 0.005, "high": 0.05}}]
    with build(configured(database_url=sqlite_url)) as services:
        search, _ = services.searches.submit({**SPEC, **few, "space": space}, owner=OWNER)
        assert alone(services, search.id, edits={1: {"forbid": low}})
        result = services.searches.result(search.id, owner=OWNER)
        assert not 0.005 <= float(result.recommended.params["learning_rate"]) <= 0.05
        search, _ = services.searches.submit(
            {**SPEC, **few, "space": space, "rounds": 1, "seed": 1}, owner=OWNER
        )
        bench = Bench(services)
        bench.work.advance_due()
        for ask in (services.searches.edit, services.searches.preview):
            with pytest.raises(InvalidSpec) as refused:
                ask(search.id, {"forbid": low}, owner=OWNER)
            said = dict(refused.value.mistakes)["forbid"]
            assert "it forbids all 2 trials of this search, and round 1 is the last" in said
        services.searches.edit(search.id, {"forbid": low, "rounds": 2}, owner=OWNER)
        with pytest.raises(InvalidSpec) as refused:
            services.searches.edit(search.id, {"rounds": 1}, owner=OWNER)
        assert "forbidden are all 2 trials" in dict(refused.value.mistakes)["rounds"]


def test_trials_from_elsewhere_have_active_values_alone(
    configured: Callable[..., Any], sqlite_url: str
) -> None:
    spec = {
        "objective": "external",
        "space": {
            "kind": {"choices": ["x", "y"]},
            "depth": {"low": 0, "high": 1, "when": {"kind": ["x"]}},
        },
        "rounds": 2,
        "trials_per_round": 4,
    }
    seen = [{"params": {"kind": "y"}, "epochs": 1, "score": 0.5},
            {"params": {"kind": "x", "depth": 0.5}, "epochs": 1, "score": 0.25}]  # fmt: skip
    wrong = [{"params": {"kind": "y", "depth": 0.5}, "epochs": 1, "score": 0.5},
             {"params": {"kind": "x"}, "epochs": 1, "score": 0.25}]  # fmt: skip
    with build(configured(database_url=sqlite_url)) as services:
        status, _ = services.searches.submit(
            {**spec, "warm_start": [{"observations": seen}]}, owner=OWNER
        )
        begun = services.store.read(lambda tx: tx.searches.get(status.id)).warm_start
        assert [o.params for o in begun] == [one["params"] for one in seen]
        with pytest.raises(InvalidSpec) as refused:
            services.searches.submit({**spec, "warm_start": [{"observations": wrong}]}, owner=OWNER)
        said = dict(refused.value.mistakes)
        assert "depth, kind, not kind" in said["warm_start[0].observations[0].params"]
        assert "kind, not depth, kind" in said["warm_start[0].observations[1].params"]
