"""Hops: where content went after it left a hoster."""

from typing import Final

from waterbed.shown.question import Command, Question

QUESTION: Final = Question(
    commands={
        "episodes": Command(
            "waterbed.questions.hops.command:episodes", "List when each URL was up, at which hoster.", "Results"
        ),
        "verdicts": Command(
            "waterbed.questions.hops.command:verdicts", "List what each check is taken to mean.", "Results"
        ),
        "hops": Command(
            "waterbed.questions.hops.command:hops", "List where content went after it left a hoster.", "Displacement"
        ),
        "graph": Command(
            "waterbed.questions.hops.graph_command:graph", "Print or write the graph of hops.", "Displacement"
        ),
    }
)
