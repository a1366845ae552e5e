"""remarks: a note and a link of trials

Revision: 0012
After: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None
loses = "the notes and links that trainers reported"


def upgrade() -> None:
    with op.batch_alter_table("trial", schema=None) as batch_op:
        batch_op.add_column(sa.Column("note", sa.Text()))
        batch_op.add_column(sa.Column("link", sa.Text()))


def downgrade() -> None:
    with op.batch_alter_table("trial", schema=None) as batch_op:
        batch_op.drop_column("link")
        batch_op.drop_column("note")
