"""Soft 404: how many removals at servers that answer 200 to everything are told rightly."""

import random
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from tests.judging.test_judge import NOW, RULES, canary, control, look
from waterbed.judging.judge import CanaryRecord, judge
from waterbed.model.facts import ControlLook, Observation

URLS, LOOKS = 600, 12
_UNSTABLE = ("content_length",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Of decided looks: precision and recall of down; and the share of looks left indistinct."""

    precision: float
    recall: float
    indistinct: float


class Site:
    """A host: what it answers at its page, at a random path, and where the page is gone."""

    def __init__(self, number: int, chance: random.Random) -> None:
        kinds = ("plain", "catch_all", "echo", "bare", "bare_catch_all", "indistinct", "to_home")
        self.kind = chance.choices(kinds, weights=(60, 12, 6, 10, 5, 3, 4))[0]
        self.number, self.chance = number, chance
        self.length = 1_000 + number

    def missing(self) -> dict[str, object]:
        """What is answered where there is nothing; the page's own place too, once it is gone."""
        if self.kind in ("plain", "bare"):
            return {"status": 404, "content_length": 20}
        if self.kind == "to_home":
            return {"status": 302, "redirect": "site", "redirect_site_id": "s", "content_length": 0}
        if self.kind == "echo":
            return {"status": 200, "content_length": 300 + self.chance.randrange(40)}
        if self.kind == "bare_catch_all":
            return {"status": 200, "content_length": None}
        return {"status": 200, "content_length": self.length if self.kind == "indistinct" else 77}

    def page(self) -> dict[str, object]:
        """What is answered where the page is."""
        bare = self.kind in ("bare", "bare_catch_all")
        return {"status": 200, "content_length": None if bare else self.length, "etag_id": None}

    def control(self, control_id: str) -> ControlLook:
        """The answer to random paths, and what two of them did not share; one in fifty fails."""
        if self.chance.random() < 0.02:
            return control(control_id=control_id, host_id=f"h{self.number}", failure="timeout", status=None)
        unstable = _UNSTABLE if self.kind == "echo" else ()
        plain = {"redirect": None, "redirect_site_id": None}
        return control(
            control_id=control_id, host_id=f"h{self.number}", unstable=unstable, **{**plain, **self.missing()}
        )


def lab(seed: int, *, with_controls: bool) -> Score:
    """Looks at sites of which a third catch everything; about half of the pages go."""
    chance = random.Random(seed)
    looks: list[Observation] = []
    controls: dict[str, ControlLook] = {}
    gone: list[bool] = []
    for number in range(URLS):
        site, leaves = Site(number, chance), chance.randrange(1, 2 * LOOKS)
        for at in range(LOOKS):
            answer, control_id = (site.missing() if at >= leaves else site.page()), f"{number}-{at // 4}"
            if with_controls and control_id not in controls:
                controls[control_id] = replace(site.control(control_id), observed_at=NOW + timedelta(hours=at))
            if chance.random() < 0.03:
                answer = {"status": 503}
            looks.append(
                replace(
                    look(observation_id=f"{number}-{at}", url_id=f"u{number:04}", control_id=control_id, **answer),
                    observed_at=NOW + timedelta(hours=at),
                )
            )
            gone.append(at >= leaves)
    healthy = CanaryRecord([canary(0), canary(1e6)], within_s=1e6, need=0.5)
    hosts = {f"u{number:04}": f"h{number}" for number in range(URLS)}
    verdicts = judge(looks, controls, {"here": healthy}, RULES, hosts=hosts if with_controls else None)
    pairs = [(v.state, is_gone) for v, is_gone in zip(verdicts, gone, strict=True) if v.state != "unknown"]
    right = pairs.count(("down", True))
    return Score(
        precision=right / (right + pairs.count(("down", False))),
        recall=right / (right + pairs.count(("up", True))),
        indistinct=sum(v.outcome == "indistinct" for v in verdicts) / len(verdicts),
    )


@pytest.mark.parametrize("seed", range(3))
def test_precision_and_recall_with_control_looks(seed: int) -> None:
    """Both at least 0.98 among decided looks; what can never be told stays indistinct."""
    score = lab(seed, with_controls=True)
    assert score.precision >= 0.98, score
    assert score.recall >= 0.98, score
    assert 0 < score.indistinct < 0.25, score


def test_without_control_looks_catch_alls_stay_up() -> None:
    """The same looks without controls: nothing alive is called down, but removals are missed."""
    score = lab(0, with_controls=False)
    assert score.precision >= 0.98, score
    assert score.recall < 0.98, score
    assert score.indistinct == 0
