"""The table of label hops: order classes with intervals, and bounds."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.graphs.test_hops import hour, stay
from tests.study import facts
from waterbed.graphs.episodes import UrlHistory
from waterbed.graphs.label_hops import LabelSpell, label_hops, label_spells, label_table, near_table
from waterbed.graphs.linking.near_labels import NearLabels
from waterbed.model.conclusions import EndCause
from waterbed.model.facts import Target


def on(
    site: str,
    up: float,
    last_up: float,
    gone: float | None = None,
    *,
    absent: float | None = None,
    label: str = "l",
    platform: bool = False,
    country: str = "NL",
) -> LabelSpell:
    return LabelSpell(
        label_id=label,
        site_id=site,
        platform=platform,
        countries=(country,),
        absent_at=None if absent is None else hour(absent),
        first_up=hour(up),
        last_up=hour(last_up),
        gone_by=None if gone is None else hour(gone),
    )


def target(url: str, site: str, label: str = "l", suffix: str | None = None) -> Target:
    return facts.target(url, host_id=f"host of {url}", site_id=site, label_id=label, suffix_id=suffix)


@pytest.mark.parametrize(
    ("second", "order"),
    [
        (on("b", 8, 20, absent=6), "sequential"),
        (on("b", 8, 20, absent=7), "sequential"),
        (on("b", 8, 20, absent=5.5), "unknown"),
        (on("b", 8, 20), "unknown"),
        (on("b", 5.5, 20), "unknown"),
        (on("b", 5, 20), "parallel"),
        (on("b", 3, 20, absent=2), "parallel"),
    ],
)
def test_order_classes(second: LabelSpell, order: str) -> None:
    """Sequential from absence at or after the loss, parallel from sight before it, else unknown."""
    (step,) = label_hops([on("a", 0, 5, 6), second])
    assert step.order == order
    assert (step.from_site_id, step.to_site_id) == ("a", "b")


def test_what_was_never_known_gone_cannot_have_been_left_before() -> None:
    """Without a known end the order stays open unless the two were seen together."""
    orders = [label_hops([on("a", 0, 5), on("b", up, 30, absent=up - 1)])[0].order for up in (9, 4)]
    assert orders == ["unknown", "parallel"]


def test_a_row_gives_bounds() -> None:
    """A label on four sites: what is certain, and what cannot be excluded."""
    spells = [
        on("a", 0, 5, 6),
        on("b", 8, 20, 21, absent=7, country="RU"),
        on("c", 10, 12, 13, platform=True),
        on("d", 40, 50),
        on("elsewhere", 0, 9, label="single"),
    ]
    (row,) = label_table(spells)
    assert (row.sites, row.tlds, row.countries) == (4, 3, ("NL", "RU"))
    assert (row.first_seen, row.last_seen) == (hour(0), hour(50))
    assert (row.steps, row.sequential, row.parallel, row.unknown) == (3, 1, 1, 1)
    assert (row.hops_least, row.hops_most) == (1, 2)


def test_most_hops_come_first() -> None:
    """Rows are sorted by what may be hops."""
    one = [on("a", 0, 5, 6, label="one"), on("b", 4, 9, label="one")]
    two = [on("c", 0, 5, 6, label="two"), on("d", 7, 9, label="two")]
    assert [row.label_id for row in label_table([*one, *two])] == ["two", "one"]


def episodes_of(cause: EndCause, *, second_absent: float | None) -> list[LabelSpell]:
    """Two URLs on one site, from one instant on."""
    at_site = [
        stay("A", 1, 5, 6, url="u", absent=0),
        stay("A", 1, 8, 9, url="v", absent=second_absent, cause=cause),
    ]
    return label_spells(at_site, {"u": target("u", "s"), "v": target("v", "s", suffix="platform")})


def test_a_site_is_up_while_any_url_of_it_is() -> None:
    """A stay spans all episodes on the site."""
    (found,) = episodes_of("removed", second_absent=0.5)
    assert (found.first_up, found.last_up, found.gone_by, found.absent_at) == (hour(1), hour(8), hour(9), hour(0))
    assert found.platform
    assert found.countries == ("NL",)


def test_what_was_lost_from_sight_is_not_gone() -> None:
    """An end by loss of sight is no absence, nor is one URL's absence that of a site first seen with two."""
    (found,) = episodes_of("lost", second_absent=None)
    assert found.gone_by is None
    assert found.absent_at is None


def test_an_open_episode_keeps_the_site_up() -> None:
    """One URL still up: the label is not known gone."""
    at_site = [stay("A", 1, 5, 6, url="u"), stay("A", 2, 8, url="v")]
    (found,) = label_spells(at_site, {"u": target("u", "s"), "v": target("v", "s")})
    assert found.gone_by is None


def reported(url: str, site: str, *hours: float) -> UrlHistory:
    times = tuple(map(hour, hours))
    return UrlHistory(url_id=url, content_id="c", site_id=site, known_up_at=times[0], reported=times)


def test_steps_of_plain_reports_are_nought_to_their_number() -> None:
    """Without a single look no step is shown to be a hop, and each may be one that no later report contradicts."""
    known = [reported("u", "s", 0, 30), reported("v", "t", 20), reported("w", "x", 40), reported("y", "z", 50)]
    targets = {history.url_id: target(history.url_id, history.site_id) for history in known}
    (row,) = label_table(label_spells([], targets, known))
    assert (row.sites, row.parallel, row.unknown, row.hops_least, row.hops_most) == (4, 1, 2, 0, 2)
    assert (row.first_seen, row.last_seen) == (hour(0), hour(50))


def test_a_site_with_a_url_that_was_never_followed_is_not_known_gone() -> None:
    """What was seen of one URL says nothing of another; one that was followed is not counted by its reports again."""
    targets = {url: target(url, "s") for url in "uv"}
    followed = [stay("A", 1, 5, 6, url="u", absent=0)]
    (found,) = label_spells(followed, targets, [reported("u", "s", 0, 9)])
    assert (found.last_up, found.gone_by, found.absent_at) == (hour(5), hour(6), hour(0))
    (found,) = label_spells(followed, targets, [reported("u", "s", 0, 9), reported("v", "s", 0.5)])
    assert (found.first_up, found.gone_by, found.absent_at) == (hour(0.5), None, None)


def test_a_site_that_nobody_saw_up_is_no_certain_step() -> None:
    """Known absent before its report and gone at the first check: a report alone shows no hop there."""
    left, arrived = stay("A", 0, 5, 6, url="u"), stay("B", 20, 20, 21, url="v", absent=19)
    targets = {"u": target("u", "s"), "v": target("v", "t")}
    known = [reported("u", "s", 0), reported("v", "t", 20)]
    for last, least in ((arrived, 1), (replace(arrived, first_up=None), 0)):
        (row,) = label_table(
            label_spells([replace(one, site_id=targets[one.url_id].site_id) for one in (left, last)], targets, known)
        )
        assert (row.sites, row.hops_least, row.hops_most) == (2, least, 1)


def test_pure_mirrors_are_never_called_hops() -> None:
    """Mirrors up all along and reported late are parallel or of unknown order, whatever first sight suggests."""
    later: datetime = hour(0) + timedelta(days=3)
    mirrors = [on("a", 0, 5, 6), on("b", 72, 90)]
    (step,) = label_hops(mirrors)
    assert step.arrived_before == later
    assert step.order == "unknown"


def test_near_labels_are_listed_apart() -> None:
    """A pair of which both were up is a row, the one seen first first; gone everywhere before the other came in."""
    spells = [
        on("a", 0, 5, 6, label="brand"),
        on("b", 2, 7, 8, label="brand"),
        on("c", 20, 30, absent=9, label="brand1"),
        on("d", 3, 4, label="brand2"),
    ]
    near = [
        NearLabels("brand", "brand1", "digits"),
        NearLabels("brand", "brand2", "digits"),
        NearLabels("brand", "x", "edit"),
    ]
    rows = near_table(spells, near)
    assert [(row.label_id, row.near_label_id, row.sites, row.near_sites, row.order) for row in rows] == [
        ("brand", "brand2", 2, 1, "parallel"),
        ("brand", "brand1", 2, 1, "sequential"),
    ]
    assert [hop.label_id for hop in label_hops(spells)] == ["brand"]
