"""Movements with known truth: sites that come up at places, are taken down, and move."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from waterbed.graphs.displacement.event import Event
from waterbed.graphs.displacement.movements import Gain, Movements, PlacedReport, Spell
from waterbed.graphs.displacement.series import Series
from waterbed.graphs.displacement.takedowns import Takedown
from waterbed.model.table import TableInfo

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY_H = 24.0
CONTROLS = tuple(f"c{n}" for n in range(24))
SPARED = ("d1", "d2")
HEADING = TableInfo(
    what="displacement", by="hoster", clock="reported", window="", method="", data_dates={}, run="r", version="0"
)


def day(n: float) -> datetime:
    return START + timedelta(days=n)


def event(**changes: Any) -> Event:
    plain: dict[str, Any] = {
        "target": "t",
        "date": day(160),
        "chosen_until": day(150),
        "controls": CONTROLS,
        "buffer": ("b",),
        "buffer_controls": SPARED,
        "before": 20,
        "after": 7,
    }
    return Event(**{**plain, **changes})


def gain(place: str, seen: float, number: int, **changes: Any) -> Gain:
    plain: dict[str, Any] = {
        "content_id": f"content{number}",
        "url_id": f"url{number}-{place}",
        "site_id": f"site{number}",
        "cluster": number,
        "place": place,
        "side": "home" if place == "t" else "abroad",
        "category": "phishing",
        "seen": seen,
        "absent": float("-inf"),
        "first_ever": True,
        "left": None,
        "left_at": float("inf"),
        "order": None,
    }
    return Gain(**{**plain, **changes})


def spell(place: str, started: float, number: int, *, gone: float = float("inf")) -> Spell:
    return Spell(
        content_id=f"content{number}",
        url_ids=frozenset({f"url{number}-{place}"}),
        place=place,
        cluster=number,
        site_id=f"site{number}",
        category="phishing",
        started=started,
        last_up=min(gone - 1.0, 180 * DAY_H),
        gone=gone,
        taken_down=gone < float("inf"),
    )


def movements(gains: list[Gain], spells: list[Spell] | None = None, *, days: float = 180.0) -> Movements:
    return Movements(
        zero=START,
        until=day(days),
        gains=sorted(gains, key=lambda one: one.seen),
        spells=spells or [],
        reports=[PlacedReport(when=one.seen, place=one.place, source="feed", cluster=one.cluster) for one in gains],
        sources_of={one.url_id: frozenset({"hotline"}) for one in gains},
    )


def world(
    seed: int, *, fall: float = 1.0, moved: float = 0.0, to: str = "b", days: int = 180, at: int = 160
) -> Movements:
    """Six new sites a day at the target, three at each control; from the event on `fall` of them at the target.

    Of what the target had in the week after the event all is taken down, and a part `moved` comes up at `to` within two
    days.
    """
    rng = np.random.default_rng(seed)
    gains: list[Gain] = []
    spells: list[Spell] = []
    number = 0
    for place in ("t", "b", *SPARED, *CONTROLS):
        for one in range(days):
            mean = 6.0 * (fall if one >= at else 1.0) if place == "t" else 3.0
            for _ in range(rng.poisson(mean)):
                number += 1
                seen = (one + rng.random()) * DAY_H
                gains.append(gain(place, seen, number))
                gone = seen + rng.exponential(30 * DAY_H)
                if place == "t" and at - 5 <= one < at + 5:
                    gone = max(seen, at * DAY_H) + rng.uniform(1, 24)
                    if rng.random() < moved:
                        gains.append(_again(to, gone, rng.uniform(1, 40), number))
                spells.append(spell(place, seen, number, gone=gone if gone < days * DAY_H else float("inf")))
    return movements(gains, spells, days=days)


def _again(place: str, gone: float, later: float, number: int) -> Gain:
    """The same content at another place, surely after its end."""
    when = gone + later
    return gain(
        place,
        when,
        number,
        url_id=f"again{number}",
        site_id=f"again{number}",
        first_ever=False,
        left="t",
        left_at=gone,
        absent=when - 0.5,
        order="sequential",
    )


def series(found: Movements, **changes: Any) -> Series:
    asked = event(**changes)
    return Series(event=asked, movements=found, takedowns=_takedowns(asked, found))


def _takedowns(asked: Event, found: Movements) -> list[Takedown]:
    """Each stay at the target that ended after the event, early enough, with the gain that is of the same site."""
    start, end = (found.hours(when) for when in (asked.at, asked.window[1]))
    moved = {one.content_id: one for one in found.gains if one.left == asked.target and one.order == "sequential"}
    made = []
    for one in found.spells:
        if one.place == asked.target and start <= one.gone < end and one.gone + asked.horizon_h <= found.end:
            again = moved.get(one.content_id)
            sure = again is not None and again.seen - one.last_up <= asked.horizon_h
            ways = (False, sure, False, False) if again and again.side == "home" else (False, False, sure, False)
            made.append(
                Takedown(
                    url_id=min(one.url_ids),
                    content_id=one.content_id,
                    site_id=one.site_id,
                    hoster=one.place,
                    certain=ways,
                    possible=ways,
                )
            )
    return made
