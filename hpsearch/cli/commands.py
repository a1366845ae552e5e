"""The table of commands: where each is, and its line of `--help`, without loading any of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any, NamedTuple, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command


class Entry(NamedTuple):
    """A command, or a group of some: its module, the function or `app` there, and its summary.

    summary
        The first paragraph of its docstring, or the help of the group.
    """

    module: str
    name: str
    summary: str

    def load(self, called: str) -> Any:
        """Import it; a command of typer's own classes."""
        part = getattr(import_module(f"hpsearch.cli.{self.module}"), self.name)
        if not isinstance(part, typer.Typer):
            alone = typer.Typer(add_completion=False, rich_markup_mode=None)
            alone.command(called)(part)
            part = alone
        made = get_command(part)
        made.name = called
        return made


# In the order of --help. What Python or a module has taken as a name ends with an underscore.
COMMANDS: Mapping[str, Entry] = {
    "submit": Entry("searches", "submit", "Submit a search spec."),
    "plan": Entry(
        "searches",
        "plan",
        "Show what a search of a spec would do: rounds, trials, rungs and epochs. Nothing is stored.",
    ),
    "status": Entry("searches", "status", "Show where a search stands."),
    "watch": Entry(
        "searches",
        "watch",
        "Follow a search to its end, then show its result. Exits 1 if it failed or was cancelled.",
    ),
    "result": Entry("searches", "result", "Show the best range and its test score."),
    "health": Entry(
        "searches",
        "health",
        "Show what to know about a search, in whatever state it is: findings, and what to do.",
    ),
    "spec": Entry(
        "searches",
        "spec",
        "Print the spec of a search as JSON, edits included; `submit` takes it again.",
    ),
    "list": Entry("searches", "list_", "List the searches of this key, newest first."),
    "pause": Entry(
        "searches", "pause", "Hand out no more work for a search; what is running ends."
    ),
    "resume": Entry(
        "searches", "resume", "Go on with a paused search, or rerun the final test of a failed one."
    ),
    "cancel": Entry("searches", "cancel", "End a search; what it has trained stays readable."),
    "share": Entry(
        "searches", "share", "Let other owners read a search, in place of those who may now."
    ),
    "delete": Entry("searches", "delete", "Remove an ended search and all its trials."),
    "replay": Entry(
        "searches", "replay", "Train a search again on this machine and compare, bit for bit."
    ),
    "edit": Entry(
        "edits",
        "edit",
        "Change ranges, rounds, trials_per_round, epochs or what is forbidden, or raise the budget.",
    ),
    "tag": Entry(
        "edits",
        "tag",
        "Give a search tags or a note, in whatever state it is; without any, show those that it has.",
    ),
    "continue": Entry(
        "edits",
        "continue_",
        "Submit the spec of a search again, warm-started with all that it has seen, and with changes.",
    ),
    "serve": Entry(
        "serve",
        "serve",
        "Run API, workers and, without REDIS_URL, a broker of its own, until Ctrl-C.",
    ),
    "demo": Entry(
        "demo",
        "demo",
        "Search the learning rate and weight decay of a digit classifier, in half a minute.",
    ),
    "lab": Entry(
        "lab",
        "lab",
        "Reproduce a textbook's chapter on training techniques, in minutes, as an HTML report.",
    ),
    "report": Entry(
        "report",
        "report",
        "Write everything about a search to one HTML file, figures included; it loads nothing.",
    ),
    "statement": Entry(
        "report",
        "statement",
        "Print what a paper says of a completed search: a paragraph, its ranges, checklists answered.",
    ),
    "model": Entry(
        "predict",
        "model",
        "Fetch the recommended model as the final test trained it, for NumPy or another library.",
    ),
    "predict": Entry(
        "predict",
        "predict",
        "Print the most probable class of each example and the probability of every class, as CSV.",
    ),
    "export": Entry(
        "exchange",
        "export",
        "Write a search as CSV or JSON, as an Optuna study or as MLflow runs; it may still run.",
    ),
    "import": Entry(
        "exchange",
        "import_",
        "Submit a search that begins with the trials of an Optuna study, or of another tool's results.",
    ),
    "convert": Entry(
        "exchange",
        "convert",
        "Print the search space of another tool as the spec of an external search.",
    ),
    "agent": Entry(
        "agent",
        "agent",
        "Run a command for each trial of an external search, and report the scores that it prints.",
    ),
    "compare": Entry(
        "compare",
        "compare",
        "Show searches side by side: budgets, scores, ranges and recommended values.",
    ),
    "backup": Entry(
        "backup",
        "backup",
        "Copy database, datasets and API key to FILE, while the service runs or not.",
    ),
    "restore": Entry(
        "backup",
        "restore",
        "Make a data folder of a backup; one of an older version is brought up to date.",
    ),
    "move": Entry(
        "backup",
        "move",
        "Move the embedded service, which is stopped, to PostgreSQL: everything it knows, in one step.",
    ),
    "doctor": Entry(
        "doctor",
        "doctor",
        "Look at everything that the service needs and say what to do; 1 where something is broken.",
    ),
    "prune": Entry(
        "prune",
        "prune",
        "Remove searches of all owners that ended long ago, and datasets that nothing refers to.",
    ),
    "audit": Entry("audit", "audit", "List who did what to what, the newest acts first."),
    "whoami": Entry(
        "whoami", "whoami", "Show the owner, the scopes and the end of the key that commands use."
    ),
    "datasets": Entry("datasets", "app", "Datasets: list, look at, upload, remove."),
    "keys": Entry("keys", "app", "API keys: make, list, revoke."),
    "owners": Entry("owners", "app", "Owners: limits of one of them."),
}


class _Loaded(Mapping[str, Any]):
    """The commands by name, each imported when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        return COMMANDS[name].load(name)

    def get(self, name: str, default: Any = None) -> Any:
        """The command of a name; a KeyError of its own module is none about the name."""
        entry = COMMANDS.get(name)
        return default if entry is None else entry.load(name)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Commands(TyperGroup):
    """The group of all commands: to run one imports that one, to list them imports none."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = cast("MutableMapping[str, Any]", _Loaded())  # none is added

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  # typer's signature
        """Write the names and summaries as typer does."""
        limit = formatter.width - 6 - max(map(len, COMMANDS))
        rows = [
            (name, TyperCommand(name, help=entry.summary).get_short_help_str(limit))
            for name, entry in COMMANDS.items()
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
