"""One served instance for all examples, in a folder that looks like a checkout of the project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from support.forked import install
from support.waiting import until

PROJECT = Path(__file__).resolve().parents[2]
# The spec of the examples, with rounds that take a second.
QUICK = {"rounds": 2, "trials_per_round": 8, "epochs": {"first": 1, "last": 2},
         "final": {"epochs": 2, "models": 2}}  # fmt: skip


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that examples speak of."""
    folder = tmp_path_factory.mktemp("examples")
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (programs / "python").chmod(0o755)
    install(programs, folder / "forks.sock")
    (folder / "examples").mkdir()
    digits = json.loads((PROJECT / "examples" / "digits.json").read_text())
    del digits["budget"]  # a whole plan takes seconds
    (folder / "examples" / "digits.json").write_text(json.dumps({**digits, **QUICK}))
    long = {**digits, "trials_per_round": 5000, "epochs": {"first": 500, "last": 500}}
    (folder / "long.json").write_text(json.dumps(long))
    slow = {**digits, **QUICK, "epochs": {"first": 400, "last": 400, "halving": False}}
    (folder / "slow.json").write_text(json.dumps(slow))
    rng = np.random.default_rng(0)
    np.savez(folder / "examples.npz", x=rng.integers(0, 17, (5, 64)).astype(np.float32))
    rows = [f"{a:.3f},{b:.3f},{'up' if a > b else 'down'}" for a, b in rng.normal(size=(80, 2))]
    sweep = {"parameters": {"lr": {"min": 0.0, "max": 1.0}}}
    (folder / "sweep.yaml").write_text(json.dumps(sweep))  # YAML as well
    (folder / "mine.csv").write_text("\n".join(["width,height,class", *rows, ""]))
    return folder


@pytest.fixture(scope="session")
def commands(checkout: Path) -> Iterator[None]:
    """What executes `hpsearch` in the checkout."""
    path = os.pathsep.join([str(PROJECT), str(PROJECT / "tests")])
    process = subprocess.Popen(
        [sys.executable, "-m", "support.forked", str(checkout / "forks.sock")],
        env={**os.environ, "PYTHONPATH": path}, cwd=checkout,
    )  # fmt: skip
    until((checkout / "forks.sock").exists, what="the forks")
    yield
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def served(checkout: Path, with_builtin: Callable[[Path], Path]) -> Iterator[str]:
    """The address of a service whose data lie in `var`, as `make serve` keeps them."""
    with_builtin(checkout / "var" / "data")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HPSEARCH_", "DATABASE_"))}
    kept.pop("REDIS_URL", None)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "hpsearch.cli", "serve", "--port", "0", "--json", "--workers",
         "2", "--home", str(checkout / "var")],
        env={**kept, "PYTHONPATH": str(PROJECT), "HPSEARCH_HEARTBEAT_SECONDS": "1",
             "HPSEARCH_WEBHOOK_HOSTS": "http://127.0.0.1:9000"},
        cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    yield json.loads(line)["url"]
    process.terminate()
    process.communicate(timeout=60)
