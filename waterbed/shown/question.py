"""The commands by which a question is asked: what a package of `waterbed.questions`, or a plug-in, registers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

Group = Literal[
    "Start", "Collect", "Attribute", "Results", "Displacement", "Publish", "Study record", "Operate", "Lab", "Added"
]
"""Parts of the overview, in its order; `Added` is for plug-ins, which the overview leaves out."""


class Command(NamedTuple):
    """A command, and its line in the overview. Its module is imported when it is called, and does its own printing."""

    target: str
    """`MODULE:NAME` of a function, or of a `typer.Typer` with commands of its own."""
    help: str
    """One plain sentence of at most 72 characters."""
    group: Group


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question: nothing of it is imported before somebody asks it."""

    commands: Mapping[str, Command]
    """Commands by name."""
    interface: int = 1
