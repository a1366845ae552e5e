"""Ways in and out: CSV, JSON, and Optuna studies that Optuna itself opens."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import httpx
import optuna
import pytest
import sqlalchemy as sa
from support.bench import OWNER as BENCH
from support.outside import Outside
from support.table import Table
from support.waiting import until

from hpsearch import Client, cli
from hpsearch.cli import exchange
from hpsearch.exchange import EXPORTS, FileExport, Search, Source, observations, storages
from hpsearch.service import Services
from hpsearch.space import params_from_json

SEARCHES = "/api/v1/searches"
OWNER = "exchange"
SPEC: dict[str, Any] = {"dataset": "iris", "rounds": 2, "final": {"epochs": 2, "models": 2}}
SPACE = {
    "learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"},
    "hidden_units": {"low": 8, "high": 64, "scale": "log", "integer": True},
    "dropout": {"low": 0.0, "high": 0.5},
    "activation": {"choices": ["relu", "tanh"]},
}


def truth(params: Any, epochs: int) -> float | None:
    """Half the learning rates diverge; small dropout is better."""
    if params.get("learning_rate", 0.0) > 0.1:
        return None
    return float(0.9 - 0.1 * params.get("dropout", 0.0) - 0.2 / epochs)


@pytest.fixture(scope="module")
def ended(services: Services) -> dict[str, Any]:
    """A search with trials in every state that ends well."""
    epochs = {"first": 2, "last": 8}
    spec = {**SPEC, "name": "Ausfuhr", "space": SPACE, "trials_per_round": 16, "epochs": epochs}
    made, _ = services.searches.submit(spec, owner=OWNER)
    worker = Table(services, truth)

    def completed() -> dict[str, Any] | None:
        worker()
        status = services.searches.status(made.id, owner=OWNER)
        return status.model_dump(mode="json") if status.finished_at else None

    return dict(until(completed, seconds=120, what="the end of the search"))


@pytest.fixture
def client(clients: Any) -> httpx.Client:
    """The owner of that search."""
    return clients(owner=OWNER)


@pytest.fixture
def storage(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'optuna.db'}"


@pytest.fixture
def study(storage: str) -> Iterator[Callable[[str], optuna.Study]]:
    """study(name): as Optuna reads it."""
    opened = optuna.storages.RDBStorage(storage)
    yield lambda name: optuna.load_study(study_name=name, storage=opened)
    opened.remove_session()
    opened.engine.dispose()


def trials_of(client: httpx.Client, search: str) -> list[dict[str, Any]]:
    asked = {"limit": 100, "curve": "true"}
    found = client.get(f"{SEARCHES}/{search}/trials", params=asked).json()["items"]
    return [t for t in found if t["role"] is None]


def test_csv_and_json_have_everything(
    commands: httpx.Client, ended: dict[str, Any], tmp_path: Path, capfdbinary: Any
) -> None:
    assert cli.run(["export", ended["id"], "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capfdbinary.readouterr().out.decode())))
    whole = commands.get(ended["links"]["trials"], params={"limit": 1000}).json()["items"]
    assert [row["id"] for row in rows] == [trial["id"] for trial in whole]
    file = tmp_path / "all.json"
    assert cli.run(["export", ended["id"], "--format", "json", "--output", str(file)]) == 0
    assert [row["role"] or None for row in rows] == [trial["role"] for trial in whole]
    assert {row["role"] for row in rows} > {"", "recommended"}
    told = json.loads(file.read_text())
    assert told["spec"] == commands.get(ended["links"]["spec"]).json()
    assert told["result"] == commands.get(ended["links"]["result"]).json()
    assert told["health"] == commands.get(ended["links"]["health"]).json()
    assert len(told["trials"]) == len(whole)
    assert told["trials"][0]["curve"]
    assert [path.name for path in tmp_path.iterdir() if "all" in path.name] == ["all.json"]


def test_a_registered_export_is_a_format_of_the_command(
    commands: httpx.Client, ended: dict[str, Any], capfdbinary: Any
) -> None:
    def write(source: Source, search: str, to: IO[bytes]) -> None:
        to.write(f"{Search.of(source, search).status.id}\n".encode())

    words = ["export", ended["id"], "--format", "id"]
    with EXPORTS.registered("id", FileExport(write)):
        assert cli.run(words) == 0
    assert capfdbinary.readouterr().out.decode().strip() == ended["id"]
    assert cli.run(words) == 2
    assert b"'id' is not one of 'csv', 'json'" in capfdbinary.readouterr().err


def test_optuna_opens_an_exported_search(
    commands: httpx.Client, ended: dict[str, Any], storage: str, study: Any
) -> None:
    assert cli.run(["export", ended["id"], "--optuna", storage, "--study", "mine"]) == 0
    found = study("mine")
    trials = trials_of(commands, ended["id"])
    states = {"completed": "COMPLETE", "stopped": "PRUNED", "diverged": "FAIL"}
    assert {t["state"] for t in trials} == set(states)
    assert len(found.trials) == len(trials)
    for theirs, ours in zip(found.trials, trials, strict=True):
        assert theirs.state.name == states[ours["state"]]
        assert theirs.params == ours["params"]
        assert theirs.value == ours["score"]
        assert theirs.intermediate_values == {p[0]: p[3] for p in ours["curve"] if p[3] is not None}
        assert theirs.user_attrs["hpsearch:id"] == ours["id"]
        times = (theirs.datetime_start, theirs.datetime_complete)
        assert [moment.timestamp() for moment in times if moment] == [
            datetime.fromisoformat(ours[name]).timestamp() for name in ("started_at", "finished_at")
        ]
    best = max(t["score"] for t in trials if t["state"] == "completed")
    assert found.best_value == best
    places = found.trials[0].distributions
    assert places["learning_rate"].log
    assert places["hidden_units"].log
    assert isinstance(places["hidden_units"], optuna.distributions.IntDistribution)
    assert found.user_attrs["hpsearch:test"]["accuracy"] is not None
    # Its dashboard draws the same from the same storage.
    for draw in (
        optuna.visualization.plot_optimization_history,
        optuna.visualization.plot_intermediate_values,
        optuna.visualization.plot_parallel_coordinate,
        optuna.visualization.plot_slice,
    ):
        assert draw(found).data, draw


def test_a_study_is_exported_once(
    commands: httpx.Client, ended: dict[str, Any], storage: str, study: Any, capsys: Any
) -> None:
    words = ["export", ended["id"], "--optuna", storage, "--json"]
    assert cli.run(words) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"study": ended["id"], "trials": len(study(ended["id"]).trials)}
    assert cli.run(words) == 3
    assert "give another --study" in capsys.readouterr().err


def test_a_failed_export_leaves_no_study(
    commands: httpx.Client, ended: dict[str, Any], storage: str, study: Any, monkeypatch: Any
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(optuna.trial, "create_trial", fail)
    assert cli.run(["export", ended["id"], "--optuna", storage]) == 130
    with pytest.raises(KeyError):
        study(ended["id"])


def test_an_export_is_one_transaction_and_says_how_far_it_is(
    commands: httpx.Client, ended: dict[str, Any], storage: str, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.setattr(exchange, "PROGRESS_SECONDS", 0.0)
    commits: list[Any] = []

    def count(connection: Any) -> None:
        commits.append(connection)

    sa.event.listen(sa.Engine, "commit", count)
    try:
        made = optuna.storages.RDBStorage(storage)  # its tables
        made.engine.dispose()
        commits.clear()
        assert cli.run(["export", ended["id"], "--optuna", storage, "--study", "once"]) == 0
    finally:
        sa.event.remove(sa.Engine, "commit", count)
    assert len(commits) <= 4  # of which opening a storage takes some, whatever is written
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("0 of ")
    assert said[-1].endswith(" trials written")


@pytest.mark.parametrize("fails", ["create_trial", None])
def test_a_journal_has_all_of_a_study_or_none(
    commands: httpx.Client, ended: dict[str, Any], tmp_path: Path, monkeypatch: Any, fails: Any
) -> None:
    path = str(tmp_path / "optuna.log")

    def fail(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if fails:
            patch.setattr(optuna.trial, fails, fail)
        assert cli.run(["export", ended["id"], "--optuna", path]) == (130 if fails else 0)
    with storages.reading(optuna, path) as journal:
        names = optuna.get_all_study_names(journal)
        assert names == ([] if fails else [ended["id"]])
        if not fails:
            study = optuna.load_study(study_name=ended["id"], storage=journal)
            assert [t.params for t in study.trials] == [
                t["params"] for t in trials_of(commands, ended["id"])
            ]
            assert cli.run(["export", ended["id"], "--optuna", path]) == 3


def test_status_says_how_many_imported_trials_count(
    commands: httpx.Client, storage: str, tmp_path: Path, capsys: Any
) -> None:
    """The service knows the dataset, and so some limits that the importer cannot know."""
    opened = optuna.storages.RDBStorage(storage)
    made = optuna.create_study(storage=opened, study_name="theirs", direction="maximize")
    for size in (8, 16, 1200, 1400):
        made.enqueue_trial({"batch_size": size})
    made.optimize(lambda t: 1 / t.suggest_int("batch_size", 1, 1500), n_trials=4)
    opened.remove_session()
    opened.engine.dispose()
    space = {"batch_size": {"low": 8, "high": 64, "integer": True, "hard_high": 1500}}
    file = spec_file(tmp_path, space=space)
    words = ["import", "theirs", "--optuna", storage, "--spec", file]
    assert cli.run([*words, "--json"]) == 0
    said = capsys.readouterr()
    view = json.loads(said.out)
    assert view["warm_start_trials"] == 2
    assert view["import"]["taken"] == 4
    assert "2 left out: beyond the limits on this dataset" in said.err
    (listed,) = [s for s in commands.get(SEARCHES).json()["items"] if s["id"] == view["id"]]
    assert listed["warm_start_trials"] == 2
    assert cli.run(["status", view["id"]]) == 0
    assert "begun with  2 trials" in capsys.readouterr().out
    commands.post(f"{SEARCHES}/{view['id']}/cancel")  # other tests train what is open


def test_what_was_exported_warms_another_search(
    commands: httpx.Client, ended: dict[str, Any], storage: str, services: Services, tmp_path: Path,
    capsys: Any,
) -> None:  # fmt: skip
    """There and back: nothing is lost but what was never told."""
    assert cli.run(["export", ended["id"], "--optuna", storage, "--study", "mine"]) == 0
    file = tmp_path / "again.json"
    file.write_text(json.dumps({**commands.get(ended["links"]["spec"]).json(), "seed": 1}))
    capsys.readouterr()
    assert cli.run(["import", "mine", "--optuna", storage, "--spec", str(file), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)["id"]
    row = services.store.read(lambda tx: tx.searches.get(made))
    assert row is not None
    before = trials_of(commands, ended["id"])
    found = row.warm_start
    assert [(dict(o.params), o.state, o.epochs, o.value) for o in found] == [
        (t["params"], t["state"], t["epochs"], t["score"]) for t in before
    ]


@pytest.mark.parametrize("place", ["journal", "sqlite"])
def test_choices_that_optuna_would_merge_come_back_as_they_were(
    clients: Any, services: Services, tmp_path: Path, place: str
) -> None:
    """1 and true, a list and its text, 0 and false and null: there and back, in a journal too."""
    space = {
        "odd": {"choices": [1, True, "1", "true", None]},
        "sizes": {"choices": [[8], "[8]", [8, 8]]},
        "zero": {"choices": [0, False]},
        "plain": {"choices": [None, "relu", 2]},
        "x": {"low": 0.0, "high": 1.0},
    }
    outside = Outside(services, lambda params, epoch, _: params["x"] - 1 / epoch)
    search = outside.submit(space=space, rounds=1, trials_per_round=32, finalists={"rounds": 0})
    outside.train(search)
    whole = services.searches.trials(search, owner=BENCH, curve=True).items
    before = [t for t in whole if t.role is None]
    address = str(tmp_path / "optuna.log") if place == "journal" else f"sqlite:///{tmp_path}/o.db"
    user = clients(owner=BENCH)
    key = user.headers["Authorization"].removeprefix("Bearer ")
    with Client(str(user.base_url), key) as client:
        views = Search.of(client, search)
    views = replace(views, trials=before)
    assert EXPORTS["optuna"].write(views, address=address, name="there") == 32
    spec = services.searches.spec(search, owner=BENCH)
    imported = observations.read(spec, storage=address, name="there")
    assert (imported.left_out, imported.remarks) == ({}, [])
    back = [params_from_json(o["params"]) for o in imported.observations]
    assert back == [t.params for t in before]
    kinds = [[type(v) for v in p.values()] for p in back]
    assert kinds == [[type(t.params[n]) for n in p] for t, p in zip(before, back, strict=True)]


def spec_file(tmp_path: Path, **changes: Any) -> str:
    file = tmp_path / "spec.json"
    space = {"learning_rate": SPACE["learning_rate"], "activation": SPACE["activation"]}
    file.write_text(json.dumps({"dataset": "digits", "space": space, **changes}))
    return str(file)


def test_a_study_of_optuna_s_own_warms_a_search(
    commands: httpx.Client, storage: str, tmp_path: Path, capsys: Any
) -> None:
    """Pruned and failed trials, steps that count from 0, and trials of other spaces."""

    def objective(trial: optuna.Trial) -> float:
        rate = trial.suggest_float("learning_rate", 1e-4, 1.0, log=True)
        trial.suggest_categorical("activation", ["relu", "tanh"])
        if trial.number == 0:
            trial.suggest_float("momentum", 0.0, 0.9)
        if trial.number == 1:
            raise ValueError("no")
        for step in range(4):
            trial.report(0.5 + 0.1 * step, step)
            if trial.number == 2 and step == 1:
                raise optuna.TrialPruned
        return 0.9 - 0.1 * abs(rate - 0.1)

    opened = optuna.storages.RDBStorage(storage)
    made = optuna.create_study(storage=opened, study_name="theirs", direction="maximize",
                               sampler=optuna.samplers.RandomSampler(0))  # fmt: skip
    made.optimize(objective, n_trials=6, catch=ValueError)
    opened.remove_session()
    opened.engine.dispose()
    words = ["import", "theirs", "--optuna", storage, "--spec", spec_file(tmp_path), "--print"]
    assert cli.run(words) == 0
    said = capsys.readouterr()
    head, *lines = said.err.splitlines()
    assert head == "4 of 6 trials of study theirs"
    assert "  1 left out: of another space: with momentum" in lines
    assert any("steps, up to 3, are taken for epochs" in line for line in lines)
    (item,) = json.loads(said.out)["warm_start"]
    pruned, *rest = item["observations"]
    assert (pruned["state"], pruned["epochs"], pruned["score"]) == ("stopped", 2, 0.6)
    assert pruned["curve"] == [[1, 0.5]]
    assert {o["state"] for o in rest} == {"completed"}
    assert {o["epochs"] for o in rest} == {4}
    assert commands.post(SEARCHES, json=json.loads(said.out)).status_code == 201


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"objective": "log_loss"}, "is to maximize; a search by log_loss takes a study that is to minimize"),
        ({"space": {"momentum": {"low": 0.1, "high": 0.9}}}, "has no ended trial of just momentum; its 1 trials have x"),
    ],
)  # fmt: skip
def test_a_study_of_something_else_is_refused(
    commands: httpx.Client, storage: str, tmp_path: Path, capsys: Any, changes: Any, said: str
) -> None:
    opened = optuna.storages.RDBStorage(storage)
    made = optuna.create_study(storage=opened, study_name="other", direction="maximize")
    made.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    opened.remove_session()
    opened.engine.dispose()
    file = spec_file(tmp_path, **changes)
    assert cli.run(["import", "other", "--optuna", storage, "--spec", file]) == 2
    assert said in capsys.readouterr().err


def test_what_is_not_there_is_named(
    commands: httpx.Client, storage: str, tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    file = spec_file(tmp_path)
    assert cli.run(["import", "absent", "--optuna", storage, "--spec", file]) == 5
    assert "has no study 'absent'" in capsys.readouterr().err
    away = f"sqlite:///{tmp_path}/no/folder.db"
    assert cli.run(["import", "absent", "--optuna", away, "--spec", file]) == 69
    assert f"the Optuna storage {away} cannot be used" in capsys.readouterr().err
    odd = "mysql+none://me:secret@host/db"
    assert cli.run(["import", "absent", "--optuna", odd, "--spec", file]) == 69
    assert "secret" not in capsys.readouterr().err
    assert cli.run(["export", "absent", "--format", "csv"]) == 5
    assert cli.run(["export", "absent"]) == 2
    assert "--format csv" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert cli.run(["import", "absent", "--optuna", storage, "--spec", file]) == 78
    assert "pip install 'hpsearch[optuna]'" in capsys.readouterr().err
