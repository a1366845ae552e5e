"""What the client does beyond one request: it repeats, follows, draws, and makes frames."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import struct
import subprocess
import sys
import termios
import time
import types

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import hpsearch
from hpsearch import errors
from hpsearch.client import Client, Figure, polling
from hpsearch.report.views import StatusView
from hpsearch.trials import SearchState

TRIAL = {
    "id": "1-0", "round": 1, "index": 0, "state": "completed", "params": {"learning_rate": 0.1},
    "epochs": 2, "validation_accuracy": 0.9, "validation_loss": 0.3, "score": 0.9,
}  # fmt: skip


@pytest.fixture
def client(contract):
    with Client(contract.url, "k" * 40, timeout=5, patience=4) as made:
        yield made


def test_the_client_is_the_package_s_own():
    assert hpsearch.Client is Client
    with pytest.raises(AttributeError, match="no attribute 'Server'"):
        _ = hpsearch.Server


def test_a_read_is_repeated_until_the_service_is_back(contract, client, status):
    contract.problem(503, "Unavailable", "starting")
    contract.answer(0)
    contract.answer(200, status)
    assert client.status("s1").id == "s1"
    assert len(contract.asked) == 3


def test_a_change_is_not_repeated_where_nobody_knows_if_it_was_made(contract, client):
    contract.problem(503, "Unavailable", "perhaps it was made")
    with pytest.raises(errors.Unavailable):
        client.cancel("s1")
    with pytest.raises(errors.Unavailable):
        client.ready()  # a question about this moment
    assert len(contract.asked) == 2


def test_a_rate_limit_is_waited_for_as_long_as_it_says(contract, client, status):
    contract.answer(429, {"title": "Too many requests", "detail": "slow"}, Retry_After="1")
    contract.answer(200, status)
    started = time.monotonic()
    assert client.pause("s1").id == "s1"
    assert time.monotonic() - started >= 1
    assert [method for method, *_ in contract.asked] == ["POST", "POST"]


def test_a_limit_beyond_the_patience_is_said_at_once(contract, client):
    contract.answer(429, {"title": "Too many requests", "detail": "later"}, Retry_After="60")
    with pytest.raises(errors.TooMany, match="later") as caught:
        client.status("s1")
    assert caught.value.retry_after == 60
    assert len(contract.asked) == 1


def test_an_upload_is_not_sent_again_from_its_end(contract, client, tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text("a,b\n1,x\n")
    contract.answer(429, {"title": "Too many requests", "detail": "full"}, Retry_After="0")
    with pytest.raises(errors.TooMany):
        client.put_dataset("mine", file)
    assert len(contract.asked) == 1


def test_a_frame_is_sent_with_its_levels(contract, client):
    grades = pd.Categorical(["lo", "hi", None], ["lo", "mid", "hi"], ordered=True)
    frame = pd.DataFrame({"grade": grades, "n": [1, 2, 3]}, index=[0, 1, 3])
    contract.problem(422, "Invalid dataset", "no")
    for sent in (frame, pa.table(frame)):
        with pytest.raises(errors.InvalidDataset):
            client.put_dataset("mine", sent, label="n")
    for _, path, headers, body in contract.asked:
        assert path == "/api/v1/datasets/mine?label=n&filename=frame.parquet"
        assert headers["Content-Type"] == "application/vnd.apache.parquet"
        sent = parquet.read_table(io.BytesIO(body))
        assert sent.schema.field("grade").type.ordered
        assert sent["grade"].chunk(0).dictionary.to_pylist() == ["lo", "mid", "hi"]


def test_a_frame_that_parquet_cannot_hold_is_not_sent(contract, client):
    mixed = pd.DataFrame({"mixed": [1, "x", object()]})
    with pytest.raises(errors.InvalidRequest, match=r"the frame cannot be written.*mixed"):
        client.put_dataset("mine", mixed)
    assert not contract.asked


def test_a_search_is_waited_for(contract, client, status):
    contract.answer(200, status)
    contract.answer(200, {**status, "revision": 4, "state": "completed"})
    assert client.wait("s1", progress=False).state is SearchState.COMPLETED
    assert contract.asked[1][1] == "/api/v1/searches/s1?wait=10"
    assert contract.asked[1][2]["If-None-Match"] == '"3"'


def test_waiting_has_an_end(contract, client, status):
    contract.answer(200, status)
    with pytest.raises(errors.Conflict, match=r"s1 is still running after 0\.2 seconds"):
        client.wait("s1", progress=False, timeout=0.2)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_has_one_line_of_progress(contract, client, status, monkeypatch):
    screen = Terminal()
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", screen)
    contract.answer(200, status)
    ended = {**status, "revision": 4, "state": "completed", "eta_seconds": None}
    contract.answer(200, ended)
    client.wait("s1")
    first, second, third = screen.getvalue().split("\r")
    assert first == ""
    assert "16%" in second
    assert "round 1/4" in second
    assert "about 1 min 15 s left" in second
    assert third.startswith("━" * polling.BAR + " 100%")
    assert third.endswith("\n")
    assert len(third.rstrip("\n")) >= len(second)  # nothing of the longer line stays


def test_a_pipe_has_none(contract, client, status, capsys):
    contract.answer(200, {**status, "state": "failed"})
    assert client.wait("s1").state is SearchState.FAILED
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("variable", [("TERM", "dumb"), ("CI", "true")])
def test_a_terminal_that_shows_no_line_in_place_has_none(
    contract, client, status, monkeypatch, variable
):
    monkeypatch.setenv(*variable)
    monkeypatch.setattr(sys, "stderr", Terminal())
    contract.answer(200, {**status, "state": "failed"})
    client.wait("s1")
    assert sys.stderr.getvalue() == ""


def test_a_real_terminal_shows_one_line():
    """As a program finds it: standard error is a terminal of 60 columns, and CI is not set."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    text = (
        "from hpsearch.client.polling import _line\n"
        "line = _line()\n"
        "line.show('one ' * 30); line.show('two'); line.close()\n"
    )
    kept = {k: v for k, v in os.environ.items() if k not in ("CI", "COLUMNS", "LINES")}
    subprocess.run(
        [sys.executable, "-c", text], stdin=theirs, stdout=theirs, stderr=theirs, check=True,
        env={**kept, "TERM": "xterm"}, timeout=60,
    )  # fmt: skip
    os.close(theirs)
    shown = os.read(ours, 4096).decode()
    os.close(ours)
    _, first, second = shown.split("\r", 2)
    assert first == ("one " * 30)[:59]
    assert second.rstrip("\r\n") == "two".ljust(59)


def _kernel(shell):
    """Modules as a notebook's kernel has them, with this shell."""
    return {"ipykernel": {}, "IPython": {}, "IPython.core": {},
            "IPython.core.getipython": {"get_ipython": lambda: shell}}  # fmt: skip


@pytest.mark.parametrize("shell", [None, types.SimpleNamespace()])
def test_a_program_that_has_only_loaded_a_notebooks_modules_writes_nothing_into_pipes(
    contract, client, status, monkeypatch, capsys, shell
):
    for name, content in _kernel(shell).items():
        monkeypatch.setitem(sys.modules, name, types.SimpleNamespace(**content))
    contract.answer(200, {**status, "state": "cancelled"})
    client.wait("s1")
    assert capsys.readouterr() == ("", "")


def test_a_notebook_has_it_in_an_output_of_the_cell(contract, client, status, monkeypatch, capsys):
    """Replaced under one name, by what IPython has for every front end."""
    shown: list[tuple[str, str, bool]] = []

    def display(data, *, raw, display_id, update):
        assert raw
        shown.append((data["text/plain"], display_id, update))

    shell = types.SimpleNamespace(kernel=object())
    modules = {**_kernel(shell), "IPython.display": {"display": display}}
    for name, content in modules.items():
        monkeypatch.setitem(sys.modules, name, types.SimpleNamespace(**content))
    contract.answer(200, status)
    contract.answer(200, {**status, "revision": 4, "state": "cancelled"})
    client.wait("s1")
    (first, name, replaced), (last, again, then_replaced) = shown
    assert "running, round 1/4" in first
    assert "cancelled, round 1/4" in last
    assert (name, replaced, then_replaced) == (again, False, True)
    assert capsys.readouterr() == ("", "")


def test_progress_of_a_search_without_a_plan(status):
    nothing = {**status, "epochs": {"planned": 0, "trained": 0}, "best": None}
    line = polling.progress(StatusView.model_validate(nothing))
    assert "  0%" in line
    assert "best" not in line


def test_a_figure_shows_itself_and_is_json(contract, client):
    contract.answer(200, {"data": [{"type": "bar"}], "layout": {"height": 300}})
    figure = client.figure("s1", "trials", x="learning_rate")
    assert contract.asked[0][1] == "/api/v1/searches/s1/figures/trials?x=learning_rate"
    shown = figure._repr_mimebundle_()
    assert "window.Plotly.newPlot" in shown["text/html"]  # for pages that nbconvert makes
    assert "http" not in shown["text/html"].replace(shown["text/html"].split('atob("')[1], "")
    assert shown["application/vnd.plotly.v1+json"]["layout"] == {"height": 300}
    assert shown["text/plain"] == "Figure('trials', 1 traces)"
    assert json.loads(figure.to_json()) == figure.to_dict()
    assert figure == Figure("trials", [{"type": "bar"}], {"height": 300})


def test_searches_are_shown_side_by_side(contract, client):
    contract.answer(200, {"data": [{"type": "scatter"}], "layout": {"height": 300}})
    figure = client.progress("s1", "s2")
    assert contract.asked[0][1] == "/api/v1/figures/progress?searches=s1%2Cs2"
    assert figure == Figure("progress", [{"type": "scatter"}], {"height": 300})


def test_what_is_no_figure_is_a_fault(contract, client):
    contract.answer(200, {"data": []})
    with pytest.raises(errors.SystemFault, match="no figure"):
        client.figure("s1", "ranges")


def test_trials_are_a_frame_with_a_column_for_each_hyperparameter(contract, client):
    pytest.importorskip("pandas")
    more = {**TRIAL, "id": "1-1", "index": 1, "params": {"learning_rate": 0.2}, "score": None}
    contract.answer(200, {"items": [TRIAL, more], "next": None})
    frame = client.trials_frame("s1", state="completed")
    assert contract.asked[0][1] == "/api/v1/searches/s1/trials?state=completed&limit=200"
    assert list(frame.index) == ["1-0", "1-1"]
    assert list(frame["learning_rate"]) == [0.1, 0.2]
    assert "curve" not in frame.columns


def test_hyperparameters_never_overwrite_a_trial_s_own_columns(contract, client):
    pytest.importorskip("pandas")
    params = {"epochs": 64, "id": "x", "state": None, "param.id": 2, "param.lr": 0.1, "lr": 0.2}
    contract.answer(200, {"items": [{**TRIAL, "params": params}], "next": None})
    frame = client.trials_frame("s1")
    (row,) = frame.reset_index().to_dict("records")
    assert (row["id"], row["epochs"], row["state"]) == ("1-0", 2, "completed")
    named = ("param.epochs", "param.id", "param.state", "param.param.id", "param.lr", "lr")
    assert [row[name] for name in named] == [64, "x", None, 2, 0.1, 0.2]
    assert len(set(frame.columns)) == len(frame.columns)


def test_a_search_without_trials_is_an_empty_frame(contract, client):
    pytest.importorskip("pandas")
    contract.answer(200, {"items": [], "next": None})
    frame = client.trials_frame("s1")
    assert len(frame) == 0
    assert "validation_accuracy" in frame.columns


def test_without_pandas_a_frame_says_what_to_install(contract, client, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(errors.Misconfigured, match="pip install pandas"):
        client.trials_frame("s1")


def test_all_trials_come_as_one_csv(contract, client):
    contract.answer(200, b"id,round\n1-0,1\n", Content_Type="text/csv")
    to = io.BytesIO()
    client.trials_csv("s1", to)
    assert to.getvalue() == b"id,round\n1-0,1\n"
    assert contract.asked[0][2]["Accept"] == "text/csv"


def test_a_download_that_is_refused_leaves_the_file_alone(contract, client):
    contract.problem(404, "Not found", "no search 's1'")
    to = io.BytesIO()
    with pytest.raises(errors.NotFound, match="no search"):
        client.trials_csv("s1", to)
    assert to.getvalue() == b""
