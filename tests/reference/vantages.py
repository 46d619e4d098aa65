"""Verdicts of several vantages on one URL, combined."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from waterbed.judging.judge import restated
from waterbed.judging.rules import RuleSet
from waterbed.model.conclusions import Verdict
from waterbed.model.facts import Observation

UNREACHABLE = "unreachable"


def combine(
    looks: Sequence[Observation], verdicts: Sequence[Verdict], rules: RuleSet, *, networks: int, within_s: float
) -> list[Verdict]:
    """Combine each verdict with others of that URL and time.

    Looks are sorted by URL and time; those within `within_s` seconds of a look count for it. An `unreachable` look is
    down only if looks from at least `networks` networks could not reach the URL and none got an answer of any kind;
    else it is `unobserved`. Another down look is `disputed` if another vantage saw the URL up; that up look stays up.
    Of a rule that says what it is worth alone, it is that unless two networks or agents saw the same outcome by such
    rules; of a removal two networks.
    """
    combined = list(verdicts)
    within = timedelta(seconds=within_s)
    window, url_id, start, end = _Window(), "", 0, 0
    for index, look in enumerate(looks):
        if look.url_id != url_id:
            window, url_id, start, end = _Window(), look.url_id, index, index
        while end < len(looks) and looks[end].url_id == url_id and looks[end].observed_at - look.observed_at <= within:
            window.count(looks[end], verdicts[end], 1)
            end += 1
        while look.observed_at - looks[start].observed_at > within:
            window.count(looks[start], verdicts[start], -1)
            start += 1
        verdict = verdicts[index]
        if verdict.state != "down":
            continue
        if verdict.outcome == UNREACHABLE:
            if window.networks < networks or window.answers:
                combined[index] = restated(verdict, "unobserved", rules, "panel")
        elif window.up_elsewhere((look.vantage, look.network, look.agent_id)):
            combined[index] = restated(verdict, "disputed", rules, "panel")
        elif verdict.rule in rules.alone:
            near = [n for n in range(start, end) if verdicts[n].rule in rules.alone and verdicts[n].state == "down"]
            same = [looks[n] for n in near if verdicts[n].outcome == verdict.outcome]
            removed = verdict.cause == "removed"
            if len({(one.network, None if removed else one.agent_id) for one in same}) < 2:
                combined[index] = restated(verdict, rules.alone[verdict.rule], rules, "panel")
    return combined


@dataclass(slots=True)
class _Window:
    """Looks in the window: networks that failed to reach, vantages that saw up, and answers."""

    unreached: Counter[str] = field(default_factory=Counter)
    up: Counter[tuple[str, str, str | None]] = field(default_factory=Counter)
    answers: int = 0

    def count(self, look: Observation, verdict: Verdict, step: int) -> None:
        """Add a look to the window, or remove it (-1)."""
        if verdict.outcome == UNREACHABLE:
            _add(self.unreached, look.network, step)
        elif verdict.state == "up" or look.status is not None or look.head_status is not None:
            # a vantage that got any answer reached the URL
            self.answers += step
        if verdict.state == "up":
            _add(self.up, (look.vantage, look.network, look.agent_id), step)

    @property
    def networks(self) -> int:
        return len(self.unreached)

    def up_elsewhere(self, place: tuple[str, str, str | None]) -> bool:
        return len(self.up) > (place in self.up)


def _add(counter: Counter[Any], key: Any, step: int) -> None:
    counter[key] += step
    if not counter[key]:
        del counter[key]
