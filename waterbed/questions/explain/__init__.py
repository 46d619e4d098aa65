"""The chain of evidence behind an attribution."""

from typing import Final

from waterbed.shown.question import Command, Question

QUESTION: Final = Question(
    commands={
        "explain": Command(
            "waterbed.questions.explain.command:explain",
            "Show why a URL or an address belongs to a hoster.",
            "Attribute",
        ),
    }
)
