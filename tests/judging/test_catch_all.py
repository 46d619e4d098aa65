"""What hosts and addresses answer to random paths, and what follows for looks that have no control."""

from dataclasses import replace
from datetime import timedelta

from tests.judging.test_judge import NOW, RULES, control, look
from waterbed.judging.judge import AnswersOfAddresses, AnswersOfHosts, CanaryRecord, judge
from waterbed.model.conclusions import Verdict
from waterbed.model.facts import CanaryLook, ControlLook, Observation

HEALTHY = CanaryLook(canary_id="k", run_id="r", vantage="here", observed_at=NOW, targets=2, reached=2)


def judged(looks: list[Observation], controls: list[ControlLook]) -> list[Verdict]:
    canary = CanaryRecord([HEALTHY], within_s=300, need=0.5)
    return judge(looks, {c.control_id: c for c in controls}, {"here": canary}, RULES)


def neighbours(classes: list[int], address: str = "28.10.0.7") -> tuple[list[Observation], list[ControlLook]]:
    """One look with a control at each of several hosts of an address; the controls' statuses are given."""
    controls = [control(control_id=f"c{n}", host_id=f"h{n}", status=status) for n, status in enumerate(classes)]
    looks = [
        look(observation_id=f"o{n}", url_id=f"a{n}", control_id=f"c{n}", address=address, media_type="image/png")
        for n in range(len(classes))
    ]
    return looks, controls


def test_a_strict_look_at_an_address_that_answers_everything_is_indistinct() -> None:
    """Where most hosts of an address answer random paths with 200, a 200 without a control says nothing."""
    looks, controls = neighbours([200, 200, 404])
    strict = look(observation_id="s", url_id="z", profile="strict")
    assert judged([*looks, strict], controls)[-1].outcome == "indistinct"


def test_a_strict_look_elsewhere_is_up() -> None:
    """Where most hosts say 404, or nobody was asked, a 200 is up."""
    looks, controls = neighbours([200, 404, 404])
    strict = look(observation_id="s", url_id="z", profile="strict")
    assert judged([*looks, strict], controls)[-1].outcome == "up"
    assert judged([*looks, replace(strict, address="28.10.1.8")], controls)[-1].outcome == "up"


def test_three_hosts_of_a_network_stand_in_for_an_address_that_nobody_asked() -> None:
    """What most hosts in the /24 answered counts where the address itself is unknown; two hosts are too few."""
    strict = look(observation_id="s", url_id="z", profile="strict", address="28.10.0.99")
    looks, controls = neighbours([200, 200, 404])
    assert judged([*looks, strict], controls)[-1].outcome == "indistinct"
    looks, controls = neighbours([200, 200])
    assert judged([*looks, strict], controls)[-1].outcome == "up"


def test_half_of_the_hosts_are_not_most() -> None:
    """A tie tells nothing of an address, and unusable controls do not count."""
    looks, controls = neighbours([200, 404])
    assert AnswersOfAddresses(looks, {c.control_id: c for c in controls}).majority_class("28.10.0.7") is None
    broken = [replace(c, failure="timeout") for c in controls]
    assert AnswersOfAddresses(looks, {c.control_id: c for c in broken}).majority_class("28.10.0.7") is None


def test_a_host_is_known_by_its_last_answer_before_a_look() -> None:
    """Later answers do not judge earlier looks."""
    answers = AnswersOfHosts(
        [control(status=404), control(control_id="d", status=200, observed_at=NOW + timedelta(hours=5))]
    )
    assert answers.last_class("h", NOW - timedelta(seconds=1)) is None
    assert answers.last_class("h", NOW + timedelta(hours=1)) == 4
    assert answers.last_class("h", NOW + timedelta(hours=6)) == 2
