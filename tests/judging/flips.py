"""Invented looks for the tests of panel and cycle guard."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.judging.columns import guarded
from tests.judging.test_judge import RULES, look
from waterbed.judging.judge import judge_one
from waterbed.judging.quarantines import Decisions, GuardRules
from waterbed.model.bookkeeping import QuarantineDecision
from waterbed.model.conclusions import Quarantine, Verdict
from waterbed.model.facts import Observation

START = datetime(2026, 1, 5, tzinfo=UTC)
STATUS = {"u": 200, "d": 404, "?": 500}


def hour(n: float) -> datetime:
    return START + timedelta(hours=n)


class Story:
    """Looks in any order, each at a URL of a site at a hoster."""

    def __init__(self) -> None:
        self.looks: list[tuple[Observation, str]] = []
        self.sites: dict[str, str] = {}

    def see(
        self,
        url: str,
        when: datetime,
        state: str,
        *,
        hoster: str = "acme",
        site: str | None = None,
        net: int | None = 0,
    ) -> None:
        self.sites[url] = site or url
        self.looks.append(
            (
                look(
                    observation_id=f"{url}@{when.isoformat()}",
                    url_id=url,
                    observed_at=when,
                    status=STATUS[state],
                    address=None if net is None else f"28.10.{net}.7",
                ),
                hoster,
            )
        )

    def hourly(self, urls: Iterable[str], states: str, *, start: int = 0, **place: object) -> None:
        """One look an hour at each URL, at ten past; a blank is no look."""
        for url in urls:
            for n, state in enumerate(states, start):
                if state != " ":
                    self.see(url, hour(n) + timedelta(minutes=10), state, **place)  # type: ignore[arg-type]

    def guarded(
        self,
        decisions: Iterable[QuarantineDecision] = (),
        rules: GuardRules | None = None,
        *,
        by: Callable[..., tuple[list[Quarantine], list[bool]]] = guarded,
    ) -> tuple[list[Quarantine], dict[str, str]]:
        """The quarantines, and for each URL its states in time order: `q` for what is held."""
        ordered = sorted(self.looks, key=lambda pair: (pair[0].url_id, pair[0].observed_at))
        looks = [pair[0] for pair in ordered]
        verdicts = [judged(seen) for seen in looks]
        hosters = [(pair[1],) if pair[1] else () for pair in ordered]
        found, held = by(looks, verdicts, hosters, self.sites, rules or GuardRules(), Decisions(decisions))
        told: dict[str, str] = {}
        for seen, verdict, is_held in zip(looks, verdicts, held, strict=True):
            letter = "q" if is_held else {"up": "u", "down": "d", "unknown": "?"}[verdict.state]
            told[seen.url_id] = told.get(seen.url_id, "") + letter
        return found, told


def judged(seen: Observation) -> Verdict:
    return judge_one(seen, None, canary="ok", differed_before=False, rules=RULES)


def decision(found: Quarantine, what: str, when: datetime, reason: str = "looked into") -> QuarantineDecision:
    return QuarantineDecision(
        decision_id=f"{what}{when.isoformat()}",
        quarantine_id=found.quarantine_id,
        decision=what,  # type: ignore[arg-type]
        who="somebody",
        reason=reason,
        decided_at=when,
    )


def urls(count: int, name: str = "u") -> list[str]:
    return [f"{name}{n:03}" for n in range(count)]


def held(told: Mapping[str, str]) -> int:
    return sum(states.count("q") for states in told.values())


__all__ = ["START", "Story", "decision", "held", "hour", "judged", "replace", "urls"]
