"""The fact sheet of one hoster."""

from typing import Final

from waterbed.shown.question import Command, Question

QUESTION: Final = Question(
    commands={
        "fact-sheet": Command(
            "waterbed.questions.fact_sheet.command:fact_sheet", "Print the fact sheet of one hoster.", "Results"
        ),
    }
)
