"""Connections that break at the one moment when nobody can know what became of the work."""

from __future__ import annotations

from support.proxy import Link, Tap


class Commits:
    """Cuts connections of the database while they commit, as often as it is armed."""

    def __init__(self) -> None:
        self.armed: list[str] = []
        self.cut = 0

    def tap(self) -> Tap:
        """The tap of one connection; only a transaction that wrote is worth it."""
        wrote = False

        def pass_on(link: Link, data: bytes) -> bytes:
            nonlocal wrote
            if b"COMMIT\x00" not in data:
                wrote = wrote or b"UPDATE " in data or b"INSERT " in data
                return data
            writing, wrote = wrote, False
            if not writing or not self.armed:
                return data
            self.cut += 1
            if self.armed.pop() == "after":
                link.cut_after(0)  # the server commits, the client never hears of it
                return data
            link.reset()
            return b""

        return pass_on
