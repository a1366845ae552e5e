"""operator: the id of the installation, and the heartbeats of its loops

Revision: 0009
After: 0008
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
loses = "the id of the installation (an upgrade makes another one), and the heartbeats of loops"


def upgrade() -> None:
    installation = op.create_table(
        "installation",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.CheckConstraint("number = 1", name="ck_installation_one"),
        sa.PrimaryKeyConstraint("number", name="pk_installation"),
    )
    op.bulk_insert(installation, [{"number": 1, "id": uuid.uuid4().hex}])
    op.create_table(
        "loop",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_loop"),
    )


def downgrade() -> None:
    op.drop_table("loop")
    op.drop_table("installation")
