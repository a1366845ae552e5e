"""Results that other tools wrote, read for a search: what is taken, what is not, and what is said."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import zipfile
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from hpsearch.errors import HpsearchError, InvalidRequest, NotFound
from hpsearch.exchange.documents import read_documents
from hpsearch.exchange.spaces.formats import convert_documents
from hpsearch.exchange.stores import files, formats

STORES = Path(__file__).with_name("stores")
EXPECTED: dict[str, dict[str, Any]] = json.loads((STORES / "expected.json").read_text())
LR = {"low": 1e-4, "high": 1.0, "scale": "log"}
UNITS = {"low": 4, "high": 64, "integer": True, "scale": "log"}
FLAG = {"choices": [True, False]}
ACT = {"choices": ["relu", "tanh"]}
ACT_OR_NONE = {"choices": ["relu", None, "tanh"]}
COMMON = {"lr": LR, "units": UNITS, "flag": FLAG}
SPACES: dict[str, tuple[str, dict[str, Any]]] = {
    "nni": ("maximize", {**COMMON, "act": ACT_OR_NONE, "n": {"low": 1, "high": 4, "integer": True}}),
    "smac": ("minimize", {**COMMON, "act": ACT, "momentum": {"low": 0, "high": 0.99}}),
    "synetune": ("minimize", {**COMMON, "act": ACT, "i": {"low": 0, "high": 6, "integer": True}}),
    "kerastuner": (
        "minimize",
        {**COMMON, "act": ACT, "s": {"choices": [2, 4, 8, 16, 32]}, "slope": {"low": 0, "high": 1}},
    ),
    "ray": (
        "minimize",
        {
            **COMMON,
            "act": ACT_OR_NONE,
            "i": {"low": 0, "high": 6, "integer": True},
            "opt.name": {"choices": ["adam", "sgd"]},
            "opt.wd": {"low": 0, "high": 2},
        },
    ),
    "bayesopt": (
        "maximize",
        {"lr": {"low": -4, "high": 0}, "units": {"low": 4, "high": 64, "integer": True}, "act": ACT,
         "flag": {"choices": ["t", "f"]}},
    ),
}  # fmt: skip


def spec(tool: str, **changes: Any) -> dict[str, Any]:
    direction, space = SPACES[tool]
    epochs = {"first": 1, "last": 4}
    base = {"objective": "external", "direction": direction, "epochs": epochs, "space": space}
    return {**base, **changes}


def place(tool: str, folder: Path = STORES) -> Path:
    return folder / tool / ("state.json" if tool == "bayesopt" else "")


def as_taken(tool: str) -> list[dict[str, Any]]:
    """The expected observations as a spec has them: scores as reported, and of a curve what is looked at."""
    direction, space = SPACES[tool]
    sign = -1 if direction == "minimize" else 1
    taken = []
    for one in EXPECTED[tool]["observations"]:
        params = {name.replace("/", "."): value for name, value in one["params"].items()}
        made = {"params": {n: v for n, v in params.items() if n in space}, "state": one["state"],
                "epochs": one["epochs"]}  # fmt: skip
        if one["state"] != "diverged":
            made["score"] = sign * one["score"]
            curve = ((e, sign * score) for e, score in one["curve"])
            made["curve"] = [[e, s] for e, s in curve if e & (e - 1) == 0 and e < one["epochs"]]
        taken.append(made)
    return taken


@pytest.mark.parametrize("tool", SPACES)
def test_results_that_the_tool_wrote(tool: str) -> None:
    imported = formats.read(spec(tool), place(tool))
    assert list(imported.observations) == as_taken(tool)
    assert sum(imported.left_out.values()) == EXPECTED[tool]["left_out"]
    assert imported.trials == len(imported.observations) + EXPECTED[tool]["left_out"]


@pytest.mark.parametrize("tool", [name for name in SPACES if name != "ray"])
def test_another_direction_is_refused(tool: str) -> None:
    other = {"maximize": "minimize", "minimize": "maximize"}[SPACES[tool][0]]
    with pytest.raises(InvalidRequest, match=f'"direction": "{SPACES[tool][0]}"'):
        formats.read(spec(tool, direction=other), place(tool))


def test_ray_does_not_know_its_direction() -> None:
    imported = formats.read(spec("ray", direction="maximize"), place("ray"))
    assert any("the mode is not in Ray's files" in one for one in imported.remarks)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Copies of the stores, to be changed."""
    for tool in SPACES:
        shutil.copytree(STORES / tool, tmp_path / tool)
    return tmp_path


def test_a_metric_is_asked_for_where_ray_names_none(copied: Path) -> None:
    for state in (copied / "ray").glob("experiment_state*.json"):
        state.unlink()
    (copied / "ray" / "obj_1" / "error.txt").write_text("boom")
    with pytest.raises(InvalidRequest, match="give --metric"):
        formats.read(spec("ray"), copied / "ray")
    imported = formats.read(spec("ray"), copied / "ray", metric="score")
    assert len(imported.observations) == len(as_taken("ray"))


def test_a_line_that_was_cut_off_is_left_out(copied: Path) -> None:
    with (copied / "ray" / "obj_4" / "result.json").open("a") as file:
        file.write('{"score": 0.1, "done": fal')
    assert list(formats.read(spec("ray"), copied / "ray").observations) == as_taken("ray")


def run(config: int, budget: float | None, cost: float, **more: Any) -> dict[str, Any]:
    return {"config_id": config, "budget": budget, "cost": cost, "status": 1, "seed": 0, **more}


def test_budgets_of_smac_are_epochs_and_seeds_are_averaged(tmp_path: Path) -> None:
    history = {
        "configs": {"1": {"lr": 0.5}, "2": {"lr": 0.25}, "3": {"lr": 0.125}},
        "data": [
            run(1, 1.333, 0.5), run(1, 4.0, 0.25), run(1, 4.0, 0.75, seed=1), run(2, 1.333, 0.75),
            run(3, 4.0, float("inf"), status=3),
        ],
    }  # fmt: skip
    (tmp_path / "runhistory.json").write_text(json.dumps(history))
    imported = formats.read(spec("smac", space={"lr": LR}), tmp_path)
    assert imported.observations == [
        {
            "params": {"lr": 0.5},
            "state": "completed",
            "epochs": 4,
            "score": 0.5,
            "curve": [[1, 0.5]],
        },
        {"params": {"lr": 0.25}, "state": "stopped", "epochs": 1, "score": 0.75, "curve": []},
    ]
    assert any("rounded, such as 1.333" in one for one in imported.remarks)


def keras(
    folder: Path, number: int, score: float | None, steps: dict[int, float], **values: Any
) -> None:
    """A trial; of several metrics the score is that of loss."""
    trial = {
        "trial_id": str(number),
        "hyperparameters": {"values": {"lr": 0.1 * (number + 1), **values}},
        "metrics": {"metrics": {
            "loss": {"direction": "min", "observations": [{"step": s, "value": [v - 0.125, v + 0.125]} for s, v in steps.items()]},
            "accuracy": {"direction": "max", "observations": [{"step": s, "value": [9.0]} for s in steps]},
        }},
        "score": score,
        "status": "FAILED" if score is None else "COMPLETED",
    }  # fmt: skip
    file = folder / f"trial_{number}" / "trial.json"
    file.parent.mkdir()
    file.write_text(json.dumps(trial))


def test_trials_of_hyperband_that_go_on_are_one(tmp_path: Path) -> None:
    first = {"tuner/epochs": 2, "tuner/initial_epoch": 0}
    keras(tmp_path, 0, 0.5, {1: 0.5}, **first)
    keras(tmp_path, 1, 0.75, {0: 0.75}, **first)
    again = {"tuner/epochs": 4, "tuner/initial_epoch": 2, "tuner/trial_id": "0", "lr": 0.1}
    keras(tmp_path, 2, 0.25, {1: 0.25}, **again)
    keras(tmp_path, 3, None, {}, **{**again, "tuner/trial_id": "1", "lr": 0.2})
    imported = formats.read(spec("kerastuner", space={"lr": LR}), tmp_path)
    assert imported.observations == [
        {
            "params": {"lr": 0.2},
            "state": "stopped",
            "epochs": 2,
            "score": 0.75,
            "curve": [[1, 0.75]],
        },
        {
            "params": {"lr": 0.1},
            "state": "completed",
            "epochs": 4,
            "score": 0.25,
            "curve": [[2, 0.5]],
        },
    ]
    assert sum(imported.left_out.values()) == 1


def test_a_column_for_each_category_has_to_be_there() -> None:
    space = {**SPACES["bayesopt"][1], "act": {"choices": ["relu", "tanh", "elu"]}}
    with pytest.raises(InvalidRequest, match="columns"):
        formats.read(spec("bayesopt", space=space), place("bayesopt"))


def test_other_paths_are_answered(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no file or folder"):
        formats.read(spec("nni"), tmp_path / "none")
    with pytest.raises(InvalidRequest, match="holds no results of any of nni, smac"):
        formats.read(spec("nni"), tmp_path)
    with pytest.raises(InvalidRequest, match="holds no results of ray"):
        formats.read(spec("nni"), place("nni"), tool="ray")
    shutil.copy(STORES / "nni" / "nni.sqlite", tmp_path)
    shutil.copy(STORES / "smac" / "runhistory.json", tmp_path)
    with pytest.raises(InvalidRequest, match="could be nni or smac; give --from"):
        formats.read(spec("nni"), tmp_path)
    assert formats.read(spec("nni"), tmp_path, tool="nni").trials == 6


def test_an_archive_that_grows_is_refused(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpsearch.exchange.stores.synetune.STORE_MOST", 1000)
    with zipfile.ZipFile(
        copied / "synetune" / "results.csv.zip", "w", zipfile.ZIP_DEFLATED
    ) as archive:
        archive.writestr("results.csv", "trial_id,epoch\n" + "0,1\n" * 1000)
    with pytest.raises(HpsearchError, match="more than 1,000 bytes"):
        formats.read(spec("synetune"), copied / "synetune")


def test_a_trial_that_is_a_path_is_refused(copied: Path) -> None:
    file = copied / "synetune" / "results.csv"
    (copied / "synetune" / "results.csv.zip").unlink()
    file.write_text("trial_id,epoch,score,st_decision\n../../etc,1,0.5,STOP\n")
    with pytest.raises(InvalidRequest, match="a trial that is no number"):
        formats.read(spec("synetune"), copied / "synetune")


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "nni.sqlite")) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.commit()
    with pytest.raises(HpsearchError, match="cannot be used as a database of NNI"):
        formats.read(spec("nni"), tmp_path)


WRONG: list[Any] = [
    None,
    True,
    -1,
    0,
    2.5,
    "",
    "x",
    [],
    {},
    [[]],
    {"a": {}},
    [1, None],
    10**400,
    "NaN",
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value if isinstance(value, list) else ())
    )
    return [path, *(p for key, one in inner for p in places(one, (*path, key)))]


CHANGED = {
    "smac": "runhistory.json",
    "synetune": "metadata.json",
    "kerastuner": "trial_4/trial.json",
    "ray": "obj_4/result.json",
    "bayesopt": "state.json",
}


@pytest.mark.parametrize("tool", CHANGED)
def test_stores_of_wrong_types_are_answered(tool: str, copied: Path) -> None:
    """Values of a file are replaced by values of other types: trials, or one clear error."""
    file = copied / tool / CHANGED[tool]
    whole = file.read_text()
    text = whole.splitlines()[0] if tool == "ray" else whole
    document, draw = json.loads(text), random.Random(0)
    for path in draw.sample(places(document)[1:], min(60, len(places(document)) - 1)):
        changed = json.loads(text)
        inner = changed
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = draw.choice(WRONG)
        file.write_text(json.dumps(changed) + whole.removeprefix(text))
        with suppress(HpsearchError):
            formats.read(spec(tool), place(tool, copied), tool=tool)


def test_nni_rows_of_wrong_types_are_answered(copied: Path) -> None:
    draw = random.Random(0)
    columns = [("TrialJobEvent", "data"), ("TrialJobEvent", "event"), ("TrialJobEvent", "trialJobId"),
               ("MetricData", "data"), ("MetricData", "sequence"), ("ExperimentProfile", "params")]  # fmt: skip
    file = copied / "nni" / "nni.sqlite"
    for table, column in columns:
        for wrong in (None, 3, b"\xff\x00", "", "[]", '"{', '{"parameters": 3}', '"[1]"', 1e300):
            shutil.copy(STORES / "nni" / "nni.sqlite", file)
            with closing(sqlite3.connect(file)) as connection:
                row = draw.choice(connection.execute(f"SELECT rowid FROM {table}").fetchall())
                connection.execute(
                    f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (wrong, *row)
                )
                connection.commit()
            with suppress(HpsearchError):
                formats.read(spec("nni"), copied / "nni")


def test_a_converted_space_takes_the_results_of_its_tool(tmp_path: Path) -> None:
    made = convert_documents(read_documents(STORES / "synetune" / "metadata.json"), "it")
    assert made.spec["direction"] == "minimize"
    imported = formats.read(made.spec, STORES / "synetune")
    assert len(imported.observations) == len(as_taken("synetune"))
    with closing(sqlite3.connect(STORES / "nni" / "nni.sqlite")) as connection:
        (profile,) = connection.execute("SELECT params FROM ExperimentProfile").fetchone()
    made = convert_documents([json.loads(profile)], "it")
    imported = formats.read(made.spec, STORES / "nni")
    assert list(imported.observations) == as_taken("nni")


def test_the_command_prints_the_spec_with_the_trials(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from hpsearch.cli import run as run_command

    file = tmp_path / "spec.json"
    file.write_text(json.dumps(spec("ray")))
    arguments = ["import", str(place("ray")), "--spec", str(file), "--print"]
    assert run_command(arguments) == 0
    said = capsys.readouterr()
    observations = json.loads(said.out)["warm_start"][0]["observations"]
    assert observations == as_taken("ray")
    assert "1 left out: failed: the trainable raised" in said.err
    assert run_command([*arguments, "--steps-per-epoch", "3"]) == 2
    assert "for studies of Optuna" in capsys.readouterr().err
    assert run_command([*arguments, "--from", "katib"]) == 2
    assert run_command([*arguments, "--optuna", "x.db", "--metric", "m"]) == 2


def test_a_file_beyond_the_bounds_is_refused(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "STORE_MOST", 100)
    with pytest.raises(HpsearchError, match="more than 100 bytes"):
        formats.read(spec("smac"), copied / "smac")


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        ("synetune", "has no metric 'losss'; its columns are epoch, score"),
        ("kerastuner", "has no metric 'losss'; its metrics are"),
        ("smac", "--metric is not for smac"),
        ("bayesopt", "--metric is not for bayesopt"),
    ],
)
def test_a_metric_that_is_not_there_is_no_divergence(tool: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        formats.read(spec(tool), place(tool), metric="losss")


def test_another_metric_than_the_objective_has_its_own_values(tmp_path: Path) -> None:
    keras(tmp_path, 0, 0.5, {0: 0.5})
    asked = spec("kerastuner", space={"lr": LR}, direction="maximize")
    imported = formats.read(asked, tmp_path, metric="accuracy")
    assert [one["score"] for one in imported.observations] == [9.0]


def test_a_value_without_effect_is_not_looked_at(tmp_path: Path) -> None:
    """Whatever a tool keeps for what was not active: the trial is one of the space."""
    history = {
        "configs": {
            "1": {"opt": "sgd", "momentum": 0.5},
            "2": {"opt": "adam", "momentum": None},
            "3": {"opt": "adam"},
            "4": {"opt": "sgd"},
        },
        "data": [run(i, 4.0, 0.25) for i in (1, 2, 3, 4)],
    }
    (tmp_path / "runhistory.json").write_text(json.dumps(history))
    space = {
        "opt": {"choices": ["sgd", "adam"]},
        "momentum": {"low": 0, "high": 1, "when": {"opt": ["sgd"]}},
    }
    imported = formats.read(spec("smac", space=space), tmp_path)
    taken = [one["params"] for one in imported.observations]
    assert taken == [{"opt": "sgd", "momentum": 0.5}, {"opt": "adam"}, {"opt": "adam"}]
    assert imported.left_out == {"of another space: without momentum": 1}
