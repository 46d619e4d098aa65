"""Several vantages at one URL."""

from datetime import timedelta

import pytest

from tests.judging.columns import combined, confirmed_in
from tests.judging.test_judge import NOW, RULES, canary, look
from waterbed.judging.judge import CanaryRecord, judge
from waterbed.model.facts import Observation

ANSWERS = {
    "x": {"phase": "connect", "failure": "refused", "status": None},
    "u": {"status": 200},
    "d": {"status": 404},
    "c": {"status": 403},
    "h": {"phase": "http", "failure": "no_answer", "status": None, "head_status": 404},
    "s": {"phase": "dns", "failure": "servfail", "status": None},
}


def seen(text: str) -> list[Observation]:
    """`A0x B2u`: vantage A at minute 0 saw x (unreachable), B at minute 2 saw it up; a and A share a network."""
    looks = [
        look(
            observation_id=word,
            vantage=word[0],
            network=word[0].upper(),
            observed_at=NOW + timedelta(minutes=int(word[1:-1])),
            **ANSWERS[word[-1]],
        )
        for word in text.split()
    ]
    return sorted(looks, key=lambda one: (one.url_id, one.observed_at))


def heard(text: str, *, networks: int = 2, broken: str = "") -> list[str]:
    looks = seen(text)
    records = {
        one.vantage: CanaryRecord(
            [canary(s, reached=0 if one.vantage in broken else 2) for s in (0, 1e5)], within_s=1e5, need=0.5
        )
        for one in looks
    }
    alone = judge(looks, {}, records, RULES)
    return [verdict.outcome for verdict in combined(looks, alone, RULES, networks=networks, within_s=900)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A0x", ["unobserved"]),
        ("A0x B1x", ["unreachable", "unreachable"]),
        ("A0x B1d", ["unobserved", "gone"]),
        ("A0x a1x", ["unobserved", "unobserved"]),
        ("A0x B1u", ["unobserved", "up"]),
        ("A0x B1x C2u", ["unobserved", "unobserved", "up"]),
        ("A0x B1x C2c", ["unobserved", "unobserved", "challenge"]),
        ("A0x B1x C2h", ["unobserved", "unobserved", "protocol_error"]),
        ("A0x B1x C2s", ["unreachable", "unreachable", "name_failure"]),
        ("A0x B16x", ["unobserved", "unobserved"]),
        ("A0x B15x", ["unreachable", "unreachable"]),
        ("A0d", ["gone"]),
        ("A0d B1u", ["disputed", "up"]),
        ("A0d B1d C1u", ["disputed", "disputed", "up"]),
        ("A0u A10d", ["up", "gone"]),
        ("A0d B16u", ["gone", "up"]),
        ("A0d B1c", ["gone", "challenge"]),
        ("A0x B10x A20x B30x", ["unreachable"] * 4),
        ("A0x B10x A30x", ["unreachable", "unreachable", "unobserved"]),
    ],
)
def test_what_vantages_see_together(text: str, expected: list[str]) -> None:
    """Unreachable needs two networks and no other answer; down beside up is disputed; up stays up."""
    assert heard(text) == expected


def test_each_vantage_has_its_own_canary() -> None:
    """A vantage whose own network failed is no witness."""
    assert heard("A0x B1x", broken="B") == ["unobserved", "our_fault"]
    assert heard("A0d B1u", broken="A") == ["our_fault", "up"]


def test_one_network_can_be_made_enough() -> None:
    """The number of networks is a setting."""
    assert heard("A0x", networks=1) == ["unreachable"]


def test_urls_do_not_hear_each_other() -> None:
    """Looks at another URL are no witnesses."""
    looks = [*seen("A0x"), *[look(url_id="v", vantage="B", network="B", **ANSWERS["x"])]]
    records = {name: CanaryRecord([canary(0)], within_s=60, need=0.5) for name in "AB"}
    verdicts = combined(looks, judge(looks, {}, records, RULES), RULES, networks=2, within_s=900)
    assert [verdict.outcome for verdict in verdicts] == ["unobserved", "unobserved"]


def test_a_verdict_says_that_the_panel_overruled_it() -> None:
    """The rule id keeps the rule and adds the panel."""
    looks = seen("A0x")
    records = {"A": CanaryRecord([canary(0)], within_s=60, need=0.5)}
    (verdict,) = combined(looks, judge(looks, {}, records, RULES), RULES, networks=2, within_s=900)
    assert (verdict.rule, verdict.state, verdict.cause) == ("C1-unreachable+panel", "unknown", None)


def test_looks_of_several_vantages_at_once_confirm_only_once() -> None:
    """Three vantages at one time are one look as far as confirmation goes."""
    looks = seen("A0d B1d C2d A150d")
    records = {name: CanaryRecord([canary(0), canary(1e5)], within_s=1e5, need=0.5) for name in "ABC"}
    verdicts = judge(looks, {}, records, RULES)
    vantages = [one.vantage for one in looks]
    assert confirmed_in(verdicts, looks=3, over_s=7200, vantages=vantages, within_s=900) == [False] * 4
    assert confirmed_in(verdicts, looks=2, over_s=7200, vantages=vantages, within_s=900) == [True] * 4
