"""model: the trained winner of a search, in pieces

Revision: 0004
After: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
loses = "the trained model of every search"


def upgrade() -> None:
    op.create_table(
        "model_piece",
        sa.Column("search_id", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["search_id"], ["search.id"], name="fk_model_piece_search_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("search_id", "number", name="pk_model_piece"),
    )


def downgrade() -> None:
    op.drop_table("model_piece")
