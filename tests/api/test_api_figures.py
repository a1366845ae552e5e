"""Figures over HTTP: plotly's JSON of a search in every state, and what it may show of many trials."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from hpsearch.service import Services, figures

SEARCHES = "/api/v1/searches"
SPACE = {
    "learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"},
    "weight_decay": {"low": 1e-6, "high": 1e-2, "scale": "log"},
    "activation": {"choices": ["relu", "tanh"]},
}
NAMES = ["ranges", "trials", "curves", "surface", "importance", "parallel"]


@pytest.fixture
def client(clients: Any) -> httpx.Client:
    """One user for all of this file."""
    return clients(owner="figures")


_COMPLETED: list[str] = []


@pytest.fixture
def search(client: httpx.Client, complete: Any, spec: dict[str, Any]) -> str:
    """A search that has ended, made once: the tests only look at it."""
    if not _COMPLETED:
        status = complete(client, {**spec, "space": SPACE, "trials_per_round": 16, "rounds": 3})
        assert status["state"] == "completed", status
        _COMPLETED.append(f"{SEARCHES}/{status['id']}")
    return _COMPLETED[0]


def test_a_completed_search_has_every_figure(client: httpx.Client, search: str) -> None:
    for name in NAMES:
        answer = client.get(f"{search}/figures/{name}")
        assert answer.status_code == 200, answer.text
        figure = answer.json()
        assert figure["data"], name
        assert figure["layout"]["height"] > 0


def test_searches_are_compared_by_their_best_so_far(
    client: httpx.Client, clients: Any, search: str, spec: dict[str, Any]
) -> None:
    ended = search.removeprefix(f"{SEARCHES}/")
    waiting = client.post(SEARCHES, json={**spec, "name": "waits"}).json()["id"]
    figure = client.get("/api/v1/figures/progress", params={"searches": f"{ended},{waiting}"})
    (line,) = figure.json()["data"]
    status = client.get(search).json()
    assert line["name"] == ended
    assert line["x"][-1] == status["epochs"]["trained"]
    assert line["y"] == sorted(line["y"])
    assert line["y"][-1] == pytest.approx(status["best"]["score"])
    asked = {"searches": f"{ended},{ended}x"}
    assert client.get("/api/v1/figures/progress", params=asked).status_code == 404
    asked = {"searches": ended}
    assert clients().get("/api/v1/figures/progress", params=asked).status_code == 404
    many = {"searches": ",".join("abcdef")}
    assert client.get("/api/v1/figures/progress", params=many).status_code == 400


def test_the_last_bar_is_the_range_of_the_result(client: httpx.Client, search: str) -> None:
    best = client.get(f"{search}/result").json()["ranges"]["learning_rate"]
    figure = client.get(f"{search}/figures/ranges").json()
    bars = [t for t in figure["data"] if t["type"] == "bar" and t["x"] == ["best"]]
    ends = [(t["base"][0], t["base"][0] + t["y"][0]) for t in bars]
    assert pytest.approx((best["low"], best["high"])) in ends
    narrow = client.get(f"{search}/figures/ranges", params={"columns": 1}).json()["layout"]
    assert figure["layout"]["xaxis2"]["domain"][0] > 0.5
    assert narrow["xaxis2"]["domain"] == [0, 1]
    assert narrow["height"] > figure["layout"]["height"]
    assert client.get(f"{search}/figures/curves", params={"columns": 1}).status_code == 400


def test_the_surface_was_stored_and_is_not_computed(
    client: httpx.Client, search: str, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = client.get(f"{search}/figures/surface").json()
    heat = figure["data"][0]
    owner = services.store.read(lambda tx: tx.searches.get(search.rsplit("/", 1)[1])).owner
    stored = services.figures.surface(search.rsplit("/", 1)[1], owner=owner)
    assert stored is not None
    assert {stored.x, stored.y} == {"learning_rate", "weight_decay"}
    assert heat["z"] == stored.mean


def test_before_the_first_round_a_figure_says_that_there_is_nothing(
    client: httpx.Client, spec: dict[str, Any]
) -> None:
    made = client.post(SEARCHES, json=spec)
    for name in (*NAMES, "tuning"):
        figure = client.get(f"{made.headers['Location']}/figures/{name}").json()
        assert figure["layout"]["annotations"][0]["text"], name


def test_axes_are_chosen_and_mistakes_are_named(client: httpx.Client, search: str) -> None:
    asked = {"x": "weight_decay", "y": "activation"}
    figure = client.get(f"{search}/figures/trials", params=asked).json()
    assert figure["layout"]["xaxis"]["title"]["text"] == "weight decay"
    wrong = client.get(f"{search}/figures/trials", params={"x": "colour"})
    assert wrong.status_code == 400
    assert "'colour' is not searched; there are activation, learning_rate" in wrong.json()["detail"]
    assert client.get(f"{search}/figures/curves", params={"x": "momentum"}).status_code == 400
    unknown = client.get(f"{search}/figures/pie")
    assert unknown.status_code == 404
    assert "there are ranges, trials" in unknown.json()["detail"]


def test_coordinates_have_an_axis_for_each_hyperparameter_and_a_line_for_each_trial(
    client: httpx.Client, clients: Any, search: str
) -> None:
    view = client.get(f"{search}/coordinates").json()
    assert [axis["name"] for axis in view["axes"]] == [*sorted(SPACE), "validation accuracy"]
    trials = client.get(f"{search}/trials", params={"limit": 1000}).json()["items"]
    searched = {t["id"]: t for t in trials if t["role"] is None}
    assert {line["trial"] for line in view["lines"]} == set(searched)
    assert view["of"] == len(searched)
    for line in view["lines"]:
        assert line["values"][1] == searched[line["trial"]]["params"]["learning_rate"]
    assert clients().get(f"{search}/coordinates").status_code == 404


def test_of_many_trials_the_best_and_a_sample_are_shown(
    client: httpx.Client, search: str, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "POINTS", 12)
    monkeypatch.setattr(figures, "BEST", 4)
    id_ = search.rsplit("/", 1)[1]
    owner = services.store.read(lambda tx: tx.searches.get(id_)).owner
    shown, of = services.figures.sample(id_, owner=owner)
    everything = client.get(f"{search}/trials", params={"sort": "-validation_accuracy"}).json()
    searched = [t for t in everything["items"] if t["role"] is None]
    assert of == len(searched)
    assert 4 <= len(shown) <= 12
    assert {t["id"] for t in searched[:4]} <= {t.id for t in shown}
