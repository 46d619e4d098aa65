"""A month's report, and what is still up after its notice."""

from typing import Final

from waterbed.shown.question import Command, Question

QUESTION: Final = Question(
    commands={
        "overdue": Command(
            "waterbed.questions.report.overdue_command:overdue",
            "List what is still up after its notice, for reminders.",
            "Results",
        ),
        "report": Command("waterbed.questions.report.command:report", "Print a month's report on one page.", "Results"),
    }
)
