"""Rankings of hosters by volume and by speed of removal."""

from typing import Final

from waterbed.shown.question import Command, Question

QUESTION: Final = Question(
    commands={
        "rank": Command(
            "waterbed.questions.ranking.command:rank", "Rank hosters by volume and by speed of removal.", "Results"
        ),
    }
)
