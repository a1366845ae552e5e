"""The id of the installation: one random word for each database, made with its schema."""

from __future__ import annotations

import sqlalchemy as sa

from hpsearch.errors import Corrupt
from hpsearch.store.queries import Queries
from hpsearch.store.tables import installation


class Installation(Queries):
    """The one row of its table."""

    def id(self) -> str:
        """Read the id.

        Raises
        ------
        Corrupt
            Somebody has deleted it.
        """
        name: str | None = self.connection.execute(sa.select(installation.c.id)).scalar()
        if name is None:
            raise Corrupt(
                "the table `installation` is empty; restore a backup of the database, or insert "
                "one row: number 1, and as id 32 hexadecimal digits of your own"
            )
        return name
