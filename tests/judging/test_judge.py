"""From looks to verdicts: the rules, the canary, confirmation."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.judging.columns import confirmed_in
from waterbed.judging.judge import CanaryRecord, judge, judge_one
from waterbed.judging.rules import DEFAULT_RULES, read_rules
from waterbed.model.conclusions import Verdict
from waterbed.model.errors import InputError
from waterbed.model.facts import CanaryLook, ControlLook, Observation

NOW = datetime(2026, 1, 5, tzinfo=UTC)
RULES = read_rules()


def look(**changes: object) -> Observation:
    plain = Observation(
        observation_id="o",
        url_id="u",
        run_id="r",
        vantage="here",
        scheduled_at=NOW,
        observed_at=NOW,
        resolution_id="x",
        profile="headers",
        method="HEAD",
        address="28.10.0.7",
        port=80,
        phase="http",
        failure=None,
        status=200,
        media_type="text/html",
        content_length=100,
        etag_id=None,
        last_modified_id=None,
        server=None,
        marks=(),
        redirect=None,
        redirect_url_id=None,
        redirect_site_id=None,
        steps=0,
        retry_after_s=None,
        tls_version=None,
        tls_problem=None,
        certificate_id=None,
        public_key_id=None,
        control_id=None,
        bytes_read=0,
        connect_ms=None,
        head_ms=None,
    )
    return replace(plain, **changes)


def control(**changes: object) -> ControlLook:
    plain = ControlLook(
        control_id="c",
        host_id="h",
        run_id="r",
        vantage="here",
        observed_at=NOW,
        failure=None,
        status=404,
        media_type="text/html",
        content_length=10,
        etag_id=None,
        redirect=None,
        redirect_site_id=None,
    )
    return replace(plain, **changes)


def outcome(made: Observation, beside: ControlLook | None = None, *, differed: bool = False) -> tuple[str, str]:
    verdict = judge_one(made, beside, canary="ok", differed_before=differed, rules=RULES)
    return verdict.outcome, verdict.state


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("up", "up")),
        ({"status": 204}, ("up", "up")),
        ({"status": 404}, ("gone", "down")),
        ({"status": 410}, ("gone", "down")),
        ({"status": 451}, ("legal", "unknown")),
        ({"status": 401}, ("challenge", "unknown")),
        ({"status": 403}, ("challenge", "unknown")),
        ({"status": 429}, ("challenge", "unknown")),
        ({"status": 503}, ("challenge", "unknown")),
        ({"status": 200, "marks": ("challenge",)}, ("challenge", "unknown")),
        ({"status": 200, "marks": ("suspended",)}, ("suspended", "down")),
        ({"status": 500}, ("server_error", "unknown")),
        ({"status": 522}, ("server_error", "unknown")),
        ({"status": 405}, ("refused_head", "unknown")),
        ({"status": 302, "redirect": "other"}, ("redirected", "unknown")),
        ({"status": 301, "redirect": "other"}, ("redirected", "unknown")),
        ({"status": 302, "redirect": "site"}, ("redirected", "unknown")),
        ({"status": 302, "redirect": "bad"}, ("protocol_error", "unknown")),
        ({"status": 302, "redirect": "same"}, ("protocol_error", "unknown")),
        ({"status": 999}, ("unclassified", "unknown")),
        ({"status": 304}, ("unclassified", "unknown")),
        ({"status": None, "phase": "dns", "failure": "nxdomain"}, ("no_name", "down")),
        ({"status": None, "phase": "dns", "failure": "nodata"}, ("no_name", "down")),
        ({"status": None, "phase": "dns", "failure": "servfail"}, ("name_failure", "unknown")),
        ({"status": None, "phase": "dns", "failure": "timeout"}, ("name_failure", "unknown")),
        ({"status": None, "phase": "guard", "failure": "non_public_address"}, ("refused_by_us", "unknown")),
        ({"status": None, "phase": "connect", "failure": "refused"}, ("unreachable", "down")),
        ({"status": None, "phase": "connect", "failure": "timeout"}, ("unreachable", "down")),
        ({"status": None, "phase": "tls", "failure": "alert"}, ("tls_error", "unknown")),
        ({"status": None, "phase": "http", "failure": "timeout"}, ("protocol_error", "unknown")),
        ({"status": None, "phase": "http", "failure": "too_long"}, ("too_long", "unknown")),
        ({"status": None, "phase": "tls", "failure": "too_long"}, ("too_long", "unknown")),
        ({"status": None, "phase": "http", "failure": "no_answer"}, ("unreachable", "down")),
        ({"status": None, "phase": "tls", "failure": "no_answer"}, ("unreachable", "down")),
    ],
)
def test_each_kind_of_look_has_its_outcome(changes: dict[str, object], expected: tuple[str, str]) -> None:
    """Only absence that the site or its name stated is down; everything unclear is unknown."""
    assert outcome(look(**changes)) == expected


def test_a_page_like_any_other_path_is_indistinct_until_it_once_differed() -> None:
    """A look equal to its control is unknown, or soft_gone if it differed from it before."""
    same = control(status=200, content_length=100)
    assert outcome(look(control_id="c"), same) == ("indistinct", "unknown")
    assert outcome(look(control_id="c"), same, differed=True) == ("soft_gone", "down")
    assert outcome(look(control_id="c"), control()) == ("up", "up")
    assert outcome(look(control_id="c"), control(failure="timeout", status=None)) == ("up", "up")


def test_judging_remembers_that_a_page_differed() -> None:
    """Within one URL's looks, an earlier difference makes a later equality a removal."""
    looks = [
        look(observation_id="1", control_id="a"),
        look(observation_id="2", control_id="b", observed_at=NOW + timedelta(hours=1)),
        look(observation_id="3", url_id="v", control_id="b"),
    ]
    controls = {"a": control(control_id="a"), "b": control(control_id="b", status=200, content_length=100)}
    healthy = CanaryRecord([canary(0), canary(3600)], within_s=60, need=0.5)
    outcomes = [v.outcome for v in judge(looks, controls, {"here": healthy}, RULES)]
    assert outcomes == ["up", "soft_gone", "indistinct"]


def canary(second: float, *, reached: int = 2) -> CanaryLook:
    return CanaryLook(
        canary_id=f"{second}",
        run_id="r",
        vantage="here",
        observed_at=NOW + timedelta(seconds=second),
        targets=2,
        reached=reached,
    )


def test_our_own_outage_is_never_a_removal() -> None:
    """While the canary fails, every look is our fault, whatever it saw."""
    verdict = judge_one(look(status=404), None, canary="failed", differed_before=False, rules=RULES)
    assert (verdict.outcome, verdict.state) == ("our_fault", "unknown")


def test_without_a_canary_nothing_is_down() -> None:
    """No canary: an absence is unwatched, an up stays up."""
    gone = judge_one(look(status=404), None, canary="none", differed_before=False, rules=RULES)
    assert (gone.outcome, gone.state, gone.cause) == ("unwatched", "unknown", None)
    up = judge_one(look(), None, canary="none", differed_before=False, rules=RULES)
    assert up.state == "up"


def test_the_canary_needs_both_neighbours_healthy() -> None:
    """A moment is healthy only if the canary was, just before and just after."""
    record = CanaryRecord([canary(0), canary(60), canary(120, reached=0), canary(180)], within_s=90, need=0.5)
    asked = {s: record.at(NOW + timedelta(seconds=s)) for s in (-100, 0, 30, 60, 90, 120, 150, 200, 600)}
    assert asked == {
        -100: "none",
        0: "ok",
        30: "ok",
        60: "failed",
        90: "failed",
        120: "failed",
        150: "failed",
        200: "none",
        600: "none",
    }


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ({0: 2, 60: 2}, "ok"),
        ({0: 2}, "none"),
        ({60: 2}, "none"),
        ({30: 2}, "ok"),
        ({-250: 2, 60: 2}, "none"),
        ({-100: 2, 60: 2}, "ok"),
        ({-100: 0, 60: 2}, "none"),
        ({0: 2, 60: 0}, "failed"),
    ],
)
def test_one_side_vouches_for_nothing(looks: dict[float, int], expected: str) -> None:
    """What came after the last canary look of a killed pass, or in a long gap, stays without."""
    canaries = [canary(second, reached=reached) for second, reached in looks.items()]
    moment = NOW + timedelta(seconds=30)
    assert CanaryRecord(canaries, within_s=90, need=0.5).at(moment) == expected


def verdicts(text: str, *, step_h: float = 1.0) -> list[Verdict]:
    states = {"u": "up", "d": "down", "?": "unknown"}
    one = judge_one(look(), None, canary="ok", differed_before=False, rules=RULES)
    return [
        replace(one, state=states[c], observed_at=NOW + timedelta(hours=n * step_h))  # type: ignore[arg-type]
        for n, c in enumerate(text)
    ]


@pytest.mark.parametrize(
    ("seen", "down"),
    [
        ("uuddd", "  ddd"),
        ("uudd", "    "),
        ("uddud", "     "),
        ("ud?d?d", " d d d"),
        ("dddu", "ddd "),
        ("udduddd", "    ddd"),
        ("???", "   "),
        ("", ""),
    ],
)
def test_an_absence_is_confirmed_by_three_looks_and_back_dated(seen: str, down: str) -> None:
    """Three downs confirm from the first on; unknown neither counts nor ends a run; one up ends it."""
    found = confirmed_in(verdicts(seen), looks=3, over_s=7200)
    assert found == [c == "d" for c in down]


@given(st.text("ud?", max_size=30))
def test_the_laws_of_confirmation(seen: str) -> None:
    """Only down looks are confirmed, all of a run or none; unknown looks change nothing; every run stands by itself."""
    down = confirmed_in(verdicts(seen), looks=3, over_s=7200)
    assert all(seen[n] == "d" for n, is_down in enumerate(down) if is_down)
    at = 0
    for run in seen.split("u"):
        own = down[at : at + len(run)]
        downs = [n for n, letter in enumerate(run) if letter == "d"]
        told = {own[n] for n in downs}
        assert len(told) <= 1
        assert told in (set(), {len(downs) >= 3 and downs[-1] - downs[0] >= 2})
        at += len(run) + 1


@given(st.text("ud?", max_size=20), st.text("ud?", max_size=20))
def test_what_comes_later_takes_no_confirmation_back(before: str, after: str) -> None:
    """A confirmed absence stays confirmed, and a flap that an up ended never becomes one."""
    first = confirmed_in(verdicts(before), looks=3, over_s=7200)
    both = confirmed_in(verdicts(before + after), looks=3, over_s=7200)
    assert all(later for sooner, later in zip(first, both, strict=False) if sooner)
    settled = before.rfind("u") + 1
    assert first[:settled] == both[:settled]


def test_three_quick_looks_confirm_nothing() -> None:
    """The looks must also span the policy's time."""
    assert confirmed_in(verdicts("ddd", step_h=0.1), looks=3, over_s=7200) == [False] * 3


def test_verdicts_name_their_rules() -> None:
    """A verdict carries the rule set's name and checksum and the rule's id."""
    verdict = judge_one(look(status=404), None, canary="ok", differed_before=False, rules=RULES)
    assert verdict.ruleset.startswith("default-6:")
    assert verdict.rule == "H5-gone"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "missing required field"),
        ("name = 5", "name 5: a text in quotes was expected"),
        ("\x00", "rules.toml"),
        (DEFAULT_RULES.read_text().replace('outcome = "gone"', 'outcome = "gonne"'), "gonne"),
        (DEFAULT_RULES.read_text().replace("{ status = 451 }", "{ statuss = 451 }"), "statuss"),
        (DEFAULT_RULES.read_text().replace("when = {}", "when = { status = 1 }"), "last rule"),
        (DEFAULT_RULES.read_text().replace('control = "same"', 'control = "smae"'), "line .*control cannot be 'smae'"),
        (DEFAULT_RULES.read_text().replace('status = "5xx"', 'status = "5x"'), "rule H10-server-error: status = '5x'"),
        (DEFAULT_RULES.read_text().replace("differed_before = true", 'differed_before = "yes"'), "cannot be 'yes'"),
        (DEFAULT_RULES.read_text().replace("H8-legal", "H5-gone"), "rule H5-gone: two rules have this id"),
        (DEFAULT_RULES.read_text().replace("disputed = {", "dispute = {"), "'disputed' must be defined"),
        (DEFAULT_RULES.read_text().replace('cause = "moved", ', ""), "outcome 'moved'"),
        (DEFAULT_RULES.read_text().replace('"default-6"', '"a/b"'), "one word"),
    ],
)
def test_a_broken_rule_file_is_one_sentence(text: str, says: str, tmp_path: Path) -> None:
    """A rule file with a mistake names the mistake."""
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=says):
        read_rules(path)


def test_what_rules_decided_is_forgotten_with_their_user() -> None:
    """The file is read once a process; what a process remembers of decisions does not grow with what servers answer."""
    one, other = read_rules(), read_rules()
    assert one.rules is other.rules
    assert one._decided is not other._decided
