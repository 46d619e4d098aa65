"""Cards of sources, and entries that leave a feed by rule."""

import os
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from benchmarks.phishtank import read_cohort
from tests.study import facts
from waterbed.judging.quarantines import Decisions, GuardRules, feed_quarantines
from waterbed.measures.feeds import feed_cards, retention_spike
from waterbed.model.bookkeeping import Delivery

from .episodes import START, hours


def report(n, source, *, at=0.0, delay=2.0, dated=True):
    """A report of URL n, received `delay` hours after it was made."""
    made, came = hours(at) if dated else None, hours(at + delay)
    return facts.report(f"u{n}", report_id=f"{source}{n}{at}", source=source, reported_at=made, received_at=came)


def target(n):
    """URL n, two to a host, four to a site."""
    return facts.target(f"u{n}", host_id=f"h{n // 2}", site_id=f"s{n // 4}")


def delivery(n, source, reports):
    """Delivery number n of a source."""
    return Delivery(
        delivery_id=f"{source}{n}",
        source=source,
        run_id="r",
        received_at=hours(24 * n),
        reports=reports,
        new=reports,
        rejected=0,
    )


TARGETS = {f"u{n}": target(n) for n in range(20)}


def cards(reports, deliveries=(), quarantines=()):
    """The cards by source."""
    return {card.source: card for card in feed_cards(reports, TARGETS, deliveries, quarantines)}


def test_a_card_counts_what_came_and_how_late():
    """URLs, hosts, sites, days with reports among all days, and the delay of the dated ones."""
    told = [report(n, "a", at=24.0 * (n % 2) * 3, delay=float(n)) for n in range(8)]
    told.append(report(0, "a", at=1.0, dated=False))
    card = cards(told)["a"]
    assert (card.reports, card.urls, card.hosts, card.sites) == (9, 8, 4, 2)
    assert (card.days_covered, card.days, card.undated) == (2, 4, 1)
    assert (card.delay_median_h, card.delay_p90_h) == (3.5, pytest.approx(6.3))
    assert (card.first_day, card.last_day) == (START, START + timedelta(days=3))


def test_overlap_and_who_was_first():
    """What two sources report is shared, and the one it reached us from first is told."""
    told = [report(0, "a"), report(1, "a", at=10), report(2, "a"), report(0, "b", at=5), report(1, "b", at=1)]
    found = cards(told)
    assert (found["a"].shared, found["a"].first_here) == (pytest.approx(2 / 3, abs=1e-6), 0.5)
    assert (found["b"].shared, found["b"].first_here) == (1.0, 0.5)
    assert cards([report(0, "a")])["a"].first_here is None


def test_a_clock_that_runs_ahead_makes_no_negative_delay():
    """A report dated after its receipt has no delay, and covers the day on which it came."""
    assert cards([report(0, "a", delay=-5.0)])["a"].delay_median_h == 0.0
    found = cards([report(0, "a", at=0.0), report(1, "a", at=24.0 * 1500, delay=-24.0 * 1499)])["a"]
    assert (found.days, found.days_covered) == (2, 2)


def test_empty_and_halved_deliveries_are_on_the_card():
    """The deliveries that the cycle guard holds are counted for their source alone; a source may have nothing else."""
    came = [delivery(n, "a", reports) for n, reports in enumerate([100, 110, 90, 20, 0, 100])]
    came += [delivery(n, "b", 0) for n in range(2)]
    held = feed_quarantines(came, GuardRules(), Decisions())
    found = cards([report(0, "a")], came, held)
    assert (found["a"].deliveries, found["a"].empty, found["a"].suspect) == (6, 1, 2)
    assert (found["b"].reports, found["b"].deliveries, found["b"].suspect, found["b"].days) == (0, 2, 0, 0)


def test_most_reports_come_first():
    """Cards are in the order of their reports, then by name."""
    told = [report(n, "b") for n in range(3)] + [report(5, "c"), report(6, "a")]
    assert list(cards(told)) == ["b", "a", "c"]


def test_a_feed_that_keeps_entries_thirty_days_is_flagged():
    """A rule of retention shows as a spike at its age, whatever else ends; without it there is none."""
    rng = np.random.default_rng(1)
    ends = np.floor(rng.weibull(0.6, 8_000) * 20)
    kept = np.minimum(ends, 29.0)
    assert retention_spike(kept, kept + 1).age == 30
    assert retention_spike(ends, ends + 1) is None
    assert retention_spike(ends[:0], ends[:0]) is None


@pytest.mark.realdata
def test_phishtank_has_no_retention_rule_and_would_be_flagged_with_one():
    """The real feed is not flagged; the same feed cut at 30 days is."""
    everyone = read_cohort(Path(os.environ["WATERBED_REALDATA"]))
    left, right = everyone.left[everyone.new], everyone.right[everyone.new]
    assert left.size > 150_000
    assert retention_spike(left, right) is None
    cut = np.minimum(left, 29.5)
    right = np.where(left >= 29.5, 30.0, np.minimum(right, 30.0))
    assert retention_spike(cut, np.maximum(right, cut + 0.01)).age == 30
