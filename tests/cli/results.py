"""The answer of a completed search, as the service sends it."""

from __future__ import annotations

from typing import Any

RESULT: dict[str, Any] = {
    "id": "s1",
    "name": "first",
    "state": "completed",
    "ranges": {
        "learning_rate": {
            "low": 0.05,
            "high": 2.0,
            "scale": "log",
            "verdict": "open_high",
            "reason": "the best lean on the upper edge",
            "asked": {"low": 1e-5, "high": 1.0, "scale": "log"},
            "outside_asked": True,
        },
        "hidden_sizes": {
            "choices": [[50], [100, 50]],
            "verdict": "kept",
            "reason": "no difference",
            "asked": {"choices": [[50], [100, 50]]},
            "outside_asked": False,
        },
    },
    "recommended": {
        "params": {"learning_rate": 0.5, "hidden_sizes": [100, 50]},
        "validation_accuracy": 0.97,
        "sd": 0.01,
    },
    "best_trial": {"trial": "t1", "params": {}, "validation_accuracy": 0.97},
    "test": {
        "accuracy": 0.9612,
        "ci95": [0.94, 0.98],
        "mean": 0.9555,
        "sd": 0.004,
        "models": [
            {"params": {}, "seed": [1], "accuracy": 0.96, "role": "recommended"},
            {"params": {}, "seed": [2], "accuracy": 0.95, "role": "drawn"},
            {"params": {}, "seed": [3], "accuracy": 0.961, "role": "drawn"},
        ],
        "ensemble_accuracy": 0.9666,
        "examples": 360,
        "opened_at": "2026-01-01T00:00:00Z",
        "attempts": 1,
        "dataset_openings": 3,
    },
    "optimism": 0.0123,
    "health": ["half of the trials diverged"],
    "digest": None,
    "digest_reason": "two kinds of processors took part",
}
