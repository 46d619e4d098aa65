"""Scores the verdicts of single looks against the truth. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from waterbed.lab.world.records import Truth
from waterbed.model.conclusions import Verdict
from waterbed.model.facts import Observation, Profile

Group = Literal["strict", "not strict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookScore:
    """Correctness of many verdicts.

    Shares are None where there was nothing to count.
    """

    looks: int
    decided: int
    down_true: int
    """Decided looks at a time when the content was not there."""
    down_called: int
    down_right: int
    precision: float | None
    """Share of looks called down that were truly down."""
    recall: float | None
    """Share of decided, truly down looks that were called down."""
    undecided: float | None
    """Share of all looks."""
    undecided_as: Mapping[str, int]
    """By outcome: looks that were not decided."""
    wrong_by: Mapping[str, int]
    """By rule: decided looks that were wrong."""


def score_looks(
    truth: Truth, looks: Iterable[Observation], verdicts: Iterable[Verdict], url_id: Callable[[str], str]
) -> dict[Group, LookScore]:
    """Score each verdict by the truth at its look's time.

    Looks in profile `strict` are scored apart from the others.

    Looks at URLs that the world does not know are left out.
    """
    urls = {url_id(url): url for url in truth.shown}
    profiles: dict[str, Profile] = {look.observation_id: look.profile for look in looks}
    found: dict[Group, list[tuple[Verdict, bool]]] = {"not strict": [], "strict": []}
    for verdict in verdicts:
        url = urls.get(verdict.url_id)
        if url is not None:
            group: Group = "strict" if profiles[verdict.observation_id] == "strict" else "not strict"
            found[group].append((verdict, not truth.is_up(url, verdict.observed_at)))
    return {group: _score(pairs) for group, pairs in found.items()}


def _score(pairs: list[tuple[Verdict, bool]]) -> LookScore:
    decided = [(verdict, down) for verdict, down in pairs if verdict.state != "unknown"]
    called = [down for verdict, down in decided if verdict.state == "down"]
    down_true = sum(down for _, down in decided)
    right = sum(called)
    return LookScore(
        looks=len(pairs),
        decided=len(decided),
        down_true=down_true,
        down_called=len(called),
        down_right=right,
        precision=right / len(called) if called else None,
        recall=right / down_true if down_true else None,
        undecided=1 - len(decided) / len(pairs) if pairs else None,
        undecided_as=_counted(verdict.outcome for verdict, _ in pairs if verdict.state == "unknown"),
        wrong_by=_counted(verdict.rule for verdict, down in decided if (verdict.state == "down") != down),
    )


def _counted(words: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(words).items(), key=lambda item: (-item[1], item[0])))
