"""Kinds of layers: the mean of each row of an image, and a gain for each of them that is learned."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from nn.toys import GainSpec, PoolSpec
from numpy.typing import NDArray

from growth.service import SMALL, Service
from hpsearch import nn

ROWS, COLUMNS = 4, 6


def stripes() -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """Images (n, 4, 6) and their classes: the row that is a little brighter."""
    rng = np.random.default_rng(1)
    y = np.arange(240) % ROWS
    x = rng.integers(0, 160, (len(y), ROWS, COLUMNS))
    x[np.arange(len(y)), y] += 60
    return x.astype(np.uint8), y


def test_layers_are_named_in_a_spec_and_trained(grown: Service, tmp_path: Path) -> None:
    x, y = stripes()
    file = io.BytesIO()
    np.savez(file, x=x, y=y)
    grown.upload("stripes", file.getvalue(), "application/octet-stream")
    layers = [{"kind": "pool"}, {"kind": "gain", "start": 0.5}]
    spec = {
        **SMALL,
        "dataset": "stripes",
        "model": {"hidden_sizes": [], "batch_size": 8, "layers": layers},
        "epochs": {"first": 2, "last": 8},
        "final": {"epochs": 8, "models": 2},
    }
    with (
        nn.LAYERS.registered("gain", GainSpec),
        grown.added(nn.LAYERS, "pool", PoolSpec, spec, "model.layers[0]") as ended,
    ):
        assert ended.spec["model"]["layers"] == layers
        assert ended.result["test"]["accuracy"] > 0.8
        stored = tmp_path / "model.npz"
        stored.write_bytes(grown.raw("GET", f"/api/v1/searches/{ended.id}/model").data)
        with np.load(stored) as arrays:
            assert arrays["layer0.gain"].shape == (ROWS,)
            assert arrays["layer0.weight"].shape == (ROWS, ROWS)
            assert np.abs(arrays["layer0.gain"] - 0.5).min() > 0.01  # it has learned, too
        model = nn.Model.load(stored)
        assert model.shape.layers == (PoolSpec(), GainSpec(0.5))
        assert np.mean(np.array(model.predict(x), int) == y) > 0.8
        assert grown.replayed(ended.id, training=True) == []
    assert grown.refused(spec) == ["model.layers[0]", "model.layers[1]"]  # nobody knows these kinds


def test_mistakes_in_layers_have_their_paths(grown: Service) -> None:
    with nn.LAYERS.registered("gain", GainSpec), nn.LAYERS.registered("pool", PoolSpec):
        for layers, path in (
            ([{"kind": "pool"}], "model.layers"),  # blobs are no images
            ([{"kind": "gain", "start": "1"}], "model.layers[0].start"),
            ([{"kind": "gain"}, {"kind": "gain", "stop": 1}], "model.layers[1]"),
            (
                [{"kind": "dense", "units": 3}],
                "model.layers[0]",
            ),  # that is what hidden_sizes are for
            (["gain"], "model.layers[0]"),
            ([{"kind": []}], "model.layers[0]"),
            ([{"kind": "gain"}] * 11, "model.layers"),
            ("gain", "model.layers"),
        ):
            assert grown.refused({**SMALL, "model": {"layers": layers}}) == [path]
        plain = grown.complete({**SMALL, "rounds": 1, "trials_per_round": 2})
        assert "layers" not in plain.spec["model"]
