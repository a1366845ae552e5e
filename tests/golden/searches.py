"""The golden searches: a spec, and what its user does while it runs.

`steps` maps a round to what happens once one of its jobs is done: `edit` (the body of a PATCH),
or `pause` (nothing may be handed out then) with a resume right after it. `trainers` is the number of
trainers of an external search. `"@name"` in `warm_start` stands for another golden search's id.
"""

from __future__ import annotations

from typing import Any

Golden = dict[str, Any]


def log(low: float, high: float, **more: Any) -> dict[str, Any]:
    """A range on a log scale."""
    return {"low": low, "high": high, "scale": "log", **more}


def linear(low: float, high: float, **more: Any) -> dict[str, Any]:
    """A range on a linear scale."""
    return {"low": low, "high": high, **more}


RATE = {"learning_rate": log(1e-3, 1.0)}
RATE_AND_DECAY = {**RATE, "weight_decay": log(1e-6, 1e-1)}
SMALL: Golden = {
    "dataset": "iris",
    "model": {"hidden_sizes": [8], "batch_size": 16},
    "rounds": 3,
    "trials_per_round": 8,
    "epochs": {"first": 1, "last": 4},
    "stop_early": False,  # how many rounds there are then hangs on no last bit
    "final": {"epochs": 4, "models": 2},
}
# With an edit of an edge: the range may grow beyond it again, as for all edits of earlier builds.
OPEN = {"hard_low": None, "hard_high": None}
FULL = {"first": 3, "last": 3, "halving": False}  # every trial is trained to the end
OUTSIDE: Golden = {
    "objective": "external",
    "space": {
        "alpha": log(1e-4, 1.0),
        "depth": linear(1, 12, integer=True),
        "kernel": {"choices": ["flat", "round"]},
    },
    "rounds": 3,
    "trials_per_round": 12,
    "epochs": {"first": 1, "last": 4},
    "final": {"models": 2},
    "stop_early": False,
}


def searched(**changes: Any) -> Golden:
    """A search that the service trains."""
    return {"spec": {**SMALL, "space": RATE, **changes}}


def outside(*, trainers: int = 1, **changes: Any) -> Golden:
    """A search that is trained by its caller."""
    return {"spec": {**OUTSIDE, **changes}, "trainers": trainers}


SEARCHES: dict[str, Golden] = {
    # --- objectives, splits, repeats ---------------------------------------------------------
    "digits_with_defaults": {
        "spec": {"dataset": "digits", "space": RATE_AND_DECAY, "trials_per_round": 16,
                 "model": {"hidden_sizes": [16]}, "final": {"epochs": 6, "models": 3}},
    },
    "accuracy_without_halving": searched(seed=1, space=RATE_AND_DECAY, epochs=FULL, rounds=4),
    "balanced_accuracy_weighted": searched(
        seed=2, dataset="breast_cancer", objective="balanced_accuracy",
        model={**SMALL["model"], "class_weight": "balanced"},
    ),
    "log_loss_folds": searched(seed=3, objective="log_loss", validation={"folds": 3}),
    "validation_repeats": searched(
        seed=4, dataset="wine", validation={"repeats": 2}, validation_fraction=0.3
    ),
    "finalists_repeat_twice": searched(
        seed=5, rounds=4, finalists={"rounds": 2}, final={"epochs": 3, "models": 4,
                                                          "train_on": "train"},
    ),
    "no_finalists_in_cohorts": searched(
        seed=6, finalists={"rounds": 0}, cohort=4, trials_per_round={"first": 16, "last": 6},
        epochs={"first": 1, "last": 8},
    ),
    # --- samplers and narrowing rules ----------------------------------------------------------
    "random_quantile": searched(
        seed=7, sampler="random", narrowing="quantile", space=RATE_AND_DECAY, dataset="wine"
    ),
    "sobol_domain_reduction": searched(
        seed=8, narrowing="domain_reduction", space=RATE_AND_DECAY, rounds=4
    ),
    "gp_level_set": searched(seed=9, sampler="gp", space=RATE_AND_DECAY, dataset="wine", rounds=4),
    "gp_domain_reduction_log_loss": searched(
        seed=10, sampler="gp", narrowing="domain_reduction", objective="log_loss", epochs=FULL
    ),
    "random_level_set_stops_early": searched(
        seed=11, sampler="random", rounds=8, trials_per_round=16, stop_early=True,
        dataset="wine", space={"learning_rate": log(0.05, 1.0)},
    ),
    # --- where ranges go -------------------------------------------------------------------------
    "range_expands_upwards": searched(
        seed=12, dataset="digits", rounds=4, trials_per_round=12,
        space={"learning_rate": log(1e-5, 2e-3)}, model={"hidden_sizes": [16], "batch_size": 64},
    ),
    "range_expands_downwards": searched(
        seed=13, dataset="wine", rounds=4, trials_per_round=12,
        space={"learning_rate": log(1.0, 100.0)},
    ),
    "range_is_open_at_a_hard_limit": searched(
        seed=14, dataset="digits", rounds=4, trials_per_round=12,
        model={"hidden_sizes": [16], "batch_size": 64},
        space={"learning_rate": log(1e-5, 2e-3, hard_high=2e-3)},
    ),
    "first_round_diverges": searched(
        seed=15, rounds=5, space={"learning_rate": log(30.0, 3e3)},
        model={**SMALL["model"], "activation": "relu", "momentum": 0.99, "optimizer": "momentum"},
    ),
    "every_trial_diverges": searched(
        seed=15, narrowing="quantile", space={"learning_rate": log(1e3, 1e4)},
        model={**SMALL["model"], "initializer": "normal", "init_std": 1e3},
    ),
    # --- what is searched ------------------------------------------------------------------------
    "optimizers_and_choices": searched(
        seed=16, trials_per_round=14, rounds=4, dataset="wine",
        space={
            "learning_rate": log(1e-3, 0.3),
            "optimizer": {"choices": ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam",
                                      "adamw"]},
            "activation": {"choices": ["relu", "sigmoid", "tanh"]},
            "batch_size": {"choices": [8, 32]},
        },
        model={"hidden_sizes": [8]},
    ),
    "architecture": searched(
        seed=17, trials_per_round=10, model={"batch_size": 16},
        space={**RATE, "hidden_units": log(4, 32, integer=True),
               "hidden_layers": linear(1, 3, integer=True)},
    ),
    "architecture_by_sizes": searched(
        seed=18, dataset="wine", epochs=FULL, model={"batch_size": 16},
        space={**RATE, "hidden_sizes": {"choices": [[], [8], [16, 8]]},
               "initializer": {"choices": ["auto", "he", "xavier", "normal"]}},
    ),
    "regularized": searched(
        seed=19, dataset="wine", trials_per_round=10,
        model={**SMALL["model"], "optimizer": "momentum", "clip_norm": 1.0},
        space={**RATE, "dropout": linear(0.0, 0.5), "batch_norm": {"choices": [False, True]},
               "schedule": {"choices": ["constant", "cosine", "step"]}},
    ),
    "constants_of_adamw": searched(
        seed=20, trials_per_round=10, rounds=4,
        model={**SMALL["model"], "optimizer": "adamw", "schedule": "cosine", "batch_norm": True},
        space={**RATE_AND_DECAY, "beta1": linear(0.5, 0.99), "beta2": linear(0.9, 0.9999),
               "eps": log(1e-10, 1e-4)},
    ),
    "constants_of_rmsprop": searched(
        seed=21, epochs=FULL,
        model={**SMALL["model"], "optimizer": "rmsprop", "dropout": 0.1},
        space={**RATE, "rho": linear(0.5, 0.99), "clip_norm": log(0.1, 10.0)},
    ),
    "constants_of_nesterov": searched(
        seed=22,
        model={**SMALL["model"], "optimizer": "nesterov", "initializer": "normal"},
        space={**RATE, "momentum": linear(0.5, 0.99), "init_std": log(1e-3, 1.0)},
    ),
    # --- budgets and what came before --------------------------------------------------------------
    "budget_of_epochs": searched(
        seed=23, rounds=5, trials_per_round=12, epochs={"first": 1, "last": 4, "budget": 90}
    ),
    "warm_start_from_searches": searched(
        seed=24, warm_start=["@accuracy_without_halving", "@sobol_domain_reduction"],
        space=RATE_AND_DECAY,
    ),
    "warm_start_from_observations": searched(
        seed=25, sampler="gp",
        warm_start=[{"observations": [
            {"params": {"learning_rate": 0.01}, "epochs": 4, "score": 0.7,
             "curve": [[1, 0.4], [2, 0.6]]},
            {"params": {"learning_rate": 0.1}, "epochs": 4, "score": 0.93},
            {"params": {"learning_rate": 0.3}, "epochs": 2, "score": 0.9, "state": "stopped"},
            {"params": {"learning_rate": 0.9}, "epochs": 1, "score": None, "state": "diverged"},
        ]}],
    ),
    # --- what users do meanwhile -----------------------------------------------------------------
    "edited": {
        **searched(seed=26, space=RATE_AND_DECAY, cohort=4),
        "steps": {
            1: [{"edit": {"space": {"learning_rate": {"low": 1e-2, "high": 2.0, **OPEN}}}}],
            2: [{"edit": {"rounds": 4, "trials_per_round": 6, "epochs": {"last": 6}}},
                {"edit": {"space": {"weight_decay": {"low": 1e-7, "high": 1e-3, **OPEN}}}}],
        },
    },
    "paused": {
        **searched(seed=27, sampler="random", epochs=FULL),
        "steps": {1: [{"pause": True}], 2: [{"pause": True}, {"edit": {"rounds": 4}}]},
    },
    # --- trained elsewhere -----------------------------------------------------------------------
    "external_one_trainer": outside(seed=28),
    "external_three_trainers_gp": outside(seed=29, trainers=3, sampler="gp", rounds=4),
    "external_random_quantile": outside(
        seed=30, trainers=2, sampler="random", narrowing="quantile", rounds=4,
        epochs={"first": 2, "last": 2, "halving": False},
    ),
    "external_edited_and_paused": {
        **outside(seed=31, trainers=2, narrowing="domain_reduction"),
        "steps": {1: [{"edit": {"space": {"alpha": {"high": 0.1, **OPEN}}}}], 2: [{"pause": True}]},
    },
    "external_warm_start": outside(
        seed=32,
        warm_start=["@external_one_trainer", {"observations": [
            {"params": {"alpha": 0.02, "depth": 5, "kernel": "round"}, "epochs": 4, "score": -0.3},
        ]}],
    ),
}  # fmt: skip
