"""Content that came up where no hoster can be told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from waterbed.graphs.beyond import Beyond, beyond
from waterbed.model.conclusions import Episode
from waterbed.model.facts import Report

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def stay(content: str, down: float | None, cause: str | None = "removed") -> Episode:
    """Content at a hoster until so many hours, None: still up."""
    return Episode(
        url_id=f"{content} web",
        content_id=content,
        site_id=content,
        hoster="acme",
        hosters=("acme",),
        origins=(64500,),
        countries=("NL",),
        addresses=("192.0.2.1",),
        proxy=False,
        known_up_at=at(0),
        reported_at=at(0),
        absent_at=None,
        first_up=None,
        last_up=at(0 if down is None else down - 1),
        first_down=None if down is None else at(down),
        cause=None if down is None else cause,  # type: ignore[arg-type]  # a cause
        flap_last_up=None,
        flap_first_down=None,
        looks=3,
        unknown_looks=0,
    )


def told(url_id: str, hours: float, medium: str) -> Report:
    return Report(
        report_id=url_id,
        url_id=url_id,
        source="hotline",
        category="abuse",
        site_type=None,
        commercial=None,
        assessed_illegal=None,
        verified_at=None,
        content_id=None,
        reported_at=at(hours),
        received_at=at(hours),
        medium=medium,  # type: ignore[arg-type]  # a medium
    )


def test_what_came_up_at_tor_after_it_left_is_nought_to_its_number() -> None:
    """Reported there after it had left: perhaps it moved; before, or while it is still up: no move; none is sure."""
    stays = [stay("a", 10), stay("b", 10), stay("c", None), stay("d", 10, "lost")]
    reports = [
        told("a tor", 20, "tor"),
        told("b tor", 5, "tor"),
        told("c tor", 20, "tor"),
        told("d chat", 20, "chat"),
        told("strange", 20, "tor"),
        told("a web", 0, "web"),
    ]
    contents = {"a tor": "a", "b tor": "b", "c tor": "c", "d chat": "d", "strange": "z", "a web": "a"}
    assert beyond(stays, reports, contents) == [
        Beyond(medium="chat", contents=1, least=0, most=0),
        Beyond(medium="tor", contents=3, least=0, most=1),
    ]


def test_the_first_report_there_decides() -> None:
    """Content known at Tor before it left a hoster was there already, however often it is reported later."""
    reports = [told("late", 20, "tor"), told("early", 5, "tor")]
    (found,) = beyond([stay("a", 10)], reports, {"late": "a", "early": "a"})
    assert (found.contents, found.most) == (1, 0)
    (found,) = beyond([stay("a", 10)], [replace(reports[0], reported_at=None)], {"late": "a"})
    assert found.most == 1


def test_a_date_to_come_is_not_believed() -> None:
    """A report at Tor that came before the content left, and says that it was made afterwards, was there before."""
    ahead = replace(told("ahead", 20, "tor"), received_at=at(5))
    (found,) = beyond([stay("a", 10)], [ahead], {"ahead": "a"})
    assert (found.contents, found.most) == (1, 0)


def test_content_may_have_left_as_soon_as_it_was_last_up() -> None:
    """Between the last look that saw it up and the first that did not it may have gone there; before, it had not."""
    daily = replace(stay("a", 34), last_up=at(10))
    for when, most in ((5, 0), (10, 0), (20, 1), (40, 1)):
        (found,) = beyond([daily], [told("t", when, "tor")], {"t": "a"})
        assert (found.contents, found.least, found.most) == (1, 0, most)


def test_content_that_was_gone_when_its_network_was_sold_had_left() -> None:
    """Nobody knows which of two owners removed it; content that was still up under the second has not left."""
    sold = replace(stay("a", 10, "lineage"), first_up=at(0))
    (found,) = beyond([sold], [told("t", 20, "tor")], {"t": "a"})
    assert found.most == 1
    stays = replace(stay("a", None), hoster="buyer", known_up_at=at(10), first_up=at(10), last_up=at(30))
    (found,) = beyond([sold, stays], [told("t", 20, "tor")], {"t": "a"})
    assert found.most == 0
