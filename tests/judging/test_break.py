"""Sequences of looks that must not make a removal."""

from dataclasses import replace
from datetime import timedelta

from tests.judging.test_judge import NOW, RULES, canary, control, look
from waterbed.judging.judge import CanaryRecord, judge

HEALTHY = CanaryRecord([canary(second) for second in range(0, 6 * 3600, 240)], within_s=300, need=0.5)


def test_a_control_from_elsewhere_does_not_make_a_redirect_a_move() -> None:
    """One vantage is led away on every path; a control that another one took says nothing of that."""
    seen = look(
        vantage="elsewhere",
        control_id="c",
        status=301,
        redirect="other",
        redirect_site_id="wall",
        content_length=None,
        observed_at=NOW + timedelta(hours=1),
    )
    verdicts = judge([seen], {"c": control(vantage="here")}, {"elsewhere": HEALTHY}, RULES)
    assert [verdict.state for verdict in verdicts] == ["unknown"]


def test_a_difference_to_a_control_from_elsewhere_is_no_past() -> None:
    """A catch-all site of which another vantage's edge gives other lengths never differed from its control."""
    alike = control(status=200, content_length=100)
    there = look(vantage="elsewhere", control_id="c", content_length=140, observed_at=NOW + timedelta(hours=1))
    here = [replace(look(control_id="c"), observed_at=NOW + timedelta(hours=n)) for n in (2, 3, 5)]
    verdicts = judge([there, *here], {"c": alike}, {"here": HEALTHY, "elsewhere": HEALTHY}, RULES)
    assert "down" not in [verdict.state for verdict in verdicts]
