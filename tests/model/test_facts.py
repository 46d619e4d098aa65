"""Facts as they were told."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

import waterbed
from tests.graphs.test_hops import hour
from tests.study.facts import report
from waterbed.model.facts import reported_at


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
