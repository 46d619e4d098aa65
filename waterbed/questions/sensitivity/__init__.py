"""Conclusions under every defensible choice."""

from typing import Final

from waterbed.shown.question import Command, Question

QUESTION: Final = Question(
    commands={
        # above the questions: `--truth` asks the lab
        "sensitivity": Command(
            "waterbed.cli.commands.sensitivity:sensitivity",
            "Test which conclusions hold under other choices.",
            "Results",
        )
    }
)
