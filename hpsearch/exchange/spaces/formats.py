"""The table of formats that `hpsearch convert` reads, and which one a document has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hpsearch.errors import InvalidRequest
from hpsearch.exchange.spaces import (
    ax,
    configspace,
    katib,
    kerastuner,
    nni,
    optuna,
    orion,
    skopt,
    synetune,
    vizier,
    wandb,
)
from hpsearch.exchange.spaces.domains import CannotSay, ForeignSpace
from hpsearch.exchange.spaces.specs import Converted, converted
from hpsearch.registry import Registry


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file.

    title
        Its tool's name for people.
    recognises
        Tells whether a parsed document is one; documents of two formats are told apart by it.
    read
        Reads a document that `recognises` is true of.
    """

    title: str
    recognises: Callable[[Any], bool]
    read: Callable[[Any], ForeignSpace]


FORMATS: Final = Registry[Format](
    "format",
    {
        "wandb": Format("W&B sweep", wandb.recognises, wandb.read),
        "katib": Format("Katib experiment", katib.recognises, katib.read),
        "nni": Format("NNI search space", nni.recognises, nni.read),
        "optuna": Format("Optuna distributions", optuna.recognises, optuna.read),
        "configspace": Format("ConfigSpace (SMAC)", configspace.recognises, configspace.read),
        "kerastuner": Format("KerasTuner hyperparameters", kerastuner.recognises, kerastuner.read),
        "synetune": Format("Syne Tune configuration space", synetune.recognises, synetune.read),
        "ax": Format("Ax search space", ax.recognises, ax.read),
        "vizier": Format("Vizier study spec", vizier.recognises, vizier.read),
        "skopt": Format("scikit-optimize space", skopt.recognises, skopt.read),
        "orion": Format("Oríon space", orion.recognises, orion.read),
    },
)


def convert_documents(documents: Sequence[Any], name: str, tool: str | None = None) -> Converted:
    """Convert the one document among some that is a space.

    tool
        Its format; None: whichever recognises it.

    Raises
    ------
    InvalidRequest
        None is, or several are.
    InvalidSpec
        A spec can hold nothing of it.
    """
    formats = {tool: FORMATS[tool]} if tool is not None else dict(FORMATS)
    fitting = [
        (key, form, document)
        for document in documents
        for key, form in formats.items()
        if form.recognises(document)
    ]
    if not fitting:
        asked = FORMATS[tool].title if tool is not None else "space of a tool that is known"
        known = "" if tool is not None else f": {', '.join(FORMATS)}"
        raise InvalidRequest(f"{name} is no {asked}{known}")
    if len(fitting) > 1:
        raise InvalidRequest(
            f"{name} could be {' or '.join(dict.fromkeys(key for key, _, _ in fitting))}; "
            + ("give --from" if len({key for key, _, _ in fitting}) > 1 else "give a file of one")
        )
    key, form, document = fitting[0]
    try:
        return converted(key, form.read(document))
    except CannotSay as error:
        way = f"; {error.proposal}" if error.proposal else ""
        raise InvalidRequest(f"{name}, {form.title}: {error.why}{way}") from error
