"""evidence: rungs, cohorts, scores, repeats, edits, warm starts

Revision: 0002
After: 0001

Searches that were submitted before keep searching as they were asked to: without halving,
without repeats, to the last round.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
loses = "curves, scores, repeats, edits and warm starts of every search"

ADDED: dict[str, list[tuple[str, sa.types.TypeEngine[Any]]]] = {
    "search": [
        ("best_score", sa.Double()),
        ("edits", sa.JSON()),
        ("warm_start", sa.JSON()),
    ],
    "round": [
        ("rungs", sa.JSON()),
        ("epochs_planned", sa.Integer()),
        ("evidence", sa.JSON()),
        ("best_score", sa.Double()),
    ],
    "trial": [
        ("cohort", sa.Integer()),
        ("score", sa.Double()),
        ("right", sa.LargeBinary()),
    ],
}


def upgrade() -> None:
    for table, columns in ADDED.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name, kind in columns:
                required = name == "cohort"
                default = "0" if required else None
                batch_op.add_column(
                    sa.Column(name, kind, nullable=not required, server_default=default)
                )
    for table in ("search", "round"):
        rows = sa.table(table, sa.column("best_score"), sa.column("best_accuracy"))
        op.execute(rows.update().values(best_score=rows.c.best_accuracy))
    trial = sa.table("trial", sa.column("score"), sa.column("accuracy"))
    op.execute(trial.update().where(trial.c.accuracy >= 0).values(score=trial.c.accuracy))
    _keep_the_old_ways()


def _keep_the_old_ways() -> None:
    search = sa.table("search", sa.column("id"), sa.column("spec", sa.JSON()))
    connection = op.get_bind()
    for row in connection.execute(sa.select(search.c.id, search.c.spec)).all():
        spec = dict(row.spec)
        spec["epochs"] = {**spec["epochs"], "halving": False}
        spec["finalists"] = {"rounds": 0}
        connection.execute(search.update().where(search.c.id == row.id).values(spec=spec))


def _as_before() -> None:
    """Take away again what an older version would not understand in its own searches."""
    search = sa.table("search", sa.column("id"), sa.column("spec", sa.JSON()))
    connection = op.get_bind()
    for row in connection.execute(sa.select(search.c.id, search.c.spec)).all():
        spec = {key: value for key, value in row.spec.items() if key != "finalists"}
        spec["epochs"] = {k: v for k, v in row.spec["epochs"].items() if k != "halving"}
        connection.execute(search.update().where(search.c.id == row.id).values(spec=spec))


def downgrade() -> None:
    _as_before()
    for table, columns in ADDED.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name, _ in columns:
                batch_op.drop_column(name)
