"""The report as a whole: what is run, what is written, and that the page needs nothing else."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from plotly.offline import get_plotlyjs
from support.parsing import in_this_process

from hpsearch import cli
from hpsearch.data import DatasetStore
from hpsearch.errors import InvalidDataset, InvalidRequest
from hpsearch.settings import Settings
from lab import __main__ as lab
from lab import data, running
from lab.data import Dataset, LabData
from lab.registry import EXPERIMENTS

QUICK = ["--quick", "--only", "activations", "--only", "paths"]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HPSEARCH_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HPSEARCH_BENCH_DATA", raising=False)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything in this process; the command below has children for it all."""
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.setitem(DatasetStore.__init__.__kwdefaults__, "parse", in_this_process)


@pytest.mark.usefixtures("alone")
def test_the_page_is_whole_and_loads_nothing(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    output = tmp_path / "lab.html"
    assert lab.main([*QUICK, "--output", str(output)]) == 0
    text = output.read_text()
    assert text.count(get_plotlyjs()) == 1
    own = text.replace(get_plotlyjs(), "")
    assert "http://" not in own
    assert "https://" not in own
    assert not re.search(r"\ssrc=|<link|@import|url\(", own)
    assert "default-src 'none'" in own
    names = re.findall(r'<div class="figure" id="(\w+)"', own)
    assert len(names) == 3  # one of the paths, two of the activations
    assert all(f'Plotly.newPlot("{name}"' in own for name in names)
    assert own.count("<script>") == own.count("</script>") == 1 + len(names)
    told = capsys.readouterr()
    assert "SGD zigzags" in told.out
    assert "experiments on digits" in told.err


def test_the_command_runs_it_in_a_child_and_its_json_has_every_finding(
    tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    output = tmp_path / "lab.html"
    assert cli.run(["lab", *QUICK, "--json", "--output", str(output)]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["output"] == str(output)
    assert output.stat().st_size > len(get_plotlyjs())
    assert list(found["experiments"]) == ["paths", "activations"]  # the chapter's order
    assert found["quick"] is True
    assert "sealed" in found["data"]
    verdicts = {f["verdict"] for e in found["experiments"].values() for f in e["findings"]}
    assert verdicts == {"holds"}


def test_an_experiment_that_nobody_made_is_refused(capfd: pytest.CaptureFixture) -> None:
    assert cli.run(["lab", "--only", "nothing"]) == 2
    assert "no experiment 'nothing'; there are paths, " in capfd.readouterr().err


def test_numpy_is_loaded_after_the_environment_is_set() -> None:
    code = "import sys, lab.__main__; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-P", "-c", code], check=False).returncode == 0


def test_ctrl_c_ends_it_at_once(tmp_path: Path) -> None:
    output = tmp_path / "lab.html"
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "lab", f"--output={output}", "--quick",
         "--only=paths", "--only=overfitting"],  # the second is far from done after the first
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert child.stderr is not None
    try:
        while ":" not in child.stderr.readline():  # until a first experiment is done
            assert child.poll() is None
        os.killpg(child.pid, signal.SIGINT)
        said = child.communicate(timeout=30)[1]
    finally:
        child.kill()
    assert child.returncode == 130
    assert "Traceback" not in said
    assert not output.exists()


@pytest.mark.usefixtures("alone")
def test_where_a_report_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert lab.main(["--quick", "--output", str(tmp_path / "none" / "lab.html")]) == 2
    assert "its folder does not exist" in capsys.readouterr().err
    assert lab.main(["--quick", "--only", "paths", "--output", str(tmp_path)]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_names_are_checked_and_put_in_order() -> None:
    assert running.chosen([]) == list(EXPERIMENTS)
    assert running.chosen(["bayesian", "paths"]) == ["paths", "bayesian"]
    with pytest.raises(InvalidRequest, match="no experiment 'adam'"):
        running.chosen(["adam", "paths"])


def test_processes_change_nothing(dataset: Dataset) -> None:
    names = ["activations", "ensemble"]
    seen: list[str] = []

    def run(processes: int) -> list[running.Done]:
        return running.run_all(
            names, dataset, 1, quick=True, processes=processes,
            on_done=lambda one: seen.append(one.name),
        )  # fmt: skip

    one, two = run(1), run(2)
    assert [d.name for d in one] == [d.name for d in two] == names
    assert [d.findings for d in one] == [d.findings for d in two]
    assert sorted(seen) == sorted(names * 2)


def test_mnist_is_found_where_it_lies(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    bench = tmp_path / "bench"
    environment = {"HPSEARCH_BENCH_DATA": str(bench)}
    assert data.find_mnist(settings, environment) is None
    (bench / "mnist").mkdir(parents=True)
    assert data.find_mnist(settings, environment) is None
    (bench / "mnist" / "train-images-idx3-ubyte.gz").touch()
    assert data.find_mnist(settings, environment) == bench / "mnist"
    own = settings.home / "datasets" / "mnist"
    own.mkdir(parents=True)
    (own / "train-images-idx3-ubyte").touch()
    assert data.find_mnist(settings, environment) == own
    with pytest.raises(InvalidDataset, match="lacks"):
        data.store(tmp_path / "store", own)


def test_nobody_trains_on_what_is_held_out_or_sealed(digits: LabData) -> None:
    assert not set(digits.pool) & set(digits.held_out)
    assert len(digits.pool) + len(digits.held_out) == digits.info.n_train == len(digits.x)
    drawn = digits.draw(100, 7)
    assert set(drawn) <= set(digits.pool)
    assert len(set(drawn)) == 100
    np.testing.assert_array_equal(drawn, digits.draw(100, 7))
    train, held_out = digits.examples(drawn, digits.held_out)
    np.testing.assert_array_equal(train.shift, held_out.shift)  # fitted on the first part alone
    np.testing.assert_allclose(train.shift, digits.x[drawn].mean(axis=0), rtol=1e-5)
