"""An export: a search as a table in Markdown, by the command line."""

from __future__ import annotations

from typing import IO

import pytest
from golden.inside import KEY

from growth.service import SMALL, Service
from hpsearch import cli
from hpsearch.exchange import EXPORTS, FileExport, Search, Source


def write_markdown(source: Source, search: str, to: IO[bytes]) -> None:
    views = Search.of(source, search)
    assert views.result is not None
    to.write(f"# {views.status.name}: {views.result.test.accuracy:.4f}\n\n".encode())
    to.write(b"| trial | score |\n|---|---|\n")
    for trial in views.trials:
        if trial.role is None:
            to.write(f"| {trial.id} | {trial.score:.4f} |\n".encode())


def test_an_export_writes_a_search(
    grown: Service, tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HPSEARCH_HOME", str(tmp_path))
    monkeypatch.setenv("HPSEARCH_API_KEY", KEY)
    with EXPORTS.registered("markdown", FileExport(write_markdown)):
        ended = grown.complete({**SMALL, "name": "blobs by sobol"})
        with grown.address() as url:
            monkeypatch.setenv("HPSEARCH_URL", url)
            words = ["export", ended.id, "--format", "markdown"]
            assert cli.run(words) == 0
    title, _, _, _, *rows = capsys.readouterr().out.splitlines()
    assert title == f"# blobs by sobol: {ended.result['test']['accuracy']:.4f}"
    assert rows == [f"| {t['id']} | {t['score']:.4f} |" for t in ended.searched]
    assert cli.run(words) == 2
    assert "'markdown' is not one of 'csv', 'json'" in capsys.readouterr().err
