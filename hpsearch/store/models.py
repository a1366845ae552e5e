"""Trained models as bytes, in pieces: nobody has to hold a large one in memory to pass it on."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa

from hpsearch.store.queries import Queries
from hpsearch.store.tables import model_piece

PIECE = 1 << 20  # bytes


class Models(Queries):
    """The one model that a search keeps: the recommended one, trained by its final test."""

    def keep(self, search_id: str, content: bytes) -> None:
        """Store a model, in the transaction that ends the final job: there is one at the most."""
        for number, start in enumerate(range(0, len(content), PIECE)):
            piece = content[start : start + PIECE]
            values = {"search_id": search_id, "number": number, "content": piece}
            self.connection.execute(model_piece.insert(), values)

    def size(self, search_id: str) -> int:
        """Size of a search's model in bytes; 0 where it has none."""
        length = sa.func.coalesce(sa.func.sum(sa.func.length(model_piece.c.content)), 0)
        query = sa.select(length).where(model_piece.c.search_id == search_id)
        return int(self.connection.execute(query).scalar_one())

    def piece(self, search_id: str, number: int) -> bytes | None:
        """A piece, counted from 0; None behind the last one."""
        query = sa.select(model_piece.c.content).where(
            model_piece.c.search_id == search_id, model_piece.c.number == number
        )
        content = self.connection.execute(query).scalar_one_or_none()
        return None if content is None else bytes(content)

    def sha256(self, search_id: str) -> str | None:
        """SHA-256 of a search's model; None where it has none."""
        digest, number = hashlib.sha256(), 0
        while (piece := self.piece(search_id, number)) is not None:
            digest.update(piece)
            number += 1
        return digest.hexdigest() if number else None
