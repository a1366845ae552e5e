"""The agent: any command as a trainer of an external search.

`template` writes a trial's values into the words of a command, `scores` reads its output, and `ending`
says what a trial came to: all three are pure. `supervise` is a program of its own, one process for each
trial, which leaves none of the trial's processes behind; `child` speaks with it. `courier` speaks with
the service, `running` joins both for one trial, and `agent` has as many of them at once as it was asked for.
"""

from hpsearch.agent.agent import Agent, Options
from hpsearch.agent.template import Template

__all__ = ["Agent", "Options", "Template"]
