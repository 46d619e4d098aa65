"""What the earlier looks of a URL and its controls make of a later one."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.judging.test_judge import NOW, RULES, canary, control, look
from tests.study.facts import resolution
from waterbed.judging.features import compare, look_features
from waterbed.judging.judge import CanaryRecord, judge, judge_one
from waterbed.model.facts import ControlLook, Observation

SAME = {"status": 200, "content_length": 100}
"""A control that equals the plain look."""
OTHER = {"status": 404}
REFUSED: dict[str, Any] = {"phase": "connect", "status": None, "failure": "refused"}


def story(*looks: dict, controls: dict[str, ControlLook] | None = None, **more) -> list[str]:
    """Outcomes of one URL's looks, an hour apart; `c` names the control."""
    made: list[Observation] = [
        look(observation_id=f"{n}", control_id=one.get("c"), observed_at=NOW + timedelta(hours=n))
        for n, one in enumerate(looks)
    ]
    made = [
        replace(plain, **{key: value for key, value in one.items() if key != "c"})
        for plain, one in zip(made, looks, strict=True)
    ]
    healthy = CanaryRecord([canary(0), canary(1e6)], within_s=1e6, need=0.5)
    return [v.outcome for v in judge(made, controls or {}, {"here": healthy}, RULES, **more)]


def test_unstable_features_tell_nothing() -> None:
    """A page that echoes its path differs from itself in length: that is no difference."""
    page, other = look(), {"status": 200, "content_length": 7}
    assert compare(page, control(**other)) == "differs"
    assert compare(page, control(**other, unstable=("content_length",))) == "same"
    assert compare(page, control(**SAME, unstable=("status",))) == "none"
    assert compare(page, control(**SAME, media_type="text/plain", unstable=("content_length",))) == "differs"


def test_pages_without_length_and_etag_differ_by_status_type_or_redirect() -> None:
    """What one side does not state is not compared."""
    bare = look(content_length=None)
    assert compare(bare, control(status=200)) == "same"
    assert compare(bare, control(status=404)) == "differs"
    assert compare(bare, control(status=200, media_type="image/png")) == "differs"
    assert compare(bare, control(status=200, redirect="site")) == "differs"


def test_a_difference_that_can_no_longer_be_compared_is_no_removal() -> None:
    """It differed in length; now random paths differ in length too, or no length is stated: nothing is known."""
    controls = {
        "a": control(status=200, content_length=5),
        "b": control(status=200, content_length=9, unstable=("content_length",)),
        "d": control(status=200, content_length=100),
    }
    assert story({"c": "a"}, {"c": "b"}, controls=controls) == ["up", "indistinct"]
    assert story({"c": "a"}, {"c": "a", "content_length": None}, controls=controls) == ["up", "indistinct"]
    assert story({"c": "a"}, {"c": "d"}, controls=controls) == ["up", "soft_gone"]


def test_a_root_like_any_other_path_is_indistinct() -> None:
    """A root has a control too; if it never differed nothing is known of it."""
    controls = {"a": control(**SAME)}
    assert story({"c": "a"}, {"c": "a"}, controls=controls) == ["indistinct", "indistinct"]


def test_a_catch_all_without_a_control_is_not_up() -> None:
    """Random paths of this URL's host were answered with 2xx: without a control now, 2xx says nothing."""
    controls = {
        "a": control(status=200, content_length=5),
        "broken": control(control_id="broken", failure="timeout", status=None, observed_at=NOW + timedelta(hours=1)),
    }
    assert story({"c": "a"}, {"c": "broken"}, {}, controls=controls) == ["up", "indistinct", "indistinct"]
    assert story({}, {}, controls=controls, hosts={"u": "h"}) == ["indistinct", "indistinct"]
    assert story({}, {}, controls=controls, hosts={"u": "another"}) == ["up", "up"]
    ended = {**controls, "b": control(control_id="b", observed_at=NOW + timedelta(hours=2))}
    assert story({}, {}, {}, controls=ended, hosts={"u": "h"}) == ["indistinct", "indistinct", "up"]


def test_without_control_a_new_media_type_is_no_up() -> None:
    """An image that turns to text: a default page, for all we know."""
    image = {"media_type": "image/png", "profile": "strict"}
    assert story(image, image, {"profile": "strict"}, image) == ["up", "up", "changed", "up"]
    assert story(image, {**image, "media_type": None}) == ["up", "up"]


def test_without_control_a_page_that_was_always_the_same_and_changes_is_no_up() -> None:
    """Twice the same length and ETag, then another: unknown for as long as it lasts."""
    assert story({}, {}, {"content_length": 7}, {"content_length": 7}) == ["up", "up", "changed", "changed"]
    assert story({}, {"content_length": 7}, {}) == ["up", "up", "up"]
    tagged = {"etag_id": "e"}
    assert story(tagged, tagged, {"etag_id": "f"}) == ["up", "up", "changed"]
    assert story(tagged, tagged, {"etag_id": None, "content_length": None}) == ["up", "up", "up"]
    assert story({}, {}, {"status": 302, "redirect": "site"}) == ["up", "up", "changed"]


def test_a_page_that_changed_and_came_back_varies_by_itself() -> None:
    """Its later changes tell nothing."""
    new = {"content_length": 7}
    assert story({}, {}, new, {}, new) == ["up", "up", "changed", "up", "up"]


def test_with_a_control_that_differs_a_change_is_up() -> None:
    """A control look answers the question itself."""
    controls = {"a": control()}
    assert story({"c": "a"}, {"c": "a"}, {"c": "a", "content_length": 7}, controls=controls) == ["up"] * 3


@pytest.mark.parametrize(
    ("changes", "beside", "expected"),
    [
        ({"status": 301}, control(), ("moved", "R2-moved")),
        ({"status": 308}, control(), ("moved", "R2-moved")),
        ({"status": 302}, control(), ("redirected", "R3-redirected")),
        ({"status": 301}, None, ("redirected", "R3-redirected")),
        ({"status": 301}, control(status=301, redirect="other", content_length=100), ("indistinct", "S2-indistinct")),
    ],
)
def test_a_lasting_redirect_of_this_url_alone_is_a_move(changes: dict, beside: ControlLook, expected: tuple) -> None:
    """301 and 308 to another site count if a random path does not do the same; others are unknown."""
    made = look(redirect="other", control_id="c", **changes)
    verdict = judge_one(made, beside, canary="ok", differed_before=False, rules=RULES)
    assert (verdict.outcome, verdict.rule) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"link_check": "x", "link_exists": True, "status": 404}, "up"),
        ({"link_check": "x", "link_exists": False}, "gone"),
        ({"link_check": "x", "status": 429}, "challenge"),
        ({"link_check": "x", "status": 404}, "unclassified"),
        ({"link_check": "x", "status": None, "phase": "connect", "failure": "timeout"}, "unclassified"),
        ({"phase": "connect", "status": None, "failure": "proxy_refused"}, "our_fault"),
        ({"phase": "connect", "status": None, "failure": "proxy_failed"}, "our_fault"),
        ({"phase": "connect", "status": None, "failure": "proxy_timeout"}, "our_fault"),
        ({"phase": "connect", "status": None, "failure": "no_source_address"}, "our_fault"),
        ({"marks": ("removed",)}, "soft_gone"),
        ({"marks": ("parked",)}, "parked"),
        ({"marks": ("seized",)}, "seized"),
        ({"marks": ("seized",), "status": 301, "redirect": "other"}, "seized"),
        ({"marks": ("cloudflare",)}, "up"),
        ({"status": 405, "method": "GET"}, "unclassified"),
        ({"status": 404, "tls_version": "TLSv1.3", "tls_problem": "expired"}, "gone"),
    ],
)
def test_single_looks(changes: dict, expected: str) -> None:
    """A link check decides in place of the URL; our own way out is our fault; marks are known pages."""
    assert judge_one(look(**changes), None, canary="ok", differed_before=False, rules=RULES).outcome == expected


@pytest.mark.parametrize(("tag", "outcome"), [("parking", "parked"), ("seized", "seized")])
def test_what_a_name_leads_to_holds(tag: str, outcome: str) -> None:
    """What a name's addresses and aliases tell holds whatever the page says, reachable or not; so does an old tag."""
    answer = resolution("u", "28.10.0.7", resolution_id="x", tags=(tag,))
    controls = {"a": control(**OTHER)}
    assert (
        story({}, {"c": "a"}, {"status": 404}, REFUSED, resolutions={"x": answer}, controls=controls) == [outcome] * 4
    )


@pytest.mark.parametrize(("tag", "outcome"), [("parking", "parked"), ("seized", "seized")])
def test_name_servers_alone_seize_and_park_no_page_that_answers_for_itself(tag: str, outcome: str) -> None:
    """A live page cannot make itself seized by what its zone says: it must answer as every path, or not at all."""
    answer = resolution("u", "28.10.0.7", resolution_id="x", tags=(f"{tag}_by_name_servers",))
    controls = {"differs": control(**OTHER), "same": control(**SAME), "failed": control(failure="timeout", status=None)}
    live = ({}, {"c": "differs"}, {"c": "failed"}, {"c": "differs", "status": 302, "redirect": "site"})
    gone = ({"c": "same"}, {"status": 404}, {"status": 503}, REFUSED, {"marks": (outcome,), "c": "differs"})
    assert story(*live, resolutions={"x": answer}, controls=controls) == ["disputed"] * 4
    assert story(*gone, resolutions={"x": answer}, controls=controls) == [outcome] * 5


def test_gone_behind_a_new_certificate_problem_is_disputed() -> None:
    """It was up with a good certificate; a 404 with a bad one may come from somebody else."""
    good = {"tls_version": "TLSv1.3", "certificate_id": "good"}
    bad = {"tls_version": "TLSv1.3", "certificate_id": "bad", "tls_problem": "self_signed"}
    unseen = {"tls_version": "TLSv1.3"}
    controls = {"a": control(), "b": control(**SAME)}
    assert story(good, {**bad, "status": 404}) == ["up", "disputed"]
    assert story(bad, {**bad, "status": 404}) == ["up", "gone"]
    assert story(bad, good, {**bad, "status": 404}) == ["up", "up", "gone"]
    assert story(unseen, {**bad, "status": 404}) == ["up", "gone"]
    assert story({**bad, "status": 404}) == ["gone"]
    assert story({**good, "c": "a"}, {**bad, "c": "b"}, controls=controls) == ["up", "disputed"]
    assert story(good, {**bad, "marks": ("removed",)}) == ["up", "disputed"]


def test_a_public_key_that_nobody_vouches_for_is_compared() -> None:
    """A certificate of an invented issuer has no problem of its own: its key must be one that up looks had."""
    real = {"tls_version": "TLSv1.3", "certificate_id": "a", "public_key_id": "a", "tls_trust": "trusted"}
    renewed = {**real, "certificate_id": "b", "public_key_id": "b"}
    invented = {**real, "certificate_id": "c", "public_key_id": "c", "tls_trust": "incomplete_chain"}
    bare = {**real, "tls_trust": "incomplete_chain"}
    before = {**real, "tls_trust": None}
    assert story(real, {**renewed, "status": 404}) == ["up", "gone"]
    assert story(real, {**invented, "status": 404}) == ["up", "disputed"]
    assert story(real, {**bare, "status": 404}) == ["up", "gone"]
    assert story(bare, {**bare, "status": 404}) == ["up", "gone"]
    assert story(bare, {**invented, "status": 404}) == ["up", "disputed"]
    assert story(before, {**invented, "status": 404}) == ["up", "gone"]
    assert story(before, {**invented, "tls_trust": None, "status": 404}) == ["up", "gone"]
    assert story({**invented, "status": 404}) == ["gone"]


@given(
    st.fixed_dictionaries(
        {
            "status": st.sampled_from([200, 204, 301, 302, 308, 404, 410, 451, 403, 405, 500, 503]),
            "marks": st.sets(st.sampled_from(["suspended", "removed", "parked", "challenge", "cdn"])).map(
                lambda marks: tuple(sorted(marks))
            ),
            "redirect": st.sampled_from([None, "same", "front", "site", "other", "bad"]),
            "control": st.sampled_from(["same", "differs", "none"]),
            "control_redirect": st.sampled_from([None, "no", "front", "other"]),
            "differed_before": st.booleans(),
            "answered_before": st.sampled_from(["up", "unclear", "no"]),
            "catch_all": st.booleans(),
            "link_exists": st.sampled_from([None, "yes", "no", "unclear"]),
            "changed": st.sampled_from(["type", "page", "no"]),
            "method": st.sampled_from(["HEAD", "GET"]),
            "head_status": st.sampled_from([None, 403, 404]),
            "doubt": st.sampled_from(["unauthenticated", "newly_bad"]),
        }
    )
)
@settings(max_examples=600)
def test_nothing_is_down_on_an_answer_that_may_be_somebody_else_s(told: dict[str, Any]) -> None:
    """Whatever it says: not authenticated, or behind a certificate that nobody vouches for, it shows no removal."""
    doubt = told.pop("doubt")
    seen = {
        **look_features(look(), None, canary="ok", differed_before=False),
        **told,
        "authenticated": "no" if doubt == "unauthenticated" else "yes",
        "tls": "newly_bad" if doubt == "newly_bad" else "ok",
    }
    _, outcome = RULES.decide(seen)
    assert outcome.state in ({"unknown"} if doubt == "unauthenticated" else {"unknown", "up"})
