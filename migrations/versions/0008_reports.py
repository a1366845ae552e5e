"""reports: metrics and costs of trials, tags and a note of searches

Revision: 0008
After: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
loses = "metrics and costs that trainers reported, and the tags and notes of searches"


def upgrade() -> None:
    with op.batch_alter_table("trial", schema=None) as batch_op:
        batch_op.add_column(sa.Column("metrics", sa.JSON(none_as_null=True)))
        batch_op.add_column(sa.Column("cost", sa.Double()))
        batch_op.add_column(sa.Column("cost_before", sa.Double()))
    with op.batch_alter_table("round", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cost", sa.Double()))
    with op.batch_alter_table("search", schema=None) as batch_op:
        batch_op.add_column(sa.Column("tags", sa.Text()))
        batch_op.add_column(sa.Column("note", sa.Text()))


def downgrade() -> None:
    with op.batch_alter_table("search", schema=None) as batch_op:
        batch_op.drop_column("note")
        batch_op.drop_column("tags")
    with op.batch_alter_table("round", schema=None) as batch_op:
        batch_op.drop_column("cost")
    with op.batch_alter_table("trial", schema=None) as batch_op:
        batch_op.drop_column("cost_before")
        batch_op.drop_column("cost")
        batch_op.drop_column("metrics")
