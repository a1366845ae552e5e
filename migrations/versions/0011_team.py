"""team: who may read a search, and limits of one owner

Revision: 0011
After: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None
loses = "who may read whose searches, and the limits that were set for one owner"


def upgrade() -> None:
    op.create_table(
        "quota",
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("searches", sa.Integer()),
        sa.Column("datasets", sa.Integer()),
        sa.Column("dataset_bytes", sa.BigInteger()),
        sa.PrimaryKeyConstraint("owner", name="pk_quota"),
    )
    with op.batch_alter_table("search", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sharing", sa.Text()))


def downgrade() -> None:
    with op.batch_alter_table("search", schema=None) as batch_op:
        batch_op.drop_column("sharing")
    op.drop_table("quota")
