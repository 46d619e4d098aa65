"""Undecided looks taken for something: bounds of what nobody saw. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from graphs.episodes import Sighting
from waterbed.model.conclusions import Attribution


def taken_for(sightings: Mapping[str, list[Sighting]], what: Literal["up", "removed"]) -> dict[str, list[Sighting]]:
    """The sightings of each URL, with undecided ones that evidence leaves open taken for up, or for removed.

    Open are those after the content was last seen up (or before any decided look) that no later look found up again.
    What is taken for up is so at the hoster that had it last, else at the look's own. Without either it stays
    undecided.
    """
    return {url_id: _restated(seen, what) for url_id, seen in sightings.items()}


def _restated(seen: list[Sighting], what: Literal["up", "removed"]) -> list[Sighting]:
    before: Attribution | None = None
    gone = False
    waiting: list[int] = []
    changed: dict[int, Sighting] = {}

    def settle() -> None:
        for at in waiting:
            made = _as(seen[at], what, before)
            if made:
                changed[at] = made
        waiting.clear()

    for at, sighting in enumerate(seen):
        if sighting.down:
            settle()
            gone = True
        elif sighting.verdict.state == "up" and sighting.attribution is not None:
            before, gone = sighting.attribution, False
            waiting.clear()
        elif sighting.verdict.state == "unknown" and not gone:
            waiting.append(at)
    settle()
    return [changed.get(at, sighting) for at, sighting in enumerate(seen)] if changed else seen


def _as(sighting: Sighting, what: Literal["up", "removed"], before: Attribution | None) -> Sighting | None:
    answer = before or sighting.attribution
    if answer is None:
        return None
    if what == "up":
        return Sighting(verdict=replace(sighting.verdict, state="up", cause=None), down=False, attribution=answer)
    verdict = replace(sighting.verdict, state="down", cause="removed")
    return Sighting(verdict=verdict, down=True, attribution=answer)
