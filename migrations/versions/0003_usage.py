"""usage: when a key was last used, and how large a content is

Revision: 0003
After: 0002

Contents stored before are charged by what their description tells: labels of 8 bytes, features of
1 byte in images and of 4 elsewhere.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
loses = "when each API key was last used"


def upgrade() -> None:
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.add_column(sa.Column("last_used_at", sa.Double()))
    with op.batch_alter_table("dataset_content", schema=None) as batch_op:
        batch_op.add_column(sa.Column("bytes", sa.BigInteger(), nullable=False, server_default="0"))
    content = sa.table(
        "dataset_content",
        sa.column("digest"),
        sa.column("info", sa.JSON()),
        sa.column("bytes"),
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(content.c.digest, content.c.info)).all():
        width = row.info["features"] * (1 if row.info["kind"] == "image" else 4) + 8
        size = (row.info["n_train"] + row.info["n_test"]) * width
        connection.execute(
            content.update().where(content.c.digest == row.digest).values(bytes=size)
        )


def downgrade() -> None:
    with op.batch_alter_table("dataset_content", schema=None) as batch_op:
        batch_op.drop_column("bytes")
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.drop_column("last_used_at")
