"""Several vantages: what they see together of one URL."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from waterbed.judging.judge import restated
from waterbed.judging.rules import RuleSet
from waterbed.model.conclusions import Verdict
from waterbed.model.facts import Observation

UNREACHABLE = "unreachable"


def combine(
    looks: Sequence[Observation], verdicts: Sequence[Verdict], rules: RuleSet, *, networks: int, within_s: float
) -> list[Verdict]:
    """Let each look's verdict be heard beside those within `within_s` seconds of it at the same URL.

    Looks are sorted by URL and time. An `unreachable` look is down only if looks from at least `networks` networks
    could not reach the URL then and none got an answer, whatever it said; else it is `unobserved`. Another down look is
    `disputed` if another vantage saw the URL up then; that up look stays up. Cost is linear in the looks.
    """
    heard = list(verdicts)
    within = timedelta(seconds=within_s)
    beside, url_id, start, end = _Beside(), "", 0, 0
    for index, look in enumerate(looks):
        if look.url_id != url_id:
            beside, url_id, start, end = _Beside(), look.url_id, index, index
        while end < len(looks) and looks[end].url_id == url_id and looks[end].observed_at - look.observed_at <= within:
            beside.count(looks[end], verdicts[end], 1)
            end += 1
        while look.observed_at - looks[start].observed_at > within:
            beside.count(looks[start], verdicts[start], -1)
            start += 1
        verdict = verdicts[index]
        if verdict.state != "down":
            continue
        if verdict.outcome == UNREACHABLE:
            if beside.networks < networks or beside.answers:
                heard[index] = restated(verdict, "unobserved", rules, "panel")
        elif beside.up_elsewhere(look.vantage):
            heard[index] = restated(verdict, "disputed", rules, "panel")
    return heard


@dataclass(slots=True)
class _Beside:
    """What the looks in the window saw: networks that did not reach it, vantages that saw it up, answers at all."""

    unreached: Counter[str] = field(default_factory=Counter)
    up: Counter[str] = field(default_factory=Counter)
    answers: int = 0

    def count(self, look: Observation, verdict: Verdict, step: int) -> None:
        """Take a look into the window, or out of it."""
        if verdict.outcome == UNREACHABLE:
            _add(self.unreached, look.network, step)
        elif verdict.state == "up" or look.status is not None or look.head_status is not None:
            # whoever got an answer reached it, whatever it said
            self.answers += step
        if verdict.state == "up":
            _add(self.up, look.vantage, step)

    @property
    def networks(self) -> int:
        return len(self.unreached)

    def up_elsewhere(self, vantage: str) -> bool:
        return len(self.up) > (vantage in self.up)


def _add(counter: Counter[str], key: str, step: int) -> None:
    counter[key] += step
    if not counter[key]:
        del counter[key]
