#!/usr/bin/env bash
# Optuna: with choices 1 and True side by side, the best parameters are not those that were tried.
#
# suggest_categorical("x", [1, True]) hands both values to the objective. The study stores a choice
# by its place in the list, and finds the place with ==, where 1 and True are one. So every trial
# says x = 1, those that ran with True as well, and best_params gives other scores than best_value
# when it is used. Nothing warns. The same holds for 0 beside False, and 1 beside 1.0.
#
# For users of studies: a switch that may be True, or a number such as 1 of something (layers, jobs,
# a weight), must not be mixed in one list of choices; texts do not have the problem.
# For programs that read or write studies: such a choice cannot be read back; write texts, and do
# not trust a stored value that equals two of the choices.
#
# Exits 1 once the stored trials tell the two apart.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q 'optuna==5.0.0'
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)


def score(x: object) -> float:
    return 1.0 if x is True else 0.0


tried = []


def objective(trial: optuna.Trial) -> float:
    tried.append(trial.suggest_categorical("x", [1, True]))
    return score(tried[-1])


study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(0))
study.optimize(objective, n_trials=20)
stored = [trial.params["x"] for trial in study.trials]
again = score(study.best_params["x"])
print("optuna", optuna.__version__)
print("tried: ", tried)
print("stored:", stored)
print(f"best_value {study.best_value}, the score of best_params {study.best_params}: {again}")
merged = any(x is True for x in tried) and not any(x is True for x in stored)
sys.exit(0 if merged and again != study.best_value else 1)
PYTHON
