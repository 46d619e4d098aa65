"""Invented episodes and appearances for the tests of rankings."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from waterbed.measures.keys import Appearance
from waterbed.model.conclusions import Episode

START = datetime(2026, 3, 1, tzinfo=UTC)


def hours(h):
    return START + timedelta(hours=h)


def episode(n, left, right, cause=None, *, hoster="acme", at=0.0, **other):
    """URL number n, up at `hoster` from `at`, last up after `left` and gone by `right` hours since then."""
    values = {
        "url_id": f"u{n}",
        "content_id": f"u{n}",
        "site_id": f"s{n}",
        "hoster": hoster,
        "hosters": (hoster,),
        "origins": (64500,),
        "countries": ("NL",),
        "addresses": ("192.0.2.1",),
        "proxy": False,
        "known_up_at": hours(at),
        "reported_at": hours(at),
        "absent_at": None,
        "first_up": hours(at),
        "last_up": hours(at + left),
        "first_down": None if right is None else hours(at + right),
        "cause": cause if right is not None else None,
        "looks": 3,
        "looks_until_last": 3,
        "unknown_looks": 0,
    }
    return Episode(**(values | other))


SPREAD_H = 24.0 * 20
"""Hours over which `spread` puts reports: enough days for an interval."""


def spread(episodes):
    """The same episodes, begun all through 20 days: neighbours in the list are far apart in time.

    All of one site go together, as they are reported together.
    """
    place: dict[str, int] = {}
    for one in episodes:
        place.setdefault(f"{one.hoster} {one.site_id}", len(place))
    return [_later(one, place[f"{one.hoster} {one.site_id}"] * 0.618034 % 1.0 * SPREAD_H) for one in episodes]


def _later(one, by):
    names = ("known_up_at", "reported_at", "absent_at", "first_up", "last_up", "first_down")
    given = {name: getattr(one, name) for name in names}
    return replace(one, **{name: when + timedelta(hours=by) for name, when in given.items() if when})


def appearance(n, *keys, **other):
    values = {"url_id": f"u{n}", "host_id": f"h{n}", "site_id": f"s{n}", "keys": keys, "decided": True, "proxy": False}
    return Appearance(**(values | other))
