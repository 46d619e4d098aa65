"""Kinds, pages, notices and Tor, as a hotline adds them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random

from waterbed.lab.world.addressing import Chances
from waterbed.lab.world.file import World
from waterbed.lab.world.records import TrueEpisode, TrueNotice, TrueReport, Truth

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
SENT_S = 3600
"""A notice is sent and delivered so many seconds after the report."""


def as_hotline(truth: Truth) -> Truth:
    """The same world, as a hotline reports it."""
    if truth.world.hotline == type(truth.world.hotline)():
        return truth
    reports = _told(truth)
    elsewhere = sorted(_elsewhere(truth, reports), key=lambda one: (one.reported_at, one.url))
    notices = sorted(_notices(truth, reports), key=lambda one: (one.sent_at, one.url))
    return replace(truth, reports=tuple(reports), elsewhere=tuple(elsewhere), notices=tuple(notices))


def _told(truth: Truth) -> list[TrueReport]:
    """Reports with kind of site, commercial use, and the page that shows an image."""
    world, told = truth.world, list[TrueReport]()
    pages = sorted({one.url for one in truth.reports})
    for report in truth.reports:
        site = Chances(world, report.content_id).rng("kind")
        words, weights = tuple(world.hotline.site_types), tuple(world.hotline.site_types.values())
        kind = site.choices(words, weights)[0] if words else None
        commercial = site.random() < world.hotline.commercial if world.hotline.commercial else None
        shown = Chances(world, report.url).rng("parent")
        parent = shown.choice(pages) if shown.random() < world.hotline.parents else None
        told.append(
            replace(report, site_type=kind, commercial=commercial, parent=parent if parent != report.url else None)
        )
    return told


def _elsewhere(truth: Truth, reports: Sequence[TrueReport]) -> Iterator[TrueReport]:
    """Contents that were removed and come up where nothing can be looked at."""
    world = truth.world
    left = {one.content_id: one.end for one in reversed(truth.episodes) if one.end and one.cause == "removed"}
    by_content = {one.content_id: one for one in reversed(reports)}
    for content, when in sorted(left.items()):
        rng = Chances(world, content).rng("elsewhere")
        for medium, share in sorted(world.hotline.beyond.items()):
            at = when + timedelta(hours=rng.uniform(1.0, 24.0))
            if rng.random() < share and at < world.end and content in by_content:
                token = "".join(rng.choices(_BASE32, k=56))
                url = {"tor": f"http://{token}.onion/x", "chat": f"https://t.me/+{token[:16]}"}.get(
                    medium, f"http://cam-{token[:12]}.test/"
                )
                kind = "live stream" if medium == "live" else None
                yield replace(by_content[content], url=url, reported_at=at, site_type=kind, parent=None)


def is_notified(world: World, url: str) -> bool:
    """True if a URL's hoster gets a notice."""
    return _notice(world, url).random() < world.hotline.notices


def _notice(world: World, url: str) -> Random:
    return Chances(world, url).rng("notice")


def _notices(truth: Truth, reports: Sequence[TrueReport]) -> Iterator[TrueNotice]:
    """A notice about a reported URL to the hoster at which it is then."""
    hotline, world = truth.world.hotline, truth.world
    names = {one.key: f"AS{one.asn}" for one in world.hoster}
    spells: dict[str, list[TrueEpisode]] = {}
    for one in truth.episodes:
        spells.setdefault(one.url, []).append(one)
    for report in {one.url: one for one in reversed(reports)}.values():
        rng = _notice(world, report.url)
        sent = report.reported_at + timedelta(seconds=SENT_S)
        here = (one for one in spells.get(report.url, ()) if one.start <= sent < (one.end or world.end))
        there = next(here, None)
        if there is None or sent >= world.end or rng.random() >= hotline.notices:
            continue
        (kind,) = rng.choices(tuple(hotline.orders), tuple(hotline.orders.values()))
        due = sent + timedelta(hours=hotline.order_hours) if kind == "nl_order" else None
        yield TrueNotice(url=report.url, kind=kind, recipient=names[there.hoster], sent_at=sent, due_at=due)
