"""A card for each source of reports."""

from typing import Final

from waterbed.shown.question import Command, Question

QUESTION: Final = Question(
    commands={
        "sources": Command(
            "waterbed.questions.sources.command:sources", "Print a card for each source of reports.", "Results"
        ),
    }
)
