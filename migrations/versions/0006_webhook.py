"""webhook: whom a search tells of its end, and the outbox of what is to be told

Revision: 0006
After: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
loses = "the webhooks of searches, and what they are still to be told"

STATES = "'queued', 'running', 'paused', 'finalizing', 'completed', 'cancelled', 'failed'"
WAITING = "due_at IS NOT NULL"


def upgrade() -> None:
    with op.batch_alter_table("search", schema=None) as batch_op:
        batch_op.add_column(sa.Column("webhook", sa.Text()))
    op.create_table(
        "delivery",
        sa.Column("id", sa.String(60), nullable=False),
        sa.Column("search_id", sa.String(40), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("due_at", sa.Double()),
        sa.Column("delivered_at", sa.Double()),
        sa.Column("error", sa.Text()),
        sa.CheckConstraint(
            "attempts >= 0 AND (due_at IS NULL OR delivered_at IS NULL)", name="ck_delivery_counts"
        ),
        sa.CheckConstraint(f"state IN ({STATES})", name="ck_delivery_state"),
        sa.ForeignKeyConstraint(
            ["search_id"], ["search.id"], name="fk_delivery_search_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
    )
    op.create_index("ix_delivery_search_id", "delivery", ["search_id"])
    op.create_index(
        "ix_delivery_due_at",
        "delivery",
        ["due_at"],
        sqlite_where=sa.text(WAITING),
        postgresql_where=sa.text(WAITING),
    )


def downgrade() -> None:
    op.drop_table("delivery")
    with op.batch_alter_table("search", schema=None) as batch_op:
        batch_op.drop_column("webhook")
