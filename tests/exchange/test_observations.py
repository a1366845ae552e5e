"""Studies as Optuna writes them, read for a search: what is taken, what is not, and what is said."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import optuna
import pytest

from hpsearch.errors import InvalidRequest, InvalidSpec, NotFound, Unavailable
from hpsearch.exchange import observations, storages

X = {"low": 0.0, "high": 1.0}
Fill = Callable[[optuna.Study], None]


def spec(**space: Any) -> dict[str, Any]:
    return {"objective": "external", "epochs": {"first": 1, "last": 4}, "space": space}


@pytest.fixture
def journal(tmp_path: Path) -> Callable[..., str]:
    """journal(fill, direction): a study "s" in a new journal file, and the file's path."""

    def make(fill: Fill, direction: str = "maximize") -> str:
        path = str(tmp_path / "journal.log")
        backend = optuna.storages.journal.JournalFileBackend(path)
        storage = optuna.storages.JournalStorage(backend)
        sampler = optuna.samplers.RandomSampler(0)
        fill(optuna.create_study(storage=storage, study_name="s", direction=direction,
                                 sampler=sampler))  # fmt: skip
        return path

    return make


def trial(
    value: float | None = 0.5,
    state: str = "COMPLETE",
    *,
    steps: Sequence[int] = (),
    levels: Sequence[Any] | None = None,
    **params: Any,
) -> Any:
    """A trial with choices alone, as many as it needs."""
    return optuna.trial.create_trial(
        state=optuna.trial.TrialState[state],
        value=value,
        params=params,
        distributions={
            name: optuna.distributions.CategoricalDistribution(levels or [level])
            for name, level in params.items()
        },
        intermediate_values=dict.fromkeys(steps, 0.25),
    )


def filled(*trials: Any) -> Fill:
    return lambda study: study.add_trials(trials)


def read(path: str, asked: dict[str, Any], **more: Any) -> observations.Imported:
    return observations.read(asked, storage=path, name="s", **more)


def test_a_step_of_a_tenth_meets_the_choices_it_means(journal: Any) -> None:
    """Optuna stores 0.1 + 2 * 0.1."""

    def fill(study: optuna.Study) -> None:
        study.optimize(lambda t: -abs(t.suggest_float("x", 0.1, 0.5, step=0.1) - 0.3), n_trials=12)
        assert 0.30000000000000004 in {t.params["x"] for t in study.trials}

    imported = read(journal(fill), spec(x={"choices": [0.1, 0.2, 0.3, 0.4, 0.5]}))
    assert (len(imported.observations), imported.trials, imported.left_out) == (12, 12, {})
    best = max(imported.observations, key=lambda o: o["score"])
    assert best["params"] == {"x": 0.3}


def test_the_end_of_a_range_is_inside_it_by_the_digits_that_count(journal: Any) -> None:
    path = journal(filled(trial(x=0.30000000000000004), trial(x=0.31)))
    imported = read(path, spec(x={"low": 0.1, "high": 0.3}))
    assert [o["params"] for o in imported.observations] == [{"x": 0.3}]
    assert imported.left_out == {"x lies beyond its limits, such as 0.31": 1}


def test_whole_numbers_have_no_digits_to_round_away(journal: Any) -> None:
    path = journal(filled(trial(x=1_000_001), trial(x=1_000_003)))
    imported = read(path, spec(x={"choices": [1_000_001, 1_000_002]}))
    assert [o["params"]["x"] for o in imported.observations] == [1_000_001]
    assert imported.left_out == {"x is none of its choices, such as 1000003": 1}


@pytest.mark.parametrize("way", ["function", "attribute"])
def test_infeasible_trials_are_no_good_ones(journal: Any, way: str) -> None:
    def fill(study: optuna.Study) -> None:
        for number in range(6):
            one = trial(float(number), x=number / 10)
            limit = [0.0, 1.0 if number >= 4 else -1.0]
            one.system_attrs = (
                {"constraints": limit} if way == "attribute" else {"constraints:c": limit[1]}
            )
            study.add_trial(one)

    imported = read(journal(fill), spec(x=X))
    assert max(o["score"] for o in imported.observations) == 3.0
    assert imported.left_out == {"infeasible: a constraint is above 0": 2}


def test_a_study_that_minimises_starts_an_external_search(journal: Any) -> None:
    path = journal(filled(trial(3.0, x=0.1, steps=(1, 2)), trial(1.0, x=0.2)), "minimize")
    imported = read(path, {**spec(x=X), "direction": "minimize"})
    assert [o["score"] for o in imported.observations] == [3.0, 1.0]
    assert imported.observations[0]["curve"] == [[1, 0.25]]
    with pytest.raises(InvalidRequest, match='to maximize: give the spec "direction": "minimize"'):
        read(path, spec(x=X))
    wanted = {"dataset": "digits", "space": {"dropout": {"low": 0.0, "high": 0.5}}}
    with pytest.raises(InvalidRequest, match="is to minimize; a search by accuracy takes"):
        read(path, wanted)


@pytest.mark.parametrize(
    ("value", "levels", "asked", "reason"),
    [
        (None, [None, "x"], {"choices": ["x", "y"]}, "x is none of its choices, such as null"),
        (None, [None, 0.5], X, "x is no number, such as null"),
        ("16", ["16", 16], {"choices": [16, 32]},
         'x is of another type than its choices: the text "16" is not the number 16'),
        ("1e-3", ["1e-3"], {"choices": [0.001]},
         'x is of another type than its choices: the text "1e-3" is not the number 0.001'),
        (16, [16], {"choices": ["16", "32"]},
         'x is of another type than its choices: the number 16 is not the text "16"'),
        ("true", ["true"], {"choices": [True, False]},
         'x is of another type than its choices: the text "true" is not true'),
        ("0.5", ["0.5"], X, 'x is no number, such as the text "0.5"'),
        (True, [True], X, "x is no number, such as true"),
        (2.5, [2.5], {"low": 1, "high": 8, "integer": True}, "x is no whole number, such as 2.5"),
        (1, [1, True], {"choices": [1, True]},
         "x: 1 and true, 0 and false are one choice in Optuna"),
        (float("inf"), [float("inf")], X, "x: no spec can have inf"),
    ],
)  # fmt: skip
def test_a_value_that_the_space_cannot_hold_leaves_its_trial_out(
    journal: Any, value: Any, levels: Any, asked: dict[str, Any], reason: str
) -> None:
    low = asked["choices"][0] if "choices" in asked else asked["high"]
    good = trial(x=low)
    imported = read(journal(filled(good, trial(x=value, levels=levels))), spec(x=asked))
    assert len(imported.observations) == 1
    assert imported.left_out == {reason: 1}


def test_null_is_a_choice_like_any_other(journal: Any) -> None:
    levels = [None, 0.5, "auto"]
    path = journal(filled(*(trial(x=level, levels=levels) for level in levels)))
    imported = read(path, spec(x={"choices": levels}))
    assert [o["params"]["x"] for o in imported.observations] == levels


def test_a_score_that_no_search_can_have_leaves_its_trial_out(journal: Any) -> None:
    path = journal(filled(trial(0.9, x=0.1), trial(1e150, x=0.2), trial(float("inf"), x=0.3)))
    imported = read(path, spec(x=X))
    assert len(imported.observations) == 1
    assert set(imported.left_out) == {
        "have a value outside [-1e+100, 1e+100], such as 1e+150", "have no finite value",
    }  # fmt: skip


def test_steps_are_not_taken_for_epochs_in_silence(journal: Any) -> None:
    path = journal(filled(trial(x=0.1, steps=(500, 1000, 2000)), trial(x=0.2, steps=[2_000_000])))
    imported = read(path, spec(x=X))
    assert [o["epochs"] for o in imported.observations] == [2000]
    (reason,) = imported.left_out
    assert reason == "reported beyond step 1,000,000; give --steps-per-epoch: 2,000,000"
    (remark,) = imported.remarks
    assert "steps, up to 2,000,000, are taken for epochs, of which the spec has 4" in remark
    both = read(path, spec(x=X), steps_per_epoch=500)
    assert [o["epochs"] for o in both.observations] == [4, 4000]
    assert both.observations[0]["curve"] == [[1, 0.25], [2, 0.25]]
    assert (both.left_out, both.remarks) == ({}, [])


def test_a_conditional_study_counts_its_branches(journal: Any) -> None:
    def objective(one: optuna.Trial) -> float:
        if one.suggest_categorical("kind", ["a", "b"]) == "a":
            return one.suggest_float("x", 0, 1)
        return one.suggest_float("y", 0, 1)

    path = journal(lambda study: study.optimize(objective, n_trials=20))
    imported = read(path, spec(kind={"choices": ["a", "b"]}, x=X))
    taken = len(imported.observations)
    assert 0 < taken < 20
    assert imported.trials == 20
    assert imported.left_out == {"of another space: with y, without x": 20 - taken}
    assert f"{taken} with kind, x" in imported.remarks[0]
    assert f"{20 - taken} with kind, y" in imported.remarks[0]


def test_a_hyperparameter_of_one_value_is_no_part_of_an_external_space(journal: Any) -> None:
    path = journal(filled(trial(x=0.1, seed=7), trial(x=0.2, seed=7)))
    imported = read(path, spec(x=X))
    assert [o["params"] for o in imported.observations] == [{"x": 0.1}, {"x": 0.2}]
    assert "seed is 7 in every trial" in imported.remarks[0]


def test_what_has_not_ended_well_is_counted_by_its_kind(journal: Any) -> None:
    states = ["RUNNING", "WAITING", "FAIL", "FAIL"]
    path = journal(filled(trial(x=0.1), *(trial(None, s, x=0.2) for s in states)))
    imported = read(path, spec(x=X))
    assert sorted(imported.left_out.values()) == [2, 2]
    assert list(imported.left_out) == [
        "have not ended", "failed: the study does not say whether their values were at fault",
    ]  # fmt: skip


def test_nothing_is_made_where_something_is_to_be_read(journal: Any, tmp_path: Path) -> None:
    journal(filled(trial(x=0.1)))
    before = sorted(tmp_path.iterdir())
    typos = (f"sqlite:///{tmp_path}/typo.db", str(tmp_path / "typo.log"),
             f"sqlite:///file:{tmp_path}/typo.db?uri=true")  # fmt: skip
    for typo in typos:
        with pytest.raises(NotFound, match="there is no file"):
            read(typo, spec(x=X))
    with pytest.raises(Unavailable, match="there is no folder"):
        read(f"{tmp_path}/no/typo.log", spec(x=X))
    assert sorted(tmp_path.iterdir()) == before


def test_a_database_of_another_program_gets_no_tables(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE mine (x)")
    for address in (f"sqlite:///{path}", str(path)):
        with pytest.raises(NotFound, match="holds no studies"):
            read(address, spec(x=X))
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]


def test_a_database_with_revisions_of_another_program_is_not_written_to(tmp_path: Path) -> None:
    """MLflow's, or our own: Optuna would leave its tables, and then refuse the revision."""
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE alembic_version (version_num TEXT)")
    with (
        pytest.raises(Unavailable, match="another program has its tables there"),
        storages.writing(optuna, str(path)),
    ):
        pass
    with sqlite3.connect(path) as other:
        assert len(other.execute("SELECT name FROM sqlite_master").fetchall()) == 1


@pytest.mark.parametrize("content", ['{"space": {}}', "id,x\n1,2\n", "[1]\n"])
def test_a_file_of_another_kind_is_no_journal(tmp_path: Path, content: str) -> None:
    path = tmp_path / "file"
    path.write_text(content)
    with pytest.raises(Unavailable, match="neither a journal of Optuna nor an SQLite file"):
        read(str(path), spec(x=X))
    assert path.read_text() == content


def test_the_studies_there_are_and_mistakes_of_the_spec_are_named(journal: Any) -> None:
    path = journal(filled(trial(x=0.1)))
    with pytest.raises(NotFound, match="has no study 't': its studies are: 's'"):
        observations.read(spec(x=X), storage=path, name="t")
    with pytest.raises(InvalidSpec) as caught:
        read(path, spec(x={"low": 1, "high": 0}))
    assert caught.value.mistakes[0].path == "space.x"
