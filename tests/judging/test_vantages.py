"""Several vantages at one URL."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.judging.columns import combined, confirmed_in
from tests.judging.test_judge import NOW, RULES, canary, control, look
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


ELSEWHERE: dict[str, Any] = {"status": 301, "redirect": "other", "redirect_site_id": "x", "content_length": 0}
"""All of a host leads there."""


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


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("AB"),
            st.sampled_from("nm"),
            st.sampled_from([None, "own"]),
            st.integers(0, 40),
            st.sampled_from(["page", "gone", "elsewhere", "suspended", "refused"]),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_views_that_differ_are_no_removal(drawn: list[tuple[str, str, str | None, int, str]]) -> None:
    """Nothing is down where another vantage, network or agent saw it up within the time; up looks stay up.

    All of a host elsewhere counts only where two networks, or two agents of one, saw it, and a suspension there only
    where two networks did; a refusal proves nothing.
    """
    answers = {"page": {}, "gone": {"status": 404}, "elsewhere": ELSEWHERE, "refused": {"status": 403}}
    answers["suspended"] = {**ELSEWHERE, "marks": ("suspended",)}
    first = look(observation_id="first", observed_at=NOW - timedelta(hours=9), control_id="before")
    looks = [first] + [
        look(
            observation_id=f"{n}",
            vantage=vantage,
            network=network,
            agent_id=agent,
            observed_at=NOW + timedelta(minutes=minute),
            control_id="after",
            **answers[answer],
        )
        for n, (vantage, network, agent, minute, answer) in enumerate(sorted(drawn, key=lambda one: one[3]))
    ]
    healthy = CanaryRecord([canary(-1e5), canary(1e5)], within_s=1e5, need=0.5)
    controls = {"before": control(vantage="here"), "after": control(control_id="after", vantage="A", **ELSEWHERE)}
    alone = judge(looks, controls, dict.fromkeys(("here", "A", "B"), healthy), RULES)
    found = list(zip(looks, alone, combined(looks, alone, RULES, networks=2, within_s=900), strict=True))[1:]
    for one, own, verdict in found:
        near = [
            (its, said) for its, said, _ in found if abs(its.observed_at - one.observed_at) <= timedelta(minutes=15)
        ]
        others = {said.state for its, said in near if view(its) != view(one)}
        if own.state == "up":
            assert verdict == own
        if own.state == "down" and "up" in others:
            assert verdict.outcome == "disputed"
        elif own.rule == "E4-all-elsewhere":
            agreeing = {(its.network, its.agent_id) for its, said in near if said.rule == own.rule}
            assert verdict.outcome == ("moved" if len(agreeing) > 1 else "unconfirmed")
        elif own.rule == "E1-suspended-elsewhere":
            networks = {its.network for its, said in near if said.rule == own.rule}
            assert verdict.outcome == ("suspended" if len(networks) > 1 else "unconfirmed")
        else:
            assert verdict == own


def view(seen: Observation) -> tuple[str, str, str | None]:
    return seen.vantage, seen.network, seen.agent_id
