"""Room on the disks that the service writes to."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from hpsearch.settings import Settings


def places(settings: Settings) -> Mapping[str, Path]:
    """Places on disks of this machine, and their folders: `home`, and `datasets` unless at a URL."""
    home = {"home": settings.home}
    if "://" in settings.datasets_url:
        return home
    return {**home, "datasets": Path(settings.datasets_url)}


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that there is: they have, or will have, one disk."""
    folder = folder.absolute()
    return next(path for path in (folder, *folder.parents) if path.exists())


def free_bytes(folder: Path) -> int:
    """Room on the disk of a folder, which need not exist yet."""
    return shutil.disk_usage(existing(folder)).free
