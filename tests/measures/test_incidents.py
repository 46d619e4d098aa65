"""What of many reports is one incident, and which sites are one cluster."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.graphs.test_label_hops import target
from tests.study.facts import report
from waterbed.measures.incidents import Complaint, complaints, incidents, incidents_by_key

from .episodes import START


def told(n, *, host="h", day=0.0, category="phishing", content=None):
    """A complaint about URL n."""
    return Complaint(
        url_id=f"u{n}", host_id=host, category=category, content_id=content, when=START + timedelta(days=day)
    )


def found(*complaints):
    """The URLs of each incident, in order."""
    return sorted(sorted(urls) for urls in incidents(complaints).values())


def test_a_host_is_one_incident_for_seven_days():
    """URLs of one host and category within 7 days of the first are one incident; the eighth day begins another."""
    assert found(told(1), told(2, day=3), told(3, day=7)) == [["u1", "u2", "u3"]]
    assert found(told(1), told(2, day=6), told(3, day=7.01)) == [["u1", "u2"], ["u3"]]


def test_the_week_runs_from_the_first_report():
    """A chain of reports does not prolong an incident."""
    assert found(*(told(n, day=5 * n) for n in range(4))) == [["u0", "u1"], ["u2", "u3"]]


def test_another_category_is_another_incident():
    """The same host with another target category counts again."""
    assert found(told(1), told(2, category="malware")) == [["u1"], ["u2"]]


def test_content_joins_hosts():
    """The same content id on two hosts is one incident, and so is what either host has besides."""
    assert found(told(1, host="a", content="c"), told(2, host="b", content="c")) == [["u1", "u2"]]
    assert found(
        told(1, host="a"), told(2, host="b"), told(3, host="a", content="c"), told(4, host="b", content="c")
    ) == [["u1", "u2", "u3", "u4"]]


def test_a_url_reported_again_much_later_is_a_second_incident():
    """The same URL, weeks apart, is two incidents."""
    assert found(told(1), told(1, day=30)) == [["u1"], ["u1"]]


@given(
    st.lists(
        st.builds(
            told,
            st.integers(0, 9),
            host=st.sampled_from("abc"),
            day=st.integers(0, 30),
            category=st.sampled_from(["phishing", "malware"]),
            content=st.sampled_from([None, "x", "y"]),
        ),
        max_size=25,
    ).flatmap(lambda all_: st.tuples(st.just(all_), st.permutations(all_)))
)
def test_order_does_not_matter_and_nothing_is_lost(both):
    """Any order gives the same incidents, and every URL is in one."""
    first, second = both
    assert found(*first) == found(*second)
    assert {url for urls in found(*first) for url in urls} == {one.url_id for one in first}
    assert len(found(*first)) <= len(first)


def test_incidents_are_counted_in_full_and_shared():
    """An incident at two hosters counts once at each, and as one half."""
    shares = incidents_by_key([{"u1", "u2"}, {"u3"}, {"u9"}], {"u1": ["a"], "u2": ["b"], "u3": ["a"]})
    assert {key: (share.full, share.fractional) for key, share in shares.items()} == {"a": (2, 1.5), "b": (1, 0.5)}
    assert sum(share.fractional for share in shares.values()) == pytest.approx(2)


def test_a_later_source_joins_no_incidents():
    """Two URLs of one source's contents stay two incidents, whatever one id another source gives both a day later."""
    at = [START + timedelta(days=day) for day in (0, 0, 1, 1)]
    named = [("u", "one"), ("v", "two"), ("u", "same"), ("v", "same")]
    reports = [
        report(url, report_id=f"{url} {content}", content_id=content, reported_at=when, received_at=when)
        for when, (url, content) in zip(at, named, strict=True)
    ]
    targets = {url: target(url, f"site of {url}") for url in "uv"}
    assert len(incidents(complaints(reports, targets))) == 2
    assert len(incidents(complaints(reports[2:], targets))) == 1
