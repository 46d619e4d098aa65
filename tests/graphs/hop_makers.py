"""Hops and stays for the tests of the graph, made from hours."""

from datetime import UTC, datetime, timedelta
from typing import Any

from waterbed.model.conclusions import Episode, Hop

START = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday: hour 168 begins the next ISO week."""


def hour(n: float) -> datetime:
    return START + timedelta(hours=n)


def hop(
    left: str,
    arrived: str,
    gone: tuple[float, float],
    came: tuple[float | None, float],
    *,
    order: str | None = None,
    content: str = "c",
    before: tuple[str, ...] = ("NL",),
    after: tuple[str, ...] = ("US",),
    **more: Any,
) -> Hop:
    """A hop that left in the hours `gone` and arrived in the hours `came`, with the order class these give."""
    since, seen = came
    if order is None:
        sequential = since is not None and since >= gone[1]
        order = "sequential" if sequential else "parallel" if seen <= gone[0] else "unknown"
    told: dict[str, Any] = {"from_url_id": "u1", "to_url_id": "u2", "kind": "copy", "evidence": ("content_id",), **more}
    return Hop(
        content_id=content,
        from_hoster=left,
        to_hoster=arrived,
        from_countries=before,
        to_countries=after,
        left_after=hour(gone[0]),
        left_before=hour(gone[1]),
        arrived_after=None if since is None else hour(since),
        arrived_before=hour(seen),
        order=order,  # type: ignore[arg-type]
        levels=("organisation",),
        **told,
    )


def sure(left: str, arrived: str, begin: float, **more: Any) -> Hop:
    """A sequential hop: left within the hour after `begin`, arrived within the hour after that."""
    return hop(left, arrived, (begin, begin + 1), (begin + 1, begin + 2), **more)


def stay(hoster: str, up: float, down: float | None = None, *, url: str = "u", content: str = "c") -> Episode:
    """A URL that was known up at a hoster from an hour on, and removed within the hour before `down`."""
    return Episode(
        url_id=url,
        content_id=content,
        site_id="s",
        hoster=hoster,
        hosters=(hoster,),
        origins=(ord(hoster),),
        countries=("NL",),
        addresses=(),
        proxy=False,
        known_up_at=hour(up),
        reported_at=None,
        absent_at=None,
        first_up=hour(up),
        last_up=hour(up + 5 if down is None else down - 1),
        first_down=None if down is None else hour(down),
        cause=None if down is None else "removed",
        looks=3,
        unknown_looks=0,
    )
