"""Ways to search and to fix every hyperparameter."""

from __future__ import annotations

LOG = {"low": 1e-5, "high": 1.0, "scale": "log"}
# One way to search every hyperparameter, and what has to be fixed for it to have an effect.
SEARCHED = {
    "learning_rate": (LOG, {}),
    "weight_decay": ({"low": 0.0, "high": 0.1}, {}),
    "momentum": ({"low": 0.0, "high": 0.99}, {"optimizer": "momentum"}),
    "beta1": ({"low": 0.1, "high": 0.99}, {"optimizer": "adam"}),
    "beta2": ({"low": 0.9, "high": 0.9999}, {"optimizer": "adamw"}),
    "rho": ({"choices": [0.9, 0.99]}, {"optimizer": "rmsprop"}),
    "eps": ({"low": 1e-10, "high": 1e-3, "scale": "log"}, {"optimizer": "adagrad"}),
    "dropout": ({"low": 0.0, "high": 0.5}, {}),
    "init_std": ({"low": 0.001, "high": 1.0, "scale": "log"}, {"initializer": "normal"}),
    "clip_norm": ({"choices": [None, 0.1, 10.0]}, {}),
    "class_weight": ({"choices": [None, "balanced"]}, {}),
    "loss": ({"choices": ["cross_entropy"]}, {}),
    "initializer": ({"choices": ["he", "xavier"]}, {}),
    "schedule": ({"choices": ["constant", "cosine", "step"]}, {}),
    "activation": ({"choices": ["relu", "sigmoid", "tanh"]}, {}),
    "optimizer": ({"choices": ["sgd", "adam"]}, {}),
    "batch_norm": ({"choices": [True, False]}, {}),
    "batch_size": ({"low": 8, "high": 128, "scale": "log"}, {}),
    "hidden_sizes": ({"choices": [[], [50], [50, 20]]}, {}),
    "hidden_units": ({"low": 16, "high": 128, "scale": "log"}, {}),
    "hidden_layers": ({"low": 1, "high": 3}, {}),
    "scaling": ({"choices": ["standard", "robust"]}, {}),
    "max_levels": ({"low": 2, "high": 40, "scale": "log"}, {}),
}
FIXED = {
    "hidden_sizes": [10, 20], "activation": "tanh", "initializer": "he", "init_std": 0.1,
    "optimizer": "adam", "learning_rate": 0.1, "weight_decay": 0.01, "momentum": 0.5,
    "beta1": 0.8, "beta2": 0.99, "rho": 0.8, "eps": 1e-6, "schedule": "cosine", "clip_norm": 1.0,
    "batch_size": 64, "batch_norm": True, "dropout": 0.2, "class_weight": "balanced",
    "scaling": "robust", "max_levels": 8,
    "loss": "cross_entropy",
}  # fmt: skip
