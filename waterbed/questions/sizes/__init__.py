"""Sizes of hosters, ASes and countries."""

from typing import Final

from waterbed.shown.question import Command, Question

QUESTION: Final = Question(
    commands={
        "sizes": Command(
            "waterbed.questions.sizes.command:sizes_app", "Print sizes of hosters, ASes and countries.", "Attribute"
        ),
    }
)
