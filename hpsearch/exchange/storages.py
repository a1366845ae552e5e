"""Storages of Optuna by their address: a URL of SQLAlchemy's, or the path of a journal file."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hpsearch.errors import NotFound, Unavailable
from hpsearch.logs import redact

ROWS = 200  # trials that are held before their rows are written
SQLITE = b"SQLite format 3\0"  # the first bytes of such a file


@contextmanager
def reading(optuna: Any, address: str) -> Iterator[Any]:
    """Open the storage at an address for a `with` block that reads. Nothing is made there.

    Raises
    ------
    NotFound
        There is none.
    Unavailable
        It cannot be used.
    """
    with _named(optuna, address):
        url = _url(address)
        storage = _journal(optuna, Path(address), new=False) if url is None else _old(optuna, url)
    with _closing(optuna, storage, address):
        yield storage


@contextmanager
def writing(optuna: Any, address: str) -> Iterator[Any]:
    """Open, or make, the storage at an address for a `with` block that writes.

    A database has all of it in one transaction: nothing of a block that fails, and one wait for
    the disk, where Optuna by itself waits for it with every trial.

    Raises
    ------
    Unavailable
        It cannot be used.
    """
    with _named(optuna, address):
        url = _url(address)
        storage = (
            _journal(optuna, Path(address), new=True) if url is None else _database(optuna, url)
        )
    with _closing(optuna, storage, address):
        if url is None:
            yield storage
            return
        with storage.engine.connect() as connection, connection.begin():
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # Python's driver begins later
            storage.scoped_session.remove()
            storage.scoped_session.configure(bind=connection, join_transaction_mode="rollback_only")
            yield storage


def add_trials(optuna: Any, storage: Any, study: Any, trials: Iterable[Any]) -> int:
    """Add ended trials to a new study and count them.

    A database has their rows at once. `Study.add_trial` asks it about every value of every trial
    before it writes it: forty queries a trial, for what a new study cannot have.
    """
    if not isinstance(storage, optuna.storages.RDBStorage):
        return sum(1 for trial in trials if study.add_trial(trial) is None)
    # Its tables have been the same since 3.2, and RDBStorage has checked their version.
    models, count = importlib.import_module("optuna.storages._rdb.models"), 0
    number = storage.get_study_id_from_name(study.study_name)
    with storage.scoped_session() as session:
        for trial in trials:
            session.add(_row(optuna, models, number, count, trial))
            count += 1
            if count % ROWS == 0:
                session.flush()
                session.expunge_all()
        session.commit()
    return count


def _row(optuna: Any, models: Any, study: int, number: int, trial: Any) -> Any:
    """A trial with all that belongs to it, as Optuna's own tables have it."""
    step_value = models.TrialIntermediateValueModel.intermediate_value_to_stored_repr
    values = (models.TrialValueModel.value_to_stored_repr(v) for v in trial.values or ())
    steps = ((step, *step_value(v)) for step, v in trial.intermediate_values.items())
    return models.TrialModel(
        study_id=study,
        number=number,
        state=trial.state,
        datetime_start=trial.datetime_start,
        datetime_complete=trial.datetime_complete,
        values=[
            models.TrialValueModel(objective=i, value=value, value_type=kind)
            for i, (value, kind) in enumerate(values)
        ],
        params=[
            models.TrialParamModel(
                param_name=name,
                param_value=trial.distributions[name].to_internal_repr(level),
                distribution_json=optuna.distributions.distribution_to_json(
                    trial.distributions[name]
                ),
            )
            for name, level in trial.params.items()
        ],
        user_attributes=[
            models.TrialUserAttributeModel(key=key, value_json=json.dumps(value))
            for key, value in trial.user_attrs.items()
        ],
        intermediate_values=[
            models.TrialIntermediateValueModel(
                step=step, intermediate_value=value, intermediate_value_type=kind
            )
            for step, value, kind in steps
        ],
    )


def _url(address: str) -> str | None:
    """The URL of a database; None for the path of a journal."""
    if "://" in address:
        return address
    path = Path(address)
    if path.is_file():
        with path.open("rb") as file:
            if file.read(len(SQLITE)) == SQLITE:
                return str(sa.URL.create("sqlite", database=address))
    return None


def _database(optuna: Any, url: str) -> Any:
    """The storage of a database, made where there is none, but not beside another program's.

    Of programs that keep their revision in `alembic_version` only one can use a database: Optuna,
    and MLflow, would find the other's there, after their tables have been made.
    """
    engine = sa.create_engine(url)
    try:
        tables = sa.inspect(engine).get_table_names()
    finally:
        engine.dispose()
    if "alembic_version" in tables and "studies" not in tables:
        raise ValueError("another program has its tables there; give Optuna a database of its own")
    return optuna.storages.RDBStorage(url)


def _old(optuna: Any, url: str) -> Any:
    """The storage of a database that has one; Optuna makes its tables wherever it is let in."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        name = (parsed.database or "").removeprefix("file:")
        if name not in ("", ":memory:"):
            _exists(Path(name))
    engine = sa.create_engine(parsed)
    try:
        if not sa.inspect(engine).has_table("studies"):
            raise NotFound("it holds no studies of Optuna")
    finally:
        engine.dispose()
    return optuna.storages.RDBStorage(url)


def _journal(optuna: Any, path: Path, *, new: bool) -> Any:
    if not new:
        _exists(path)
    if path.exists():
        _check_journal(path)
    backend = optuna.storages.journal.JournalFileBackend(str(path))
    return optuna.storages.JournalStorage(backend)


def _check_journal(path: Path) -> None:
    """Refuse a file of another kind, to which a study would be appended."""
    with path.open("rb") as file:
        line = file.readline()
    try:
        operation = json.loads(line or '{"op_code": 0}')
    except ValueError:
        operation = None
    if not isinstance(operation, dict) or "op_code" not in operation:
        raise ValueError("it is neither a journal of Optuna nor an SQLite file")


def _exists(path: Path) -> None:
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent}")
    if not path.exists():
        raise NotFound(f"there is no file {path}")


@contextmanager
def _closing(optuna: Any, storage: Any, address: str) -> Iterator[None]:
    try:
        yield
    except (optuna.exceptions.StorageInternalError, sa.exc.SQLAlchemyError) as error:
        raise _unusable(address, error) from error
    finally:
        if isinstance(storage, optuna.storages.RDBStorage):
            storage.remove_session()
            storage.engine.dispose()


@contextmanager
def _named(optuna: Any, address: str) -> Iterator[None]:
    """Have whatever keeps a storage from being opened say which storage it is."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    except NotFound:
        raise
    except Exception as error:  # whatever its database, or the lack of a driver for it, raises
        raise _unusable(address, error) from error


def _unusable(address: str, error: Exception) -> Unavailable:
    first = (str(error) or type(error).__name__).splitlines()[0]
    return Unavailable(f"the Optuna storage {redact(address)} cannot be used: {redact(first)}")
