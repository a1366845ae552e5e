#!/usr/bin/env bash
# Optuna and MLflow cannot share a database, and looking is enough to change it.
#
# Both keep the revision of their tables in one table of the same name, alembic_version, and both
# make their own tables before they look at it.
#  - optuna.load_study on the database of an MLflow store leaves Optuna's tables in it and then
#    fails: "The runtime optuna version 5.0.0 is no longer compatible with the table schema (set up
#    by optuna 5.0.0). Please try updating optuna". No version of Optuna can be right.
#  - MLflow on a database with a study leaves its tables in it, and fails: "Can't locate revision
#    identified by 'v3.2.0.a'". Optuna still opens its study there.
#
# For users: one database server may serve both, but each needs a database (a schema) of its own;
# the advice to update is wrong there. For programs: look for Optuna's table "studies" before
# RDBStorage is made, which writes even where one only wants to read.
#
# Exits 1 once either of the two behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q 'optuna==5.0.0' 'mlflow-skinny==3.17.2' sqlalchemy alembic
cd "$folder"
"$folder/venv/bin/python" - 2>"$folder/log" <<'PYTHON'
import sqlite3
import sys

import mlflow
import optuna

print("optuna", optuna.__version__, "mlflow", mlflow.__version__)


def tables(path: str) -> set[str]:
    with sqlite3.connect(path) as database:
        return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def said(act) -> str:
    try:
        act()
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return "no error"


def experiments(path: str) -> None:
    mlflow.MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()


experiments("mlflow.db")
before = tables("mlflow.db")
one = said(lambda: optuna.load_study(study_name="none", storage="sqlite:///mlflow.db"))
left = tables("mlflow.db") - before
print("Optuna on an MLflow store:", one)
print(f"tables it left there: {len(left)}, among them {sorted(left)[-3:]}")

optuna.create_study(study_name="s", storage="sqlite:///optuna.db")
before = tables("optuna.db")
other = said(lambda: experiments("optuna.db"))
added = tables("optuna.db") - before
print("MLflow on a database of Optuna:", other)
print(f"tables it left there: {len(added)}")
again = said(lambda: optuna.load_study(study_name="s", storage="sqlite:///optuna.db"))
print("Optuna on it afterwards:", again)
same = (
    "no longer compatible" in one
    and "studies" in left
    and "Can't locate revision" in other
    and "experiments" in added
    and again == "no error"
)
sys.exit(0 if same else 1)
PYTHON
