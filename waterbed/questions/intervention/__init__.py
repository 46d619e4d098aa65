"""Interventions: did one remove content or move it."""

from typing import Final

from waterbed.shown.question import Command, Question

QUESTION: Final = Question(
    commands={
        "event": Command(
            "waterbed.questions.intervention.event_command:event_app",
            "Plan a study of an intervention, and check its plan.",
            "Displacement",
        ),
        "displacement": Command(
            "waterbed.questions.intervention.command:displacement",
            "Estimate if pressure removed or moved content.",
            "Displacement",
        ),
    }
)
