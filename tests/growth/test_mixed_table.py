"""A file with words and gaps, as it came: upload, search, sealed test, and the winner on the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from growth.service import SMALL, Service
from hpsearch import nn
from hpsearch.data.examples import read_columns

SPEC = {
    **SMALL,
    "dataset": "birds",
    "model": {"hidden_sizes": [8], "batch_size": 16, "optimizer": "adam", "max_levels": 3},
    "epochs": {"first": 2, "last": 8},
    "final": {"epochs": 8, "models": 2},
}


def birds(rows: int = 160) -> str:
    """Three species by bill, mass and island; an id, a ringing day, and gaps written NA."""
    rng = np.random.default_rng(4)
    species = rng.integers(0, 3, rows)
    bill = np.round(rng.normal(np.array([38.0, 47, 44])[species], 3), 1).astype(str)
    mass = np.round(rng.normal(np.array([3700, 5000, 3800])[species], 450)).astype(int).astype(str)
    island = np.array(["Biscoe", "Dream", "Torgersen", "Rare"])[
        np.where(rng.random(rows) < 0.02, 3, (species + (rng.random(rows) < 0.3)) % 3)
    ]
    sex = np.array(["female", "male"])[rng.integers(0, 2, rows)]
    day = [f"2007-11-{1 + d:02}" for d in rng.integers(0, 28, rows)]
    for column in (bill, mass, sex):
        column[rng.random(rows) < 0.06] = "NA"
    names = np.array(["Adelie", "Gentoo", "Chinstrap"])[species]
    lines = zip(island, bill, mass, sex, day, names, strict=True)
    return "island,bill,mass,sex,day,species\n" + "".join(",".join(one) + "\n" for one in lines)


def test_a_file_with_words_and_gaps_becomes_a_model_that_takes_it(
    grown: Service, tmp_path: Path
) -> None:
    content = birds()
    stored = grown.upload("birds", content, "text/csv")
    ended = grown.complete(SPEC)
    test = ended.result["test"]
    assert test["accuracy"] > 0.6
    assert ended.result["digest"] is not None
    assert grown.replayed(ended.id, training=True) == []

    file, winner = tmp_path / "birds.csv", tmp_path / "winner.npz"
    file.write_text(content)
    winner.write_bytes(grown.raw("GET", f"/api/v1/searches/{ended.id}/model").data)
    model = nn.Model.load(winner)
    said = np.array(model.predict(read_columns(file)))
    truth = np.array([line.split(",")[-1] for line in content.split()[1:]])
    sealed = grown.call("GET", f"/datasets/{stored['name']}/test-rows")["rows"]
    assert (said == truth)[sealed].mean() == pytest.approx(test["accuracy"])
