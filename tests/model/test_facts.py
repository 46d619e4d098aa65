"""Facts as they were told."""

import random
import re
from datetime import timedelta
from pathlib import Path

import pytest

import waterbed
from tests.graphs.test_hops import hour
from tests.study.facts import report
from waterbed.model.facts import as_counted, reported_at


@pytest.mark.parametrize(("ahead", "counted"), [(-3, -3), (0, 0), (9_000, 0), (None, 0)])
def test_a_report_was_made_no_later_than_it_came(ahead: float | None, counted: float) -> None:
    """Its own date counts if it is earlier; a date to come, or none, is when it came here."""
    came = hour(5)
    made = None if ahead is None else came + timedelta(hours=ahead)
    assert reported_at(report("u", reported_at=made, received_at=came)) == came + timedelta(hours=counted)


def test_no_other_module_reads_that_time_in_its_own_way() -> None:
    """One function says when a report was made, for rankings, graphs and attribution."""
    top = Path(waterbed.__file__).parent.parent
    found = [
        str(path.relative_to(top))
        for folder in ("waterbed", "graphs", "attribution", "crawler")
        for path in (top / folder).rglob("*.py")
        if re.search(r"reported_at or [\w.]*received_at", path.read_text())
    ]
    assert found == ["waterbed/model/facts.py"]


@pytest.mark.parametrize("seed", range(20))
def test_what_is_received_later_changes_no_first_report(seed: int) -> None:
    """Whatever dates later reports of known URLs have, and in whatever order reports are given."""
    chance, names = random.Random(seed), [f"u{n}" for n in range(6)]
    first = [
        report(
            url,
            report_id=f"first {url}",
            reported_at=hour(chance.uniform(50, 99)),
            received_at=hour(100),
        )
        for url in names
    ]
    later = [
        report(
            chance.choice(names),
            report_id=f"later {n}",
            source="another",
            reported_at=chance.choice((None, hour(chance.uniform(0, 300)))),
            received_at=hour(chance.uniform(101, 200)),
        )
        for n in range(30)
    ]
    assert as_counted(first) is first
    both = [*first, *later]
    chance.shuffle(both)
    found = as_counted(both)
    assert as_counted(found) is found
    assert [one.report_id for one in found] == [one.report_id for one in both]
    for one in first:
        assert min(reported_at(each) for each in found if each.url_id == one.url_id) == reported_at(one)
    for was, one in zip(both, found, strict=True):
        assert reported_at(was) <= reported_at(one) <= one.received_at


def test_of_reports_received_together_the_earliest_counts() -> None:
    """A delivery may name a URL twice: neither report was there before the other."""
    two = [report("u", report_id=f"{at}", reported_at=hour(at), received_at=hour(9)) for at in (5, 2)]
    assert as_counted(two) is two
    late = report("u", report_id="late", reported_at=hour(1), received_at=hour(10))
    assert [reported_at(one) for one in as_counted([late, *two])] == [hour(2), hour(5), hour(2)]
