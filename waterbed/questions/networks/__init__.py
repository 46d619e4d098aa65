"""Networks of a hoster, and how they changed."""

from typing import Final

from waterbed.shown.question import Command, Question

QUESTION: Final = Question(
    commands={
        "hosters": Command(
            "waterbed.questions.networks.command:hosters_app",
            "Define which ASes and ranges are one company.",
            "Attribute",
        ),
    }
)
