"""`hpsearch report`: a search as one file, from what the API says of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
from plotly.offline import get_plotlyjs

from hpsearch import cli

NAME = "<script>alert(1)</script> & digits"
SPACE = {
    "learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"},
    "activation": {"choices": ["relu", "tanh"]},
}


def own_part(path: Path) -> str:
    """The page without plotly's script, which is in it once."""
    text = path.read_text(encoding="utf-8")
    assert text.count(get_plotlyjs()) == 1
    return text.replace(get_plotlyjs(), "")


def test_a_completed_search_is_one_file(
    commands: httpx.Client, complete: Any, spec: dict[str, Any], tmp_path: Path, capsys: Any
) -> None:
    asked = {**spec, "name": NAME, "space": SPACE, "trials_per_round": 16, "rounds": 3}
    ended = complete(commands, asked)
    file = tmp_path / "report.html"
    assert cli.run(["report", ended["id"], "--html", str(file)]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out == f"{file}: open it in a browser\n"
    page = own_part(file)
    assert "default-src 'none'" in page
    assert not re.search(r"https?://|\ssrc=|<link|@import|url\(", page)
    assert "alert(1)" in page
    assert "<script>alert" not in page
    drawn = re.findall(r'<div class="figure" id="(\w+)"', page)
    assert len(drawn) == 6
    assert all(f'Plotly.newPlot("{name}"' in page for name in drawn)
    result = commands.get(f"/api/v1/searches/{ended['id']}/result").json()
    for said in (
        f"{result['test']['accuracy']:.4f}",
        result["digest"],
        result["ranges"]["learning_rate"]["reason"][:40],
        "Finalists",
        "Spec",
    ):
        assert said in page
    listing = re.search(r"<pre>(.*)</pre>", page, re.DOTALL)
    assert listing is not None
    assert "&quot;trials_per_round&quot;: 16" in listing[1]


def test_a_search_that_runs_has_a_report_too(
    commands: httpx.Client, spec: dict[str, Any], tmp_path: Path, capsys: Any
) -> None:
    search = commands.post("/api/v1/searches", json=spec).json()["id"]
    file = tmp_path / "early.html"
    assert cli.run(["report", search, "--html", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file"] == str(file)
    page = own_part(file)
    assert f"Search {search}" in page
    assert "is queued" in page
    assert "0 of 2" in page
    assert "test accuracy" not in page


def test_a_report_that_cannot_be_written_says_so(
    commands: httpx.Client, spec: dict[str, Any], tmp_path: Path, capsys: Any
) -> None:
    search = commands.post("/api/v1/searches", json=spec).json()["id"]
    nowhere = tmp_path / "absent" / "report.html"
    assert cli.run(["report", search, "--html", str(nowhere)]) == 2
    assert f"{nowhere}: No such file" in capsys.readouterr().err
    assert cli.run(["report", "unknown", "--html", str(tmp_path / "r.html")]) == 5
    assert not list(tmp_path.glob("r.html*"))
