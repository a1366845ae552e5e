"""Training elsewhere, over a socket: trainers side by side, one that dies, the examples."""

from __future__ import annotations

import csv
import io
import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import optuna
import pytest
from support.absent import absent
from support.outside import SPEC
from support.waiting import until

from hpsearch.client import Client, external
from hpsearch.errors import Conflict, InvalidRequest, InvalidSpec, NotFound
from hpsearch.exchange import observations, storages, studies
from hpsearch.exchange.search import Search
from hpsearch.report.views import OrderView, StatusView, TrialView
from hpsearch.service import Services

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SMALL = {**SPEC, "rounds": 2, "trials_per_round": 8, "epochs": {"first": 1, "last": 2}}


def train(order: OrderView) -> Iterator[float]:
    """Scores by formula; some alphas diverge, and some depths cannot be trained at all."""
    away = math.log10(float(order.params["alpha"])) + 2  # type: ignore[arg-type]  # a number
    if order.params["depth"] in (3, 12) and order.kind != "final":
        raise MemoryError("too deep")
    for epoch in range(1, order.epochs + 1):
        yield math.nan if away > 1.8 else -(away**2) - 1 / epoch + order.seed % 100 / 1e4


def trained(clients: list[Client], search: str) -> StatusView:
    with ThreadPoolExecutor(len(clients)) as pool:
        ends = list(pool.map(lambda c: external.run(c, search, train, wait=1), clients))
    assert {end.state for end in ends} == {"completed"}, ends[0].reason
    return ends[0]


@pytest.mark.usefixtures("loop")
def test_two_trainers_and_a_dead_one_find_what_one_finds(connect: Callable[[], Client]) -> None:
    user = connect()
    search = user.submit(SMALL).id
    dead = until(lambda: user.claim(search, wait=5, lease=1), what="a first trial")
    user.report(dead, -3.0, epoch=1)
    status = trained([connect(), connect()], search)
    assert (status.trials.failed, status.trials.diverged) > (0, 0)
    assert (status.trials.pending, status.trials.running) == (0, 0)
    with pytest.raises(Conflict, match="somebody else has trained it"):
        user.report(dead, -3.0, epoch=2)
    with pytest.raises(Conflict, match="completed"):
        user.claim(search)
    failed = next(user.trials(search, state="failed"))
    assert failed.error == "MemoryError: too deep"
    result = user.result(search)
    assert result.digest is not None
    assert not result.test.sealed
    alone = user.submit(SMALL).id
    trained([connect()], alone)
    assert user.result(alone).digest == result.digest


CONDITIONAL = {
    **SMALL,
    "space": {
        "kernel": {"choices": ["flat", "round"]},
        "alpha": {"low": 0.001, "high": 1.0, "scale": "log"},
        "depth": {"low": 1, "high": 9, "integer": True, "when": {"kernel": ["round"]}},
    },
    "forbid": [{"kernel": "flat", "alpha": {"low": 0.1, "high": 1}}],
    "baseline": {"kernel": "flat", "alpha": 0.05},
}  # fmt: skip


def branched(order: OrderView) -> Iterator[float]:
    """Scores by formula; a flat kernel has no depth, and no large alpha."""
    alpha, depth = float(order.params["alpha"]), order.params.get("depth")  # type: ignore[arg-type]  # a number
    assert (depth is None) == (order.params["kernel"] == "flat")
    assert depth is not None or alpha < 0.1
    for epoch in range(1, order.epochs + 1):
        yield -abs(math.log10(alpha) + 2) - (0.5 if depth is None else 0.1 * int(depth)) - 1 / epoch  # type: ignore[arg-type]  # likewise


@pytest.mark.usefixtures("loop")
def test_a_trainer_gets_active_values_alone(connect: Callable[[], Client], tmp_path: Path) -> None:
    """And a lost trial is one more attempt, whatever is active in it."""
    user, searches = connect(), []
    for others in (0, 1):
        search = user.submit(CONDITIONAL).id
        searches.append(search)
        dead = until(lambda search=search: user.claim(search, wait=5, lease=1), what="a trial")
        user.report(dead, -3.0, epoch=1)
        each = [connect() for _ in range(1 + others)]
        with ThreadPoolExecutor(len(each)) as pool:
            list(pool.map(lambda c, s=search: external.run(c, s, branched, wait=1), each))
    one, other = (user.result(search) for search in searches)
    assert one.digest is not None
    assert one.digest == other.digest
    assert one.ranges["depth"].given == {"kernel": ["round"]}
    file = tmp_path / "trials.csv"
    with file.open("wb") as to:
        user.trials_csv(searches[0], to)
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert {bool(row["depth"]) for row in rows if row["kernel"] == "flat"} == {False}
    assert {bool(row["depth"]) for row in rows if row["kernel"] == "round"} == {True}


@pytest.mark.usefixtures("loop")
def test_a_training_that_fails_after_its_search_was_cancelled(
    connect: Callable[[], Client],
) -> None:
    """What is told of it is not wanted any more, and no reason for the trainer to die."""
    user, other = connect(), connect()
    search = user.submit(SMALL).id

    def doomed(order: OrderView) -> Iterator[float]:
        other.cancel(search)
        raise MemoryError("too late")
        yield  # makes it a generator

    assert external.run(user, search, doomed, wait=5).state == "cancelled"


def test_a_claim_waits_for_the_next_round(
    connect: Callable[[], Client], services: Services
) -> None:
    user = connect()
    search = user.submit(SMALL).id
    assert user.claim(search) is None
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(user.claim, search, wait=20)
        services.jobs.advance_due()
        order = waiting.result()
    assert order is not None
    assert (order.trial, order.attempt, order.lease.seconds) == ("1-0", 1, 30)
    assert user.heartbeat(order).seconds == 30
    assert not user.report(order, 0.25, epoch=1, loss=0.5).stop
    shown = next(user.trials(search, curve=True))
    assert (shown.state, shown.score, shown.validation_loss, shown.epochs) == (
        "pending", 0.25, 0.5, 1,
    )  # fmt: skip
    assert shown.curve == [(1, 0.5, None, 0.25)]
    assert user.status(search).trials.running == 1


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({}, "token"),
        ({"token": "t"}, 'give a "score"'),
        ({"token": "t", "score": 1, "state": "failed"}, 'give a "score"'),
        ({"token": "t", "score": 1e101}, "score"),
        ({"token": "t", "score": "good"}, "score"),
        ({"token": "t", "score": True}, "score"),
        ({"token": "t", "score": 1, "state": "returned"}, "which may have one"),
        ({"token": "t", "state": "stopped"}, "state"),
        ({"token": "t", "score": 1, "epoch": 0}, "epoch"),
        ({"token": "t", "score": 1, "more": 1}, "unknown field"),
        ({"token": "t", "replicates": [1]}, "there are 1; give 2 to 20"),
        ({"token": "t", "replicates": [1, 1e101]}, "replicates"),
        ({"token": "t", "replicates": [1] * 21}, "there are 21"),
        ({"token": "t", "score": 1, "replicates": [1, 2]}, "not both"),
        ({"token": "t", "replicates": [1, 2], "state": "failed"}, 'give a "score"'),
        ([], "the body"),
    ],
)
def test_a_body_that_is_no_report_is_refused(client: Any, body: Any, what: str) -> None:
    search = client.post("/api/v1/searches", json=SMALL).headers["Location"]
    answer = client.post(f"{search}/trials/1-0/report", json=body)
    assert answer.status_code == 400
    assert what in answer.json()["detail"]


NAMES = {f"m{i}": 1.0 for i in range(33)}


@pytest.mark.parametrize(
    ("said", "paths"),
    [
        ('"metrics": {"auc": NaN, "f1": 0.5}', ["metrics.auc"]),
        ('"metrics": {"auc": -1e999}, "cost": Infinity', ["metrics.auc", "cost"]),
        ('"metrics": {"auc": "good", "f1": true}', ["metrics.auc", "metrics.f1"]),
        ('"metrics": {"": 1, "-x": 1}', ["metrics.", "metrics.-x"]),
        ('"metrics": [1]', ["metrics"]),
        (f'"metrics": {json.dumps(NAMES)}', ["metrics"]),
        ('"cost": -0.5', ["cost"]),
        ('"cost": "1"', ["cost"]),
        ('"note": "", "link": ""', ["note", "link"]),
        ('"note": "a\\u0007b", "link": "javascript:alert(1)"', ["note", "link"]),
        ('"link": "https://user:pass@example.org/"', ["link"]),
        ('"link": "/run/7"', ["link"]),
        ('"link": "https:///run"', ["link"]),
        ('"link": "https://example.org/a b"', ["link"]),
        ('"link": "https://[::1/"', ["link"]),
        (f'"note": "{"x" * 2001}"', ["note"]),
    ],
)
def test_what_stands_beside_a_score_is_refused_with_their_paths(
    connect: Callable[[], Client], client: Any, services: Services, said: str, paths: list[str]
) -> None:
    here = client.post("/api/v1/searches", json=SMALL).headers["Location"]
    services.jobs.advance_due()
    order = client.post(f"{here}/trials/claim").json()
    token, json_type = order["lease"]["token"], {"Content-Type": "application/json"}
    body = f'{{"token": "{token}", "epoch": 1, "score": 0.5, {said}}}'
    address = f"{here}/trials/{order['trial']}/report"
    answer = client.post(address, content=body, headers=json_type)
    assert (answer.status_code, answer.json()["title"]) == (422, "Invalid report")
    assert [mistake["path"] for mistake in answer.json()["errors"]] == paths
    trial = client.get(f"{here}/trials").json()["items"][0]
    assert (trial["score"], trial["metrics"], trial["cost"]) == (None, None, None)
    good = {"token": token, "epoch": 1, "score": 0.5, "metrics": {"auc": 1}, "cost": 0}
    assert client.post(address, json=good).status_code == 200
    trial = client.get(f"{here}/trials").json()["items"][0]
    assert (trial["score"], trial["metrics"], trial["cost"]) == (0.5, {"auc": 1.0}, 0.0)


def reporting(order: OrderView) -> Iterator[external.Report]:
    """Errors, the lower the better, with what each epoch costs."""
    away = math.log10(float(order.params["alpha"])) + 2  # type: ignore[arg-type]  # a number
    for epoch in range(1, order.epochs + 1):
        yield external.Report(
            away**2 + 1 / epoch, metrics={"away": away}, cost=0.25 * epoch, note=f"epoch {epoch}",
            link="https://example.org/run?a=1#b",
        )  # fmt: skip


@pytest.mark.usefixtures("loop")
def test_reports_of_a_whole_search_come_out_as_they_went_in(
    connect: Callable[[], Client], tmp_path: Path
) -> None:
    user = connect()
    search = user.submit({**SMALL, "direction": "minimize", "tags": ["first"]}).id
    external.run(user, search, reporting, wait=1)
    result, status = user.result(search), user.status(search)
    trials = list(user.trials(search, sort="-score"))
    scores = [t.score for t in trials if t.score is not None]
    assert scores == sorted(scores)
    assert status.best is not None
    assert status.best.score == min(t.score for t in trials if t.score is not None and not t.role)
    assert result.recommended.score is not None
    assert result.recommended.score > 0
    assert status.cost is not None
    reported = [t.cost for t in trials if t.cost is not None and t.role is None]
    assert status.cost.spent == pytest.approx(math.fsum(reported))
    lines = b"".join(_csv(user, search)).decode().splitlines()
    head, first = (next(csv.reader([line])) for line in lines[:2])
    assert head[-7:-3] == ["cost", "note", "link", "metric.away"]
    known = next(t for t in trials if t.id == first[0])
    assert float(first[head.index("cost")]) == known.cost
    assert (known.note, known.link) == (first[head.index("note")], "https://example.org/run?a=1#b")
    assert str(known.note).startswith("epoch ")
    assert known.metrics == {"away": float(first[head.index("metric.away")])}
    _is_a_study_of_the_same_direction(user, search, trials, str(tmp_path / "optuna.log"))
    status = user.tag(search, ["second"], remove=["first"], note="done")
    assert [one.id for one in user.list(tags=["second"], q="DONE", since="2020-01-01")] == [search]
    assert (status.tags, status.note) == (["second"], "done")
    later = user.continue_(search)
    assert (later.tags, later.note, later.direction) == (["second"], "done", "minimize")
    with pytest.raises(InvalidSpec, match="no tag 'first' to remove"):
        user.tag(search, remove=["first"])


def _is_a_study_of_the_same_direction(
    user: Client, search: str, trials: list[TrialView], journal: str
) -> None:
    """Export a search to Optuna, and read the study again as trials to begin with."""
    studies.export(Search.of(user, search), address=journal, name="mine")
    with storages.reading(optuna, journal) as storage:
        study = optuna.load_study(study_name="mine", storage=storage)
        assert study.direction.name == "MINIMIZE"
        known = {t.id: t for t in trials}
        for made in study.get_trials():
            ours = known[made.user_attrs["hpsearch:id"]]
            assert made.value == ours.score
            assert made.user_attrs["hpsearch:cost"] == ours.cost
            assert made.user_attrs["hpsearch:note"] == ours.note
            assert made.user_attrs["hpsearch:link"] == ours.link
            assert made.user_attrs["hpsearch:metric.away"] == (ours.metrics or {})["away"]
        assert study.user_attrs["hpsearch:tags"] == ["first"]
    spec = {name: SPEC[name] for name in ("objective", "space")}
    imported = observations.read({**spec, "direction": "minimize"}, storage=journal, name="mine")
    read = sorted(o["score"] for o in imported.observations)
    assert read == sorted(t.score for t in trials if t.score is not None and t.role is None)
    with pytest.raises(InvalidRequest, match='give the spec "direction": "minimize"'):
        observations.read(spec, storage=journal, name="mine")


def _csv(user: Client, search: str) -> Iterator[bytes]:
    file = io.BytesIO()
    user.trials_csv(search, file)
    yield file.getvalue()


def test_what_is_not_there_is_not_found(connect: Callable[[], Client], clients: Any) -> None:
    user = connect()
    search = user.submit(SMALL).id
    order = OrderView.model_validate(
        {"search": search, "trial": "1-0", "kind": "explore", "params": {}, "epochs": 1,
         "rungs": [1], "seed": 0, "attempt": 1, "lease": {"token": "t", "seconds": 1}}
    )  # fmt: skip
    for say in (user.heartbeat, lambda o: user.report(o, 1.0)):
        with pytest.raises(NotFound, match="no trial 1-0"):
            say(order)
    with pytest.raises(InvalidRequest):
        user.claim(search, lease=0.5)
    stranger = clients()
    for path in ("claim", "1-0/report", "1-0/heartbeat"):
        answer = stranger.post(f"/api/v1/searches/{search}/trials/{path}", json={})
        assert answer.status_code == 404, path


@pytest.mark.usefixtures("loop")
def test_the_example_by_curl(api: Any, key: str, tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", str(EXAMPLES / "external_curl.sh"), api.url, key],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["state"] == "completed"
    assert result["ranges"]["x"]["low"] <= 2 <= result["ranges"]["x"]["high"]
    assert result["test"]["score"] == pytest.approx(
        -((result["recommended"]["params"]["x"] - 2) ** 2), abs=1e-3
    )
    assert list(tmp_path.iterdir()) == []
    with Client(api.url, key) as client, pytest.raises(NotFound, match="is with its trainer"):
        client.model(result["id"], tmp_path / "model.npz")


def test_the_example_with_pytorch_is_as_short_as_is_said() -> None:
    text = (EXAMPLES / "external_pytorch.py").read_text()
    assert sum(bool(line.strip()) for line in text.splitlines()) <= 30


def _ran(name: str, api: Any, key: str, folder: Path) -> dict[str, Any]:
    """Run an example as people do; the result that it prints."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), api.url, key],
        cwd=folder, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    head, _, body = done.stdout.partition("\n")
    assert head.endswith(" completed")
    return dict(json.loads(body))


@pytest.mark.usefixtures("loop")
def test_the_example_with_pytorch(api: Any, key: str, tmp_path: Path) -> None:
    if find_spec("torch") is None:
        absent("PyTorch (make torch)")
    result = _ran("external_pytorch.py", api, key, tmp_path)
    assert result["test"]["score"] > 0.9
    assert set(result["ranges"]) == {"lr", "units"}


@pytest.mark.usefixtures("loop")
def test_the_example_with_scikit_learn(api: Any, key: str, tmp_path: Path) -> None:
    result = _ran("external_sklearn.py", api, key, tmp_path)
    assert result["test"]["score"] > 0.9
    assert set(result["ranges"]) == {"C", "kernel", "gamma"}
    with Client(api.url, key) as client:
        best = next(client.trials(result["id"], sort="-score", round=1))
    assert best.score is not None
    assert best.metrics is not None
    assert 0.5 < best.metrics["worst_fold"] <= best.score
    assert best.cost is not None


@pytest.mark.usefixtures("loop")
def test_the_example_with_lightgbm(api: Any, key: str, tmp_path: Path) -> None:
    try:
        import lightgbm  # noqa: F401
    except OSError as error:  # its wheel lacks the library of OpenMP (libgomp1)
        pytest.skip(f"LightGBM cannot be loaded here: {error}")
    result = _ran("external_lightgbm.py", api, key, tmp_path)
    assert result["direction"] == "minimize"
    assert result["test"]["score"] < 0.35
    with Client(api.url, key) as client:
        states = {trial.state for trial in client.trials(result["id"])}
    assert states == {"completed", "stopped"}
