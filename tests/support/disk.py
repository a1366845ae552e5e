"""A disk of a few megabytes, to be filled and emptied (Linux, root)."""

from __future__ import annotations

import errno
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHUNK = 65_536


class Disk:
    """A file system at `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, *, leave: int = 0) -> None:
        """Use up all room, to the last byte; or leave about as many as `leave`."""
        if leave:
            (self.folder / "reserved").write_bytes(bytes(leave))
        with self._ballast.open("ab", buffering=0) as ballast:
            size = CHUNK
            while size:
                try:
                    ballast.write(bytes(size))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    size //= 2
        (self.folder / "reserved").unlink(missing_ok=True)

    def make_room(self) -> None:
        """Give back what `fill` took."""
        self._ballast.unlink()


@contextmanager
def disk(megabytes: int) -> Iterator[Disk]:
    """A tmpfs of this size for the length of the block; OSError where it cannot be mounted."""
    folder = Path(tempfile.mkdtemp(prefix="hps-disk-"))
    options = f"size={megabytes}m,mode=0711"  # PostgreSQL's user passes through
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "hpsearch-test", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        folder.rmdir()
        raise OSError(done.stderr.strip())
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()
