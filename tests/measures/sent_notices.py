"""Invented notices for the tests of clocks and compliance."""

from tests.measures.episodes import hours
from waterbed.model.takedown import AddressedNotice, NoticeContext


def told_of(*notices, since=None):
    """What is known beside the episodes: notices by URL, and since when URLs are under study."""
    by_url = {}
    for one in notices:
        by_url.setdefault(one.url_id, []).append(one)
    return NoticeContext(notices=by_url, known_since=since or {})


def notice(n, delivered, *, sent=None, **other):
    """A notice about URL number n that arrived so many hours after the start, None: nobody knows."""
    at = delivered if sent is None else sent
    values = {
        "notice_id": f"n{n}-{at}-{other.get('kind', '')}",
        "url_id": f"u{n}",
        "site_id": f"s{n}",
        "kind": "ntd",
        "sender": "hotline",
        "recipient": "acme",
        "hosters": ("acme",),
        "addressed": "direct",
        "role": "hoster",
        "look_h": 0.0,
        "sent_at": hours(at),
        "delivered_at": None if delivered is None else hours(delivered),
        "bounced": False,
        "reminder": False,
        "batch": None,
        "acknowledged_at": None,
        "response": None,
        "held_for_police": False,
    }
    return AddressedNotice(**(values | other))
