"""The built-in datasets: their names, sources and licences."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from hpsearch import errors

IDX_STEMS: Final = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
"""The four files of MNIST and its relatives, with or without `.gz`."""


@dataclass(frozen=True, slots=True)
class Builtin:
    """A built-in dataset; `classes` where the files have numbers only, `openml` its id there.

    `digest` is that of a dataset which comes with the program and so is always the same.
    """

    source: str
    licence: str
    classes: tuple[str, ...] = ()
    openml: int = 0
    digest: str = ""


BUILTIN: Final = MappingProxyType(
    {
        "digits": Builtin(
            "UCI optical recognition of handwritten digits",
            "CC BY 4.0",
            digest="3e1fca4ae62bed7fe6ed0ce102307b19c905235ff6a29421c4bdab226e4824ac",
        ),
        "breast_cancer": Builtin(
            "UCI breast cancer Wisconsin (diagnostic)",
            "CC BY 4.0",
            digest="44ad8a267f0565a27a7aae27b644e0260f8d5157e905c26fa2d2c9f1bd285215",
        ),
        "wine": Builtin(
            "UCI wine recognition",
            "CC BY 4.0",
            digest="4521f3eb57c6e36ad30042b1271eacee2f4112d3682498dbc670c8eeceadbda3",
        ),
        "iris": Builtin(
            "UCI iris",
            "CC BY 4.0",
            digest="2a22297dc0c558a3ae5d53cab5bbc8e4a6c078b662069f03ec4c8fb4a42944ff",
        ),
        "mnist": Builtin("MNIST, LeCun, Cortes and Burges", "CC BY-SA 3.0", openml=554),
        "fashion-mnist": Builtin(
            "Fashion-MNIST, Zalando Research",
            "MIT",
            classes=(
                *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
                *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
            ),
            openml=40996,
        ),
    }
)
"""Name -> where it comes from. Iterating gives the names."""

IDX_NAMES: Final = ("mnist", "fashion-mnist")


def idx_files(folder: Path) -> tuple[Path, Path, Path, Path]:
    """The four IDX files of `folder`: train images, train labels, test images, test labels.

    Raises
    ------
    errors.InvalidDataset
        Naming every one that is not there.
    """
    train_x, train_y, test_x, test_y = paths = [_plain_or_gz(folder, stem) for stem in IDX_STEMS]
    absent = [stem for stem, path in zip(IDX_STEMS, paths, strict=True) if not path.is_file()]
    if absent:
        raise errors.InvalidDataset(
            f"{folder} lacks {', '.join(f'{stem}.gz' for stem in absent)}; a folder of IDX files "
            "holds all four",
            [errors.Mistake(f"{stem}.gz", "no such file") for stem in absent],
        )
    return train_x, train_y, test_x, test_y


def _plain_or_gz(folder: Path, stem: str) -> Path:
    packed = folder / f"{stem}.gz"
    return packed if packed.is_file() else folder / stem
