"""external: searches without a dataset, whose trials are trained elsewhere

Revision: 0005
After: 0004

An older version knows no such search: going back removes them with all that they hold.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
loses = "every search that is trained elsewhere, with all that it holds"

FINAL = "kind = 'final'"


def upgrade() -> None:
    with op.batch_alter_table("search", schema=None) as batch_op:
        batch_op.alter_column("dataset", existing_type=sa.String(64), nullable=True)
        batch_op.alter_column("dataset_digest", existing_type=sa.String(64), nullable=True)
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.add_column(sa.Column("lease_seconds", sa.Double()))
        _one_final(batch_op, ["search_id", "number"])
    with op.batch_alter_table("trial", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ended", sa.String(9)))


def _one_final(batch_op: BatchOperations, columns: list[str]) -> None:
    """The index that keeps a search from a second final test, over other columns."""
    batch_op.drop_index("uq_job_one_final")
    batch_op.create_index(
        "uq_job_one_final",
        columns,
        unique=True,
        sqlite_where=sa.text(FINAL),
        postgresql_where=sa.text(FINAL),
    )


def _remove_external() -> None:
    search = sa.table("search", sa.column("id"), sa.column("dataset_digest"))
    gone = sa.select(search.c.id).where(search.c.dataset_digest.is_(None))
    for name in ("decision", "trial", "job", "round", "event"):
        rows = sa.table(name, sa.column("search_id"))
        op.execute(rows.delete().where(rows.c.search_id.in_(gone)))
    op.execute(search.delete().where(search.c.dataset_digest.is_(None)))


def downgrade() -> None:
    _remove_external()
    with op.batch_alter_table("trial", schema=None) as batch_op:
        batch_op.drop_column("ended")
    with op.batch_alter_table("job", schema=None) as batch_op:
        _one_final(batch_op, ["search_id"])
        batch_op.drop_column("lease_seconds")
    with op.batch_alter_table("search", schema=None) as batch_op:
        batch_op.alter_column("dataset_digest", existing_type=sa.String(64), nullable=False)
        batch_op.alter_column("dataset", existing_type=sa.String(64), nullable=False)
