"""Removal after notices: who acts, and how fast."""

from typing import Final

from waterbed.shown.question import Command, Question

QUESTION: Final = Question(
    commands={
        "compliance": Command(
            "waterbed.questions.removal.command:compliance", "Show who acts on notices, and how fast.", "Results"
        ),
    }
)
